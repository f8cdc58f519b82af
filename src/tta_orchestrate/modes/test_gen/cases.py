"""What the local generator sends back, read as untrusted data: a call, and what came of it."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

_MOST_TEXT: Final = 4000
_NAME: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
PROPERTY: Final = "property"
"""``Case.kind`` of a property test; the generator sends none of it."""
KINDS: Final = ("value", "iterator", "nan", "object", "raises")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One observed behaviour: run *before*, evaluate *expr*, and see *kind* with its parts."""

    target: str
    expr: str
    before: tuple[str, ...]
    arguments: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...]
    receiver: str
    kind: str
    value: str = ""
    """Source of the expected value (``value``, ``iterator``), or the message (``raises``)."""
    type: str = ""
    home: str = ""
    """Module of the exception's class, empty for a built-in one."""
    whole: bool = True
    checks: tuple[tuple[str, str], ...] = ()
    """For ``object``: what to look at (``{}`` is the object) and its expected source."""
    after: tuple[tuple[str, str], ...] = ()
    is_async: bool = False
    kills: frozenset[int] = frozenset()


def read_case(record: Mapping[str, Any], *, async_targets: frozenset[str]) -> Case | None:
    """Return the case in *record*, ``None`` when it is not one: every text must be a plain expression or line."""
    seen = record.get("seen")
    if not isinstance(seen, dict) or seen.get("kind") not in KINDS:
        return None
    kind = str(seen["kind"])
    try:
        case = Case(
            target=str(record["target"]),
            expr=str(record["expr"]),
            before=tuple(map(str, record["before"])),
            arguments=tuple(map(str, record["arguments"])),
            keywords=tuple((str(k), str(v)) for k, v in record["keywords"].items()),
            receiver=str(record["receiver"]),
            kind=kind,
            value=str(seen.get("message" if kind == "raises" else "src", "")),
            type=_type(seen),
            home=_home(seen),
            whole=bool(seen.get("whole", True)),
            checks=_told_once(tuple((str(a), str(b)) for a, b in seen.get("checks", ()))),
            after=tuple((str(a), str(b)) for a, b in seen.get("after", ())),
            is_async=str(record["target"]) in async_targets,
            kills=frozenset(int(k) for k in record.get("kills", ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return case if _sound(case) else None


def _told_once(checks: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Leave out an object's text where its attributes are looked at: it would say them a second time."""
    if not any(look.startswith("{}.") for look, _ in checks):
        return checks
    return tuple((look, value) for look, value in checks if look not in {"str({})", "repr({})"})


def _home(seen: Mapping[str, Any]) -> str:
    home = str(seen.get("home", "")) if seen["kind"] == "raises" else ""
    return "" if home == "builtins" else home


def _type(seen: Mapping[str, Any]) -> str:
    if seen["kind"] == "raises":
        home = str(seen.get("home", ""))
        return str(seen.get("type")) if home == "builtins" else f"{home}.{seen.get('type')}"
    return str(seen.get("type", ""))


def _sound(case: Case) -> bool:
    expressions = [
        case.expr,
        *case.arguments,
        *(v for _, v in case.keywords),
        *(v for _, v in (*case.checks, *case.after)),
    ]
    expressions += [case.value] if case.kind in {"value", "iterator"} else []
    expressions += [look.replace("{}", "x") for look, _ in (*case.checks, *case.after)]
    if sum(map(len, expressions)) > _MOST_TEXT or (case.kind == "raises" and not _NAME.match(case.type)):
        return False
    try:
        for text in expressions:
            ast.parse(text, mode="eval")
        for line in case.before:
            body = ast.parse(line).body
            if len(body) != 1 or not isinstance(body[0], ast.Assign | ast.Expr):
                return False
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def shortened(case: Case, names: Mapping[str, str]) -> Case:
    """Return *case* with the dotted names in *names* under the short ones that the tested module itself uses."""

    def short(text: str) -> str:
        if not any(dotted in text for dotted in names):
            return text
        try:
            tree: ast.AST = ast.parse(text, mode="eval")
        except SyntaxError:  # a line such as ``basket = Basket()``
            tree = ast.parse(text)
        return ast.unparse(_Shorter(names).visit(tree))

    return replace(
        case, expr=short(case.expr), before=tuple(map(short, case.before)), arguments=tuple(map(short, case.arguments)),
        keywords=tuple((name, short(text)) for name, text in case.keywords), receiver=short(case.receiver),
        value=short(case.value) if case.kind in {"value", "iterator"} else case.value,
        checks=tuple((look, short(text)) for look, text in case.checks),
        after=tuple((look, short(text)) for look, text in case.after),
    )  # fmt: skip


class _Shorter(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        short = self._names.get(ast.unparse(node))
        if short is not None:
            return ast.Name(short, ast.Load())
        self.generic_visit(node)
        return node
