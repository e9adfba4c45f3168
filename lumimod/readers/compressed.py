"""Files that may be compressed with gzip, told by their first bytes, not by their name.

Whoever reads such a file to its end has had every byte checked: sum and length of each member, and
that nothing but further members follows.

Where isal is installed it unpacks and packs, several times faster than Python's own gzip. The
format is the same.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedWriter, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO

from lumimod.errors import BadInputError
from lumimod.readers.locate import opened

try:
    from isal import igzip, isal_zlib
except ImportError:  # there are machines without wheels of it
    igzip = isal_zlib = None

BOMB_BYTES, BOMB_RATIO = 1 << 30, 100
"""A file that unpacks to more than both, in bytes and times its size, is refused: logged data reach
1 GB, rarely at a ratio of 20; without a limit 10 MB of packed zeros would fill any memory."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_RATIO = 1032
"""No gzip file unpacks to more than that many times its size."""
_HEADER_BYTES, _TRAILER_BYTES = 11, 8
_STORED = bytes.fromhex("1f8b0800 00000000 00ff")
"""How a file begins that `gzip_writer` has stored at level 0: it is longer than its contents."""
_BLOCK_BYTES = 0xFFFF
"""Longest stored block."""
_PIECE_BYTES = 1 << 20
_PICKLE_STOP = b"."

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

    Errors are those of `opened`, and `GZIP_DAMAGE` while it is read.
    """
    with opened(path) as file:
        if file.peek(2)[:2] == _GZIP_MAGIC:
            with (igzip or gzip).open(file) as unpacked:
                yield unpacked
        else:
            yield file


def zlib_packed(data: Any) -> bytes:
    """Return the contents of a buffer, packed quickly, in the format of zlib."""
    packed: bytes = (isal_zlib or zlib).compress(data, 1)
    return packed


def zlib_unpacked(data: Any, n_bytes: int) -> bytes | None:
    """Return what was packed in the format of zlib; None of what is damaged or of another size."""
    try:
        unpacker = (isal_zlib or zlib).decompressobj()
        unpacked: bytes = unpacker.decompress(data, n_bytes + 1)
    except GZIP_DAMAGE:
        return None
    return unpacked if unpacker.eof and len(unpacked) == n_bytes else None


def gzip_writer(file: BinaryIO, level: int) -> BufferedIOBase:
    """Return a stream that writes gzip into `file`, the same bytes for the same contents.

    Level 0 stores the contents as they are, 1 compresses fast. `file` is not closed with it.
    """
    if level == 0:
        raw: Any = _Stored(file)
        return BufferedWriter(raw, _PIECE_BYTES)
    kind = igzip.IGzipFile if igzip else gzip.GzipFile
    return kind("", "wb", level, file, mtime=0)


class _Stored(RawIOBase):
    """Writes gzip without compression: the contents in blocks, with five bytes before each.

    Libraries copy them as well, through their window, and take five times as long. Source:
    RFC 1951, 3.2.4 (blocks) and RFC 1952, 2.3 (header and trailer).
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sum, self._n_bytes = file, 0, 0
        file.write(_STORED)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        contents = memoryview(data).cast("B")
        for start in range(0, len(contents), _BLOCK_BYTES):
            block = contents[start : start + _BLOCK_BYTES]
            self._file.write(struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF))
            self._file.write(block)
        self._sum = (isal_zlib or zlib).crc32(contents, self._sum)
        self._n_bytes += len(contents)
        return len(contents)

    def close(self) -> None:
        if not self.closed:
            super().close()
            last = struct.pack("<BHH", 1, 0, 0xFFFF)
            self._file.write(last + struct.pack("<II", self._sum, self._n_bytes % (1 << 32)))


def most_unpacked(path: Path, least: int | None = None) -> int:
    """Return how many bytes a file may unpack to: many times its size, but at least so many."""
    return max(BOMB_BYTES if least is None else least, BOMB_RATIO * path.stat().st_size)


def ends_with(path: Path, n_unpacked: int) -> bool:
    """Tell whether a gzip file, which unpacks to so many bytes, ends with its last member.

    Reading it checks everything but zeros behind that, which gzip lets pass.
    """
    with opened(path) as file:
        if file.read(2) != _GZIP_MAGIC:
            return True
        file.seek(-4, os.SEEK_END)
        length = int.from_bytes(file.read(), "little")
    return length == n_unpacked % (1 << 32) or _ends_with_a_member(path)


def _ends_with_a_member(path: Path) -> bool:
    """Tell whether a file is nothing but members, by unpacking them."""
    with opened(path) as file:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        packed = b""
        while packed := packed or file.read(_PIECE_BYTES):
            if member.eof:
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                member.decompress(packed, _PIECE_BYTES)
            except zlib.error:
                return False
            packed = member.unused_data if member.eof else member.unconsumed_tail
        return member.eof


_PARQUET_MAGIC = b"PAR1"


def looks_whole(path: Path) -> bool:
    """Tell whether a pickle or Parquet file may be whole, from its size and bytes at both ends.

    One that is empty, filled with zeros at either end or no plain file is not; of results that are
    cut hardly any seems to be. Whether it is whole, only reading it tells.
    """
    try:
        with opened(path) as file:
            head = file.read(_HEADER_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TRAILER_BYTES))
            trailer = file.read()
    except PermissionError:
        return True  # it is there; whoever reads it says what is wrong
    except (OSError, BadInputError):
        return False
    if head.startswith(_PARQUET_MAGIC):
        return size > 2 * len(_PARQUET_MAGIC) and trailer.endswith(_PARQUET_MAGIC)
    if not head.startswith(_GZIP_MAGIC):
        return bool(head.strip(b"\0")) and trailer.endswith(_PICKLE_STOP)
    length = int.from_bytes(trailer[-4:], "little")
    if head == _STORED + b"\0":  # and its first block is stored and not the last
        return 0 < (size - length) % (1 << 32) <= 100 + size // 1000
    return size > _HEADER_BYTES + _TRAILER_BYTES and 0 < length <= size * _GZIP_RATIO
