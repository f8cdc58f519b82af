"""Parts of ``cost_tracking``: where the books are kept, and limits of days and months."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from tta_orchestrate.domain.ledger import Window
from tta_orchestrate.settings.section import Section


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; name one like Europe/Berlin") from error
    return name


Zone = Annotated[
    str,
    Field(max_length=64, pattern=r"^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]*)+)$"),
    AfterValidator(_known),
]
"""An IANA name."""


class OnLimit(StrEnum):
    """What a run does when a hard limit of the day or month is used up."""

    LOCAL = "local"
    SKIP = "skip"
    FAIL = "fail"


class Store(StrEnum):
    """Where the books are."""

    AUTO = "auto"
    BRANCH = "branch"
    ARTIFACTS = "artifacts"
    FILE = "file"


class OnOutage(StrEnum):
    """What a run does when the books cannot be read."""

    RUN_LIMIT = "run-limit"
    STOP = "stop"


class SpendingLimit(Section):
    """One more limit, for everything or for one mode or model."""

    window: Window
    """`day` or `month`."""
    limit_usd: Decimal = Field(ge=0)
    """US dollars."""
    hard: bool = True
    """Hard: nothing is spent beyond it. Soft: it is only reported."""
    mode: str = Field(default="", pattern="^(|review|test-gen|docgen)$")
    """Only runs of this mode."""
    model: str = Field(default="", max_length=200)
    """Only calls to this model: a name of the catalogue, or the name that is sent to the provider."""


class LedgerSettings(Section):
    """Where the books across runs are kept."""

    store: Store = Store.AUTO
    """`auto`: the branch on GitHub, an artifact where the token may not write, a local file elsewhere."""
    branch: str = Field(default="tta-ledger", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")
    """An orphan branch; the job needs `contents: write`."""
    url: str | None = Field(default=None, pattern=r"^(https|http|file)://[^@\s]+$")
    """Another repository for the branch; the job's own by default. Plain http only on this machine."""
    file: str | None = Field(default=None, max_length=1024)
    """The local file; `tta-orchestrate/ledger.jsonl` in the user's state folder by default."""
    lease_minutes: int = Field(default=90, ge=1, le=10_080)
    """How long money stays set aside: the job's timeout and a margin."""
    on_outage: OnOutage = OnOutage.RUN_LIMIT
    """Books out: `run-limit` goes on under the limit of the run alone, `stop` calls no model."""
