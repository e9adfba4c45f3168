"""Panels, titles, legends and notes are in their place."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots import layout
from lumimod.plots.about import About
from lumimod.plots.style import Style
from tests.plots.conftest import notes


def test_the_title_gives_fill_day_and_time_zone(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    layout.title(figure, style, 6024, 1_499_000_000.0, "what is drawn")
    assert [text.get_text() for text in figure.texts] == [
        "Fill 6024: stable beams from Sun 02 Jul 2017 14:53",
        "what is drawn",
    ]


def test_facts_stand_at_the_right_end_and_a_fill_in_progress_is_marked(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in, dpi=50)
    about = About(facts=("6.5 TeV", "β* 30 cm"), in_progress=True)
    layout.title(figure, style, 6024, 1_499_000_000.0, "what is drawn", about)
    first, _, facts = figure.texts
    assert first.get_text() == "Fill 6024 (in progress): stable beams from Sun 02 Jul 2017 14:53"
    assert facts.get_text() == "6.5 TeV · β* 30 cm"
    assert first.get_window_extent().x1 < facts.get_window_extent().x0
    assert facts.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("n_columns", [1, 2, 4])
def test_a_legend_is_not_much_wider_than_its_panel(ax: Axes, n_columns: int) -> None:
    for n in range(n_columns):
        ax.plot([0, 1], [n, n], label="long words of a legend")
    layout.legend_above(ax, n_columns)
    room = layout.LEGEND_OVERHANG if n_columns < 4 else 2.0
    assert ax.get_legend().get_window_extent().width <= room * ax.get_window_extent().width


def test_words_of_two_lines_need_the_room_of_the_longer_line(ax: Axes) -> None:
    for n in range(2):
        ax.plot([0, 1], [n, n], label="injection\n1.61 um")
    layout.legend_above(ax, 2)
    two_lines = ax.get_legend().get_texts()[0].get_size()  # type: ignore[union-attr]
    for one in ax.get_lines():
        one.set_label("injection")
    layout.legend_above(ax, 2)
    assert two_lines == ax.get_legend().get_texts()[0].get_size()  # type: ignore[union-attr]


def test_a_long_title_is_written_smaller_to_fit(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in, dpi=50)
    layout.write_title(figure, style, "short", "a long line of words " * 15)
    first, second = figure.texts
    assert first.get_size() == style.font_size
    assert second.get_size() < 0.8 * style.font_size
    assert second.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 4), (3, 2)])
@pytest.mark.parametrize("style", [Style(), Style((8, 5), font_size=10), Style((4, 3))])
def test_panels_are_within_the_figure_and_apart(shape: tuple[int, int], style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    rows = layout.panels(figure, style, *shape)
    assert (len(rows), len(rows[0])) == shape
    boxes = [ax.get_position() for row in rows for ax in row]
    for box in boxes:
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_a_legend_stands_above_its_panel(ax: Axes) -> None:
    ax.plot([0, 1, 2], [0.0, 1.0, 2.0], "o", markersize=5.0, label="measured")
    layout.legend_above(ax, marker_size=9.0)
    legend = ax.get_legend()
    ax.figure.canvas.draw()
    assert legend.get_window_extent().y0 >= ax.get_window_extent().y1
    assert [text.get_text() for text in legend.get_texts()] == ["measured"]
    assert legend.legend_handles[0].get_markersize() == 9.0
    assert ax.lines[0].get_markersize() < 9.0


def test_a_panel_of_nothing_has_no_legend(ax: Axes) -> None:
    layout.legend_above(ax)
    assert ax.get_legend() is None


def test_a_picture_of_nothing_says_why(style: Style) -> None:
    figure = layout.figure_without(style, 6024, 1.499e9, "Fits", "the fits were not made")
    (ax,) = figure.axes
    assert notes(ax) == ["the fits were not made: nothing to draw"]
    assert not ax.axison
    assert [text.get_text() for text in figure.texts][1] == "Fits"


@pytest.mark.parametrize("width", [0.1, 0.25, 0.8])
def test_a_note_is_in_lines_that_fit_into_its_panel(style: Style, width: float) -> None:
    figure = Figure(figsize=(15, 7), dpi=50)
    ax = figure.add_axes((0.1, 0.1, width, 0.8))
    why = "no lifetime beyond burn-off: it needs measured luminosity"
    layout.note_missing(ax, why)
    [note] = ax.texts
    assert note.get_text().split() == why.split()
    assert ("\n" in note.get_text()) == (width < 0.8)
    assert note.get_window_extent().width <= ax.get_window_extent().width
