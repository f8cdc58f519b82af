"""The standard streams as a process may find them: absent (``>&-``), full, or closed by whoever read them."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


def open_missing() -> None:
    """Put the null device where a standard stream is absent; Python leaves ``None`` there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 -- lives as long as the process


@contextmanager
def losable(stream: TextIO) -> Iterator[None]:
    """A block that does nothing but write to *stream*: nobody may be there to read it, and the run goes on."""
    try:
        yield
        stream.flush()
    except OSError:
        _abandon(stream)


def flush(stream: TextIO) -> bool:
    """Whether everything written to *stream* so far has arrived, or nobody wants it any more."""
    try:
        stream.flush()
    except BrokenPipeError:
        _abandon(stream)
    except OSError:
        _abandon(stream)
        return False
    return True


def _abandon(stream: TextIO) -> None:
    """Let what is still written to *stream*, at exit for instance, go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
