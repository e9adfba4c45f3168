"""Places of panels, titles, legends and notes in a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lumimod.plots.about import NOTHING_KNOWN, About
from lumimod.plots.style import MUTED, Style, new_figure
from lumimod.readers.stamps import ZURICH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


LEGEND_OVERHANG = 1.12
"""How wide a legend may be in units of its panel: half of the room between panels."""
SMALLEST_LEGEND = 0.7
_CHARACTER = 0.55
"""Mean width of a character, in units of the font size."""


@dataclass(frozen=True)
class Margins:
    """Space around and between panels, in units of the font size."""

    left: float = 5.0
    right: float = 1.5
    top: float = 4.6
    bottom: float = 4.2
    between_columns: float = 6.7
    between_rows: float = 3.7


def panels(
    figure: Figure,
    style: Style,
    n_rows: int,
    n_columns: int,
    *,
    margins: Margins = Margins(),  # noqa: B008 - frozen
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> list[list[Axes]]:
    """Return rows of axes. Margins follow the font size, which saves a slow automatic layout."""
    from lumimod.plots.rendering.ticks import QuickAxes

    width, height = (size / style.em_in for size in style.fig_size_in)
    gaps_x, gaps_y = margins.between_columns * (n_columns - 1), margins.between_rows * (n_rows - 1)
    each_width = max((width - margins.left - margins.right - gaps_x) / n_columns, 1.0)
    each_height = max((height - margins.top - margins.bottom - gaps_y) / n_rows, 1.0)
    grid = figure.add_gridspec(
        n_rows,
        n_columns,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
        wspace=margins.between_columns / each_width,
        hspace=margins.between_rows / each_height,
        width_ratios=widths,
        height_ratios=heights,
    )
    return [
        [figure.add_subplot(grid[r, c], axes_class=QuickAxes) for c in range(n_columns)]
        for r in range(n_rows)
    ]


def title(
    figure: Figure, style: Style, fill: int, start_s: float, what: str, about: About = NOTHING_KNOWN
) -> None:
    """Write the header of a picture: the fill, when its stable beams began, and facts of it."""
    first = first_line(fill, start_s, in_progress=about.in_progress)
    write_title(figure, style, first, what, " · ".join(about.facts))


def first_line(fill: int, start_s: float, *, in_progress: bool) -> str:
    """Return which fill it is and when its stable beams began, as the clocks of Zurich show it."""
    when = datetime.fromtimestamp(start_s, ZURICH)
    mark = " (in progress)" if in_progress else ""
    return f"Fill {fill}{mark}: stable beams from {when:%a %d %b %Y %H:%M}"


def write_title(figure: Figure, style: Style, first: str, second: str, facts: str = "") -> None:
    """Write the two lines above the panels, with facts at the right end of the first."""
    width_em, height_em = (size / style.em_in for size in style.fig_size_in)
    # Long lines are written smaller. A bold letter is 0.62 em wide on average.
    room = width_em - 1.0
    width = 0.62 * len(first) + 0.4 * len(facts) + (1.0 if facts else 0.0)
    bold = style.font_size * min(1.0, room / max(width, 1))
    small = style.font_size * min(0.833, room / (_CHARACTER * max(len(second), 1)))
    at = 0.5 / width_em
    figure.text(at, 1 - 0.4 / height_em, first, va="top", weight="bold", size=bold)
    figure.text(at, 1 - 1.8 / height_em, second, va="top", color=MUTED, size=small)
    if facts:
        figure.text(
            1 - at, 1 - 0.5 / height_em, facts, va="top", ha="right", color=MUTED, size=0.7 * bold
        )


def note_missing(ax: Axes, why: str) -> None:
    """Write in the middle of a panel why it shows nothing, in lines that fit into it."""
    from matplotlib import rcParams

    width_em = ax.get_window_extent().width / ax.figure.dpi * 72 / rcParams["font.size"]
    room = max(12, int(width_em / _CHARACTER) - 3)
    text = "\n".join(textwrap.fill(line, room) for line in why.splitlines())
    ax.text(
        0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=MUTED, zorder=10,
        bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": MUTED},
    )  # fmt: skip


def figure_without(
    style: Style, fill: int, start_s: float, what: str, why: str, about: About = NOTHING_KNOWN
) -> Figure:
    """Return a figure of stable beams without panels that says why."""
    figure = new_figure(style)
    title(figure, style, fill, start_s, what, about)
    ax = figure.add_axes((0.0, 0.0, 1.0, 0.9))
    ax.set_axis_off()
    note_missing(ax, f"{why}: nothing to draw")
    return figure


def legend_above(
    ax: Axes,
    n_columns: int = 2,
    *,
    marker_size: float | None = None,
    size: str = "small",
    widest: float = LEGEND_OVERHANG,
) -> None:
    """Put the legend above the panel, where it hides nothing.

    It is at most `widest` times as wide as the panel. With `marker_size` its markers are larger
    than those of the panel, which may be tiny.
    """
    from lumimod.plots.rendering.legends import measure_once

    handles, labels = ax.get_legend_handles_labels()
    if handles:
        legend = ax.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=n_columns,
            fontsize=_fitting(ax, labels, n_columns, size, widest), labelspacing=0.3,
        )  # fmt: skip
        if marker_size is not None:
            for line in legend.get_lines():
                line.set_markersize(marker_size)
        measure_once(legend)


def _fitting(ax: Axes, labels: Sequence[str], n_columns: int, size: str, widest: float) -> float:
    """Return the size, no larger than `size`, at which a legend is not too wide."""
    from matplotlib import rcParams
    from matplotlib.font_manager import font_scalings

    points = rcParams["font.size"] * font_scalings[size]
    columns = [labels[first::n_columns] for first in range(n_columns)]
    # The line before a text and the room between take 3.5 em.
    longest = [max(len(line) for text in of for line in text.split("\n")) for of in columns if of]
    width_em = sum(_CHARACTER * n_letters + 3.5 for n_letters in longest)
    room = ax.get_window_extent().width / ax.figure.dpi * 72 * widest
    return float(min(points, max(room / width_em, SMALLEST_LEGEND * points)))
