"""Figures of the cycle: quantities of each bunch at four instants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.about import About
from lumimod.plots.axes import few_ticks, set_value_axis, share_values
from lumimod.plots.cycle_panels import (
    cycle_title,
    share_slots,
    slots_of,
    slots_panel,
    values_of,
)
from lumimod.plots.layout import Margins, panels
from lumimod.plots.panels import MANY_BUNCHES, draw_line, place_medians
from lumimod.plots.quantities import (
    Quantity,
)
from lumimod.plots.style import (
    INSTANT,
    REFERENCE,
    Style,
    new_figure,
)
from lumimod.records import Cycle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL_LEGENDS = Margins(left=6.0, top=6.0, bottom=3.2, between_rows=3.6)
"""Room for legends of two lines, above panels with the same x."""


class Moment(NamedTuple):
    """One of the four instants: start or end of an interval of the record."""

    name: str
    interval: str
    end: bool


MOMENTS = (
    Moment("injection", "Injection", False),
    Moment("start of ramp", "Injection", True),
    Moment("end of ramp", "he_before_SB", False),
    Moment("stable beams", "he_before_SB", True),
)


def instants_figure(
    cycle: Cycle,
    rows: Sequence[tuple[int, Quantity]],
    fill: int,
    what: str,
    about: About,
    style: Style,
) -> Figure:
    """Return a figure with a row for each quantity of a beam.

    Of many bunches it shows the change since injection: of each train, and beside it of each place
    in a train.
    """
    figure = new_figure(style)
    slots = [slots_of(cycle, b, m.interval) for b, _ in rows for m in MOMENTS]
    many = max(of.size for of in slots) > MANY_BUNCHES
    what += "; first and last BSRT measurement of each part"
    cycle_title(figure, style, fill, cycle, what, about)
    margins = replace(TALL_LEGENDS, between_columns=4.4, left=7.6 if many else TALL_LEGENDS.left)
    grid = panels(
        figure, style, len(rows), 1 + many, margins=margins, widths=(3.0, 1.2) if many else None
    )
    axes = [row[0] for row in grid]
    draw = changes_panel if many else instants_panel
    for row, (beam, quantity) in zip(grid, rows):
        draw(row[0], cycle, beam, quantity)
        if many:
            positions_panel(row[1], cycle, beam, quantity, last=row is grid[-1])
            share_values(row)
    if len({quantity.field for _, quantity in rows}) == 1:
        share_values([ax for row in grid for ax in row])
    share_slots(axes, slots)
    return figure


def values_at(cycle: Cycle, beam: int, moment: Moment, quantity: Quantity) -> FloatArray:
    """Return a quantity of each bunch of a beam at an instant, in the unit shown."""
    return values_of(cycle.intervals.get((beam, moment.interval)), moment.end, quantity)


def instants_panel(ax: Axes, cycle: Cycle, beam: int, quantity: Quantity) -> None:
    """Draw a quantity of each bunch of a beam at the four instants."""
    series = []
    for moment, look in zip(MOMENTS, INSTANT):
        values = values_at(cycle, beam, moment, quantity)
        label = f"{moment.name}\n{quantity.numbers(values)}"
        series.append((slots_of(cycle, beam, moment.interval), values, look, label))
    slots_panel(ax, beam, quantity.label, series)


def changes_panel(ax: Axes, cycle: Cycle, beam: int, quantity: Quantity) -> None:
    """Draw the change of each bunch since injection, in %, at the later instants.

    The legend has the values themselves.
    """
    values = values_at(cycle, beam, MOMENTS[0], quantity)
    nothing = (np.empty(0, np.int64), np.empty(0))
    series = [(*nothing, INSTANT[0], f"{MOMENTS[0].name}: 0 %\n{quantity.numbers(values)}")]
    for moment, look in zip(MOMENTS[1:], INSTANT[1:]):
        values = values_at(cycle, beam, moment, quantity)
        label = f"{moment.name}\n{quantity.numbers(values)}"
        series.append((*_since_injection(cycle, beam, moment, quantity), look, label))
    slots_panel(ax, beam, f"{quantity.symbol}: change\nsince injection [%]", series)
    ax.axhline(0.0, color=REFERENCE, linewidth=1.2, zorder=1.5)


def _since_injection(
    cycle: Cycle, beam: int, moment: Moment, quantity: Quantity
) -> tuple[IntArray, FloatArray]:
    """Return slots, and by how much a quantity has changed since injection, in %."""
    first = slots_of(cycle, beam, MOMENTS[0].interval)
    later = slots_of(cycle, beam, moment.interval)
    slots, i, j = np.intersect1d(first, later, return_indices=True)
    start = values_at(cycle, beam, MOMENTS[0], quantity)[i]
    with np.errstate(invalid="ignore", divide="ignore"):
        return slots, 100 * (values_at(cycle, beam, moment, quantity)[j] / start - 1)


def positions_panel(ax: Axes, cycle: Cycle, beam: int, quantity: Quantity, *, last: bool) -> None:
    """Draw the change since injection, in %, by place in the train: medians over trains."""
    drawn = []
    for moment, look in zip(MOMENTS[1:], INSTANT[1:]):
        places, medians = place_medians(*_since_injection(cycle, beam, moment, quantity))
        draw_line(ax, places, medians, look, label=moment.name)
        drawn.append(medians)
    set_value_axis(ax, "", *drawn, include=0.0)
    few_ticks(ax.xaxis, 4, integer=True)
    ax.set_title("by place in the train", loc="left", size="small")
    ax.set_xlabel("place in the train" if last else "")
