"""LOWESS of many series at once: local linear fits, tricube weights, robust iterations.

Method: W. S. Cleveland, J. Am. Stat. Assoc. 74 (1979) 829. Neighbourhoods, skipping of points
within delta, robustness weights and the treatment of degenerate fits are those of
`statsmodels.nonparametric.lowess`, whose numbers come out to rounding; its loop over one series
at a time would take over a minute for the bunches of one fill. Here the local fits of hundreds
of series are one array operation.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray

Side = Literal["left", "right"]

_ELEMENTS_AT_ONCE = 150_000  # weights held at a time: keeps the working arrays in cache
_MANY_NEIGHBOURS = 80  # from here on BLAS sums faster than einsum, which starts faster
_SMALLEST_WEIGHT = 1e-12
_SMALLEST_SPREAD = 1e-12


def lowess_groups(
    time_s: FloatArray,
    group_start: IntArray,
    values: FloatArray,
    *,
    frac: float,
    delta_s: float,
    n_iter: int,
) -> FloatArray:
    """Return the smoothed values of every group, at its own times, in the shape of `values`.

    Parameters
    ----------
    time_s
        (n_samples,), increasing within each group.
    group_start
        (n_groups + 1,): group j holds the samples `group_start[j]:group_start[j + 1]`.
    values
        (n_samples, n_series): several quantities measured at the same times. All finite.
    frac
        Fraction of a group's samples in one local fit, 0 to 1.
    delta_s
        Samples within `delta_s` of the last fitted one are interpolated.
    n_iter
        Number of robust iterations after the first fit.

    Notes
    -----
    A local fit needs two samples of weight; elsewhere the sample itself is returned.
    """
    out = values.copy()
    sizes = np.diff(group_start)
    order = np.argsort(sizes, kind="stable")  # groups of like size share a padded array
    order = order[sizes[order] >= 2]
    for some in _batches(order, sizes, frac):
        rows = _Rows(group_start[some], sizes[some])
        design = _design(rows.padded(time_s, np.inf), rows.n, frac, delta_s)
        for k in range(values.shape[1]):
            y = rows.padded(values[:, k], 0.0)
            out[rows.where, k] = _smooth(y, rows, design, n_iter)[rows.inside]
    return out


class _Rows:
    """Groups as rows of one padded array."""

    def __init__(self, start: IntArray, n: IntArray) -> None:
        self.n = n
        column = np.arange(n.max())
        self.inside: BoolArray = column < n[:, None]
        self.are_full = bool(self.inside.all())
        self.where: IntArray = (start[:, None] + column)[self.inside]

    def padded(self, flat: FloatArray, fill: float) -> FloatArray:
        out = np.full(self.inside.shape, fill)
        out[self.inside] = flat[self.where]
        return out


class _Design(NamedTuple):
    """What depends on the times alone: shared by all quantities and iterations."""

    fitted: IntArray  # (n_rows, n_fits) index of each fitted sample; the last one repeats
    first: IntArray  # (n_rows, n_fits) flat index of the first of the k neighbours
    moments: (
        FloatArray  # (5, n_rows, n_fits, k) tricube weights w, 0 beyond the row's own k; wu and
    )
    # wu^2 with the time u from the fitted sample; and room for wy and wuy of a quantity
    has_all: bool  # every sample has a fit of its own
    left: IntArray  # (n_rows, n_max) flat index of the last fit not after each sample
    right: IntArray  # (n_rows, n_max) flat index of the fit after it
    part: FloatArray  # (n_rows, n_max) share of the right one


def _neighbours(n: IntArray, frac: float) -> IntArray:
    return np.clip((frac * n + 1e-10).astype(np.int64), np.minimum(2, n), n)


def _batches(order: IntArray, sizes: IntArray, frac: float) -> list[IntArray]:
    """Return runs of groups whose working arrays stay near `_ELEMENTS_AT_ONCE`."""
    cost = np.cumsum(sizes[order] * _neighbours(sizes[order], frac))
    cuts = np.flatnonzero(np.diff(cost // _ELEMENTS_AT_ONCE)) + 1
    return [run for run in np.split(order, cuts) if run.size]


def _counts(x: FloatArray, limits: FloatArray, side: Side) -> IntArray:
    """Return how many times of a row are less than each of its limits, or equal (`right`)."""
    return np.stack([row.searchsorted(limit, side) for row, limit in zip(x, limits)])


def _fitted_samples(x: FloatArray, n: IntArray, delta_s: float) -> IntArray:
    """Return the index of every sample with a local fit: (n_rows, n_fits)."""
    end = (n - 1)[:, None]
    last = np.maximum(_counts(x, x, "right") - 1, np.arange(x.shape[1]))  # ties share one fit
    beyond = np.minimum(_counts(x, x + delta_s, "right"), end)  # first sample outside delta
    following = np.minimum(np.maximum(beyond - 1, last + 1), end)
    own = np.arange(x.shape[1])
    following = np.where(last >= end, own, following)
    if np.all((following == own + 1) | (own >= end)):  # none is skipped
        return np.minimum(own, end)
    chains = [_chain(row) for row in following.tolist()]
    n_fits = max(map(len, chains))
    return np.array([chain + chain[-1:] * (n_fits - len(chain)) for chain in chains])


def _chain(following: list[int]) -> list[int]:
    """Return the indices from 0 on, each the one that follows, up to one that is its own."""
    chain = [0]
    while (after := following[chain[-1]]) != chain[-1]:
        chain.append(after)
    return chain


def _design(x: FloatArray, n: IntArray, frac: float, delta_s: float) -> _Design:
    k = _neighbours(n, frac)
    fitted = _fitted_samples(x, n, delta_s)
    at = np.take_along_axis(x, fitted, axis=1)
    first = _left_neighbour(x, n, k, at) + (np.arange(len(n)) * x.shape[1])[:, None]
    own = np.arange(k.max()) < k[:, None, None]
    u = np.where(own, _windows(x, first, k.max()) - at[:, :, None], 0.0)
    moments = np.empty((5, *u.shape))
    moments[0] = _tricube(np.abs(u), own)
    np.multiply(moments[0], u, out=moments[1])
    np.multiply(moments[1], u, out=moments[2])
    has_all = fitted.shape == x.shape and bool((fitted == np.arange(x.shape[1])).all())
    return _Design(fitted, first, moments, has_all, *_brackets(x, fitted, at))


def _windows(values: FloatArray, first: IntArray, k: int) -> FloatArray:
    """Return the k values from each index on, (n_rows, n_fits, k), of (n_rows, n_max) values.

    Beyond a row's own neighbours, which have no weight, they may be those of the next row.
    """
    flat = np.concatenate([values.ravel(), np.zeros(k)])
    step = flat.strides[0]  # numpy's sliding_window_view takes longer than the copy
    windows: FloatArray = np.ndarray((flat.size - k, k), flat.dtype, flat, 0, (step, step))
    return windows[first]


def _tricube(distance: FloatArray, own: BoolArray) -> FloatArray:
    """Return the weights (1 - (distance/largest)^3)^3 of the neighbours, 0 of others."""
    radius = np.where(own, distance, 0.0).max(axis=2, keepdims=True)
    with np.errstate(invalid="ignore"):  # 0/0 where all are at one time
        t = distance / radius
        t = 1 - t * t * t
    return np.where(own & (radius > 0), t * t * t, 0.0)


def _left_neighbour(x: FloatArray, n: IntArray, k: IntArray, at: FloatArray) -> IntArray:
    """Return the first of the k nearest samples of each fitted one: (n_rows, n_fits).

    The window moves right while the fitted time is nearer to the sample it would gain than to
    the one it would lose, until it meets the end.
    """
    start = np.arange(x.shape[1])
    gained = np.minimum(start + k[:, None], x.shape[1] - 1)
    middle = (x + np.take_along_axis(x, gained, axis=1)) / 2.0
    middle[start >= (n - k)[:, None]] = np.inf
    return _counts(middle, at, "left")


def _smooth(y: FloatArray, rows: _Rows, d: _Design, n_iter: int) -> FloatArray:
    np.multiply(d.moments[:2], _windows(y, d.first, d.moments.shape[-1]), out=d.moments[3:])
    smooth = _between_fits(_local_fits(y, np.ones_like(y), d), d)
    for _ in range(n_iter):
        robustness = _bisquare(np.abs(y - smooth), rows)
        smooth = _between_fits(_local_fits(y, robustness, d), d)
    return smooth


def _local_fits(y: FloatArray, robustness: FloatArray, d: _Design) -> FloatArray:
    """Return the value of each local linear fit at its own sample: (n_rows, n_fits)."""
    r = _windows(robustness, d.first, d.moments.shape[-1])
    s0, s1, s2, t0, t1 = _sums(d.moments, r)
    with np.errstate(invalid="ignore"):
        mean_u, mean_y, mean_u2 = s1 / s0, t0 / s0, s2 / s0
        spread = mean_u2 - mean_u**2
        fit = mean_y - mean_u * (t1 / s0 - mean_u * mean_y) / np.maximum(spread, _SMALLEST_SPREAD)
        # Too few samples of weight show as a vanishing spread: only those are counted.
        suspect = ~(spread > 1e-9 * mean_u2)
    if suspect.any():
        w = d.moments[0, suspect] * r[suspect]
        own = np.take_along_axis(y, d.fitted, axis=1)[suspect]
        few = np.count_nonzero(w > _SMALLEST_WEIGHT, axis=1) < 2
        fit[suspect] = np.where(few, own, fit[suspect])
    return fit


def _sums(moments: FloatArray, robustness: FloatArray) -> FloatArray:
    """Return the sums of the moments over the neighbours, (5, n_rows, n_fits)."""
    if moments.shape[-1] < _MANY_NEIGHBOURS:
        summed: FloatArray = np.einsum("mrfk,rfk->mrf", moments, robustness)
        return summed
    by_fit = moments.transpose(1, 2, 0, 3) @ robustness[..., None]
    return by_fit[..., 0].transpose(2, 0, 1)


def _brackets(
    x: FloatArray, fitted: IntArray, at: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return, for each sample, the fits around it and the share of the right one."""
    n_rows, n_fits = fitted.shape
    first = np.concatenate([np.ones((n_rows, 1), bool), np.diff(fitted, axis=1) > 0], axis=1)
    begins = np.zeros(x.shape, dtype=np.int64)
    begins[np.nonzero(first)[0], fitted[first]] = 1
    left = np.cumsum(begins, axis=1) - 1
    right = np.minimum(left + 1, n_fits - 1)
    row = np.arange(n_rows)[:, None]
    x0, x1 = at[row, left], at[row, right]
    with np.errstate(invalid="ignore"):
        part = np.where((x1 > x0) & np.isfinite(x), (x - x0) / (x1 - x0), 0.0)
    return left + row * n_fits, right + row * n_fits, part


def _between_fits(fitted: FloatArray, d: _Design) -> FloatArray:
    """Interpolate from the local fits to all samples: (n_rows, n_max)."""
    if d.has_all:
        return fitted
    return d.part * np.take(fitted, d.right) + (1 - d.part) * np.take(fitted, d.left)


def _bisquare(residual: FloatArray, rows: _Rows) -> FloatArray:
    """Return robustness weights (1 - (r/6 median)^2)^2, 0 beyond six medians and the row."""
    below, above = (rows.n - 1) // 2, rows.n // 2  # of the middle
    if rows.are_full:
        ordered = np.partition(residual, (below[0], above[0]))
    else:
        residual = np.where(rows.inside, residual, np.inf)
        ordered = np.sort(residual, axis=1)
    row = np.arange(len(rows.n))
    median = (ordered[row, below] + ordered[row, above])[:, None] / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = residual / (6.0 * median)
    if not median.all():
        scaled = np.where(median > 0, scaled, residual > 0)
    np.minimum(scaled, 1.0, out=scaled)
    weight: FloatArray = (1 - scaled * scaled) ** 2
    return weight
