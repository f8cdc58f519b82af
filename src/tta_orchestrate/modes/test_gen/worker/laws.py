"""Laws that a name and a type make evident, held against every input that was observed.

A law is proposed only when none of the observed inputs breaks it and enough of them could have.
"""

import ast
import importlib.util
import random
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import values
from .evaluate import Candidate, Evaluator
from .kinds import Kind
from .subject import Subject, Target

_THERE_AND_BACK = (
    ("encode", "decode"), ("escape", "unescape"), ("quote", "unquote"), ("dumps", "loads"), ("dump", "load"),
    ("serialize", "deserialize"), ("serialise", "deserialise"), ("marshal", "unmarshal"), ("pack", "unpack"),
    ("compress", "decompress"), ("encrypt", "decrypt"), ("format", "parse"), ("isoformat", "parse"),
    ("render", "parse"), ("stringify", "parse"), ("to", "from"), ("hexlify", "unhexlify"), ("flatten", "unflatten"),
    ("wrap", "unwrap"), ("join", "split"),
)  # fmt: skip
_SETTLING = re.compile(
    r"normali|clean|strip|trim|slug|canonic|dedent|collaps|squeez|sanit|uniq|dedup|simplif|lower|upper|dash|ascii"
    r"|transliter|parameteri|tidy|squash|alphanum"
)
_EITHER_WAY = {"gcd", "lcm", "add", "plus", "union", "intersection", "distance", "similarity", "hamming", "xor"}
_SIGNED = {"compare", "cmp"}
_LEAST = 5
_FAR = 10**9
_FRESH = 40
"""Inputs invented to break a law, beside those that the search kept."""
_DATES = ("datetime.timedelta", "datetime.datetime", "datetime.date")


class Laws:
    """Proposes laws for one module."""

    def __init__(
        self,
        subject: Subject,
        observed: Iterable[tuple[Candidate, dict[str, Any]]],
        beat: Callable[[str], object] = str,
    ) -> None:
        """Call *beat* with the name of what is about to run."""
        self._beat = beat
        self._evaluator = Evaluator(subject)
        self._rng = random.Random(0)
        self._targets = [t for t in subject.targets if t.kind in {"function", "static"} and not t.is_async]
        self._inputs: dict[str, list[list[str]]] = {}
        for candidate, seen in observed:
            if seen["kind"] == "value" and candidate.arguments and not (candidate.keywords or candidate.before):
                self._inputs.setdefault(candidate.target, []).append(candidate.arguments)

    def propose(self) -> Iterator[dict[str, Any]]:
        """Yield a record for each law; none where Hypothesis is not installed."""
        if importlib.util.find_spec("hypothesis") is None:
            return
        for target in self._targets:
            for back in self._backs(target):
                yield from self._one(target, "round-trip", "{g}({f}({x})) == {x}", back)
            words = set(_words(target.qual))
            if _SETTLING.search(target.qual.rpartition(".")[2].lower()):
                yield from self._one(target, "idempotence", "{f}({f}({x})) == {f}({x})")
            if words & _EITHER_WAY:
                yield from self._two(target, "commutativity", "{f}({x}, {y}) == {f}({y}, {x})")
            if words & _SIGNED:
                yield from self._two(target, "antisymmetry", "{f}({x}, {y}) == -{f}({y}, {x})")

    def _backs(self, target: Target) -> list[Target]:
        words = sorted(_words(target.qual))
        found = []
        for there, back in _THERE_AND_BACK:
            if there in words:
                rest = [w for w in words if w != there]
                found += [t for t in self._targets if sorted(_words(t.qual)) == sorted([*rest, back])]
        swapped = re.fullmatch(r"(\w+?)(_to_|2)(\w+)", target.qual)
        if swapped:
            name = f"{swapped[3]}{swapped[2]}{swapped[1]}"
            found += [t for t in self._targets if t.qual == name]
        return [t for t in found if _takes(t, 1)]

    def _one(self, target: Target, law: str, form: str, back: Target | None = None) -> Iterator[dict[str, Any]]:
        if not _takes(target, 1):
            return
        texts = [arguments[0] for arguments in self._inputs.get(target.qual, []) if len(arguments) == 1]
        kind = _declared(target) or _commonest(texts)
        if not kind:
            return
        texts = [t for t in texts if _kind(t) == kind] + self._fresh(target, kind, 1)
        f, g = target.qual, back.qual if back else ""
        accepted = [x for x in dict.fromkeys(texts) if self._value(target, f"{f}({x})") is not None]
        if len(accepted) < _LEAST or not all(self._true(target, form.format(f=f, g=g, x=x)) for x in accepted):
            return
        if any(self._true(target, f"{f}({x}) != {x}") for x in accepted):
            yield self._record(law, target, back, kind, accepted)

    def _two(self, target: Target, law: str, form: str) -> Iterator[dict[str, Any]]:
        if not _takes(target, 2):
            return
        pairs = [arguments for arguments in self._inputs.get(target.qual, []) if len(arguments) == 2]
        kind = _declared(target) or _commonest([text for pair in pairs for text in pair])
        if not kind:
            return
        fresh = self._fresh(target, kind, 2)
        pairs = [p for p in pairs if {_kind(t) for t in p} == {kind}]
        pairs += [[one, other] for one, other in zip(fresh, [*fresh[1:], fresh[-1]])] if fresh else []  # noqa: B905
        f = target.qual
        accepted = [p for p in pairs if self._value(target, f"{f}({p[0]}, {p[1]})") is not None]
        if len(accepted) >= _LEAST and all(self._true(target, form.format(f=f, x=x, y=y)) for x, y in accepted):
            yield self._record(law, target, None, kind, [text for pair in accepted for text in pair])

    def _fresh(self, target: Target, kind: str, times: int) -> list[str]:
        if kind not in values.POOLS:
            return []
        made = [values.fresh(self._rng, Kind(kind), target.literals, lambda *_: None) for _ in range(_FRESH * times)]
        if kind == "str":  # what is done once to a word may be done again to two of them
            words = [*target.words, *(ast.literal_eval(text) for text in target.literals.get("str", ()))]
            made += [repr(word * 2) for word in words] + [repr(f"{word} {word}") for word in words]
        return [text for text in made if _kind(text) == kind]

    def _value(self, target: Target, expr: str) -> str | None:
        self._beat(target.qual)
        seen = self._evaluator.observe(Candidate(target.qual, expr), target)
        return seen["src"] if seen["kind"] == "value" else None

    def _true(self, target: Target, expr: str) -> bool:
        return self._value(target, expr) == "True"

    @staticmethod
    def _record(law: str, target: Target, back: Target | None, kind: str, inputs: list[str]) -> dict[str, Any]:
        record: dict[str, Any] = {"law": law, "call": target.qual, "back": back.qual if back else "", "kind": kind}
        numbers = [max(-_FAR, min(_FAR, int(text))) for text in inputs if kind == "int" and text.lstrip("-").isdigit()]
        return {**record, "held": len(inputs), "low": min(numbers, default=0), "high": max(numbers, default=0)}


def _takes(target: Target, count: int) -> bool:
    """Whether a call with *count* positional arguments is complete."""
    needed = [p for p in target.parameters if not p.has_default and p.kind != "VAR_KEYWORD"]
    plain = [p for p in target.parameters if p.kind in {"POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD"}]
    return len(needed) <= count <= len(plain) and not any(p.kind == "KEYWORD_ONLY" for p in needed)


def _words(name: str) -> list[str]:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2])
    return [word for word in plain.lower().split("_") if word]


def _kind(text: str) -> str:
    try:
        return type(ast.literal_eval(text)).__name__
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return next((name for name in _DATES if text.startswith(f"{name}(")), "")


def _declared(target: Target) -> str:
    """Return the kind that the first parameter's annotation names."""
    first = target.parameters[0]
    known = [k.name for k in first.kinds if k.name in values.POOLS and k.name not in {"None", "bool", "object"}]
    return known[0] if first.declared and known else ""


def _commonest(texts: list[str]) -> str:
    kinds = [kind for text in texts if (kind := _kind(text)) not in {"", "NoneType", "bool"}]
    return max(sorted(set(kinds)), key=kinds.count, default="")
