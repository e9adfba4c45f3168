"""Where a measurement is too old to count, of many bunches at once."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.errors import Note
from lumimod.instruments.gaps import (
    Gap,
    find_gaps,
    gap_notes,
    longest_gap_s,
    unmeasured,
    unmeasured_columns,
    unmeasured_groups,
    utc_clock,
)

SEEDS = st.integers(0, 2**32 - 1)
TIME_S = np.linspace(-50.0, 400.0, 31)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, max_gap_s=st.floats(0, 300))
def test_groups_are_as_each_alone(seed: int, max_gap_s: float) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 6, 8)
    start = np.concatenate([[0], np.cumsum(sizes)])
    sample_s = np.concatenate([np.cumsum(rng.integers(1, 100, n) * 1.0) for n in sizes])
    found = unmeasured_groups(TIME_S, start, sample_s, max_gap_s)
    for j, (a, b) in enumerate(zip(start, start[1:])):
        np.testing.assert_array_equal(found[:, j], unmeasured(TIME_S, sample_s[a:b], max_gap_s))


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, gaps=st.floats(0, 1))
def test_columns_are_as_each_alone(seed: int, gaps: float) -> None:
    rng = np.random.default_rng(seed)
    sample_s = np.cumsum(rng.uniform(1, 100, 6))
    samples = np.where(rng.random((6, 12)) < gaps, np.nan, 1.0)
    found = unmeasured_columns(TIME_S, sample_s, samples, 60.0)
    for j, there in enumerate(np.isfinite(samples).T):
        np.testing.assert_array_equal(found[:, j], unmeasured(TIME_S, sample_s[there], 60.0))


def test_no_groups_give_no_columns() -> None:
    assert unmeasured_groups(TIME_S, np.array([0]), np.empty(0), 60.0).shape == (31, 0)


# --- what is said of gaps


def notes_of(found: list[Gap], max_gap_s: float = 1800.0) -> list[Note]:
    return list(gap_notes("emittance", 2, found, max_gap_s))


@pytest.mark.parametrize(
    ("gap", "held", "quiet"),
    [
        (Gap(600.0, 1800.0, 1200.0, last=False), "interpolated", False),
        (Gap(600.0, 1800.0, 1200.0, last=True), "held", True),
        (Gap(600.0, 1800.0, 1800.0, last=True), "held", True),
        (Gap(600.0, 1800.0, 1801.0, last=True), "held for 30 min, then NaN (max_gap_s)", False),
        (Gap(600.0, 1800.0, 1801.0, last=False), "held for 30 min, then NaN (max_gap_s)", False),
    ],
)
def test_a_gap_is_told_with_what_is_taken_in_it(gap: Gap, held: str, quiet: bool) -> None:
    text = (
        "emittance of beam 2: no measurement for 20 min of stable beams, from 00:10 to 00:30 UTC: "
    )
    numbers = {"minutes": 20.0, "from": 600.0, "to": 1800.0}
    expected = Note("gap", text + held, "emittance", 2, (600.0, 1800.0), numbers, quiet)
    assert notes_of([gap]) == [expected]


def test_a_gap_that_is_held_for_ever_is_worth_a_line() -> None:
    (note,) = notes_of([Gap(0.0, 1200.0, 1200.0, last=True)], np.inf)
    assert not note.quiet


def test_of_many_gaps_the_longest_are_told_and_the_last_line_counts_the_others() -> None:
    ages = [900.0, 700.0, 800.0, 1000.0, 600.0, 1100.0, 1200.0]
    found = [Gap(2000.0 * i, 2000.0 * i + age, age, last=False) for i, age in enumerate(ages)]
    notes = notes_of(found)
    assert [note.numbers["from"] for note in notes] == [0.0, 4000.0, 6000.0, 10000.0, 12000.0]
    assert [note.text.endswith("; 2 shorter gaps") for note in notes] == [False] * 4 + [True]
    assert not any("shorter" in note.text for note in notes_of(found[:5]))


def test_a_sample_at_the_start_is_no_gap_before_it() -> None:
    at_start = np.array([100.0, 200.0, 300.0])
    assert longest_gap_s(at_start, (100.0, 300.0)) == 100.0
    starts = [gap.start_s for gap in find_gaps(at_start, (100.0, 300.0), 50.0)]
    assert starts == [100.0, 200.0]


def test_without_a_gap_the_longest_is_nothing() -> None:
    assert longest_gap_s(np.array([100.0]), (100.0, 100.0)) == 0.0
    assert longest_gap_s(np.array([100.0, 100.5]), (100.0, 100.25)) == 0.25


def test_a_clock_shows_utc_wherever_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-03:30")
    time.tzset()
    try:
        assert utc_clock(1_500_000_000.0) == "02:40"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_where_nothing_was_measured_all_is_unmeasured() -> None:
    found = unmeasured(TIME_S, np.empty(0), 60.0)
    assert found.dtype == bool
    assert found.tolist() == [True] * TIME_S.size


def test_a_gap_that_ends_within_the_first_second_does_not_reach_into_the_span() -> None:
    assert longest_gap_s(np.array([-500.0, 0.3]), (0.0, 100.0)) == 100.0


def test_gaps_of_what_no_beam_has_are_told_without_one() -> None:
    found = [Gap(3600.0 * i, 3600.0 * i + 600.0, 8000.0, last=False) for i in range(7)]
    notes = list(gap_notes("crossing angle", None, found, 7200.0))
    start = "crossing angle: no measurement for 10 min of stable beams, from "
    held = "UTC: held for 120 min, then NaN (max_gap_s)"
    assert notes[0].text == f"{start}00:00 to 00:10 {held}"
    assert notes[-1].text == f"{start}04:00 to 04:10 {held}; 2 shorter gaps"


def test_a_gap_is_as_long_as_since_the_sample_before_the_span_and_longer_than_asked_for() -> None:
    before = np.array([-500.0, -900.0])
    assert longest_gap_s(before, (0.0, 100.0)) == 600.0
    assert find_gaps(before, (0.0, 100.0), 599.0) == [Gap(0.0, 100.0, 600.0, last=True)]
    assert find_gaps(before, (0.0, 100.0), 600.0) == []
    assert find_gaps(np.array([-500.0, 0.3]), (0.0, 100.0), 99.0) == [
        Gap(0.0, 100.0, 100.0, last=True)
    ]
