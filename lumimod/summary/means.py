"""Means, spreads and integrals, put into the facts of a fill under their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.integrals import cumulative_trapezoid
from lumimod.summary.integrated import totals_of

Facts = dict[str, Any]
"""Values by name of column; what is not known is missing."""

E34_IN_PER_M2_S = 1e38
"""1e34/(cm^2 s) in 1/(m^2 s)."""


def running_sum(values: FloatArray) -> FloatArray:
    """Return the sum of all values up to each one, shape (n,); NaN counts as nothing."""
    return np.cumsum(np.nan_to_num(values))


def first_row(values: FloatArray) -> FloatArray:
    """Return the first row that has any number; NaN without one."""
    return _row(values, 0)


def last_row(values: FloatArray) -> FloatArray:
    """Return the last row that has any number; NaN without one."""
    return _row(values, -1)


def gained(values: FloatArray) -> FloatArray:
    """Return how much each column grew from the first to the last row that has any number."""
    return np.asarray(last_row(values) - first_row(values))


def _row(values: FloatArray, which: int) -> FloatArray:
    rows = np.flatnonzero(np.isfinite(values).any(axis=1))
    return values[rows[which]] if rows.size else np.full(values.shape[1], np.nan)


def put_mean(out: Facts, name: str, values: FloatArray, *, spread: bool = True) -> None:
    """Put the mean of the finite values under a name, and their rms beside; nothing of none."""
    known = values[np.isfinite(values)]
    if known.size:
        out[name] = float(known.mean())
        if spread:
            out[f"{name}_rms"] = float(known.std())


def put_lifetime(out: Facts, name: str, tau_s: FloatArray) -> None:
    """Put the lifetime in hours of the mean decay rate of bunches whose fits are exp(t/tau).

    Nothing where they do not fall on average.
    """
    rates_hz = -1 / tau_s[np.isfinite(tau_s) & (tau_s != 0)]
    if rates_hz.size and rates_hz.mean() > 0:
        out[name] = float(1 / rates_hz.mean() / 3600)


def put_median_loss(out: Facts, beam: str, tau_s: FloatArray) -> None:
    """Put the median loss rate 1/tau in 1/h, and its lifetime in hours where it is a loss.

    The names are those of losses beyond burn-off. Nothing where no rate is known.
    """
    rates_hz = 1 / tau_s[np.isfinite(tau_s) & (tau_s != 0)]
    if not rates_hz.size:
        return
    median_hz = np.median(rates_hz)
    out[f"{beam}_rate_no_burnoff_per_h"] = float(median_hz * 3600)
    if median_hz > 0:
        out[f"{beam}_tau_no_burnoff_h"] = float(1 / median_hz / 3600)


def lumi_facts(
    kind: str, time_s: FloatArray, bunch_lumi: Mapping[str, FloatArray], end_s: float
) -> Facts:
    """Return start, peak and integral of the luminosity of each experiment.

    Parameters
    ----------
    kind
        "meas", "calc" or "model".
    time_s
        (n_times,), Unix s.
    bunch_lumi
        By experiment, (n_times, n_slots), 1/(m^2 s).
    end_s
        Until when it is integrated, see `end_of_integrals_s`.
    """
    out: Facts = {}
    for exp, total in totals_of(time_s, bunch_lumi).items():
        name = exp.lower()
        out[f"lumi_start_{kind}_{name}_e34"] = float(total.lumi[0] / E34_IN_PER_M2_S)
        out[f"lumi_peak_{kind}_{name}_e34"] = float(total.lumi.max() / E34_IN_PER_M2_S)
        out[f"lumi_int_{kind}_{name}_pb"] = total.integrated_pb(end_s)
    return out


def integral(time_s: FloatArray, lumi_m2s: FloatArray) -> FloatArray:
    """Return the luminosity integrated from the first time on, (n_times,) in 1/m^2.

    A time without luminosity counts as none.
    """
    return cumulative_trapezoid(np.nan_to_num(lumi_m2s), time_s)
