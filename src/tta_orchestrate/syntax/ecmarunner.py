"""What the plug-ins for ``node:test``, vitest and jest share: packages, places, proposals, functions and mutants."""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import (
    FAILED,
    PASSED,
    SKIPPED,
    Answer,
    Ask,
    Files,
    Host,
    Kit,
    Missing,
    Proposal,
    Ran,
    SuiteRun,
    Symbol,
    Words,
)
from tta_orchestrate.syntax import ecmatests
from tta_orchestrate.syntax.ecmatests import Framework

PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ENDINGS: Final = re.compile(r"\.[cm]?[jt]sx?\Z")
_CALLED: Final = re.compile(r"\.(?:test|spec)(?=\.[cm]?[jt]sx?\Z)")
_NODE: Final = "install Node.js 20 or newer, or run where it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class EcmaRunner:
    """The common part of a plug-in; what differs is in its fields and in the methods that each one adds."""

    name: str
    language: str
    suffixes: tuple[str, ...]
    framework: Framework
    words: Words
    found: str
    """Pattern of the paths of existing tests."""
    batch: int = 1

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return the existing test files."""
        pattern = re.compile(self.found)
        return tuple(p for p in tree.files() if pattern.search(p))

    def place(self, tree: Files, source: str, kit: Kit) -> str:
        """Return a path in the folder of the existing tests of the package, else in its folder ``test``."""
        existing = set(tree.files())
        folder = kit.facts["package"]
        mine = [p for p in self.tests(tree) if not folder or p.startswith(f"{folder}/")]
        stem = _ENDINGS.sub("", posixpath.basename(source))
        nearest = min(mine, key=lambda p: (stem not in p, -_common(p, source), len(p), p), default="")
        folder = posixpath.dirname(nearest) if nearest else posixpath.join(folder, "test")
        called = _CALLED.search(nearest)
        ending = (called.group() if called else ".test") + (kit.facts.get("ending") or posixpath.splitext(source)[1])
        names = (posixpath.join(folder, f"{stem}.generated{n}{ending}") for n in ("", *map(str, range(2, 99))))
        return next(path for path in names if path not in existing)

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take a proposal apart."""
        return ecmatests.read(name, code, symbol, self.framework, self.suffixes)

    def write(self, proposals: Sequence[Proposal], source: str, place: str, kit: Kit) -> str:
        """Return a test file."""
        del place
        required = kit.facts.get("module") == "required"
        return ecmatests.write(proposals, self.framework, about=source, required=required)

    def loads(self, source: str, place: str, kit: Kit) -> str:
        """Return a file that only imports *source*."""
        path = json.dumps(ecmatests.specifier(place, source))
        required = kit.facts.get("module") == "required"
        head = [] if required else [f"import {path};"]
        body = f"() => {{ require({path}); }}" if required else "() => {}"
        return "\n".join([*self.framework.head, *head, "", f'test("loads", {body});', ""])

    def refusals(self, proposal: Proposal, source: str, kit: Kit) -> str:
        """Read it."""
        packages = kit.facts.get("packages", "").split()
        return ecmatests.refusal(proposal, source, self.suffixes, self.framework, packages)

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return its functions."""
        return ecmatests.symbols(text, self.suffixes)

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return its mutants."""
        return ecmatests.mutants(text, self.suffixes)


def _common(one: str, other: str) -> int:
    return len(posixpath.commonprefix([one, other]))


def package(tree: Files, source: str) -> tuple[str, dict[str, Any]]:
    """Return the folder of the nearest ``package.json`` above *source*, and what it says."""
    paths = set(tree.files())
    for folder in _upwards(posixpath.dirname(source)):
        path = posixpath.join(folder, "package.json")
        if path in paths:
            return folder, _object(tree.read(path))
    return "", {}


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def _object(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def dependencies(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every package that a manifest names."""
    kinds = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
    found = (manifest.get(kind) for kind in kinds)
    return tuple(sorted({str(name) for one in found if isinstance(one, dict) for name in one}))


def claim(tree: Files, source: str, name: str) -> int:
    """Return 3 where the package's script ``test`` runs *name*, 2 where the package or one above names it, else 0."""
    return max((sure for _, sure in _naming(tree, source, name)), default=0)


def _naming(tree: Files, source: str, name: str) -> Iterator[tuple[str, int]]:
    """Yield the folders at and above *source* whose manifest names the runner *name*, and how surely."""
    paths = set(tree.files())
    for folder in _upwards(posixpath.dirname(source)):
        path = posixpath.join(folder, "package.json")
        if path in paths:
            manifest = _object(tree.read(path))
            scripts = manifest.get("scripts")
            test = str(scripts.get("test", "")) if isinstance(scripts, dict) else ""
            if re.search(rf"\b{name}\b", test):
                yield folder, 3
            elif name in dependencies(manifest):
                yield folder, 2


def equip(tree: Files, source: str, host: Host, *, needs: Sequence[tuple[str, ...]] = ()) -> Kit | Missing:
    """Find node and, in the ``node_modules`` at or above the package, one package of each of *needs*.

    The first of them is the runner: it runs in the nearest folder whose manifest names it.
    """
    node = host.which("node")
    if node is None:
        return Missing(reason=f"node is not installed here: {_NODE}")
    folder, manifest = package(tree, source)
    places = [posixpath.join(one, "node_modules") for one in _upwards(folder)]
    links = tuple(path for path in places if host.installed(path) == "")
    facts = {"package": folder, "packages": " ".join(dependencies(manifest))}
    facts["type"] = str(manifest.get("type", ""))
    home = next((one for one, _ in _naming(tree, source, needs[0][0])), folder) if needs else folder
    version = node
    for choices in needs:
        found = [(path, name) for path in links for name in choices if host.installed(f"{path}/{name}/package.json")]
        if not found:
            where = (
                f"no node_modules at or above {folder or 'the root'} has it" if links else "there is no node_modules"
            )
            return Missing(reason=f"{choices[0]} is needed and {where}: install the packages first (npm ci)")
        path, name = found[0]
        facts[choices[0]] = posixpath.relpath(f"{path}/{name}", home or ".")
        facts[f"{choices[0]} is"] = name
        said = _object(host.installed(f"{path}/{name}/package.json") or "").get("version", "")
        version = f"{name} {said}" if version == node else version
    return Kit(programs={"node": node}, version=version, folder=home, binds=_prefix(node), links=links, facts=facts)


def _prefix(program: str) -> tuple[str, ...]:
    """Return the folders of an installation outside of the system's own."""
    prefix = posixpath.dirname(posixpath.dirname(program))
    return () if program.startswith(("/usr/", "/bin/")) else (f"{prefix}/bin", f"{prefix}/lib")


def named(paths: Sequence[str], kit: Kit) -> list[str]:
    """Return *paths* of the tree as they are called in the kit's folder."""
    return [posixpath.relpath(path, kit.folder or ".") for path in paths]


def environment(ask: Ask) -> dict[str, str]:
    """Return the environment of a run."""
    own = {"PATH": PATH, "NODE_ENV": "test", "CI": "true", "NO_COLOR": "1", "TZ": "UTC", "LANG": "C.UTF-8"}
    own["OPENSSL_CONF"] = "/dev/null"  # in the box the system's own is there, but not to be read: node would not start
    return {**own, **ask.env}


def from_json(answer: Answer, ask: Ask) -> SuiteRun:
    """Read jest's JSON (vitest writes the same) and Istanbul's ``coverage-final.json``."""
    raw = _object(answer.files.get("tests.json", ""))
    files = raw.get("testResults")
    tests: list[Ran] = []
    errors: list[str] = []
    for one in files if isinstance(files, list) else []:
        if not isinstance(one, dict):
            continue
        path = str(one.get("name", "")).removeprefix(f"{answer.tree}/")
        found = one.get("assertionResults")
        tests += [_ran(t, path) for t in found if isinstance(t, dict)] if isinstance(found, list) else []
        if one.get("status") == "failed" and not found:
            errors.append(_plain(str(one.get("message", ""))))
    covered = _object(answer.files.get("coverage/coverage-final.json", ""))
    coverage = {}
    for path in ask.sources:
        if isinstance(entry := covered.get(f"{answer.tree}/{path}"), dict):
            coverage[path] = _istanbul(entry)
    error = "\n".join(errors) or ("" if tests else _plain(answer.output)[-1000:] or answer.cut or "no test was found")
    return SuiteRun(tests=tuple(tests), coverage=coverage, error=error[:2000])


def _ran(raw: Mapping[str, Any], path: str) -> Ran:
    status = str(raw.get("status"))
    outcome = {"passed": PASSED, "failed": FAILED}.get(status, SKIPPED)
    messages = raw.get("failureMessages")
    error = _plain(str(messages[0])) if isinstance(messages, list) and messages else ""
    head = error.split("\n    at ")[0]
    ms = raw.get("duration")
    titles = raw.get("ancestorTitles")
    above = [str(t) for t in titles] if isinstance(titles, list) else []
    return Ran(
        name=" ".join([*filter(None, above), str(raw.get("title"))]), outcome=outcome, file=path,
        seconds=ms / 1000 if isinstance(ms, int | float) else 0.0, error=head[:2000] if outcome == FAILED else "",
        asserted="AssertionError" in head or "expect(" in head.split("\n")[0],
    )  # fmt: skip


def _plain(text: str) -> str:
    return _ANSI.sub("", text).strip()


def _istanbul(entry: Mapping[str, Any]) -> Measured:
    try:
        first: dict[int, tuple[int, int]] = {}
        for key, place in entry["statementMap"].items():
            line, column = int(place["start"]["line"]), int(place["start"]["column"] or 0)
            if line not in first or column < first[line][0]:
                first[line] = (column, int(entry["s"][key]))
        every: set[tuple[int, int]] = set()
        taken: set[tuple[int, int]] = set()
        numbers: dict[int, int] = {}
        for line, count in _ways(entry):
            way = (line, numbers.get(line, 0))
            numbers[line] = way[1] + 1
            every.add(way)
            taken |= {way} if count else set()
    except (AttributeError, KeyError, TypeError, ValueError):
        return Measured()
    return Measured(
        lines=frozenset(n for n, (_, count) in first.items() if count), branches=frozenset(taken),
        all_lines=frozenset(first), all_branches=frozenset(every),
    )  # fmt: skip


def _ways(entry: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield line and count of every way: Istanbul's branches, and the functions that stand on one line."""
    for key in sorted(entry["branchMap"], key=int):
        line = int(entry["branchMap"][key]["loc"]["start"]["line"])
        yield from ((line, int(count)) for count in entry["b"][key])
    for key in sorted(entry["fnMap"], key=int):
        place = entry["fnMap"][key]["loc"]
        if place["start"]["line"] == place["end"]["line"]:
            yield int(place["start"]["line"]), int(entry["f"][key])
