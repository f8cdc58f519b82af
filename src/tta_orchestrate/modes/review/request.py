"""What a review is asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass

from tta_orchestrate.domain.change import Change
from tta_orchestrate.domain.evidence import Scope
from tta_orchestrate.domain.finding import Candidate, Rejected
from tta_orchestrate.domain.identity import PreviousRun
from tta_orchestrate.domain.outcome import OnPartial
from tta_orchestrate.domain.policy import Policy
from tta_orchestrate.domain.report import Subject
from tta_orchestrate.domain.skips import Skipper
from tta_orchestrate.modes.review.history import IsAncestor
from tta_orchestrate.modes.review.local import ReadTexts
from tta_orchestrate.modes.review.merge import Said
from tta_orchestrate.modes.review.reader import Options
from tta_orchestrate.ports import Check
from tta_orchestrate.ports.model import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """Everything that one review needs to know; nothing in it comes from the head's configuration."""

    change: Change
    skipper: Skipper
    checks: Sequence[Check]
    policy: Policy = Policy()
    scope: Scope = Scope.CHANGED
    on_partial: OnPartial = OnPartial.NEUTRAL
    read_head: ReadTexts | None = None
    """``None`` when only a diff is known."""
    read_base: ReadTexts | None = None
    imported: Sequence[Candidate] = ()
    """Claims of other tools (SARIF); a missing quote is filled in from the file."""
    refused: Sequence[Rejected] = ()
    """Claims of other tools that are malformed, or that the tool itself suppressed."""
    subject: Subject = Subject()
    notices: Sequence[str] = ()
    engine: Engine | None = None
    """``None``, or an engine without an executor: local checks only."""
    options: Options = Options()
    """How models read."""
    previous: PreviousRun | None = None
    is_ancestor: IsAncestor | None = None
    dismissed: frozenset[str] = frozenset()
    """Fingerprints that somebody dismissed: resolved threads."""
    said: Sequence[Said] = ()
    """What other reviewers have said on this change already."""
