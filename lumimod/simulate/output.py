"""Files that are written whole or not at all, with the same bytes each time."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from lumimod.atomic import replacing


@contextmanager
def replacing_gzip(path: Path, *, level: int, mtime_s: float) -> Iterator[BufferedIOBase]:
    """Like `replacing`, compressed with gzip, without file name and with a given time."""
    with (
        replacing(path, make_folder=True) as raw,
        gzip.GzipFile("", "wb", compresslevel=level, fileobj=raw, mtime=int(mtime_s)) as stream,
    ):
        yield stream


@contextmanager
def replacing_csv(path: Path, *, level: int, mtime_s: float) -> Iterator[BufferedIOBase]:
    """Open a .csv or .csv.gz file; the other of the two is removed when it is written."""
    if path.suffix == ".gz":
        with replacing_gzip(path, level=level, mtime_s=mtime_s) as stream:
            yield stream
        path.with_suffix("").unlink(missing_ok=True)
    else:
        with replacing(path, make_folder=True) as stream:
            yield stream
        path.with_name(path.name + ".gz").unlink(missing_ok=True)
