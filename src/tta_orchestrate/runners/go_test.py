"""``go test``, offline: what is not in the tree or its ``vendor`` folder cannot be imported. Lines, no branches."""

import json
import posixpath
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import (
    CACHE,
    FAILED,
    OUT,
    PASSED,
    SKIPPED,
    TOOLS,
    Answer,
    Ask,
    Command,
    Files,
    Host,
    Kit,
    Missing,
    Proposal,
    Ran,
    SuiteRun,
    Symbol,
    TestRunner,
    Words,
)  # fmt: skip
from tta_orchestrate.syntax import gotests

_OUTCOMES: Final = {"pass": PASSED, "skip": SKIPPED}
_NOISE: Final = re.compile(r"^\s*(?:=== |--- |PASS$|FAIL$|FAIL\t|ok  \t|exit status )")
_SHORT, _LONG = "5s", "120s"
_SCRIPT: Final = """
names=$1; file=$2; out=$3; shift 3
if [ -z "$names" ] && [ -n "$file" ]; then
  names=$(sed -n 's/^func \\(Test[A-Za-z0-9_]*\\)(.*/\\1/p' "$file" | paste -sd '|' -)
  [ -n "$names" ] || names='none'
fi
for folder in "$@"; do
  case $folder in ./*) grep -os '^func Test[^(]*' /dev/null "$folder"/*_test.go ;; esac
done > "$out/names"
[ -z "$names" ] || set -- "-run=^($names)\\$" "$@"
"$GO" test -json -vet=off -count=1 "$@" > "$out/tests.jsonl" 2> "$out/errors"
cat "$out/errors"
exit 0
"""
_WORDS: Final = Words(
    framework="Go tests with the package testing alone",
    rules="imports, then one function `func TestNameAsGiven(t *testing.T) { ... }`, in the package of the tested code; "
    "checks with if and t.Errorf or t.Fatalf, that say what was got and what was wanted; no subtests; the name begins "
    "with Test and a capital letter",
    example='import "strings"\n\nfunc TestUpperOfAWord(t *testing.T) {\n\tgot := strings.ToUpper(Word(1))\n'
    '\tif got != "ONE" {\n\t\tt.Errorf("got %q, want ONE", got)\n\t}\n}',
)


@dataclass(frozen=True, slots=True)
class GoTest:
    """The runner of the Go distribution."""

    name: str = "go test"
    language: str = "Go"
    suffixes: tuple[str, ...] = (".go",)
    batch: int = 8
    words: Words = _WORDS

    def claim(self, tree: Files, source: str) -> int:
        """Return 2: nothing else here tests Go."""
        del tree, source
        return 2

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Find Go and the module of *source*."""
        go = host.which("go")
        if go is None:
            return Missing(reason="go is not installed here (apt-get install golang-go, or actions/setup-go)")
        paths = set(tree.files())
        folder = _module(source, paths)
        if folder is None:
            return Missing(reason="there is no go.mod above the file: only modules can be tested")
        mod = tree.read(posixpath.join(folder, "go.mod"))
        module = re.search(r"^module\s+(\S+)", mod, re.MULTILINE)
        root = Path(go).resolve().parent.parent
        name = module.group(1).strip('"') if module else "command-line-arguments"
        vendored = posixpath.join(folder, "vendor/modules.txt") in paths
        return Kit(
            programs={"go": go}, version="go test, lines only: Go measures no branches", folder=folder,
            binds=() if str(root).startswith("/usr/") else (str(root),),
            facts={
                "module": name, "mod": "vendor" if vendored else "mod",
                "package": gotests.package_of(tree.read(source)),
            },
        )  # fmt: skip

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return every ``_test.go``."""
        return tuple(p for p in tree.files() if p.endswith("_test.go") and "/vendor/" not in f"/{p}")

    def place(self, tree: Files, source: str, kit: Kit) -> str:
        """Return a path beside *source*: Go wants it there."""
        del kit
        existing = set(tree.files())
        stem = source.removesuffix(".go")
        return next(p for n in ("", *range(2, 99)) if (p := f"{stem}_generated{n}_test.go") not in existing)

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take a proposal apart."""
        return gotests.read(name, code, symbol)

    def write(self, proposals: Sequence[Proposal], source: str, place: str, kit: Kit) -> str:
        """Return a test file."""
        del place
        return gotests.write(proposals, about=source, package=kit.facts["package"])

    def loads(self, source: str, place: str, kit: Kit) -> str:
        """Return a file whose test does nothing: the package is loaded whenever a test of it runs."""
        return self.write(
            [Proposal(name="TestLoads", imports={}, body="func TestLoads(t *testing.T) {}")], source, place, kit
        )

    def refusals(self, proposal: Proposal, source: str, kit: Kit) -> str:
        """Read it."""
        del source
        return gotests.refusal(proposal, (kit.facts["module"],))

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return its functions."""
        return gotests.symbols(text)

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return its mutants."""
        return gotests.mutants(text)

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return ``go test`` on the packages of the files; of one file only its own tests run."""
        inside = [posixpath.relpath(path, kit.folder or ".") for path in ask.tests]
        packages = sorted({f"./{posixpath.dirname(path)}" for path in inside}) or ["./..."]
        alone = f"./{inside[0]}" if len(inside) == 1 else ""
        options = [f"-timeout={_SHORT if '_generated' in alone else _LONG}"]
        if ask.sources:
            where = sorted({posixpath.dirname(posixpath.relpath(p, kit.folder or ".")) for p in ask.sources})
            options += [f"-coverprofile={OUT}/cover", f"-coverpkg={','.join(f'./{folder}' for folder in where)}"]
        if ask.env:  # another world: another order too
            options.append(f"-shuffle={zlib.crc32(repr(sorted(ask.env.items())).encode())}")
        go = kit.programs["go"]
        return Command(
            steps=(("/bin/sh", f"{TOOLS}/run.sh", "|".join(ask.names), alone, OUT, *options, *packages),),
            env={
                "PATH": "/usr/bin:/bin", "GO": go, "GOFLAGS": f"-mod={kit.facts['mod']}", "GOPROXY": "off",
                "GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOTELEMETRY": "off", "CGO_ENABLED": "0", "GOWORK": "off",
                "GOCACHE": f"{CACHE}/go", "GOPATH": f"{CACHE}/gopath", "TZ": "UTC", "LANG": "C.UTF-8", **ask.env,
            },
            tools={"run.sh": _SCRIPT},
            results=("tests.jsonl", "cover", "errors", "names"),
        )  # fmt: skip

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read the events and the profile."""
        records = list(_records(answer.files.get("tests.jsonl", "")))
        files = _files(answer.files.get("names", ""), ask, kit)
        tests = tuple(_ran(one, files) for one in gotests.outcomes(records))
        profile = answer.files.get("cover", "")
        coverage = {
            path: gotests.measure(profile, _in_module(path, kit), texts[path]) for path in ask.sources if profile
        }
        coverage = {path: measured for path, measured in coverage.items() if measured.all_lines}
        said = "".join(str(r.get("Output", "")) for r in records if r.get("Action") == "output" and not r.get("Test"))
        error = "" if tests else (answer.files.get("errors", "") + said).strip()[-1000:] or answer.cut or "no test ran"
        return SuiteRun(tests=tests, coverage=coverage, error=error)


def _module(source: str, paths: set[str]) -> str | None:
    folder = posixpath.dirname(source)
    while posixpath.join(folder, "go.mod") not in paths:
        if not folder:
            return None
        folder = posixpath.dirname(folder)
    return folder


def _in_module(path: str, kit: Kit) -> str:
    return f"{kit.facts['module']}/{posixpath.relpath(path, kit.folder or '.')}"


def _records(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def _files(listed: str, ask: Ask, kit: Kit) -> dict[tuple[str, str], str]:
    """Return where each test stands, by its package and name; a file that is asked for alone holds what runs."""
    found = {}
    for line in listed.splitlines():
        path, _, head = line.partition(":func ")
        path = posixpath.normpath(posixpath.join(kit.folder, path))
        package = posixpath.dirname(_in_module(path, kit))
        if head and (len(ask.tests) != 1 or path in ask.tests):
            found[package, head.strip()] = path
    return found


def _ran(one: tuple[str, str, str, float, str], files: Mapping[tuple[str, str], str]) -> Ran:
    package, test, action, seconds, output = one
    said = " ".join(line.strip() for line in output.splitlines() if not _NOISE.match(line))
    error = "" if action == "pass" else said or "ended the whole process, or did not end"
    return Ran(
        name=test, outcome=_OUTCOMES.get(action, FAILED), seconds=seconds, error=error[:2000],
        asserted=action == "fail" and "panic:" not in output, file=files.get((package, test), ""),
    )  # fmt: skip


RUNNER: Final[TestRunner] = GoTest()
