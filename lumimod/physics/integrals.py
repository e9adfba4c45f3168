"""Integrals over sampled times, by the trapezoidal rule.

They are those of scipy.integrate, number by number. Importing that takes as long as drawing ten
pictures, as it brings its solvers and those of scipy.optimize.
"""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray


def cumulative_trapezoid(values: FloatArray, time_s: FloatArray) -> FloatArray:
    """Return the integral from the first time on, of the shape of `values`.

    Parameters
    ----------
    values
        (n_times,) or (n_times, n_slots), at least one time.
    time_s
        (n_times,), s.
    """
    step_s = np.diff(time_s)
    if values.ndim > 1:
        step_s = step_s[:, None]
    out = np.zeros(values.shape)
    np.cumsum(step_s * (values[1:] + values[:-1]) / 2.0, axis=0, out=out[1:])
    return out


def trapezoid(values: FloatArray, time_s: FloatArray) -> float:
    """Return the integral of values, (n_times,), over all times."""
    return float(np.sum(np.diff(time_s) * (values[1:] + values[:-1]) / 2.0))
