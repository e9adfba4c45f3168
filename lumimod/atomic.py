"""Files that are written whole or not at all."""

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


@contextmanager
def replacing(path: Path, *, make_folder: bool = False) -> Iterator[BufferedWriter]:
    """Open a temporary file that replaces `path` when the block ends without an error.

    Whatever happens, `path` is either as it was or complete. Temporary files that a killed process
    left beside it more than a day ago are removed.
    """
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
        temporary.replace(path)
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
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            if not path.exists():
                temporary.replace(path)
    except OSError as exc:
        raise OutputError(_cannot_write(path, exc)) from exc
    finally:
        with suppress(OSError):
            temporary.unlink()


def _cannot_write(path: Path, exc: OSError) -> str:
    advice = {
        errno.ENOSPC: "the disk is full: make room and run again",
        errno.EDQUOT: "the quota is used up: make room and run again",
        errno.ENOENT: "the folder does not exist: create it or set makedirs = True in config.py",
        errno.EACCES: "no permission: check the folder's access or stableBeams_folder in config.py",
        errno.EROFS: "read-only file system: check stableBeams_folder in config.py",
    }.get(exc.errno or 0, "check the folder")
    return f"{path} cannot be written ({exc.strerror or exc}); {advice}"


def _remove_abandoned(path: Path) -> None:
    limit = time.time() - _ABANDONED_S
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        try:
            if leftover.stat().st_mtime < limit:
                leftover.unlink()
        except OSError:
            continue  # another run was faster, or it is not ours to remove
