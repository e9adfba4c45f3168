"""Panels of logged variables against the hours of a whole fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, Series
from lumimod.plots.axes import few_ticks, set_value_axis
from lumimod.plots.layout import legend_above, note_missing
from lumimod.plots.panels import draw_line
from lumimod.plots.style import BEAM, MUTED, Look
from lumimod.readers.bmodes import FillModes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIGHTER = {1: "#5aa9f0", 2: "#f28b95"}
"""Colour of the vertical plane: that of the beam, lighter."""
DEVICES = {"CONTINUOUS": "BBQ", "CONTINUOUS_HS": "BBQ HS"}
"""The ordinary and the high-sensitivity tune measurement."""
MOST_LETTERS = 66
"""Of the note on missing variables."""
LUMI_DECADES = 5
"""The most that a logarithmic axis shows."""


@dataclass(frozen=True)
class ExtraData:
    """Extra variables of a fill, by their names in Run 2."""

    fill: int
    modes: FillModes
    series: Mapping[str, Series]
    origin: str
    """Name of their file, for notes on what is missing."""

    def hours(self, name: str) -> FloatArray:
        """Return the times of a variable in hours since the fill began."""
        return (self.series[name].time_s - self.modes.t_startfill_s) / 3600


def lines_panel(
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
    """Draw variables as lines. A logarithmic axis leaves out values that are not positive."""
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
    note_variables(ax, data, names)


def points_panel(
    ax: Axes,
    data: ExtraData,
    names: list[str],
    beam: int,
    label: str,
    *,
    log: bool = False,
    tail: float = 0.01,
) -> None:
    """Draw the modes of both BBQs as points: the sensitive one in colour, the other in grey."""
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
    note_variables(ax, data, names)


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
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        set_value_axis(ax, label, *drawn, tail=tail, include=0.0 if zero else None)
        few_ticks(ax.yaxis, 4)


def note_variables(ax: Axes, data: ExtraData, names: Iterable[str]) -> None:
    """Note which variables are missing."""
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
        x, y, f"missing: {variables_text(missing)}", transform=ax.transAxes, size="x-small",
        color=MUTED, ha=ha, va="top", zorder=5,
    )  # fmt: skip


def variables_text(names: Sequence[str]) -> str:
    """Return names of variables in one line, each device once."""
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
