"""Section ``test_gen``: how tests are generated."""

from enum import StrEnum

from pydantic import Field

from tta_orchestrate.settings.section import Section


class SandboxPolicy(StrEnum):
    """Whether code may run without the sandbox."""

    REQUIRE = "require"
    OFF = "off"


class TestGen(Section):
    """How tests are generated."""

    python: str = ""
    """Interpreter of the repository; empty: a virtual environment found in it, else the one this program runs in."""
    sandbox: SandboxPolicy = SandboxPolicy.REQUIRE
    """``require`` refuses to execute where a layer of the sandbox is missing; ``off`` is for code that is trusted."""
    seconds_per_target: float = Field(default=60.0, gt=0)
    """Time for one file, its existing suite not counted."""
    suite_seconds: float = Field(default=300.0, gt=0)
    """Time for the repository's own suite; what did not run by then is left out, and said."""
    total_seconds: float = Field(default=1800.0, gt=0)
    """Time for the whole run; targets that are not begun by then are reported as not done."""
    max_targets: int = Field(default=20, ge=1)
    """Most files per run, largest gaps first."""
    max_tests: int = Field(default=80, ge=1)
    """Most cases per file."""
    mutants: int = Field(default=200, ge=1)
    """Most mutants per file."""
    memory_mib: int = Field(default=2048, ge=256)
    """Address space of each test process."""
    loopback: bool = False
    """Let tests talk to themselves over a loopback interface of their own."""
    setup: tuple[str, ...] = ()
    """Command of the *prep* container, a word per item, that installs what tests need; read from the base commit."""
    setup_for_forks: bool = False
    """Run ``setup`` for pull requests of forks as well."""
    batch: bool = False
    """Send the models' work to the vendors' batches, at half the price: one run submits, a later one collects."""
    delivery_folders: tuple[str, ...] = ()
    """Folders that ``tta-orchestrate deliver`` may write to; empty: those with tests at the base, or that name."""
    seed: int = 0
    """Same seed, same search (as far as time allows)."""
