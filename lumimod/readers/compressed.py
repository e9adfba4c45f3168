"""Files that may be compressed with gzip, told by their first bytes, not by their name.

Where isal is installed it unpacks and packs, several times faster than Python's own gzip. The
format is the same.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

try:
    from isal import igzip, isal_zlib
except ImportError:  # there are machines without wheels of it
    igzip = isal_zlib = None

_GZIP_MAGIC = b"\x1f\x8b"

GZIP_DAMAGE: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    *([isal_zlib.error] if isal_zlib else []),
)
"""Errors of a truncated or damaged gzip file."""


@contextmanager
def decompressed(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file for reading, decompressed if it is gzip.

    Errors are those of `open` and `GZIP_DAMAGE`.
    """
    with path.open("rb") as file:
        if file.peek(2)[:2] == _GZIP_MAGIC:
            with (igzip or gzip).open(file) as unpacked:
                yield unpacked
        else:
            yield file


def gzip_writer(file: BinaryIO, level: int) -> BufferedIOBase:
    """Return a stream that writes gzip into `file`, the same bytes for the same contents.

    Level 0 stores the contents as they are, 1 compresses fast.
    """
    fast = igzip is not None and level > 0  # isal's level 0 makes incompressible contents larger
    kind = igzip.IGzipFile if fast else gzip.GzipFile
    return kind("", "wb", level, file, mtime=0)
