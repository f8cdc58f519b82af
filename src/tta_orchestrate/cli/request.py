"""What the Action's step asks of a mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tta_orchestrate.cli.earlier import Known
    from tta_orchestrate.github.api import GitHub


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run of one mode, as the event and the inputs ask for it."""

    mode: str
    workspace: Path
    """The checkout; read-only."""
    objects: Path
    """A repository that holds *base* and *head*: the checkout, or a bare one that was fetched."""
    output: Path
    """Where the results go."""
    config: str
    """Path of the configuration in the base commit; empty: its default places."""
    base: str
    """Empty: what the mode itself compares with."""
    head: str
    paths: tuple[str, ...]
    fail_on: str | None
    budget_usd: Decimal | str | None
    trusted: bool
    """False: never execute anything of the change."""
    title: str
    repository: str
    server_url: str
    environ: Mapping[str, str]
    """The process's environment, with the keys of the inputs under the providers' usual names."""
    api: "GitHub | None" = None
    """The way to the repository on GitHub, ``None`` without a token."""
    known: "Known | None" = None
    """What GitHub tells of the review before and of other reviewers; ``None`` where no model can be asked."""
    order: Callable[[str], None] = lambda _: None
    """Tells the launcher, if there is one, to start or stop a container beside this one."""
