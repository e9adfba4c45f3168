"""Archives `.tgz` and `.zip` of many small text files, read one after the other.

Nothing is unpacked to disk, and none of what an archive announces is believed: members that are
larger than any, sparse ones and archives that unpack to far more than data have are refused.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from tarfile import BLOCKSIZE
from typing import Any

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers.compressed import decompressed, most_unpacked
from lumimod.readers.damage import damage_named
from lumimod.readers.locate import opened

MEMBER_BYTES = 32 << 20
"""Largest member: that of a bunch, a row a minute for a day, has 0.1 MB."""
_FIELDS = struct.Struct("100s24x12s12x8s1s")
"""Name, size, checksum and kind in the header of a tar archive (POSIX.1-1988)."""
PIECE_BYTES = 2 << 20
"""What is unpacked at a time."""
READS_AT_END = 10
"""How often a stream may be read at its end: tarfile does so twice."""
ARCHIVE_BYTES = 1 << 28
"""What an archive may unpack to whatever its size; one of 2556 bunches and 12 h has 130 MB."""


def archive_members(
    archive: Path, wanted: Collection[str], advice: str
) -> Iterator[tuple[str, bytes]]:
    """Yield name and contents of the wanted members, in the order of the archive.

    Raises
    ------
    MissingInputError
        The archive is missing or cannot be read.
    BadInputError
        It is truncated, damaged, no archive, or unpacks to more than data have.
    """
    read = _zip_members if archive.suffix == ".zip" else _tar_members
    members = read(archive, wanted, advice)
    while True:
        # Only the library's own errors: those of whoever takes the members are not damage.
        with damage_named(archive, "truncated or damaged", advice):
            try:
                name, text = next(members)
            except StopIteration:
                return
            except FileNotFoundError as exc:
                raise MissingInputError(f"{archive}: no such file; check massi_afs_path") from exc
        yield name, text


def _tar_members(
    archive: Path, wanted: Collection[str], advice: str
) -> Iterator[tuple[str, bytes]]:
    # The streams of tarfile check neither end nor checksum; reading gzip to its end does.
    with decompressed(archive) as unpacked:
        limited = _Limited(unpacked, archive, advice)
        ahead = _Ahead(limited)
        yield from _plain_members(ahead, wanted, archive, advice)
        rest: Any = ahead
        with tarfile.open(fileobj=rest, mode="r|", bufsize=1 << 16) as tar:
            for member in tar:
                name = PurePosixPath(member.name).name
                if name in wanted and member.isreg():
                    _check_size(archive, name, member.size, member.issparse(), advice)
                    stream: Any = tar.extractfile(member)  # of a file it is not None
                    yield name, stream.read()
            while limited.read(PIECE_BYTES):
                pass


def _plain_members(
    ahead: _Ahead, wanted: Collection[str], archive: Path, advice: str
) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted members up to the first that is not a plain file or folder, or not whole.

    That one and what follows is left to tarfile, which takes four times as long: it reads the
    stream in small blocks.
    """
    is_first = True
    while (member := _plain_member(ahead.peek(BLOCKSIZE))) is not None:
        name, size = member
        is_wanted = name in wanted
        if is_wanted:
            _check_size(archive, name, size, False, advice)
        if not 0 <= size <= MEMBER_BYTES:
            break
        n_blocks = 1 - (-size // BLOCKSIZE)
        blocks = ahead.peek(n_blocks * BLOCKSIZE)
        if len(blocks) < n_blocks * BLOCKSIZE:
            break
        ahead.skip(len(blocks))
        is_first = False
        if is_wanted:
            yield name, blocks[BLOCKSIZE : BLOCKSIZE + size]
    if not is_first:
        # To tarfile damage at the very beginning is an error, later on the end of the archive.
        ahead.put_back(tarfile.TarInfo().tobuf())


def _plain_member(header: bytes) -> tuple[str, int] | None:
    """Return name and size of a plain file, "" and 0 of a folder; None of what is neither.

    tarfile takes 30 us for each header, as long as the rest of a member of ten rows takes: those
    that are as every program writes them are read here.
    """
    if len(header) == BLOCKSIZE:
        path, octal, checksum, kind = _FIELDS.unpack_from(header)
        path = path.partition(b"\0")[0]
        try:
            is_whole = sum(header) - sum(checksum) + 8 * ord(" ") == _octal(checksum)
            if is_whole and kind == tarfile.REGTYPE and not path.endswith((b"/", b"/.")) and path:
                name = path.rpartition(b"/")[2].decode(tarfile.ENCODING, "surrogateescape")
                return name, _octal(octal)
        except ValueError:  # no octal number, as of sizes over 8 GB
            pass
    try:
        member = tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        return None  # the end of the archive, or damage
    if member.type == tarfile.DIRTYPE:
        return "", 0
    return (
        (PurePosixPath(member.name).name, member.size) if member.type == tarfile.REGTYPE else None
    )


def _octal(field: bytes) -> int:
    return int(field.partition(b"\0")[0], 8)


def _zip_members(
    archive: Path, wanted: Collection[str], advice: str
) -> Iterator[tuple[str, bytes]]:
    with opened(archive) as file, zipfile.ZipFile(file) as bundle:
        left = most_unpacked(archive, ARCHIVE_BYTES)
        for info in bundle.infolist():
            name = PurePosixPath(info.filename).name
            if name in wanted:
                if info.flag_bits & 1:
                    raise BadInputError(f"{archive}: {name} is encrypted; {advice}")
                _check_size(archive, name, info.file_size, False, advice)
                left -= info.file_size
                if left < 0:
                    raise _too_much(archive, advice)
                yield name, bundle.read(info)


def _check_size(archive: Path, name: str, n_bytes: int, is_sparse: bool, advice: str) -> None:
    if is_sparse or not 0 <= n_bytes <= MEMBER_BYTES:
        raise BadInputError(
            f"{archive}: {name} announces {n_bytes:,} bytes{', with holes' if is_sparse else ''}, "
            f"more than any bunch has; {advice}"
        )


def _too_much(archive: Path, advice: str) -> BadInputError:
    return BadInputError(f"{archive}: unpacks to far more than data have; {advice}")


class _Limited(io.RawIOBase):
    """A stream that may not go on for ever."""

    def __init__(self, stream: io.BufferedIOBase, archive: Path, advice: str) -> None:
        self._stream, self._archive, self._advice = stream, archive, advice
        self._left = most_unpacked(archive, ARCHIVE_BYTES)

    def read(self, n: int = -1) -> bytes:
        data = self._stream.read(n)
        self._left -= len(data)
        if self._left < 0:
            raise _too_much(self._archive, self._advice)
        return data


class _Ahead:
    """A stream that is read in large pieces and looked at before it is taken.

    tarfile reads on at the end as long as the size of a member says, which may be for ever: a few
    such reads are answered.
    """

    def __init__(self, stream: _Limited) -> None:
        self._stream = stream
        self._piece, self._at = b"", 0
        self._reads_left_at_end = READS_AT_END

    def peek(self, n: int) -> bytes:
        """Return the next bytes, fewer only at the end, without taking them."""
        while len(self._piece) - self._at < n:
            more = self._stream.read(max(PIECE_BYTES, n))
            if not more:
                break
            self._piece, self._at = self._piece[self._at :] + more, 0
        return self._piece[self._at : self._at + n]

    def skip(self, n: int) -> None:
        """Take bytes that were looked at."""
        self._at += n

    def put_back(self, data: bytes) -> None:
        """Let these bytes come before those that were not taken."""
        self._piece, self._at = data + self._piece[self._at :], 0

    def read(self, n: int) -> bytes:
        """Return the next bytes, at the end none.

        Raises
        ------
        tarfile.ReadError
            It was asked often at the end.
        """
        data = self.peek(n)
        self.skip(len(data))
        if not data:
            self._reads_left_at_end -= 1
            if self._reads_left_at_end < 0:
                raise tarfile.ReadError("unexpected end of data")
        return data
