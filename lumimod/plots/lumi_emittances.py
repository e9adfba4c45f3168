"""Picture of the emittances from luminosity beside those of the BSRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.axes import few_ticks, hour_axis, hours_since, limits_of_each, set_value_axis
from lumimod.plots.layout import Margins, figure_without, legend_above, panels, title
from lumimod.plots.numbers import spread_text
from lumimod.plots.panels import draw_evolution, draw_line
from lumimod.plots.style import DEFAULT_STYLE, REFERENCE, Look, Style, drawing, new_figure
from lumimod.records import BEAMS, LumiEmittance, StableBeams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LUMI, _BSRT = Look("#d55e00", "-", "o"), Look("#0072b2", "--", "s")


@drawing
def draw_lumi_emittances(
    sb: StableBeams, emittance: LumiEmittance | None, fill: int, *, style: Style = DEFAULT_STYLE
) -> Figure:
    """Draw emittances from the luminosities of ATLAS and CMS beside the mean of both BSRTs."""
    what = "Emittance of colliding bunches, mean of both beams: from luminosity and by BSRT"
    if emittance is None:
        return figure_without(style, fill, sb.time_s[0], what, "step emittance was not run")
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what)
    rows = panels(figure, style, 2, 2, margins=Margins(top=5.4), heights=(2.2, 1))
    hours = hours_since(sb.time_s)
    sides = (
        ("h", "horizontal", emittance.emit_h_um, emittance.ratio_h, emittance.scale_error_h),
        ("v", "vertical", emittance.emit_v_um, emittance.ratio_v, emittance.scale_error_v),
    )
    for column, (plane, words, from_lumi, ratio, error) in enumerate(sides):
        top, bottom = rows[0][column], rows[1][column]
        bsrt = _both_beams(sb, plane)
        label = f"from luminosity, ±{100 * error:.0f} % in common"
        draw_evolution(top, hours, from_lumi, _LUMI, label)
        draw_evolution(top, hours, bsrt, _BSRT, "BSRT")
        set_value_axis(top, f"{words} [µm]", from_lumi, bsrt)
        hour_axis(top, sb.time_s, label=False)
        legend_above(top, 2)
        draw_line(bottom, hours, ratio, Look("black"))
        bottom.axhline(1.0, color=REFERENCE, linewidth=1.2)
        bottom.set_ylim(*limits_of_each(ratio, np.array([0.99, 1.01])))
        bottom.set_ylabel("luminosity /\nBSRT")
        bottom.set_title(f"median {spread_text(ratio, '')}", loc="right", size="small", pad=3.0)
        few_ticks(bottom.yaxis, 4)
        hour_axis(bottom, sb.time_s)
    return figure


def _both_beams(sb: StableBeams, plane: str) -> FloatArray:
    """Return the mean of both beams' emittances, (n_times, n_slots)."""
    both = [getattr(sb.bunches[beam, "coll"], f"emit_{plane}_um") for beam in BEAMS]
    return np.asarray((both[0] + both[1]) / 2)
