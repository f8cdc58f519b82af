# ruff: noqa: ARG005, E501
"""From process start to the first model request on the wire, per provider, cold process, loopback server.

    python bench/start_to_first_request.py [--runs 7]

The child does what a run does: settings, engine, one task. The clock stops when the request's body has arrived.
"""

import argparse
import statistics
import subprocess
import sys
import time

from machine import machine

from tta_orchestrate.loopback.server import Loopback

CHILD = """
import sys
from tta_orchestrate.cli.wiring import build_engine
from tta_orchestrate.ports.model import GateResult, Prompt, Task
from tta_orchestrate.settings.model import Settings
name, model, url = sys.argv[1:]
values = {"executors": [{"model": model, "provider": name, "base_url": url}], "fallback_strategy": {"models": []}}
if name == "anthropic":
    values = {"orchestrator": {"model": model, "base_url": url}, "fallback_strategy": {"models": []}}
keys = dict.fromkeys(("GROQ_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY")[("groq", "google-ai-studio", "anthropic").index(name):][:1], "bench-key-0123456789")
engine = build_engine(Settings.model_validate(values), keys)
engine.warm()
prompt = Prompt(system="s", data="d", schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]})
(result,) = engine.execute([Task(unit="u", stage="execute", prompt=prompt)], lambda task, value: GateResult(accepted=True, score=1.0))
assert result.answer, result
"""
VENDORS = (
    ("groq", "llama-3.3-70b-versatile", "/v1", 0.6),
    ("google-ai-studio", "gemini-3.8-flash", "", None),
    ("anthropic", "claude-sonnet-5-5", "", 1.5),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    print(machine())
    with Loopback() as server:
        for name, model, path, aim in VENDORS:
            seconds = []
            for _ in range(runs + 1):  # the first one fills the file cache and is not counted
                server.reset()
                arrived: list[float] = []
                server.on_request = lambda index, arrived=arrived: arrived.append(time.monotonic())
                start = time.monotonic()
                subprocess.run(
                    [sys.executable, "-c", CHILD, name, model, server.url + path], check=True, capture_output=True
                )
                seconds.append(arrived[0] - start)
            counted = sorted(seconds[1:])
            told = f"; aim {aim} s" if aim else ""
            print(
                f"{name:18} median {statistics.median(counted):.2f} s, best {counted[0]:.2f}, worst {counted[-1]:.2f} (n = {runs}){told}"
            )


if __name__ == "__main__":
    main()
