"""Picture of the luminosity of all bunches together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray
from lumimod.plots.about import NOTHING_KNOWN, OF_CALCULATED, About, Unmeasured, without_gaps
from lumimod.plots.axes import (
    ROUND_STEPS,
    few_ticks,
    hour_axis,
    hours_since,
    ratio_axis,
    set_value_axis,
    share_values,
)
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.marks import mark_steps, optics_steps, shade_gaps
from lumimod.plots.numbers import finite, power_of, significant, spread_text
from lumimod.plots.panels import draw_line
from lumimod.plots.quantities import PER_CM2_S
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import (
    DEFAULT_STYLE,
    EXPERIMENT,
    MUTED,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.records import EXPERIMENTS, CalculatedLumi, MeasuredLumi, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POTENTIAL = "unlevelled potential"
NEAR_LEVEL = 0.98
"""Measured luminosity above this part of the level counts as levelled where none is calculated."""


@drawing
def draw_total_lumi(
    sb: StableBeams,
    calc: CalculatedLumi | None,
    meas: MeasuredLumi | None,
    fill: int,
    *,
    level_m2s: float | None = None,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the luminosity of all bunches, calculated and measured, and their ratio below.

    `level_m2s`, in 1/(m^2 s), is the luminosity at which the fill was levelled, drawn as a line.
    While it was levelled, what is calculated is what could have been: it sets no limits, and there
    is no ratio to it.
    """
    figure = new_figure(style)
    what = "Luminosity of all bunch pairs, calculated and measured, and their ratio"
    if about.betastar:
        what += f"; calculated with {about.betastar}"
    title(figure, style, fill, sb.time_s[0], what, about)
    lines = [
        lumi_lines(sb.time_s, calc, meas, experiment, level_m2s, about)
        for experiment in EXPERIMENTS
    ]
    scale, power = power_of(*(of for one in lines for of in one.limits()))
    top = 6.4 + 1.4 * (level_m2s is not None)
    margins = Margins(top=top, between_rows=1.4, left=6.0, between_columns=6.8)
    rows = panels(figure, style, 2, 2, margins=margins, heights=(2.4, 1.0))
    unit = f"[{power} cm⁻² s⁻¹]".replace("[ ", "[")
    for upper, lower, experiment, of in zip(*rows, EXPERIMENTS, lines):
        totals_panel(upper, of.scaled(scale), experiment, power, about)
        every = [line for one in lines for line in one.scaled(scale).limits()]
        label = f"{experiment} luminosity\n{unit}"
        set_value_axis(upper, label, *of.scaled(scale).limits(), beside=every, in_time=True)
        few_ticks(upper.yaxis, 5, steps=ROUND_STEPS)
        measured_ratio_panel(lower, of, experiment)
        for ax in (upper, lower):
            shade_gaps(ax, sb.time_s, of.gaps, words=ax is upper)
            hour_axis(ax, sb.time_s, label=ax is lower)
        mark_steps((upper, lower), sb.time_s, optics_steps(sb, calc, experiment, about))
        upper.tick_params(labelbottom=False)
        legend_above(upper, 1)
    share_values(rows[1])
    return figure


class LumiLines(NamedTuple):
    """Luminosities of an experiment summed over bunch pairs, (n_times,); NaN where not known."""

    hours: FloatArray
    calculated: FloatArray
    measured: FloatArray
    ratio: FloatArray
    """Measured over calculated, of the pairs that have both; NaN while levelled."""
    levelled: BoolArray
    """When the luminosity was kept below what the beams would give."""
    level: float | None
    gaps: list[Unmeasured]

    def limits(self) -> list[FloatArray]:
        """Return what sets the limits of the axis: not what is not reached."""
        level = [] if self.level is None else [np.array([self.level])]
        return [np.where(self.levelled, np.nan, self.calculated), self.measured, *level]

    def scaled(self, by: float) -> LumiLines:
        """Return the same in another unit."""
        return self._replace(
            calculated=self.calculated * by,
            measured=self.measured * by,
            level=None if self.level is None else self.level * by,
        )


def lumi_lines(
    time_s: FloatArray,
    calc: CalculatedLumi | None,
    meas: MeasuredLumi | None,
    experiment: str,
    level_m2s: float | None,
    about: About,
) -> LumiLines:
    """Return the luminosities of an experiment in 1/(cm^2 s)."""
    gaps = about.gaps_of(OF_CALCULATED)
    nothing = np.full(time_s.shape, np.nan)
    of_calc, of_meas = (
        None if record is None else record.bunch_lumi[experiment] * PER_CM2_S
        for record in (calc, meas)
    )
    if of_calc is not None:
        of_calc = without_gaps(of_calc, time_s, gaps)
    calculated, measured = (nothing if of is None else total(of) for of in (of_calc, of_meas))
    between = nothing if of_calc is None or of_meas is None else ratio(of_meas, of_calc)
    level = None if level_m2s is None else level_m2s * PER_CM2_S
    levelled = is_levelled(calculated, measured, level)
    between = np.where(levelled, np.nan, between)
    return LumiLines(hours_since(time_s), calculated, measured, between, levelled, level, gaps)


def is_levelled(calculated: FloatArray, measured: FloatArray, level: float | None) -> BoolArray:
    """Return when the luminosity was kept at a level, (n_times,)."""
    if level is None:
        return np.zeros(calculated.shape, bool)
    with np.errstate(invalid="ignore"):
        found: BoolArray = np.where(
            np.isfinite(calculated), calculated > level, measured > NEAR_LEVEL * level
        )
    return found


def reached(
    calculated_m2s: FloatArray, time_s: FloatArray, about: About, level_m2s: float | None
) -> FloatArray:
    """Return calculated luminosity of pairs where it is one of measured beams that they gave.

    It is NaN where an instrument had stopped, and where the luminosity was levelled below it.
    """
    known = without_gaps(calculated_m2s, time_s, about.gaps_of(OF_CALCULATED))
    sums = total(known)
    return np.where(is_levelled(sums, sums, level_m2s)[:, None], np.nan, known)


def total(lumi: FloatArray) -> FloatArray:
    """Return the sum over the bunches that have a value, (n_times,); NaN if none has."""
    there = np.isfinite(lumi)
    return np.where(there.any(axis=1), np.where(there, lumi, 0.0).sum(axis=1), np.nan)


def ratio(of: FloatArray, to: FloatArray) -> FloatArray:
    """Return the ratio of two sums over the bunches that have both, (n_times,); NaN without any."""
    n_times = min(of.shape[0], to.shape[0])  # a model ends one time earlier
    of, to = of[:n_times], to[:n_times]
    both = np.isfinite(of) & np.isfinite(to)
    over, under = (np.where(both, values, 0.0).sum(axis=1) for values in (of, to))
    return np.divide(over, under, out=np.full(n_times, np.nan), where=under > 0)


def totals_panel(ax: Axes, lines: LumiLines, experiment: str, power: str, about: About) -> None:
    """Draw the luminosities of one experiment summed over bunches."""
    unit = f" · {power}" if power else ""
    free = np.where(lines.levelled, np.nan, lines.calculated)
    series = (
        ("calculated", free, Look("black", "--", "s"), 1.8),
        ("measured", lines.measured, Look(EXPERIMENT[experiment].color, "-", "o"), 3.5),
    )
    if lines.levelled.any():
        text = f"{POTENTIAL}: {_ends(np.where(lines.levelled, lines.calculated, np.nan))}{unit}"
        look = Look(MUTED, ":", "s")
        draw_line(ax, lines.hours, lines.calculated, look, linewidth=1.4, alpha=0.8, label=text)
    for name, values, look, width in series:
        if not finite(values).size:
            if not finite(lines.measured if name == "measured" else lines.calculated).size:
                ax.plot([], [], " ", label=f"no luminosity {name}")
            continue
        origin = f" ({about.measured_by})" if name == "measured" and about.measured_by else ""
        draw_line(
            ax, lines.hours, values, look, linewidth=width, markersize=2.5 * width,
            zorder=2 if name == "measured" else 3, label=f"{name}{origin}: {_ends(values)}{unit}",
        )  # fmt: skip
    mark_level(ax, lines.level, power)
    mark_end_of_levelling(ax, lines)
    if not finite(lines.calculated, lines.measured).size:
        note_missing(ax, "no luminosity")


def _ends(values: FloatArray) -> str:
    known = finite(values)
    return f"{significant(known[0])} to {significant(known[-1])}" if known.size else "no data"


def measured_ratio_panel(ax: Axes, lines: LumiLines, experiment: str) -> None:
    """Draw the ratio of measured to calculated luminosity, of the bunch pairs that have both."""
    ratio_axis(ax, "measured /\ncalculated", lines.ratio)
    if not np.isfinite(lines.ratio).any():
        levelled = "levelled all the time" if lines.levelled.any() else "it needs both"
        note_missing(ax, f"no ratio: {levelled}")
        return
    draw_line(ax, lines.hours, lines.ratio, EXPERIMENT[experiment]._replace(linestyle="-"))
    while_free = " while not levelled" if lines.levelled.any() else ""
    text = f"median {spread_text(lines.ratio, '')}{while_free}"
    ax.set_title(text, loc="right", size="small", pad=3.0)


def mark_level(ax: Axes, level: float | None, power: str) -> None:
    """Draw the luminosity at which the fill was levelled, in the unit of the panel, if it was."""
    if level is not None:
        unit = f" · {power}" if power else ""
        ax.axhline(
            level, color=MUTED, linestyle="-.", linewidth=1.3, zorder=1.5,
            label=f"levelled at {level:.3g}{unit}",
        )  # fmt: skip


def mark_end_of_levelling(ax: Axes, lines: LumiLines) -> None:
    """Mark when the beams no longer gave more than the level."""
    if lines.levelled.any() and not lines.levelled[-1]:
        end = int(np.flatnonzero(lines.levelled)[-1]) + 1
        ax.axvline(lines.hours[end], color=MUTED, linestyle="-.", linewidth=1.0)
        ax.annotate(
            "end of levelling", (lines.hours[end], 0.0), (-2, 3), rotation=90, ha="right",
            va="bottom", xycoords=("data", "axes fraction"), textcoords="offset points",
            size="x-small", color=MUTED,
        )  # fmt: skip


TOTAL_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "totalLumi",
        "total luminosity at ATLAS and CMS, calculated and measured, and their ratio",
        lambda r, style: draw_total_lumi(
            r.sb,
            r.lumi_calc,
            r.lumi_meas,
            r.fill,
            level_m2s=r.level_m2s,
            about=r.about,
            style=style,
        ),  # fmt: skip
        lambda r: "no luminosity" if r.lumi_calc is None and r.lumi_meas is None else "",
    ),
)
