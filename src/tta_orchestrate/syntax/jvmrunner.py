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
from tta_orchestrate.syntax import jvmlayout, jvmresults

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
_KOTLIN: Final = (
    "kotlin-compiler",
    "kotlin-stdlib",
    "kotlin-reflect",
    "kotlin-script-runtime",
    "trove4j",
    "annotations-13.0",
)
_INSTALL: Final = "apt-get install junit5 libjacoco-java default-jdk-headless"
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
        release = jvmlayout.release(tree, source, paths)
        if release > jvmlayout.NEWEST:
            return Missing(
                reason=f"the repository wants Java {release}; JaCoCo here reads classes up to Java {jvmlayout.NEWEST}"
            )
        missing = [jar for jar in (*_JUNIT, *_JACOCO) if not (self.jars / f"{jar}.jar").exists()]
        jdk = jvmlayout.jdk(self.machines, release)
        compiler = [self.kotlin / f"{jar}.jar" for jar in _KOTLIN] if any(p.endswith(".kt") for p in paths) else []
        has_kotlin = all(jar.exists() for jar in compiler)
        if source.endswith(".kt") and not has_kotlin:
            missing += ["kotlinc"]
        if jdk is None or missing:
            what = ", ".join([*missing, *([] if jdk else [f"a JDK for Java {release or 17}"])])
            return Missing(reason=f"not installed here: {what} ({_INSTALL}{' kotlin' if compiler else ''})")
        facts = jvmlayout.layout(tree, source, paths, self.grammar.package_of)
        facts["types"] = " ".join(self.grammar.types(tree.read(source), source))
        facts["kotlin"] = "yes" if compiler and has_kotlin else ""
        system = [j for j in (*_JUNIT, *_VINTAGE, *_JACOCO) if (self.jars / f"{j}.jar").exists()]
        beside = [str(jar) for jar in compiler] if has_kotlin else []
        facts["classpath"] = ":".join([*(str(self.jars / f"{jar}.jar") for jar in system), *beside])
        facts["release"] = str(release or min(jdk[1], 17))
        facts["nonce"] = secrets.token_hex(16)
        facts["junit"] = "4" if jvmlayout.is_junit4(tree, jvmlayout.tests(tree)) else "5"
        return Kit(
            programs={"java": str(jdk[0] / "bin" / "java")}, version=f"JUnit {facts['junit']} on Java {jdk[1]}",
            folder=facts["folder"], facts=facts,
        )  # fmt: skip

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return the files that Maven and Gradle would take for tests."""
        return tuple(p for p in jvmlayout.tests(tree) if p.endswith(self.suffixes))

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


def _locale(name: str) -> tuple[str, ...]:
    found = re.match(r"([a-z]{2})_([A-Z]{2})", name)
    return (f"-Duser.language={found.group(1)}", f"-Duser.country={found.group(2)}") if found else ()
