"""What changes a bunch: each effect by hand, and all of them together."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.physics.effects import Collisions, DampingTimes, Effects, IbsGrowth, Noise, log_slopes
from lumimod.physics.growth import kick_growth_um_h, undamped_part
from lumimod.physics.ibs_rates import GrowthRates
from lumimod.physics.sbmodel import ModelMachine, elastic_growth_um_s
from lumimod.tables.ibs import ibs_of
from lumimod.tables.ibs_rates_xy import growth_rates_of

GAMMA = 6927.64
NOTHING = Effects(GAMMA, 6500.0, None)
N, H, V, LENGTH_NS = 1.1e11, 2.0, 1.6, 1.1
LUMI = np.array([[4e34], [6e34]])
COLLISIONS = Collisions(LUMI, np.array([[0.7], [1.1]]), ("v", "h"), np.array([0.3, 0.4]))
LOST_PER_H = LUMI[:, 0] * 80e-31 * 3600 / N


def slopes(
    effects: Effects, collisions: Collisions | None = None, ibs: IbsGrowth | None = None
) -> np.ndarray:
    """Return the slopes of intensity, emittances and length of one bunch."""
    state = np.log(np.array([[N], [H], [V], [LENGTH_NS]]))
    return log_slopes(state, effects, collisions, ibs)[:, 0]


def test_without_effects_a_bunch_stays_as_it_is() -> None:
    assert slopes(NOTHING).tolist() == [0, 0, 0, 0]


def test_radiation_damps_each_plane_and_the_length_by_its_own_time() -> None:
    found = slopes(NOTHING._replace(damping=DampingTimes(64.7, 50.0, 32.35)))
    assert found == pytest.approx([0, -2 / 64.7, -2 / 50, -1 / 32.35])


def test_scattering_grows_by_the_rates_of_both_emittances() -> None:
    rates = growth_rates_of(GAMMA, 12e6)
    assert isinstance(rates, GrowthRates)
    found = slopes(NOTHING._replace(ibs=rates))
    one = (np.array([x]) for x in (N, H, V, LENGTH_NS * 1e-9))
    by_h, by_l = rates.at(*one)
    assert found == pytest.approx([0, by_h[0], 0, by_l[0]], rel=1e-12)


def test_a_growth_that_is_given_stands_in_for_rates() -> None:
    given = IbsGrowth(np.array([0.03]), np.array([0.02]))
    assert slopes(NOTHING, ibs=given) == pytest.approx([0, 0.03, 0, 0.02])


def test_elastic_scattering_is_that_of_the_model_of_the_original() -> None:
    effects = NOTHING._replace(sigma_el_m2=29.7e-31)
    found = slopes(effects, COLLISIONS)
    machine = ModelMachine(ibs_of(GAMMA, 12e6), GAMMA, 0.35, np.inf, 0.0, 29.7e-31)
    weighted = (0.3 * 4e34 + 0.4 * 6e34) / 2 / 0.35
    um_h = 3600 * elastic_growth_um_s(np.array(N), np.array(weighted), machine)
    assert found[1] * H == pytest.approx(um_h, rel=1e-9)
    assert found[2] * V == pytest.approx(um_h, rel=1e-9)


def test_protons_burn_off_at_each_experiment() -> None:
    found = slopes(NOTHING._replace(sigma_boff_m2=80e-31), COLLISIONS)
    assert found == pytest.approx([-LOST_PER_H.sum(), 0, 0, 0])


def test_losses_beyond_burn_off_come_by_lifetime_and_by_cross_section() -> None:
    more = NOTHING._replace(sigma_boff_m2=80e-31, extra_loss_per_h=0.02, extra_loss_m2=40e-31)
    assert slopes(more, COLLISIONS)[0] == pytest.approx(-1.5 * LOST_PER_H.sum() - 0.02)


def test_burn_off_of_the_core_widens_by_a_quarter_and_less_where_beams_cross() -> None:
    found = slopes(NOTHING._replace(sigma_boff_m2=80e-31, core_burnoff=True), COLLISIONS)
    vertical_first, horizontal_second = 1 / (1 + 0.7**2), 1 / (1 + 1.1**2)
    by_h = (LOST_PER_H[0] + LOST_PER_H[1] * horizontal_second) / 4
    by_v = (LOST_PER_H[0] * vertical_first + LOST_PER_H[1]) / 4
    assert found[1:3] == pytest.approx([by_h, by_v])


def test_extra_growth_is_in_um_an_hour_and_is_not_shared() -> None:
    found = slopes(NOTHING._replace(extra_um_h=(0.04, 0.02), coupling_share=0.3))
    assert found[1:3] == pytest.approx([0.04 / H, 0.02 / V])


def test_coupling_shares_the_growth_and_leaves_damping_and_emittances() -> None:
    given = IbsGrowth(np.array([0.03]), np.array([0.02]))
    damped = NOTHING._replace(damping=DampingTimes(60.0, 60.0, 30.0), coupling_share=0.25)
    found = slopes(damped, ibs=given)
    assert found[1] == pytest.approx(0.75 * 0.03 - 2 / 60)
    assert found[2] == pytest.approx(0.25 * 0.03 * H / V - 2 / 60)
    assert slopes(damped._replace(damping=NOTHING.damping))[1:3].tolist() == [0, 0]


NOISE = Noise(np.array([[0.05], [0.10]]), np.array([[0.2], [0.3]]), 0.025, 9.3e-5)


def test_noise_grows_by_kicks_and_by_monitors_that_see_weak_bunches_worse() -> None:
    found = slopes(NOTHING._replace(noise=NOISE))
    left = undamped_part(0.025, 9.3e-5)
    assert found[1] * H == pytest.approx(left * (0.05 + 0.2 * 1.2e11 / N))
    assert found[2] * V == pytest.approx(left * (0.10 + 0.3 * 1.2e11 / N))


def test_collisions_spread_the_tunes_and_so_leave_more_of_the_noise() -> None:
    # Two head-on collisions of round beams of 2 um: shift N r/(2 pi e) = 0.01343.
    lumi = 11245.5 * N**2 * GAMMA / (4 * np.pi * 2e-6 * 0.3)
    head_on = COLLISIONS._replace(lumi=np.full((2, 1), lumi), betastar_m=np.array([0.3, 0.3]))
    found = slopes(NOTHING._replace(noise=NOISE), head_on)
    shift = N * 1.534698e-18 / (2 * np.pi * 2e-6)
    left = undamped_part(0.025, np.hypot(9.3e-5, 0.168 * shift))
    assert found[1] * H == pytest.approx(left * (0.05 + 0.2 * 1.2e11 / N), rel=1e-6)
    assert left > 100 * undamped_part(0.025, 9.3e-5)


def test_growth_of_the_public_model_of_2018_is_two_to_six_hundredths_of_a_micron_an_hour() -> None:
    kicks, monitors = (
        np.array([[kick_growth_um_h(x, 1.9, 11245.5)] for x in of]) * 1.0
        for of in ((3.8e-5, 5.3e-5), (0.025 * 220e-5, 0.025 * 250e-5))
    )
    noise = NOISE._replace(by_kicks_um_h=kicks, by_monitors_um_h=monitors)
    found = slopes(NOTHING._replace(noise=noise), COLLISIONS)
    assert 0.02 < found[1] * H < found[2] * V < 0.06


def test_noise_comes_on_top_of_scattering_in_each_plane() -> None:
    given = IbsGrowth(np.array([0.03]), np.array([0.02]))
    alone = slopes(NOTHING._replace(noise=NOISE))
    both = slopes(NOTHING._replace(noise=NOISE), ibs=given)
    assert both[1] - alone[1] == pytest.approx(0.03)
    assert both[2] == pytest.approx(alone[2])
