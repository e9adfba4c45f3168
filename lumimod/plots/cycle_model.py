"""Pictures of the cycle model: what IBS makes of each bunch, beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.cycle import (
    EMIT_H,
    EMIT_V,
    LENGTH,
    Quantity,
    cycle_title,
    share_slots,
    slots_of,
    slots_panel,
    values_of,
)
from lumimod.plots.panels import (
    Margins,
    draw_slots,
    finite,
    legend_above,
    note_missing,
    panels,
    set_value_axis,
)
from lumimod.plots.results import CycleModelResults, Picture
from lumimod.plots.style import CYCLE_MODEL, DEFAULT_STYLE, REFERENCE, Style, drawing, new_figure
from lumimod.records import BEAMS


class Tag(NamedTuple):
    """One interval's pictures."""

    interval: str
    end: str


TAGS = {
    "INJ": Tag("Injection", "the end of injection"),
    "FT": Tag("he_before_SB", "the end of flat top"),
}
WITH_DIFFERENCE = Margins(left=6.2, top=6.2, bottom=3.2, between_columns=7.0, between_rows=2.6)

_ORDER = {"chain": 2.0, "measured": 2.1, "model": 2.2}
"""What lies above what."""


class Series(NamedTuple):
    """Values of all slots of one source."""

    slots: IntArray
    values: FloatArray


@drawing
def draw_model_emittances(
    results: CycleModelResults, beam: int, tag: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw measured and modelled emittances of each bunch of a beam, and their difference."""
    columns = ((beam, EMIT_H), (beam, EMIT_V))
    return _figure(results, columns, tag, f"Emittances of beam {beam}", style)


@drawing
def draw_model_lengths(
    results: CycleModelResults, tag: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw measured and modelled length of each bunch of both beams, and their difference."""
    return _figure(results, tuple((beam, LENGTH) for beam in BEAMS), tag, "Bunch lengths", style)


def _figure(
    results: CycleModelResults,
    columns: tuple[tuple[int, Quantity], ...],
    tag: str,
    what: str,
    style: Style,
) -> Figure:
    figure = new_figure(style)
    what = f"{what} at {TAGS[tag].end}: measured; model: IBS from the measured start"
    margins = WITH_DIFFERENCE
    if tag == "FT":
        what += "; chain: IBS from the modelled end of injection"
        margins = replace(margins, top=margins.top + 1, between_rows=margins.between_rows + 1)
    cycle_title(figure, style, results.fill, results.cycle, what)
    rows = panels(figure, style, 2, len(columns), margins=margins, heights=(3, 2))
    for upper, lower, (beam, quantity) in zip(*rows, columns):
        found = series_of(results, beam, tag, quantity)
        _values_panel(upper, beam, quantity, found)
        _difference_panel(lower, quantity, found)
        share_slots((upper, lower), [series.slots for series in found.values()])
    return figure


def series_of(
    results: CycleModelResults, beam: int, tag: str, quantity: Quantity
) -> dict[str, Series]:
    """Return what was measured at the end of an interval, and what the models have there."""
    sources = {"measured": results.cycle, "model": results.model}
    if tag == "FT":
        sources["chain"] = results.chained
    interval = TAGS[tag].interval
    return {
        name: Series(
            slots_of(cycle, beam, interval),
            values_of(cycle.intervals.get((beam, interval)), True, quantity),
        )
        for name, cycle in sources.items()
    }


def _values_panel(ax: Axes, beam: int, quantity: Quantity, found: Mapping[str, Series]) -> None:
    series = []
    for name, (slots, values) in found.items():
        modelled = name != "measured"
        # The IBS map leaves the vertical emittance alone: its points are those of the start.
        note = " (no vertical growth)" if modelled and quantity is EMIT_V else ""
        text = f"{name}{note}: {quantity.numbers(values)}"
        series.append((slots, values, CYCLE_MODEL[name], text))
    slots_panel(ax, beam, quantity.label, series, n_columns=1)
    for line, name in zip(ax.lines, found):
        line.set_zorder(_ORDER[name])


def _difference_panel(ax: Axes, quantity: Quantity, found: Mapping[str, Series]) -> None:
    measured = found["measured"]
    differences = []
    for name, series in found.items():
        if name != "measured":
            slots, i, j = np.intersect1d(measured.slots, series.slots, return_indices=True)
            values = measured.values[i] - series.values[j]
            label = f"measured − {name}: {quantity.numbers(values)}"
            draw_slots(ax, slots, values, CYCLE_MODEL[name], label)
            ax.lines[-1].set_zorder(_ORDER[name])
            differences.append(values)
    ax.axhline(0, color=REFERENCE, linewidth=1.2, zorder=1.5)
    set_value_axis(ax, f"difference\n[{quantity.unit}]", *differences, include=0.0)
    if not any(finite(values).size for values in differences):
        note_missing(ax, "no bunch is both measured and modelled")
    legend_above(ax, 1, marker_size=7.0)


def _emittances(results: CycleModelResults, style: Style, *, beam: int, tag: str) -> Figure:
    return draw_model_emittances(results, beam, tag, style=style)


def _lengths(results: CycleModelResults, style: Style, *, tag: str) -> Figure:
    return draw_model_lengths(results, tag, style=style)


def _pictures_of(tag: str) -> tuple[Picture, ...]:
    return (
        *(
            Picture(
                f"cycle_model_emittances_b{beam}_{tag}", partial(_emittances, beam=beam, tag=tag)
            )
            for beam in BEAMS
        ),
        Picture(f"cycle_model_bunchLength_{tag}", partial(_lengths, tag=tag)),
    )


PICTURES: tuple[Picture, ...] = tuple(picture for tag in TAGS for picture in _pictures_of(tag))
