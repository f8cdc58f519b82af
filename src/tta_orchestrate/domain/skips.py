"""Which changed files are left out, and why: every one of them is named in the report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tta_orchestrate.domain.change import ChangedFile, FileStatus
from tta_orchestrate.domain.policy import Paths
from tta_orchestrate.domain.report import Skipped, SkipReason

LOCK_FILES: Final = frozenset(
    (  # noqa: SIM905 -- five lines instead of thirty
        "bun.lock bun.lockb cargo.lock composer.lock conda-lock.yml deno.lock flake.lock gemfile.lock go.sum "
        "gradle.lockfile mix.lock npm-shrinkwrap.json package-lock.json package.resolved packages.lock.json pdm.lock "
        "pipfile.lock pixi.lock pnpm-lock.yaml podfile.lock poetry.lock pubspec.lock pylock.toml uv.lock yarn.lock"
    ).split()
)
VENDORED: Final = re.compile(r"(^|/)(node_modules|vendor|vendored|_vendor|third_party|third-party|bower_components)/")
MINIFIED: Final = re.compile(r"(\.min\.(js|mjs|cjs|css)|\.bundle\.js|-min\.(js|css)|\.(js|css)\.map)$")
_GENERATED: Final = re.compile(
    r"@generated\b|\bCode generated\b.{0,200}\bDO NOT EDIT\b|\b(?:auto-?generated|automatically generated)\b.{0,120}"
    r"(?:do not|don't) (?:edit|modify)",
    re.IGNORECASE,
)
_HEADER_BYTES: Final = 2_000
_CODE: Final = frozenset({".js", ".mjs", ".cjs", ".css", ".html", ".svg"})
_MINIFIED_MEAN: Final = 500
"""Mean characters per line above which a script or style sheet is taken for minified."""


NOT_ASKED_FOR: Final = "not among the paths asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRules:
    """What is left out beyond the obvious, as configured."""

    ignore: tuple[str, ...] = ()
    max_file_bytes: int = 1_000_000
    max_line_length: int = 5_000
    only: tuple[str, ...] = ()
    """When given: only paths that match."""


class Skipper:
    """The decision for one file after another: by name and kind first, by content where there is one."""

    def __init__(self, rules: SkipRules, attributes: Mapping[str, Mapping[str, str]]) -> None:
        """Take the rules, and ``.gitattributes`` of the base commit by path."""
        self._attributes = attributes
        self._max_file_bytes = rules.max_file_bytes
        self._max_line_length = rules.max_line_length
        self._ignored = Paths(rules.ignore)
        self._asked_for = Paths(rules.only or ("*",))

    def by_change(self, file: ChangedFile) -> Skipped | None:
        """Return why *file* is left out, from what the diff alone tells."""
        reason, detail = self._by_kind(file) or self._by_name(file.path) or (None, "")
        return Skipped(path=file.path, reason=reason, detail=detail) if reason else None

    def by_text(self, path: str, text: str) -> Skipped | None:
        """Return why *path* is left out, from its content at head."""
        if "\0" in text[:8_000]:
            return Skipped(path=path, reason=SkipReason.BINARY, detail="holds NUL bytes")
        if len(text) > self._max_file_bytes:
            limit = self._max_file_bytes
            return Skipped(path=path, reason=SkipReason.TOO_LARGE, detail=f"over review.max_file_bytes ({limit:,})")
        marker = _GENERATED.search(text[:_HEADER_BYTES])
        if marker:
            return Skipped(path=path, reason=SkipReason.GENERATED, detail="its header says so")
        dense = PurePosixPath(path).suffix in _CODE and len(text) > _MINIFIED_MEAN * (text.count("\n") + 1)
        if dense or (len(text) > self._max_line_length and self._longest_line(text) > self._max_line_length):
            return Skipped(path=path, reason=SkipReason.MINIFIED, detail="very long lines")
        return None

    @staticmethod
    def _longest_line(text: str) -> int:
        return max(map(len, text.split("\n")))

    def _by_kind(self, file: ChangedFile) -> tuple[SkipReason, str] | None:
        if file.is_submodule:
            return SkipReason.SUBMODULE, "a commit of another repository"
        if file.is_symlink:
            return SkipReason.SYMLINK, "links are never followed"
        if file.binary:
            return SkipReason.BINARY, ""
        if file.status is FileStatus.DELETED:
            return SkipReason.DELETED, ""
        if not file.hunks:
            return SkipReason.NO_TEXT_CHANGE, "renamed, copied, emptied, or only its mode changed"
        return None

    def _by_name(self, path: str) -> tuple[SkipReason, str] | None:
        attributes = self._attributes.get(path, {})
        if path in self._ignored:
            return SkipReason.IGNORED, "review.ignore"
        if path not in self._asked_for:
            return SkipReason.IGNORED, NOT_ASKED_FOR
        if attributes.get("linguist-generated") in {"set", "true"}:
            return SkipReason.GENERATED, ".gitattributes: linguist-generated"
        if attributes.get("linguist-vendored") in {"set", "true"}:
            return SkipReason.VENDORED, ".gitattributes: linguist-vendored"
        if PurePosixPath(path).name.lower() in LOCK_FILES:
            return SkipReason.LOCK_FILE, ""
        if VENDORED.search(path):
            return SkipReason.VENDORED, ""
        if MINIFIED.search(path):
            return SkipReason.MINIFIED, ""
        return None
