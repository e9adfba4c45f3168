"""What is marked in panels against time: gaps of instruments, steps of beta* and crossing angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.about import NOTHING_KNOWN, About, Unmeasured
from lumimod.plots.axes import hours_since
from lumimod.plots.style import MUTED
from lumimod.records import EXPERIMENTS, IP_OF, CalculatedLumi, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STEPS = 8
"""More steps are not marked: lines would hide the data."""
SAME_ANGLE_RAD = 1e-7
"""Smaller changes of the crossing angle do not count."""
SAME_BETASTAR_M = 1e-4
PALE = {"boxstyle": "square,pad=0.15", "facecolor": "white", "alpha": 0.85, "lw": 0}
"""Box of words that may lie on lines."""
GAP_COLOR, GAP_EDGE = "#f2f2f2", "#c4c4c4"


class OpticsStep(NamedTuple):
    """A change of the optics: the first time that has the new value, and that value."""

    first: int
    text: str


def step_starts(values: FloatArray, smallest: float) -> IntArray:
    """Return the index of the first value after each change; a slow change counts once."""
    with np.errstate(invalid="ignore"):
        moves = np.abs(np.diff(values)) > smallest
    return np.flatnonzero(moves & ~np.concatenate([[False], moves[:-1]])) + 1


def optics_steps(
    sb: StableBeams, calc: CalculatedLumi | None, experiment: str, about: About = NOTHING_KNOWN
) -> list[OpticsStep]:
    """Return the steps of crossing angle and, where it was logged, of beta* at an experiment.

    Steps at the same time are one mark.
    """
    ip = IP_OF[experiment]
    angle = sb.xing_angle_rad[ip]
    steps = _steps(angle * 1e6, step_starts(angle, SAME_ANGLE_RAD), "{:.4g} µrad", 0.1)
    in_use = None if calc is None else calc.betastar_m
    betastar_m = in_use or about.logged_betastar_m or about.betastar_m
    if betastar_m:
        found = step_starts(betastar_m[ip], SAME_BETASTAR_M)
        steps += _steps(betastar_m[ip] * 100, found, "β* {:.3g} cm", 0.01)
    texts: dict[int, list[str]] = {}
    for step in sorted(steps):
        texts.setdefault(step.first, []).append(step.text)
    return [OpticsStep(first, ", ".join(of)) for first, of in texts.items()]


def steps_of_both(sb: StableBeams, about: About) -> list[OpticsStep]:
    """Return the steps at either experiment, in the order of time; equal ones once."""
    return sorted({step for exp in EXPERIMENTS for step in optics_steps(sb, None, exp, about)})


def _steps(shown: FloatArray, found: IntArray, text: str, smallest: float) -> list[OpticsStep]:
    steps = []
    for index in found.tolist():
        still = np.flatnonzero(np.abs(np.diff(shown[index:])) <= smallest)
        end = index + int(still[0]) if still.size else shown.size - 1
        steps.append(OpticsStep(index, text.format(shown[end])))
    return steps


def mark_steps(
    axes: Sequence[Axes], time_s: FloatArray, steps: Sequence[OpticsStep], *, words: bool = True
) -> None:
    """Mark steps in panels one below the other; the first says to what value, with `words`."""
    if len(steps) > MOST_STEPS:
        axes[0].plot([], [], " ", label=f"{len(steps)} steps of crossing angle or β*")
        return
    hours = hours_since(time_s)
    for ax in axes:
        for step in steps:
            ax.axvline(hours[step.first], color=MUTED, linestyle=":", linewidth=1.5)
    for step in steps if words else ():
        axes[0].annotate(
            step.text, (hours[step.first], 1.0), (-2, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", rotation=90, ha="right", va="top", size="x-small",
            color=MUTED, zorder=4, bbox=PALE,
        )  # fmt: skip


def shade_gaps(
    ax: Axes,
    time_s: FloatArray,
    gaps: Sequence[Unmeasured],
    *,
    words: bool = True,
    per_hour: float = 1.0,
) -> None:
    """Hatch the times without measurements, and say what did not measure.

    `per_hour` is how many units of x are an hour.
    """
    last_s = float(time_s[-1])
    said: dict[str, Unmeasured] = {gap.words(last_s): gap for gap in gaps}
    for row, (text, gap) in enumerate(said.items()):
        ends_s = (gap.start_s, min(gap.end_s, last_s))
        start, end = (per_hour * (t - time_s[0]) / 3600 for t in ends_s)
        ax.axvspan(
            start, end, facecolor=GAP_COLOR, edgecolor=GAP_EDGE, hatch="//", linewidth=0, zorder=0.5
        )
        if words:
            late = start > 0.6 * per_hour * (last_s - time_s[0]) / 3600
            ax.annotate(
                text, (end if late else start, 1.0), (-3 if late else 3, -3 - 14 * row),
                xycoords=("data", "axes fraction"), textcoords="offset points", zorder=5,
                ha="right" if late else "left", va="top", size="x-small", color=MUTED,
                bbox=PALE,
            )  # fmt: skip
