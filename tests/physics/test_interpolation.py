"""Interpolation of many bunches at once, against numpy.interp one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.physics.interpolation import (
    interp_columns,
    interp_each_column,
    interp_groups,
    interp_valid_columns,
)

SEEDS = st.integers(0, 2**32 - 1)
TIME = np.array([0.0, 10.0, 20.0, 30.0])


def series(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times asked for, sample times and samples, with Unix times or from zero.

    Asked for are times between, at, before and after the samples, in any order.
    """
    rng = np.random.default_rng(seed)
    n, n_columns = int(rng.integers(1, 30)), int(rng.integers(1, 6))
    sample_s = np.cumsum(rng.uniform(0.001, 100, n)) + rng.choice([0.0, 1.5e9])
    between = rng.uniform(sample_s[0] - 50, sample_s[-1] + 50, 20)
    time_s = rng.permutation(np.concatenate([between, sample_s]))
    return time_s, sample_s, rng.normal(2.5, 1, (n, n_columns)) * 10.0 ** rng.integers(-9, 34)


def by_numpy(time_s: np.ndarray, sample_s: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Interpolate the finite samples of one column."""
    finite = np.isfinite(column)
    if not finite.any():
        return np.full(time_s.size, np.nan)
    return np.interp(time_s, sample_s[finite], column[finite])


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_columns_equal_numpy_interp_to_the_last_bit(seed: int) -> None:
    time_s, sample_s, samples = series(seed)
    found = interp_columns(time_s, sample_s, samples)
    expected = [np.interp(time_s, sample_s, column) for column in samples.T]
    np.testing.assert_array_equal(found, np.transpose(expected))


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, gaps=st.floats(0, 1))
def test_valid_columns_equal_numpy_interp_of_finite_samples_to_the_last_bit(
    seed: int, gaps: float
) -> None:
    time_s, sample_s, samples = series(seed)
    samples[np.random.default_rng(seed + 1).random(samples.shape) < gaps] = np.nan
    found = interp_valid_columns(time_s, sample_s, samples)
    expected = [by_numpy(time_s, sample_s, column) for column in samples.T]
    np.testing.assert_array_equal(found, np.transpose(expected))


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS, gaps=st.floats(0, 1))
def test_each_column_at_its_own_time_equals_numpy_interp(seed: int, gaps: float) -> None:
    time_s, sample_s, samples = series(seed)
    rng = np.random.default_rng(seed + 1)
    samples[rng.random(samples.shape) < gaps] = np.nan
    own_s = rng.choice(time_s, samples.shape[1])
    found = interp_each_column(own_s, sample_s, samples)
    expected = [by_numpy(t, sample_s, c)[0] for t, c in zip(own_s[:, None], samples.T)]
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_groups_equal_numpy_interp(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 6, 8)
    start = np.concatenate([[0], np.cumsum(sizes)])
    sample_s = np.concatenate([np.cumsum(rng.uniform(1, 100, n)) for n in sizes])
    samples = rng.normal(size=sample_s.size)
    time_s = np.sort(np.concatenate([np.linspace(-10, 400, 30), sample_s]))
    found = interp_groups(time_s, start, sample_s, samples)
    for j, (a, b) in enumerate(zip(start[:-1], start[1:])):
        np.testing.assert_array_equal(found[:, j], by_numpy(time_s, sample_s[a:b], samples[a:b]))


def test_columns_with_the_same_gaps_are_interpolated_together_and_keep_their_places() -> None:
    samples = np.arange(40.0).reshape(4, 10)
    samples[1, ::2], samples[2:, 4] = np.nan, np.nan
    found = interp_valid_columns(np.array([15.0, 25.0]), TIME, samples)
    expected = [by_numpy(np.array([15.0, 25.0]), TIME, column) for column in samples.T]
    np.testing.assert_array_equal(found, np.transpose(expected))


def test_between_samples_by_hand() -> None:
    # A quarter of the way from 1 to 3 and from 10 to 6: 1.5 and 9.
    found = interp_columns(np.array([2.5]), np.array([0.0, 10.0]), np.array([[1.0, 10], [3, 6]]))
    np.testing.assert_array_equal(found, [[1.5, 9.0]])


def test_end_values_hold() -> None:
    samples = np.array([[1.0], [2], [3], [4]])
    asked = np.array([-1e6, 0.0, 30.0, 1e6])
    for interp in (interp_columns, interp_valid_columns):
        np.testing.assert_array_equal(interp(asked, TIME, samples)[:, 0], [1, 1, 4, 4])


@pytest.mark.parametrize("interp", [interp_columns, interp_valid_columns])
def test_one_sample_holds_for_ever(interp) -> None:  # type: ignore[no-untyped-def]
    found = interp(np.array([-5.0, 0, 5]), np.array([0.0]), np.array([[1.0, 2.0]]))
    np.testing.assert_array_equal(found, [[1, 2]] * 3)


def test_gap_is_nan_between_its_neighbours_alone() -> None:
    samples = np.array([[1.0, 1], [np.nan, 2], [3, 3], [4, 4]])
    found = interp_columns(np.array([-5.0, 5.0, 15.0, 25.0, 40.0]), TIME, samples)
    np.testing.assert_array_equal(found[:, 0], [1, np.nan, np.nan, 3.5, 4])
    np.testing.assert_array_equal(found[:, 1], [1, 1.5, 2.5, 3.5, 4])


def test_end_values_hold_at_the_ends_themselves_beside_a_gap() -> None:
    samples = np.array([[1.0], [np.nan], [np.nan], [4.0]])
    found = interp_columns(TIME[[0, -1]], TIME, samples)
    np.testing.assert_array_equal(found[:, 0], [1, 4])


@pytest.mark.parametrize("last", [2.0, 3.0])
def test_two_samples_at_the_last_time_raise_no_warning_and_the_later_holds(last: float) -> None:
    samples = np.array([[1.0], [2.0], [last]])
    found = interp_columns(np.array([5.0, 10.0, 15.0]), np.array([0.0, 10.0, 10.0]), samples)
    np.testing.assert_array_equal(found[:, 0], [1.5, last, last])


def test_gap_is_bridged_by_its_neighbours() -> None:
    # From 1 at 0 s to 3 at 20 s; the ends are those of the column's own samples.
    samples = np.array([[1.0, np.nan], [np.nan, 5], [3, np.nan], [4, np.nan]])
    found = interp_valid_columns(np.array([0.0, 5.0, 15.0, 30.0]), TIME, samples)
    np.testing.assert_array_equal(found, [[1, 5], [1.5, 5], [2.5, 5], [4, 5]])


def test_column_without_samples_is_nan_and_spares_others() -> None:
    samples = np.array([[np.nan, 1.0], [np.nan, 2], [np.nan, 3], [np.nan, 4]])
    asked = np.array([-5.0, 5.0, 40.0])
    found = interp_valid_columns(asked, TIME, samples)
    assert np.isnan(found[:, 0]).all()
    np.testing.assert_array_equal(found[:, 1], [1, 1.5, 4])
    np.testing.assert_array_equal(interp_each_column(asked[:2], TIME, samples), [np.nan, 1.5])


def test_no_samples_at_all_are_nan() -> None:
    none = np.empty((0, 3))
    assert np.isnan(interp_valid_columns(np.zeros(2), np.empty(0), none)).all()
    assert interp_valid_columns(np.zeros(2), np.empty(0), none).shape == (2, 3)
    assert np.isnan(interp_each_column(np.zeros(3), np.empty(0), none)).all()


def test_no_columns_give_none() -> None:
    assert interp_columns(np.zeros(2), TIME, np.empty((4, 0))).shape == (2, 0)
    assert interp_valid_columns(np.zeros(2), TIME, np.empty((4, 0))).shape == (2, 0)


def test_column_asked_for_at_no_time_is_nan() -> None:
    samples = np.array([[1.0, 1], [2, 2], [3, 3], [4, 4]])
    found = interp_each_column(np.array([np.nan, 5.0]), TIME, samples)
    np.testing.assert_array_equal(found, [np.nan, 1.5])


def test_group_without_samples_is_nan() -> None:
    found = interp_groups(
        np.array([0.0, 5.0]),
        np.array([0, 2, 2, 3]),
        np.array([0.0, 10.0, 7.0]),
        np.array([1.0, 3.0, 9.0]),
    )
    np.testing.assert_array_equal(found, [[1, np.nan, 9], [2, np.nan, 9]])


@pytest.mark.parametrize("sample_s", [[0.0, 0.0, 10.0], [0.0, 10.0, 10.0], [5.0, 5.0, 5.0]])
def test_samples_of_one_time_at_an_end_raise_no_warning(sample_s: list[float]) -> None:
    found = interp_groups(
        np.array([-1.0, 20.0]), np.array([0, 3]), np.array(sample_s), np.array([1.0, 2.0, 3.0])
    )
    np.testing.assert_array_equal(found[:, 0], [1, 3])
