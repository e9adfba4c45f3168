"""Emittance growth in collision and its sharing between the planes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from lumimod.physics.growth import (
    core_burnoff_growth,
    coupling_share,
    kick_growth_um_h,
    shared,
    undamped_part,
)


def burned_off(piwinski: float, lost: float = 0.02) -> tuple[float, float, float]:
    """Return the part lost and the growth in both planes of a bunch made of protons.

    The other bunch is Gaussian, of unit size and length; the crossing is horizontal.
    """
    rng = np.random.default_rng(5)
    n = 1_000_000
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


@pytest.mark.slow
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


def by_quadrature(gain: float, spread: float) -> float:
    """Return the part that is left as the public model of 2018 integrates it."""

    def left(x: float) -> float:
        square = 4 * np.pi**2 * x**2
        of_proton = (1 - gain / 2) ** 2 * square / ((1 - gain / 2) * square + (gain / 2) ** 2)
        return float(of_proton * np.exp(-(x**2) / (2 * spread**2)) / (np.sqrt(2 * np.pi) * spread))

    return float(2 * quad(left, 0, 10 * spread, epsabs=0, epsrel=1e-11, limit=500)[0])


@pytest.mark.parametrize("gain", [0.025, 0.1, 0.5])
@pytest.mark.parametrize("spread", [1e-4, 1.5e-3, 2.5e-2])
def test_what_a_damper_leaves_is_the_mean_over_the_tunes(gain: float, spread: float) -> None:
    assert undamped_part(gain, spread) == pytest.approx(by_quadrature(gain, spread), rel=1e-8)


def test_a_hardly_spread_bunch_loses_nearly_all_of_the_noise_to_the_damper() -> None:
    just_below, just_above = (undamped_part(0.1, 0.05 / (2 * np.pi) / r) for r in (1.0e4, 1.06e4))
    assert just_above == pytest.approx(just_below / 1.06**2, rel=1e-3)
    assert undamped_part(0.1, 0.0) == 0


def test_without_gain_all_of_the_noise_becomes_emittance_where_tunes_differ() -> None:
    left = undamped_part(0.0, np.array([0.0, 1e-4, np.nan]))
    assert left[0] == 0
    assert left[1] == 1
    assert np.isnan(left[2])


def test_kicks_of_the_public_model_grow_the_beam_by_two_per_cent_an_hour() -> None:
    # (3.8e-5)^2/2 and (0.025 * 2.2e-3)^2/2 a turn; 11245.5 * 3600 turns an hour.
    kicks = kick_growth_um_h(3.8e-5, 1.9, 11245.5)
    assert kicks == pytest.approx(0.5 * 3.8e-5**2 * 1.9 * 11245.5 * 3600, rel=1e-12)
    monitors = kick_growth_um_h(0.025 * 2.2e-3, 1.9, 11245.5)
    assert 0.02 < undamped_part(0.025, 1.43e-3) * (kicks + monitors) / 1.9 < 0.025


def test_sharing_moves_a_part_of_the_difference() -> None:
    h, v = shared(np.array([5.0]), np.array([1.0]), 0.25)
    assert (h[0], v[0]) == (4.0, 2.0)


@pytest.mark.parametrize("ratio", [0.5e4, 2e4, 1e6])
def test_of_hardly_spread_tunes_the_mean_is_that_of_their_square(ratio: float) -> None:
    # By powers of (2 pi dQ): its mean square is the spread squared, the next term 3/ratio^2 of it.
    spread = 0.05 / (2 * np.pi * np.sqrt(0.95)) / ratio
    want = 0.95**2 * (2 * np.pi * spread) ** 2 / 0.05**2
    assert undamped_part(0.1, spread) == pytest.approx(want, rel=5e-7)
