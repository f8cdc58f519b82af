"""The door to test runners: what a plug-in in ``runners/`` promises to the test generation of its language.

A runner knows one way to run tests (``node:test``, JUnit …). It reads text and builds commands; it executes nothing.
Whatever runs, runs in the sandbox, in a fresh copy of the tree; what comes back is untrusted data.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant

TREE, OUT, TOOLS, CACHE = "@tree@", "@out@", "@tools@", "@cache@"
"""Placeholders in the arguments, environment and tool files of a command: the copy of the tree (writable, thrown away
afterwards), the folder for results, the folder of ``Command.tools``, and a folder that the runs of one job share."""
MARK = "tta-orchestrate: generated"
"""Stands in a comment line of its own at the head of every generated file; ``heading`` writes it."""
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def heading(source: str) -> tuple[str, str]:
    """Return the first two lines of the tests of *source*, in a language whose comments begin with ``//``.

    The path is a stranger's: no character of it ends a comment, or is read as another one.
    """
    plain = "".join(c if c.isprintable() and c != "\\" else "?" for c in source)
    return f"// {MARK}", f"// Tests of {plain}."


class Files(Protocol):
    """The tree to test: regular files that git knows, nothing installed."""

    def files(self) -> Iterable[str]:
        """Yield the paths, relative, with forward slashes."""
        ...

    def read(self, path: str) -> str:
        """Return the text of a file.

        Raises:
            OSError: it is not there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a runner may look at outside of the tree, to find what is installed. Nothing there is executed."""

    which: Callable[[str], str | None]
    """The absolute path of a program."""
    installed: Callable[[str], str | None]
    """The text of a file in the work tree that git ignores (``node_modules/jest/package.json``); ``""`` for a folder,
    ``None`` where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a runner needs for one source, found."""

    programs: Mapping[str, str]
    """Name to absolute path."""
    version: str = ""
    """For the report: ``node 20.20.2``."""
    folder: str = ""
    """The package that the source belongs to, relative to the tree: where commands run."""
    binds: tuple[str, ...] = ()
    """Folders of this machine outside of ``/usr`` that a job must see (a toolchain's own)."""
    links: tuple[str, ...] = ()
    """Installed folders of the work tree (``node_modules``), which the copy of the tree gets as folders of links."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """The runner's own notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The runner is the repository's own, but cannot work here: why, and what to do about it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A function or method and its lines, 1-based, inclusive."""

    name: str
    """``Class.method`` where it stands in a class."""
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One self-contained test, taken apart: what is placed where is decided here, never by a model."""

    name: str
    imports: Mapping[str, str]
    """Local name to what it means, in the runner's own form. Two tests that mean different things by one name cannot
    stand in one file: the later one is refused."""
    body: str
    """One test, with nothing around it."""
    symbol: str = ""
    """The function that it is for."""
    code: str = ""
    """As it was proposed."""
    checks: str = ""
    """The body without its name and without every expected value: what stays when a test is bent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One run of tests."""

    tests: tuple[str, ...]
    """Test files, relative to the tree; empty: the whole suite, as the repository runs it."""
    names: tuple[str, ...] = ()
    """Only these tests of the one file in ``tests``; empty: all."""
    sources: tuple[str, ...] = ()
    """Files whose coverage is wanted; empty: nothing is measured."""
    env: Mapping[str, str] = field(default_factory=dict)
    """On top of the command's own: ``TZ``, ``LANG`` …"""
    replaced: str = ""
    """The file whose text the variants take the place of."""
    variants: tuple[str, ...] = ()
    """Texts to run the tests with, one after the other in one process; only where the runner ``VariesInOneGo``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to run it. Every text may hold the placeholders above."""

    steps: tuple[tuple[str, ...], ...]
    """Argument lists with absolute programs, run one after the other until one fails, in the kit's folder."""
    env: Mapping[str, str] = field(default_factory=dict)
    """All of it: nothing is inherited. ``HOME`` and ``TMPDIR`` are given."""
    tools: Mapping[str, str] = field(default_factory=dict)
    """Files of ours that the steps need: name to text."""
    results: tuple[str, ...] = ()
    """Glob patterns, relative to ``@out@``, of the files to bring back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a command; all of it untrusted."""

    codes: tuple[int, ...] = ()
    """Exit status of each step that ran; negative: the number of the signal that killed it."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Path relative to ``@out@`` to text, for what ``Command.results`` names."""
    output: str = ""
    """The end of what it printed."""
    tree: str = ""
    """Where ``@tree@`` was."""
    cut: str = ""
    """Why it was ended early (``timeout`` …), ``""`` when it was not."""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every step ran and ended with 0."""
        return bool(self.codes) and not any(self.codes) and not self.cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one test ended: ``passed``, ``failed`` or ``skipped``."""

    name: str
    outcome: str
    file: str = ""
    """Relative to the tree; ``""`` where the runner does not tell."""
    seconds: float = 0.0
    error: str = ""
    """The message of the failure; for an assertion, expected and actual."""
    asserted: bool = False
    """Whether it was an assertion that failed (not an accident on the way to it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """What one run of tests showed."""

    tests: tuple[Ran, ...] = ()
    coverage: Mapping[str, Measured] = field(default_factory=dict)
    """By path, of the sources that were asked for and loaded."""
    error: str = ""
    """Why files did not load, or nothing was collected; ``""`` when all of it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a prompt says about the runner."""

    framework: str
    """``JavaScript tests for node:test``."""
    rules: str
    """The form of one test, in a few plain sentences."""
    example: str
    """One whole proposal, as its ``code`` has to look."""


@runtime_checkable
class VariesInOneGo(Protocol):
    """What a runner can do besides, where starting its process is dear: many mutants of a file in one run."""

    def variants(self, answer: Answer, ask: Ask, kit: Kit) -> tuple[SuiteRun, ...]:
        """Return what each of ``ask.variants`` showed, as far as the run got; the one at which it ended is the last."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """What a runner can do besides, where its own tools must be compiled: that once, before any run."""

    def preparation(self, kit: Kit) -> Command:
        """Return how; nothing of the repository may run in it, because its results are believed."""
        ...

    def prepared(self, answer: Answer, kit: Kit) -> Kit:
        """Return the kit with what came of it; the same kit where nothing did."""
        ...


class TestRunner(Protocol):
    """One way to run tests."""

    @property
    def name(self) -> str:
        """As people say it: ``node:test``."""
        ...

    @property
    def language(self) -> str:
        """``JavaScript``."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of the sources that it can test, dot included."""
        ...

    @property
    def batch(self) -> int:
        """How many runs may share one sandbox job (and its cache); 1: each has its own, and none meets another."""
        ...

    @property
    def words(self) -> Words:
        """What a model is told."""
        ...

    def claim(self, tree: Files, source: str) -> int:
        """Return how surely *source* is tested with this: 0 not, 1 if it is asked for, more: the repository says so."""
        ...

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Return what is needed to test *source*, or why that is not to be had and the remedy."""
        ...

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return the existing test files of the repository for this runner."""
        ...

    def place(self, tree: Files, source: str, kit: Kit) -> str:
        """Return the path of a new test file for *source*, beside the existing tests; never one that exists."""
        ...

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take the proposal of a model apart, or say what is wrong with its form."""
        ...

    def write(self, proposals: Sequence[Proposal], source: str, place: str, kit: Kit) -> str:
        """Return the text of the test file *place*, with ``MARK`` in its head. Same proposals in, same text out."""
        ...

    def loads(self, source: str, place: str, kit: Kit) -> str:
        """Return a test file with one test, ``loads``, that only loads *source*: no test earns anything with that."""
        ...

    def refusals(self, proposal: Proposal, source: str, kit: Kit) -> str:
        """Return why the static gate refuses it (no assertion that can fail, network, sleep, skip …), or ``""``."""
        ...

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return the functions of a source."""
        ...

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return every mutant of the functions in a source, in the order of the text, ids from 1."""
        ...

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return how to run it."""
        ...

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read what came back; *texts* are the sources asked for, as they were run. Never raises for odd data."""
        ...
