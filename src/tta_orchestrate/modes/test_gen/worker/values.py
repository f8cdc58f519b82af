"""Inputs: source texts of arguments, from types, names, defaults, literals and patterns of the tested code."""

import random
import re
import string
from collections.abc import Callable, Sequence
from typing import Any

from .kinds import ANY, Kind

try:
    from re import _parser as sre  # type: ignore[attr-defined]
except ImportError:  # Python 3.9 and 3.10
    import sre_parse as sre

POOLS: dict[str, tuple[str, ...]] = {
    "int": ("0", "1", "2", "3", "-1", "5", "7", "10", "12", "13", "21", "99", "100", "101", "112", "255", "999",
    "1000", "1001",
            "-5", "-1000", "12345", "1000000", "10**9", "10**21", "2**40"),
    "float": ("0.0", "1.0", "0.5", "-0.5", "1.5", "2.25", "3.14159", "-2.75", "1000.5", "1e-05", "999999.5", "1e20",
              'float("inf")', 'float("-inf")', 'float("nan")'),
    "str": ("''", "'a'", "'b'", "'abc'", "'Hello World'", "'hello_world'", "'HelloWorld'", "'hello-world'",
    "'  padded  '", "'ABC'",
            "'a,b,c'", "'1'", "'42'", "'-7'", "'3.14'", "'x=1'", "'key: value'", "'caf\\xe9 \\xfcber'",
            "'line one\\nline two'", "'/a/b.txt'",
            "'a b c d'", "'None'", "'true'", "'foo.bar'", "'<b>x</b>'", "'user@example.org'", "'2024-02-29'", "'A'",
            "'z9'", "'%d'"),
    "bytes": ("b''", "b'abc'", "b'\\x00\\xff'", "b'hello world'"),
    "bool": ("True", "False"),
    "None": ("None",),
    "list": ("[]", "[1]", "[1, 2, 3]", "[3, 1, 2]", "[1, 1, 2]", "[1, 2, 3, 4, 5]", "['a', 'b', 'c']",
    "['b', 'a', 'b']", "[[1, 2], [3, 4]]",
             "[(1, 'a'), (2, 'b')]", "[None, 1]", "[1.5, 2.5]", "[{'id': 1}, {'id': 2}]", "['']", "[0]",
             "[[1], [2, 3], []]"),
    "tuple": ("()", "(1,)", "(1, 2)", "(1, 2, 3)", "('a', 1)", "('a', 'b')", "((1, 2), (3, 4))"),
    "set": ("set()", "{1}", "{1, 2, 3}", "{'a'}"),
    "dict": ("{}", "{'a': 1}", "{'a': 1, 'b': 2}", "{1: 2}", "{'a': {'b': 1}}", "{'x': [1, 2]}",
    "{'name': 'n', 'id': 7}", "{'a': None}"),
    "callable": ("str", "len", "int", "bool", "abs", "lambda x: x", "lambda x: x + 1", "lambda x: x % 2 == 0",
    "lambda x: x > 1", "lambda x, y: x + y",
                 "lambda *args: args", "lambda: 1", "operator.add", "operator.mul", "lambda x: [x, x]",
                 "lambda a, b: a > b", "operator.itemgetter(0)"),
    "iterator": ("iter([1, 2, 3])", "iter([])", "(i * i for i in range(4))", "range(5)", "range(0)", "iter('abc')"),
    "datetime.date": ("datetime.date(2024, 2, 29)", "datetime.date(1999, 12, 31)"),
    "datetime.datetime": ("datetime.datetime(2024, 2, 29, 12, 30, 15)",
    "datetime.datetime(1999, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)"),
    "datetime.timedelta": ("datetime.timedelta(0)", "datetime.timedelta(days=1, seconds=3661)",
    "datetime.timedelta(seconds=-5)", "datetime.timedelta(days=400)"),
    "datetime.time": ("datetime.time(12, 30)",),
    "decimal.Decimal": ("decimal.Decimal('0')", "decimal.Decimal('1.5')", "decimal.Decimal('-2.25')"),
    "fractions.Fraction": ("fractions.Fraction(1, 3)", "fractions.Fraction(2)"),
    "pathlib.Path": ("pathlib.Path('a/b.txt')", "pathlib.Path('.')"),
    "re.Pattern": ("re.compile('a+')", "re.compile(r'(\\d+)-(\\w+)')"),
    "object": ("object()",),
    "complex": ("0j", "1j", "-2.5j"),
}  # fmt: skip
_VALUES = ("int", "str", "str", "None", "bool", "list")
KINDS = tuple(k for k in POOLS if "." not in k and k not in {"object", "complex"})

Make = Callable[[Kind, int], str | None]
"""Returns an instance of a class of the module, or of an enumeration; ``None`` where it cannot be made."""


def fresh(rng: random.Random, kind: Kind, extra: dict[str, list[str]], make: Make, depth: int = 0) -> str:
    """Return the source of a value of *kind*; *extra* holds values of each kind that the tested code knows."""
    name = kind.name
    if name.startswith("="):
        return name[1:]
    if name.startswith("@"):
        return make(kind, depth) or rng.choice(POOLS["str"] + POOLS["int"])
    if kind.items:
        return _collection(rng, kind, extra, make, depth)
    mined = extra.get(name, [])
    if mined and rng.random() < 0.5:
        return rng.choice(mined)
    if name in {"int", "float"} and rng.random() < 0.3:
        return _number(rng, name)
    if name == "decimal.Decimal" and rng.random() < 0.6:
        number = rng.choice([*extra.get("int", ()), *extra.get("float", ()), "0", "1", "2", "10", "99.99", "0.5"])
        return f"decimal.Decimal('{number}')" if re.fullmatch(r"-?[\d.]+", number) else "decimal.Decimal('1')"
    if name == "dict" and extra.get("str") and rng.random() < 0.4:
        keys = rng.sample(extra["str"], min(len(extra["str"]), rng.choice((1, 1, 2, 3))))
        pairs = (f"{key}: {fresh(rng, Kind(rng.choice(_VALUES)), extra, make, 1)}" for key in keys)
        return "{" + ", ".join(pairs) + "}"
    return rng.choice(POOLS.get(name) or POOLS["str"])


def _collection(rng: random.Random, kind: Kind, extra: dict[str, list[str]], make: Make, depth: int) -> str:
    def one(alternatives: Sequence[Kind]) -> str:
        chosen = rng.choice(alternatives)
        if chosen == ANY:
            chosen = Kind(rng.choice(_VALUES))
        return fresh(rng, chosen, extra, make, depth + 1)

    if kind.fixed:
        return collect(kind.name, [one(alternatives) for alternatives in kind.items])
    many = rng.choice((0, 1, 2, 2, 3, 4) if depth == 0 else (0, 1, 1, 2))
    if kind.name == "dict" and len(kind.items) == 2:
        keys = dict.fromkeys(one(kind.items[0]) for _ in range(many))
        return "{" + ", ".join(f"{key}: {one(kind.items[1])}" for key in keys) + "}"
    items = [one(kind.items[0]) for _ in range(many)]
    outer = rng.choice((kind.name, kind.name, kind.name, "tuple")) if kind.loose and kind.name == "list" else kind.name
    return collect(outer, items) if outer in {"list", "tuple", "set", "iterator"} else rng.choice(POOLS["dict"])


def _number(rng: random.Random, kind: str) -> str:
    """Return a number of any magnitude, often beside a round one."""
    power = rng.randint(0, 15) if rng.random() < 0.8 else rng.randint(16, 36)
    if kind == "float":
        return rng.choice((f"1e{power}", f"1e-{power}", f"{rng.randint(1, 9999)}e-{min(power, 9)}", f"-{power}.5"))
    return repr(rng.choice((10**power - 1, 10**power, 10**power + 1, rng.randint(0, 10 ** min(power, 6)), -power)))


def collect(outer: str, items: Sequence[str]) -> str:
    """Write a collection of *items*."""
    body = ", ".join(items)
    if outer == "tuple":
        return f"({body}{',' if len(items) == 1 else ''})"
    if outer == "set":
        return f"{{{body}}}" if items else "set()"
    return f"iter([{body}])" if outer == "iterator" else f"[{body}]"


def sample(pattern: str, rng: random.Random, flags: int = 0) -> str | None:
    """Return some text that *pattern* is meant to match, ``None`` when it cannot be read."""
    try:
        parsed = sre.parse(pattern, flags)
    except (re.error, OverflowError, RecursionError):
        return None
    groups: dict[int, str] = {}
    text = _sample(parsed, rng, groups)
    return text if len(text) < 120 else text[:120]


def _sample(parsed: Any, rng: random.Random, groups: dict[int, str]) -> str:
    out = []
    for op, argument in parsed:
        name = str(op)
        if name == "LITERAL":
            out.append(chr(argument))
        elif name == "NOT_LITERAL":
            out.append(rng.choice([c for c in "ax1-_ " if ord(c) != argument]))
        elif name == "ANY":
            out.append(rng.choice("ab1 -"))
        elif name == "IN":
            out.append(_one_of(argument, rng))
        elif name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            low, high, body = argument
            times = rng.randint(int(low), min(int(high), int(low) + rng.choice((0, 1, 1, 3))))
            out.extend(_sample(body, rng, groups) for _ in range(times))
        elif name == "SUBPATTERN":
            text = _sample(argument[-1], rng, groups)
            if argument[0] is not None:
                groups[argument[0]] = text
            out.append(text)
        elif name == "BRANCH":
            out.append(_sample(rng.choice(argument[1]), rng, groups))
        elif name == "GROUPREF":
            out.append(groups.get(argument, ""))
        elif name == "ATOMIC_GROUP":
            out.append(_sample(argument, rng, groups))
        elif name == "CATEGORY":
            out.append(_category(str(argument), rng))
    return "".join(out)


def _category(name: str, rng: random.Random) -> str:
    if "NOT" in name:
        return rng.choice("-. ") if "WORD" in name or "SPACE" not in name else "a"
    return rng.choice({"DIGIT": "0123456789", "SPACE": " \t", "WORD": "abz019_"}[name.rpartition("_")[2]])


def _one_of(items: Any, rng: random.Random) -> str:
    if items and str(items[0][0]) == "NEGATE":
        refused = {argument for op, argument in items if str(op) == "LITERAL"}
        return rng.choice([c for c in "axZ1-_. /" if ord(c) not in refused] or ["a"])
    op, argument = rng.choice(items)
    if str(op) == "RANGE":
        return chr(rng.randint(argument[0], min(argument[1], argument[0] + 40)))
    return _category(str(argument), rng) if str(op) == "CATEGORY" else chr(argument)


def mutate_text(rng: random.Random, text: str, words: Sequence[str]) -> str:
    """Return *text* changed a little; *words* are fragments that the tested code knows."""
    choice = rng.randrange(8)
    at = rng.randrange(len(text) + 1)
    if choice == 0 and words:
        return text[:at] + rng.choice(words) + text[at:]
    if choice == 1 and text:
        return text[: at - 1] + text[at:] if at else text[1:]
    if choice == 2:
        return (
            text[:at]
            + rng.choice(string.ascii_letters + string.digits + "-_.,:;/+ \t\n\"'()[]{}%$#@!&*=<>?~\xe9\u0416\u4e2d")
            + text[at:]
        )
    if choice == 3:
        return text.upper() if rng.random() < 0.5 else text.title()
    if choice == 4:
        return text + rng.choice(words or ["x"])
    if choice == 5:
        return rng.choice(words or ["x"]) + text
    if choice == 6:
        return text[:at]
    return text * 2 if len(text) < 30 else text[: len(text) // 2]
