"""What the same work would have cost another way: modelled, and called so.

*Single pass of the orchestrator*: for each unit that was done, the strong model alone is sent the same prompt once and
writes an answer as long as the accepted one, at the token counts of the reply that was accepted; no judge, no repair,
the shared context from its prompt cache after the first time. Vendors count tokens differently; the model ignores that.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tta_orchestrate.domain.cost import Baseline, Call, NanoUsd, Usage
from tta_orchestrate.engine.failures import CallFailure
from tta_orchestrate.engine.routing import Candidate
from tta_orchestrate.ports.model import Task

if TYPE_CHECKING:
    from tta_orchestrate.engine.call import Caller


class SinglePass:
    """Collects what was done; ``report`` prices it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: list[Usage] = []
        self._contexts: dict[str, int] = {}

    def done(self, task: Task, usage: Usage) -> None:
        """One task was accepted with *usage*."""
        shared = _share(task)
        with self._lock:
            if task.prompt.context:
                self._contexts[task.prompt.context] = self._contexts.get(task.prompt.context, -1) + 1
            repeated = bool(self._contexts.get(task.prompt.context))
            read = int(usage.input_tokens * shared) if repeated else 0
            self._own.append(
                Usage(input_tokens=usage.input_tokens, cache_read_tokens=read, output_tokens=usage.output_tokens)
            )

    def report(self, orchestrator: Candidate | None, calls: Sequence[Call], caller: "Caller") -> tuple[Baseline, ...]:
        """Return the baseline, or nothing when there is no orchestrator to compare with or nothing was done."""
        with self._lock:
            done = tuple(self._own)
        if orchestrator is None or not done or not calls:
            return ()
        now = caller.patience.clock.now()
        try:
            prices = [caller.prices.list_price(orchestrator.provider, orchestrator.model, u, now) for u in done]
        except CallFailure:
            return ()
        name = f"{orchestrator.model} alone, single pass"
        return (Baseline(name=name, basis="modelled", list_price=NanoUsd(sum(prices)), tasks=len(done)),)


def _share(task: Task) -> float:
    """Return which part of the prompt is the shared, cacheable prefix."""
    prompt = task.prompt
    shared = len(prompt.system) + len(prompt.context)
    return shared / max(1, shared + len(prompt.data))
