"""Which file holds the variables: the one named, or the same one in another format."""

from __future__ import annotations

import os
import re
import stat
from io import BufferedReader
from pathlib import Path

from lumimod.errors import BadInputError, MissingInputError, download

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".h5")
"""Formats of variables, in the order in which they are looked for."""
_TREE = re.compile(r"HX:FILLN=(\d+)")


def suffix_of(path: Path) -> str:
    """Return the suffix among SUFFIXES that the name ends with; "" if none."""
    return next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), "")


def tree_name(fill: int) -> str:
    """Return the name of the folder that holds a fill's tree of Parquet files."""
    return f"HX:FILLN={fill}"


def fill_of_tree(path: Path) -> int | None:
    """Return the fill of a folder that holds a tree of Parquet files; None for other names."""
    found = _TREE.fullmatch(path.name)
    return None if found is None else int(found[1])


def twins(path: Path) -> tuple[Path, ...]:
    """Return the paths that a file may have: its own, then those in the other formats."""
    suffix = suffix_of(path)
    if suffix:
        stem = path.name[: -len(suffix)]
        return (path, *(path.with_name(stem + other) for other in SUFFIXES if other != suffix))
    if path.suffix == ".gz":
        return path, path.with_suffix("")
    return path, path.with_name(path.name + ".gz")


def existing(path: Path) -> Path | None:
    """Return the file or folder, or the file in another format; None if there is none."""
    return next(filter(_is_file_or_folder, twins(path)), None)


def _is_file_or_folder(path: Path) -> bool:
    try:
        mode = path.stat().st_mode  # once: folders on the network answer slowly
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def existing_file(path: Path) -> Path:
    """Return the file or folder, or the file in another format.

    Raises
    ------
    MissingInputError
        If there is none.
    BadInputError
        If there is something else than a file or folder.
    """
    found = existing(path)
    if found is None:
        if path.exists():
            check_plain(path, path.stat())
        others = ", ".join(twin.name for twin in twins(path)[1:])
        raise MissingInputError(
            f"{path}: no such file (nor {others}); {download(path)}, or correct the folder in "
            "config.py"
        )
    return found


def unreadable(path: Path, error: OSError) -> str:
    """Return what to say of a file that the system does not let us read."""
    return f"{path}: cannot be read ({error.strerror}); check its permissions"


_KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def opened(path: Path) -> BufferedReader:
    """Open a plain file for reading; opening a named pipe or a device could wait for ever.

    Raises
    ------
    OSError
        As of `open`; IsADirectoryError if it is a folder.
    BadInputError
        If it is a named pipe, a device or a socket.
    """
    check_plain(path, path.stat())
    return path.open("rb")


def check_plain(path: Path, status: os.stat_result) -> None:
    """Check that a path with this status is a plain file or a folder.

    Raises
    ------
    BadInputError
        If it is a named pipe, a device or a socket.
    """
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "special file")
        raise BadInputError(f"{path}: is a {kind}, not a file; put the file itself there")


def check_readable(path: Path) -> None:
    """Check that a file can be read and is not empty.

    Raises
    ------
    MissingInputError
        If it cannot be read.
    BadInputError
        If it is empty, or no plain file.
    """
    try:
        with opened(path) as file:
            empty = not file.read(1)
    except OSError as exc:
        raise MissingInputError(unreadable(path, exc)) from exc
    if empty:
        raise BadInputError(f"{path}: the file is empty; {download(path)}")
