"""A batch as the books know it: who has it, how it is found again, what each request may cost. No prompts, no code."""

from dataclasses import dataclass
from typing import Final

from tta_orchestrate.domain.cost import NanoUsd

KEY: Final = 32
"""Characters of a request's content key that identify it in a batch and in the books: 128 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One request: the digest of its whole prompt, and the most that it may cost."""

    key: str
    worst: NanoUsd


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """A batch at a vendor. ``id`` is empty until the vendor has said that it took it."""

    name: str
    """Ours: it goes along with the batch where the vendor keeps names."""
    provider: str
    model: str
    items: tuple[BatchItem, ...]
    scope: str = ""
    """Digest of what it is for (repository, shard, chosen files): only a run of the same scope collects it."""
    id: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """Of all requests."""
        return frozenset(item.key for item in self.items)

    @property
    def worst(self) -> NanoUsd:
        """The most that all requests together may cost."""
        return NanoUsd(sum(item.worst for item in self.items))
