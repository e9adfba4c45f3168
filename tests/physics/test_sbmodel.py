"""Evolution of bunches in stable beams."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.ibs import IbsSet, ibs_map
from lumimod.physics.sbmodel import (
    Bunches,
    Evolution,
    FromData,
    ModelMachine,
    elastic_growth_um_s,
    evolve,
)
from lumimod.tables.ibs import ibs_of

IBS = ibs_of(6927.64, 12e6)
_NAMES = ["a00", "a01", "a10", "a11", "b00", "b01", "b10", "b11", "b20", "b21"]
_NAMES += [f"{x}{k}l" for x in ("a0", "a1", "b0", "b1") for k in range(3)]
# Every coefficient zero but the constants: emittance and length stay as they are.
NO_IBS = IbsSet(
    6500.0,
    12.0,
    tuple((name, ((1.0, 0.0),) if name in ("b20", "b12l") else ()) for name in _NAMES),
)
MACHINE = ModelMachine(
    ibs=IBS,
    gamma=6927.64,
    betastar_m=0.3,
    tau_sr_s=64.7 * 3600,
    sigma_boff_m2=80e-31,
    sigma_el_m2=29.7e-31,
)
ONLY_BURN_OFF = MACHINE._replace(ibs=NO_IBS, tau_sr_s=np.inf, sigma_el_m2=0.0)
STEP_S = 300.0
FIELDS = Bunches._fields


def from_data(*models: tuple[bool, bool, bool]) -> FromData:
    """Return what each model takes: intensity, emittance, length."""
    return FromData(*(np.array(column)[:, None] for column in zip(*models)))


ALL_MODELLED = from_data((False, False, False))


def times(n_times: int) -> np.ndarray:
    return 1.5e9 + np.arange(n_times) * STEP_S


def measured(n_times: int = 5, n_bunches: int = 4) -> Bunches:
    """Return bunches whose quantities all change from one time to the next."""
    rng = np.random.default_rng(7)
    hours = np.arange(n_times)[:, None] * STEP_S / 3600
    shape = (n_times, n_bunches)
    return Bunches(
        1.1e11 * np.exp(-hours / 20) * rng.uniform(0.95, 1.05, shape),
        2.2 + 0.1 * hours + rng.normal(0, 0.1, shape),
        2.0 + 0.05 * hours + rng.normal(0, 0.1, shape),
        0.08 - 0.001 * hours + rng.normal(0, 0.001, shape),
    )


def constant_lumi(atlas: float, cms: float | None = None) -> Any:
    """Return a luminosity that no bunch changes."""

    def luminosity(bunches: Bunches, index: int) -> np.ndarray:
        n_models, n_bunches = bunches.intensity_ppb.shape
        per_experiment = np.array([atlas, atlas if cms is None else cms])
        return np.broadcast_to(per_experiment[:, None, None], (2, n_models, n_bunches // 2))

    return luminosity


def evolution(
    data: Bunches,
    models: FromData = ALL_MODELLED,
    machine: ModelMachine = MACHINE,
    lumi: Any = None,
) -> Evolution:
    return evolve(times(len(data.intensity_ppb)), [data], models, machine, lumi)[0]


# ---- Elastic scattering.


def test_elastic_growth_by_hand() -> None:
    # theta^2 = 1/(19.9 * 6500^2) = 1/840775000 = 1.1893789e-9.
    # Rate 2 * 5e34 * 29.7e-31 / 1e11 = 2.97e-6 per second and proton.
    # 0.5 * 6927.64 * 0.3 * theta^2/2 * rate = 519.573 * 1.1893789e-9 * 2.97e-6
    # = 1.8353683e-12 m/s = 1.8353683e-6 um/s: 0.0066 um/h.
    found = elastic_growth_um_s(np.array(1e11), np.array(5e34), MACHINE)
    assert found == pytest.approx(1.8353683e-6, rel=1e-7)


def test_elastic_scattering_grows_both_planes_alike() -> None:
    data = measured(3)
    machine = MACHINE._replace(ibs=NO_IBS, tau_sr_s=np.inf)
    found = evolution(data, machine=machine, lumi=constant_lumi(5e34))
    growth = STEP_S * elastic_growth_um_s(data.intensity_ppb[0], np.array(5e34), machine)
    for plane in ("emit_h_um", "emit_v_um"):
        first, second = getattr(found.bunches, plane)[0]
        np.testing.assert_allclose(second - first, growth, rtol=1e-9)


# ---- Burn-off.


def test_burn_off_of_one_step_by_hand() -> None:
    # 300 s * 80e-31 m^2 * 2 * 5e34 / 1e11 = 2.4e-3: 1e11/1.0024 protons are left.
    data = Bunches(*(np.full((3, 2), value) for value in (1e11, 2.0, 2.0, 0.08)))
    found = evolution(data, machine=ONLY_BURN_OFF, lumi=constant_lumi(5e34))
    np.testing.assert_allclose(found.bunches.intensity_ppb[0, 1], 1e11 / 1.0024, rtol=1e-15)


def test_experiments_count_by_their_mean() -> None:
    data = measured()
    equal = evolution(data, lumi=constant_lumi(5e34))
    apart = evolution(data, lumi=constant_lumi(6e34, 4e34))
    for field in FIELDS:
        np.testing.assert_allclose(
            getattr(apart.bunches, field), getattr(equal.bunches, field), rtol=1e-13
        )
    np.testing.assert_array_equal(apart.lumi[0], 6e34)
    np.testing.assert_array_equal(apart.lumi[1], 4e34)


@settings(max_examples=30, deadline=None)
@given(n0=st.floats(1e10, 3e11), k=st.floats(1e11, 1e13), n_steps=st.integers(1, 50))
def test_burn_off_does_not_depend_on_the_length_of_the_step(
    n0: float, k: float, n_steps: int
) -> None:
    # With L = k N^2 the loss dN/dt = -2 sigma k N^2 has the solution N0/(1 + 2 sigma k N0 t),
    # which a step N/(1 + dt*sigma*2*L/N) follows exactly.
    def luminosity(bunches: Bunches, index: int) -> np.ndarray:
        n1, n2 = np.split(bunches.intensity_ppb, 2, axis=1)
        return np.stack([k * n1 * n2] * 2)

    time_s = np.linspace(0, 36000, n_steps + 2)
    data = Bunches(*(np.full((time_s.size, 2), value) for value in (n0, 2.0, 2.0, 0.08)))
    (found,) = evolve(time_s, [data], ALL_MODELLED, ONLY_BURN_OFF, luminosity)
    expected = n0 / (1 + 2 * ONLY_BURN_OFF.sigma_boff_m2 * k * n0 * time_s[:-1])
    for beam in range(2):
        np.testing.assert_allclose(found.bunches.intensity_ppb[0, :, beam], expected, rtol=1e-12)


def test_no_cross_section_keeps_every_proton() -> None:
    data = measured()
    machine = MACHINE._replace(sigma_boff_m2=1e-60)
    found = evolution(data, machine=machine, lumi=constant_lumi(5e34))
    np.testing.assert_array_equal(
        found.bunches.intensity_ppb[0], np.tile(data.intensity_ppb[0], (4, 1))
    )


@settings(max_examples=30, deadline=None)
@given(lumi=st.floats(0, 2e35))
def test_intensity_never_grows_and_stays_positive(lumi: float) -> None:
    found = evolution(measured(10), lumi=constant_lumi(lumi)).bunches.intensity_ppb
    assert (np.diff(found, axis=1) <= 0).all()
    assert (found > 0).all()


def test_pair_of_bunches_loses_by_its_own_luminosity_in_both_beams() -> None:
    # Bunches 0 and 2 of two beams collide with each other, 1 and 3 not at all.
    def luminosity(bunches: Bunches, index: int) -> np.ndarray:
        return np.tile([5e34, 0.0], (2, 1, 1))

    data = Bunches(*(np.full((3, 4), value) for value in (1e11, 2.0, 2.0, 0.08)))
    found = evolution(data, machine=ONLY_BURN_OFF, lumi=luminosity).bunches.intensity_ppb[0, 1]
    np.testing.assert_allclose(found, [1e11 / 1.0024, 1e11, 1e11 / 1.0024, 1e11], rtol=1e-15)


# ---- One step: intra-beam scattering, damping.


def test_one_step_of_all_effects_is_their_sum() -> None:
    data = measured(3)
    n, h, v, length = data.at(0)
    found = evolution(data, lumi=constant_lumi(5e34)).bunches
    after = ibs_map(IBS, STEP_S, n, h, length * 4 / SPEED_OF_LIGHT_M_S)
    elastic = 1.8353683e-6 * 1e11 / n * STEP_S  # see the elastic growth by hand
    damped = v * np.exp(-2 * 300 / (64.7 * 3600))
    np.testing.assert_allclose(found.emit_h_um[0, 1], after.emit_h_um + elastic, rtol=1e-9)
    np.testing.assert_allclose(found.emit_v_um[0, 1], damped + elastic, rtol=1e-9)
    np.testing.assert_allclose(
        found.length_m[0, 1], after.bl4s_s * SPEED_OF_LIGHT_M_S / 4, rtol=1e-13
    )
    np.testing.assert_allclose(
        found.intensity_ppb[0, 1], n / (1 + 300 * 80e-31 * 2 * 5e34 / n), rtol=1e-13
    )


def test_vertical_emittance_damps_by_a_factor_e_squared_in_the_amplitude_time() -> None:
    time_s = np.linspace(0, 64.7 * 3600, 101)
    data = Bunches(*(np.full((101, 1), value) for value in (1e11, 2.0, 2.0, 0.08)))
    machine = MACHINE._replace(ibs=NO_IBS)
    (found,) = evolve(
        np.append(time_s, 3e5),
        [Bunches(*(np.append(v, v[:1], axis=0) for v in data))],
        ALL_MODELLED,
        machine,
    )
    assert found.bunches.emit_v_um[0, -1, 0] == pytest.approx(2 * np.exp(-2), rel=1e-12)
    assert found.bunches.emit_h_um[0, -1, 0] == pytest.approx(2, rel=1e-12)


def test_steps_may_differ_in_length() -> None:
    time_s = np.array([0.0, 300.0, 1200.0, 1300.0])
    (evolved,) = evolve(time_s, [measured(4)], ALL_MODELLED, MACHINE)
    found = evolved.bunches.emit_v_um[0]
    expected = found[0] * np.exp(-2 * time_s[:3] / MACHINE.tau_sr_s)[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


# ---- Which quantities follow the data.


@pytest.mark.parametrize("colliding", [True, False])
def test_model_that_follows_all_data_returns_them_exactly(colliding: bool) -> None:
    data = measured()
    lumi = constant_lumi(5e34) if colliding else None
    found = evolution(data, from_data((True, True, True)), lumi=lumi)
    for out, values in zip(found.bunches, data):
        np.testing.assert_array_equal(out[0], values[:-1])


@pytest.mark.parametrize("follows", list(itertools.product([False, True], repeat=3)))
def test_each_quantity_follows_the_data_or_the_model_by_itself(
    follows: tuple[bool, bool, bool],
) -> None:
    data = measured(3)
    found = evolution(data, from_data(follows), lumi=constant_lumi(5e34)).bunches
    # At the first time every model has the data, so its first step is that of the pure model.
    modelled = evolution(data, lumi=constant_lumi(5e34)).bunches
    intensity, emittance, length = follows
    for field, by_data in zip(FIELDS, (intensity, emittance, emittance, length)):
        expected = getattr(data, field)[1] if by_data else getattr(modelled, field)[0, 1]
        np.testing.assert_array_equal(getattr(found, field)[0, 1], expected)
        np.testing.assert_array_equal(getattr(found, field)[0, 0], getattr(data, field)[0])


def test_models_side_by_side_equal_each_alone() -> None:
    data = measured(8)
    choices = list(itertools.product([False, True], repeat=3))
    together = evolution(data, from_data(*choices), lumi=constant_lumi(5e34))
    for k, choice in enumerate(choices):
        alone = evolution(data, from_data(choice), lumi=constant_lumi(5e34))
        for field in FIELDS:
            np.testing.assert_array_equal(
                getattr(together.bunches, field)[k], getattr(alone.bunches, field)[0]
            )
        np.testing.assert_array_equal(together.emit_h_step_um[k], alone.emit_h_step_um[0])
        np.testing.assert_array_equal(together.lumi[:, k], alone.lumi[:, 0])


def test_modelled_intensity_uses_emittances_of_the_data() -> None:
    # The luminosity sees the state, so a model with emittances from data burns off by them.
    def luminosity(bunches: Bunches, index: int) -> np.ndarray:
        return np.stack([5e34 / bunches.emit_h_um[:, :2]] * 2)

    data = measured(4)
    found = evolution(data, from_data((False, True, True)), lumi=luminosity)
    np.testing.assert_array_equal(found.lumi[0, 0], 5e34 / data.emit_h_um[:3, :2])


def test_luminosity_is_asked_for_at_each_time_with_its_state() -> None:
    asked = []

    def luminosity(bunches: Bunches, index: int) -> np.ndarray:
        asked.append((index, bunches.intensity_ppb.copy()))
        return np.full((2, 1, 2), 1e34 * (index + 1))

    found = evolution(measured(5), lumi=luminosity)
    assert [index for index, _ in asked] == [0, 1, 2, 3]
    for index, intensity in asked:
        np.testing.assert_array_equal(intensity, found.bunches.intensity_ppb[:, index])
        np.testing.assert_array_equal(found.lumi[:, :, index], 1e34 * (index + 1))


# ---- Emittances one step after the previous state.


def test_step_emittances_begin_with_the_data() -> None:
    data = measured()
    found = evolution(data, lumi=constant_lumi(5e34))
    np.testing.assert_array_equal(found.emit_h_step_um[0, 0], data.emit_h_um[0])
    np.testing.assert_array_equal(found.emit_v_step_um[0, 0], data.emit_v_um[0])


def test_step_emittances_start_from_the_data_where_the_state_is_the_data() -> None:
    data = measured()
    found = evolution(data, from_data((True, True, True)))
    expected = ibs_map(
        IBS,
        STEP_S,
        data.intensity_ppb[:-2],
        data.emit_h_um[:-2],
        data.length_m[:-2] * 4 / SPEED_OF_LIGHT_M_S,
    ).emit_h_um
    np.testing.assert_allclose(found.emit_h_step_um[0, 1:], expected, rtol=1e-13)
    np.testing.assert_allclose(
        found.emit_v_step_um[0, 1:],
        data.emit_v_um[:-2] * np.exp(-2 * STEP_S / MACHINE.tau_sr_s),
        rtol=1e-14,
    )


def test_step_emittances_of_a_pure_model_are_its_emittances() -> None:
    found = evolution(measured(), lumi=constant_lumi(5e34))
    np.testing.assert_array_equal(found.emit_h_step_um, found.bunches.emit_h_um)
    np.testing.assert_array_equal(found.emit_v_step_um, found.bunches.emit_v_um)


def test_only_what_is_modelled_is_kept_if_asked_for() -> None:
    data = measured(6)
    models = from_data((True, False, True), (False, True, True))
    (whole,) = evolve(times(6), [data], models, MACHINE)
    (kept,) = evolve(times(6), [data], models, MACHINE, only_modelled=True)
    for name, modelled in (("intensity_ppb", 1), ("emit_h_um", 0), ("emit_v_um", 0)):
        found = getattr(kept.bunches, name)
        np.testing.assert_array_equal(found[modelled], getattr(whole.bunches, name)[modelled])
        assert not found[1 - modelled].any()
    assert not kept.bunches.length_m.any()
    for name in ("emit_h_step_um", "emit_v_step_um"):
        np.testing.assert_array_equal(getattr(kept, name)[1], getattr(whole, name)[1])
        assert not getattr(kept, name)[0].any()


def test_beams_are_kept_apart_whatever_their_numbers_of_bunches() -> None:
    data = measured(6)
    one, other = (
        Bunches(*(values[:, some] for values in data)) for some in (slice(1), slice(1, None))
    )
    (whole,) = evolve(times(6), [data], ALL_MODELLED, MACHINE)
    apart = evolve(times(6), [one, other], ALL_MODELLED, MACHINE)
    for name in FIELDS:
        found = [getattr(beam.bunches, name) for beam in apart]
        assert [values.flags.c_contiguous for values in found] == [True, True]
        np.testing.assert_array_equal(np.concatenate(found, axis=2), getattr(whole.bunches, name))


# ---- Bunches that do not collide, missing bunches.


def test_bunches_that_do_not_collide_neither_burn_off_nor_scatter() -> None:
    data = measured()
    found = evolution(data)
    alone = evolution(data, lumi=constant_lumi(0.0))
    np.testing.assert_array_equal(
        found.bunches.intensity_ppb[0], np.tile(data.intensity_ppb[0], (4, 1))
    )
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(found.bunches, field), getattr(alone.bunches, field))


def test_bunches_that_do_not_collide_have_no_luminosity() -> None:
    assert evolution(measured()).lumi.size == 0


def test_models_have_one_time_less_than_the_data() -> None:
    found = evolution(measured(6), from_data(*[(True, False, False)] * 3), lumi=constant_lumi(1e34))
    assert found.bunches.intensity_ppb.shape == (3, 5, 4)
    assert found.emit_h_step_um.shape == found.emit_v_step_um.shape == (3, 5, 4)
    assert found.lumi.shape == (2, 3, 5, 2)


@pytest.mark.parametrize("field", ["intensity_ppb", "emit_h_um", "length_m"])
def test_missing_bunch_is_nan_and_spares_others(field: str) -> None:
    data, whole = measured(), measured()
    getattr(data, field)[0, 1] = np.nan
    found = evolution(data, lumi=constant_lumi(5e34))
    expected = evolution(whole, lumi=constant_lumi(5e34))
    assert np.isnan(found.bunches.emit_h_um[0, 1:, 1]).all()
    others = [0, 2, 3]
    np.testing.assert_array_equal(
        found.bunches.emit_h_um[:, :, others], expected.bunches.emit_h_um[:, :, others]
    )


def test_no_bunches_evolve_to_none() -> None:
    data = Bunches(*(np.empty((3, 0)) for _ in FIELDS))
    found = evolution(data, lumi=constant_lumi(5e34))
    assert found.bunches.intensity_ppb.shape == (1, 2, 0)
    assert found.lumi.shape == (2, 1, 2, 0)


def test_bunches_that_do_not_collide_have_no_pairs() -> None:
    assert evolution(measured(3), lumi=None).lumi.shape == (0, 1, 2, 0)


@pytest.mark.parametrize("lumi", [0.0, 5e34])
def test_bunches_without_protons_spare_the_others_and_raise_no_warning(lumi: float) -> None:
    data = measured()
    data.intensity_ppb[:, 1] = 0.0
    found = evolution(data, lumi=constant_lumi(lumi)).bunches
    assert np.isfinite(found.intensity_ppb[:, :, [0, 2, 3]]).all()
    assert not (found.intensity_ppb[:, 1:, 1] > 0).any()


def test_nothing_scatters_in_a_bunch_without_protons() -> None:
    found = elastic_growth_um_s(np.array([0.0, 0.0, 1e11]), np.array([0.0, 5e34, 0.0]), MACHINE)
    np.testing.assert_array_equal(found, [np.nan, np.inf, 0.0])


# ---- Beta*.


def test_equal_beta_star_at_every_time_and_point_changes_no_bit() -> None:
    data = measured(6)
    lumi = constant_lumi(5e34, 4.3e34)
    arrays = MACHINE._replace(betastar_m=np.full((2, 6), 0.3))
    for one, other in zip(evolution(data, lumi=lumi), evolution(data, machine=arrays, lumi=lumi)):
        np.testing.assert_equal(one, other)


def test_scattering_grows_by_the_beta_star_and_luminosity_of_each_point() -> None:
    data = measured(4)
    machine = MACHINE._replace(ibs=NO_IBS, tau_sr_s=np.inf, sigma_boff_m2=0.0)
    betastar_m = np.array([[0.6, 0.6, 0.3, 0.3], [0.2, 0.4, 0.4, 0.4]])
    found = evolution(
        data, machine=machine._replace(betastar_m=betastar_m), lumi=constant_lumi(5e34, 2e34)
    )
    growth = np.diff(found.bunches.emit_v_um[0], axis=0)
    for i in range(2):
        each = (
            elastic_growth_um_s(  # of both points at this luminosity: half of it each
                data.intensity_ppb[0], np.array(lumi), machine._replace(betastar_m=beta)
            )
            / 2
            for lumi, beta in zip((5e34, 2e34), betastar_m[:, i])
        )
        np.testing.assert_allclose(growth[i], STEP_S * sum(each), rtol=1e-9)


def test_burn_off_does_not_depend_on_beta_star_at_a_given_luminosity() -> None:
    lumi = constant_lumi(5e34, 2e34)
    one = evolution(measured(4), machine=ONLY_BURN_OFF, lumi=lumi)
    betastar_m = np.array([[0.6] * 4, [0.2] * 4])
    two = evolution(measured(4), machine=ONLY_BURN_OFF._replace(betastar_m=betastar_m), lumi=lumi)
    assert np.array_equal(one.bunches.intensity_ppb, two.bunches.intensity_ppb)
