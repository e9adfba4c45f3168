"""The budget of luminosity: each cause alone, and all together."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.physics.budget import CAUSES, ColliderState, burned_off, luminosity_budget

N_TIMES, N_SLOTS = 5, 3
MACHINE = {"crossing_plane": "v", "gamma": 6927.64, "f_rev_hz": 11245.5}


def steady(**changes: np.ndarray) -> ColliderState:
    shape = (2, N_TIMES, N_SLOTS)
    state = ColliderState(
        np.full(shape, 1.1e11),
        np.full(shape, 2.0),
        np.full(shape, 1.8),
        np.full(shape, 0.082),
        np.full(N_TIMES, 300e-6),
        np.full(N_TIMES, 0.3),
    )
    return state._replace(**changes)


def ramp(start: float, end: float) -> np.ndarray:
    return np.broadcast_to(np.linspace(start, end, N_TIMES)[:, None], (2, N_TIMES, N_SLOTS)).copy()


def test_where_nothing_changes_nothing_is_lost() -> None:
    state = steady()
    budget = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    assert list(budget) == list(CAUSES)
    assert all(values == pytest.approx(0.0, abs=1e-12) for values in budget.values())


def test_intensity_counts_twice_and_is_shared_between_burn_off_and_other_losses() -> None:
    state = steady(intensity_ppb=ramp(1.1e11, 0.9e11))
    budget = luminosity_budget(state, ramp(1.1e11, 1.0e11), **MACHINE)
    assert budget["burn-off"][-1] == pytest.approx(2 * np.log(1.0 / 1.1))
    assert budget["other losses"][-1] == pytest.approx(2 * np.log(0.9 / 1.0))
    assert budget["emittances"] == pytest.approx(0.0, abs=1e-12)


def test_equal_growth_in_both_planes_without_crossing_is_one_over_emittance() -> None:
    state = steady(
        emit_h_um=ramp(2.0, 2.4), emit_v_um=ramp(1.8, 2.16), crossing_rad=np.full(N_TIMES, 1e-12)
    )
    budget = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    assert budget["emittances"][-1] == pytest.approx(np.log(1 / 1.2))


def test_shorter_bunches_and_smaller_angles_gain() -> None:
    angle = np.array([300e-6, 300e-6, 260e-6, 260e-6, 260e-6])
    state = steady(length_m=ramp(0.082, 0.075), crossing_rad=angle)
    budget = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    assert budget["bunch length"][-1] > 0
    assert budget["crossing angle, beta*"][1] == pytest.approx(0.0, abs=1e-12)
    assert budget["crossing angle, beta*"][2] > 0.01


def test_the_parts_add_up_to_the_whole_change() -> None:
    state = steady(
        intensity_ppb=ramp(1.1e11, 0.8e11),
        emit_h_um=ramp(2.0, 2.6),
        length_m=ramp(0.082, 0.075),
        betastar_m=np.array([0.3, 0.3, 0.27, 0.27, 0.25]),
    )
    parts = luminosity_budget(state, ramp(1.1e11, 0.9e11), **MACHINE)
    whole = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    assert sum(parts.values())[-1] == pytest.approx(sum(whole.values())[-1])
    assert parts["burn-off"][-1] + parts["other losses"][-1] == pytest.approx(whole["burn-off"][-1])


def test_it_begins_where_all_is_known_and_leaves_unknown_pairs_out() -> None:
    emittance = ramp(2.0, 2.4)
    emittance[:, 0] = np.nan
    emittance[0, 3, 1] = np.nan
    state = steady(emit_h_um=emittance)
    budget = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    assert np.isnan(budget["emittances"][0])
    assert budget["emittances"][1] == pytest.approx(0.0)
    assert np.isfinite(budget["emittances"][1:]).all()


def test_burn_off_takes_the_integrated_luminosity_times_the_cross_section() -> None:
    time_s = np.linspace(0, 3600, N_TIMES)
    intensity = np.full((2, N_TIMES, N_SLOTS), 1.1e11)
    lumi = np.full((N_TIMES, N_SLOTS), 2e35)
    lumi[:, 2] = np.nan
    left = burned_off(intensity, lumi, time_s, 80e-31)
    assert left[0, -1, 0] == pytest.approx(1.1e11 - 80e-31 * 2e35 * 3600)
    assert left[1, -1, 2] == 1.1e11


@pytest.mark.parametrize("field", ["emit_h_um", "emit_v_um", "length_m", "intensity_ppb"])
def test_each_beam_counts(field: str) -> None:
    state = steady()
    whole = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    found = []
    for beam in (0, 1):
        values = getattr(state, field).copy()
        values[beam, 1:] *= 1.2
        one = steady(**{field: values})
        parts = luminosity_budget(one, state.intensity_ppb, **MACHINE)
        found.append(sum(parts.values())[-1])
    assert abs(found[0] - sum(whole.values())[-1]) > 1e-3
    assert found[0] == pytest.approx(found[1])


def test_burn_off_begins_at_the_first_time_with_any_bunch() -> None:
    time_s = np.linspace(0, 3600, N_TIMES)
    intensity = np.full((2, N_TIMES, N_SLOTS), 1.1e11)
    intensity[:, 0] = np.nan
    intensity[0, 1, :2] = np.nan  # beam 1 alone lacks two of three bunches
    lumi = np.full((N_TIMES, N_SLOTS), 2e35)
    left = burned_off(intensity, lumi, time_s, 80e-31)
    assert left[0, -1, 2] == pytest.approx(1.1e11 - 80e-31 * 2e35 * 3600 * 3 / 4)


def test_times_at_which_angle_or_beta_star_is_unknown_have_no_budget() -> None:
    angle, betastar = np.full(N_TIMES, 300e-6), np.full(N_TIMES, 0.3)
    angle[0] = betastar[1] = angle[3] = np.nan
    state = steady(crossing_rad=angle, betastar_m=betastar)
    budget = luminosity_budget(state, state.intensity_ppb, **MACHINE)
    for values in budget.values():
        assert np.isnan(values).tolist() == [True, True, False, True, False]


def test_the_budget_is_that_of_the_known_pairs_in_every_unit_of_intensity() -> None:
    emittance = ramp(2.0, 2.6)
    emittance[1, :, 0] = emittance[0, 2] = np.nan  # a pair never, all of them at one time
    of_protons, of_less = (
        luminosity_budget(steady(emit_h_um=emittance, intensity_ppb=n), n * 0.999, **MACHINE)
        for n in (ramp(1.1e11, 0.9e11), ramp(1.1e-9, 0.9e-9))
    )
    for name, values in of_protons.items():
        assert np.isnan(values).tolist() == [False, False, True, False, False]
        assert of_less[name] == pytest.approx(values, rel=1e-9, abs=1e-12, nan_ok=True)
