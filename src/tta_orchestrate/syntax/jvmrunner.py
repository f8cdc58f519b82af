"""What the plug-ins for Java and Kotlin share: JUnit and JaCoCo from the system's packages, the compilers themselves.

JUnit 4 runs through the vintage engine of JUnit 5. No build tool runs: it would want a registry, and it would execute
the repository's build. A harness of ours (``jvm/*.java``) compiles the sources, runs the tests on the JUnit Platform
and measures them.
"""

import posixpath
import re
import secrets
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.ports.test_runner import (
    OUT,
    TOOLS,
    Answer,
    Ask,
    Command,
    Files,
    Host,
    Kit,
    Missing,
    Proposal,
    SuiteRun,
    Symbol,
    Words,
)  # fmt: skip
from tta_orchestrate.syntax import jvmresults

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
_TEST: Final = re.compile(r"(?:^|/)(?:Test\w+|\w+(?:Test|Tests|TestCase))\.(?:java|kt)$")
_KOTLIN: Final = (
    "kotlin-compiler",
    "kotlin-stdlib",
    "kotlin-reflect",
    "kotlin-script-runtime",
    "trove4j",
    "annotations-13.0",
)
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


class Grammar(Protocol):
    """What differs between the languages; a module of this folder."""

    def package_of(self, text: str) -> str:
        """Return the package that a source declares."""
        ...

    def types(self, text: str, path: str) -> tuple[str, ...]:
        """Return the names of the top-level classes that a source becomes."""
        ...

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return its functions."""
        ...

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return its mutants."""
        ...

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take a proposal apart."""
        ...

    def refusal(self, proposal: Proposal, packages: Collection[str]) -> str:
        """Return why the static gate refuses it."""
        ...

    def write(self, proposals: Sequence[Proposal], *, about: str, package: str, name: str, junit: str) -> str:
        """Return a test class."""
        ...

    def loads(self, *, about: str, package: str, name: str, junit: str, loaded: Sequence[str]) -> str:
        """Return a test class that starts the classes *loaded*."""
        ...


@dataclass(frozen=True, slots=True)
class JvmRunner:
    """JUnit on the JVM; Kotlin needs its compiler besides."""

    name: str
    language: str
    suffixes: tuple[str, ...]
    words: Words
    grammar: Grammar
    jars: Path = Path("/usr/share/java")
    """Where the system keeps its libraries."""
    kotlin: Path = Path("/usr/share/kotlin/kotlinc/lib")
    machines: Path = Path("/usr/lib/jvm")
    patience: tuple[str, str] = ("4", "60")
    """Seconds after which a test of ours, and one of the repository, is stopped."""
    batch: int = 1

    def claim(self, tree: Files, source: str) -> int:
        """Return 2: nothing else here tests these languages."""
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
        compiler = [self.kotlin / f"{jar}.jar" for jar in _KOTLIN] if any(p.endswith(".kt") for p in paths) else []
        has_kotlin = all(jar.exists() for jar in compiler)
        if source.endswith(".kt") and not has_kotlin:
            missing += ["kotlinc"]
        if jdk is None or missing:
            what = ", ".join([*missing, *([] if jdk else [f"a JDK for Java {release or 17}"])])
            return Missing(reason=f"not installed here: {what} ({_INSTALL}{' kotlin' if compiler else ''})")
        facts = self._layout(tree, source, paths)
        facts["kotlin"] = "yes" if compiler and has_kotlin else ""
        system = [j for j in (*_JUNIT, *_VINTAGE, *_JACOCO) if (self.jars / f"{j}.jar").exists()]
        beside = [str(jar) for jar in compiler] if has_kotlin else []
        facts["classpath"] = ":".join([*(str(self.jars / f"{jar}.jar") for jar in system), *beside])
        facts["release"] = str(release or min(jdk[1], 17))
        facts["nonce"] = secrets.token_hex(16)
        facts["junit"] = "4" if _is_junit4(tree, _tests(tree)) else "5"
        return Kit(
            programs={"java": str(jdk[0] / "bin" / "java")}, version=f"JUnit {facts['junit']} on Java {jdk[1]}",
            folder=facts["folder"], facts=facts,
        )  # fmt: skip

    def _layout(self, tree: Files, source: str, paths: set[str]) -> dict[str, str]:
        """Return where sources, tests and resources are; Maven's layout, or folders that follow the packages."""
        text, package_of = tree.read(source), self.grammar.package_of
        package = package_of(text)
        root, kind = _root(source, package), self.suffixes[0]
        tests = [p for p in paths if _TEST.search(p) and p.endswith(kind)]
        standard = re.search(r"(?:^|(.*)/)src/main/(java|kotlin)(?=/|$)", posixpath.dirname(source))
        if standard:
            folder = standard.group(1) or ""
            place = f"src/test/{standard.group(2)}"
            own = [f"src/{part}/{each}" for part in ("main", "test") for each in ("java", "kotlin")]
            every = {m.group(0) for p in paths if (m := re.match(r"(?:.*/)?src/main/(?:java|kotlin)(?=/)", p))}
            others = sorted(r for r in every if (posixpath.dirname(r)[: -len("src/main")].rstrip("/")) != folder)
            own += [posixpath.relpath(other, folder or ".") for other in others]
            resources = ["src/main/resources", "src/test/resources"]
        else:
            folder = ""
            beside = sorted({_root(p, package_of(tree.read(p))) for p in tests})
            place = beside[0] if beside else "test" if root else ""
            own = list(dict.fromkeys([root or ".", *(b or "." for b in beside), place or "."]))
            own = [
                o for o in own if not any(o != other and (other == "." or o.startswith(f"{other}/")) for other in own)
            ]
            resources = own
        top = {".".join(package.split(".")[:2])} if package else set()
        return {
            "folder": folder, "package": package, "types": " ".join(self.grammar.types(text, source)), "tests": place,
            "packages": " ".join(sorted(top)), "roots": "\n".join(own), "resources": "\n".join(resources),
            "jars": "\n".join(posixpath.relpath(p, folder or ".") for p in sorted(paths) if p.endswith(".jar")),
        }  # fmt: skip

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return the files that Maven and Gradle would take for tests."""
        return tuple(p for p in _tests(tree) if p.endswith(self.suffixes))

    def place(self, tree: Files, source: str, kit: Kit) -> str:
        """Return a path below the root of the tests, in the package of *source*."""
        existing = set(tree.files())
        package = self.grammar.package_of(tree.read(source)).replace(".", "/")
        stem = posixpath.splitext(posixpath.basename(source))[0]
        folder = posixpath.join(kit.folder, kit.facts["tests"], package)
        names = (
            posixpath.join(folder, f"{stem}Generated{n}Test{self.suffixes[0]}") for n in ("", *map(str, range(2, 99)))
        )
        return posixpath.normpath(next(path for path in names if path not in existing))

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take a proposal apart."""
        return self.grammar.read(name, code, symbol)

    def write(self, proposals: Sequence[Proposal], source: str, place: str, kit: Kit) -> str:
        """Return a test class."""
        return self.grammar.write(proposals, **self._head(source, place, kit))

    def loads(self, source: str, place: str, kit: Kit) -> str:
        """Return a test class that starts the types of *source*."""
        prefix = f"{kit.facts['package']}." if kit.facts["package"] else ""
        types = [prefix + name for name in kit.facts["types"].split()]
        return self.grammar.loads(loaded=types, **self._head(source, place, kit))

    @staticmethod
    def _head(source: str, place: str, kit: Kit) -> dict[str, Any]:
        name = posixpath.splitext(posixpath.basename(place))[0]
        return {"about": source, "package": kit.facts["package"], "name": name, "junit": kit.facts["junit"]}

    def refusals(self, proposal: Proposal, source: str, kit: Kit) -> str:
        """Read it."""
        del source
        return self.grammar.refusal(proposal, kit.facts["packages"].split())

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return its methods."""
        return self.grammar.symbols(text)

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return its mutants."""
        return self.grammar.mutants(text)

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
        wanted += [("kotlin", "yes")] if facts["kotlin"] else []
        wanted += [("root", root) for root in facts["roots"].split("\n")]
        wanted += [("resources", root) for root in facts["resources"].split("\n") if root]
        wanted += [("jar", jar) for jar in facts["jars"].split("\n") if jar]
        wanted += [("test", jvmresults.inside(path, kit)) for path in ask.tests]
        wanted += [("tests", facts["tests"])] if not ask.tests else []
        wanted += [("source", jvmresults.inside(path, kit)) for path in ask.sources]
        wanted += [("name", name) for name in ask.names]
        wanted.append(("seconds", self.patience[not all(jvmresults.OURS.search(path) for path in ask.tests)]))
        if ask.env:  # another world: another order too
            wanted.append(("order", str(zlib.crc32(repr(sorted(ask.env.items())).encode()))))
        wanted += [("replaced", jvmresults.inside(ask.replaced, kit))] if ask.variants else []
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
        for record in jvmresults.records(answer.files.get("answers", ""), kit.facts["nonce"]):
            if record.get("event") == "variant":
                groups.append([])
            elif groups:
                groups[-1].append(record)
        return tuple(SuiteRun(tests=tuple(jvmresults.ran(group, kit))) for group in groups)

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read the harness's records; a line without the nonce is not one."""
        records = list(jvmresults.records(answer.files.get("answers", ""), kit.facts["nonce"]))
        tests = tuple(jvmresults.ran(records, kit))
        asked = {*ask.tests, *ask.sources}
        wrong = [
            f"does not compile: {jvmresults.outside(str(r.get('path')), kit)}: {r.get('error')}"
            for r in records
            if r.get("event") == "compile-error" and (not tests or jvmresults.outside(str(r.get("path")), kit) in asked)
        ]
        broken = [f"{r.get('where')}: {r.get('error')}" for r in records if r.get("event") == "broken"]
        error = "; ".join([*wrong, *broken])[:2000]
        if not tests and not error:
            error = answer.output.strip()[-1000:] or answer.cut or "no test was found"
        return SuiteRun(tests=tests, coverage=dict(jvmresults.coverage(records, kit, texts)), error=error)


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


def _tests(tree: Files) -> tuple[str, ...]:
    return tuple(p for p in tree.files() if _TEST.search(p))


def _root(path: str, package: str) -> str:
    folder = posixpath.dirname(path)
    inside = package.replace(".", "/")
    return folder[: -len(inside)].rstrip("/") if inside and folder.endswith(inside) else folder


def _is_junit4(tree: Files, tests: Sequence[str]) -> bool:
    texts = [tree.read(path) for path in tests if not jvmresults.OURS.search(path)]
    old = any("import org.junit.Test;" in text for text in texts)
    return old and not any("org.junit.jupiter" in text for text in texts)


def _locale(name: str) -> tuple[str, ...]:
    found = re.match(r"([a-z]{2})_([A-Z]{2})", name)
    return (f"-Duser.language={found.group(1)}", f"-Duser.country={found.group(2)}") if found else ()
