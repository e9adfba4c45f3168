"""Timber CSV files (`.csv`, `.csv.gz`): one `Series` per variable asked for.

The files reach 1 GB, nearly all of it arrays of 3564 values, so they are read in chunks of whole
lines, which rows.py converts. Of variables that are not asked for only the `VARIABLE:` line is
searched.
"""

from __future__ import annotations

import logging
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lumimod.arrays import Series, in_order_of_time
from lumimod.errors import BadInputError, MissingInputError, download
from lumimod.readers.compressed import GZIP_DAMAGE, decompressed, most_unpacked
from lumimod.readers.grouped import as_blocks
from lumimod.readers.locate import existing_file, unreadable
from lumimod.readers.rows import RowError, Rows, parse_rows, shortened
from lumimod.readers.stamps import zurich_to_utc_us

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
VARIABLE = b"VARIABLE:"
ROW_BYTES = 4 << 20
"""Longest line: a row of 3564 values has 90 kB."""
_NO_LINES = f"a line of more than {ROW_BYTES >> 20} MB"
UTC, LOCAL = b"UTC_TIME", b"LOCAL_TIME"


def read_timber(
    path: Path, names: Collection[str], *, optional: Collection[str] = ()
) -> dict[str, Series]:
    """Return the variables `names`, and those of `optional` that the file holds.

    The blocks of a variable become one series in the order of time. The header of a block says
    UTC_TIME or LOCAL_TIME, those of Europe/Zurich. A table "grouped by timestamp" is read as well.

    Raises
    ------
    MissingInputError
        If the file, or a variable of `names`, is not there.
    BadInputError
        If the file is empty, truncated or not a Timber export, or a row cannot be read.
    """
    path = existing_file(path)
    blocks: dict[str, list[_Block]] = {name: [] for name in [*names, *optional]}
    n_blocks = 0
    block = None
    for is_start, text, terminated in _sections(as_blocks(path, _whole_lines(path))):
        if is_start:
            n_blocks += 1
            _close(block)
            block, text = _open_block(path, text, blocks)
        if block is not None:
            block.add(text, terminated)
    _close(block)
    if block is not None and not any(rows.lengths.size + rows.n_dropped for rows in block.rows):
        log.warning("%s: %s: no rows at the end of the file; it may be cut", path, block.name)
    if n_blocks == 0:
        raise BadInputError(f"{path}: no 'VARIABLE:' line, not a Timber file; {download(path)}")
    missing = [name for name in names if not blocks[name]]
    if missing:
        raise MissingInputError(f"{', '.join(missing)} not in {path}; {download(path)}")
    return {name: _series(parts) for name, parts in blocks.items() if parts}


# ----- file to sections -----


def _whole_lines(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield whole lines in pieces of about CHUNK_BYTES, each with True.

    If the last line has no newline, it comes by itself, with a newline added and False.
    """
    carry: list[bytes] = []
    for chunk in _chunks(path):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join([*carry, chunk[:cut]]), True
            carry.clear()
        carry.append(chunk[cut:])
        if sum(map(len, carry)) > ROW_BYTES:
            raise BadInputError(f"{path}: {_NO_LINES}, not a Timber file; {download(path)}")
    rest = b"".join(carry)
    if rest.strip():
        yield rest + b"\n", False


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the contents, decompressed, in chunks of about CHUNK_BYTES, to the end of a line."""
    n_bytes = 0
    try:
        most_bytes = most_unpacked(path)
        with decompressed(path) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                if not chunk.endswith(b"\n"):
                    chunk += stream.readline(ROW_BYTES)
                yield chunk[len(BOM_UTF8) :] if _has_mark(chunk, n_bytes) else chunk
                n_bytes += len(chunk)
                if n_bytes > most_bytes:
                    raise BadInputError(f"{path}: unpacks to more than data have; {download(path)}")
    except GZIP_DAMAGE as exc:
        raise BadInputError(
            f"{path}: truncated or damaged gzip file ({exc}); {download(path)}"
        ) from exc
    except OSError as exc:
        raise MissingInputError(unreadable(path, exc)) from exc
    if not n_bytes:
        raise BadInputError(f"{path}: the file is empty; {download(path)}")


def _has_mark(chunk: bytes, n_bytes_before: int) -> bool:
    return n_bytes_before == 0 and chunk.startswith(BOM_UTF8)


def _sections(texts: Iterator[tuple[bytes, bool]]) -> Iterator[tuple[bool, bytes, bool]]:
    """Yield the texts cut before each `VARIABLE:` line, with whether they start with one."""
    for text, terminated in texts:
        starts = _variable_lines(text)
        for start, stop in zip([0, *starts], [*starts, len(text)]):
            if start < stop:
                is_start = text.startswith(VARIABLE, start)
                yield is_start, text[start:stop], terminated


def _variable_lines(text: bytes) -> list[int]:
    """Return where the `VARIABLE:` lines start."""
    starts = []
    at = text.find(VARIABLE)
    while at >= 0:
        if at == 0 or text[at - 1 : at] == b"\n":
            starts.append(at)
        at = text.find(VARIABLE, at + 1)
    return starts


# ----- one block -----


@dataclass
class _Block:
    """A block of a variable while it is read."""

    name: str
    path: Path
    is_utc: bool | None = None
    """Whether its times are UTC; None until its header is read."""
    rows: list[Rows] = field(default_factory=list)

    def fault(self, text: str) -> BadInputError:
        return BadInputError(f"{self.path}: {self.name}: {text}; {download(self.path)}")

    def add(self, text: bytes, terminated: bool) -> None:
        """Add lines of the block; `terminated` is False for a last line without newline."""
        text = self._take_header(text)
        try:
            rows = parse_rows(text)
        except RowError as exc:
            raise self.fault(str(exc) if terminated else f"truncated: {exc}") from exc
        if rows.lengths.size or rows.n_dropped:
            if not terminated and not self._is_as_long_as_last(rows):
                raise self.fault("truncated: the last line has no end")
            self.rows.append(rows)

    def _take_header(self, text: bytes) -> bytes:
        """Return the text after the header line, or all of it if the header was read before."""
        while self.is_utc is None and text:
            line, _, text = text.partition(b"\n")
            line = line.strip()
            if line[:1].isdigit():
                raise self.fault(f"no header line before {shortened(line)}")
            if line and not line.startswith(b"#"):
                self.is_utc = self._tells_utc(line)
        return text

    def _tells_utc(self, header: bytes) -> bool:
        """Return whether a header line says that the times are UTC, not those of Zurich."""
        if UTC not in header and LOCAL not in header:
            raise BadInputError(
                f"{self.path}: {self.name}: header line {shortened(header)} names neither "
                f"{UTC.decode()} nor {LOCAL.decode()}; export it again, with times in UTC"
            )
        return UTC in header

    def _is_as_long_as_last(self, rows: Rows) -> bool:
        """Tell whether `rows` is one row as long as the row before it: then it is complete."""
        before = next((r.lengths[-1] for r in reversed(self.rows) if r.lengths.size), None)
        return rows.lengths.size == 1 and before == rows.lengths[0]


def _open_block(
    path: Path, text: bytes, blocks: dict[str, list[_Block]]
) -> tuple[_Block | None, bytes]:
    """Return a new block (None if the variable is not wanted) and the text after its first line."""
    _, _, rest = text.partition(b"\n")
    name = _name(text)
    if name not in blocks:
        return None, rest
    blocks[name].append(_Block(name, path))
    return blocks[name][-1], rest


def _close(block: _Block | None) -> None:
    """Join the rows of a block that is read, their times converted to UTC."""
    if block is None:
        return
    if block.is_utc is None:  # it tells the time zone
        raise block.fault("no header line")
    rows = _joined(block.rows)
    time_us = rows.time_us if block.is_utc else zurich_to_utc_us(rows.time_us)
    block.rows = [replace(rows, time_us=time_us)]


def _joined(rows: Sequence[Rows]) -> Rows:
    """Return the rows of all parts."""
    if len(rows) == 1:
        return rows[0]
    no_int = np.zeros(0, np.int64)
    return Rows(
        time_us=np.concatenate([no_int, *(part.time_us for part in rows)]),
        values=np.concatenate([np.zeros(0), *(part.values for part in rows)]),
        lengths=np.concatenate([no_int, *(part.lengths for part in rows)]),
        n_dropped=sum(part.n_dropped for part in rows),
    )


def _series(blocks: Sequence[_Block]) -> Series:
    """Return the blocks of one variable as one series, in the order of time."""
    name, path = blocks[0].name, blocks[0].path
    rows = _joined([block.rows[0] for block in blocks])
    return in_order_of_time(
        name, path, rows.time_us / 1e6, rows.values, rows.lengths, rows.n_dropped
    )


def timber_names(path: Path) -> tuple[str, ...]:
    """Return the variables of a file, in their order there; errors as of `read_timber`."""
    names: dict[str, None] = {}
    for is_start, text, _ in _sections(as_blocks(path, _whole_lines(path))):
        if is_start:
            names[_name(text)] = None
    if not names:
        raise BadInputError(f"{path}: no 'VARIABLE:' line, not a Timber file; {download(path)}")
    return tuple(names)


def _name(text: bytes) -> str:
    """Return the variable in the first line of a section."""
    first, _, _ = text.partition(b"\n")
    return first[len(VARIABLE) :].strip().decode("utf-8", "backslashreplace")
