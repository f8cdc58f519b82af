"""Names for tests: what is called, in which state, with what, what comes of it; numbers only as a last resort."""

import ast
import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.modes.test_gen import slugs
from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.signatures import UNKNOWN, Signature, given, start_of

LONGEST: Final = 60
"""Letters of a name, as long as what is called leaves room for it."""
_LONGEST_DETAILED: Final = 84
_ROOM: Final = 12
"""Letters that a detail may always have."""
_FEW: Final = 2
"""Most things of one kind that a name lists."""
_COUNTS: Final = ("no", "one", "two", "three", "four", "five")
_TIMES: Final = {2: "_twice", 3: "_three_times", 4: "_four_times"}
_PLAIN: Final = {"True": "is_true", "False": "is_false", "None": "returns_none"}

Rows = Sequence[Case]
"""The cases of one test, all of one target and one outcome."""
_Details = frozenset[str]
"""What a name tells besides the usual: parameters (with their value), or one of the words below."""
_STEPS, _DOINGS, _COUNT, _MESSAGE, _VALUE, _RECEIVER = (
    "<steps>",
    "<doings>",
    "<count>",
    "<message>",
    "<value>",
    "<receiver>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namer:
    """Names tests of one module."""

    signatures: Mapping[str, Signature] = field(default_factory=dict)

    def names(self, tests: Sequence[Rows], taken: Iterable[str] = ()) -> list[str]:
        """Return a name for each of *tests*, distinct, and free of those in *taken*.

        A name hangs only on its own test and on those that would be called the same, in whatever order they come.
        """
        used = set(taken)
        alike: dict[str, list[int]] = {}
        for number, rows in enumerate(tests):
            alike.setdefault(self._name(rows), []).append(number)
        found: dict[int, str] = {}
        for name, (first, *others) in alike.items():
            if not others and name not in used:
                found[first] = name
        used |= set(found.values())
        for _, numbers in sorted(alike.items()):
            if numbers[0] not in found:
                ordered = sorted(numbers, key=lambda n: repr(_identity(tests[n])))
                chosen = self._tell_apart([tests[n] for n in ordered], used, frozenset())
                found.update(zip(ordered, chosen, strict=True))
                used.update(chosen)
        return [found[number] for number in range(len(tests))]

    def _tell_apart(self, tests: list[Rows], used: set[str], known: _Details) -> list[str]:
        """Return names for *tests* with as few details as do; those that stay alike get more, and then numbers."""
        options = [(known | more, self._all(tests, known | more)) for more in self._details(tests, known)]
        plain = max(map(len, self._all(tests, known)))
        for longest in (max(LONGEST, plain), max(_LONGEST_DETAILED, plain + _ROOM)):
            for _, names in options:
                if len(set(names)) == len(tests) and used.isdisjoint(names) and max(map(len, names)) <= longest:
                    return names
        short = [(d, n) for d, n in options if max(map(len, n)) <= max(_LONGEST_DETAILED, plain + _ROOM)]
        details, names = max(short, key=lambda option: len(set(option[1])), default=(known, self._all(tests, known)))
        found = dict.fromkeys(range(len(tests)), "")
        reserved = set(used)
        for name, several in Counter(names).items():
            here = [n for n, other in enumerate(names) if other == name]
            if several == 1 or len(set(names)) == 1:
                chosen = _numbered(name, several, reserved)
            else:
                chosen = self._tell_apart([tests[n] for n in here], reserved, details)
            reserved.update(chosen)
            found.update(zip(here, chosen, strict=True))
        return list(found.values())

    def _all(self, tests: Iterable[Rows], details: _Details) -> list[str]:
        return [self._name(rows, details) for rows in tests]

    def _details(self, tests: Sequence[Rows], known: _Details) -> Iterator[_Details]:
        """Yield what could tell *tests* apart, the plainest first."""
        inputs = [self._given(rows) for rows in tests]
        keys = [k for k in dict.fromkeys(k for one in inputs for k in one) if _differ([one.get(k) for one in inputs])]
        first = (_STEPS, _COUNT, _MESSAGE) if len(tests) > 1 else (_MESSAGE,)
        singles = [frozenset({one}) for one in (*first, *keys, _VALUE, _DOINGS, _RECEIVER) if one not in known]
        yield from singles
        for one, other in itertools.combinations(singles, 2):
            yield one | other

    def _given(self, rows: Rows) -> dict[str, str]:
        """Return what all *rows* give: parameter to source, empty where they differ."""
        every = [given(row, self.signatures.get(row.target, UNKNOWN)) for row in rows]
        return {key: text if all(one.get(key) == text for one in every) else "" for key, text in every[0].items()}

    def _name(self, rows: Rows, details: _Details = frozenset()) -> str:
        inputs = self._given(rows)
        required = self.signatures.get(rows[0].target, UNKNOWN).required
        optional = [key for key in inputs if key not in required and not key.startswith("#")]
        needed = [key for key in inputs if key not in optional and key in details]
        told = sorted(optional, key=lambda key: key not in details)[:_FEW]
        with_values = [_with(key, inputs[key], told=key in details) for key in told]
        parts = {
            "subject": _subject(rows[0]),
            "after": _after(rows[0], details),
            "count": f"with_{_count(len(rows[0].arguments))}" if _COUNT in details else "",
            "with": "_and_".join([*with_values]).replace("_and_with_", "_and_"),
            "for": f"for_{'_and_'.join(_told(inputs[key]) for key in needed)}" if needed else "",
            "receiver": self._receiver(rows[0]) if _RECEIVER in details else "",
            "outcome": self._outcome(rows, details),
        }
        name = _joined(parts)
        if len(name) > LONGEST and not details.intersection(told):
            name = _joined({**parts, "with": with_values[0] if with_values else ""})
        return name

    def _receiver(self, case: Case) -> str:
        try:
            call = ast.parse(case.receiver, mode="eval").body
        except SyntaxError:
            return ""
        if not isinstance(call, ast.Call):
            return f"given_{slugs.value(case.receiver)}"
        places = self.signatures.get(ast.unparse(call.func), UNKNOWN).positional
        texts = [(places[n] if n < len(places) else "", one) for n, one in enumerate(call.args)]
        texts += [(k.arg or "", k.value) for k in call.keywords]
        told = [
            "_".join(filter(None, [slugs.words(name), slugs.value(ast.unparse(one))])) for name, one in texts[:_FEW]
        ]
        return f"given_{'_and_'.join(told)}" if told else ""

    def _outcome(self, rows: Rows, details: _Details) -> str:
        case = rows[0]
        kind = slugs.words(case.type.rpartition(".")[2], LONGEST)
        match case.kind:
            case "raises":
                said = slugs.message(case.value) if _MESSAGE in details and len({r.value for r in rows}) == 1 else ""
                return "_".join(filter(None, ["raises", kind, said]))
            case "object":
                return _looks(case) if _makes(case) else f"returns_{kind}"
            case "iterator":
                return f"yields_{slugs.value(case.value)}" if _VALUE in details else "yields"
            case "nan":
                return "is_not_a_number"
            case _:
                return self._result(rows, details)

    def _result(self, rows: Rows, details: _Details) -> str:
        case = rows[0]
        if case.value == "None" and case.after:
            return self._change(case, details)
        values = {row.value for row in rows}
        if len(values) > 1 or case.value not in _PLAIN:
            both = values == {"True", "False"}
            exact = f"returns_{slugs.value(case.value)}" if _VALUE in details and len(values) == 1 else "returns"
            return "is_true_or_false" if both else exact
        return _PLAIN[case.value]

    def _change(self, case: Case, details: _Details) -> str:
        """Say which of the looked-at attributes the call changes, as far as the text of the class tells."""
        me = case.before[0].partition(" = ")[0] if case.before else ""
        seen = {look.removeprefix(f"{me}."): text for look, text in case.after if look.startswith(f"{me}.")}
        start = start_of(case.receiver, self.signatures) if len(case.before) == 1 else {}
        changed = {name: text for name, text in seen.items() if name not in start or not _same(start[name], text)}
        sized = any(look.startswith("len(") for look, _ in case.after)
        if not changed and (seen or not sized):
            return f"keeps_{_listed(seen, 'its_state')}"
        if not changed:
            return "changes_its_length"
        only = next(iter(changed.values())) if len(changed) == 1 else ""
        exact = f"_to_{slugs.value(only)}" if only and _VALUE in details else ""
        return f"changes_{_listed(changed, 'its_state')}{exact}"


def _identity(rows: Rows) -> list[tuple[object, ...]]:
    """Return what makes a test this one, in an order that does not change from run to run."""
    return [(r.target, r.expr, r.before, r.kind, r.type, r.value, r.checks, r.after, r.is_async) for r in rows]


def _joined(parts: Mapping[str, str]) -> str:
    return "test_" + "_".join(part for part in parts.values() if part)


def _subject(case: Case) -> str:
    parts = [slugs.words(part, LONGEST) for part in case.target.split(".")]
    plain = "_".join(part for part in parts if part) or "function"
    return f"new_{plain}" if _makes(case) else plain


def _makes(case: Case) -> bool:
    return case.kind == "object" and "." not in case.target and case.type.rpartition(".")[2] == case.target


def _looks(case: Case) -> str:
    """Say what an object that was just made has."""
    names = [look.removeprefix("{}.") for look, _ in case.checks if look.startswith("{}.")]
    if not names:
        return "has_a_length" if all(look.startswith("len(") for look, _ in case.checks) else "shows_its_text"
    return f"has_{_listed(names, 'its_attributes')}"


def _listed(names: Collection[str], many: str) -> str:
    plain = [slugs.words(name, LONGEST) for name in names]
    return "_and_".join(plain) if 1 <= len(plain) <= _FEW and all(plain) else many


def _after(case: Case, details: _Details) -> str:
    """Say what was done to the object before: the first line of ``before`` makes it, the others are steps."""
    steps = [_step(line) for line in case.before[1:]]
    if not steps:
        return ""
    if _DOINGS in details:
        told = ["_".join(filter(None, [name, slug])) for name, slug in steps]
    elif _STEPS in details:
        told = [
            name + _TIMES.get(n, f"_{n}_times" if n > 1 else "") for name, n in Counter(n for n, _ in steps).items()
        ]
    else:
        told = list(dict.fromkeys(name for name, _ in steps))
    return f"after_{'_and_'.join(told[:_FEW])}{'_and_more' if len(told) > _FEW else ''}"


def _step(line: str) -> tuple[str, str]:
    """Return what one step does, and with what."""
    node = ast.parse(line).body[0]
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        name = target.attr if isinstance(target, ast.Attribute) else "item"
        return f"setting_{slugs.words(name, LONGEST) or 'it'}", slugs.value(ast.unparse(node.value))
    value = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(value, ast.Call):
        return "a_look", ""
    name = slugs.words(ast.unparse(value.func).rpartition(".")[2], LONGEST) or "a_call"
    texts = [ast.unparse(one) for one in (*value.args, *(k.value for k in value.keywords))]
    return name, "_and_".join(map(slugs.value, texts[:_FEW]))


def _with(key: str, text: str, *, told: bool) -> str:
    name = slugs.words(key, LONGEST) or "option"
    if told:
        return f"with_{name}_{_told(text)}"
    return f"without_{name}" if text in {"False", "None"} else f"with_{name}"


def _told(text: str) -> str:
    return slugs.value(text) if text else "several"


def _count(number: int) -> str:
    return f"{_COUNTS[number] if number < len(_COUNTS) else number}_argument{'' if number == 1 else 's'}"


def _same(start: object, text: str) -> bool:
    try:
        return bool(start == ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return False


def _differ(texts: Sequence[str | None]) -> bool:
    """Whether *texts* tell something apart; where there is one alone, it may have to differ from a stranger."""
    return len(set(texts)) > 1 or len(texts) == 1


def _numbered(name: str, several: int, used: Collection[str]) -> list[str]:
    free = (n for n in itertools.chain([name], (f"{name}_{i}" for i in itertools.count(2))) if n not in used)
    return list(itertools.islice(free, several))
