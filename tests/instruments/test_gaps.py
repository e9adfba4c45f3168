"""Where a measurement is too old to count, of many bunches at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.instruments.gaps import unmeasured, unmeasured_columns, unmeasured_groups

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
