"""What changes a bunch, all effects at once: slopes of intensity, emittances and length.

State: the logarithms of intensity [protons], emittances [um] and bunch length [4 sigma, ns], in
this order on the first axis. In logarithms the slopes vary little, so that steps may be long.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.constants import PROTON_RADIUS_M
from lumimod.physics.growth import core_burnoff_growth, shared, undamped_part
from lumimod.physics.ibs_rates import GrowthRates
from lumimod.physics.sbmodel import ELASTIC_SLOPE_GEV2

S_PER_H = 3600.0
BEAM_BEAM_SPREAD = 0.168
"""RMS tune spread of a bunch over the beam-beam tune shift of all its collisions."""
_LN_1E11 = float(np.log(1e11))
MONITOR_REFERENCE_PPB = 1.2e11
"""Intensity for which the noise of the damper's monitors is given."""


class DampingTimes(NamedTuple):
    """Damping by synchrotron radiation [h]: of amplitudes, so emittances damp in half of it."""

    h: float
    v: float
    length: float


NO_DAMPING = DampingTimes(np.inf, np.inf, np.inf)


class Noise(NamedTuple):
    """Growth by noise that the transverse damper fights, and makes."""

    by_kicks_um_h: FloatArray
    """Growth without damper, horizontal and vertical, (2, n_bunches)."""
    by_monitors_um_h: FloatArray
    """By the noise of the damper's own monitors, at 1.2e11 protons, (2, n_bunches)."""
    gain: float
    tune_spread: float
    """RMS tune spread of bunches that do not collide."""


class Collisions(NamedTuple):
    """Collisions of bunches at the experiments."""

    lumi: FloatArray
    """(n_experiments, ..., n_bunches), in 1/(m^2 s), of the pair that the bunch belongs to."""
    piwinski: FloatArray
    """Piwinski parameter, of the same shape."""
    crossing_planes: tuple[str, ...]
    """The letter h or v for each experiment."""
    betastar_m: FloatArray
    """(n_experiments,)."""


class Effects(NamedTuple):
    """What acts on bunches in one part of the cycle, at one energy."""

    gamma: float
    energy_gev: float
    ibs: GrowthRates | None
    """None: the growth is given with each step."""
    damping: DampingTimes = NO_DAMPING
    coupling_share: float = 0.0
    """Which part of the growth in a plane goes to the other one."""
    noise: Noise | None = None
    extra_um_h: FloatArray | tuple[float, float] = (0.0, 0.0)
    """Further growth, horizontal and vertical, (2,) or (2, n_bunches): as it was measured in each
    plane, so that it is not shared."""
    f_rev_hz: float = 11245.5
    sigma_boff_m2: float = 0.0
    sigma_el_m2: float = 0.0
    core_burnoff: bool = False
    extra_loss_per_h: FloatArray | float = 0.0
    """Losses beyond burn-off, as the inverse of a lifetime, (n_bunches,)."""
    extra_loss_m2: FloatArray | float = 0.0
    """The same as a cross-section, (n_bunches,)."""


class IbsGrowth(NamedTuple):
    """Relative growth by scattering alone, per hour."""

    emit_h: FloatArray
    length: FloatArray


_NO_GROWTH = IbsGrowth(np.zeros(()), np.zeros(()))


def log_slopes(
    state: FloatArray,
    effects: Effects,
    collisions: Collisions | None = None,
    ibs_growth: IbsGrowth | None = None,
) -> FloatArray:
    """Return the slopes of the state per hour, of its shape, (4, ..., n_bunches).

    `ibs_growth` stands in where `effects` has no rates. NaN in, NaN out.
    """
    n_ppb, emit_h_um, emit_v_um = np.exp(state[:3])
    if effects.ibs is not None:
        ibs_growth = IbsGrowth(*effects.ibs.at_logs(state[0] - _LN_1E11, *state[1:]))
    ibs = _NO_GROWTH if ibs_growth is None else ibs_growth
    growth = (emit_h_um * ibs.emit_h, np.zeros(()))
    slopes = np.zeros_like(state)
    slopes[3] = ibs.length - 1 / effects.damping.length
    strength = np.zeros(())
    if collisions is not None:
        strength = _strength(collisions, n_ppb)
        slopes[0] = -_loss(effects, collisions, n_ppb)
        by = _by_collisions(effects, collisions, n_ppb, strength)
        growth = (
            growth[0] + by.elastic_um_h + emit_h_um * by.core_h,
            growth[1] + by.elastic_um_h + emit_v_um * by.core_v,
        )
    if effects.noise is not None:
        kicked_h, kicked_v = _by_noise(effects, effects.noise, n_ppb, strength)
        growth = growth[0] + kicked_h, growth[1] + kicked_v
    if effects.coupling_share:
        growth = shared(*growth, effects.coupling_share)
    slopes[1] = (growth[0] + effects.extra_um_h[0]) / emit_h_um - 2 / effects.damping.h
    slopes[2] = (growth[1] + effects.extra_um_h[1]) / emit_v_um - 2 / effects.damping.v
    return slopes


def _strength(collisions: Collisions, n_ppb: FloatArray) -> FloatArray:
    """Return the sum of beta* L over the experiments, for each proton: elastic, tune shift."""
    return np.einsum("e...,e->...", collisions.lumi, collisions.betastar_m) / n_ppb


def _loss(effects: Effects, collisions: Collisions, n_ppb: FloatArray) -> FloatArray:
    """Return the relative losses, per hour."""
    sigma_m2 = effects.sigma_boff_m2 + effects.extra_loss_m2
    burnt = collisions.lumi.sum(axis=0) * (sigma_m2 * S_PER_H) / n_ppb
    return burnt + effects.extra_loss_per_h


class _ByCollisions(NamedTuple):
    """Growth in collision."""

    elastic_um_h: FloatArray
    """By elastic scattering, in each plane."""
    core_h: FloatArray
    """By burn-off of the core, as part of the emittance, per hour."""
    core_v: FloatArray


def _by_collisions(
    effects: Effects, collisions: Collisions, n_ppb: FloatArray, strength: FloatArray
) -> _ByCollisions:
    square_angle = 1 / (ELASTIC_SLOPE_GEV2 * effects.energy_gev**2)
    per_strength = effects.gamma * square_angle / 4 * effects.sigma_el_m2
    core = {"h": np.zeros(()), "v": np.zeros(())}
    if effects.core_burnoff:
        lost = collisions.lumi * (effects.sigma_boff_m2 * S_PER_H / n_ppb)
        each = zip(lost, collisions.piwinski, collisions.crossing_planes)
        for of_one, piwinski, crossing in each:
            for plane, so_far in core.items():
                grown = core_burnoff_growth(of_one, piwinski, crossing=plane == crossing)
                core[plane] = so_far + grown
    return _ByCollisions(per_strength * 1e6 * S_PER_H * strength, core["h"], core["v"])


def _by_noise(
    effects: Effects, noise: Noise, n_ppb: FloatArray, strength: FloatArray
) -> FloatArray:
    """Return the growth by noise in both planes, (2, ..., n_bunches), in um/h."""
    shift = strength * (PROTON_RADIUS_M / (effects.f_rev_hz * effects.gamma))
    spread = np.hypot(noise.tune_spread, BEAM_BEAM_SPREAD * shift)
    left = undamped_part(noise.gain, spread)
    per_monitor = left * (MONITOR_REFERENCE_PPB / n_ppb)
    kicks, monitors = noise.by_kicks_um_h, noise.by_monitors_um_h
    return np.stack([left * k + per_monitor * m for k, m in zip(kicks, monitors)])
