"""What a request asks and what it is answered, free of any vendor's spelling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request for text."""

    vendor: str
    """``anthropic``, ``google`` or ``openai``: genai-prices' words."""
    model: str
    system: str
    parts: tuple[str, ...]
    """The user's parts, in order; all but the last are the shared context."""
    max_tokens: int
    schema: Mapping[str, Json]
    stream: bool
    cacheable: int = 0
    """Leading characters of system + parts that a prompt cache may keep."""

    @property
    def text(self) -> str:
        """System and parts, as one text."""
        return "".join((self.system, *self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the server makes of it."""

    text: str
    finish: str
    """``stop``, ``length``, ``refusal``, ``safety`` or ``empty``."""
    input_tokens: int
    cached_tokens: int
    written_tokens: int
    output_tokens: int


@dataclass(slots=True)
class Seen:
    """One line of the server's log."""

    index: int
    """Among the requests for text, from 0; -1 for other requests."""
    path: str
    user_agent: str
    model: str = ""
    fault: str = ""
    charged: int = 0
    """Nano-dollars at list price, by genai-prices' own reading of the body that was sent."""
    delivered: bool = False
    """Whether the whole, well-formed body went out with its usage."""
    usage: Mapping[str, Json] = field(default_factory=dict)
    prompt: str = ""


Script = Callable[[Question], Json]
"""From a question to the JSON value (or the raw text) that is answered."""


def tokens(text: str) -> int:
    """Return this server's count: four bytes a token, rounded up."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)
