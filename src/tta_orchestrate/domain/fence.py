"""Fences around untrusted text in prompts: tags that what stands between them cannot close."""

import hashlib
import re
from typing import Final

from tta_orchestrate.domain.sanitiser import visible

_TAG: Final = re.compile(r"data-(?=[0-9a-fA-F]{32})")


def fence(kind: str, text: str) -> str:
    """Return *text*, hidden characters written out, between tags that are digests of what they hold.

    A text that contained its own SHA-256 would be a find; that it contains *any* tag of this form is taken out of it
    besides. The same text gives the same fence, so vendors' prompt caches still serve it.
    """
    inert = "\n".join(unfenced(visible(line)) for line in text.split("\n"))
    nonce = hashlib.sha256(inert.encode("utf-8", "backslashreplace")).hexdigest()[:32]
    return f'<data-{nonce} kind="{kind}">\n{inert}\n</data-{nonce}>'


def unfenced(text: str) -> str:
    """Return *text* with nothing in it that reads like one of our tags."""
    return _TAG.sub("data\u2039-\u203a", text)
