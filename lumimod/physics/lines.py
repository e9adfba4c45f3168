"""Straight lines through the samples of many bunches at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray


class Lines(NamedTuple):
    """Least-squares lines, one for each bunch: (n_bunches,) each."""

    slope: FloatArray
    """NaN below three samples, and where all have one abscissa."""
    n: FloatArray
    """Number of samples."""
    spread: FloatArray
    """Sum of the squared distances of the abscissae from their mean."""
    rest: FloatArray
    """Sum of the squared residuals."""


def fit_lines(x: FloatArray, y: FloatArray) -> Lines:
    """Return the line through each column of y against that of x, (n_samples, n_bunches).

    A sample that is NaN in either does not count.
    """
    n, dx, dy = _centred(x, y)
    spread = (dx**2).sum(axis=0)
    with np.errstate(invalid="ignore"):  # 0/0 where all have one abscissa
        slope = np.where(n >= 3, (dx * dy).sum(axis=0) / spread, np.nan)
    return Lines(slope, n, spread, ((dy - slope * dx) ** 2).sum(axis=0))


def residuals(x: FloatArray, y: FloatArray, slope: FloatArray) -> FloatArray:
    """Return the distances of samples from lines of such a slope; NaN as in x and y."""
    _, dx, dy = _centred(x, y)
    return np.where(np.isfinite(x) & np.isfinite(y), dy - slope * dx, np.nan)


def _centred(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the number of samples, and both less their means, 0 where one is NaN."""
    seen = np.isfinite(x) & np.isfinite(y)
    n = seen.sum(axis=0).astype(float)
    x, y = np.where(seen, x, 0.0), np.where(seen, y, 0.0)
    with np.errstate(invalid="ignore"):
        dx, dy = (np.where(seen, v - v.sum(axis=0) / n, 0.0) for v in (x, y))
    return n, dx, dy
