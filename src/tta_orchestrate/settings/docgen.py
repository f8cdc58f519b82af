"""Section ``docgen``: how documentation is made."""

from enum import StrEnum

from pydantic import Field

from tta_orchestrate.settings.section import Section


class Format(StrEnum):
    """The forms that pages can be written in."""

    LOGSEQ = "logseq"
    MARKDOWN = "markdown"
    MKDOCS = "mkdocs"
    OBSIDIAN = "obsidian"
    SPHINX = "sphinx"


class Publish(StrEnum):
    """What becomes of changed pages in the Action."""

    PATCH = "patch"
    """Only ``changes.patch`` in the results."""
    PULL_REQUEST = "pull-request"
    """One rolling pull request, opened once and then updated."""
    PUSH = "push"
    """Commits to ``branch``."""


class Docgen(Section):
    """How documentation is made."""

    path: str = Field(default="docs/tta", pattern=r"^[^/\\][^\\]*$")
    """The docs folder, relative to the repository: the only place that is written to. For Logseq, the graph."""
    format: Format = Format.LOGSEQ
    """How pages are spelled: Logseq OG file graph, Markdown, MkDocs, Obsidian, or Sphinx with MyST."""
    project: str = ""
    """Name of the whole, part of every block id; default: the repository's name."""
    include: tuple[str, ...] = ("**",)
    """What is documented, as gitignore patterns."""
    exclude: tuple[str, ...] = (
        "tests/",
        "/test/",
        "/docs/",
        "/doc/",
        "/examples/",
        "/benchmarks/",
        "/bench/",
        "/build/",
        "/dist/",
        "src/test/",
        "node_modules/",
        "vendor/",
        "third_party/",
        "site-packages/",
        "test_*.py",
        "*_test.py",
        "*_test.go",
        "conftest.py",
        "*.test.*",
        "*.spec.*",
        "*.min.js",
        "*.d.ts",
        "setup.py",
    )
    """What is not, even when included."""
    max_file_bytes: int = Field(default=1_000_000, gt=0)
    """Larger source files are skipped, and listed as such."""
    source_url: str = ""
    """Template of source links: ``{path}``, ``{commit}``, ``{start}``, ``{end}``; default: the repository's host."""
    prose_language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")
    """BCP 47 tag of the language that models write in."""
    fail_under: float = Field(default=0, ge=0, le=100)
    """Percentage of public symbols with prose below which the run fails."""
    max_removed_share: float = Field(default=0.3, ge=0, le=1)
    """Share of the known pages that may vanish or shrink to less than half in one run; above it nothing is written."""
    journal: bool = False
    """Logseq: add an entry with the changed pages to the journal of the day."""
    max_model_blocks: int = Field(default=200, ge=0)
    """Blocks that models may write in one run; the rest waits for the next."""
    batch: bool = False
    """Send the models' work to the vendors' batches, at half the price: one run submits, a later one collects."""
    publish: Publish = Publish.PATCH
    """What becomes of changed pages in the Action."""
    branch: str = Field(default="tta/docs", min_length=1)
    """The branch of the rolling pull request, or the one that is pushed to."""
