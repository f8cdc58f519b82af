"""The results folder: the one place where reports become files."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import raw_bytes
from tta_orchestrate.errors import DeliveryError
from tta_orchestrate.ports import Sink

_REMEDIES: Final = {
    errno.ENOSPC: "free some space on that disk, or choose another folder with --output",
    errno.EFBIG: "files may not grow that large here: free some space, or choose another folder with --output",
    errno.EDQUOT: "your disk quota is used up: free some space, or choose another folder with --output",
    errno.EACCES: "make the folder writable, or choose another one with --output",
    errno.EPERM: "make the folder writable, or choose another one with --output",
    errno.EROFS: "that file system is read-only: choose another folder with --output",
    errno.ENOTDIR: "a file is in the way: choose another folder with --output",
    errno.EEXIST: "a file is in the way: choose another folder with --output",
    errno.EISDIR: "a folder is in the way of a result file: remove it, or choose another folder with --output",
    errno.ELOOP: "results are never written through a symbolic link: remove it, or choose another folder with --output",
}


def write_results(report: Report, directory: Path, sinks: Iterable[Sink]) -> list[Path]:
    """Leave *report* in *directory* in the form of each sink that applies, and return the files, by name.

    All of them are rendered and written beside their place before the first one is renamed into it, so that there is
    never half a file. Files of an earlier run whose sink does not apply now are removed; other files stay.

    Raises:
        DeliveryError: the folder cannot be made or written; the earlier results are then still there.
    """
    sinks = sorted(sinks, key=lambda sink: sink.filename)
    texts = {sink.filename: sink.render(report) for sink in sinks if sink.applies(report)}
    stale = [sink.filename for sink in sinks if sink.filename not in texts]
    try:
        with _opened(directory) as folder:
            _replace(folder, {name: raw_bytes(text) for name, text in texts.items()})
            for name in stale:
                _remove(folder, name)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        remedy = _REMEDIES.get(error.errno or 0, "choose another folder with --output")
        raise DeliveryError(f"the results cannot be written to {str(directory)!r}: {reason}", remedy=remedy) from error
    return [directory / name for name in texts]


def write_files(texts: Mapping[str, str], directory: Path) -> list[Path]:
    """Write *texts* by file name into *directory*, all or none; return the files. Raises as ``write_results``."""
    try:
        with _opened(directory) as folder:
            _replace(folder, {name: raw_bytes(text) for name, text in texts.items()})
    except OSError as error:
        reason = error.strerror or type(error).__name__
        remedy = _REMEDIES.get(error.errno or 0, "choose another folder with --output")
        raise DeliveryError(f"the results cannot be written to {str(directory)!r}: {reason}", remedy=remedy) from error
    return [directory / name for name in texts]


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    """Make the folder and hold it open: every later step is relative to it, whatever is renamed meanwhile."""
    _refuse_links(directory)
    directory.mkdir(parents=True, exist_ok=True)
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield folder
    finally:
        os.close(folder)


def _refuse_links(directory: Path) -> None:
    """Refuse a folder that is a link, and, below the current folder (which a change may shape), links on the way."""
    on_the_way = [] if directory.is_absolute() else [one for one in directory.parents if one != Path()]
    for one in (directory, *on_the_way):
        if one.is_symlink():
            raise OSError(errno.ELOOP, f"{str(one)!r} is a symbolic link")


def _replace(folder: int, contents: dict[str, bytes]) -> None:
    """Write every file under a temporary name, then rename them all; a link in the way is replaced, not followed."""
    pending = {name: f".{name}.{os.getpid()}.tmp" for name in contents}
    try:
        for name, content in contents.items():
            _refuse_folder(folder, name)
            _write(folder, pending[name], content)
        for name, temporary in pending.items():
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        for temporary in pending.values():
            _remove(folder, temporary)
        raise


def _refuse_folder(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.EISDIR, f"{name!r} is a folder")


def _write(folder: int, name: str, content: bytes) -> None:
    _remove(folder, name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:  # noqa: PTH123 -- by descriptor
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove(folder: int, name: str) -> None:
    with suppress(FileNotFoundError, IsADirectoryError):
        os.unlink(name, dir_fd=folder)
