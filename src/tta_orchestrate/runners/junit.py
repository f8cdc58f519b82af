"""JUnit 5 (and JUnit 4 through its vintage engine) with JaCoCo, from the system's packages and the JDK's own compiler.

No build tool runs: it would want a registry, and it would execute the repository's build. A harness of ours
(``jvm/*.java``) compiles the sources, runs the tests on the JUnit Platform and measures them.
"""

import json
import posixpath
import re
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import (
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
from tta_orchestrate.syntax import javatests

_JUNIT: Final = (
    "junit-platform-launcher", "junit-platform-engine", "junit-platform-commons", "junit-jupiter-api",
    "junit-jupiter-engine", "junit-jupiter-params", "opentest4j", "apiguardian-api", "univocity-parsers",
)  # fmt: skip
_VINTAGE: Final = ("junit-vintage-engine", "junit4", "hamcrest")
_JACOCO: Final = ("org.jacoco.core", "asm", "asm-commons", "asm-tree", "asm-analysis")
_HARNESS: Final = Path(__file__).parent / "jvm"
_FLAGS: Final = (
    "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto", "-Xmx1g",
    "-Dfile.encoding=UTF-8",
)  # fmt: skip
_TEST: Final = re.compile(r"(?:^|/)(?:Test\w+|\w+(?:Test|Tests|TestCase))\.java$")
_OURS: Final = re.compile(r"Generated\d*Test\.java$")
_OLDEST, _NEWEST = 8, 20
"""Versions of Java: the oldest that JUnit 5 takes, the newest whose classes the system's JaCoCo can read."""
_INSTALL: Final = "apt-get install junit5 libjacoco-java default-jdk-headless"
_RELEASE: Final = re.compile(
    r"<(?:maven\.compiler\.(?:release|source)|release|source|java\.version)>\s*(?:1\.)?(\d+)\s*<"
    r"|(?:source|target)Compatibility\s*=?\s*(?:JavaVersion\.VERSION_)?['\"]?(?:1[._])?(\d+)"
    r"|JavaLanguageVersion\.of\((\d+)\)|(?m:^\s*options\.release\s*=\s*(\d+))"
)
_BUILDS: Final = ("pom.xml", "build.gradle", "build.gradle.kts")


_UNPACK: Final = ("/bin/sh", "-c", 'base64 -d "$1/harness" > "$1/harness.jar"', "sh", TOOLS)
_WORDS: Final = Words(
    framework="Java tests for JUnit 5",
    rules="import declarations, then one method `@Test void nameAsGiven() { ... }` without a class around it, without "
    "parameters and other annotations; checks with assertEquals(expected, actual), assertThrows(Type.class, () -> ...) "
    "and their like, which are imported already; the test stands in the package of the tested class",
    example="import java.util.List;\n\n@Test\nvoid halvesAnEvenNumber() {\n"
    "    assertEquals(List.of(2), new Half().of(4));\n}",
)


@dataclass(frozen=True, slots=True)
class JUnit:
    """JUnit on the JVM."""

    jars: Path = Path("/usr/share/java")
    """Where the system keeps its libraries."""
    machines: Path = Path("/usr/lib/jvm")
    patience: tuple[str, str] = ("4", "60")
    """Seconds after which a test of ours, and one of the repository, is stopped."""
    name: str = "JUnit"
    language: str = "Java"
    suffixes: tuple[str, ...] = (".java",)
    batch: int = 1
    words: Words = _WORDS

    def claim(self, tree: Files, source: str) -> int:
        """Return 2: nothing else here tests Java."""
        del tree, source
        return 2

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Find a JDK, JUnit and JaCoCo."""
        del host
        paths = set(tree.files())
        release = _release(tree, source, paths)
        if release > _NEWEST:
            return Missing(
                reason=f"the repository wants Java {release}; JaCoCo here reads classes up to Java {_NEWEST}"
            )
        missing = [jar for jar in (*_JUNIT, *_JACOCO) if not (self.jars / f"{jar}.jar").exists()]
        jdk = _jdk(self.machines, release)
        if jdk is None or missing:
            what = ", ".join([*missing, *([] if jdk else [f"a JDK for Java {release or 17}"])])
            return Missing(reason=f"not installed here: {what} ({_INSTALL})")
        facts = _layout(tree, source, paths)
        system = [j for j in (*_JUNIT, *_VINTAGE, *_JACOCO) if (self.jars / f"{j}.jar").exists()]
        facts["classpath"] = ":".join(str(self.jars / f"{jar}.jar") for jar in system)
        facts["release"] = str(release or min(jdk[1], 17))
        facts["nonce"] = secrets.token_hex(16)
        facts["junit"] = "4" if _is_junit4(tree, self.tests(tree)) else "5"
        return Kit(
            programs={"java": str(jdk[0] / "bin" / "java")}, version=f"JUnit {facts['junit']} on Java {jdk[1]}",
            folder=facts["folder"], facts=facts,
        )  # fmt: skip

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return the files that Maven and Gradle would take for tests."""
        return tuple(p for p in tree.files() if _TEST.search(p))

    def place(self, tree: Files, source: str, kit: Kit) -> str:
        """Return a path below the root of the tests, in the package of *source*."""
        existing = set(tree.files())
        package = javatests.package_of(tree.read(source)).replace(".", "/")
        stem = posixpath.splitext(posixpath.basename(source))[0]
        folder = posixpath.join(kit.folder, kit.facts["tests"], package)
        names = (posixpath.join(folder, f"{stem}Generated{n}Test.java") for n in ("", *map(str, range(2, 99))))
        return posixpath.normpath(next(path for path in names if path not in existing))

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take a proposal apart."""
        return javatests.read(name, code, symbol)

    def write(self, proposals: Sequence[Proposal], source: str, place: str, kit: Kit) -> str:
        """Return a test class."""
        return javatests.write(proposals, **self._head(source, place, kit))

    def loads(self, source: str, place: str, kit: Kit) -> str:
        """Return a test class that starts the types of *source*."""
        prefix = f"{kit.facts['package']}." if kit.facts["package"] else ""
        types = [prefix + name for name in kit.facts["types"].split()]
        return javatests.loads(loaded=types, **self._head(source, place, kit))

    @staticmethod
    def _head(source: str, place: str, kit: Kit) -> dict[str, Any]:
        name = posixpath.splitext(posixpath.basename(place))[0]
        return {"about": source, "package": kit.facts["package"], "name": name, "junit": kit.facts["junit"]}

    def refusals(self, proposal: Proposal, source: str, kit: Kit) -> str:
        """Read it."""
        del source
        return javatests.refusal(proposal, kit.facts["packages"].split())

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return its methods."""
        return javatests.symbols(text)

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return its mutants."""
        return javatests.mutants(text)

    def preparation(self, kit: Kit) -> Command:
        """Return how the harness is compiled and packed."""
        java = posixpath.dirname(kit.programs["java"])
        return Command(
            steps=(
                (f"{java}/javac", "-nowarn", "-d", f"{TOOLS}/classes", "-cp", kit.facts["classpath"],
                 f"{TOOLS}/Harness.java"),
                (f"{java}/jar", "--create", "--file", f"{TOOLS}/harness.jar", "-C", f"{TOOLS}/classes", "."),
                ("/bin/sh", "-c", 'base64 "$1/harness.jar" > "$2/harness"', "sh", TOOLS, OUT),
            ),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            tools={"Harness.java": harness()},
            results=("harness",),
        )  # fmt: skip

    def prepared(self, answer: Answer, kit: Kit) -> Kit:
        """Return the kit with the packed harness; without it every run compiles it anew."""
        packed = answer.files.get("harness", "") if answer.ok else ""
        return replace(kit, facts={**kit.facts, "harness": packed})

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return one start of the machine, which compiles, runs and measures."""
        facts = kit.facts
        wanted = [("nonce", facts["nonce"]), ("release", facts["release"])]
        wanted += [("root", root) for root in facts["roots"].split("\n")]
        wanted += [("resources", root) for root in facts["resources"].split("\n") if root]
        wanted += [("jar", jar) for jar in facts["jars"].split("\n") if jar]
        wanted += [("test", _inside(path, kit)) for path in ask.tests]
        wanted += [("tests", facts["tests"])] if not ask.tests else []
        wanted += [("source", _inside(path, kit)) for path in ask.sources]
        wanted += [("name", name) for name in ask.names]
        wanted.append(("seconds", self.patience[not all(_OURS.search(path) for path in ask.tests)]))
        if ask.env:  # another world: another order too
            wanted.append(("order", str(zlib.crc32(repr(sorted(ask.env.items())).encode()))))
        wanted += [("replaced", _inside(ask.replaced, kit))] if ask.variants else []
        wanted += [("variant", f"{TOOLS}/variant-{number}") for number in range(len(ask.variants))]
        request = "".join(f"{key}\t{value}\n" for key, value in wanted)
        tools = {"Harness.java": harness(), "request": request}
        tools.update({f"variant-{number}": text for number, text in enumerate(ask.variants)})
        java = (kit.programs["java"], *_FLAGS, *_locale(ask.env.get("LANG", "")), "-cp")
        told = (f"{TOOLS}/request", f"{OUT}/answers")
        start: tuple[tuple[str, ...], ...] = ((*java, facts["classpath"], f"{TOOLS}/Harness.java", *told),)
        if facts.get("harness"):
            tools["harness"] = facts["harness"]
            start = (_UNPACK, (*java, f"{TOOLS}/harness.jar:{facts['classpath']}", "Harness", *told))
        return Command(
            steps=start,
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LANG": "C.UTF-8", **ask.env},
            tools=tools,
            results=("answers",),
        )

    def variants(self, answer: Answer, ask: Ask, kit: Kit) -> tuple[SuiteRun, ...]:
        """Read what came of each mutant."""
        del ask
        groups: list[list[dict[str, Any]]] = []
        for record in _records(answer.files.get("answers", ""), kit.facts["nonce"]):
            if record.get("event") == "variant":
                groups.append([])
            elif groups:
                groups[-1].append(record)
        return tuple(SuiteRun(tests=tuple(_ran(group, kit))) for group in groups)

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read the harness's records; a line without the nonce is not one."""
        del texts
        records = list(_records(answer.files.get("answers", ""), kit.facts["nonce"]))
        tests = tuple(_ran(records, kit))
        asked = {*ask.tests, *ask.sources}
        wrong = [
            f"does not compile: {_outside(str(r.get('path')), kit)}: {r.get('error')}"
            for r in records
            if r.get("event") == "compile-error" and (not tests or _outside(str(r.get("path")), kit) in asked)
        ]
        broken = [f"{r.get('where')}: {r.get('error')}" for r in records if r.get("event") == "broken"]
        error = "; ".join([*wrong, *broken])[:2000]
        if not tests and not error:
            error = answer.output.strip()[-1000:] or answer.cut or "no test was found"
        return SuiteRun(tests=tests, coverage=dict(_coverage(records, kit)), error=error)


def harness() -> str:
    """Return the harness as one file: that is what the launcher of the JDK compiles and starts."""
    names = ["Harness.java", *sorted(p.name for p in _HARNESS.glob("*.java") if p.name != "Harness.java")]
    imports: set[str] = set()
    bodies = []
    for name in names:
        text = (_HARNESS / name).read_text(encoding="utf-8")
        imports.update(re.findall(r"^import [^;]+;$", text, re.MULTILINE))
        bodies.append(re.sub(r"^import [^;]+;\n", "", text, flags=re.MULTILINE).strip())
    return "\n\n".join(["\n".join(sorted(imports)), *bodies]) + "\n"


def _jdk(machines: Path, release: int) -> tuple[Path, int] | None:
    """Return a JDK and its version: the oldest from 17 on that can compile for *release*."""
    found = []
    for home in sorted(machines.glob("*")):
        notes = home / "release"
        version = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', notes.read_text("utf-8")) if notes.is_file() else None
        if version and (home / "bin" / "javac").exists() and home.is_dir() and not home.is_symlink():
            found.append((int(version.group(1)), home))
    good = sorted(one for one in found if one[0] >= max(17, release))
    return (good[0][1], good[0][0]) if good else None


def _release(tree: Files, source: str, paths: set[str]) -> int:
    """Return the Java version that the nearest build file names, 0 for none."""
    folder = posixpath.dirname(source)
    while True:
        for name in _BUILDS:
            path = posixpath.join(folder, name)
            if path in paths and (found := _RELEASE.search(tree.read(path))):
                return max(_OLDEST, int(next(group for group in found.groups() if group)))
        if not folder:
            return 0
        folder = posixpath.dirname(folder)


def _layout(tree: Files, source: str, paths: set[str]) -> dict[str, str]:
    """Return where sources, tests and resources are; Maven's layout, or folders that follow the packages."""
    text = tree.read(source)
    package = javatests.package_of(text)
    root = _root(source, package)
    tests = [p for p in paths if _TEST.search(p)]
    if root.endswith("src/main/java"):
        folder = root[: -len("src/main/java")].rstrip("/")
        own = ["src/main/java", "src/test/java"]
        others = sorted({_root(p, javatests.package_of(tree.read(p))) for p in paths if "src/main/java/" in p} - {root})
        place, resources = "src/test/java", ["src/main/resources", "src/test/resources"]
        own += [posixpath.relpath(other, folder or ".") for other in others]
    else:
        folder = ""
        beside = sorted({_root(p, javatests.package_of(tree.read(p))) for p in tests})
        place = beside[0] if beside else "test" if root else ""
        own = list(dict.fromkeys([root or ".", *(b or "." for b in beside)]))
        own = [o for o in own if not any(o != other and (other == "." or o.startswith(f"{other}/")) for other in own)]
        if not any(o in {".", place} or place.startswith(f"{o}/") for o in own):
            own.append(place)
        resources = own
    top = {".".join(package.split(".")[:2])} if package else set()
    return {
        "folder": folder, "package": package, "types": " ".join(javatests.types(text)), "tests": place,
        "packages": " ".join(sorted(top)), "roots": "\n".join(own), "resources": "\n".join(resources),
        "jars": "\n".join(posixpath.relpath(p, folder or ".") for p in sorted(paths) if p.endswith(".jar")),
    }  # fmt: skip


def _root(path: str, package: str) -> str:
    folder = posixpath.dirname(path)
    inside = package.replace(".", "/")
    return folder[: -len(inside)].rstrip("/") if inside and folder.endswith(inside) else folder


def _is_junit4(tree: Files, tests: Sequence[str]) -> bool:
    texts = [tree.read(path) for path in tests if not _OURS.search(path)]
    old = any("import org.junit.Test;" in text for text in texts)
    return old and not any("org.junit.jupiter" in text for text in texts)


def _locale(name: str) -> tuple[str, ...]:
    found = re.match(r"([a-z]{2})_([A-Z]{2})", name)
    return (f"-Duser.language={found.group(1)}", f"-Duser.country={found.group(2)}") if found else ()


def _inside(path: str, kit: Kit) -> str:
    return posixpath.relpath(path, kit.folder or ".")


def _outside(path: str, kit: Kit) -> str:
    return posixpath.normpath(posixpath.join(kit.folder, path)) if path else ""


def _records(text: str, nonce: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        if line.startswith(f"{nonce} "):
            try:
                record = json.loads(line[len(nonce) + 1 :])
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                yield record


def _ran(records: Sequence[Mapping[str, Any]], kit: Kit) -> Iterator[Ran]:
    """Yield what became of each test; one that began and did not end took the machine with it."""
    running: Mapping[str, Any] | None = None
    for record in records:
        if record.get("event") == "start":
            running = record
        elif record.get("event") == "test":
            running = None
            yield _one(record, kit, {"passed": PASSED, "skipped": SKIPPED}.get(str(record.get("outcome")), FAILED))
    if running is not None:
        yield _one({**running, "error": "ended the whole machine, or did not end"}, kit, FAILED)


def _one(record: Mapping[str, Any], kit: Kit, outcome: str) -> Ran:
    file, name, seconds = _outside(str(record.get("file", "")), kit), str(record.get("name")), record.get("seconds")
    if not _OURS.search(file):
        name = f"{posixpath.splitext(posixpath.basename(file))[0]}.{name}"
    return Ran(
        name=name, outcome=outcome, file=file, seconds=seconds if isinstance(seconds, float) else 0.0,
        error=str(record.get("error", "")), asserted=record.get("asserted") is True,
    )  # fmt: skip


def _coverage(records: Sequence[Mapping[str, Any]], kit: Kit) -> Iterator[tuple[str, Measured]]:
    for record in records:
        if record.get("event") == "coverage":
            every = [(int(line), int(count)) for line, count in record["all"]]
            yield (
                _outside(str(record["path"]), kit),
                Measured(
                    lines=frozenset(map(int, record["lines"])),
                    branches=frozenset((int(line), int(number)) for line, number in record["branches"]),
                    all_lines=frozenset(line for line, _ in every),
                    all_branches=frozenset((line, number) for line, count in every for number in range(count)),
                ),
            )


RUNNER: Final[TestRunner] = JUnit()
