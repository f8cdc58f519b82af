"""Where candidates come from: examples, fresh inputs, and kept ones changed a little."""

import ast
import math
import random
from typing import Any

from . import values
from .evaluate import Candidate
from .subject import Parameter, Subject, Target

_SIMPLE = (
    "0",
    "1",
    "2",
    "''",
    "'a'",
    "'ab'",
    "[]",
    "[1]",
    "[1, 2]",
    "()",
    "{}",
    "None",
    "True",
    "False",
    "1.0",
    "0.5",
    "-1",
)
_SPECIAL = {"VAR_POSITIONAL", "VAR_KEYWORD"}
_MOST_OBJECTS = 40
_OPTIONAL = (0, 0, 1, 1, 1, 2, 2, 3, 4)
"""How many of the optional parameters are given."""


class Inventor:
    """Makes candidates and learns which kinds of value each parameter takes."""

    def __init__(self, subject: Subject, request: dict[str, Any], rng: random.Random) -> None:
        self.subject, self.rng = subject, rng
        self._targets = subject.targets
        self._examples: list[str] = list(request.get("examples", ()))
        self._objects: dict[str, list[str]] = {}
        self._weights: dict[tuple[str, str], dict[str, float]] = {}
        self._interest: dict[str, float] = {t.qual: 4.0 for t in self._targets}
        self._states: dict[str, list[str]] = {}
        kinds = [kind for t in self._targets for p in t.parameters for kind in p.kinds]
        self._asked_for = {kind.rpartition(".")[2].lstrip("@") for kind in kinds if kind.startswith("@")}
        self._by_name: dict[str, list[Target]] = {}
        for target in self._targets:
            self._by_name.setdefault(target.qual.rpartition(".")[2], []).append(target)

    # -- what to try next ---------------------------------------------------------------------------------------

    def seeds(self) -> list[Candidate]:
        """Return the examples of docstrings, call sites and tests, then a simple call or two of everything."""
        found = [c for text in self._examples if (c := self._example(text)) is not None]
        order = sorted(self._targets, key=lambda t: {"class": 0, "static": 1, "function": 2}.get(t.kind, 3))
        return found + [self._fresh(target) for target in order for _ in range(3)]

    def next(self, corpus: list[Candidate]) -> Candidate:
        """Return a new candidate, for a target of some interest."""
        alive = [t for t in self._targets if t.hangs < 3]
        target = self.rng.choices(alive or self._targets, [self._interest[t.qual] for t in alive or self._targets])[0]
        self._interest[target.qual] = max(0.3, self._interest[target.qual] * 0.998)
        mine = [c for c in corpus[-400:] if c.target == target.qual]
        return self._changed(self.rng.choice(mine)) if mine and self.rng.random() < 0.55 else self._fresh(target)

    def near(self, known: list[Candidate], names: list[str]) -> Candidate:
        """Return a candidate like those *known*, or a fresh one for a target among *names*."""
        if known and self.rng.random() < 0.7:
            return self._changed(self.rng.choice(known))
        wanted = self.rng.choice(names)
        target = next((t for t in self._targets if t.qual == wanted), None)
        return self._fresh(target) if target is not None else self._changed(self.rng.choice(known))

    def simpler(self, candidate: Candidate) -> list[Candidate]:
        """Return simpler variants: fewer keywords, simpler arguments, shorter texts."""
        target = self._target(candidate)
        if target is None:
            return []
        found = [self._build(target, candidate.arguments, {k: v for k, v in candidate.keywords.items() if k != name},
        candidate.receiver)
                 for name in candidate.keywords]  # fmt: skip
        for index, text in enumerate(candidate.arguments):
            for simple in (*_SIMPLE, *_halves(text)):
                if len(simple) < len(text):
                    arguments = [*candidate.arguments[:index], simple, *candidate.arguments[index + 1 :]]
                    found.append(self._build(target, arguments, candidate.keywords, candidate.receiver))
        others = [o for o in self._objects.get(target.owner, [])[:10] if len(o) < len(candidate.receiver)]
        found += [self._build(target, candidate.arguments, candidate.keywords, other) for other in others]
        return sorted(found, key=lambda c: c.size)[:60]

    # -- what was learnt ----------------------------------------------------------------------------------------

    def learn(self, candidate: Candidate, seen: dict[str, Any], *, fresh: bool) -> None:
        """Shift interest and weights by what came of *candidate*."""
        if fresh:
            self._interest[candidate.target] = min(12.0, self._interest.get(candidate.target, 1.0) + 2.0)
        good = seen["kind"] not in {"accident", "stuck"}
        factor = 1.25 if fresh else 1.02 if good else 0.93
        for name, kind in candidate.chosen.items():
            weights = self._weights[candidate.target, name]
            weights[kind] = min(30.0, max(0.05, weights[kind] * factor))
        if good and seen["kind"] != "raises":
            self.remember(candidate, seen)

    def remember(self, candidate: Candidate, seen: dict[str, Any]) -> None:
        """Keep the expression of an object of the module as a future argument or receiver."""
        name = str(seen.get("type", ""))
        asked = seen.get("self") or (seen["kind"] != "value" and name.rpartition(".")[2] in self._asked_for)
        if asked and not candidate.before and candidate.size < 90 and "{" not in candidate.expr:
            for key in {name, name.rpartition(".")[2]}:
                pool = self._objects.setdefault(key, [])
                if candidate.expr not in pool:
                    if len(pool) >= _MOST_OBJECTS:
                        pool.pop(self.rng.randrange(len(pool)))
                    pool.append(candidate.expr)

    def as_declared(self, candidate: Candidate) -> bool:
        """Whether every argument is a plain value of the type that its parameter's annotation names."""
        target = self._target(candidate)
        if target is None or target.kind not in {"function", "static"} or not candidate.arguments:
            return False
        by_name = {p.name: p for p in target.parameters}
        pairs = list(zip(target.parameters, candidate.arguments, strict=False)) + [
            (by_name[k], v) for k, v in candidate.keywords.items() if k in by_name
        ]
        return all(p.declared and _kind(text) in p.kinds for p, text in pairs)

    # -- making -------------------------------------------------------------------------------------------------

    def _target(self, candidate: Candidate) -> Target | None:
        return next((t for t in self._targets if t.qual == candidate.target), None)

    def _fresh(self, target: Target) -> Candidate:
        arguments: list[str] = []
        keywords: dict[str, str] = {}
        chosen: dict[str, str] = {}
        skipped = False
        optional = [p.name for p in target.parameters if p.has_default and p.kind not in _SPECIAL]
        given = set(self.rng.sample(optional, min(len(optional), self.rng.choice(_OPTIONAL))))
        for parameter in target.parameters:
            if parameter.kind == "VAR_KEYWORD" or (parameter.has_default and parameter.name not in given):
                skipped = True
                continue
            many = self.rng.choice((0, 1, 2, 2, 3)) if parameter.kind == "VAR_POSITIONAL" else 1
            for _ in range(many):
                text, kind = self._value(target, parameter)
                chosen[parameter.name] = kind
                if parameter.kind == "KEYWORD_ONLY" or (
                    parameter.kind == "POSITIONAL_OR_KEYWORD" and (skipped or keywords)
                ):
                    keywords[parameter.name] = text
                else:
                    arguments.append(text)
        candidate = self._build(target, arguments, keywords, self._receiver(target))
        candidate.chosen = chosen
        return candidate

    def _build(self, target: Target, arguments: list[str], keywords: dict[str, str], receiver: str) -> Candidate:
        body = ", ".join([*arguments, *(f"{name}={text}" for name, text in keywords.items())])
        candidate = Candidate(target.qual, "", arguments=arguments, keywords=keywords, receiver=receiver)
        if target.kind == "method":
            candidate.before = [f"subject = {receiver}"]
            candidate.expr = target.template.format(r="subject", a=body)
            candidate.after = self._state(target.owner)
            if not candidate.after:
                candidate.before, candidate.expr = [], target.template.format(r=_bracket(receiver), a=body)
        else:
            body = body or ("None" if target.kind == "operator" and "{a}" in target.template else "")
            candidate.expr = target.template.format(
                r=_bracket(receiver), a=_bracket(body, number=False) if target.kind == "operator" else body
            )
        return candidate

    def _state(self, owner: str) -> list[str]:
        """Public attributes that methods of *owner* assign: where a call may leave a trace."""
        if owner in self._states:
            return self._states[owner]
        names: set[str] = set()
        sized = False
        for node in self.subject.tree.body:
            if isinstance(node, ast.ClassDef) and node.name == owner:
                for function in (n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))):
                    sized |= function.name == "__len__"
                    if function.name not in {"__init__", "__new__", "__post_init__"}:
                        names |= _assigned(function)
        found = [f"subject.{name}" for name in sorted(names) if not name.startswith("_")][:4]
        if sized and names:
            found.append("len(subject)")
        self._states[owner] = found
        return found

    def _receiver(self, target: Target) -> str:
        if target.kind not in {"method", "operator", "property"}:
            return ""
        made = self._objects.get(target.owner)
        if made and self.rng.random() < 0.85:
            return self.rng.choice(made)
        maker = next((t for t in self._targets if t.qual == target.owner), None)
        return self._fresh(maker).expr if maker is not None else f"{target.owner}()"

    def _value(self, target: Target, parameter: Parameter) -> tuple[str, str]:
        weights = self._weights.get((target.qual, parameter.name))
        if weights is None:
            weights = dict.fromkeys(values.KINDS, 0.15 if parameter.kinds else 1.0)
            for rank, kind in enumerate(parameter.kinds):
                weights[kind] = weights.get(kind, 0.0) + 6.0 / (1 + 0.2 * rank)
            for name in self._objects:
                weights.setdefault(f"@{name}", 0.05)
            self._weights[target.qual, parameter.name] = weights
        kind = self.rng.choices(list(weights), list(weights.values()))[0]
        if kind == "str" and self.subject.patterns and self.rng.random() < 0.3:
            pattern, flags = self.rng.choice(self.subject.patterns)
            text = values.sample(pattern, self.rng, flags)
            if text is not None:
                return repr(text), kind
        if kind == "str" and target.words and self.rng.random() < 0.35:
            word = self.rng.choice(target.words)
            plain = self.rng.random() < 0.5
            return repr(word if plain else values.mutate_text(self.rng, word, target.words)), kind
        return values.fresh(self.rng, kind, target.literals, self._objects), kind

    def _changed(self, candidate: Candidate) -> Candidate:
        target = self._target(candidate)
        if target is None:
            return candidate
        arguments, keywords, receiver = list(candidate.arguments), dict(candidate.keywords), candidate.receiver
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            slots: list[Any] = [*range(len(arguments)), *keywords]
            optional = [
                p for p in target.parameters if p.has_default and p.name not in keywords and p.kind not in _SPECIAL
            ]
            roll = self.rng.random()
            if receiver and roll < 0.3:
                receiver = self._receiver(target)
            elif optional and roll < 0.45 and len(arguments) <= len(target.parameters) - len(optional):
                parameter = self.rng.choice(optional)
                if parameter.kind != "POSITIONAL_ONLY":
                    keywords[parameter.name] = self._value(target, parameter)[0]
            elif slots:
                slot = self.rng.choice(slots)
                old = arguments[slot] if isinstance(slot, int) else keywords[slot]
                if len(slots) > 1 and self.rng.random() < 0.15:  # equal arguments are a boundary of their own
                    other = self.rng.choice(slots)
                    old = arguments[other] if isinstance(other, int) else keywords[other]
                    new = old if self.rng.random() < 0.6 else self._mutate(old, target)
                else:
                    new = self._mutate(old, target)
                if isinstance(slot, int):
                    arguments[slot] = new
                else:
                    keywords[slot] = new
        return self._build(target, arguments, keywords, receiver)

    def _mutate(self, text: str, target: Target) -> str:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            pool = next((pool for pool in values.POOLS.values() if text in pool), None) or next(
                (p for p in self._objects.values() if text in p), None
            )
            return self.rng.choice(pool) if pool else text
        changed = self._mutate_value(value, target, 0)
        return (
            f'float("{changed}")'
            if isinstance(changed, float) and (math.isnan(changed) or changed in {float("inf"), float("-inf")})
            else repr(changed)
        )

    def _mutate_value(self, value: Any, target: Target, depth: int) -> Any:  # noqa: PLR0912
        rng = self.rng
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            mined = target.literals.get("int", ["0"])
            return rng.choice(
                (
                    value + 1,
                    value - 1,
                    -value,
                    value * 10,
                    value // 2,
                    value + rng.randint(-20, 20),
                    _literal(rng.choice(mined), value),
                )
            )
        if isinstance(value, float):
            return rng.choice(
                (
                    value + 1,
                    value / 2,
                    -value,
                    value * 10,
                    round(value, 1),
                    _literal(rng.choice(target.literals.get("float", ["0.0"])), value),
                )
            )
        if isinstance(value, str):
            roll = rng.random()
            if roll < 0.2 and self.subject.patterns:
                pattern, flags = rng.choice(self.subject.patterns)
                return values.sample(pattern, rng, flags) or value
            if roll < 0.3 and target.literals.get("str"):
                return _literal(rng.choice(target.literals["str"]), value)
            if roll < 0.4 and target.words:
                return rng.choice(target.words)
            return values.mutate_text(rng, value, target.words)
        if isinstance(value, bytes):
            return rng.choice((value + b"x", value[:-1], value * 2, b"\x00" + value))
        if isinstance(value, (list, tuple, set)):
            items = list(value)
            roll = rng.random()
            if items and roll < 0.5 and depth < 3:
                at = rng.randrange(len(items))
                items[at] = self._mutate_value(items[at], target, depth + 1)
            elif items and roll < 0.65:
                items.pop(rng.randrange(len(items)))
            elif items and roll < 0.8:
                items.append(rng.choice(items))
            else:
                items.append(
                    _literal(
                        values.fresh(rng, rng.choice(("int", "str", "int", "None", "list")), target.literals, {}), 0
                    )
                )
            try:
                return type(value)(items)
            except TypeError:
                return value
        if isinstance(value, dict):
            pairs = list(value.items())
            if pairs and rng.random() < 0.6 and depth < 3:
                at = rng.randrange(len(pairs))
                pairs[at] = (pairs[at][0], self._mutate_value(pairs[at][1], target, depth + 1))
            elif pairs and rng.random() < 0.4:
                pairs.pop()
            else:
                pairs.append((rng.choice(target.words or ["k"]), rng.choice((0, 1, "v", None, True, [1], {"a": 1}))))
            return dict(pairs)
        return _literal(values.fresh(rng, rng.choice(("int", "str", "list")), target.literals, {}), 0)

    # -- examples -----------------------------------------------------------------------------------------------

    def _example(self, text: str) -> Candidate | None:
        """Take an expression that somebody wrote as it stands, its parts named where it is a call of a target."""
        try:
            node = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError):
            return None
        if not isinstance(node, ast.Call):
            return None
        name = (
            node.func.attr
            if isinstance(node.func, ast.Attribute)
            else node.func.id
            if isinstance(node.func, ast.Name)
            else ""
        )
        targets = self._by_name.get(name, [])
        if (
            not targets
            or any(isinstance(a, ast.Starred) for a in node.args)
            or any(k.arg is None for k in node.keywords)
        ):
            return None
        arguments = [ast.unparse(a) for a in node.args]
        keywords = {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg}
        receiver = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        for target in targets:
            if target.kind in {"function", "class", "static"} or (target.kind == "method" and receiver):
                found = self._build(target, arguments, keywords, receiver if target.kind == "method" else "")
                found.example = True
                return found
        return None


def _assigned(function: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            if isinstance(node.ctx, (ast.Store, ast.Del)):
                found.add(node.attr)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Attribute)
        ):
            owner = node.func.value
            if (
                isinstance(owner.value, ast.Name)
                and owner.value.id == "self"
                and node.func.attr
                in {"append", "add", "pop", "update", "remove", "clear", "extend", "insert", "discard"}
            ):
                found.add(owner.attr)
    return found


def _kind(text: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return ""
    return "None" if value is None else type(value).__name__


def _literal(text: str, otherwise: Any) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return otherwise


def _halves(text: str) -> list[str]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return []
    if isinstance(value, (str, bytes, list, tuple)) and len(value) > 1:
        middle = len(value) // 2
        return [repr(value[:middle]), repr(value[middle:]), repr(value[1:]), repr(value[:-1])]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        return [repr(value // 10), repr(value // 2)]
    return []


def _bracket(text: str, *, number: bool = True) -> str:
    """Put an expression in brackets where it would not bind tightly enough; a *number* binds no attribute."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return text
    tight = (ast.Call, ast.Name, ast.Attribute, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Subscript)
    return (
        text
        if isinstance(node, tight)
        and not (number and isinstance(node, ast.Constant) and isinstance(node.value, (int, float)))
        else f"({text})"
    )
