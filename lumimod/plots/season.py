"""Pictures of a season: main quantities against date and fill, sums per day, distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.axes import few_ticks, robust_limits, set_ticks, set_value_axis
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, write_title
from lumimod.plots.numbers import FEWEST_IN_RANGE, MIDDLE, finite, range_text
from lumimod.plots.season_panels import (
    ONE_DAY_S,
    PER_DAY,
    TIME_PANELS,
    Panel,
    PanelSeries,
    SeasonData,
    median_of,
    season_panels,
)
from lumimod.plots.style import DEFAULT_STYLE, MUTED, REFERENCE, Style, drawing, new_figure
from lumimod.summary.means import running_sum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGINS = Margins(left=5.5, top=6.9, bottom=3.2, between_columns=6.7, between_rows=6.9)
_N_BINS = 24

_TITLES = {
    "beams": "Beams at the start of stable beams: mean over bunches, bars their spread",
    "luminosity": "Luminosity as measured by ATLAS and CMS",
    "growth": "Growth of emittances in each part of the cycle, mean over bunches",
    "losses": "Losses: effective cross-section with its standard error, and lifetimes",
}
IN_BRACKETS = f"median of fills (of {FEWEST_IN_RANGE} or more, in brackets: middle 68 %)"
"""What legends have of each series."""


@drawing
def draw_season(
    data: SeasonData, shown: Sequence[Panel], what: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw four panels against the date; each legend has `IN_BRACKETS`."""
    figure = new_figure(style)
    _title(figure, style, data, what)
    axes = panels(figure, style, 2, 2, margins=_MARGINS)
    for ax, panel in zip((ax for row in axes for ax in row), shown):
        _panel(ax, data, panel)
    return figure


def _title(figure: Figure, style: Style, data: SeasonData, what: str) -> None:
    n = data.fills.size
    first = f"Season: {n} fill{'s' * (n != 1)} with stable beams"
    if n:
        days = (f"{_utc(t):%d %b %Y}" for t in data.start_s[[0, -1]])
        first = f"Season: fills {data.fills[0]} to {data.fills[-1]}, " + " to ".join(days)
    write_title(figure, style, first, what)


def _panel(ax: Axes, data: SeasonData, panel: Panel) -> None:
    drawn = [_series(ax, data, panel, series) for series in panel.series]
    ends = [end for series in panel.series for end in data.ends(panel, series)]
    if not finite(*drawn).size:
        note_missing(ax, "no fill has it")
    if panel.reference is not None:
        ax.axhline(panel.reference, color=REFERENCE, linestyle=":", linewidth=1.5)
    label = f"[{panel.unit}]" if panel.unit else ""
    set_value_axis(ax, label, *drawn, beside=ends, include=panel.reference)
    date_axis(ax, data)
    n_rows = (len(panel.series) + 1) // 2
    _heading(ax, panel.words, n_rows)
    legend_above(ax, 2, size="x-small")


def _heading(ax: Axes, words: str, legend_rows: int = 1) -> None:
    ax.annotate(
        words, (0.0, 1.0), (0, 0.55 + 1.05 * legend_rows), xycoords="axes fraction",
        textcoords="offset fontsize", size="medium", weight="bold",
    )  # fmt: skip


def _series(ax: Axes, data: SeasonData, panel: Panel, series: PanelSeries) -> FloatArray:
    values, spread = data.shown(panel, series)
    look = series.look
    label = series_label(values, series.label)
    if series.spread:
        ax.errorbar(
            data.start_s, values, spread, fmt="none", ecolor=look.color, elinewidth=1.0, alpha=0.4
        )
    ax.plot(
        data.start_s, values, linestyle="none", marker=look.marker, markersize=4.5,
        markeredgewidth=0, color=look.color, label=label,
    )  # fmt: skip
    middle = median_of(values)
    if np.isfinite(middle):
        ax.axhline(middle, color=look.color, linestyle=look.linestyle, linewidth=1.0, alpha=0.7)
    return values


def series_label(values: FloatArray, name: str) -> str:
    """Return the name of a series and its `IN_BRACKETS`."""
    return f"{name}: {range_text(values)}" if np.isfinite(values).any() else f"{name}: none"


def hours_label(hours: FloatArray) -> str:
    """Return the median of lengths, and what the middle 68 % are, in words."""
    low, middle, high = np.quantile(hours, MIDDLE)
    median = f"median {middle:.1f} h"
    if hours.size < FEWEST_IN_RANGE:
        return median
    return f"{median}, middle 68 % {low:.1f} to {high:.1f} h"


def date_axis(ax: Axes, data: SeasonData) -> None:
    """Make x the date, UTC; below, the numbers of fills, each with a mark at its own point."""
    if not data.fills.size:
        return
    first, last = data.start_s[[0, -1]]
    room = max(0.02 * (last - first), ONE_DAY_S / 24)
    ax.set_xlim(first - room, last + room)
    form, most = ("%d %b", 7) if last - first > 2 * ONE_DAY_S else ("%d %b %H:%M", 4)
    at = date_ticks(first, last, most)
    set_ticks(ax.xaxis, at, [f"{_utc(t):{form}}" for t in at])
    named = data.spaced()
    # Dates are the line above. A fill that begins at the time of a tick keeps its number.
    words = [f"\n{fill}" for fill in data.fills[named]]
    set_ticks(ax.xaxis, data.start_s[named].tolist(), words, minor=True)
    ax.xaxis.remove_overlapping_locs = False
    ax.tick_params(
        axis="x", which="minor", direction="in", length=4, pad=6, color=MUTED, labelsize="small"
    )


def date_ticks(first_s: float, last_s: float, most: int = 7) -> list[float]:
    """Return round times between two, Unix s, at most about `most`."""
    import matplotlib.dates

    dates: Any = matplotlib.dates
    if last_s - first_s < 60.0:
        return [first_s]
    locator = dates.AutoDateLocator(minticks=2, maxticks=most)
    found = locator.tick_values(_utc(first_s), _utc(last_s))
    seconds = [float(t) * ONE_DAY_S for t in found]
    return [t for t in seconds if first_s <= t <= last_s] or [first_s]


def _utc(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s, timezone.utc)


@drawing
def draw_days(data: SeasonData, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw the integrated luminosity of each day, and below what it adds up to."""
    figure = new_figure(style)
    _title(figure, style, data, "Integrated luminosity by the day, UTC, on which a fill began")
    (upper,), (lower,) = panels(figure, style, 2, 1, margins=_MARGINS)
    for number, series in enumerate(PER_DAY.series):
        day_s, sums = data.per_day(series.column)
        shift = (0.22 + 0.28 * number) * ONE_DAY_S
        total_pb = sums.sum()
        in_all = f"{total_pb:,.0f}" if total_pb >= 100 else f"{total_pb:.3g}"
        label = f"{series.label}: {in_all} pb⁻¹ in all"
        _bars(upper, day_s + shift, sums, 0.28 * ONE_DAY_S, color=series.look.color, label=label)
        total = running_sum(data.values(series.column)) / 1000
        lower.step(
            data.start_s, total, where="post", color=series.look.color, label=series.label,
            linestyle=series.look.linestyle,
        )  # fmt: skip
    for ax, words, label in (
        (upper, "Per day", "1/pb per day"),
        (lower, "Accumulated", "1/fb"),
    ):
        ax.set_ylabel(label)
        ax.set_ylim(bottom=0)
        date_axis(ax, data)
        _heading(ax, words)
        legend_above(ax, size="x-small")
    if data.fills.size:
        first, last = upper.get_xlim()
        upper.set_xlim(min(first, day_s[0]), max(last, day_s[-1] + ONE_DAY_S))
    return figure


def _bars(ax: Axes, left: FloatArray, heights: FloatArray, width: float, **look: Any) -> None:
    """Draw bars beside each other as one shape: some hundred of them take as long as a picture."""
    if not heights.size:
        return
    edges = np.stack([left, left + width], axis=1).ravel()
    gaps = np.full(heights.shape, np.nan)
    values = np.stack([heights, gaps], axis=1).ravel()[:-1]
    ax.stairs(values, edges, fill=True, **look)


@drawing
def draw_lengths(data: SeasonData, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw how long stable beams lasted and how long they were away: distributions and medians."""
    figure = new_figure(style)
    _title(figure, style, data, "Distributions of lengths of stable beams and of turn-around")
    for ax, panel in zip(panels(figure, style, 1, 2, margins=_MARGINS)[0], TIME_PANELS):
        known = data.of_fills_over(panel.series[0].column)
        if not known.size:
            note_missing(ax, "no fill has it")
            continue
        _, high = robust_limits(known)
        edges = np.linspace(0.0, max(high, 1.0), _N_BINS + 1)
        outside = int((known > edges[-1]).sum())
        label = hours_label(known) + (f"; {outside} longer" * bool(outside))
        ax.hist(known, edges.tolist(), color=panel.series[0].look.color, alpha=0.8, label=label)
        ax.axvline(median_of(known), color="black", linewidth=1.5)
        ax.set_xlabel("hours")
        ax.set_ylabel("fills")
        few_ticks(ax.yaxis, 6, integer=True)
        _heading(ax, panel.words)
        legend_above(ax, size="x-small")
    return figure


def season_pictures(
    inelastic_mb: float | None = None,
) -> Mapping[str, Callable[[SeasonData, Style], Figure]]:
    """Return what draws each picture of a season, by its name."""
    found: dict[str, Callable[[SeasonData, Style], Figure]] = {}
    for name, shown in season_panels(inelastic_mb).items():
        words = f"{_TITLES[name]}; legends: {IN_BRACKETS}"
        found[name] = partial(_drawn, draw_season, shown, words)
    return {**found, "days": partial(_drawn, draw_days), "lengths": partial(_drawn, draw_lengths)}


def _drawn(draw: Callable[..., Figure], *arguments: Any) -> Figure:
    *shown, data, style = arguments
    return draw(data, *shown, style=style)
