"""Where candidates come from: examples, fresh inputs, and kept ones changed a little."""

import ast
import random
from typing import Any

from . import simplify, values
from .build import Builder, called
from .change import Changer
from .evaluate import Candidate
from .kinds import ANY, Kind
from .subject import Parameter, Subject, Target

_SPECIAL = {"VAR_POSITIONAL", "VAR_KEYWORD"}
_MOST_OBJECTS = 40
_OPTIONAL = (0, 0, 1, 1, 1, 2, 2, 3, 4)
"""How many of the optional parameters are given."""
_STEPS = (0, 0, 1, 1, 2, 2, 3)
"""How many calls an object that can change has had before."""
_DEEPEST = 3
"""Objects within objects."""
_WILD = 0.012
"""Weight of a kind that the annotation does not name: refusing it may be part of the contract."""
_EMPTY = {
    "str": "''",
    "int": "0",
    "float": "0.0",
    "bytes": "b''",
    "list": "[]",
    "dict": "{}",
    "set": "set()",
    "tuple": "()",
}
_BOUND = {"method", "operator", "property"}


class Inventor:
    """Makes candidates and learns which kinds of value each parameter takes."""

    def __init__(self, subject: Subject, request: dict[str, Any], rng: random.Random) -> None:
        self.subject, self.rng = subject, rng
        self.builder = Builder(subject)
        self._changer = Changer(subject, rng, self._make)
        self._targets = subject.targets
        self._examples: list[str] = list(request.get("examples", ()))
        self._objects: dict[str, list[str]] = {}
        self._weights: dict[tuple[str, str], dict[Kind, float]] = {}
        self._interest: dict[str, float] = {t.qual: 4.0 for t in self._targets}
        kinds = [kind for t in self._targets for p in t.parameters for kind in p.kinds]
        self._asked_for = {kind.last for kind in kinds if kind.name.startswith("@")}
        self._by_name: dict[str, list[Target]] = {}
        for target in self._targets:
            self._by_name.setdefault(target.qual.rpartition(".")[2], []).append(target)

    # -- what to try next ---------------------------------------------------------------------------------------

    def seeds(self) -> list[Candidate]:
        """Return the examples of docstrings, call sites and tests, a few simple calls of everything, and empty ones."""
        found = [c for text in self._examples if (c := self._example(text)) is not None]
        order = sorted(self._targets, key=lambda t: {"class": 0, "static": 1, "function": 2}.get(t.kind, 3))
        found += [told for target in order for told in self._told(target)]
        found += [self._fresh(target) for target in order for _ in range(3)]
        return found + [empty for target in order if (empty := self._empty(target)) is not None]

    def _told(self, target: Target) -> list[Candidate]:
        """Return calls with what the docstring quotes, where one text is all that *target* needs."""
        needed = [p for p in target.parameters if not p.has_default and p.kind not in _SPECIAL]
        texts = target.quoted if len(needed) == 1 and needed[0].kind != "KEYWORD_ONLY" else []
        if not any(kind.name in {"str", "any"} for p in needed for kind in p.kinds or [ANY]):
            return []
        found = [self.builder.build(target, [repr(text)], {}, self._receiver(target)) for text in texts[:6]]
        for candidate in found:
            candidate.example = True
        return found

    def _empty(self, target: Target) -> Candidate | None:
        """Return the call of *target* with nothing in anything that it needs."""
        needed = [p for p in target.parameters if not p.has_default and p.kind not in _SPECIAL]
        texts = [next((_EMPTY[k.name] for k in p.kinds if k.name in _EMPTY), None) for p in needed]
        if not needed or None in texts or any(p.kind == "KEYWORD_ONLY" for p in needed):
            return None
        return self.builder.build(target, [text for text in texts if text is not None], {}, self._receiver(target))

    def next(self, corpus: list[Candidate]) -> Candidate:
        """Return a new candidate, for a target of some interest."""
        alive = [t for t in self._targets if t.hangs < 3] or self._targets
        target = self.rng.choices(alive, [self._interest[t.qual] for t in alive])[0]
        self._interest[target.qual] = max(0.3, self._interest[target.qual] * 0.998)
        mine = [c for c in corpus[-400:] if c.target == target.qual]
        return self._changed(self.rng.choice(mine)) if mine and self.rng.random() < 0.55 else self._fresh(target)

    def near(self, known: list[Candidate], names: list[str]) -> Candidate:
        """Return a candidate like those *known*, or a fresh one for a target among *names*."""
        if known and self.rng.random() < 0.7:
            return self._changed(self.rng.choice(known))
        target = self.builder.targets.get(self.rng.choice(names))
        return self._fresh(target) if target is not None else self._changed(self.rng.choice(known))

    def simpler(self, candidate: Candidate) -> list[Candidate]:
        """Return simpler variants: fewer keywords and steps, simpler arguments, shorter texts."""
        target = self.builder.targets.get(candidate.target)
        objects = sorted(self._known(target.owner), key=len)[:10] if target is not None else []
        return simplify.simpler(self.builder, candidate, objects)

    # -- what was learnt ----------------------------------------------------------------------------------------

    def learn(self, candidate: Candidate, seen: dict[str, Any], *, fresh: bool) -> None:
        """Shift interest and weights by what came of *candidate*."""
        if fresh:
            self._interest[candidate.target] = min(12.0, self._interest.get(candidate.target, 1.0) + 2.0)
        good = seen["kind"] not in {"accident", "stuck"}
        factor = 1.25 if fresh else 1.02 if good else 0.5 if seen["kind"] == "stuck" else 0.93
        for name, kind in candidate.chosen.items():
            weights = self._weights[candidate.target, name]
            weights[kind] = min(30.0, max(_WILD, weights[kind] * factor))
        if good and seen["kind"] != "raises":
            self.remember(candidate, seen)

    def remember(self, candidate: Candidate, seen: dict[str, Any]) -> None:
        """Keep the expression of an object of the module as a future argument or receiver."""
        name = str(seen.get("type", "")).rpartition(".")[2]
        text = str(seen["src"]) if seen["kind"] == "value" else candidate.expr
        made_here = seen["kind"] == "value" and text.startswith(f"{name}(")
        if not (made_here if seen["kind"] == "value" else seen.get("self") or name in self._asked_for):
            return
        target = self.builder.targets.get(candidate.target)
        maker = target is not None and target.kind in {"class", "static"}
        if (
            candidate.before
            or len(text) >= 90
            or "lambda" in text
            or (not maker and not made_here and self._known(name))
        ):
            return
        pool = self._objects.setdefault(name, [])
        if text not in pool and not self.builder.breaks(candidate):
            if len(pool) >= _MOST_OBJECTS:
                pool.pop(self.rng.randrange(len(pool)))
            pool.append(text)

    # -- making -------------------------------------------------------------------------------------------------

    def _known(self, owner: str) -> list[str]:
        """Return ways to make an *owner* that were seen to work, those of its subclasses included."""
        return [text for name in self.subject.families.get(owner, (owner,)) for text in self._objects.get(name, ())]

    def _make(self, kind: Kind, depth: int) -> str | None:
        """Return an object of the class that *kind* names."""
        known = self._objects.get(kind.last) or self._known(kind.last)
        if known and (depth >= _DEEPEST or self.rng.random() < 0.7):
            return self.rng.choice(known)
        names = [n for n in self.subject.families.get(kind.last, ()) if n in self.subject.members or depth < _DEEPEST]
        if not names:
            return self.rng.choice(known) if known else None
        name = self.rng.choice(sorted(names))
        if name in self.subject.members:
            return self.rng.choice(self.subject.members[name])
        maker = self.subject.makers[name]
        arguments, keywords, _ = self._arguments(maker, depth + 1)
        return self.builder.build(maker, arguments, keywords, "").expr

    def _fresh(self, target: Target) -> Candidate:
        arguments, keywords, chosen = self._arguments(target, 0)
        steps = self._steps(target) if target.kind in _BOUND else []
        candidate = self.builder.build(target, arguments, keywords, self._receiver(target), steps)
        candidate.chosen = chosen
        return candidate

    def _arguments(self, target: Target, depth: int) -> tuple[list[str], dict[str, str], dict[str, Kind]]:
        arguments: list[str] = []
        keywords: dict[str, str] = {}
        chosen: dict[str, Kind] = {}
        skipped = False
        optional = [p.name for p in target.parameters if p.has_default and p.kind not in _SPECIAL]
        given = set(self.rng.sample(optional, min(len(optional), self.rng.choice(_OPTIONAL))))
        for parameter in target.parameters:
            if parameter.kind == "VAR_KEYWORD" or (parameter.has_default and parameter.name not in given):
                skipped = True
                continue
            many = self.rng.choice((0, 1, 2, 2, 3)) if parameter.kind == "VAR_POSITIONAL" else 1
            for _ in range(many):
                text, kind = self._value(target, parameter, depth)
                chosen[parameter.name] = kind
                named = parameter.kind == "POSITIONAL_OR_KEYWORD" and (skipped or keywords)
                if parameter.kind == "KEYWORD_ONLY" or named:
                    keywords[parameter.name] = text
                else:
                    arguments.append(text)
        return arguments, keywords, chosen

    def _steps(self, target: Target) -> list[str]:
        """Return some calls that change the object before *target* is called on it."""
        changing = self.builder.steps(target.owner)
        return [self._step(changing) for _ in range(self.rng.choice(_STEPS))] if changing else []

    def _step(self, changing: list[Target]) -> str:
        target = self.rng.choice(changing)
        arguments, keywords, _ = self._arguments(target, 1)
        body = ", ".join([*arguments, *(f"{name}={text}" for name, text in keywords.items())])
        return target.template.format(r=self.builder.name(target.owner), a=body)

    def _receiver(self, target: Target) -> str:
        if target.kind not in _BOUND:
            return ""
        known = self._known(target.owner)
        if known and self.rng.random() < 0.85:
            return self.rng.choice(known)
        return self._make(Kind(f"@{target.owner}"), 0) or f"{target.owner}()"

    def _value(self, target: Target, parameter: Parameter, depth: int) -> tuple[str, Kind]:
        weights = self._weights.get((target.qual, parameter.name))
        if weights is None:
            weights = self._weights[target.qual, parameter.name] = self._first_weights(parameter)
        kind = self.rng.choices(list(weights), list(weights.values()))[0]
        if kind.name == "str" and self.subject.patterns and self.rng.random() < 0.3:
            pattern, flags = self.rng.choice(self.subject.patterns)
            text = values.sample(pattern, self.rng, flags)
            if text is not None:
                return repr(text), kind
        if kind.name == "str" and target.words and self.rng.random() < 0.35:
            word = self.rng.choice(target.words)
            plain = self.rng.random() < 0.5
            return repr(word if plain else values.mutate_text(self.rng, word, target.words)), kind
        return values.fresh(self.rng, kind, target.literals, self._make, depth), kind

    def _first_weights(self, parameter: Parameter) -> dict[Kind, float]:
        open_end = not parameter.declared or ANY in parameter.kinds
        rest = _WILD if not open_end else 0.15 if parameter.kinds else 1.0
        weights = {Kind(name): rest for name in values.KINDS}
        for rank, kind in enumerate(kind for kind in parameter.kinds if kind != ANY):
            weights[kind] = weights.get(kind, 0.0) + 6.0 / (1 + 0.2 * rank)
        if open_end:
            for name in (*self.subject.makers, *self._objects):
                weights.setdefault(Kind(f"@{name}"), 0.05)
        return weights

    # -- changing -----------------------------------------------------------------------------------------------

    def _changed(self, candidate: Candidate) -> Candidate:
        target = self.builder.targets.get(candidate.target)
        if target is None:
            return candidate
        arguments, keywords, receiver = list(candidate.arguments), dict(candidate.keywords), candidate.receiver
        steps = list(candidate.steps)
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            slots: list[int | str] = [*range(len(arguments)), *keywords]
            optional = [
                p for p in target.parameters if p.has_default and p.name not in keywords and p.kind not in _SPECIAL
            ]
            roll = self.rng.random()
            if receiver and roll < 0.3:
                if self.rng.random() < 0.6:
                    steps = self._other_steps(target, steps)
                elif self.rng.random() < 0.5:
                    receiver = self._receiver(target)
                else:
                    receiver = self._changer.change(receiver, target)
            elif optional and roll < 0.45 and len(arguments) <= len(target.parameters) - len(optional):
                parameter = self.rng.choice(optional)
                if parameter.kind != "POSITIONAL_ONLY":
                    keywords[parameter.name] = self._value(target, parameter, 0)[0]
            elif slots:
                self._change_one(target, arguments, keywords, self.rng.choice(slots), slots)
        return self.builder.build(target, arguments, keywords, receiver, steps)

    def _change_one(
        self, target: Target, arguments: list[str], keywords: dict[str, str], slot: int | str,
        slots: list[int | str],
    ) -> None:  # fmt: skip
        def text_of(where: int | str) -> str:
            return arguments[where] if isinstance(where, int) else keywords[where]

        new = text_of(slot)
        parameter = self._parameter(target, slot)
        if len(slots) > 1 and self.rng.random() < 0.15:  # equal arguments are a boundary of their own
            new = text_of(self.rng.choice(slots))
            new = new if self.rng.random() < 0.6 else self._changer.change(new, target)
        elif parameter is not None and parameter.declared and self.rng.random() < 0.25:
            new = self._value(target, parameter, 0)[0]
        else:
            new = self._changer.change(new, target)
        if isinstance(slot, int):
            arguments[slot] = new
        else:
            keywords[slot] = new

    @staticmethod
    def _parameter(target: Target, slot: int | str) -> Parameter | None:
        if isinstance(slot, int):
            return target.parameters[slot] if slot < len(target.parameters) else None
        return next((p for p in target.parameters if p.name == slot), None)

    def _other_steps(self, target: Target, steps: list[str]) -> list[str]:
        changing = self.builder.steps(target.owner)
        if not changing:
            return steps
        at = self.rng.randrange(len(steps) + 1)
        roll = self.rng.random()
        if steps and roll < 0.25:
            return [*steps[: at - 1], *steps[at:]] if at else steps[1:]
        if steps and roll < 0.5:
            at = min(at, len(steps) - 1)
            return [*steps[:at], self._changer.change(steps[at], target), *steps[at + 1 :]]
        if steps and roll < 0.65:
            return [*steps, self.rng.choice(steps)]
        return [*steps[:at], self._step(changing), *steps[at:]] if len(steps) < 5 else steps

    # -- examples -----------------------------------------------------------------------------------------------

    def _example(self, text: str) -> Candidate | None:
        """Take an expression that somebody wrote as it stands, its parts named where it is a call of a target."""
        node = called(text)
        if node is None or not isinstance(node.func, (ast.Attribute, ast.Name)):
            return None
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        arguments = [ast.unparse(a) for a in node.args]
        keywords = {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg}
        receiver = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        for target in self._by_name.get(name, []):
            if target.kind in {"function", "class", "static"} or (target.kind == "method" and receiver):
                bound = receiver if target.kind == "method" else ""
                found = self.builder.build(target, arguments, keywords, bound)
                found.example = True
                return found
        return None
