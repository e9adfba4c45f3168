"""Growth beyond the steps of a model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from lumimod.physics.residual_growth import residual_growth

TIME_S = 1.5e9 + np.arange(0, 8 * 3600, 300.0)
HOURS = (TIME_S - TIME_S[0])[:, None] / 3600
MODEL_UM_H = 0.11
"""Growth that the model has by itself, as long as the emittance is that of the start."""


def beam(growth_um_h: float, n_bunches: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return measured emittances, and those of the model a step after each one before.

    The model grows the less the larger the emittance is, as by intra-beam scattering.
    """
    emit, step = np.full((2, TIME_S.size, n_bunches), 2.0)
    for i in range(1, TIME_S.size):
        step[i] = emit[i - 1] + MODEL_UM_H * (2 / emit[i - 1]) * 300 / 3600
        emit[i] = step[i] + growth_um_h * 300 / 3600
    return emit, step


def test_growth_beyond_the_model_is_found_whatever_that_of_the_model_is() -> None:
    emit, step = beam(0.04)
    found = residual_growth(TIME_S, emit, step, emit)
    assert found.growth_um_h == pytest.approx(0.04)
    assert found.of_ends_um_h == pytest.approx(0.04)
    assert found.error_um_h == pytest.approx(0, abs=1e-9)
    assert found.summed_um[:, 0] == pytest.approx(0.04 * HOURS[:, 0], abs=1e-12)


def test_errors_are_those_of_the_noise_of_raw_emittances() -> None:
    emit, step = beam(0.04, 3000)
    raw = emit + np.random.default_rng(4).normal(0, 0.03, emit.shape)
    found = residual_growth(TIME_S, emit, step, raw)
    pulls = (found.growth_um_h - 0.04) / found.error_um_h
    assert abs(pulls.mean()) < 0.06
    assert 0.9 < pulls.std() < 1.1


def test_samples_between_two_measurements_do_not_make_the_error_smaller() -> None:
    emit, step = beam(0.04, 3000)
    noise = np.random.default_rng(4).normal(0, 0.03, (TIME_S.size // 2 + 1, 3000))
    between = np.stack([np.interp(TIME_S, TIME_S[::2], n) for n in noise[: TIME_S[::2].size].T], 1)
    found = residual_growth(TIME_S, emit, step, emit + between)
    pulls = (found.growth_um_h - 0.04) / found.error_um_h
    assert 0.85 < pulls.std() < 1.2


def test_times_without_emittance_are_left_out_of_sum_and_time() -> None:
    emit, step = beam(0.04)
    emit[20:30] = np.nan
    step[21:31] = np.nan
    found = residual_growth(TIME_S, emit, step, emit)
    assert found.growth_um_h == pytest.approx(0.04)
    assert found.of_ends_um_h == pytest.approx(0.04)


def test_without_data_there_is_no_growth() -> None:
    nothing = np.full((TIME_S.size, 1), np.nan)
    found = residual_growth(TIME_S, nothing, nothing, nothing)
    assert np.isnan([found.growth_um_h, found.error_um_h, found.of_ends_um_h]).all()


def test_growth_and_error_are_those_of_a_line_by_scipy() -> None:
    emit = np.full((6, 1), 2.0)
    raw = emit + np.array([[0.02], [-0.03], [0.02], [-0.01], [0.03], [-0.02]])
    found = residual_growth(TIME_S[:6], emit, emit, raw)
    line = linregress(HOURS[:6, 0], raw[:, 0])
    assert found.growth_um_h == pytest.approx(line.slope)
    assert found.error_um_h == pytest.approx(line.stderr)


@pytest.mark.parametrize("n", [1, 2])
def test_of_one_or_two_samples_there_is_no_growth_and_no_warning(n: int) -> None:
    emit, step = (values[:n] for values in beam(0.04))
    found = residual_growth(TIME_S[:n], emit, step, emit)
    assert np.isnan([found.growth_um_h, found.error_um_h, found.of_ends_um_h]).all()
