"""Places of panels, titles, legends and notes in a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lumimod.plots.style import MUTED, Style, new_figure
from lumimod.readers.stamps import ZURICH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    from lumimod.plots.rendering.ticks import draw_ticks_together

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
    rows = [[figure.add_subplot(grid[r, c]) for c in range(n_columns)] for r in range(n_rows)]
    for ax in (ax for row in rows for ax in row):
        draw_ticks_together(ax)
    return rows


def title(figure: Figure, style: Style, fill: int, start_s: float, what: str) -> None:
    """Write the title of a picture of stable beams: the fill, and when these were declared."""
    when = datetime.fromtimestamp(start_s, ZURICH)
    declared = f"STABLE BEAMS declared on {when:%a %d %b %Y %H:%M} (Europe/Zurich)"
    write_title(figure, style, f"Fill {fill}: {declared}", what)


def write_title(figure: Figure, style: Style, first: str, second: str) -> None:
    """Write the two lines above the panels."""
    width_em, height_em = (size / style.em_in for size in style.fig_size_in)
    # Long lines are written smaller. A letter is 0.55 em wide on average, a bold one 0.62 em.
    room = width_em - 1.0
    bold = style.font_size * min(1.0, room / (0.62 * max(len(first), 1)))
    small = style.font_size * min(0.833, room / (0.55 * max(len(second), 1)))
    at = 0.5 / width_em
    figure.text(at, 1 - 0.4 / height_em, first, va="top", weight="bold", size=bold)
    figure.text(at, 1 - 1.8 / height_em, second, va="top", color=MUTED, size=small)


def note_missing(ax: Axes, why: str) -> None:
    """Write in the middle of a panel why it shows nothing."""
    ax.text(
        0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", color=MUTED, zorder=10,
        bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": MUTED},
    )  # fmt: skip


def figure_without(style: Style, fill: int, start_s: float, what: str, why: str) -> Figure:
    """Return a figure of stable beams without panels that says why."""
    figure = new_figure(style)
    title(figure, style, fill, start_s, what)
    ax = figure.add_axes((0.0, 0.0, 1.0, 0.9))
    ax.set_axis_off()
    note_missing(ax, f"{why}: nothing to draw")
    return figure


def legend_above(
    ax: Axes, n_columns: int = 2, *, marker_size: float | None = None, size: str = "small"
) -> None:
    """Put the legend above the panel, where it hides nothing.

    With `marker_size` its markers are larger than those of the panel, which may be tiny.
    """
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        legend = ax.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=n_columns,
            fontsize=size, labelspacing=0.3,
        )  # fmt: skip
        if marker_size is not None:
            for line in legend.get_lines():
                line.set_markersize(marker_size)
