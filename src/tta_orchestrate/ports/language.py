"""The door to programming languages: what a plug-in in ``languages/`` promises."""

from collections.abc import Collection
from typing import Protocol

from tta_orchestrate.domain.symbol import Module


class Language(Protocol):
    """What is known of one language. Reads text; imports and executes nothing of it."""

    @property
    def name(self) -> str:
        """The name of the language, lower case."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """File name endings, dot included."""
        ...

    @property
    def fence(self) -> str:
        """The info string of a code fence."""
        ...

    def key(self, path: str, files: Collection[str]) -> str:
        """Return the page name of *path* (``package/module``), given the other files of this language."""
        ...

    def read(self, path: str, key: str, text: str) -> Module:
        """Return what is declared in *text*; unreadable places become ``problems``, never an exception."""
        ...

    def parses(self, code: str) -> bool:
        """Whether *code* is a syntactically valid snippet."""
        ...

    def is_test(self, path: str) -> bool:
        """Whether *path* holds tests by the conventions of the language."""
        ...
