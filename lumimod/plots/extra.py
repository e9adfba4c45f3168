"""The picture of the extra data of a whole fill: tunes, luminosities, beta* and more."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.axes import hour_axis
from lumimod.plots.extra_panels import (
    DEVICES,
    LIGHTER,
    ExtraData,
    lines_panel,
    note_variables,
    points_panel,
)
from lumimod.plots.families import Picture
from lumimod.plots.layout import Margins, panels, write_title
from lumimod.plots.modes import Shade, name_strip, shade, shades
from lumimod.plots.style import BEAM, DEFAULT_STYLE, EXPERIMENT, Look, Style, drawing, new_figure
from lumimod.readers.stamps import ZURICH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OTHER_EXPERIMENT = {"ALICE": Look("#8a5fb0", "-.", "^"), "LHCB": Look("#56b4e9", ":", "v")}
IP_LOOK = {
    "IP1": EXPERIMENT["ATLAS"],
    "IP5": EXPERIMENT["CMS"],
    "IP2": OTHER_EXPERIMENT["ALICE"],
    "IP8": OTHER_EXPERIMENT["LHCB"],
}
HEIGHT_PER_WIDTH = 1.25
STRIP_PART = 0.8
"""Height of the strip of beam modes, in units of the height of a panel."""


@drawing
def draw_extra_data(data: ExtraData, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw all extra data of a fill: a column for each beam, below it what both have in common.

    The picture is as wide as `style` says and taller than wide.
    """
    width_in = style.fig_size_in[0]
    style = dataclasses.replace(style, fig_size_in=(width_in, HEIGHT_PER_WIDTH * width_in))
    figure = new_figure(style)
    start = datetime.fromtimestamp(data.modes.t_startfill_s, ZURICH)
    write_title(
        figure, style, f"Fill {data.fill}: began on {start:%a %d %b %Y %H:%M} (Europe/Zurich)",
        "Tunes, luminosities and optics of the whole fill; beam modes shaded",
    )  # fmt: skip
    margins = Margins(left=5.2, top=3.4, bottom=3.8, between_columns=6.2, between_rows=2.6)
    rows = panels(figure, style, 7, 2, margins=margins, heights=[STRIP_PART, *[1.0] * 6])
    modes = shades(data.modes)
    hours = max((data.modes.t_endfill_s - data.modes.t_startfill_s) / 3600, 0.02)
    width_em = (width_in / style.em_in - margins.left - margins.right - margins.between_columns) / 2
    for ax in rows[0]:
        name_strip(ax, modes, hours, width_em)
    for beam in (1, 2):
        column = beam - 1
        _draw_tunes(rows[1][column], data, beam)
        _draw_trims(rows[2][column], data, beam)
        _draw_frequencies(rows[3][column], data, beam)
        _draw_amplitudes(rows[4][column], data, beam)
    _draw_luminosities(rows[5][0], data)
    _draw_betastar(rows[5][1], data)
    _draw_bunches(rows[6][0], data)
    _draw_cleaning(rows[6][1], data)
    span_s = np.array([data.modes.t_startfill_s, data.modes.t_startfill_s + 3600 * hours])
    for row in rows[1:]:
        for ax in row:
            _finish(ax, modes, span_s, last=row is rows[-1])
    return figure


def _finish(ax: Axes, modes: list[Shade], span_s: FloatArray, *, last: bool) -> None:
    shade(ax, modes)
    hour_axis(ax, span_s, label=False)
    if last:
        ax.set_xlabel("hours since the fill began | time of day (Europe/Zurich)")
    else:
        ax.set_xticklabels([])


# --- panels


def _draw_tunes(ax: Axes, data: ExtraData, beam: int) -> None:
    names = [f"LHC.BOFSU:TUNE_B{beam}_{plane}" for plane in "HV"]
    lines_panel(ax, data, names, lambda n: _of_plane(n, beam), "tune (feedback)")


def _draw_trims(ax: Axes, data: ExtraData, beam: int) -> None:
    names = [f"LHC.BOFSU:TUNE_TRIM_B{beam}_{plane}" for plane in "HV"]
    lines_panel(ax, data, names, lambda n: _of_plane(n, beam), "tune trim [10⁻³]", scale=1e3)


def _draw_frequencies(ax: Axes, data: ExtraData, beam: int) -> None:
    names = _bbq(beam, "EIGEN_FREQ")
    points_panel(ax, data, names, beam, "frequency [1/turn]", tail=0.02)


def _draw_amplitudes(ax: Axes, data: ExtraData, beam: int) -> None:
    names = _bbq(beam, "EIGEN_AMPL")
    points_panel(ax, data, names, beam, "BBQ amplitude", log=True)


def _draw_luminosities(ax: Axes, data: ExtraData) -> None:
    looks = {**EXPERIMENT, **OTHER_EXPERIMENT}
    names = [f"{experiment}:LUMI_TOT_INST" for experiment in looks]
    label = "luminosity [Hz/µb]"
    lines_panel(
        ax, data, names, lambda n: (looks[n.partition(":")[0]], n.partition(":")[0]), label,
        log=True, columns=4,
    )  # fmt: skip


def _draw_betastar(ax: Axes, data: ExtraData) -> None:
    names = [f"HX:BETASTAR_{ip}" for ip in IP_LOOK]
    lines_panel(
        ax, data, names, lambda n: (IP_LOOK[n[-3:]], n[-3:]), "β* [m]",
        scale=0.01, log=True, steps=True, columns=4,
    )  # fmt: skip


def _draw_bunches(ax: Axes, data: ExtraData) -> None:
    names = [f"LHC.BQM.B{beam}:NO_BUNCHES" for beam in BEAM]
    lines_panel(
        ax, data, names, lambda n: (BEAM[int(n[9])], f"beam {n[9]}"), "bunches",
        steps=True, zero=True,
    )  # fmt: skip


def _draw_cleaning(ax: Axes, data: ExtraData) -> None:
    """Draw when cleaning by the damper ran, as bars for each beam and plane."""
    names = [f"ADT{plane}.SR4.B{beam}:CLEANING_ISRUNNING" for beam in BEAM for plane in "HV"]
    end = (data.modes.t_endfill_s - data.modes.t_startfill_s) / 3600
    for row, name in enumerate(names):
        if name not in data.series:
            continue
        hours, values = data.hours(name), data.series[name].scalar()
        stops = np.append(hours[1:], max(end, hours[-1])) if hours.size else hours
        runs = [(a, b - a) for a, b, on in zip(hours, stops, values > 0) if on]
        beam = int(name.partition(".B")[2][0])
        ax.broken_barh(runs, (row - 0.35, 0.7), color=BEAM[beam].color, lw=0)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(range(len(names)), [f"B{b} {p}" for b in BEAM for p in "HV"])
    ax.set_title("cleaning by the damper is running", loc="left", size="small")
    note_variables(ax, data, names)


def _of_plane(name: str, beam: int) -> tuple[Look, str]:
    """Return look and label of a variable; the last letter of its name is its plane."""
    plane = name[-1]
    if plane == "H":
        return Look(BEAM[beam].color, "-"), f"beam {beam} horizontal"
    return Look(LIGHTER[beam], "-"), f"beam {beam} vertical"


def _bbq(beam: int, what: str) -> list[str]:
    return [f"LHC.BQBBQ.{d}.B{beam}:{what}_{mode}" for d in DEVICES for mode in (1, 2)]


EXTRA_PICTURE: Picture[ExtraData] = Picture(
    "extraData",
    "tunes and trims, BBQ frequencies and amplitudes, total luminosities, beta*, number of bunches "
    "and cleaning over the whole fill, with its beam modes shaded",
    lambda data, style: draw_extra_data(data, style=style),
)
"""It shows logged variables, not results of steps: Utilities/plot_extra_data.py draws it."""
