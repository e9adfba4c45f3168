"""Times in which an instrument did not measure, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray, columns_alike
from lumimod.errors import Note
from lumimod.physics.interpolation import samples_until

NOTED_GAP_S = 600.0
"""Gaps beyond this are told, even where values are held over all of them."""
MOST_TOLD = 5
"""Of more gaps of one quantity the longest are told one by one."""


class Gap(NamedTuple):
    """A part of the times asked for in which nothing was measured."""

    start_s: float
    end_s: float
    age_s: float
    """From the sample before it, if there is one, to the next, or to the end."""
    last: bool
    """Nothing was measured after it."""


def find_gaps(
    sample_time_s: FloatArray, span_s: tuple[float, float], longer_than_s: float
) -> list[Gap]:
    """Return the gaps between samples, in order of time, that reach into a span.

    Parameters
    ----------
    sample_time_s
        (n_samples,), in any order.
    span_s
        Start and end; before the first sample and after the last one there is a gap as well.
    longer_than_s
        Shorter ones do not count.
    """
    start, _ = span_s
    left, right, age = _between_samples(sample_time_s, span_s)
    long = (age > longer_than_s) & (right > start)
    return [
        Gap(max(a, start), b, d, last=bool(b == right[-1]))
        for a, b, d in zip(left[long].tolist(), right[long].tolist(), age[long].tolist())
    ]


def longest_gap_s(sample_time_s: FloatArray, span_s: tuple[float, float]) -> float:
    """Return the longest time without a sample that reaches into a span, in s."""
    _, right, age = _between_samples(sample_time_s, span_s)
    return float(age[right > span_s[0]].max(initial=0.0))


def _between_samples(
    sample_time_s: FloatArray, span_s: tuple[float, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return start, end and length of the times between samples, to the second."""
    start, end = span_s
    before = sample_time_s[sample_time_s <= start]
    inside = sample_time_s[(sample_time_s > start) & (sample_time_s <= end)]
    # A beam has millions of scans, of a few thousand different seconds.
    seconds = np.flatnonzero(np.bincount((inside - start).astype(np.int64))) + start
    first = before.max(keepdims=True) if before.size else np.array([start])
    edges = np.concatenate([first, seconds, [end]])
    return edges[:-1], edges[1:], np.diff(edges)


def unmeasured(time_s: FloatArray, sample_time_s: FloatArray, max_gap_s: float) -> BoolArray:
    """Return where the newest sample is older than `max_gap_s`, (n_times,).

    Before the first sample, that one counts as the newest.
    """
    if not sample_time_s.size:
        return np.ones(time_s.shape, bool)
    newest = np.searchsorted(sample_time_s, time_s, side="right") - 1
    age: FloatArray = np.abs(time_s - sample_time_s[np.maximum(newest, 0)])
    return age > max_gap_s


def unmeasured_groups(
    time_s: FloatArray, start: IntArray, sample_time_s: FloatArray, max_gap_s: float
) -> BoolArray:
    """Return `unmeasured` of each group of samples, (n_times, n_groups); as in `interp_groups`."""
    out = np.ones((time_s.size, start.size - 1), bool)
    some = np.diff(start) > 0
    count = samples_until(time_s, start, sample_time_s)[:, some]
    newest = start[:-1][some] + np.maximum(count - 1, 0)
    out[:, some] = np.abs(time_s[:, None] - sample_time_s[newest]) > max_gap_s
    return out


def unmeasured_columns(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray, max_gap_s: float
) -> BoolArray:
    """Return `unmeasured` of the finite samples of each column, (n_times, n_columns)."""
    there = np.isfinite(samples)
    out = np.empty((time_s.size, samples.shape[1]), bool)
    whole = there.all(axis=0)
    out[:, whole] = unmeasured(time_s, sample_time_s, max_gap_s)[:, None]
    gappy = np.flatnonzero(~whole)
    for alike in columns_alike(there[:, gappy]):
        rows = there[:, gappy[alike[0]]]
        out[:, gappy[alike]] = unmeasured(time_s, sample_time_s[rows], max_gap_s)[:, None]
    return out


def gap_notes(
    quantity: str, beam: int | None, found: list[Gap], max_gap_s: float
) -> Iterator[Note]:
    """Yield what is to be said of the gaps of a quantity, the longest ones one by one.

    A gap at the end that is not longer than `max_gap_s` is kept, but not worth a warning: fills
    end like that.
    """
    what = quantity if beam is None else f"{quantity} of beam {beam}"
    told = sorted(sorted(found, key=lambda gap: -gap.age_s)[:MOST_TOLD])
    for gap in told:
        minutes = (gap.end_s - gap.start_s) / 60
        held = f"held for {max_gap_s / 60:.0f} min, then NaN (max_gap_s)"
        if gap.age_s <= max_gap_s:
            held = "held" if gap.last else "interpolated"
        text = (
            f"{what}: no measurement for {minutes:.0f} min of stable beams, from "
            f"{utc_clock(gap.start_s)} to {utc_clock(gap.end_s)} UTC: {held}"
        )
        if len(found) > MOST_TOLD and gap is told[-1]:
            text += f"; {len(found) - MOST_TOLD} shorter gaps"
        yield Note(
            "gap",
            text,
            quantity,
            beam,
            (gap.start_s, gap.end_s),
            {"minutes": minutes, "from": gap.start_s, "to": gap.end_s},
            quiet=gap.last and gap.age_s <= max_gap_s and np.isfinite(max_gap_s),
        )


def utc_clock(time_s: float) -> str:
    """Return a time as hours and minutes, UTC."""
    return datetime.fromtimestamp(time_s, timezone.utc).strftime("%H:%M")
