"""Integrals by the trapezoidal rule are those of SciPy, number by number."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import integrate

from lumimod.physics.integrals import cumulative_trapezoid, trapezoid


def test_a_constant_rate_adds_up_to_rate_times_time() -> None:
    time_s = np.array([0.0, 10.0, 40.0])
    np.testing.assert_array_equal(cumulative_trapezoid(np.full(3, 2.0), time_s), [0.0, 20.0, 80.0])
    assert trapezoid(np.full(3, 2.0), time_s) == 80.0


def test_one_time_has_an_integral_of_nothing() -> None:
    assert trapezoid(np.ones(1), np.ones(1)) == 0.0
    np.testing.assert_array_equal(cumulative_trapezoid(np.ones((1, 2)), np.ones(1)), [[0.0, 0.0]])


@pytest.mark.parametrize("shape", [(500,), (500, 7)])
def test_numbers_are_those_of_scipy_to_the_last_bit(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    time_s, values = np.cumsum(rng.uniform(1, 100, shape[0])), rng.normal(1e38, 1e37, shape)
    expected = integrate.cumulative_trapezoid(values, time_s, axis=0, initial=0.0)
    np.testing.assert_array_equal(cumulative_trapezoid(values, time_s), expected)
    if values.ndim == 1:
        assert trapezoid(values, time_s) == integrate.trapezoid(values, time_s)


def test_facts_and_pictures_of_a_fill_load_no_scipy() -> None:
    program = (
        "import sys, lumimod.summary.facts, lumimod.summary.budget, lumimod.plots.overview;"
        "print([name for name in sys.modules if name.startswith('scipy')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
