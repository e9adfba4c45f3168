"""Picture of the emittances from luminosity beside those of the BSRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_BQM, BY_BSRT, BY_FBCT, NOTHING_KNOWN, About, without_gaps
from lumimod.plots.axes import (
    ROUND_STEPS,
    few_ticks,
    hour_axis,
    hours_since,
    ratio_axis,
    set_value_axis,
    share_values,
)
from lumimod.plots.layout import Margins, figure_without, legend_above, panels, title
from lumimod.plots.marks import mark_steps, shade_gaps, steps_of_both
from lumimod.plots.numbers import spread_text
from lumimod.plots.panels import draw_evolution, draw_line
from lumimod.plots.style import DEFAULT_STYLE, EXPERIMENT, Look, Style, drawing, new_figure
from lumimod.records import BEAMS, EXPERIMENTS, LumiEmittance, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UM_PER_M = 1e6
_LUMI, _BSRT = Look("#d55e00", "-", "o"), Look("#0b3c6f", "--", "s")


@drawing
def draw_lumi_emittances(
    sb: StableBeams,
    emittance: LumiEmittance | None,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw emittances from the luminosities of ATLAS and CMS beside the mean of both BSRTs."""
    what = "Emittance of colliding bunches, mean of both beams: from luminosity and by BSRT"
    if emittance is None:
        return figure_without(style, fill, sb.time_s[0], what, "step emittance was not run", about)
    figure = new_figure(style)
    if emittance.separation_m:
        what += ", not while levelled"
    if about.betastar:
        what += f"; with {about.betastar}"
    title(figure, style, fill, sb.time_s[0], what, about)
    separated = bool(emittance.separation_m)
    margins = Margins(left=6.0, top=5.4, between_columns=6.8)
    heights: tuple[float, ...] = (2.2, 1.0)
    if separated:
        margins, heights = replace(margins, between_rows=1.9), (1.6, 1.0, 1.0)
    rows = panels(figure, style, len(heights), 2, margins=margins, heights=heights)
    gaps = about.gaps_of((BY_BSRT,))
    hours = hours_since(sb.time_s)
    sides = (
        ("h", "horizontal", emittance.emit_h_um, emittance.ratio_h, emittance.scale_error_h),
        ("v", "vertical", emittance.emit_v_um, emittance.ratio_v, emittance.scale_error_v),
    )
    for column, (plane, words, from_lumi, ratio, error) in enumerate(sides):
        top, bottom = rows[0][column], rows[1][column]
        bsrt = without_gaps(_both_beams(sb, plane), sb.time_s, gaps)
        ratio = without_gaps(ratio, sb.time_s, gaps)
        label = f"from luminosity, ±{100 * error:.0f} % in common"
        from_lumi = without_gaps(from_lumi, sb.time_s, about.gaps_of((BY_FBCT, BY_BQM)))
        draw_evolution(top, hours, from_lumi, _LUMI, label)
        draw_evolution(top, hours, bsrt, _BSRT, "BSRT")
        set_value_axis(top, f"ε {words} [µm]", from_lumi, bsrt)
        hour_axis(top, sb.time_s, label=False)
        legend_above(top, 2)
        draw_line(bottom, hours, ratio, Look("black"))
        ratio_axis(bottom, "luminosity /\nBSRT", ratio)
        bottom.set_title(f"median {spread_text(ratio, '')}", loc="right", size="small", pad=3.0)
        hour_axis(bottom, sb.time_s, label=not separated)
        for ax in (top, bottom):
            shade_gaps(ax, sb.time_s, gaps, words=ax is top)
        mark_steps((top, bottom), sb.time_s, steps_of_both(sb, about))
    share_values(rows[1])
    if separated:
        _draw_separations(rows[2], sb, emittance)
        for ax in (*rows[0], *rows[1]):
            ax.tick_params(labelbottom=False)
        for ax in (*rows[1], *rows[2]):
            ax.yaxis.label.set_fontsize("small")
    return figure


def _draw_separations(row: Sequence[Axes], sb: StableBeams, emittance: LumiEmittance) -> None:
    """Draw by how much the beams were separated at each experiment to level its luminosity."""
    for ax, exp in zip(row, EXPERIMENTS):
        separation_um = emittance.separation_m[exp] * UM_PER_M
        draw_line(ax, hours_since(sb.time_s), separation_um, EXPERIMENT[exp])
        set_value_axis(ax, f"{exp}\nseparation [µm]", separation_um, include=0.0)
        few_ticks(ax.yaxis, 4, steps=ROUND_STEPS)
        hour_axis(ax, sb.time_s)
    share_values(row)


def _both_beams(sb: StableBeams, plane: str) -> FloatArray:
    """Return the mean of both beams' emittances, (n_times, n_slots)."""
    both = [getattr(sb.bunches[beam, "coll"], f"emit_{plane}_um") for beam in BEAMS]
    return np.asarray((both[0] + both[1]) / 2)
