"""Timber's export "grouped by timestamp": one table, a column for each variable.

A cell is empty where its variable has no sample. The columns are given as the blocks of the usual
export, so that both are read in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from lumimod.errors import BadInputError
from lumimod.readers.rows import shortened

_FIRST_CELL = b"timestamp"
_VALUES = {b"value", b"array values"}
"""What the header of a block has in place of names."""
_HEADER_BYTES = 1 << 16
"""Where the header of a table must be: it names some hundreds of variables at most."""
EXPORT_AGAIN = 'export it again without "group by timestamp"'

Pieces = Iterator[tuple[bytes, bool]]
"""Whole lines of a file, piece by piece, and whether their last one has an end."""


def as_blocks(path: Path, pieces: Pieces) -> Pieces:
    """Return the pieces of a file, those of a table turned into blocks."""
    first = next(pieces, None)
    if first is None:
        return iter(())
    pieces = chain([first], pieces)
    names = _names(first[0])
    return _blocks(path, names, pieces) if names else pieces


def _names(text: bytes) -> list[bytes]:
    """Return the variables in the header of a table; none if the text begins otherwise."""
    cells = [cell.strip().strip(b'"') for cell in _header(text).split(b",")]
    names = cells[1:]
    is_table = cells[0].lower().startswith(_FIRST_CELL) and not _VALUES & {n.lower() for n in names}
    return names if is_table else []


def _header(text: bytes) -> bytes:
    """Return the first line that is neither empty nor a comment."""
    lines = (line.strip() for line in text[:_HEADER_BYTES].split(b"\n"))
    return next((line for line in lines if line and not line.startswith(b"#")), b"")


def _blocks(path: Path, names: list[bytes], pieces: Pieces) -> Pieces:
    """Yield a block for each column of a table.

    Raises
    ------
    BadInputError
        If a row has another number of cells than the header.
    """
    columns: list[list[bytes]] = [[] for _ in names]
    header = b""
    for text, _ in pieces:
        if not header:
            header = _header(text)
        for column, rows in zip(columns, _columns(path, len(names), header, text)):
            column.append(rows)
    stamp = header.split(b",")[0].strip(b'"')
    for name, (first, *rest) in zip(names, columns):
        yield b"VARIABLE: " + name + b"\n" + stamp + b",Value\n" + first, True
        yield from ((rows, True) for rows in rest if rows)


def _columns(path: Path, n_columns: int, header: bytes, text: bytes) -> list[bytes]:
    """Return for each column the rows of a text in which it has a value, as those of a block."""
    columns: list[list[bytes]] = [[] for _ in range(n_columns)]
    for line in map(bytes.strip, text.split(b"\n")):
        if not line or line.startswith(b"#") or line == header:
            continue
        stamp, *cells = line.split(b",")
        if len(cells) != n_columns:
            raise BadInputError(
                f"{path}: exported grouped by timestamp, and row {shortened(line)} has {len(cells)}"
                f" values for {n_columns} variables: truncated, or of arrays; {EXPORT_AGAIN}"
            )
        for column, cell in zip(columns, cells):
            if cell.strip():
                column.append(stamp + b"," + cell + b"\n")
    return [b"".join(column) for column in columns]
