"""Cutting a list of fills into chunks, one for each job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Chunk(NamedTuple):
    """The fills of one job."""

    number: int
    """Counts from 1 within a job folder."""
    fills: tuple[int, ...]

    def __str__(self) -> str:
        return f"chunk {self.number}: fills {' '.join(map(str, self.fills))}"


def split(fills: Sequence[int], size: int | None, first: int = 1) -> list[Chunk]:
    """Return the fills in chunks of `size`, in order; one chunk if `size` is None.

    What is left over joins the others, one fill each and the first chunks before the last, so
    that 5 fills by 2 are 3 + 2; fewer fills than `size` are one chunk. The chunks are numbered
    from `first`.
    """
    if not fills:
        return []
    n_chunks = max(1, len(fills) // (size or len(fills)))
    least, n_longer = divmod(len(fills), n_chunks)
    chunks = []
    start = 0
    for i in range(n_chunks):
        end = start + least + (i < n_longer)
        chunks.append(Chunk(first + i, tuple(fills[start:end])))
        start = end
    return chunks


def latest(chunks: Sequence[Chunk]) -> Mapping[int, Chunk]:
    """Return for each fill the last chunk that holds it."""
    return {fill: chunk for chunk in chunks for fill in chunk.fills}
