"""Emittance growth in collision and its sharing between the planes."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.physics.growth import (
    core_burnoff_growth,
    coupling_share,
    noise_growth_um_s,
    shared,
)


def burned_off(piwinski: float, lost: float = 0.02) -> tuple[float, float, float]:
    """Return the part lost and the growth in both planes of a bunch made of protons.

    The other bunch is Gaussian, of unit size and length; the crossing is horizontal.
    """
    rng = np.random.default_rng(5)
    n = 4_000_000
    x, px, y, py, z = rng.standard_normal((5, n))
    # The density that a proton crosses, summed along the other bunch: the centre of that lies
    # off by z and by its own position, each with the Piwinski parameter.
    wide = 1 + piwinski**2
    density = np.exp(-((x + piwinski * z) ** 2) / (2 * wide) - y**2 / 2)
    weight = 1 - lost * density / density.mean()
    w = weight / weight.sum()
    emit_h = np.sqrt((w @ x**2) * (w @ px**2))
    emit_v = np.sqrt((w @ y**2) * (w @ py**2))
    of_all = np.sqrt((x**2).mean() * (px**2).mean()), np.sqrt((y**2).mean() * (py**2).mean())
    return lost, emit_h / of_all[0] - 1, emit_v / of_all[1] - 1


@pytest.mark.parametrize("piwinski", [0.0, 0.7, 1.5])
def test_core_burn_off_is_that_of_a_bunch_made_of_protons(piwinski: float) -> None:
    lost, by_crossing, by_separation = burned_off(piwinski)
    want = core_burnoff_growth(np.array(lost), piwinski, crossing=True)
    assert by_crossing == pytest.approx(want, rel=0.04)
    want = core_burnoff_growth(np.array(lost), piwinski, crossing=False)
    assert by_separation == pytest.approx(want, rel=0.04)


def test_without_crossing_angle_a_quarter_of_the_loss_is_growth() -> None:
    lost = np.array([0.1, 0.2])
    assert np.allclose(core_burnoff_growth(lost, 0.0, crossing=True), lost / 4)
    assert np.allclose(core_burnoff_growth(lost, 1.0, crossing=True), lost / 8)


@pytest.mark.parametrize(
    ("c_minus", "split", "share"), [(0, 0, 0), (0, 0.01, 0), (0.01, 0, 0.5), (0.01, 0.01, 0.25)]
)
def test_coupling_shares_half_of_the_growth_on_the_resonance(
    c_minus: float, split: float, share: float
) -> None:
    assert coupling_share(c_minus, split) == share


def test_sharing_keeps_the_sum_and_evens_the_planes_out() -> None:
    h, v = shared(np.array([4.0]), np.array([0.0]), 0.25)
    assert (h[0], v[0]) == (3.0, 1.0)
    h, v = shared(np.array([4.0]), np.array([0.0]), 0.5)
    assert (h[0], v[0]) == (2.0, 2.0)


def noise(**changes: float) -> float:
    values = {
        "gain": 0.04, "kick_noise_rad": 1e-11, "monitor_noise_m": 5e-7, "tune_spread": 2e-3,
        "beta_kicker_m": 200.0, "beta_monitor_m": 150.0, "gamma": 6927.64, "f_rev_hz": 11245.5,
    }  # fmt: skip
    return noise_growth_um_s(**{**values, **changes})


def test_noise_grows_with_the_square_of_its_size() -> None:
    assert noise(monitor_noise_m=0, kick_noise_rad=2e-11) == pytest.approx(
        4 * noise(monitor_noise_m=0)
    )
    assert noise(kick_noise_rad=0, monitor_noise_m=1e-6) == pytest.approx(
        4 * noise(kick_noise_rad=0)
    )


def test_a_stronger_damper_leaves_less_of_the_kicks() -> None:
    by_kicks = [noise(monitor_noise_m=0, gain=g) for g in (0.0, 0.02, 0.1)]
    assert by_kicks[0] > by_kicks[1] > by_kicks[2]
    free = 0.5 * 6927.64 * 200.0 * 1e-22 * 11245.5 * 1e6
    assert by_kicks[0] == pytest.approx(free)
    assert noise(tune_spread=0) == 0
