"""Steps of a bunch with all effects at once, integrated: the result does not depend on the step."""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.effects import S_PER_H, Collisions, Effects, IbsGrowth, log_slopes
from lumimod.physics.ibs import Ibs, ibs_map
from lumimod.physics.runge_kutta import Followed, integrate
from lumimod.physics.sbmodel import Advance, Bunches, FromData

LONGEST_STEP_H = 0.5
NS_PER_M = 4e9 / SPEED_OF_LIGHT_M_S
"""From a length in m (1 sigma) to 4 sigma in ns."""

Collide = Callable[[Bunches, int], Collisions]
"""Collisions of the bunches at a time index."""
EffectsAt = Callable[[int], Effects]
"""What acts in the step from a time index on."""


class InMap(NamedTuple):
    """Radiation damping that the parametrisation of scattering contains, as damping times [h]."""

    emit_h: float
    length: float


class Parametrised(NamedTuple):
    """The parametrisation of scattering, whose growth stands in for rates."""

    ibs: Ibs
    damping: InMap

    def growth(self, bunches: Bunches, hours: FloatArray | float) -> IbsGrowth:
        """Return the mean growth by scattering alone in a step of that length, per hour."""
        bl4s_s = bunches.length_m * NS_PER_M / 1e9
        emit, length = ibs_map(
            self.ibs, hours * S_PER_H, bunches.intensity_ppb, bunches.emit_h_um, bl4s_s
        )
        by_h, by_l = np.log(emit / bunches.emit_h_um), np.log(length / bl4s_s)
        return IbsGrowth(
            by_h / hours + 2 / self.damping.emit_h, by_l / hours + 1 / self.damping.length
        )


def advance(
    bunches: Bunches,
    dt_s: FloatArray | float,
    effects: Effects,
    *,
    parametrised: Parametrised | None = None,
    collide: Callable[[Bunches], Collisions] | None = None,
    after: Bunches | None = None,
    from_data: FromData | None = None,
) -> Bunches:
    """Return the bunches `dt_s` later, all quantities modelled.

    Parameters
    ----------
    bunches
        At the beginning; arrays of one shape, the last axis the bunches. NaN in, NaN out.
    dt_s
        Length of the step, a number or one for each bunch. Where it is not above zero: NaN.
    effects
        What acts on the bunches.
    parametrised
        Gives the growth by scattering where `effects` has no rates.
    collide
        Collisions of bunches; None for bunches that do not collide.
    after, from_data
        Measured bunches at the end of the step, and which quantities follow them.
    """
    hours = np.where(np.asarray(dt_s) > 0, dt_s, np.nan) / S_PER_H
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        growth = None if parametrised is None else parametrised.growth(bunches, hours)
        state = _logs(bunches)
        followed = None
        if after is not None and from_data is not None:
            followed = _followed(state, _logs(after), hours, from_data)

        def slopes(now: FloatArray) -> FloatArray:
            colliding = None if collide is None else collide(_bunches(now))
            return log_slopes(now, effects, colliding, growth)

        return _bunches(
            integrate(slopes, state, hours, longest_h=LONGEST_STEP_H, followed=followed)
        )


def steps_of(
    effects: EffectsAt,
    from_data: FromData,
    *,
    parametrised: Parametrised | None = None,
    collide: Collide | None = None,
) -> Advance:
    """Return the steps of the models of stable beams, for `evolve`."""

    def step(state: Bunches, after: Bunches, index: int, dt_s: float) -> Bunches:
        return advance(
            state,
            dt_s,
            effects(index),
            parametrised=parametrised,
            collide=None if collide is None else lambda now: collide(now, index),
            after=after,
            from_data=from_data,
        )

    return step


def _logs(bunches: Bunches) -> FloatArray:
    """Return the state, (4, ...), of bunches."""
    n_ppb, emit_h_um, emit_v_um, length_m = np.broadcast_arrays(*bunches)
    return np.log(np.stack([n_ppb, emit_h_um, emit_v_um, length_m * NS_PER_M]))


def _bunches(state: FloatArray) -> Bunches:
    n_ppb, emit_h_um, emit_v_um, bl4s_ns = np.exp(state)
    return Bunches(n_ppb, emit_h_um, emit_v_um, bl4s_ns / NS_PER_M)


def _followed(
    state: FloatArray, after: FloatArray, hours: FloatArray, from_data: FromData
) -> Followed:
    """Return what follows the data: along a straight line to the next measurement.

    Where that is missing, the last one holds.
    """
    towards = (after[:, None] - state) / hours
    where: BoolArray = np.stack(
        [from_data.intensity, from_data.emittance, from_data.emittance, from_data.length]
    )
    return Followed(where, np.where(np.isfinite(towards), towards, 0.0))
