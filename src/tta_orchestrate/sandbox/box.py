"""``python -I -m tta_orchestrate.sandbox.box FOLDER``: process 1 of the box; runs one job after the other.

It is root with five capabilities; each job is another user without any. It alone can write results: jobs have neither
its user nor its group. It never imports, parses or opens anything that a job leaves behind.
"""

import contextlib
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox.mailbox import POLL, LetterError, fetch, post, read_job
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import End, JobResult, Level

_INIT: Final = 1


def answer(folder: Path, number: int, sandbox: Sandbox) -> bool:
    """Run job *number* if it is there; return whether it was."""
    try:
        data = fetch(folder / "in", number)
        if data is None:
            return False
        result = sandbox.run(read_job(data))
    except (SandboxError, LetterError) as error:
        result = JobResult(end=End.REFUSED, code=0, lines=(), reason=str(error))
    _sweep()
    try:
        post(folder / "out", number, result.to_json())
    except LetterError:
        post(folder / "out", number, replace(result, end=End.FLOOD, lines=(), stdout="", stderr="").to_json())
    return True


def _sweep() -> None:
    """End whatever a job's own supervisor left: as process 1 that is everything but this process."""
    if os.getpid() != _INIT:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def main() -> None:
    """Serve until the container is ended from outside."""
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: sys.exit(0))  # process 1 has no default for them
    folder, sandbox, number = Path(sys.argv[1]), Sandbox(level=Level.BOX), 0
    while True:
        if answer(folder, number, sandbox):
            number += 1
        else:
            time.sleep(POLL)


if __name__ == "__main__":
    main()
