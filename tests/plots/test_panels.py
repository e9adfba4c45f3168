"""What panels show: points, lines and bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots import axes, layout, panels
from lumimod.plots.style import TIME_MAP, Look, Style
from tests.plots.conftest import NAN, a_panel


def in_limits(ax: Axes) -> None:
    """Set the limits that the panels below are drawn in."""
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 10)


@pytest.mark.parametrize("n_skip", [1, 2, 5])
def test_points_are_coloured_on_the_scale_of_the_colour_bar(n_skip: int) -> None:
    style = Style(dpi=50, n_skip=n_skip)
    figure = Figure(figsize=style.fig_size_in)
    ax = figure.add_axes((0.1, 0.1, 0.7, 0.8))
    in_limits(ax)
    hours = np.linspace(0, 6, 13)
    panels.draw_bunches(ax, np.array([3, 4]), np.full((12, 2), 5.0), hours, style)
    panels.hours_bar(figure, [ax], hours, style)
    points, bar = ax.collections[0], figure.axes[1]
    assert (points.norm.vmin, points.norm.vmax) == bar.get_ylim() == (0.0, 6.0)
    np.testing.assert_array_equal(np.asarray(points.get_array()), np.repeat(hours[:12:n_skip], 2))


LOOK = Look("#0b5cad", "--", "s")


def marked(ax: Axes) -> list[int]:
    """Return which points of a panel's one line have a marker."""
    (found,) = ax.lines
    return [] if found.get_marker() == "None" else list(found.get_markevery())


@pytest.mark.parametrize(
    ("values", "alone"),
    [
        ([1.0], [0]),
        ([1.0, 2.0], []),
        ([1.0, NAN, 2.0, 3.0, NAN, 4.0, NAN], [0, 5]),
        ([NAN, NAN], []),
    ],
)
def test_points_that_no_line_reaches_have_a_marker(
    ax: Axes, values: list[float], alone: list[int]
) -> None:
    panels.draw_line(ax, np.arange(len(values)), np.array(values), LOOK, label="data")
    assert marked(ax) == alone


def test_a_spread_at_one_time_alone_is_drawn_as_a_bar(ax: Axes) -> None:
    pairs = np.array([[NAN, NAN], [1.0, 3.0], [NAN, NAN], [5.0, 5.0], [6.0, 8.0]])
    values = np.repeat(pairs, 50, axis=1)  # the middle 68 % are from the one to the other
    panels.draw_evolution(ax, np.arange(5.0), values, LOOK, "data")
    band, bar = ax.collections
    np.testing.assert_array_equal(bar.get_segments(), [[[1.0, 1.0], [1.0, 3.0]]])
    assert np.isin([[3.0, 5.0], [4.0, 6.0], [4.0, 8.0]], band.get_paths()[-1].vertices).all()


def test_an_evolution_is_the_median_with_the_middle_68_percent_around_it(ax: Axes) -> None:
    values = np.random.default_rng(2).normal(2.0, 0.1, (5, 8))
    hours = np.linspace(0, 4, 5)
    panels.draw_evolution(ax, hours, values, LOOK, "colliding")
    (drawn,) = ax.lines
    np.testing.assert_array_equal(drawn.get_xdata(), hours)
    np.testing.assert_allclose(drawn.get_ydata(), np.median(values, axis=1))
    assert (drawn.get_color(), drawn.get_linestyle()) == (LOOK.color, LOOK.linestyle)
    assert drawn.get_label() == "colliding"
    for edge in np.quantile(values, (0.16, 0.84), axis=1):
        corners = ax.collections[0].get_paths()[0].vertices
        for point in np.column_stack([hours, edge]):
            assert np.isclose(corners, point).all(axis=1).any()


def test_one_bunch_has_no_band(ax: Axes) -> None:
    panels.draw_evolution(ax, np.arange(3.0), np.ones((3, 1)), LOOK, "colliding")
    assert not ax.collections


@pytest.mark.parametrize("n_skip", [1, 3])
def test_every_nth_time_of_each_bunch_is_a_point(ax: Axes, n_skip: int) -> None:
    in_limits(ax)
    slots, hours = np.array([3, 40, 41]), np.linspace(0, 6, 7)
    values = np.random.default_rng(3).uniform(1, 9, (7, 3))
    panels.draw_bunches(ax, slots, values, hours, Style(n_skip=n_skip))
    (points,) = ax.collections
    expected = [
        (slot, values[i, j], hours[i]) for i in range(0, 7, n_skip) for j, slot in enumerate(slots)
    ]
    drawn = np.column_stack([points.get_offsets(), points.get_array()])
    assert len(drawn) == len(expected)
    assert {tuple(row) for row in drawn} == set(expected)
    assert points.get_cmap().name == TIME_MAP


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 7]))
@settings(max_examples=12, deadline=None)
def test_an_image_of_many_points_shows_the_points_of_the_scatter(seed: int, n_skip: int) -> None:
    rng = np.random.default_rng(seed)
    slots = np.sort(rng.choice(3564, 200, replace=False))
    hours = np.linspace(0, 12, 21)
    values = rng.normal(5, 2, (21, 200))  # some are outside the limits
    values[rng.random(values.shape) < 0.1] = NAN
    image, scatter = panels_with(slots, values, hours, Style(dpi=50, n_skip=n_skip))
    pixels = image.images[0].get_array()
    assert image.images[0].get_extent() == [*scatter.get_xlim(), *scatter.get_ylim()]
    assert image.get_xlim() == scatter.get_xlim()
    assert image.get_ylim() == scatter.get_ylim()

    x, y = scatter.collections[0].get_offsets().T
    hour = np.asarray(scatter.collections[0].get_array())
    (x0, x1), (y0, y1) = scatter.get_xlim(), scatter.get_ylim()
    seen = np.isfinite(y) & (y >= y0) & (y < y1)
    row = ((y - y0) / (y1 - y0) * pixels.shape[0])[seen].astype(int)
    column = ((x - x0) / (x1 - x0) * pixels.shape[1])[seen].astype(int)
    # Each point is a coloured pixel, of its time or of a newer one above it ...
    at = pixels[row, column]
    assert not np.ma.getmaskarray(at).any()
    assert (at >= hour[seen] - 1e-9).all()
    # ... and each coloured pixel is within a pixel of a point of its time.
    for when in np.unique(pixels.compressed()):
        coloured = np.argwhere(pixels.filled(-1) == when)
        mine = np.isclose(hour[seen], when)
        near = np.abs(coloured[:, None, :] - np.column_stack([row[mine], column[mine]])[None])
        assert (near.max(axis=2).min(axis=1) <= 1).all()


def panels_with(
    slots: IntArray, values: FloatArray, hours: FloatArray, style: Style
) -> tuple[Axes, Axes]:
    """Return the same points as an image and as a scatter, in the same limits."""
    out = []
    for most in (0, values.size):
        ax = a_panel()
        axes.slot_axis(ax, slots)
        ax.set_ylim(1.0, 9.0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(panels, "MOST_MARKERS", most)
            panels.draw_bunches(ax, slots, values, hours, style)
        out.append(ax)
    return out[0], out[1]


@pytest.mark.parametrize(("n_slots", "image"), [(8, False), (2548, True)])
def test_few_bunches_are_large_points_and_many_an_image(n_slots: int, image: bool) -> None:
    ax = a_panel()
    in_limits(ax)
    slots, hours = np.arange(n_slots), np.linspace(0, 12, 145)
    panels.draw_bunches(ax, slots, np.full((145, n_slots), 5.0), hours, Style())
    assert bool(ax.images) is image
    if not image:
        assert ax.collections[0].get_sizes()[0] >= 20
    else:
        # A bunch is several pixels high where the picture is small.
        covered = ~np.ma.getmaskarray(ax.images[0].get_array())
        assert covered.any(axis=1).sum() == 3


@pytest.mark.parametrize(("n_slots", "least"), [(8, 5.0), (150, 3.0)])
def test_markers_of_bunches_shrink_with_their_number(ax: Axes, n_slots: int, least: float) -> None:
    slots = np.arange(n_slots)
    panels.draw_slots(ax, slots, 1.0 * slots, LOOK, "measured")
    (drawn,) = ax.lines
    np.testing.assert_array_equal(drawn.get_xydata(), np.column_stack([slots, slots]))
    assert drawn.get_linestyle() == "None"
    assert least - 0.5 <= drawn.get_markersize() <= least + 0.5


def test_the_colour_bar_is_in_hours_of_the_fill(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    upper, lower = (row[0] for row in layout.panels(figure, style, 2, 1))
    panels.hours_bar(figure, [upper, lower], np.linspace(0, 7, 5), style)
    bar = figure.axes[-1]
    assert bar.get_ylabel() == "hours of stable beams"
    assert bar.get_ylim() == (0, 7)
    assert bar.get_position().y0 == pytest.approx(lower.get_position().y0)
    assert bar.get_position().y1 == pytest.approx(upper.get_position().y1)


@pytest.mark.parametrize("n_bunches", [2, 4])
def test_a_few_bunches_are_lines_and_no_band(ax: Axes, n_bunches: int) -> None:
    values = np.random.default_rng(2).normal(2.0, 0.1, (5, n_bunches))
    panels.draw_evolution(ax, np.arange(5.0), values, LOOK, "non-colliding")
    median, *each = ax.lines
    np.testing.assert_allclose(median.get_ydata(), np.median(values, axis=1))
    np.testing.assert_allclose([one.get_ydata() for one in each], values.T)
    assert not ax.collections
    assert ax.get_legend_handles_labels()[1] == ["non-colliding"]


def test_many_bunches_are_medians_of_trains_before_faint_points(ax: Axes) -> None:
    slots = np.concatenate([np.arange(0, 144), np.arange(155, 299)])
    values = np.where(slots < 150, 1.0, 2.0) + 0.01 * (slots % 12)
    panels.draw_slots(ax, slots, values, LOOK, "measured")
    faint, trains = ax.lines
    np.testing.assert_array_equal(faint.get_xydata(), np.column_stack([slots, values]))
    assert faint.get_alpha() < 0.3
    medians = [np.median(values[slots < 150]), np.median(values[slots > 150])]
    np.testing.assert_allclose(trains.get_xydata(), np.column_stack([[71.5, 226.5], medians]))
    assert trains.get_label() == "measured"
    (bars,) = ax.collections
    ends = [np.quantile(values[of], (0.16, 0.84)) for of in (slots < 150, slots > 150)]
    np.testing.assert_allclose([s[:, 1] for s in bars.get_segments()], ends)


def test_a_place_in_the_train_has_the_median_over_trains() -> None:
    slots = np.array([0, 1, 2, 20, 21, 40, 41, 42])
    values = np.array([1.0, 2.0, 3.0, 3.0, np.nan, 8.0, 6.0, 5.0])
    places, medians = panels.place_medians(slots, values)
    np.testing.assert_array_equal(places, [1, 2, 3])
    np.testing.assert_allclose(medians, [3.0, 4.0, 4.0])


def test_the_colour_bar_of_a_fill_below_an_hour_is_in_minutes(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    [[ax]] = layout.panels(figure, style, 1, 1)
    panels.hours_bar(figure, [ax], np.linspace(0, 1 / 3, 5), style)
    assert figure.axes[-1].get_ylabel() == "minutes of stable beams"
    assert figure.axes[-1].get_ylim() == pytest.approx((0, 20))
