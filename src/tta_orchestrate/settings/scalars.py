"""Plain YAML scalars by the core schema of YAML 1.2: what editors and JSON Schema see, and nothing surprising.

In particular ``yes``, ``on``, ``1:30`` and dates stay text, and ``010`` is ten. Numbers with a point or exponent stay
decimal, so money is never rounded.
"""

import math
import re
from decimal import Decimal
from typing import Final

Scalar = None | bool | int | Decimal | str

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_BASED: Final = {"0x": (16, re.compile(r"0x[0-9a-fA-F]+")), "0o": (8, re.compile(r"0o[0-7]+"))}
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LONGEST: Final = 64


def resolve(text: str) -> Scalar:
    """Return the value of the plain scalar *text*.

    Raises:
        ValueError: it is a number that is not finite or absurdly long; the message says so.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError("a finite number is needed")
    return _number(text)


def _number(text: str) -> Scalar:
    base, pattern = _BASED.get(text[:2], (10, _INT))
    is_int, is_float = pattern.fullmatch(text), _FLOAT.fullmatch(text)
    if not is_int and not is_float:
        return text
    if len(text) > _LONGEST:
        raise ValueError(f"the number is longer than {_LONGEST} characters")
    if is_int:
        return int(text, base)
    if not math.isfinite(float(text)):
        raise ValueError("the number is too large")
    return Decimal(text)
