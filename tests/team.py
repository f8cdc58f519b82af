"""A whole configuration of three vendors that all live on one loopback server, and a mode that only has tasks."""

import os
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tta_orchestrate.cli.wiring import Doors, Surroundings, build_engine
from tta_orchestrate.engine.batches import WaitingRoom
from tta_orchestrate.engine.clock import VirtualClock
from tta_orchestrate.ports.model import GateResult, Prompt, Task, UseCase
from tta_orchestrate.settings.model import Settings

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEYS = {
    "ANTHROPIC_API_KEY": "sk-ant-canary-0123456789abcdef",
    "GOOGLE_API_KEY": "AIzacanary0123456789canary0123456789abc",
    "GROQ_API_KEY": "gsk_canary0123456789canary",
}
SCHEMA = {
    "type": "object",
    "properties": {"unit": {"type": "string"}, "result": {"type": "string", "minLength": 1}},
    "required": ["unit", "result"],
    "additionalProperties": False,
}


def settings(url, **changes):
    values = {
        "executors": [
            {
                "model": "llama-3.3-70b-versatile",
                "provider": "groq",
                "api_key_env": "GROQ_API_KEY",
                "base_url": f"{url}/v1",
            },
            {
                "model": "gemini-3.8-flash",
                "provider": "google-ai-studio",
                "api_key_env": "GOOGLE_API_KEY",
                "base_url": url,
            },
        ],
        "orchestrator": {"model": "claude-sonnet-5-5", "base_url": url},
        "fallback_strategy": {"models": []},
        "calls": {"idle_seconds": 10.0, "concurrency": 4, "workers": 2},
    }
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) and key in values else value
    return Settings.model_validate(values)


def tasks(number=6, *, words=40, **fields):
    return [
        Task(
            unit=f"unit-{index}",
            stage="execute",
            prompt=Prompt(
                system="Do the unit.",
                context="shared " * 20,
                data=f"unit={index}; " + "word " * words,
                schema=SCHEMA,
                max_output_tokens=200,
            ),
            **({"use_case": UseCase.SIMPLE} | fields),
        )
        for index in range(number)
    ]


def unit_of(question):
    return "unit-" + question.text.partition("unit=")[2].partition(";")[0]


def script(question):
    """Do the unit that is asked; judge highly when asked to judge."""
    if "score" in question.schema.get("properties", {}):
        return {"score": 0.95, "reason": "scripted"}
    return {"unit": unit_of(question), "result": "done"}


def gate(task, answer):
    if answer["unit"] != task.unit:
        return GateResult(accepted=False, message=f"the unit must be {task.unit}")
    return GateResult(accepted=True, score=1.0)


def run_tasks(url, folder, units, die_at=None, *, torn=False):
    """Run a whole job with a journal; in a child process, with a SIGKILL at journal write number *die_at*."""
    count = 0

    def before_write():
        nonlocal count
        count += 1
        if count == die_at:
            if torn:
                with (folder / "journal.jsonl").open("ab") as file:
                    file.write(b'{"kind":"settle","tick')
            os.kill(os.getpid(), signal.SIGKILL)

    world = World(url, folder)
    try:
        engine = world.engine(journal=True, on_journal_write=before_write, calls={"workers": 1})
        results = engine.execute(tasks(units), gate)
        return [r.answer for r in results], engine.cost()
    finally:
        world.close()


@dataclass
class World:
    """One run: its engine and everything around it."""

    url: str
    folder: Path | None = None
    env: dict = field(default_factory=lambda: dict(KEYS))
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))

    doors: Doors | None = None
    engines: list = field(default_factory=list)

    def engine(
        self, *, journal=False, on_journal_write=lambda: None, spending=None, private=None, room=None, **changes
    ):
        around = Surroundings(
            clock=self.clock,
            seed=7,
            journal=self.folder / "journal.jsonl" if journal else None,
            run_key="test",
            on_journal_write=on_journal_write,
            spending=spending,
            private=private,
            doors=self.doors,
            room=room or WaitingRoom(),
        )
        self.engines.append(build_engine(settings(self.url, **changes), self.env, around))
        return self.engines[-1]

    def close(self):
        while self.engines:
            self.engines.pop().close()
