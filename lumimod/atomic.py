"""Files that are written whole or not at all, also if the machine loses power.

A file is written beside its place, brought to the disk (fsync), renamed, and the folder brought to
the disk as well: without this a file system may keep the new name and lose the content. Where that
takes too long, `fsync = False` in config.py leaves it out; `use_fsync` tells this module, once in
each process of a run.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter
from pathlib import Path

from lumimod.errors import OutputError

_ABANDONED_S = 86_400.0
_NO_FSYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""What file systems answer that have none."""


class _Durability:
    """What holds for all files that this process writes."""

    fsync = True


def use_fsync(wanted: bool) -> None:
    """Say whether files that this process writes are brought to the disk at once."""
    _Durability.fsync = wanted


def uses_fsync() -> bool:
    """Return whether files that this process writes are brought to the disk at once."""
    return _Durability.fsync


@contextmanager
def replacing(path: Path, *, make_folder: bool = False) -> Iterator[BufferedWriter]:
    """Open a temporary file that replaces `path` when the block ends without an error.

    Whatever happens, `path` is either as it was or complete. Temporary files that a killed process
    left beside it more than a day ago are removed.
    """
    remove_abandoned(path.parent, f".{path.name}.*.tmp")
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
        _bring_to_disk(temporary)
        temporary.replace(path)
        _bring_folder_to_disk(path.parent)
    except OSError as exc:
        raise OutputError(_cannot_write(path, exc)) from exc
    finally:
        with suppress(OSError):  # moved away, or never made: the error above says why
            temporary.unlink()


@contextmanager
def replacing_nothing(path: Path) -> Iterator[BufferedWriter]:
    """Open a temporary file that becomes `path` when the block ends, unless that exists by then."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
        _bring_to_disk(temporary)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            if not path.exists():
                temporary.replace(path)
        _bring_folder_to_disk(path.parent)
    except OSError as exc:
        raise OutputError(_cannot_write(path, exc)) from exc
    finally:
        with suppress(OSError):
            temporary.unlink()


def remove_abandoned(folder: Path, pattern: str = ".*.tmp") -> None:
    """Remove temporary files of this module that a process left in a folder more than a day ago.

    Also `pattern`s of other files, of which the same holds. Errors are left to others.
    """
    limit = time.time() - _ABANDONED_S
    for leftover in folder.glob(pattern):
        with suppress(OSError):  # another run was faster, or it is not ours to remove
            if leftover.lstat().st_mtime < limit:
                leftover.unlink()


def _bring_to_disk(path: Path) -> None:
    """Let the disk have what was written; that it or a quota is full may only show here."""
    if not _Durability.fsync:
        return
    with path.open("r+b") as file:
        try:
            os.fsync(file.fileno())
        except OSError as exc:
            if exc.errno not in _NO_FSYNC:
                raise


def _bring_folder_to_disk(folder: Path) -> None:
    """Let the disk have a name; where the system cannot, it keeps the old name or the new one."""
    if not _Durability.fsync or os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _cannot_write(path: Path, exc: OSError) -> str:
    advice = {
        errno.ENOSPC: "the disk is full: make room and run again",
        errno.EDQUOT: "the quota is used up: make room and run again",
        errno.ENOENT: "the folder does not exist: create it or set makedirs = True in config.py",
        errno.EACCES: "no permission: check the folder's access or stableBeams_folder in config.py",
        errno.EROFS: "read-only file system: check stableBeams_folder in config.py",
    }.get(exc.errno or 0, "check the folder")
    return f"{path} cannot be written ({exc.strerror or exc}); {advice}"
