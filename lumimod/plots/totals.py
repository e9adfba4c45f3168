"""Pictures of crossing angles and of the luminosity of all bunches together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.axes import few_ticks, hour_axis, hours_since, limits_of_each, set_value_axis
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.numbers import finite, spread_text
from lumimod.plots.panels import draw_line
from lumimod.plots.quantities import E34_PER_CM2_S
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import (
    DEFAULT_STYLE,
    EXPERIMENT,
    MUTED,
    REFERENCE,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.records import EXPERIMENTS, IP_OF, CalculatedLumi, MeasuredLumi, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MICRORAD = 1e6
SAME_ANGLE_RAD = 1e-7
"""Smaller changes of the crossing angle do not count."""
MOST_STEPS = 8
"""More changes of the crossing angle are not marked: lines would hide the data."""


# --- crossing angle


@drawing
def draw_crossing_angle(sb: StableBeams, fill: int, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the full crossing angle at both experiments; the right axis has its half."""
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], "Crossing angles; half of them on the right axis")
    ax = panels(figure, style, 1, 1, margins=Margins(right=5.5, top=5.0))[0][0]
    hours = hours_since(sb.time_s)
    # Both angles are mostly equal: a broad pale line shows below the narrow one.
    for experiment, width, alpha in zip(EXPERIMENTS, (8.0, 2.2), (0.45, 1.0)):
        angle = sb.xing_angle_rad[IP_OF[experiment]] * MICRORAD
        look = EXPERIMENT[experiment]
        text = f"IP{IP_OF[experiment]} ({experiment}): {angle_text(angle)}"
        draw_line(
            ax, hours, angle, look, linewidth=width, label=text, drawstyle="steps-post",
            alpha=alpha, markersize=2.5 * width,
        )  # fmt: skip
    angles = tuple(sb.xing_angle_rad[ip] * MICRORAD for ip in IP_OF.values())
    if not any(np.isfinite(angle).any() for angle in angles):
        note_missing(ax, "no crossing angle")
    # Even a step shortly before the end is to be in view: no value counts as an outlier.
    set_value_axis(ax, "full crossing angle [µrad]", *angles, tail=0.0)
    hour_axis(ax, sb.time_s)
    half = ax.secondary_yaxis("right", functions=(_half, _twice))
    half.set_ylabel("half crossing angle [µrad]")
    low, high = ax.get_ylim()
    ticks = [tick for tick in ax.get_yticks() if low <= tick <= high]
    ax.set_yticks(ticks)
    half.set_yticks([tick / 2 for tick in ticks])
    half.yaxis.set_major_formatter("{x:g}")
    half.spines["right"].set_visible(True)
    legend_above(ax)
    return figure


def _half(angle: Any) -> Any:
    return angle / 2


def _twice(angle: Any) -> Any:
    return angle * 2


def angle_text(angle: FloatArray) -> str:
    """Return the angles of a fill in words; `angle` is in microradians."""
    known = finite(angle)
    if not known.size:
        return "no data"
    if np.ptp(known) < SAME_ANGLE_RAD * MICRORAD:
        return f"{known[0]:.5g} µrad, constant"
    ends = sorted((known[0], known[-1]))
    text = f"{known[0]:.5g} to {known[-1]:.5g} µrad"
    if known.min() < ends[0] or known.max() > ends[1]:
        text += f" (between {known.min():.5g} and {known.max():.5g})"
    return text


def angle_changes(angle_rad: FloatArray) -> IntArray:
    """Return the index at which each change of the angle begins."""
    with np.errstate(invalid="ignore"):
        moves = np.abs(np.diff(angle_rad)) > SAME_ANGLE_RAD
    return np.flatnonzero(moves & ~np.concatenate([[False], moves[:-1]]))


# --- luminosity of all bunches


@drawing
def draw_total_lumi(
    sb: StableBeams,
    calc: CalculatedLumi | None,
    meas: MeasuredLumi | None,
    fill: int,
    *,
    level_m2s: float | None = None,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the luminosity of all bunches, calculated and measured, and their ratio below.

    `level_m2s`, in 1/(m^2 s), is the luminosity at which the fill was levelled, drawn as a line.
    """
    figure = new_figure(style)
    what = "Luminosity summed over bunch pairs, calculated and measured, and their ratio"
    title(figure, style, fill, sb.time_s[0], what)
    steps = any(angle_changes(sb.xing_angle_rad[ip]).size for ip in IP_OF.values())
    top = 6.2 + 1.4 * (steps + (level_m2s is not None))
    margins = Margins(top=top, between_rows=1.4, left=5.8, between_columns=6.8)
    rows = panels(figure, style, 2, 2, margins=margins, heights=(2.4, 1.0))
    sums = {}
    for (upper, lower), experiment in zip(zip(*rows), EXPERIMENTS):
        lumis = {
            name: None if record is None else record.bunch_lumi[experiment] * E34_PER_CM2_S
            for name, record in (("calculated", calc), ("measured", meas))
        }
        sums[experiment] = totals_panel(upper, hours_since(sb.time_s), lumis, experiment)
        measured_ratio_panel(lower, hours_since(sb.time_s), lumis, experiment)
        mark_angle_changes((upper, lower), sb, experiment)
        mark_level(upper, level_m2s)
        for ax in (upper, lower):
            hour_axis(ax, sb.time_s, label=ax is lower)
        upper.tick_params(labelbottom=False)
        legend_above(upper, 1)
    every_sum = [total for pair in sums.values() for total in pair]
    if level_m2s is not None:
        every_sum.append(np.array([level_m2s * E34_PER_CM2_S]))
    for ax, experiment in zip(rows[0], EXPERIMENTS):
        set_value_axis(ax, f"{experiment} [10³⁴ cm⁻² s⁻¹]", *sums[experiment], beside=every_sum)
    return figure


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


def totals_panel(
    ax: Axes, hours: FloatArray, lumis: Mapping[str, FloatArray | None], experiment: str
) -> list[FloatArray]:
    """Draw the luminosities of one experiment summed over bunches, and return these sums."""
    looks = {
        "calculated": Look("black", "--", "s"),
        "measured": Look(EXPERIMENT[experiment].color, "-", "o"),
    }
    drawn = []
    for name, lumi in lumis.items():
        values = np.full(hours.shape, np.nan) if lumi is None else total(lumi)
        known = finite(values)
        if known.size:
            drawn.append(values)
            ends = f"{known[0]:#.3g} to {known[-1]:#.3g} · 10³⁴"
            width = 3.5 if name == "measured" else 1.8
            draw_line(
                ax, hours, values, looks[name], linewidth=width, markersize=2.5 * width,
                zorder=2 if name == "measured" else 3, label=f"{name}: {ends}",
            )  # fmt: skip
        else:
            ax.plot([], [], " ", label=f"no luminosity {name}")
    if not drawn:
        note_missing(ax, "no luminosity")
    return drawn


def measured_ratio_panel(
    ax: Axes, hours: FloatArray, lumis: Mapping[str, FloatArray | None], experiment: str
) -> None:
    """Draw the ratio of measured to calculated luminosity, of the bunch pairs that have both."""
    calc, meas = lumis["calculated"], lumis["measured"]
    nothing = np.full(hours.shape, np.nan)
    line = nothing if calc is None or meas is None else ratio(meas, calc)
    limits = limits_of_each(line, np.array([0.99, 1.01]))
    ax.set_ylim(*limits)
    ax.set_ylabel("measured /\ncalculated")
    few_ticks(ax.yaxis, 4)
    ax.axhline(1.0, color=REFERENCE, linewidth=1.2)
    if not np.isfinite(line).any():
        note_missing(ax, "no ratio: it needs both")
        return
    draw_line(ax, hours, line, EXPERIMENT[experiment]._replace(linestyle="-"))
    outside = np.count_nonzero((line < limits[0]) | (line > limits[1]))
    text = f"mean {spread_text(line, '')}{f', {outside:,} outside' if outside else ''}"
    ax.set_title(text, loc="right", size="small", pad=3.0)


def mark_level(ax: Axes, level_m2s: float | None) -> None:
    """Draw the luminosity at which the fill was levelled, if it was."""
    if level_m2s is not None:
        level = level_m2s * E34_PER_CM2_S
        ax.axhline(
            level, color=MUTED, linestyle="-.", linewidth=1.3, zorder=1.5,
            label=f"levelled at {level:.3g} · 10³⁴",
        )  # fmt: skip


def mark_angle_changes(axes: Sequence[Axes], sb: StableBeams, experiment: str) -> None:
    """Mark where the crossing angle changes; the legend of the first panel gives the angles."""
    angle = sb.xing_angle_rad[IP_OF[experiment]]
    changes = angle_changes(angle)
    if not changes.size:
        return
    text = f"full crossing angle {angle_text(angle * MICRORAD)}"
    if changes.size > MOST_STEPS:
        axes[0].plot([], [], " ", label=f"{text}, {changes.size} changes")
        return
    hours = hours_since(sb.time_s)
    for ax in axes:
        for i, change in enumerate(changes):
            ax.axvline(
                hours[change], color=MUTED, linestyle=":", linewidth=1.5,
                label=text if i == 0 else None,
            )  # fmt: skip


TOTAL_PICTURES: tuple[Picture[SbResults], ...] = (
    Picture(
        "crossingAngle",
        "full crossing angle at ATLAS and CMS; the right axis has its half",
        lambda r, style: draw_crossing_angle(r.sb, r.fill, style=style),
    ),
    Picture(
        "totalLumi",
        "total luminosity at ATLAS and CMS, calculated and measured, and their ratio",
        lambda r, style: draw_total_lumi(
            r.sb, r.lumi_calc, r.lumi_meas, r.fill, level_m2s=r.level_m2s, style=style
        ),
    ),
)
