"""What pictures of the cycle and of its model share: values of a record, panels by slot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import LumimodError
from lumimod.paths import FillPaths
from lumimod.physics.constants import PROTON_MASS_GEV
from lumimod.plots.about import NOTHING_KNOWN, About, about_fill
from lumimod.plots.axes import set_value_axis, slot_axis
from lumimod.plots.layout import legend_above, note_missing, title, write_title
from lumimod.plots.numbers import finite
from lumimod.plots.panels import draw_slots, shown_slots
from lumimod.plots.quantities import Quantity
from lumimod.plots.style import BEAM, Look, Style
from lumimod.records import (
    BEAMS,
    CalculatedLumi,
    Cycle,
    CycleInterval,
    Instant,
    StableBeams,
    store,
)
from lumimod.records.cycle import INTERVALS
from lumimod.records.diary import Diary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)


def slots_of(cycle: Cycle, beam: int, interval: str) -> IntArray:
    """Return the slots of an interval; none if the record does not have it."""
    part = cycle.intervals.get((beam, interval))
    return np.empty(0, np.int64) if part is None else part.slots


def values_of(part: CycleInterval | None, end: bool, quantity: Quantity) -> FloatArray:
    """Return a quantity of all slots at the start or end of an interval, in the unit shown."""
    if part is None:
        return np.empty(0)
    instant: Instant = part.end if end else part.start
    values: FloatArray | None = getattr(instant, quantity.field)
    return np.full(part.slots.size, np.nan) if values is None else values * quantity.scale


def about_cycle(paths: FillPaths, cycle: Cycle) -> About:
    """Return what is known of a fill: of its stable beams, if they were followed up."""
    try:
        sb = store.load_if_there(paths.sb, StableBeams)
        if sb is not None:
            calc = store.load_if_there(paths.lumi_calc, CalculatedLumi)
            return about_fill(paths, sb, calc, None)
    except LumimodError as exc:  # its own pictures fail for it
        log.debug("fill %d: header of pictures of the cycle: %s", paths.fill, exc)
    made = Diary(paths.folder).made(paths.cycle)
    counts = [max(slots_of(cycle, beam, name).size for name in INTERVALS) for beam in BEAMS]
    energy_tev = paths.cfg.machine.gamma_ft * PROTON_MASS_GEV / 1e3
    bunches = " / ".join(f"{n:,}" for n in dict.fromkeys(counts))
    return About(
        facts=(f"{energy_tev:.3g} TeV", f"{bunches} bunch{'es' if max(counts) > 1 else ''}"),
        in_progress=made is not None and made.in_progress,
    )


def cycle_title(
    figure: Figure, style: Style, fill: int, cycle: Cycle, what: str, about: About = NOTHING_KNOWN
) -> None:
    """Write the title, with the declaration of stable beams, where the flat top ends."""
    ends = (cycle.intervals.get((beam, "he_before_SB")) for beam in BEAMS)
    declared = [part.t_end_s for part in ends if part is not None and part.t_end_s is not None]
    if declared:
        title(figure, style, fill, declared[0], what, about)
    else:
        write_title(figure, style, f"Fill {fill}: cycle", what, " · ".join(about.facts))


def slots_panel(
    ax: Axes,
    beam: int,
    label: str,
    series: Sequence[tuple[IntArray, FloatArray, Look, str]],
    n_columns: int = 4,
) -> None:
    """Draw points for each of `series`: slots, values, look, legend. Say so if there are none."""
    for slots, values, look, text in series:
        draw_slots(ax, slots, values, look, text)
    drawn = [values for _, values, _, _ in series]
    shown = [of for slots, values, _, _ in series for of in shown_slots(slots, values)]
    set_value_axis(ax, f"Beam {beam}\n{label}", *shown)
    ax.yaxis.label.set_color(BEAM[beam].color)
    if not any(finite(values).size for values in drawn):
        note_missing(ax, f"beam {beam}: no bunch was measured")
    legend_above(ax, n_columns, marker_size=7.0)


def share_slots(axes: Sequence[Axes], slots: Sequence[IntArray]) -> None:
    """Give all panels of a column the same slots; only the last panel labels them."""
    for ax in axes:
        slot_axis(ax, *slots, label=ax is axes[-1])
        ax.tick_params(labelbottom=ax is axes[-1])
