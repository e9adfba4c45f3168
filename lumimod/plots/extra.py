"""The extra data of a whole fill: tunes, BBQ, luminosities, beta* and bunches against time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lumimod.arrays import FloatArray, Series
from lumimod.plots.modes import Shade, name_strip, shade, shades
from lumimod.plots.panels import (
    Margins,
    draw_line,
    hour_axis,
    legend_above,
    note_missing,
    panels,
    set_value_axis,
    write_title,
)
from lumimod.plots.style import (
    BEAM,
    DEFAULT_STYLE,
    EXPERIMENT,
    MUTED,
    Look,
    Style,
    drawing,
    new_figure,
)
from lumimod.readers.bmodes import FillModes
from lumimod.readers.stamps import ZURICH

PLANES = ("H", "V")
LIGHTER = {1: "#5aa9f0", 2: "#f28b95"}
"""The vertical plane of each beam: its colour, lighter."""
OTHER_EXPERIMENT = {"ALICE": Look("#8a5fb0", "-.", "^"), "LHCB": Look("#56b4e9", ":", "v")}
DEVICES = {"CONTINUOUS": "BBQ", "CONTINUOUS_HS": "BBQ HS"}
"""Ordinary and high-sensitivity."""
IP_LOOK = {
    "IP1": EXPERIMENT["ATLAS"],
    "IP5": EXPERIMENT["CMS"],
    "IP2": OTHER_EXPERIMENT["ALICE"],
    "IP8": OTHER_EXPERIMENT["LHCB"],
}
HEIGHT_PER_WIDTH = 1.25
STRIP_PART = 0.8
"""Height of the strip of beam modes, in heights of a panel."""
MOST_LETTERS = 66
LUMI_DECADES = 5


@dataclass(frozen=True)
class ExtraData:
    """Extra variables of a fill by their names of Run 2; those that are missing are absent."""

    fill: int
    modes: FillModes
    series: Mapping[str, Series]
    origin: str
    """Where they are from, to be named where one is missing."""

    def hours(self, name: str) -> FloatArray:
        """Return the times of a variable in hours since the fill began."""
        return (self.series[name].time_s - self.modes.t_startfill_s) / 3600


@drawing
def draw_extra_data(data: ExtraData, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw everything: a column for each beam, then what is common to both, below.

    The picture is as wide as `style` says, and higher than wide.
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
    found = shades(data.modes)
    hours = max((data.modes.t_endfill_s - data.modes.t_startfill_s) / 3600, 0.02)
    width_em = (width_in / style.em_in - margins.left - margins.right - margins.between_columns) / 2
    for ax in rows[0]:
        name_strip(ax, found, hours, width_em)
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
            _finish(ax, found, span_s, last=row is rows[-1])
    return figure


def _finish(ax: Axes, found: list[Shade], span_s: FloatArray, *, last: bool) -> None:
    shade(ax, found)
    hour_axis(ax, span_s, label=False)
    if last:
        ax.set_xlabel("hours since the fill began | time of day (Europe/Zurich)")
    else:
        ax.set_xticklabels([])


# --- panels


def _draw_tunes(ax: Axes, data: ExtraData, beam: int) -> None:
    names = [f"LHC.BOFSU:TUNE_B{beam}_{plane}" for plane in PLANES]
    _lines(ax, data, names, lambda n: _of_plane(n, beam), "tune (feedback)")


def _draw_trims(ax: Axes, data: ExtraData, beam: int) -> None:
    names = [f"LHC.BOFSU:TUNE_TRIM_B{beam}_{plane}" for plane in PLANES]
    _lines(ax, data, names, lambda n: _of_plane(n, beam), "tune trim [1e-3]", scale=1e3)


def _draw_frequencies(ax: Axes, data: ExtraData, beam: int) -> None:
    names = _bbq(beam, "EIGEN_FREQ")
    _points(ax, data, names, beam, "frequency [1/turn]", tail=0.02)


def _draw_amplitudes(ax: Axes, data: ExtraData, beam: int) -> None:
    names = _bbq(beam, "EIGEN_AMPL")
    _points(ax, data, names, beam, "BBQ amplitude", log=True)


def _draw_luminosities(ax: Axes, data: ExtraData) -> None:
    looks = {**EXPERIMENT, **OTHER_EXPERIMENT}
    names = [f"{experiment}:LUMI_TOT_INST" for experiment in looks]
    label = "luminosity [Hz/µb]"
    _lines(
        ax, data, names, lambda n: (looks[n.partition(":")[0]], n.partition(":")[0]), label,
        log=True, columns=4,
    )  # fmt: skip


def _draw_betastar(ax: Axes, data: ExtraData) -> None:
    names = [f"HX:BETASTAR_{ip}" for ip in IP_LOOK]
    _lines(
        ax, data, names, lambda n: (IP_LOOK[n[-3:]], n[-3:]), "beta* [m]",
        scale=0.01, log=True, steps=True, columns=4,
    )  # fmt: skip


def _draw_bunches(ax: Axes, data: ExtraData) -> None:
    names = [f"LHC.BQM.B{beam}:NO_BUNCHES" for beam in BEAM]
    _lines(
        ax, data, names, lambda n: (BEAM[int(n[9])], f"beam {n[9]}"), "bunches",
        steps=True, zero=True,
    )  # fmt: skip


def _draw_cleaning(ax: Axes, data: ExtraData) -> None:
    """Draw when the cleaning ran, a bar for each plane and beam."""
    names = [f"ADT{plane}.SR4.B{beam}:CLEANING_ISRUNNING" for beam in BEAM for plane in PLANES]
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
    ax.set_yticks(range(len(names)), [f"B{b} {p}" for b in BEAM for p in PLANES])
    ax.set_title("cleaning by the damper is running", loc="left", size="small")
    _note(ax, data, names)


# --- parts of panels


def _of_plane(name: str, beam: int) -> tuple[Look, str]:
    """Return look and label of a variable whose name ends with its plane."""
    plane = name[-1]
    if plane == "H":
        return Look(BEAM[beam].color, "-"), f"beam {beam} horizontal"
    return Look(LIGHTER[beam], "-"), f"beam {beam} vertical"


def _bbq(beam: int, what: str) -> list[str]:
    return [f"LHC.BQBBQ.{d}.B{beam}:{what}_{mode}" for d in DEVICES for mode in (1, 2)]


def _lines(
    ax: Axes,
    data: ExtraData,
    names: list[str],
    look_of: Callable[[str], tuple[Look, str]],
    label: str,
    *,
    scale: float = 1.0,
    log: bool = False,
    steps: bool = False,
    zero: bool = False,
    columns: int = 2,
) -> None:
    """Draw variables as lines; zeros and less are left out of logarithmic axes."""
    drawn = []
    for width, name in zip((3.6, 1.8, 1.8, 1.8), names):
        if name not in data.series:
            continue
        values = data.series[name].scalar() * scale
        values = np.where(values > 0, values, np.nan) if log else values
        look, text = look_of(name)
        draw_line(
            ax, data.hours(name), values, look, label=text,
            drawstyle="steps-post" if steps else "default",
            linewidth=width if steps or log else 1.5,
        )  # fmt: skip
        drawn.append(values)
    _axis(ax, label, drawn, log=log, zero=zero)
    legend_above(ax, columns)
    _note(ax, data, names)


def _points(
    ax: Axes,
    data: ExtraData,
    names: list[str],
    beam: int,
    label: str,
    *,
    log: bool = False,
    tail: float = 0.01,
) -> None:
    """Draw the modes of both BBQs as points: the sensitive one in colour, the other pale behind."""
    drawn = []
    for name in names:
        if name not in data.series:
            continue
        values = data.series[name].scalar()
        values = np.where(values > 0, values, np.nan) if log else values
        device, mode = name.split(".")[2], name[-1]
        color = BEAM[beam].color if mode == "1" else LIGHTER[beam]
        pale = device == "CONTINUOUS"
        ax.plot(
            data.hours(name), values, linestyle="none", marker="o" if mode == "1" else "^",
            markersize=2.2, markeredgewidth=0, color="#b0b0b0" if pale else color,
            alpha=0.6 if pale else 0.9, label=f"B{beam} {DEVICES[device]} {mode}",
            zorder=2 if pale else 3, rasterized=True,  # thousands of points would fill a PDF
        )  # fmt: skip
        drawn.append(values)
    _axis(ax, label, drawn, log=log, tail=tail)
    legend_above(ax, 4, marker_size=6, size="x-small")
    _note(ax, data, names)


def _axis(
    ax: Axes,
    label: str,
    drawn: list[FloatArray],
    *,
    log: bool = False,
    zero: bool = False,
    tail: float = 0.01,
) -> None:
    ax.set_ylabel(label)
    values = np.concatenate([np.zeros(0), *drawn])
    values = values[np.isfinite(values)]
    if not values.size:
        ax.set_ylim(0, 1)
        ax.set_yticks([])
        return
    if log:
        ax.set_yscale("log")
        high = float(values.max())
        low = max(float(values.min()), high / 10**LUMI_DECADES)
        ax.set_ylim(low / 1.4, high * 1.6)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        set_value_axis(ax, label, *drawn, tail=tail, include=0.0 if zero else None)
        ax.yaxis.set_major_locator(MaxNLocator(4))


def _note(ax: Axes, data: ExtraData, names: Iterable[str]) -> None:
    """Say in words which variables are missing."""
    names = list(names)
    missing = [n for n in names if n not in data.series or not data.series[n].time_s.size]
    if not missing:
        return
    if len(missing) == len(names):
        note_missing(ax, f"none of {len(names)} variables\nin {data.origin}")
        return
    place = ax.get_subplotspec()
    inside = place is not None and place.is_last_row()  # below are the numbers of the axis
    x, y, ha = (0.99, 0.95, "right") if inside else (0.0, -0.05, "left")
    ax.text(
        x, y, f"missing: {_in_words(missing)}", transform=ax.transAxes, size="x-small",
        color=MUTED, ha=ha, va="top", zorder=5,
    )  # fmt: skip


def _in_words(names: Sequence[str]) -> str:
    """Return names in one line, what is in front of their colons said once."""
    by_device: dict[str, list[str]] = {}
    for name in names:
        device, _, variable = name.partition(":")
        by_device.setdefault(device, []).append(variable)
    parts = [f"{device}:{', '.join(variables)}" for device, variables in by_device.items()]
    text = ""
    for n, part in enumerate(parts):
        if text and len(text) + len(part) > MOST_LETTERS:
            return f"{text} and of {len(parts) - n} more device{'s' if len(parts) - n > 1 else ''}"
        text += f"; {part}" if text else part
    return text
