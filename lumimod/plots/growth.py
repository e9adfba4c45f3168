"""Picture of the emittance growth beyond that of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lumimod.plots.about import BY_BSRT, NOTHING_KNOWN, About, without_gaps
from lumimod.plots.axes import hour_axis, hours_since, set_value_axis, share_values, slot_axis
from lumimod.plots.layout import Margins, figure_without, legend_above, panels, title
from lumimod.plots.marks import shade_gaps
from lumimod.plots.numbers import spread_text
from lumimod.plots.panels import draw_line, draw_slots
from lumimod.plots.style import BEAM, DEFAULT_STYLE, REFERENCE, Style, drawing, new_figure
from lumimod.records import BEAMS, GrowthBeyond, StableBeams
from lumimod.tables.lhc import PLANES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {"h": "H", "v": "V"}


@drawing
def draw_extra_growth(
    sb: StableBeams,
    growth: GrowthBeyond | None,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw what the emittances gained beyond the model: left summed, right each bunch's rate.

    The first case of the model is shown.
    """
    if growth is None:
        what = "Emittance growth beyond the model"
        return figure_without(style, fill, sb.time_s[0], what, "step growth was not run", about)
    case, by_family = next(iter(growth.cases.items()))
    figure = new_figure(style)
    what = (
        "Emittance growth of colliding bunches beyond one step of the model (scattering and "
        f"damping), case {case}"
    )
    title(figure, style, fill, sb.time_s[0], what, about)
    rows = panels(figure, style, 2, 2, margins=Margins(top=5.2, between_columns=7.2))
    hours = hours_since(sb.time_s)[:-1]
    for (left, right), plane in zip(rows, PLANES):
        drawn, rates = [], []
        for beam in BEAMS:
            family = by_family[beam, "coll"]
            of = family.planes[plane]
            # The model of a beam needs the other one too: without it sums would stand still.
            summed_um = without_gaps(of.summed_um, sb.time_s, about.gaps_of((BY_BSRT,)))
            draw_line(left, hours, summed_um, BEAM[beam], label=f"B{beam}")
            label = f"B{beam}: {spread_text(of.growth_um_h, 'µm/h')}"
            draw_slots(right, family.slots, of.growth_um_h, BEAM[beam], label)
            drawn.append(summed_um)
            rates.append(of.growth_um_h)
        left.axhline(0.0, color=REFERENCE, linewidth=1.0)
        right.axhline(0.0, color=REFERENCE, linewidth=1.0)
        set_value_axis(left, f"{_NAMES[plane]}: summed [µm]", *drawn, include=0.0)
        set_value_axis(right, f"{_NAMES[plane]} [µm/h]", *rates, include=0.0)
        hour_axis(left, sb.time_s, label=plane == "v")
        shade_gaps(left, sb.time_s, about.gaps_of((BY_BSRT,)))
        slots = [by_family[beam, "coll"].slots for beam in BEAMS]
        slot_axis(right, *slots, label=plane == "v")
        legend_above(left, 2)
        legend_above(right, 2, marker_size=6.0)
    for column in zip(*rows):
        share_values(column)
    return figure
