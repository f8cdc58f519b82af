"""Progress of long work, on standard error: a moving bar on a terminal, one plain line a step anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tta_orchestrate.cli.streams import losable

Tell = Callable[[str, int, int], None]


@contextmanager
def progress() -> Iterator[Tell]:
    """Yield a function that is told what is being done, how much of it is done, and how much there is."""
    if sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _line


def _line(what: str, done: int, of: int) -> None:
    with losable(sys.stderr):
        print(f"[{done + 1}/{of}] {what}", file=sys.stderr)


@contextmanager
def _bar() -> Iterator[Tell]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda what, done, of: bar.update(task, description=escape(what), completed=done, total=of)
