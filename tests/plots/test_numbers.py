"""Means and spreads over bunches, and how they are written."""

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
        ([1.0, 1.2], "1.10 ± 0.10 µm"),
        ([10.0, 10.03], "10.015 ± 0.015 µm"),
        ([1000.0, 2000.0], "1,500 ± 500 µm"),
        ([2.5, 2.5], "2.500 ± 0.000 µm"),
        ([0.1 + 0.2, 0.3], "0.3000 ± 0.0000 µm"),
        ([2.5, NAN, np.inf], "2.500 ± 0.000 µm"),
        ([0.0, 0.0], "0.00 ± 0.00 µm"),
        ([NAN], "no data"),
        ([], "no data"),
    ],
)
def test_mean_and_spread_are_written_with_two_digits_of_the_spread(
    values: list[float], text: str
) -> None:
    assert numbers.spread_text(np.array(values), "µm") == text


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=MAYBE),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
def test_mean_and_spread_are_those_of_the_finite_values_of_each_time(values: FloatArray) -> None:
    mean, spread = numbers.mean_and_spread(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=1), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(spread, np.nanstd(values, axis=1), rtol=1e-6, atol=1e-6)
