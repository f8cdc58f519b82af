"""A value changed a little: numbers nudged, texts cut and joined, collections grown and shrunk, parts of objects."""

import ast
import datetime as dt
import decimal
import math
import random
from typing import Any

from . import values
from .build import literal
from .kinds import Kind
from .subject import Subject, Target

_LEAVES = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)


class Changer:
    """Changes source texts of values, with what the tested code knows at hand."""

    def __init__(self, subject: Subject, rng: random.Random, make: values.Make) -> None:
        self._subject, self._rng, self._make = subject, rng, make

    def change(self, text: str, target: Target) -> str:
        """Return *text*, an argument of *target*, changed a little."""
        value = literal(text, self)
        return self._inside(text, target) if value is self else written(self._value(value, target, 0))

    def _inside(self, text: str, target: Target) -> str:
        """Change one part of an expression, or take another of its kind."""
        pool = next((pool for pool in values.POOLS.values() if text in pool), None)
        if pool is not None:
            return self._rng.choice(pool)
        try:
            tree = ast.parse(text, mode="eval")
        except (SyntaxError, ValueError):
            return text
        root = tree.body
        names = self._subject.families
        if isinstance(root, ast.Attribute) and isinstance(root.value, ast.Name) and root.value.id in names:
            return self._make(Kind(f"@{root.value.id}"), 0) or text
        if isinstance(root, ast.Call) and isinstance(root.func, ast.Name) and root.func.id in names:
            if self._rng.random() < 0.35:
                return self._make(Kind(f"@{root.func.id}"), 0) or text
        leaves = [node for node in ast.walk(root) if isinstance(node, ast.expr) and self._is_leaf(node)]
        if not leaves or isinstance(root, ast.Lambda):
            return text
        leaf = self._rng.choice(leaves)
        moment = next((n for n in ast.walk(root) if isinstance(n, ast.Call) and leaf in n.args and _is_moment(n)), None)
        if moment is not None:
            return str(ast.unparse(_Put(moment, self._later(moment)).visit(root)))
        new = ast.parse(self._leaf(root, leaf, target), mode="eval").body
        return str(ast.unparse(_Put(leaf, new).visit(root)))

    def _is_leaf(self, node: ast.expr) -> bool:
        """Whether *node* is a plain value, or a member of an enumeration."""
        if isinstance(node, ast.Attribute):
            return isinstance(node.value, ast.Name) and node.value.id in self._subject.members
        return isinstance(node, _LEAVES) and literal(ast.unparse(node), self) is not self

    def _leaf(self, root: ast.expr, leaf: ast.expr, target: Target) -> str:
        text = ast.unparse(leaf)
        if isinstance(leaf, ast.Attribute):
            return self._rng.choice(self._subject.members[ast.unparse(leaf.value)])
        value = literal(text, None)
        if isinstance(value, str) and _is_number_of(root, leaf):
            return repr(self._number(value, target))
        return written(self._value(value, target, 1))

    def _later(self, call: ast.Call) -> ast.expr:
        """Return another day or time, not far from the one that *call* makes."""
        numbers = [literal(ast.unparse(argument), 1) for argument in call.args]
        steps = [dt.timedelta(days=n) for n in (1, -1, 7, -30, 31, -365, 366)]
        try:
            if ast.unparse(call.func) == "datetime.date":
                day = dt.date(*numbers) + self._rng.choice(steps)
                parts = [day.year, day.month, day.day]
            else:
                steps += [dt.timedelta(seconds=n) for n in (1, -1, 60, 3600, -7200)]
                moment = dt.datetime(*numbers) + self._rng.choice(steps)  # noqa: DTZ001 -- as the text says
                parts = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second]
                while len(parts) > 3 and not parts[-1]:
                    parts.pop()
        except (ValueError, TypeError, OverflowError):
            return call
        return ast.Call(call.func, [ast.Constant(part) for part in parts], call.keywords)

    def _number(self, text: str, target: Target) -> str:
        """Change the text of a decimal number."""
        try:
            number = decimal.Decimal(text)
        except decimal.InvalidOperation:
            return "1"
        mined = target.literals.get("int", ["0"])
        known = literal(self._rng.choice(mined), 0)
        choices = (number + 1, number - 1, -number, number * 10, number / 2, decimal.Decimal(known))
        return f"{self._rng.choice(choices):f}"

    def _value(self, value: Any, target: Target, depth: int) -> Any:
        rng = self._rng
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            mined = literal(rng.choice(target.literals.get("int", ["0"])), value)
            near = value + rng.randint(-20, 20)
            return rng.choice((value + 1, value - 1, -value, value * 10, value // 2, near, mined))
        if isinstance(value, float):
            mined = literal(rng.choice(target.literals.get("float", ["0.0"])), value)
            return rng.choice((value + 1, value / 2, -value, value * 10, round(value, 1), mined))
        if isinstance(value, str):
            return self._text(value, target)
        if isinstance(value, bytes):
            return rng.choice((value + b"x", value[:-1], value * 2, b"\x00" + value))
        if isinstance(value, (list, tuple, set)):
            return self._items(value, target, depth)
        if isinstance(value, dict):
            return self._mapping(value, target, depth)
        return literal(self._any("int", "str", "list", target=target), 0)

    def _any(self, *names: str, target: Target) -> str:
        return values.fresh(self._rng, Kind(self._rng.choice(names)), target.literals, self._make)

    def _text(self, value: str, target: Target) -> str:
        rng = self._rng
        roll = rng.random()
        if roll < 0.2 and self._subject.patterns:
            pattern, flags = rng.choice(self._subject.patterns)
            return values.sample(pattern, rng, flags) or value
        if roll < 0.3 and target.literals.get("str"):
            return str(literal(rng.choice(target.literals["str"]), value))
        if roll < 0.4 and target.words:
            return rng.choice(target.words)
        return values.mutate_text(rng, value, target.words)

    def _items(self, value: Any, target: Target, depth: int) -> Any:
        rng, items = self._rng, list(value)
        roll = rng.random()
        if items and roll < 0.45 and depth < 3:
            at = rng.randrange(len(items))
            items[at] = self._value(items[at], target, depth + 1)
        elif items and roll < 0.6:
            items.pop(rng.randrange(len(items)))
        elif items and roll < 0.75:
            items.append(rng.choice(items))
        elif items and roll < 0.9 and depth < 3:
            items.insert(rng.randrange(len(items) + 1), self._value(rng.choice(items), target, depth + 1))
        else:
            items.append(literal(self._any("int", "str", "int", "None", "list", target=target), 0))
        try:
            return type(value)(items)
        except TypeError:
            return value

    def _mapping(self, value: dict[Any, Any], target: Target, depth: int) -> dict[Any, Any]:
        rng, pairs = self._rng, list(value.items())
        if pairs and rng.random() < 0.6 and depth < 3:
            at = rng.randrange(len(pairs))
            pairs[at] = (pairs[at][0], self._value(pairs[at][1], target, depth + 1))
        elif pairs and rng.random() < 0.4:
            pairs.pop()
        elif pairs and rng.random() < 0.4 and depth < 3:
            key, held = rng.choice(pairs)
            pairs.append((rng.choice(target.words) if target.words and isinstance(key, str) else key, held))
        else:
            pairs.append((rng.choice(target.words or ["k"]), rng.choice((0, 1, "v", None, True, [1], {"a": 1}))))
        return dict(pairs)


class _Put(ast.NodeTransformer):
    """Puts *new* in the place of *old*."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self._new if node is self._old else self.generic_visit(node)


def _is_moment(call: ast.Call) -> bool:
    return ast.unparse(call.func) in {"datetime.date", "datetime.datetime"}


def _is_number_of(root: ast.expr, leaf: ast.expr) -> bool:
    """Whether *leaf* is the text of a decimal number or a fraction."""
    makers = {"decimal.Decimal", "Decimal", "fractions.Fraction", "Fraction"}
    calls = (n for n in ast.walk(root) if isinstance(n, ast.Call) and leaf in n.args)
    return any(ast.unparse(call.func) in makers for call in calls)


def written(value: Any) -> str:
    """Return *value* as source."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)
