"""The sidecar manifest: the evidence for every block, outside the pages. One JSON object per line, sorted by page.

The first line describes the run. Each page's line holds what the index needs (facts), what the page asked of the index
(questions, digest of the answers), the evidence per symbol (digest, lines, commit), what models wrote, and the hash of
every generated block.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tta_orchestrate.errors import SourceError
from tta_orchestrate.modes.docgen.index import Facts
from tta_orchestrate.modes.docgen.merge import Known

VERSION: Final = 1
FILENAME: Final = ".docgen/manifest.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a symbol's documentation comes from: digest of its lines, the lines, and the commit they were read at."""

    digest: str
    start_line: int
    end_line: int
    commit: str
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """What a model wrote about a symbol, and the digest of the code it was written for."""

    text: str
    model: str
    digest: str
    checked: str = "truth-gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRecord:
    """One page."""

    key: str
    path: str
    """The source file, ``""`` for pages about the whole."""
    file: str
    """The page file below the docs folder."""
    digest: str
    """Of the source file."""
    facts: Facts | None = None
    questions: tuple[str, ...] = ()
    answers: str = ""
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    prose: Mapping[str, Prose] = field(default_factory=dict)
    head: str = ""
    blocks: list[Any] | None = None
    """``Known.to_json`` of the generated blocks; taken apart only when the page is merged."""
    removed: bool = False

    @property
    def known(self) -> Known | None:
        """The blocks as they were generated last time."""
        return Known.from_json(self.blocks) if self.blocks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRecord:
    """One test file: which names its tests call."""

    path: str
    digest: str
    tests: tuple[tuple[str, int, int, tuple[str, ...]], ...] = ()
    """Name, first and last line, slash paths called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All records of a docs folder. ``signature`` covers everything but the sources that pages depend on."""

    signature: str = ""
    writer: str = ""
    index: str = ""
    """Digest of the index of the last complete run, ``""`` after a partial one."""
    commit: str = ""
    """The version of the sources when something was last written, ``""`` when it is not known."""
    pages: Mapping[str, PageRecord] = field(default_factory=dict)
    tests: Mapping[str, TestRecord] = field(default_factory=dict)

    def dump(self) -> str:
        """Return the text of the file."""
        header = {
            "manifest": VERSION,
            "signature": self.signature,
            "writer": self.writer,
            "index": self.index,
            "commit": self.commit,
        }
        lines = [header, *(_page_json(self.pages[key]) for key in sorted(self.pages))]
        lines += [{"test": t.path, "digest": t.digest, "tests": t.tests} for _, t in sorted(self.tests.items())]
        return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)

    @classmethod
    def load(cls, text: str) -> "Manifest":
        """Read what ``dump`` wrote.

        Raises:
            SourceError: it is no manifest, or of a version this program does not know.
        """
        try:
            header, *rest = [json.loads(line) for line in text.splitlines() if line.strip()]
            if header.get("manifest") != VERSION:
                raise SourceError(f"manifest version {header.get('manifest')!r} is unknown", remedy=_REMEDY)
            pages = [_page(data) for data in rest if "page" in data]
            tests = [_test(data) for data in rest if "test" in data]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise SourceError(f"the docs manifest {FILENAME} is broken", remedy=_REMEDY) from error
        return cls(
            signature=header["signature"],
            writer=header["writer"],
            index=header["index"],
            commit=header.get("commit", ""),
            pages={page.key: page for page in pages},
            tests={test.path: test for test in tests},
        )


def documented_commit(text: str) -> str:
    """Return ``Manifest.commit`` of a manifest's text without reading all of it, ``""`` when it has none."""
    try:
        commit = json.loads(text.partition("\n")[0] or "{}").get("commit", "")
    except (ValueError, AttributeError):
        return ""
    return commit if isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit) else ""


_REMEDY: Final = "restore it from version control, or delete it: pages are then made anew and edits are kept by id"


def _page_json(page: PageRecord) -> dict[str, Any]:
    return {
        "page": page.key,
        "path": page.path,
        "file": page.file,
        "digest": page.digest,
        "facts": asdict(page.facts) if page.facts else None,
        "questions": page.questions,
        "answers": page.answers,
        "evidence": {k: [e.digest, e.start_line, e.end_line, e.commit, e.id] for k, e in sorted(page.evidence.items())},
        "prose": {k: asdict(p) for k, p in sorted(page.prose.items())},
        "head": page.head,
        "blocks": page.blocks,
        **({"removed": True} if page.removed else {}),
    }


def _page(data: Mapping[str, Any]) -> PageRecord:
    return PageRecord(
        key=data["page"],
        path=data["path"],
        file=data["file"],
        digest=data["digest"],
        facts=_facts(data["facts"]) if data["facts"] else None,
        questions=tuple(data["questions"]),
        answers=data["answers"],
        evidence={
            k: Evidence(digest=e[0], start_line=e[1], end_line=e[2], commit=e[3], id=e[4])
            for k, e in data["evidence"].items()
        },
        prose={k: Prose(**p) for k, p in data["prose"].items()},
        head=data["head"],
        blocks=data["blocks"],
        removed=bool(data.get("removed")),
    )


def _facts(data: Mapping[str, Any]) -> Facts:
    calls = {k: tuple(v) for k, v in data["calls"].items()}
    return Facts(**{**data, "calls": calls, "imports": tuple(data["imports"])})


def _test(data: Mapping[str, Any]) -> TestRecord:
    tests = tuple((t[0], t[1], t[2], tuple(t[3])) for t in data["tests"])
    return TestRecord(path=data["test"], digest=data["digest"], tests=tests)
