"""Patterns of the configuration: gitignore-style globs for paths, and paths inside the repository."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field


def _compiles(glob: str) -> str:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([glob])
    except (ValueError, re.error) as error:
        raise ValueError("is no pattern that .gitignore would understand") from error
    return glob


def _stays_inside(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("must stay inside the repository; '..' is not allowed")
    return path


Glob = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_compiles)]
"""A pattern in the language of ``.gitignore``, relative to the root of the repository."""

RepositoryPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        pattern=r"^[^/\\\x00-\x1f][^\\\x00-\x1f]*$",
        json_schema_extra={"not": {"pattern": r"(^|/)\.\.(/|$)"}},
    ),
    AfterValidator(_stays_inside),
]
"""A file of the repository: relative, with forward slashes, never above the root."""
