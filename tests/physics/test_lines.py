"""Straight lines through many bunches at once."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.physics.lines import fit_lines, residuals


def test_lines_are_those_of_polyfit() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 4))
    found = fit_lines(x, y)
    for j in range(4):
        (slope, _), [rest], *_ = np.polyfit(x[:, j], y[:, j], 1, full=True)
        assert found.slope[j] == pytest.approx(slope)
        assert found.rest[j] == pytest.approx(rest)
        left = residuals(x, y, found.slope)[:, j]
        assert (left**2).sum() == pytest.approx(rest)


def test_samples_that_are_nan_do_not_count() -> None:
    x = np.arange(5.0)[:, None]
    y = 2 * x + 1
    y[1] = np.nan
    found = fit_lines(x, y)
    assert found.slope.tolist() == [2]
    assert found.n.tolist() == [4]
    assert np.isnan(residuals(x, y, found.slope)[:, 0]).tolist() == [False, True] + 3 * [False]


@pytest.mark.parametrize("x", [[0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, np.nan]])
def test_too_few_samples_have_no_line(x: list[float]) -> None:
    column = np.array(x)[:, None]
    assert np.isnan(fit_lines(column, column).slope).all()


def test_three_samples_have_a_line() -> None:
    x = np.array([0.0, 1.0, 2.0])[:, None]
    assert fit_lines(x, 3 * x).slope.tolist() == [3]


def test_the_scatter_is_about_the_mean_of_the_samples_that_are_there() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9, 3)), 100 + rng.normal(size=(9, 3))
    x[2, 0] = y[5, 1] = y[6, 1] = np.nan
    y[:, 2] = np.nan
    found = fit_lines(x, y)
    for j in range(2):
        there = np.isfinite(x[:, j] + y[:, j])
        (slope, _), [rest], *_ = np.polyfit(x[there, j], y[there, j], 1, full=True)
        assert (found.slope[j], found.rest[j]) == pytest.approx((slope, rest))
        assert found.spread[j] == pytest.approx(there.sum() * x[there, j].var())
    assert found.n.tolist() == [8, 7, 0]
    assert found.n.dtype == float
    assert np.isnan(found.slope[2])
