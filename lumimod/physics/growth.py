"""Emittance growth in collision and its sharing between the planes.

Burn-off of the core: protons in the middle of the bunch collide more often, so that those which
are left have the larger emittance. For round or flat Gaussian bunches the growth follows from the
moments of what is lost, see docs: a proton collides with a probability proportional to the
density that it crosses. In the plane of separation that density is a Gaussian of the beam size,
so what is lost has half the variance in position and all of it in angle: its emittance is 3/4 of
the bunch's, and (1/4)(-dN/N) is the relative growth. In the plane of crossing the density is
widened by the length of the other bunch, by 1 + phi^2, phi the Piwinski parameter.
"""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray


def core_burnoff_growth(
    lost: FloatArray, piwinski: FloatArray | float, *, crossing: bool
) -> FloatArray:
    """Return the relative growth of an emittance by burn-off of the core at one experiment.

    Parameters
    ----------
    lost
        Part of the bunch that collided at the experiment, -dN/N; any shape.
    piwinski
        Piwinski parameter there: sigma_z/sigma_crossing times half the full crossing angle.
    crossing
        Whether the emittance is that of the plane of crossing.
    """
    widening = 1 + np.asarray(piwinski) ** 2 if crossing else 1.0
    return lost / 4 / widening


def coupling_share(c_minus: float, tune_split: float) -> float:
    """Return which part of the growth in one plane goes to the other by linear coupling.

    kappa = C^2/(2 (D^2 + C^2)) for the closest tune approach C = |C-| and the distance D of the
    uncoupled tunes: 0 without coupling, 1/2 on the coupling resonance.
    Source: S. Y. Lee, Accelerator Physics, 3rd ed., section 2.VI.
    """
    if c_minus == 0:
        return 0.0
    return c_minus**2 / (2 * (tune_split**2 + c_minus**2))


def shared(
    growth_h: FloatArray, growth_v: FloatArray, share: float
) -> tuple[FloatArray, FloatArray]:
    """Return the growths in both planes with a part of each gone to the other; their sum stays."""
    moved = share * (growth_h - growth_v)
    return growth_h - moved, growth_v + moved


def noise_growth_um_s(
    *,
    gain: float,
    kick_noise_rad: float,
    monitor_noise_m: float,
    tune_spread: float,
    beta_kicker_m: float,
    beta_monitor_m: float,
    gamma: float,
    f_rev_hz: float,
) -> float:
    """Return the growth of a normalised emittance by kicks and by noise of the damper, in um/s.

    White noise of the dipole kick moves the bunch each turn by dx' and would give
    (1/2) beta gamma dx'^2 a turn; the monitor's noise acts through the damper as a kick of
    (gain/2) dx/beta. The damper takes the motion out before it decoheres: what is left is the
    part (4 pi dQ)^2/(gain^2 + (4 pi dQ)^2), dQ the rms tune spread.
    Source: V. Lebedev et al., Emittance growth due to noise and its suppression with the feedback
    system in large hadron colliders, Part. Accel. 44, 147 (1994).
    """
    by_kick = beta_kicker_m * kick_noise_rad**2
    by_monitor = (gain / 2) ** 2 * monitor_noise_m**2 / beta_monitor_m
    spread = (4 * np.pi * tune_spread) ** 2
    left = spread / (gain**2 + spread) if tune_spread else 0.0
    return float(0.5 * gamma * (by_kick + by_monitor) * left * f_rev_hz * 1e6)
