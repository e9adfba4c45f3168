"""Maps of slot and time: how much each bunch has changed since the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.axes import few_ticks, hours_since, unit_of
from lumimod.plots.numbers import finite
from lumimod.plots.panels import bar_axes
from lumimod.plots.style import CHANGE_MAP, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDEST = 900
"""Columns of a map; more slots than a screen has pixels are averaged."""
TAIL = 0.01
"""Part of the changes that may lie beyond the scale of the colours."""


def change_percent(values: FloatArray) -> FloatArray:
    """Return the change of each bunch since its first value, in %, (n_times, n_slots)."""
    known = np.isfinite(values)
    first = values[known.argmax(axis=0), np.arange(values.shape[1])]
    with np.errstate(invalid="ignore", divide="ignore"):
        change: FloatArray = 100 * (values / first - 1)
    return np.where(np.isfinite(change), change, np.nan)


def change_scale(*values: FloatArray) -> float:
    """Return the change in % at which the colours end on both sides of 0."""
    changes = [np.abs(finite(change_percent(of))) for of in values if of.size]
    largest = [np.quantile(of, 1 - TAIL) for of in changes if of.size]
    return float(max([0.1, *largest]))


def draw_change_map(
    ax: Axes, series: Sequence[tuple[IntArray, FloatArray]], time_s: FloatArray, scale: float
) -> None:
    """Draw the change of bunches (slots, values) since the start by slot and hours.

    `scale`, in %, is where the colours end.
    """
    slots = np.concatenate([of for of, _ in series])
    changes = np.concatenate([change_percent(values) for _, values in series], axis=1)
    first, last = int(slots.min()), int(slots.max()) + 1
    per_column = -(-(last - first) // WIDEST)
    n_columns = -(-(last - first) // per_column)
    hours = hours_since(time_s)[: len(changes)]
    per_hour, unit = unit_of(hours)
    hours = per_hour * hours
    half = (hours[1] - hours[0]) / 2 if hours.size > 1 else 0.01
    ax.imshow(
        averaged(changes, (slots - first) // per_column, n_columns), cmap=CHANGE_MAP, vmin=-scale,
        vmax=scale, aspect="auto", origin="lower", zorder=2,
        extent=(
            first - 0.5, first + n_columns * per_column - 0.5, hours[0] - half, hours[-1] + half
        ),
    )  # fmt: skip
    ax.grid(visible=False)
    ax.set_ylabel(unit)
    few_ticks(ax.yaxis, 5)


def averaged(values: FloatArray, columns: IntArray, n_columns: int) -> FloatArray:
    """Return means of the finite values of each column, (n_times, n_columns); NaN without any."""
    known = np.isfinite(values)
    order = np.argsort(columns, kind="stable")
    starts = np.flatnonzero(np.diff(columns[order], prepend=-1))
    sums, counts = (
        np.add.reduceat(of[:, order], starts, axis=1)
        for of in (np.where(known, values, 0.0), known.astype(float))
    )
    means = np.full((len(values), n_columns), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        means[:, columns[order][starts]] = sums / counts
    return means


def change_bar(figure: Figure, axes: Sequence[Axes], scale: float, style: Style) -> None:
    """Draw the colour bar of `draw_change_map` to the right of a column of panels."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(-scale, scale), CHANGE_MAP)
    bar = figure.colorbar(colours, cax=bar_axes(figure, axes, style), extend="both")
    bar.set_label("change since the start [%]")
