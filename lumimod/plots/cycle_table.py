"""Table picture of emittances through the cycle: what was gained in each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_BSRT, NOTHING_KNOWN, About, Unmeasured
from lumimod.plots.layout import Margins, figure_without, legend_above, panels, title
from lumimod.plots.numbers import minus
from lumimod.plots.style import BEAM, DEFAULT_STYLE, MODEL, Look, Style, drawing, new_figure
from lumimod.readers.stamps import ZURICH
from lumimod.records import BEAMS, StableBeams
from lumimod.tables.lhc import PLANES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS = {"injection": "injection", "ramp": "ramp", "flat_top": "flat top", "stable": "stable"}
_MODELLED = Look(MODEL["IBSBOff"].color, ":", "D")


@drawing
def draw_cycle_table(
    sb: StableBeams,
    facts: Mapping[str, Any],
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the growth of emittances in each part of the cycle, as bars with their numbers.

    `facts` are those of the season table, such as `b1_growth_h_injection_um`.
    """
    what = "Growth of emittances in each part of the cycle: mean over bunches [µm], diamond: model"
    if not any("_growth_" in name for name in facts):
        return figure_without(
            style, fill, sb.time_s[0], what, "no part of the cycle was measured", about
        )
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what, about)
    (row,) = panels(figure, style, 1, 2, margins=Margins(top=4.8))
    for ax, plane in zip(row, PLANES):
        for beam in BEAMS:
            until = _until(sb, about.gaps_of((BY_BSRT,), (beam,)))
            _bars(ax, _growth_um(facts, beam, plane, "um"), beam, until)
            _models(ax, _growth_um(facts, beam, plane, "model_um"), beam)
        ax.set_xticks(range(len(_PARTS)), list(_PARTS.values()))
        ax.set_ylabel(f"growth of ε{plane.upper()} [µm]")
        ax.axhline(0.0, color="black", linewidth=0.8)
        ax.margins(y=0.15)
        ax.grid(visible=False, axis="x")
        legend_above(ax, 4)
    return figure


def _growth_um(facts: Mapping[str, Any], beam: int, plane: str, ending: str) -> FloatArray:
    """Return the growth of one emittance in each part of the cycle, NaN where it is not known."""
    names = (f"b{beam}_growth_{plane}_{part}_{ending}" for part in _PARTS)
    return np.array([facts.get(name, np.nan) for name in names])


def _until(sb: StableBeams, gaps: Sequence[Unmeasured]) -> str:
    """Return until when the growth in stable beams is, if it was not measured to their end."""
    early = [gap.start_s for gap in gaps if gap.end_s >= sb.time_s[-1]]
    return f"to {datetime.fromtimestamp(min(early), ZURICH):%H:%M}" if early else ""


def _bars(ax: Axes, heights: FloatArray, beam: int, until: str) -> None:
    places = np.arange(len(heights)) + (0.2 if beam == BEAMS[1] else -0.2)
    ax.bar(
        places, np.nan_to_num(heights), 0.36, color=BEAM[beam].color, label=f"B{beam}",
        hatch="" if beam == BEAMS[0] else "//", edgecolor="white",
    )  # fmt: skip
    for place, height in zip(places, heights):
        known = np.isfinite(height)
        text = minus(f"{height:+.2f}") if known else "–"
        text = "0.00" if text[1:] == "0.00" else text
        if until and place == places[-1]:
            text += f"\n{until}"
        ax.annotate(
            text, (place, height if known else 0.0), (0, 4 if not height < 0 else -4),
            textcoords="offset points", ha="center", va="bottom" if not height < 0 else "top",
            size="x-small",
        )  # fmt: skip


def _models(ax: Axes, heights: FloatArray, beam: int) -> None:
    places = np.arange(len(heights)) + (0.2 if beam == BEAMS[1] else -0.2)
    ax.plot(
        places, heights, linestyle="none", marker=_MODELLED.marker, markersize=9,
        color=_MODELLED.color, markeredgecolor="black",
        label="model of scattering" if beam == BEAMS[0] else None,
    )  # fmt: skip
