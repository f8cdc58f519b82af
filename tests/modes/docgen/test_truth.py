"""The truth gate: what fits the code passes, what does not is named."""

import pytest

from tta_orchestrate.languages.python import LANGUAGE
from tta_orchestrate.modes.docgen.index import Facts, Index
from tta_orchestrate.modes.docgen.truth import ground, lies

CODE = """import json


def load(path: str, strict: bool = True, depth: int = 3) -> dict[str, int]:
    if not path:
        raise ValueError("no path")
    return parse(path, strict)


def parse(text: str, strict: bool) -> dict[str, int]:
    if strict:
        raise KeyError(text)
    return json.loads(text)


class DataLoader:
    def run_all(self) -> None: ...
"""
MODULE = LANGUAGE.read("pkg/io.py", "pkg/io", CODE)
SYMBOL = next(s for s in MODULE.walk() if s.path == "load")
TRUTH = ground(MODULE, SYMBOL, CODE, LANGUAGE, Index("p", [Facts.of(MODULE)]))


@pytest.mark.parametrize(
    "text",
    [
        "Reads `path` and returns a `dict`.",
        "The parameter `strict` (`bool`) defaults to `True`; `depth` defaults to `3`.",
        "Raises `ValueError` when `path` is empty, and `KeyError` from `parse`.",
        "Works by `json.loads`; see `DataLoader.run_all`.",
        "Example:\n\n```python\nload('x', strict=False)\n```",
        "It reads a file. Nothing else happens here, e.g. no network.",
    ],
)
def test_true_statements_pass(text):
    assert lies(text, TRUTH) == ()


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("It calls `normalise_text` first.", "name"),
        ("It uses TextNormaliser inside.", "name"),
        ("It calls fetch_remote() first.", "name"),
        ("The parameter `timeout` limits it.", "parameter"),
        ("- `retries`: how often\n", "parameter"),
        (":param encoding: the encoding", "parameter"),
        ("`depth` (`str`) is how deep.", "type"),
        ("`path: int` is the file.", "type"),
        ("Raises `OSError` when it cannot be read.", "raises"),
        ("raises TimeoutError", "raises"),
        ("`depth` defaults to `5`.", "default"),
        ("`strict` is False by default False.", "default"),
        ("Returns a `list`.", "returns"),
        ("See https://example.invalid/docs.", "link"),
        ("See [[pkg/other]].", "link"),
        ("```python\nload((\n```", "sample"),
        ("```python\nload('x', mode='r')\n```", "parameter"),
        ("```python\nnever closed", "sample"),
    ],
)
def test_lies_are_named_by_their_kind(text, claim):
    assert claim in {str(lie.claim) for lie in lies(text, TRUTH)}
