"""Run jobs on a few threads, and leave at once when the run is cancelled.

``concurrent.futures`` joins its threads at exit; a call that hangs would then hold the process. These are daemons.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Final

GRACE: Final = 1.0
"""Real seconds that calls on their way get to come home after a cancel."""


def run_all(jobs: Sequence[Callable[[], None]], workers: int, cancelled: threading.Event) -> None:
    """Run *jobs* in order, *workers* at a time; return when all are done, or soon after *cancelled* is set.

    An exception of a job is raised here, after the others have stopped starting.
    """
    waiting = iter(enumerate(jobs))
    lock, done = threading.Lock(), threading.Semaphore(0)
    errors: list[BaseException] = []

    def work() -> None:
        while True:
            with lock:
                following = None if errors else next(waiting, None)
            if following is None:
                break
            try:
                following[1]()
            except BaseException as error:  # noqa: BLE001 -- carried to the caller's thread, never lost
                errors.append(error)
        done.release()

    threads = min(workers, len(jobs))
    for number in range(threads):
        threading.Thread(target=work, name=f"model-call-{number}", daemon=True).start()
    finished = 0
    while finished < threads:
        if done.acquire(timeout=GRACE):
            finished += 1
        elif cancelled.is_set():
            break
    if errors:
        raise errors[0]
