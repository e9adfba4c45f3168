"""Cutting a list of fills into jobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.condor.chunks import Chunk, latest_chunks, split_fills


@given(st.integers(0, 400), st.none() | st.integers(1, 60))
def test_every_fill_is_in_one_chunk_in_order_and_chunks_are_of_the_size_or_more(
    n_fills: int, size: int | None
) -> None:
    fills = [5000 + 3 * i for i in range(n_fills)]
    chunks = split_fills(fills, size)
    assert [fill for chunk in chunks for fill in chunk.fills] == fills
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    if size is not None and len(fills) >= size:
        lengths = [len(chunk.fills) for chunk in chunks]
        assert min(lengths) >= size
        assert max(lengths) - min(lengths) <= 1
        assert len(chunks) == len(fills) // size


@pytest.mark.parametrize(
    ("n_fills", "size", "lengths"),
    [
        (5, 2, [3, 2]),
        (4, 1, [1, 1, 1, 1]),
        (11, 4, [6, 5]),
        (6, 2, [2, 2, 2]),
        (3, 7, [3]),
        (9, None, [9]),
        (0, 2, []),
        (0, None, []),
    ],
)
def test_remainder_joins_the_others(n_fills: int, size: int | None, lengths: list[int]) -> None:
    assert [len(chunk.fills) for chunk in split_fills(range(n_fills), size)] == lengths


def test_chunks_can_be_numbered_on() -> None:
    assert split_fills([7, 8], 1, 4) == [Chunk(4, (7,)), Chunk(5, (8,))]


def test_latest_chunk_of_a_fill_counts() -> None:
    first, second = Chunk(1, (7, 8)), Chunk(2, (8,))
    assert latest_chunks([first, second]) == {7: first, 8: second}


def test_chunk_says_which_it_is() -> None:
    assert str(Chunk(3, (7, 8))) == "chunk 3: fills 7 8"
