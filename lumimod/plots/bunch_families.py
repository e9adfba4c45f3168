"""Picture of losses and growth by family of bunches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.axes import ROUND_STEPS, few_ticks, share_values
from lumimod.plots.layout import Margins, figure_without, legend_above, panels, title
from lumimod.plots.quantities import MB_PER_M2
from lumimod.plots.style import BEAM, DEFAULT_STYLE, Style, drawing, new_figure
from lumimod.records import BEAMS, BeamLosses, FillLosses, StableBeams
from lumimod.summary.means import gained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawing
def draw_families(
    sb: StableBeams,
    losses: FillLosses | None,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw losses and growth of emittances by position in the train and long-range encounters."""
    what = "Colliding bunches by place in the train and long-range encounters: mean ± error"
    if losses is None:
        return figure_without(style, fill, sb.time_s[0], what, "step losses was not run", about)
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what, about)
    margins = Margins(left=6.6, top=5.0, between_columns=8.2)
    rows = panels(figure, style, 2, 2, margins=margins)
    for beam in BEAMS:
        of = losses.beams[beam]
        bunch = sb.bunches[beam, "coll"]
        position, long_range = (_of_colliding(of, n) for n in ("position", "n_long_range"))
        quantities = (of.fill_sigma_m2 * MB_PER_M2, gained(bunch.emit_h_um))
        for row, values in zip(rows, quantities):
            _grouped(row[0], position, values, beam)
            # Bunches with as many encounters are at different places in their trains.
            _grouped(row[1], long_range, values, beam, line="none")
    for row, label in zip(rows, ("effective\ncross-section [mb]", "growth of\nεH [µm]")):
        share_values(row)
        for ax in row:
            ax.set_ylabel(label)
            few_ticks(ax.yaxis, 5, steps=ROUND_STEPS)
    for ax, label in zip(rows[1], ("place in the train, from 0", "long-range encounters")):
        ax.set_xlabel(label)
    for ax in (ax for row in rows for ax in row):
        few_ticks(ax.xaxis, 8, integer=True)
    legend_above(rows[0][0], 2)
    return figure


def one_family(losses: FillLosses) -> bool:
    """Return whether all colliding bunches have one place in the train and as many encounters."""
    names = ("position", "n_long_range")
    of_each = [_of_colliding(of, name) for of in losses.beams.values() for name in names]
    return all(np.unique(values).size < 2 for values in of_each)


def _of_colliding(of: BeamLosses, name: str) -> IntArray:
    """Return a property of the families of the colliding bunches."""
    families = of.families
    places = np.searchsorted(families.slots, of.slots)
    values: IntArray = getattr(families, name)[places]
    return values


def _grouped(ax: Axes, group: IntArray, values: FloatArray, beam: int, *, line: str = "-") -> None:
    """Draw mean and standard error of the values of each group."""
    there = np.isfinite(values)
    names = np.unique(group[there])
    parts: Sequence[FloatArray] = [values[there & (group == name)] for name in names]
    mean = np.array([part.mean() for part in parts])
    error = np.array([part.std() / np.sqrt(part.size) for part in parts])
    look = BEAM[beam]
    ax.errorbar(
        names, mean, error, color=look.color, marker=look.marker, markersize=5, capsize=2,
        linestyle=line, linewidth=1.0, label=f"B{beam}",
    )  # fmt: skip
