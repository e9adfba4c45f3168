"""Medians and spreads over bunches, and how they are written."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lumimod.arrays import FloatArray
from lumimod.plots import numbers
from tests.plots.conftest import MAYBE, NAN


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 1.2], "1.100 ± 0.068 µm"),
        ([10.0, 10.03], "10.015 ± 0.010 µm"),
        ([1000.0, 2000.0], "1,500 ± 340 µm"),
        ([2.5, 2.5], "2.500 µm"),
        ([0.1 + 0.2, 0.3], "0.3000 µm"),
        ([2.5, NAN, np.inf], "2.500 µm"),
        ([0.0, 0.0], "0.00 µm"),
        ([-2.0, -1.0], "\N{MINUS SIGN}1.50 ± 0.34 µm"),
        ([-0.01, 0.0, 0.9], "0.00 ± 0.31 µm"),
        ([NAN], "no data"),
        ([], "no data"),
    ],
)
def test_median_and_spread_are_written_with_two_digits_of_the_spread(
    values: list[float], text: str
) -> None:
    assert numbers.spread_text(np.array(values), "µm") == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (6.7, 3, "6.70"),
        (6.43, 3, "6.43"),
        (9.996, 3, "10.0"),
        (1234.6, 3, "1235"),
        (20.0, 3, "20.0"),
        (0.5, 3, "0.500"),
        (-3.14159, 4, "\N{MINUS SIGN}3.142"),
        (0.0, 3, "0"),
        (np.nan, 3, "nan"),
    ],
)
def test_numbers_side_by_side_have_the_same_digits(value: float, digits: int, text: str) -> None:
    assert numbers.significant(value, digits) == text


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=MAYBE),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:All-NaN slice")
def test_the_centre_and_the_middle_68_percent_are_those_of_the_finite_values_of_each_time(
    values: FloatArray,
) -> None:
    found = numbers.centre_and_band(values)
    for line, quantile in zip(found, (0.5, 0.16, 0.84)):
        expected = np.nanquantile(values, quantile, axis=1)
        np.testing.assert_allclose(line, expected, rtol=1e-9, atol=1e-6)


def test_quantiles_are_those_of_the_finite_values_of_each_row() -> None:
    values = np.random.default_rng(1).normal(size=(30, 17))
    values[values > 1] = NAN
    values[3] = NAN
    values[4, 1:] = np.inf
    wanted = (0.0, 0.16, 0.5, 0.84, 1.0)
    found = numbers.quantiles_of_rows(values, wanted)
    known = [row[np.isfinite(row)] for row in values]
    expected = [np.quantile(row, wanted) if row.size else np.full(5, NAN) for row in known]
    np.testing.assert_array_equal(found.T, expected)
    assert np.isfinite(found[:, 4]).all()
    np.testing.assert_array_equal(found[:, 3], NAN)
    whole = np.nan_to_num(values, posinf=3.0)
    by_numpy = np.quantile(whole, wanted, axis=1)
    np.testing.assert_array_equal(numbers.quantiles_of_rows(whole, wanted), by_numpy)


def test_no_rows_have_no_quantiles() -> None:
    assert numbers.quantiles_of_rows(np.empty((0, 4)), (0.5,)).shape == (1, 0)


def test_no_bunches_have_no_centre() -> None:
    for line in numbers.centre_and_band(np.empty((3, 0))):
        np.testing.assert_array_equal(line, [NAN] * 3)


@pytest.mark.parametrize(
    ("largest", "factor", "power"),
    [
        (9.08e30, 1e-30, "10³⁰"),
        (2.1e34, 1e-34, "10³⁴"),
        (5.0, 1.0, ""),
        (-3e-4, 1e4, "10⁻⁴"),
        (0.0, 1.0, ""),
        (NAN, 1.0, ""),
    ],
)
def test_the_power_of_ten_is_that_of_the_largest_value(
    largest: float, factor: float, power: str
) -> None:
    found = numbers.power_of(np.array([largest, NAN]), np.array([largest / 1000]))
    assert found == (pytest.approx(factor, rel=1e-6, abs=0), power)


def test_a_few_spikes_do_not_choose_the_power_of_ten() -> None:
    values = np.full(200, 5e32)
    values[:2] = 4e33
    assert numbers.power_of(values)[1] == "10³²"
