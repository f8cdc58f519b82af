"""Values and texts as a few lower-case words that can be part of a test's name."""

import ast
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

LONGEST: Final = 20
"""Letters of one value's slug."""
_MESSAGE: Final = 32
_FEW: Final = 3
_EMPTY: Final = {ast.List: "empty_list", ast.Tuple: "empty_tuple", ast.Dict: "empty_dict", ast.Set: "empty_set"}
_SIGNS: Final = {
    " ": "blank", "-": "dash", ".": "dot", ",": "comma", "/": "slash", ":": "colon", ";": "semicolon",
    "_": "underscore", "@": "at", "#": "hash", "+": "plus", "*": "star", "%": "percent", "&": "ampersand",
    "=": "equals", "!": "bang", "?": "question_mark", "\n": "newline", "\t": "tab", "\\": "backslash",
    "'": "quote", '"': "double_quote", "(": "bracket", "[": "bracket", "{": "brace", "<": "less_than",
    ">": "greater_than", "|": "pipe", "$": "dollar",
}  # fmt: skip


def words(text: str, most: int = LONGEST) -> str:
    """Return *text* in snake case and ASCII, cut between words to *most* letters; empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain).lower()
    plain = re.sub(r"(?<![a-z0-9])-(?=\d|inf\b)", "_minus_", plain)
    parts = [part for part in re.split(r"[^a-z0-9]+", plain) if part]
    found = ""
    for part in parts:
        longer = f"{found}_{part}" if found else part
        if len(longer) > most:
            break
        found = longer
    return found or (parts[0][:most] if parts else "")


def message(text: str) -> str:
    """Return the words of a message, as far as they fit."""
    return words(re.sub(r"(?<=\w)['’](?=\w)", "", text), _MESSAGE)


def value(source: str) -> str:
    """Return what a person would call the value of *source*; never empty."""
    try:
        node = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError):
        return words(source) or "this"
    return _value(node)[:LONGEST].rstrip("_") or "this"


def _value(node: ast.expr) -> str:
    match node:
        case ast.Constant():
            return _constant(node.value)
        case ast.UnaryOp(op=ast.USub()):
            return f"minus_{_value(node.operand)}"
        case ast.List() | ast.Tuple() | ast.Set():
            return _several(node.elts, type(node))
        case ast.Dict():
            return _several([one for one in node.keys if one is not None], ast.Dict)
        case ast.Attribute():
            return words(node.attr)
        case ast.Lambda():
            return "function"
        case ast.Call():
            return _call(node)
        case _:
            return words(ast.unparse(node))


def _constant(plain: object) -> str:
    if isinstance(plain, bool) or plain is None:
        return str(plain).lower()
    if isinstance(plain, str):
        return _text(plain)
    if isinstance(plain, bytes):
        return words(plain.decode("ascii", "ignore")) or ("bytes" if plain else "empty_bytes")
    text = str(plain).replace("+", "").replace("-", "_minus_").replace(".", "_")
    return re.sub(r"[^a-z0-9_]", "", text.lower()) if len(text) <= LONGEST else "huge_number"


def _text(plain: str) -> str:
    if not plain:
        return "empty_text"
    if plain in _SIGNS:
        return _SIGNS[plain]
    if plain.isspace():
        return "blank_text"
    found = words(plain)
    return found or ("signs" if plain.isascii() else "foreign_text")


def _several(items: Sequence[ast.expr], kind: type[ast.expr]) -> str:
    if not items:
        return _EMPTY[kind]
    short = "_".join(_value(item) for item in items)
    if len(items) <= _FEW and len(short) <= LONGEST - 5:
        return f"{_EMPTY[kind].removeprefix('empty_')}_{short}"
    return f"{len(items)}_items" if len(items) > 1 else f"{_EMPTY[kind].removeprefix('empty_')}_of_one"


def _call(node: ast.Call) -> str:
    name = words(ast.unparse(node.func).rpartition(".")[2])
    if not node.args and not node.keywords:
        return f"empty_{name}" if name in {"set", "frozenset", "dict", "list", "tuple", "deque", "bytearray"} else name
    inner = "_".join(_value(one) for one in (*node.args, *(k.value for k in node.keywords)))
    if name == "float":
        return {"inf": "infinity", "minus_inf": "minus_infinity"}.get(inner, inner)
    longer = f"{name}_{inner}"
    return longer if len(longer) <= LONGEST else name
