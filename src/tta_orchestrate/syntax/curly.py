"""A plug-in for a language that is read by tree-sitter alone and whose page names follow its source folders."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from tta_orchestrate.domain.symbol import Module
from tta_orchestrate.syntax.treesitter import Grammar, parses, read_module


@dataclass(frozen=True)
class Curly:
    """``roots`` are source folders that are no part of page names; ``tests`` is a pattern of test paths."""

    name: str
    grammar: Grammar
    suffixes: tuple[str, ...]
    roots: tuple[str, ...] = ()
    tests: str = r"(?:^|/)src/test/"
    index: tuple[str, ...] = ()
    """File names that stand for their folder."""
    wrap: tuple[str, ...] = ("{}",)
    """Ways to put a snippet into a file: it parses when one of them does."""

    @property
    def fence(self) -> str:
        """The info string of a code fence."""
        return self.name

    def key(self, path: str, files: Collection[str]) -> str:
        """Return the path without source root and ending."""
        del files
        root = next((r for r in self.roots if path.startswith(r) or f"/{r}" in path), "")
        inside = path.partition(root)[2] if root else path
        pure = PurePosixPath(inside)
        if pure.name in self.index and len(pure.parts) > 1:
            return str(pure.parent)
        return str(pure.with_suffix(""))

    def read(self, path: str, key: str, text: str) -> Module:
        """Return what *text* declares."""
        return read_module(self.grammar, path, key, text)

    def parses(self, code: str) -> bool:
        """Whether *code* has no syntax error, as a file or as statements."""
        return any(parses(self.grammar, frame.replace("{}", code)) for frame in self.wrap)

    def is_test(self, path: str) -> bool:
        """Whether *path* holds tests by the conventions of the language."""
        return bool(re.search(self.tests, path))
