"""Figures bunch by bunch: rows of quantities against time, and of each bunch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.about import (
    About,
    Unmeasured,
    without_gaps,
)
from lumimod.plots.axes import SPIKES, hour_axis, hours_since, set_value_axis, slot_axis
from lumimod.plots.layout import Margins, legend_above, note_missing, panels, title
from lumimod.plots.maps import change_bar, change_scale, draw_change_map
from lumimod.plots.marks import OpticsStep, mark_steps, shade_gaps
from lumimod.plots.numbers import count_text, ends_text
from lumimod.plots.panels import (
    MANY_BUNCHES,
    draw_bunches,
    draw_evolution,
    hours_bar,
)
from lumimod.plots.style import (
    Look,
    Style,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WITH_BAR = Margins(right=5.5)


class BunchSeries(NamedTuple):
    """A quantity of some bunches, (n_times, n_slots), in the unit shown."""

    name: str
    look: Look
    slots: IntArray
    values: FloatArray


class BunchRows(NamedTuple):
    """What the rows of a figure bunch by bunch show."""

    series: Mapping[str, Sequence[BunchSeries]]
    """By the label of the axis."""
    unit: str
    missing: str
    """What a row without any value says that there is none of."""
    gaps: Sequence[Sequence[Unmeasured]]
    """Of each row: its values are not shown in them."""
    shared: bool = False
    """All rows show the same quantity, with the same limits."""
    steps: Sequence[Sequence[OpticsStep]] = ()
    """Of each row: changes of the optics to mark."""

    def measured(self, time_s: FloatArray) -> BunchRows:
        """Return the same without values in gaps."""
        shown = {
            label: [s._replace(values=without_gaps(s.values, time_s, gaps)) for s in series]
            for (label, series), gaps in zip(self.series.items(), self.gaps)
        }
        return self._replace(series=shown)


def bunch_figure(
    time_s: FloatArray, rows: BunchRows, what: str, fill: int, about: About, style: Style
) -> Figure:
    """Return a figure with a row for each quantity: against time, and bunch by bunch.

    Of many bunches the right panels are maps of slot and time, in which the colour is the change
    since the start; of fewer, each bunch and time is a point.

    Parameters
    ----------
    time_s
        Times of stable beams, Unix seconds.
    rows
        What each row shows.
    what
        Begin of the second line of the title.
    fill
        Number of the fill.
    about
        Facts of the fill.
    style
        Sizes.
    """
    figure = new_figure(style)
    rows = rows.measured(time_s)
    every = [s for series in rows.series.values() for s in series]
    most = max(sum(s.slots.size for s in series) for series in rows.series.values())
    many = most > MANY_BUNCHES
    each = "change of each bunch since the start" if many else "each bunch"
    title(figure, style, fill, time_s[0], f"{what}: median and middle 68 %, and {each}", about)
    axes = panels(figure, style, len(rows.series), 2, margins=WITH_BAR)
    scale = change_scale(*(s.values for s in every if many))
    of_rows = zip(axes, rows.series.items(), rows.gaps)
    for number, ((left, right), (label, series), gaps) in enumerate(of_rows):
        beside = [s.values for s in every] if rows.shared else []
        evolution_panel(left, time_s, series, label, rows, beside)
        shade_gaps(left, time_s, gaps)
        if rows.steps:
            mark_steps([left], time_s, rows.steps[number])
        if not any(np.isfinite(s.values).any() for s in series):
            note_missing(right, f"no {rows.missing}")
        elif many:
            draw_change_map(right, [(s.slots, s.values) for s in series], time_s, scale)
        else:
            right.set_ylim(left.get_ylim())
            each_bunch_panel(right, time_s, series, label, beside, style)
        slot_axis(right, *(s.slots for s in series))
    for ax in axes[0]:
        ax.xaxis.label.set_visible(len(axes) == 1)
    right_panels = [row[1] for row in axes]
    if many:
        change_bar(figure, right_panels, scale, style)
    else:
        hours_bar(figure, right_panels, hours_since(time_s), style)
    return figure


def evolution_panel(
    ax: Axes,
    time_s: FloatArray,
    series: Sequence[BunchSeries],
    label: str,
    rows: BunchRows,
    beside: Sequence[FloatArray],
) -> None:
    """Draw a quantity against time; limits hold `beside` as well."""
    hours = hours_since(time_s)
    there = [s for s in series if np.isfinite(s.values).any()]
    lines = []
    for s in series:
        if s in there:
            # One absurd bunch of 2,500 may pull others away from the median: it stays in view.
            lines += draw_evolution(ax, hours, s.values, s.look, legend_text(s, rows.unit))[:1]
        else:
            ax.plot([], [], " ", label=legend_text(s, rows.unit))
    each = [s.values for s in there]
    set_value_axis(ax, label, *lines, beside=[*each, *beside], tail=SPIKES)
    if not there:
        note_missing(ax, f"no {rows.missing}")
    hour_axis(ax, time_s)
    legend_above(ax, widest=2.1)  # there is none above the panel beside


def each_bunch_panel(
    ax: Axes,
    time_s: FloatArray,
    series: Sequence[BunchSeries],
    label: str,
    beside: Sequence[FloatArray],
    style: Style,
) -> None:
    """Draw each bunch and time as a point, coloured by time; limits hold `beside` as well."""
    there = [s for s in series if np.isfinite(s.values).any()]
    set_value_axis(ax, label, *(s.values for s in there), beside=beside, tail=SPIKES)
    slot_axis(ax, *(s.slots for s in series))
    for s in there:
        draw_bunches(ax, s.slots, s.values, hours_since(time_s), style)


def legend_text(series: BunchSeries, unit: str) -> str:
    """Return the number of bunches, and mean and spread at start and end."""
    n_bunches = series.slots.size
    if not n_bunches:
        return f"no {series.name}{'' if series.name.endswith('s') else ' bunches'}"
    if not np.isfinite(series.values).any():
        return f"{n_bunches:,} {series.name}: no data"
    name = series.name[:-1] if n_bunches == 1 and series.name.endswith("s") else series.name
    return f"{count_text(series.values)} {name}: {ends_text(series.values)} {unit}"
