"""Picture of what the luminosity was lost to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import NOTHING_KNOWN, OF_CALCULATED, About, without_gaps
from lumimod.plots.axes import (
    ROUND_STEPS,
    few_ticks,
    hour_axis,
    hours_since,
    limits_of_each,
    share_values,
)
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.marks import mark_steps, optics_steps, shade_gaps
from lumimod.plots.numbers import minus
from lumimod.plots.style import DEFAULT_STYLE, Style, drawing, new_figure
from lumimod.records import EXPERIMENTS, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = ("#0072b2", "#d55e00", "#e69f00", "#009e73", "#56b4e9")
_HATCHES = ("", "//", "..", "\\\\", "xx")
"""They tell the parts apart without colour too."""


@drawing
def draw_budget(
    sb: StableBeams,
    budget: Mapping[str, Mapping[str, FloatArray]],
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw by how much each cause has changed the luminosity of an experiment since the start.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    budget
        By experiment and cause: ln(L/L0), (n_times,), as of `luminosity_budget`.
    fill
        Its number.
    about
        Facts and gaps of the fill: nothing is shown where an instrument did not measure.
    style
        Look of the picture.
    """
    figure = new_figure(style)
    what = "What the calculated luminosity has lost (below 0) and gained since the start"
    if about.betastar:
        what += f"; calculated with {about.betastar}"
    title(figure, style, fill, sb.time_s[0], what, about)
    gaps = about.gaps_of(OF_CALCULATED)
    ((left, right),) = panels(figure, style, 1, 2, margins=Margins(top=7.4))
    for ax, experiment in zip((left, right), EXPERIMENTS):
        parts = {
            name: without_gaps(values, sb.time_s, gaps)
            for name, values in budget.get(experiment, {}).items()
        }
        _stack(ax, sb, parts, experiment)
        shade_gaps(ax, sb.time_s, gaps)
        mark_steps([ax], sb.time_s, optics_steps(sb, None, experiment, about))
    share_values((left, right))
    return figure


def percent(change: FloatArray) -> FloatArray:
    """Return a change ln(L/L0) in %, added up so that the parts give the whole."""
    return 100 * change


def _stack(ax: Axes, sb: StableBeams, parts: Mapping[str, FloatArray], experiment: str) -> None:
    hours = hours_since(sb.time_s)
    ax.set_ylabel(f"{experiment}: 100 · ln(L/L₀)")
    hour_axis(ax, sb.time_s)
    if not parts:
        note_missing(ax, "no luminosity, or no β*")
        return
    below, above = np.zeros(hours.size), np.zeros(hours.size)
    for name, color, hatch in zip(parts, _COLORS, _HATCHES):
        change = np.nan_to_num(percent(parts[name]))
        base = np.where(change < 0, below, above)
        known = percent(parts[name])[np.isfinite(parts[name])]
        words = name.replace("beta*", "β*")
        label = f"{words}: {minus(f'{known[-1]:+.1f}')}" if known.size else words
        ax.fill_between(
            hours, base, base + change, where=np.isfinite(parts[name]), facecolor=color,
            hatch=hatch, edgecolor="white", linewidth=0.0, label=label, alpha=0.9,
        )  # fmt: skip
        below, above = below + np.minimum(change, 0), above + np.maximum(change, 0)
    whole = sum(percent(values) for values in parts.values())
    last = np.asarray(whole)[np.isfinite(whole)]
    label = f"all: {minus(f'{last[-1]:+.1f}')}" if last.size else "all"
    ax.plot(hours, whole, color="black", linewidth=2.2, label=label)
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set_ylim(*limits_of_each(below, above, np.zeros(1), tail=0.0))
    few_ticks(ax.yaxis, 8, steps=ROUND_STEPS)
    legend_above(ax)
