"""What the luminosity was lost to: burn-off, other losses, emittances, lengths, optics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray
from lumimod.physics.integrals import cumulative_trapezoid
from lumimod.physics.luminosity import experiment_luminosity

CAUSES = ("burn-off", "other losses", "emittances", "bunch length", "crossing angle, beta*")


class ColliderState(NamedTuple):
    """Pairs of bunches through time; arrays of beam 1 and 2 are (2, n_times, n_slots)."""

    intensity_ppb: FloatArray
    emit_h_um: FloatArray
    emit_v_um: FloatArray
    length_m: FloatArray
    crossing_rad: FloatArray
    """Full crossing angle, (n_times,)."""
    betastar_m: FloatArray
    """(n_times,)."""


def luminosity_budget(
    state: ColliderState,
    left_ppb: FloatArray,
    *,
    crossing_plane: str,
    gamma: float,
    f_rev_hz: float,
) -> dict[str, FloatArray]:
    """Return how the luminosity of an experiment has changed by each cause, ln(L/L0), (n_times,).

    The causes are put in one after the other, in the order of `CAUSES`, so that their sum is the
    whole change. Each is that of the sum over pairs that are known at the start and now.

    Parameters
    ----------
    state
        As measured. Its first time with all quantities is L0; before it the result is NaN.
    left_ppb
        Intensities with burn-off alone, as of `burned_off`.
    crossing_plane
        "h" or "v".
    gamma, f_rev_hz
        Lorentz factor and revolution frequency.
    """
    known = _known(state)
    start = int(np.argmax(known.any(axis=1)))
    known &= known[start]
    changed = ColliderState(*(_held(values, start) for values in state))
    out: dict[str, FloatArray] = {}
    steps = (
        {"intensity_ppb": left_ppb},
        {"intensity_ppb": state.intensity_ppb},
        {"emit_h_um": state.emit_h_um, "emit_v_um": state.emit_v_um},
        {"length_m": state.length_m},
        {"crossing_rad": state.crossing_rad, "betastar_m": state.betastar_m},
    )
    before = _total(changed, known, crossing_plane, gamma, f_rev_hz)
    for name, step in zip(CAUSES, steps):
        changed = changed._replace(**step)
        now = _total(changed, known, crossing_plane, gamma, f_rev_hz)
        out[name] = np.log(now / before)
        before = now
    return out


def burned_off(
    intensity_ppb: FloatArray, lumi_m2s: FloatArray, time_s: FloatArray, sigma_m2: float
) -> FloatArray:
    """Return the intensities that burn-off alone would have left, (2, n_times, n_slots).

    Parameters
    ----------
    intensity_ppb
        As measured, (2, n_times, n_slots); those of the first time with any are the start.
    lumi_m2s
        Luminosity of each pair, all experiments together, (n_times, n_slots); NaN counts as none.
    time_s
        (n_times,), s.
    sigma_m2
        Cross-section of burn-off.
    """
    measured = np.isfinite(intensity_ppb.sum(axis=0))
    start = int(np.argmax(measured.any(axis=1)))
    per_m2 = cumulative_trapezoid(np.nan_to_num(lumi_m2s), time_s)
    return intensity_ppb[:, start : start + 1] - sigma_m2 * (per_m2 - per_m2[start])


def _known(state: ColliderState) -> BoolArray:
    """Return where all of a pair is known, (n_times, n_slots)."""
    of_bunches = [np.isfinite(values).all(axis=0) for values in state[:4]]
    of_optics = np.isfinite(state.crossing_rad) & np.isfinite(state.betastar_m)
    known: BoolArray = np.logical_and.reduce(of_bunches) & of_optics[:, None]
    return known


def _held(values: FloatArray, start: int) -> FloatArray:
    """Return values that stay as they were at a time: the axis of time is the last but one."""
    axis = 0 if values.ndim == 1 else 1
    first = np.take(values, [start], axis=axis)
    return np.broadcast_to(first, values.shape).copy()


def _total(
    state: ColliderState, known: BoolArray, plane: str, gamma: float, f_rev_hz: float
) -> FloatArray:
    pairs = experiment_luminosity(
        plane,
        (state.intensity_ppb[0], state.intensity_ppb[1]),
        (state.emit_h_um[0], state.emit_h_um[1]),
        (state.emit_v_um[0], state.emit_v_um[1]),
        (state.length_m[0], state.length_m[1]),
        state.crossing_rad[:, None],
        betastar_m=state.betastar_m[:, None],
        gamma=gamma,
        f_rev_hz=f_rev_hz,
    )
    total = np.where(known, pairs, 0.0).sum(axis=1)
    return np.where(total > 0, total, np.nan)
