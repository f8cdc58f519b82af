"""Python's own corners."""

import pytest

from tta_orchestrate.languages.python import LANGUAGE


def public(text, path="m.py"):
    return {s.path: s.signature for s in LANGUAGE.read(path, LANGUAGE.key(path, {path}), text).public()}


@pytest.mark.parametrize(
    "signature",
    [
        "f(a, /, b, *, c)",
        "f(a, /)",
        "f(*args, **kwargs)",
        "f(a=1, *, b: int = 2)",
        "f(a: dict[str, list[int]] | None = None, *rest: int) -> tuple[int, ...]",
        "async f(a) -> None",
        "f(a, /, *, b=3)",
    ],
)
def test_signatures_are_exact(signature):
    source = (
        f"async def {signature.removeprefix('async ')}: ..."
        if signature.startswith("async")
        else f"def {signature}: ..."
    )
    assert public(source) == {"f": signature}


def test_self_is_left_out_and_positional_only_is_kept():
    assert public("class A:\n    def m(self, /, x): ...\n")["A.m"] == "m(x)"


def test_a_dataclass_shows_how_it_is_made():
    source = "from dataclasses import dataclass\n\n@dataclass\nclass P:\n    x: int\n    y: str = 'a'\n"
    assert public(source)["P"] == "class P(x: int, y: str = 'a')"


def test_all_decides_what_is_public():
    assert set(public('__all__ = ["b"]\n\ndef a(): ...\n\ndef b(): ...\n')) == {"b"}


def test_what_a_script_imports_for_itself_hides_nothing():
    source = 'class Live: ...\n\nif __name__ == "__main__":\n    from .m import Live as Live\n'
    assert set(public(source)) == {"Live"}


def test_what_is_imported_and_declared_anew_is_public():
    source = "from base import hook\n\n@hook.register\ndef hook(x): ...\n"
    assert set(public(source)) == {"hook"}


@pytest.mark.parametrize(
    ("path", "files", "key"),
    [
        ("src/demo/core.py", ("src/demo/__init__.py",), "demo/core"),
        ("demo/__init__.py", ("demo/__init__.py",), "demo"),
        ("src/single.py", (), "single"),
        ("tools/run.py", (), "tools/run"),
        ("a/b/c.py", ("a/b/__init__.py", "a/__init__.py"), "a/b/c"),
        ("backend/app/x.py", ("backend/app/__init__.py",), "app/x"),
    ],
)
def test_page_names_are_import_paths(path, files, key):
    assert LANGUAGE.key(path, {path, *files}) == key


def test_newer_syntax_than_the_interpreter_is_read_all_the_same():
    module = LANGUAGE.read("m.py", "m", "type X[T] = list[T]\n\ndef f[T](a: T) -> T:\n    return a\n")
    assert "f" in {symbol.name for symbol in module.walk()}


@pytest.mark.parametrize("style", ["google", "numpy", "sphinx"])
def test_each_docstring_style_is_taken_apart(style):
    body = {
        "google": "Do it.\n\n    Args:\n        a: the a\n\n    Raises:\n        ValueError: if bad\n",
        "numpy": "Do it.\n\n    Parameters\n    ----------\n    a : int\n        the a\n\n    Raises\n    ------\n    ValueError\n        if bad\n",
        "sphinx": "Do it.\n\n    :param a: the a\n    :raises ValueError: if bad\n",
    }[style]
    module = LANGUAGE.read("m.py", "m", f'def f(a):\n    """{body}    """\n')
    (symbol,) = module.symbols
    assert symbol.doc.text.strip() == "Do it."
    assert [(f.name, f.text) for f in symbol.doc.parameters] == [("a", "the a")]
    assert [(f.type, f.text) for f in symbol.doc.raises] == [("ValueError", "if bad")]
