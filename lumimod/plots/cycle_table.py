"""Table picture of emittances through the cycle: what was gained in each part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.layout import Margins, figure_without, panels, title
from lumimod.plots.numbers import minus
from lumimod.plots.style import BEAM, DEFAULT_STYLE, MODEL, Look, Style, drawing, new_figure
from lumimod.records import BEAMS, Cycle, StableBeams
from lumimod.tables.lhc import PLANES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS = {"Injection": "injection", "ramp": "ramp", "he_before_SB": "flat top", "SB": "stable"}
_MODELLED = Look(MODEL["IBSBOff"].color, ":", "D")


@drawing
def draw_cycle_table(
    sb: StableBeams,
    cycle: Cycle | None,
    cycle_model: Cycle | None,
    fill: int,
    *,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw the growth of emittances in each part of the cycle, as bars with their numbers."""
    what = "Growth of emittances in each part of the cycle: mean over bunches [µm], diamond: model"
    if cycle is None:
        return figure_without(style, fill, sb.time_s[0], what, "step cycle was not run")
    figure = new_figure(style)
    title(figure, style, fill, sb.time_s[0], what)
    (row,) = panels(figure, style, 1, 2, margins=Margins(top=4.8))
    for ax, plane in zip(row, PLANES):
        for beam in BEAMS:
            _bars(ax, growth_um(cycle, sb, beam, plane), beam)
            if cycle_model is not None:
                _models(ax, growth_um(cycle_model, None, beam, plane), beam)
        ax.set_xticks(range(len(_PARTS)), list(_PARTS.values()))
        ax.set_ylabel(f"growth of ε{plane.upper()} [µm]")
        ax.axhline(0.0, color="black", linewidth=0.8)
        ax.margins(y=0.15)
        ax.grid(visible=False, axis="x")
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=4, fontsize="small")
    return figure


def growth_um(cycle: Cycle, sb: StableBeams | None, beam: int, plane: str) -> dict[str, float]:
    """Return the mean growth of one emittance by part of the cycle; NaN where it is not known.

    The ramp and, with `sb`, stable beams are those of the bunches that were measured at both ends.
    """
    name = f"emit_{plane}_um"
    out = dict.fromkeys(_PARTS, float("nan"))
    ends = {}
    for part in ("Injection", "he_before_SB"):
        interval = cycle.intervals.get((beam, part))
        if interval is not None:
            out[part] = _mean(getattr(interval.end, name) - getattr(interval.start, name))
            ends[part] = interval
    if len(ends) == 2 and sb is not None:
        before, after = ends["Injection"], ends["he_before_SB"]
        _, i, j = np.intersect1d(before.slots, after.slots, return_indices=True)
        out["ramp"] = _mean(getattr(after.start, name)[j] - getattr(before.end, name)[i])
    if sb is not None:
        values: FloatArray = getattr(sb.bunches[beam, "coll"], name)
        rows = np.flatnonzero(np.isfinite(values).any(axis=1))
        if rows.size:
            out["SB"] = _mean(values[rows[-1]] - values[rows[0]])
    return out


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _bars(ax: Axes, growth: dict[str, float], beam: int) -> None:
    places = np.arange(len(growth)) + (0.2 if beam == BEAMS[1] else -0.2)
    heights = np.array(list(growth.values()))
    ax.bar(
        places, np.nan_to_num(heights), 0.36, color=BEAM[beam].color, label=f"B{beam}",
        hatch="" if beam == BEAMS[0] else "//", edgecolor="white",
    )  # fmt: skip
    for place, height in zip(places, heights):
        known = np.isfinite(height)
        text = minus(f"{height:+.2f}") if known else "–"
        ax.annotate(
            text, (place, height if known else 0.0), (0, 4 if not height < 0 else -4),
            textcoords="offset points", ha="center", va="bottom" if not height < 0 else "top",
            size="small",
        )  # fmt: skip


def _models(ax: Axes, growth: dict[str, float], beam: int) -> None:
    places = np.arange(len(growth)) + (0.2 if beam == BEAMS[1] else -0.2)
    ax.plot(
        places, list(growth.values()), linestyle="none", marker=_MODELLED.marker, markersize=9,
        color=_MODELLED.color, markeredgecolor="black",
        label="model of scattering" if beam == BEAMS[0] else None,
    )  # fmt: skip
