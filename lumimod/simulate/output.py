"""Files that are never there by halves, the same bytes whenever they are written again."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from lumimod.errors import OutputError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary sibling for writing; it becomes `path` when the block ends well.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as stream:
                yield stream
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as exc:
        raise OutputError(f"cannot write {path}: {exc.strerror or exc}") from exc


@contextmanager
def replacing_gzip(path: Path, *, level: int, mtime_s: float) -> Iterator[BinaryIO]:
    """Like `replacing`, compressed; neither name nor time of writing gets into the bytes."""
    with (
        replacing(path) as raw,
        gzip.GzipFile("", "wb", compresslevel=level, fileobj=raw, mtime=int(mtime_s)) as stream,
    ):
        yield cast(BinaryIO, stream)


@contextmanager
def replacing_csv(path: Path, *, level: int, mtime_s: float) -> Iterator[BinaryIO]:
    """Open a .csv or .csv.gz; the other of the two is removed when the block ends well."""
    if path.suffix == ".gz":
        with replacing_gzip(path, level=level, mtime_s=mtime_s) as stream:
            yield stream
        path.with_suffix("").unlink(missing_ok=True)
    else:
        with replacing(path) as stream:
            yield stream
        path.with_name(path.name + ".gz").unlink(missing_ok=True)
