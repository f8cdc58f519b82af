"""How a repository on the JVM is laid out: folders of sources and tests, its Java, its JUnit. Nothing runs here."""

import posixpath
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from tta_orchestrate.ports.test_runner import Files
from tta_orchestrate.syntax import jvmresults

_TEST: Final = re.compile(r"(?:^|/)(?:Test\w+|\w+(?:Test|Tests|TestCase))\.(?:java|kt)$")
OLDEST, NEWEST = 8, 20
"""Versions of Java: the oldest that JUnit 5 takes, the newest whose classes the system's JaCoCo can read."""
_RELEASE: Final = re.compile(
    r"<(?:maven\.compiler\.(?:release|source)|release|source|java\.version)>\s*(?:1\.)?(\d+)\s*<"
    r"|(?:source|target)Compatibility\s*=?\s*(?:JavaVersion\.VERSION_)?['\"]?(?:1[._])?(\d+)"
    r"|JavaLanguageVersion\.of\((\d+)\)|(?m:^\s*options\.release\s*=\s*(\d+))"
)
_BUILDS: Final = ("pom.xml", "build.gradle", "build.gradle.kts")


def layout(tree: Files, source: str, paths: Collection[str], package_of: Callable[[str], str]) -> dict[str, str]:
    """Return where sources, tests and resources are; Maven's layout, or folders that follow the packages."""
    package, kind = package_of(tree.read(source)), posixpath.splitext(source)[1]
    root = _root(source, package)
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
        own = [o for o in own if not any(o != other and (other == "." or o.startswith(f"{other}/")) for other in own)]
        resources = own
    top = {".".join(package.split(".")[:2])} if package else set()
    return {
        "folder": folder, "package": package, "tests": place,
        "packages": " ".join(sorted(top)), "roots": "\n".join(own), "resources": "\n".join(resources),
        "jars": "\n".join(posixpath.relpath(p, folder or ".") for p in sorted(paths) if p.endswith(".jar")),
    }  # fmt: skip


def _root(path: str, package: str) -> str:
    folder = posixpath.dirname(path)
    inside = package.replace(".", "/")
    return folder[: -len(inside)].rstrip("/") if inside and folder.endswith(inside) else folder


def jdk(machines: Path, release: int) -> tuple[Path, int] | None:
    """Return a JDK and its version: the oldest from 17 on that can compile for *release*."""
    found = []
    for home in sorted(machines.glob("*")):
        notes = home / "release"
        version = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', notes.read_text("utf-8")) if notes.is_file() else None
        if version and (home / "bin" / "javac").exists() and home.is_dir() and not home.is_symlink():
            found.append((int(version.group(1)), home))
    good = sorted(one for one in found if one[0] >= max(17, release))
    return (good[0][1], good[0][0]) if good else None


def release(tree: Files, source: str, paths: Collection[str]) -> int:
    """Return the Java version that the nearest build file names, 0 for none."""
    folder = posixpath.dirname(source)
    while True:
        for name in _BUILDS:
            path = posixpath.join(folder, name)
            if path in paths and (found := _RELEASE.search(tree.read(path))):
                return max(OLDEST, int(next(group for group in found.groups() if group)))
        if not folder:
            return 0
        folder = posixpath.dirname(folder)


def tests(tree: Files) -> tuple[str, ...]:
    """Return the files that Maven and Gradle would take for tests."""
    return tuple(p for p in tree.files() if _TEST.search(p))


def is_junit4(tree: Files, tests: Sequence[str]) -> bool:
    """Whether *tests* are written for JUnit 4, and none for JUnit 5."""
    texts = [tree.read(path) for path in tests if not jvmresults.OURS.search(path)]
    old = any("import org.junit.Test;" in text for text in texts)
    return old and not any("org.junit.jupiter" in text for text in texts)
