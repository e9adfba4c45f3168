"""Chunks: which fills go into which job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Chunk(NamedTuple):
    """The fills of one job."""

    number: int
    """Number of the job, from 1 on within a job folder."""
    fills: tuple[int, ...]

    def __str__(self) -> str:
        return f"chunk {self.number}: fills {' '.join(map(str, self.fills))}"


def split_fills(fills: Sequence[int], size: int | None, first: int = 1) -> list[Chunk]:
    """Return the fills in chunks of `size`, in order; one chunk if `size` is None.

    A remainder is shared out over the first chunks, so that 5 fills by 2 are 3 + 2. Fewer fills
    than `size` are one chunk. Chunks are numbered from `first` on.
    """
    if not fills:
        return []
    n_chunks = max(1, len(fills) // (size or len(fills)))
    parts = np.array_split(fills, n_chunks)
    return [Chunk(number, tuple(part.tolist())) for number, part in enumerate(parts, first)]


def latest_chunks(chunks: Sequence[Chunk]) -> Mapping[int, Chunk]:
    """Return the last chunk of each fill: it may have been submitted again."""
    return {fill: chunk for chunk in chunks for fill in chunk.fills}
