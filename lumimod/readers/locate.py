"""Which file holds the variables: the one that is named, or its twin in another format."""

from __future__ import annotations

import re
from pathlib import Path

from lumimod.errors import DOWNLOAD, BadInputError, MissingInputError

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".h5")
"""Formats of variables, in the order in which they are looked for."""
_TREE = re.compile(r"HX:FILLN=(\d+)")


def suffix_of(path: Path) -> str:
    """Return which of SUFFIXES a name ends with; empty if none."""
    return next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), "")


def tree_name(fill: int) -> str:
    """Return the name of the folder that holds a fill's tree of Parquet files."""
    return f"HX:FILLN={fill}"


def fill_of_tree(path: Path) -> int | None:
    """Return the fill of a folder that holds a tree of Parquet files; None for other names."""
    found = _TREE.fullmatch(path.name)
    return None if found is None else int(found[1])


def twins(path: Path) -> tuple[Path, ...]:
    """Return the names that a file may have: its own, then the same in every other format."""
    suffix = suffix_of(path)
    if suffix:
        stem = path.name[: -len(suffix)]
        return (path, *(path.with_name(stem + other) for other in SUFFIXES if other != suffix))
    if path.suffix == ".gz":
        return path, path.with_suffix("")
    return path, path.with_name(path.name + ".gz")


def existing(path: Path) -> Path | None:
    """Return the file, its twin in another format, or the folder of that name; None without."""
    return next((p for p in twins(path) if p.is_file() or p.is_dir()), None)


def existing_file(path: Path) -> Path:
    """Return the file, or its twin in another format.

    Raises
    ------
    MissingInputError
        If there is none.
    """
    found = existing(path)
    if found is None:
        others = ", ".join(twin.name for twin in twins(path)[1:])
        raise MissingInputError(
            f"{path}: no such file (nor {others}); download it with the script in Utilities/"
            " or correct the folder in config.py"
        )
    return found


def check_readable(path: Path) -> None:
    """Look whether a file can be read and has contents.

    Raises
    ------
    MissingInputError
        If it cannot be read.
    BadInputError
        If it is empty.
    """
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as exc:
        raise MissingInputError(f"{path}: cannot be read ({exc.strerror}); see its rights") from exc
    if empty:
        raise BadInputError(f"{path}: the file is empty; {DOWNLOAD}")
