"""Collisions of the full truth: the overlap of two bunches, summed along the collision region.

Beams of different sizes, with crossing angle and hourglass effect. The same sum gives which
protons collide, and so what burn-off does to the emittances of those that are left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.simulate.bunches import BunchState
from lumimod.simulate.machine import F_REV_HZ

_NODES, _WEIGHTS = np.polynomial.hermite.hermgauss(24)
_NODES, _WEIGHTS = _NODES[12:, None], 2 * _WEIGHTS[12:, None] / np.sqrt(np.pi)
"""Of the half with s > 0: the sum is even in s."""


class CrossingAt(NamedTuple):
    """How the beams cross at an experiment."""

    plane: str
    half_angle_rad: float
    betastar_m: float
    gamma: float


class Overlap(NamedTuple):
    """Collisions of pairs of bunches, (n_pairs,) each."""

    lumi: FloatArray
    """In 1/(m^2 s)."""
    lost_action: dict[tuple[int, str], FloatArray]
    """Mean action of protons that collide over the bunch's, by beam and plane."""


def overlap(one: BunchState, two: BunchState, at: CrossingAt) -> Overlap:
    """Return the collisions of bunches of beam 1 with those of beam 2.

    L = f N1 N2/(2 pi) <exp(-d^2/(2 Sx^2))/(Sx Sy)> over the places s of collision, which are a
    Gaussian of the variance (sz1^2 + sz2^2)/4; d = 2 s tan(half angle) is how far the bunches
    miss each other at s, Sx^2 and Sy^2 the sums of both beams' squared sizes there.
    """
    to_m = SPEED_OF_LIGHT_M_S / 4
    variance_s = ((one.bl4s_s * to_m) ** 2 + (two.bl4s_s * to_m) ** 2) / 4
    s_m = _NODES * np.sqrt(2 * variance_s)
    beta_m = at.betastar_m + s_m**2 / at.betastar_m
    squares = {
        (beam, plane): getattr(state, f"emit_{plane}_um") * 1e-6 / at.gamma * beta_m
        for beam, state in ((1, one), (2, two))
        for plane in ("h", "v")
    }
    sums = {plane: squares[1, plane] + squares[2, plane] for plane in ("h", "v")}
    miss2 = (2 * s_m * np.tan(at.half_angle_rad)) ** 2
    density = np.exp(-miss2 / (2 * sums[at.plane])) / np.sqrt(sums["h"] * sums["v"])
    weighted = _WEIGHTS * density
    total = weighted.sum(axis=0)
    lost = {}
    for (beam, plane), own in squares.items():
        # Position of protons that collide: the product of both Gaussians.
        other = squares[3 - beam, plane]
        square = own * other / sums[plane]
        if plane == at.plane:
            square = square + miss2 * (own / sums[plane]) ** 2
        lost[beam, plane] = (1 + (weighted * square / own).sum(axis=0) / total) / 2
    return Overlap(F_REV_HZ * one.n_ppb * two.n_ppb / (2 * np.pi) * total, lost)
