"""Names at the ends of lines."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots import ends
from lumimod.plots.style import Style


def names(ax: Axes) -> list[tuple[str, float]]:
    return [(text.get_text(), text.xy[1]) for text in ax.texts]


def test_each_line_has_its_name_at_its_last_value_in_its_colour(ax: Axes) -> None:
    ax.plot([0, 1, 2], [0.0, 4.0, 8.0], color="red", label="measured 1.02")
    ax.plot([0, 1, 2], [0.0, 2.0, np.nan], color="blue", label="_IBSBOff")
    ax.plot([0, 1, 2], [np.nan] * 3, label="absent")
    ax.set_ylim(0, 10)
    ends.label_ends(ax)
    assert names(ax) == [("IBSBOff", 2.0), ("measured", 8.0)]
    assert [text.get_color() for text in ax.texts] == ["#0000ff", "#ff0000"]


def test_names_of_lines_that_end_together_are_moved_apart_in_their_order() -> None:
    ax = Figure(figsize=(6, 6), dpi=50).add_axes((0.1, 0.1, 0.7, 0.8))
    for n in range(4):
        ax.plot([0, 1, 2], [0, 0, 10.0 - 0.01 * n], label=f"m{n}")
    ax.set_ylim(0, 10)
    ends.label_ends(ax)
    assert [name for name, _ in names(ax)] == ["m3", "m2", "m1", "m0"]
    places = [place for _, place in names(ax)]
    assert places[-1] <= 10
    assert np.diff(places).min() > 0.2


def test_the_legend_of_a_figure_is_that_of_a_panel(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    ax = figure.add_subplot()
    ends.legend_of_figure(figure, ax, style)
    assert not figure.legends
    ax.plot([0, 1], [0, 1], label="measured")
    ends.legend_of_figure(figure, ax, style)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["measured"]
