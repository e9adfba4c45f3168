"""Pictures of the cycle model: each bunch as measured and as IBS predicts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.paths import FillPaths
from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.axes import set_value_axis, share_values
from lumimod.plots.cycle_panels import (
    about_cycle,
    cycle_title,
    share_slots,
    slots_panel,
    values_of,
)
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.layout import Margins, legend_above, note_missing, panels
from lumimod.plots.numbers import finite
from lumimod.plots.panels import draw_slots, shown_slots
from lumimod.plots.quantities import CYCLE_LENGTH, EMIT_H, EMIT_V, Quantity
from lumimod.plots.style import (
    CYCLE_MODEL,
    DEFAULT_STYLE,
    REFERENCE,
    Style,
    drawing,
    new_figure,
)
from lumimod.records import BEAMS, Cycle, CycleInterval, store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class CycleModelResults:
    """The cycle of a fill, measured and modelled."""

    fill: int
    cycle: Cycle
    model: Cycle
    """IBS in each interval, from its measured start."""
    chained: Cycle
    """IBS at flat top, from the modelled end of injection."""
    about: About = NOTHING_KNOWN

    @classmethod
    def load(cls, paths: FillPaths) -> CycleModelResults:
        """Return what step cycle saved; MissingStepError if it cannot be read."""
        measured, model, chained = (store.load(path, Cycle) for path in _needs(paths))
        return cls(paths.fill, measured, model, chained, about_cycle(paths, measured))


def _needs(paths: FillPaths) -> tuple[Path, Path, Path]:
    return paths.cycle, paths.cycle_model, paths.cycle_model_inj2sb


class Tag(NamedTuple):
    """The interval of some pictures, and its end in words."""

    interval: str
    end: str


TAGS = {
    "INJ": Tag("Injection", "the end of injection"),
    "FT": Tag("he_before_SB", "the end of flat top"),
}
WITH_DIFFERENCE = Margins(left=7.4, top=6.2, bottom=3.2, between_columns=8.2, between_rows=2.6)

_ORDER = {"chain": 2.0, "measured": 2.1, "model": 2.2}
"""Which points are drawn above which."""


class SlotValues(NamedTuple):
    """A quantity of all slots, (n_slots,), in the unit shown."""

    slots: IntArray
    values: FloatArray


@drawing
def draw_cycle_model_emittances(
    results: CycleModelResults, beam: int, tag: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw measured and modelled emittances of each bunch of a beam, and their difference."""
    columns = ((beam, EMIT_H), (beam, EMIT_V))
    return _figure(results, columns, tag, f"Emittances of beam {beam}", style)


@drawing
def draw_cycle_model_lengths(
    results: CycleModelResults, tag: str, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw measured and modelled length of each bunch of both beams, and their difference."""
    return _figure(
        results, tuple((beam, CYCLE_LENGTH) for beam in BEAMS), tag, "Bunch lengths", style
    )


def _figure(
    results: CycleModelResults,
    columns: tuple[tuple[int, Quantity], ...],
    tag: str,
    what: str,
    style: Style,
) -> Figure:
    figure = new_figure(style)
    what = f"{what}: growth per hour until {TAGS[tag].end}; model: from the measured start"
    margins = WITH_DIFFERENCE
    if tag == "FT":
        what += "; chain: from the modelled end of injection"
        margins = replace(margins, top=margins.top + 1, between_rows=margins.between_rows + 1)
    cycle_title(figure, style, results.fill, results.cycle, what, results.about)
    rows = panels(figure, style, 2, len(columns), margins=margins, heights=(3, 2))
    for upper, lower, (beam, of) in zip(*rows, columns):
        quantity = growth_of(of)
        series = measured_and_modelled(results, beam, tag, quantity)
        _values_panel(upper, beam, quantity, series)
        _difference_panel(lower, quantity, series)
        share_slots((upper, lower), [one.slots for one in series.values()])
    if len({quantity for _, quantity in columns}) == 1:
        for row in rows:
            share_values(row)
    return figure


def measured_and_modelled(
    results: CycleModelResults, beam: int, tag: str, quantity: Quantity
) -> dict[str, SlotValues]:
    """Return growth per hour of each bunch over its own time, measured and modelled.

    Bunches wait for minutes or for an hour: values at the end would hide that.
    """
    sources = {"measured": results.cycle, "model": results.model}
    if tag == "FT":
        sources["chain"] = results.chained
    of = (beam, TAGS[tag].interval)
    measured = results.cycle.intervals.get(of)
    return {
        name: _growth(cycle.intervals.get(of), measured, quantity)
        for name, cycle in sources.items()
    }


def _growth(
    part: CycleInterval | None, measured: CycleInterval | None, quantity: Quantity
) -> SlotValues:
    """Return the growth per hour of each bunch between its two measurements."""
    if part is None or measured is None:
        return SlotValues(np.empty(0, np.int64), np.empty(0))
    slots, i, j = np.intersect1d(part.slots, measured.slots, return_indices=True)
    growth = values_of(part, True, quantity) - values_of(part, False, quantity)
    waited_h = (measured.end.time_s - measured.start.time_s)[j] / 3600
    rate = np.divide(growth[i], waited_h, out=np.full(slots.size, np.nan), where=waited_h > 0)
    return SlotValues(slots, rate)


def growth_of(quantity: Quantity) -> Quantity:
    """Return how the growth of a quantity is shown: in um/h, and of lengths in ps/h."""
    if quantity is CYCLE_LENGTH:
        return quantity._replace(unit="ps/h", scale=1e12)
    return quantity._replace(unit=f"{quantity.unit}/h")


def _values_panel(
    ax: Axes, beam: int, quantity: Quantity, series: Mapping[str, SlotValues]
) -> None:
    points = []
    for name, (slots, values) in series.items():
        modelled = name != "measured"
        # The IBS map does not change the vertical emittance.
        none = modelled and quantity.field == EMIT_V.field and not finite(values).any()
        note = " (no vertical growth)" if none else ""
        text = f"{name}{note}: {quantity.numbers(values)}"
        points.append((slots, values, CYCLE_MODEL[name], text))
    slots_panel(ax, beam, f"{quantity.symbol} growth\n[{quantity.unit}]", points, n_columns=1)
    ax.axhline(0, color=REFERENCE, linewidth=1.2, zorder=1.5)
    for line in ax.lines:
        name = str(line.get_label()).partition(":")[0].partition(" ")[0]
        line.set_zorder(_ORDER.get(name, line.get_zorder()))


def _difference_panel(ax: Axes, quantity: Quantity, series: Mapping[str, SlotValues]) -> None:
    measured = series["measured"]
    differences = []
    for name, modelled in series.items():
        if name != "measured":
            slots, i, j = np.intersect1d(measured.slots, modelled.slots, return_indices=True)
            values = measured.values[i] - modelled.values[j]
            label = f"measured − {name}: {quantity.numbers(values)}"
            draw_slots(ax, slots, values, CYCLE_MODEL[name], label)
            ax.lines[-1].set_zorder(_ORDER[name])
            differences += shown_slots(slots, values)
    ax.axhline(0, color=REFERENCE, linewidth=1.2, zorder=1.5)
    of = "" if quantity.field == CYCLE_LENGTH.field else f"{quantity.symbol} "
    set_value_axis(ax, f"{of}difference\n[{quantity.unit}]", *differences, include=0.0)
    if not any(finite(values).size for values in differences):
        note_missing(ax, "no bunch is both measured and modelled")
    legend_above(ax, 1, marker_size=7.0)


def _emittances_of(beam: int, tag: str) -> Picture[CycleModelResults]:
    return Picture(
        f"cycle_model_emittances_b{beam}_{tag}",
        f"emittances of beam {beam} at {TAGS[tag].end}",
        lambda r, style: draw_cycle_model_emittances(r, beam, tag, style=style),
    )


def _lengths_at(tag: str) -> Picture[CycleModelResults]:
    return Picture(
        f"cycle_model_bunchLength_{tag}",
        f"bunch lengths at {TAGS[tag].end}",
        lambda r, style: draw_cycle_model_lengths(r, tag, style=style),
    )


CYCLE_MODEL_PICTURES = tuple(
    picture
    for tag in TAGS
    for picture in (*(_emittances_of(beam, tag) for beam in BEAMS), _lengths_at(tag))
)


def cycle_model_sets(paths: FillPaths) -> list[PictureSet[CycleModelResults]]:
    """Return the pictures of the cycle model."""
    load = partial(CycleModelResults.load, paths)
    uses = (paths.sb, paths.lumi_calc)
    return [PictureSet(CYCLE_MODEL_PICTURES, load, needs=_needs(paths), uses=uses)]
