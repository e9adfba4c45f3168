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

_LARGEST_RATIO = 1e4
"""Above it the part that is left is 1/ratio^2 within 3e-8."""


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


def undamped_part(gain: float, tune_spread: FloatArray | float) -> FloatArray:
    """Return which part of the growth by dipole noise is left beside a transverse damper.

    A kick turns into emittance as the protons of a bunch lose their common phase, if the damper
    does not take the motion out before. With the damper's gain g (part of the position that it
    takes out a turn; amplitudes damp by g/2) a proton off by dQ in tune keeps

        (1 - g/2)^2 (2 pi dQ)^2 / ((1 - g/2) (2 pi dQ)^2 + (g/2)^2)

    which is averaged over a Gaussian of rms `tune_spread` in closed form.
    Source: V. Lebedev, V. Parkhomchuk, V. Shiltsev and G. Stupakov, Emittance growth due to noise
    and its suppression with the feedback system in large hadron colliders, Part. Accel. 44, 147
    (1994), as in the public luminosity model of 2018 (getLebedev of stpapado/lumiModel, which
    integrates numerically).
    """
    from scipy.special import erfcx  # only now: the command line answers before scipy is there

    spread = np.asarray(tune_spread)
    if gain == 0:
        return np.where(spread > 0, 1.0, np.where(spread == 0, 0.0, np.nan))
    half = gain / 2
    with np.errstate(divide="ignore"):
        ratio = half / (2 * np.pi * np.sqrt(1 - half)) / spread
    # 1 - sqrt(pi/2) t exp(t^2/2) erfc(t/sqrt(2)): for large t the difference loses its digits.
    near = np.minimum(ratio, _LARGEST_RATIO)
    exact = 1 - np.sqrt(np.pi / 2) * near * erfcx(near / np.sqrt(2))
    return (1 - half) * np.where(ratio > _LARGEST_RATIO, 1 / ratio**2, exact)


def kick_growth_um_h(kick: float, emit_um: float, f_rev_hz: float) -> float:
    """Return the growth by white dipole noise without a damper, in um/h.

    `kick` is the rms angle a turn over the divergence of a beam of normalised emittance
    `emit_um`; each turn adds half of its square to the emittance.
    """
    return 0.5 * kick**2 * emit_um * f_rev_hz * 3600.0
