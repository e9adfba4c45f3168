"""Parts of a fill that are kept until its file is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.errors import OutputError
from lumimod.fetch.parts import Parts, gaps, slices
from lumimod.sources.base import series_from_rows

times = st.integers(0, 100).map(float)
spans = st.lists(st.tuples(times, times).map(lambda pair: (min(pair), max(pair))), max_size=6)


@given(spans, times, times)
def test_gaps_are_just_what_no_span_covers(
    known: list[tuple[float, float]], start_s: float, stop_s: float
) -> None:
    left = gaps(known, start_s, stop_s)
    for instant in np.arange(start_s, stop_s, 0.5):
        covered = any(a <= instant < b for a, b in known)
        assert covered != any(a <= instant < b for a, b in left)


@given(times, st.floats(0.1, 1000), st.floats(0.5, 500))
def test_slices_cover_the_time_and_are_no_longer_than_asked(
    start_s: float, length_s: float, longest_s: float
) -> None:
    pieces = slices(start_s, start_s + length_s, longest_s)
    assert pieces[0][0] == start_s
    assert pieces[-1][1] == start_s + length_s
    assert all(a[1] == b[0] for a, b in zip(pieces, pieces[1:]))
    assert max(b - a for a, b in pieces) <= longest_s * (1 + 1e-9)


@pytest.mark.slow
@given(st.lists(st.integers(1, 99), max_size=5, unique=True))
def test_parts_come_back_as_one_series(tmp_path_factory: pytest.TempPathFactory, cuts) -> None:  # type: ignore[no-untyped-def]
    parts = Parts(tmp_path_factory.mktemp("parts") / "x.csv")
    edges = [0, *sorted(cuts), 100]
    for start, stop in zip(edges, edges[1:]):
        time_s = np.arange(start, stop) + 0.25
        rows = [np.full(1 + int(t) % 3, t) for t in time_s]
        parts.add(series_from_rows("A:B/C", Path(), time_s, rows), float(start), float(stop))
    series = parts.read("A:B/C", 0.0, 100.0)
    assert series is not None
    assert series.time_s.tolist() == (np.arange(100) + 0.25).tolist()
    assert series.lengths.tolist() == [1 + t % 3 for t in range(100)]
    assert parts.missing("A:B/C", 0.0, 100.0, np.inf) == []
    parts.drop(["A:B/C"])
    assert not parts.folder.exists()


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "x.csv")
    parts.folder.write_text("in the way")
    with pytest.raises(OutputError, match="cannot create"):
        parts.add(series_from_rows("A", Path(), np.zeros(1), [np.zeros(1)]), 0.0, 1.0)


def test_a_damaged_part_is_left_out_of_what_is_read(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "x.csv")
    for start in (0.0, 10.0):
        one = series_from_rows("A", Path(), np.array([start]), [np.zeros(1)])
        parts.add(one, start, start + 10.0)
    (parts.folder / "A" / "0.0_10.0.npz").write_bytes(b"no longer")
    series = parts.read("A", 0.0, 20.0)
    assert series is not None
    assert series.time_s.tolist() == [10.0]
    (parts.folder / "A" / "10.0_20.0.npz").write_bytes(b"no longer")
    assert parts.read("A", 0.0, 20.0) is None
