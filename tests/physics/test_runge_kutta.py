"""Integration of bunches, of which some quantities follow the data."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.physics.runge_kutta import Followed, integrate


def logistic(state: np.ndarray) -> np.ndarray:
    return state * (1 - state)


def exact(start: float, hours: float) -> float:
    return 1 / (1 + (1 / start - 1) * np.exp(-hours))


@pytest.mark.parametrize(("hours", "within"), [(0.05, 1e-5), (0.4, 3e-5), (6.0, 1e-4)])
def test_the_end_is_that_of_the_differential_equation(hours: float, within: float) -> None:
    got = integrate(logistic, np.array([0.2]), hours, longest_h=0.5)
    assert got[0] == pytest.approx(exact(0.2, hours), rel=within)


def test_halves_of_a_long_step_are_four_times_as_exact_as_the_order_says() -> None:
    errors = [
        abs(integrate(logistic, np.array([0.2]), 6.0, longest_h=h)[0] - exact(0.2, 6.0))
        for h in (0.6, 0.3)
    ]
    assert 12 < errors[0] / errors[1] < 22


def test_every_bunch_has_its_own_time_and_nan_stays_nan() -> None:
    got = integrate(logistic, np.full(3, 0.2), np.array([1.0, 0.0, np.nan]), longest_h=0.5)
    assert got[0] == pytest.approx(exact(0.2, 1.0), rel=1e-4)
    assert got[1] == 0.2
    assert np.isnan(got[2])


@pytest.mark.parametrize(("hours", "longest_h"), [(0.05, 0.5), (0.4, 0.5), (2.0, 0.5), (0.4, 0.05)])
def test_slopes_are_taken_along_what_follows_the_data(hours: float, longest_h: float) -> None:
    # dy/dt = x, where x follows a straight line of slope 3 although it would stay where it is.
    def slopes(state: np.ndarray) -> np.ndarray:
        return np.stack([np.zeros(1), state[0]])

    followed = Followed(np.array([[True], [False]]), np.array([[3.0], [0.0]]))
    start = np.array([[1.0], [0.0]])
    x, y = integrate(slopes, start, hours, longest_h=longest_h, followed=followed)
    assert y[0] == pytest.approx(hours + 1.5 * hours**2, rel=1e-12)
    assert x[0] == 1.0


@pytest.mark.parametrize(
    ("hours", "longest_h", "calls"),
    [(0.05, 0.5, 2), (0.1, 0.5, 2), (0.11, 0.5, 4), (0.4, 0.05, 16), (0.4, 0.1, 8), (0.9, 0.5, 8)],
)
def test_parts_of_up_to_six_minutes_take_the_midpoint_rule(
    hours: float, longest_h: float, calls: int
) -> None:
    seen = []

    def slopes(state: np.ndarray) -> np.ndarray:
        seen.append(state)
        return logistic(state)

    got = integrate(slopes, np.array([0.2]), np.array([hours, np.nan]), longest_h=longest_h)
    assert len(seen) == calls
    assert got[0] == pytest.approx(exact(0.2, hours), rel=1e-4)
