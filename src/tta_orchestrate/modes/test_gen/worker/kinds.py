"""What a parameter takes, as a tree: read from annotations, defaults and names; and whether a source text is of it."""

import ast
import enum
import fnmatch
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One alternative: a key of ``values.POOLS``, ``@module.Class`` (an instance), ``=text`` (a literal) or ``any``."""

    name: str
    items: "tuple[tuple[Kind, ...], ...]" = ()
    """Alternatives of each type argument: of the items, of keys and values, or (``fixed``) of each place."""
    fixed: bool = False
    loose: bool = False
    """An abstract collection: others of its sort do as well."""

    @property
    def last(self) -> str:
        """The name without its module."""
        return self.name.lstrip("@").rpartition(".")[2]


ANY = Kind("any")
NONE = Kind("None")
_PLAIN = ("int", "float", "str", "bytes", "bool", "list", "tuple", "set", "dict", "complex")
_LOOSE = {
    "Sequence": "list", "MutableSequence": "list", "Iterable": "list", "Collection": "list", "Container": "list",
    "Sized": "list", "Reversible": "list", "AbstractSet": "set", "Set": "set", "MutableSet": "set", "Mapping": "dict",
    "MutableMapping": "dict", "OrderedDict": "dict", "defaultdict": "dict", "Counter": "dict", "Iterator": "iterator",
    "Generator": "iterator",
}  # fmt: skip
_OTHER_NAMES = {
    "frozenset": "set", "Callable": "callable", "bytearray": "bytes", "ByteString": "bytes", "Text": "str",
    "List": "list", "Dict": "dict", "Tuple": "tuple", "FrozenSet": "set", "Path": "pathlib.Path",
    "PurePath": "pathlib.Path", "PosixPath": "pathlib.Path", "PurePosixPath": "pathlib.Path",
    "Pattern": "re.Pattern", "Decimal": "decimal.Decimal", "Fraction": "fractions.Fraction",
    "date": "datetime.date", "datetime": "datetime.datetime", "time": "datetime.time",
    "timedelta": "datetime.timedelta", "SupportsInt": "int", "SupportsIndex": "int", "SupportsFloat": "float",
    "SupportsAbs": "int", "Number": "int", "Real": "float", "Integral": "int", "Hashable": "str",
}  # fmt: skip
_OPEN = {"SupportsInt", "SupportsIndex", "SupportsFloat", "SupportsAbs", "Number", "Real", "Hashable"}
"""Names that stand for more than the kind they are tried with."""
_ANYTHING = {"Any", "object", "type", "Type", "TypeVar", "Self", "T", "ClassVar"}
_DOTTED = {
    "pathlib.Path", "re.Pattern", "decimal.Decimal", "fractions.Fraction", "datetime.date", "datetime.datetime",
    "datetime.time", "datetime.timedelta",
}  # fmt: skip
_BY_NAME: "dict[tuple[str, ...], str]" = {
    ("int", "float", "int"): "n num number count size length width height i j k index idx start stop step limit level "
    "depth ndigits precision total amount year month day seconds minutes hours port pos offset base max* min* *_count "
    "*_size *_length *_limit *_index *_id",
    ("str",): "s str text string word name title label sep separator delimiter prefix suffix pattern path filename url "
    "line char c encoding format fmt template version other *_str *_text *_name *_string",
    ("callable",): "f fn func function predicate pred callback key binop op operation factory *_func *_fn *_key",
    ("list", "list", "iterator", "tuple", "str"): "seq seqs sequence sequences iterable iterables items it l ls lst "
    "list args values elements data coll collection leftseq rightseq words lines numbers nums keys *_list *_items "
    "*_seq",
    ("dict", "list"): "d dict mapping kwargs options config params obj record table map",
    ("bool",): "is_* has_* allow_* use_* strict flag verbose *_ok reverse signed gnu binary uppercase* lower*",
}
"""What a parameter without an annotation probably takes, by its name."""
_DEEPEST = 4


def declared(annotation: Any) -> "list[Kind]":
    """Return what *annotation* names, most likely first; empty when it says nothing."""
    try:
        found = _read(annotation, 0)
    except Exception:  # annotations are objects of anybody's making
        return []
    return [] if all(kind in {ANY, NONE} for kind in found) else list(dict.fromkeys(found))


def guessed(name: str, default: Any, *, has_default: bool) -> "list[Kind]":
    """Return what a parameter probably takes, by its default and its name."""
    found = _read(type(default), 0) if has_default and default is not None else []
    if has_default and default is None:
        found = [NONE]
    if all(kind in {ANY, NONE} for kind in found):
        plain = name.lstrip("_").lower()
        for names, patterns in _BY_NAME.items():
            if any(fnmatch.fnmatchcase(plain, pattern) for pattern in patterns.split()):
                found += [Kind(kind) for kind in names]
                break
    return [kind for kind in found if kind != ANY]


def _read(annotation: Any, depth: int) -> "list[Kind]":
    if depth > _DEEPEST:
        return [ANY]
    if annotation is None or annotation is type(None):
        return [NONE]
    if isinstance(annotation, str):
        try:
            return _from_node(ast.parse(annotation.strip(), mode="eval").body, depth)
        except (SyntaxError, ValueError):
            return [ANY]
    for inner in ("__supertype__", "__value__", "__bound__"):  # NewType, an alias, a bound type variable
        held = getattr(annotation, inner, None)
        if held is not None and not isinstance(annotation, type):
            return _read(held, depth + 1)
    if constraints := getattr(annotation, "__constraints__", ()):
        return [kind for constraint in constraints for kind in _read(constraint, depth + 1)]
    origin = typing.get_origin(annotation)
    if origin is None:
        return _of_class(annotation)
    return _of_generic(annotation, origin, depth)


def _of_generic(annotation: Any, origin: Any, depth: int) -> "list[Kind]":
    arguments = typing.get_args(annotation)
    name = getattr(origin, "__name__", "") or str(origin).rpartition(".")[2]
    if origin is typing.Literal:
        return [_literal(argument) for argument in arguments]
    if origin is typing.Union or name in {"Union", "UnionType", "Optional"}:
        return [kind for argument in arguments for kind in _read(argument, depth + 1)]
    if hasattr(annotation, "__metadata__") or name in {"Annotated", "Final", "Required", "NotRequired"}:
        return _read(arguments[0], depth + 1)
    if name == "Callable":
        return [Kind("callable")]
    kind = _named(name) if not isinstance(origin, type) or name in {*_LOOSE, *_OTHER_NAMES, *_PLAIN} else None
    if kind is None:
        return _of_class(origin)
    return [_with_items(kind, [_read(a, depth + 1) for a in arguments if a is not Ellipsis], Ellipsis in arguments)]


def _of_class(cls: Any) -> "list[Kind]":
    name = getattr(cls, "__name__", "")
    if not isinstance(cls, type) or name in _ANYTHING:
        return [kind] if (kind := _named(name)) is not None else [ANY]
    if cls.__module__ in {"builtins", "typing", "collections", "collections.abc", "numbers", "pathlib", "re", "decimal",
                          "fractions", "datetime", "typing_extensions"}:  # fmt: skip
        kind = _named(name)
        return [kind or ANY, *([ANY] if name in _OPEN else [])]
    if getattr(cls, "__required_keys__", None) is not None:
        return [Kind("dict")]
    return [Kind(f"@{cls.__module__}.{name}")]


def _named(name: str) -> "Kind | None":
    if name in _PLAIN:
        return Kind(name)
    if name in _LOOSE:
        return Kind(_LOOSE[name], loose=True)
    return Kind(_OTHER_NAMES[name]) if name in _OTHER_NAMES else None


def _with_items(kind: Kind, items: "list[list[Kind]]", open_end: bool) -> Kind:
    fixed = kind.name == "tuple" and not open_end
    return Kind(
        kind.name, tuple(tuple(alternatives) or (ANY,) for alternatives in items), fixed=fixed, loose=kind.loose
    )


def _literal(value: Any) -> Kind:
    if isinstance(value, enum.Enum):
        return Kind(f"={type(value).__name__}.{value.name}")
    return Kind(f"={value!r}") if isinstance(value, (str, bytes, int, type(None))) else ANY


def _from_node(node: ast.expr, depth: int) -> "list[Kind]":
    """Read an annotation that is only text, because its names cannot be resolved."""
    if depth > _DEEPEST:
        return [ANY]
    if isinstance(node, ast.Constant):
        return [NONE] if node.value is None else _read(node.value, depth + 1) if isinstance(node.value, str) else [ANY]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_from_node(node.left, depth + 1), *_from_node(node.right, depth + 1)]
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name:
        if name in _ANYTHING or (len(name) == 1 and name.isupper()):
            return [ANY]
        known = _named(name)
        return [known, *([ANY] if name in _OPEN else [])] if known else [Kind(f"@{name}")]
    if isinstance(node, ast.Subscript):
        return _from_subscript(node, depth)
    return [ANY]


def _from_subscript(node: ast.Subscript, depth: int) -> "list[Kind]":
    (outer, *_) = _from_node(node.value, depth + 1)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer.last == "Literal":
        return [Kind(f"={ast.unparse(part)}") for part in parts]
    open_end = any(isinstance(part, ast.Constant) and part.value is Ellipsis for part in parts)
    inner = [_from_node(p, depth + 1) for p in parts if not (isinstance(p, ast.Constant) and p.value is Ellipsis)]
    if outer.last in {"Optional", "Union"}:
        return [kind for alternatives in inner for kind in alternatives] + [NONE] * (outer.last == "Optional")
    if outer.last in {"Annotated", "Final"}:
        return inner[0] if inner else [ANY]
    return [outer if outer.name.startswith("@") or outer == ANY else _with_items(outer, inner, open_end)]


# -- whether a text is of a kind ---------------------------------------------------------------------------------------

_CALLABLES = {
    "str",
    "len",
    "int",
    "bool",
    "abs",
    "float",
    "list",
    "tuple",
    "set",
    "dict",
    "repr",
    "sorted",
    "max",
    "min",
}
_MADE_BY = {
    "iter": "iterator", "range": "iterator", "set": "set", "frozenset": "set", "re.compile": "re.Pattern",
    "operator.itemgetter": "callable", "operator.attrgetter": "callable", "bytearray": "bytes",
}  # fmt: skip
_NUMBERS = {"bool": 0, "int": 1, "float": 2, "complex": 3}


def fits(node: ast.expr, kinds: "Collection[Kind]", families: "Mapping[str, Collection[str]]") -> bool:
    """Whether *node* may be of one of *kinds*; *families* names, for each class that can be made, what is one."""
    return any(_fits(node, kind, families) for kind in kinds)


def _fits(node: ast.expr, kind: Kind, families: "Mapping[str, Collection[str]]") -> bool:
    if kind == ANY:
        return True
    if kind.name.startswith("="):
        return ast.unparse(node) == kind.name[1:] or ast.unparse(ast.parse(kind.name[1:], mode="eval").body) == (
            ast.unparse(node)
        )
    found = _kind_of(node)
    if found == "any":
        return True
    if kind.name.startswith("@"):
        known = families.get(kind.last)
        return known is None or (found.startswith("@") and found[1:] in known)
    if found in _NUMBERS and kind.name in _NUMBERS:
        return found == kind.name or 1 <= _NUMBERS[found] <= _NUMBERS[kind.name]
    if kind.loose and kind.name in {"list", "iterator"}:
        alike = {"list", "tuple", "set", "iterator"} if kind.name == "list" else {"iterator"}
        if found == "str":
            return kind.name == "list" and (not kind.items or any(k in {ANY, Kind("str")} for k in kind.items[0]))
        return found in alike and _items_fit(node, kind, families)
    if kind.name == "datetime.date" and found == "datetime.datetime":
        return True
    return found == kind.name and _items_fit(node, kind, families)


def _items_fit(node: ast.expr, kind: Kind, families: "Mapping[str, Collection[str]]") -> bool:
    if not kind.items:
        return True
    if isinstance(node, ast.Dict):
        if len(kind.items) != 2:
            return True
        keys, values = kind.items
        return all(k is not None and fits(k, keys, families) for k in node.keys) and all(
            fits(v, values, families) for v in node.values
        )
    if isinstance(node, ast.Call) and node.args and _dotted(node.func) in {"iter", "frozenset"}:
        return _items_fit(node.args[0], kind, families)
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return True
    if kind.fixed:
        return len(node.elts) == len(kind.items) and all(
            fits(e, kinds, families)
            for e, kinds in zip(node.elts, kind.items)  # noqa: B905 -- as long, see above
        )
    return all(fits(element, kind.items[0], families) for element in node.elts)


def _kind_of(node: ast.expr) -> str:
    """Return the kind that a text shows, ``any`` where it cannot be told."""
    if isinstance(node, ast.Constant):
        return "None" if node.value is None else type(node.value).__name__
    if isinstance(node, ast.UnaryOp):
        return _kind_of(node.operand)
    if isinstance(node, ast.BinOp):
        return "int" if {_kind_of(node.left), _kind_of(node.right)} == {"int"} else "any"
    plain = {
        ast.List: "list", ast.ListComp: "list", ast.Tuple: "tuple", ast.Set: "set", ast.Dict: "dict",
        ast.GeneratorExp: "iterator", ast.Lambda: "callable",
    }.get(type(node))  # fmt: skip
    if plain is not None:
        return plain
    dotted = _dotted(node.func if isinstance(node, ast.Call) else node)
    if not isinstance(node, ast.Call):
        owner, _, member = dotted.rpartition(".")
        if dotted in _CALLABLES or owner == "operator":
            return "callable"
        return f"@{owner}" if owner[:1].isupper() and member.isupper() else "any"
    if dotted in _MADE_BY:
        return _MADE_BY[dotted]
    if dotted in _DOTTED or dotted in {"float", "object"}:
        return dotted
    return f"@{dotted}" if dotted[:1].isupper() and "." not in dotted else "any"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""
