"""Maps of every bunch against time: what has changed since the start, in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import BY_BSRT, BY_FBCT, NOTHING_KNOWN, About, without_gaps
from lumimod.plots.axes import ROUND_STEPS, few_ticks, hours_since, set_ticks, unit_of
from lumimod.plots.layout import Margins, note_missing, panels, title
from lumimod.plots.maps import change_percent, change_scale
from lumimod.plots.style import CHANGE_MAP, DEFAULT_STYLE, Style, drawing, new_figure
from lumimod.records import BEAMS, CalculatedLumi, MeasuredLumi, StableBeams

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawing
def draw_maps(
    sb: StableBeams,
    lumi: CalculatedLumi | MeasuredLumi | None,
    fill: int,
    *,
    about: About = NOTHING_KNOWN,
    style: Style = DEFAULT_STYLE,
) -> Figure:
    """Draw maps of both beams' emittances and intensity, and of specific luminosity.

    Parameters
    ----------
    sb
        Stable beams of the fill.
    lumi
        Measured or calculated luminosity; None: its maps say so.
    fill
        Its number.
    about
        Facts and gaps of the fill: nothing is shown where an instrument did not measure.
    style
        Look of the picture.
    """
    figure = new_figure(style)
    what = "Colliding bunches in order of their slots against time: change since the start"
    title(figure, style, fill, sb.time_s[0], what, about)
    margins = Margins(top=5.0, right=4.0, between_columns=6.0, between_rows=3.9)
    rows = panels(figure, style, 2, 4, margins=margins)
    for row, beam in zip(rows, BEAMS):
        b = sb.bunches[beam, "coll"]
        maps = (
            (f"B{beam} εH", b.emit_h_um, (BY_BSRT,)),
            (f"B{beam} εV", b.emit_v_um, (BY_BSRT,)),
            (f"B{beam} intensity", b.intensity_ppb, (BY_FBCT,)),
            (*_specific(sb, lumi, "ATLAS" if beam == BEAMS[0] else "CMS"), (BY_FBCT,)),
        )
        for number, (ax, (name, values, by)) in enumerate(zip(row, maps)):
            gaps = about.gaps_of(by, (beam,))
            _map(ax, sb, None if values is None else without_gaps(values, sb.time_s, gaps), name)
            few_ticks(ax.xaxis, 4, steps=ROUND_STEPS)
            if number == 0:
                ax.set_ylabel("bunch")
            if beam == BEAMS[-1]:
                ax.set_xlabel(f"{unit_of(hours_since(sb.time_s))[1]} of stable beams")
    return figure


def _specific(
    sb: StableBeams, lumi: CalculatedLumi | MeasuredLumi | None, experiment: str
) -> tuple[str, FloatArray | None]:
    """Return luminosity over the product of intensities of each pair, (n_times, n_slots)."""
    kind = " calc." if isinstance(lumi, CalculatedLumi) else ""
    name = f"{experiment}{kind} L/(N1 N2)"
    if lumi is None:
        return name, None
    n1, n2 = (sb.bunches[beam, "coll"].intensity_ppb for beam in BEAMS)
    with np.errstate(divide="ignore", invalid="ignore"):
        return name, lumi.bunch_lumi[experiment] / (n1 * n2)


def _map(ax: Axes, sb: StableBeams, values: FloatArray | None, name: str) -> None:
    ax.set_title(name, size="small", loc="left", pad=3.0)
    ax.grid(visible=False)
    if values is None or not np.isfinite(values).any():
        note_missing(ax, "no data")
        return
    change = change_percent(values)
    hours = hours_since(sb.time_s)
    last = float(hours[-1] * unit_of(hours)[0])
    most = change_scale(values)
    image = ax.imshow(
        np.ma.masked_invalid(change.T), cmap=CHANGE_MAP, vmin=-most, vmax=most, aspect="auto",
        origin="lower", extent=(0.0, last, -0.5, change.shape[1] - 0.5),
    )  # fmt: skip
    few_ticks(ax.yaxis, 5, integer=True, steps=ROUND_STEPS)
    if change.shape[1] == 1:
        set_ticks(ax.yaxis, [0.0])
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.03)
    bar.ax.tick_params(labelsize="x-small")
    bar.ax.set_title("%", size="x-small")
