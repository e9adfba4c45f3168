"""Files that may be compressed with gzip, told by their first bytes, not by their name."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def decompressed(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file for reading, decompressed if it is gzip; errors are those of `open` and gzip."""
    with path.open("rb") as file:
        if file.peek(2)[:2] == _GZIP_MAGIC:
            with gzip.open(file) as unpacked:
                yield unpacked
        else:
            yield file
