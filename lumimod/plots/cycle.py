"""Pictures of the cycle: every bunch from injection to stable beams."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.paths import FillPaths
from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.axes import few_ticks, robust_limits
from lumimod.plots.cycle_instants import MOMENTS, TALL_LEGENDS, instants_figure
from lumimod.plots.cycle_panels import (
    about_cycle,
    cycle_title,
    share_slots,
    slots_of,
    slots_panel,
    values_of,
)
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.layout import Margins, legend_above, note_missing, panels
from lumimod.plots.numbers import finite, spread_of_bunches
from lumimod.plots.quantities import (
    BRIGHTNESS,
    CYCLE_LENGTH,
    EMIT_H,
    EMIT_V,
    INTENSITY,
    Quantity,
)
from lumimod.plots.style import (
    BEAM,
    DEFAULT_STYLE,
    INSTANT,
    PART,
    Style,
    drawing,
    new_figure,
)
from lumimod.records import BEAMS, Cycle, store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class CycleResults:
    """The measured cycle of a fill."""

    fill: int
    cycle: Cycle
    about: About = NOTHING_KNOWN

    @classmethod
    def load(cls, paths: FillPaths) -> CycleResults:
        """Return what step cycle saved; MissingStepError if it cannot be read."""
        cycle = store.load(paths.cycle, Cycle)
        return cls(paths.fill, cycle, about_cycle(paths, cycle))


# --- bunch by bunch


@drawing
def draw_cycle_emittances(
    cycle: Cycle,
    beam: int,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw both emittances of each bunch of one beam at the four instants."""
    what = f"Beam {beam}: normalised emittances of each bunch through the cycle"
    rows = ((beam, EMIT_H), (beam, EMIT_V))
    return instants_figure(cycle, rows, fill, what, about, style)


@drawing
def draw_cycle_quantity(
    cycle: Cycle,
    quantity: Quantity,
    name: str,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw a quantity of each bunch of both beams at the four instants."""
    rows = tuple((beam, quantity) for beam in BEAMS)
    what = f"{name} of each bunch through the cycle"
    return instants_figure(cycle, rows, fill, what, about, style)


# --- time


@drawing
def draw_cycle_times(
    cycle: Cycle, fill: int, *, about: About = NOTHING_KNOWN, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw the minutes between the measurements of each bunch at injection, ramp and flat top.

    The cycle model follows each bunch over the same times.
    """
    figure = new_figure(style)
    what = (
        "Minutes between first and last BSRT measurement of each bunch at injection and at flat "
        "top, and from one to the other through the ramp"
    )
    cycle_title(figure, style, fill, cycle, what, about)
    axes = [row[0] for row in panels(figure, style, len(BEAMS), 1, margins=TALL_LEGENDS)]
    for ax, beam in zip(axes, BEAMS):
        parts = times_min(cycle, beam)
        series = [
            (slots, minutes, PART[name], f"{name}\n{spread_of_bunches(minutes, 'min')}")
            for name, (slots, minutes) in parts.items()
        ]
        slots_panel(ax, beam, "minutes", series)
        if any(finite(minutes).size for _, minutes in parts.values()):
            ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    names = ("Injection", "he_before_SB")
    share_slots(axes, [slots_of(cycle, beam, name) for beam in BEAMS for name in names])
    return figure


def times_min(cycle: Cycle, beam: int) -> dict[str, tuple[IntArray, FloatArray]]:
    """Return slots, and the minutes of each, for every part of the cycle."""
    injection = cycle.intervals.get((beam, "Injection"))
    flat_top = cycle.intervals.get((beam, "he_before_SB"))
    parts = {}
    for name, part in (("injection", injection), ("ramp", None), ("flat top", flat_top)):
        parts[name] = (np.empty(0, np.int64), np.empty(0))
        if part is not None:
            parts[name] = (part.slots, (part.end.time_s - part.start.time_s) / 60)
    if injection is not None and flat_top is not None:
        slots, i, j = np.intersect1d(injection.slots, flat_top.slots, return_indices=True)
        parts["ramp"] = (slots, (flat_top.start.time_s[j] - injection.end.time_s[i]) / 60)
    return parts


# --- histograms


@drawing
def draw_cycle_histograms(
    cycle: Cycle, fill: int, *, about: About = NOTHING_KNOWN, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw histograms over bunches of emittances, intensity and brightness."""
    figure = new_figure(style)
    what = "Bunches at the four instants of the cycle; legends: median ± half of the middle 68 %"
    cycle_title(figure, style, fill, cycle, what, about)
    margins = Margins(6.0, 1.4, top=7.4, bottom=2.9, between_columns=2.8, between_rows=7.2)
    rows = panels(figure, style, 2, 4, margins=margins)
    for row, beam in zip(rows, BEAMS):
        for ax, quantity in zip(row, (EMIT_H, EMIT_V, INTENSITY, BRIGHTNESS)):
            instants_histogram(ax, cycle, beam, quantity)
        row[0].set_ylabel(f"Beam {beam}\nbunches", color=BEAM[beam].color)
    return figure


def instants_histogram(ax: Axes, cycle: Cycle, beam: int, quantity: Quantity) -> None:
    """Draw histograms of a quantity at the four instants, over the same bins."""
    values = {
        m.name: values_of(cycle.intervals.get((beam, m.interval)), m.end, quantity) for m in MOMENTS
    }
    known = {name: finite(v) for name, v in values.items()}
    low, high = robust_limits(*known.values())
    most = max(v.size for v in known.values())
    edges = np.linspace(low, high, int(np.clip(2 * np.sqrt(most), 10, 60)) + 1)
    for look, (name, shown) in zip(INSTANT, known.items()):
        counts, _ = np.histogram(shown, edges)
        # A line of steps is quicker to draw than patches, and has the dashes of the look.
        ax.plot(
            np.repeat(edges, 2), np.concatenate([[0], np.repeat(counts, 2), [0]]),
            color=look.color, linestyle=look.linestyle, linewidth=1.5,
            label=f"{name} {spread_of_bunches(values[name], '')}",
        )  # fmt: skip
    ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    ax.set_ylim(bottom=0)
    few_ticks(ax.xaxis, 4)
    few_ticks(ax.yaxis, 4, integer=True)
    ax.set_xlabel(quantity.label, labelpad=1.0)
    outside = sum(np.count_nonzero((v < low) | (v > high)) for v in known.values())
    if outside:
        ax.set_title(f"{outside:,} outside", loc="right", size="x-small", y=0.86)
    if not most:
        note_missing(ax, "no values")
    legend_above(ax, 1, size="x-small")


def _emittances_of(beam: int) -> Picture[CycleResults]:
    return Picture(
        f"cycle_emittancesbbb_b{beam}",
        f"emittances of each bunch of beam {beam} at the four instants",
        lambda r, style: draw_cycle_emittances(r.cycle, beam, r.fill, about=r.about, style=style),
    )


def _of_both(name: str, shows: str, quantity: Quantity, words: str) -> Picture[CycleResults]:
    return Picture(
        name,
        shows,
        lambda r, style: draw_cycle_quantity(
            r.cycle, quantity, words, r.fill, about=r.about, style=style
        ),
    )


CYCLE_PICTURES: tuple[Picture[CycleResults], ...] = (
    *(_emittances_of(beam) for beam in BEAMS),
    _of_both("cycle_intensitiesbbb", "intensity of each bunch", INTENSITY, "Intensity"),
    _of_both(
        "cycle_brightnessbbb",
        "brightness (intensity over mean emittance) of each bunch",
        BRIGHTNESS,
        "Brightness",
    ),
    _of_both("cycle_blengthbbb", "length of each bunch", CYCLE_LENGTH, "Bunch length"),
    Picture(
        "cycle_timebbb",
        "time of each bunch at injection, through the ramp, and at flat top",
        lambda r, style: draw_cycle_times(r.cycle, r.fill, about=r.about, style=style),
    ),
    Picture(
        "cycle_histos",
        "histograms over bunches of emittances, intensity and brightness",
        lambda r, style: draw_cycle_histograms(r.cycle, r.fill, about=r.about, style=style),
    ),
)


def cycle_sets(paths: FillPaths) -> list[PictureSet[CycleResults]]:
    """Return the pictures of the cycle."""
    load = partial(CycleResults.load, paths)
    return [
        PictureSet(CYCLE_PICTURES, load, needs=(paths.cycle,), uses=(paths.sb, paths.lumi_calc))
    ]
