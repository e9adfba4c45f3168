"""Maps of every bunch against time: what has changed since the start, in per cent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.about import (
    BY_BSRT,
    BY_FBCT,
    NOTHING_KNOWN,
    OF_CALCULATED,
    About,
    Unmeasured,
    without_gaps,
)
from lumimod.plots.axes import ROUND_STEPS, few_ticks, hours_since, set_ticks, unit_of
from lumimod.plots.layout import Margins, note_missing, panels, title
from lumimod.plots.maps import ChangeScale, change_percent, change_scale, grey_background
from lumimod.plots.marks import shade_gaps
from lumimod.plots.style import DEFAULT_STYLE, Style, drawing, new_figure
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
    maps = [_maps_of(sb, lumi, beam, about) for beam in BEAMS]
    scales = [change_scale(*(of.values for of in same)) for same in zip(*maps)]
    for row, of_beam in zip(rows, maps):
        for ax, one, scale in zip(row, of_beam, scales):
            _map(ax, sb, one, scale)
            few_ticks(ax.xaxis, 4, steps=ROUND_STEPS)
        row[0].set_ylabel("bunch")
    for ax in rows[-1]:
        ax.set_xlabel(f"{unit_of(hours_since(sb.time_s))[1]} of stable beams")
    return figure


class _Map(NamedTuple):
    """A quantity of the colliding bunches, (n_times, n_slots); NaN where it was not measured."""

    name: str
    values: FloatArray
    gaps: Sequence[Unmeasured]


def _maps_of(
    sb: StableBeams, lumi: CalculatedLumi | MeasuredLumi | None, beam: int, about: About
) -> list[_Map]:
    """Return what a row shows: three quantities of a beam, and one of an experiment."""
    b = sb.bunches[beam, "coll"]
    calculated = isinstance(lumi, CalculatedLumi)
    found = (
        (f"B{beam} εH", b.emit_h_um, (BY_BSRT,), (beam,)),
        (f"B{beam} εV", b.emit_v_um, (BY_BSRT,), (beam,)),
        (f"B{beam} intensity", b.intensity_ppb, (BY_FBCT,), (beam,)),
        (
            *_specific(sb, lumi, "ATLAS" if beam == BEAMS[0] else "CMS"),
            OF_CALCULATED if calculated else (BY_FBCT,),
            BEAMS,
        ),
    )
    each = ((name, values, about.gaps_of(by, beams)) for name, values, by, beams in found)
    return [_Map(name, without_gaps(values, sb.time_s, gaps), gaps) for name, values, gaps in each]


def _specific(
    sb: StableBeams, lumi: CalculatedLumi | MeasuredLumi | None, experiment: str
) -> tuple[str, FloatArray]:
    """Return luminosity over the product of intensities of each pair, (n_times, n_slots)."""
    kind = " calc." if isinstance(lumi, CalculatedLumi) else ""
    name = f"{experiment}{kind} L/(N1 N2)"
    n1, n2 = (sb.bunches[beam, "coll"].intensity_ppb for beam in BEAMS)
    if lumi is None:
        return name, np.full(n1.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return name, lumi.bunch_lumi[experiment] / (n1 * n2)


def _map(ax: Axes, sb: StableBeams, of: _Map, scale: ChangeScale) -> None:
    known = np.isfinite(of.values).any()
    words = f": {scale.words} [%]" if known else ""
    ax.set_title(f"{of.name}{words}", size="small", loc="left", pad=3.0)
    if not known:
        ax.grid(visible=False)
        note_missing(ax, "no data")
        return
    change = change_percent(of.values)
    hours = hours_since(sb.time_s)
    per_hour = unit_of(hours)[0]
    image = ax.imshow(
        np.ma.masked_invalid(change.T), cmap=scale.colors, vmin=scale.low, vmax=scale.high,
        aspect="auto", origin="lower",
        extent=(0.0, float(per_hour * hours[-1]), -0.5, change.shape[1] - 0.5), zorder=2,
    )  # fmt: skip
    grey_background(ax)
    shade_gaps(ax, sb.time_s, of.gaps, per_hour=per_hour)
    few_ticks(ax.yaxis, 5, integer=True, steps=ROUND_STEPS)
    if change.shape[1] == 1:
        set_ticks(ax.yaxis, [0.0])
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.03)
    bar.ax.tick_params(labelsize="x-small")
