"""Starts the program's container and stands between it and the runner: ``python3 -I launcher``.

The only part that talks to the container engine. It runs on the runner itself, so it uses nothing but the standard
library and executes nothing that a repository brings.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from boxes import Boxes, lines_of, remove
from container import kill_argv, run_argv
from host import Host, LaunchError, default_outputs, read_host, write_outputs
from relay import Relay
from rescue import post_verdict

CANCELLED = 130
GRACE = 4.0
"""Seconds between asking the program to stop and killing it; the runner kills us after ten."""


class Stop:
    """Turns the runner's SIGINT into SIGTERM for the program, and after the grace into the end of its container."""

    def __init__(self, host: Host, boxes: Boxes, grace: float) -> None:
        self.requested = False
        self._boxes = boxes
        self._engine, self._name, self._grace = host.engine, host.brain().name, grace
        self._timer: threading.Timer | None = None

    def __call__(self, *_: object) -> None:
        """Ask once; further signals change nothing."""
        if self.requested:
            return
        self.requested = True
        self._send("TERM")
        self._boxes.kill()
        self._timer = threading.Timer(self._grace, self._send, ["KILL"])
        self._timer.daemon = True
        self._timer.start()

    def done(self) -> None:
        """Forget the timer: the container has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def _send(self, name: str) -> None:
        quiet = subprocess.DEVNULL
        subprocess.Popen(kill_argv(self._engine, self._name, name), stdin=quiet, stdout=quiet, stderr=quiet)


def launch(host: Host, say: Callable[[str], None], *, grace: float = GRACE) -> int:
    """Run the brain container to its end; return the exit code of the step."""
    outputs = Path(host.environ.get("GITHUB_OUTPUT") or os.devnull)
    write_outputs(outputs, default_outputs(host))
    boxes = Boxes(host, say)
    stop = Stop(host, boxes, grace)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    process = subprocess.Popen(
        run_argv(host.engine, host.brain()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=host.engine_environment(),
        start_new_session=True,  # the runner's signals come to us alone
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None  # noqa: S101 -- asked for above
    relay = Relay(host.nonce, boxes.order)
    try:
        for line in relay.lines(lines_of(process.stdout)):
            say(line)
        code = process.wait()
    finally:
        stop.done()
        boxes.close()
        remove(host.engine, host.brain().name)
        if host.rooms:
            host.rooms.remove()
    # The program's own word counts, and only with the engine's: a container that died before it could say anything
    # must not be green, whatever its exit code.
    if relay.declared is None or code != relay.declared:
        return _bury(host, code, say, cancelled=stop.requested)
    if stop.requested:  # a request of the program may have been on its way when it was stopped
        _post(host, say, "cancelled", "the run was cancelled before it was done")
    return code


def _bury(host: Host, code: int, say: Callable[[str], None], *, cancelled: bool) -> int:
    """Say what the program could not say itself any more."""
    if cancelled:
        conclusion, what = "cancelled", "the run was cancelled before it was done"
    else:
        conclusion, what = "action_required", f"the program ended unexpectedly with exit code {code}"
    _post(host, say, conclusion, what)
    summary_path = host.environ.get("GITHUB_STEP_SUMMARY")
    if summary_path:
        with Path(summary_path).open("a", encoding="utf-8") as file:
            file.write(f"\n**tta: unavailable**: {what}.\n")
    say(f"::error title=tta::{what}")
    return CANCELLED if cancelled else 3


def _post(host: Host, say: Callable[[str], None], conclusion: str, what: str) -> None:
    slot = host.slot()
    if slot is not None:
        summary = f"Nothing can be said about this commit: {what}. Results so far, if any, are in the artifact."
        say(post_verdict(slot, conclusion=conclusion, title=f"unavailable: {what}", summary=summary))


_SAYING = threading.Lock()


def _say(line: str) -> None:
    with _SAYING:  # several containers may have something to say at once
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main() -> int:
    """Run the step."""
    try:
        return launch(read_host(os.environ, platform=sys.platform), _say)
    except (LaunchError, ValueError) as error:
        _say(f"::error title=tta::{error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
