"""Names of lines at their right ends, for pictures of all models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lumimod.plots.style import Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PITCH_EM = 0.85
"""Distance of names, in units of the font size."""


def label_ends(ax: Axes) -> None:
    """Write the first word of the label of each line at its end, in its colour."""
    from matplotlib import rcParams
    from matplotlib.colors import to_hex

    ends = []
    for line in ax.get_lines():
        x, y = (np.asarray(of, float) for of in line.get_data())
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        name = str(line.get_label()).lstrip("_").partition(" ")[0].rstrip(":")
        if x.size > 2 and known.size and name and not name.startswith("child"):
            ends.append((float(y[known[-1]]), name, to_hex(line.get_color())))
    low, high = ax.get_ylim()
    height_em = ax.get_window_extent().height / ax.figure.dpi * 72 / rcParams["font.size"]
    pitch = PITCH_EM / height_em * (high - low)
    ends.sort()
    places = _apart(np.clip([end for end, _, _ in ends], low, high), pitch, low, high)
    for place, (_, name, color) in zip(places, ends):
        ax.annotate(
            name, (1.0, place), (4, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", size="x-small", color=color,
            annotation_clip=False,
        )  # fmt: skip


def _apart(places: np.ndarray, pitch: float, low: float, high: float) -> list[float]:
    """Return rising places that are at least `pitch` apart, as far as possible between limits."""
    steps = pitch * np.arange(places.size)
    if not places.size:
        return []
    moved = np.maximum.accumulate(places - steps) + steps
    over = max(float(moved[-1]) - high, 0.0)
    return np.maximum(moved - over, low + steps).tolist() if over else moved.tolist()


def legend_of_figure(figure: Figure, ax: Axes, style: Style) -> None:
    """Put the legend of a panel below the title, for all panels of the figure."""
    from lumimod.plots.rendering.legends import measure_once

    handles, labels = ax.get_legend_handles_labels()
    if handles:
        left = ax.get_position().x0
        top = 1 - 3.2 * style.em_in / style.fig_size_in[1]
        legend = figure.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(left, top), ncols=4
        )
        measure_once(legend)
