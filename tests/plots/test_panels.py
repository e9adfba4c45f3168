"""The panels that all pictures are made of: what is drawn, its limits, axes and notes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots import panels as p
from lumimod.plots.style import TIME_MAP, Look, Style
from tests.plots.conftest import notes, outside_note

NAN = np.nan


@pytest.fixture
def ax(style: Style) -> Axes:
    return Figure(figsize=(4, 3), dpi=50).add_axes((0.2, 0.2, 0.7, 0.7))


def in_limits(ax: Axes) -> None:
    """Set the limits that the panels below are drawn in."""
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 10)


# --- bunch by bunch


@pytest.mark.parametrize("n_skip", [1, 2, 5])
def test_points_are_coloured_on_the_scale_of_the_colour_bar(n_skip: int) -> None:
    style = Style(dpi=50, n_skip=n_skip)
    figure = Figure(figsize=style.fig_size_in)
    ax = figure.add_axes((0.1, 0.1, 0.7, 0.8))
    in_limits(ax)
    hours = np.linspace(0, 6, 13)
    p.draw_bunches(ax, np.array([3, 4]), np.full((12, 2), 5.0), hours, style)
    p.hours_bar(figure, [ax], hours, style)
    points, bar = ax.collections[0], figure.axes[1]
    assert (points.norm.vmin, points.norm.vmax) == bar.get_ylim() == (0.0, 6.0)
    np.testing.assert_array_equal(np.asarray(points.get_array()), np.repeat(hours[:12:n_skip], 2))


# --- limits


def test_points_that_a_value_to_compare_with_brings_into_view_are_not_called_outside(
    ax: Axes,
) -> None:
    values = np.concatenate([np.linspace(1.9, 2.1, 500), [1.0]])
    p.set_value_axis(ax, "ratio", values)
    assert outside_note(ax) == "1 of 501 points outside"
    for text in list(ax.texts):
        text.remove()
    p.set_value_axis(ax, "ratio", values, include=1.0)
    assert outside_note(ax) == ""
    low, high = ax.get_ylim()
    assert low < 1.0 < values.max() < high


def test_points_of_a_panel_beside_set_limits_but_are_not_counted(ax: Axes) -> None:
    beside = np.concatenate([np.linspace(0, 10, 500), [1e6]])
    p.set_value_axis(ax, "luminosity", np.array([4.0, 5.0]), beside=[beside])
    assert outside_note(ax) == ""
    low, high = ax.get_ylim()
    assert low < 0 < 10 < high < 12


# --- lines

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
    p.draw_line(ax, np.arange(len(values)), np.array(values), LOOK, label="data")
    assert marked(ax) == alone


def test_a_spread_at_one_time_alone_is_drawn_as_a_bar(ax: Axes) -> None:
    values = np.array([[NAN, NAN], [1.0, 3.0], [NAN, NAN], [5.0, 5.0], [6.0, 8.0]])
    p.draw_evolution(ax, np.arange(5.0), values, LOOK, "data")
    band, bar = ax.collections
    np.testing.assert_array_equal(bar.get_segments(), [[[1.0, 1.0], [1.0, 3.0]]])
    assert np.isin([[3.0, 5.0], [4.0, 6.0], [4.0, 8.0]], band.get_paths()[-1].vertices).all()


# --- words


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 1.2], "1.10 ± 0.10 µm"),
        ([10.0, 10.03], "10.015 ± 0.015 µm"),
        ([1000.0, 2000.0], "1,500 ± 500 µm"),
        ([2.5, 2.5], "2.500 ± 0.000 µm"),
        ([0.1 + 0.2, 0.3], "0.3000 ± 0.0000 µm"),
        ([2.5, NAN, np.inf], "2.500 ± 0.000 µm"),
        ([0.0, 0.0], "0.00 ± 0.00 µm"),
        ([NAN], "no data"),
        ([], "no data"),
    ],
)
def test_mean_and_spread_are_written_with_two_digits_of_the_spread(
    values: list[float], text: str
) -> None:
    assert p.spread_text(np.array(values), "µm") == text


# --- limits that hold all but counted outliers

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)
MAYBE = st.one_of(FINITE, st.just(NAN))
ARRAYS = st.lists(MAYBE, max_size=60).map(lambda found: np.array(found, dtype=float))


def a_panel() -> Axes:
    """Return a panel; hypothesis draws on many, where a fixture would give one."""
    return Figure(figsize=(4, 3), dpi=50).add_axes((0.2, 0.2, 0.7, 0.7))


def counted(ax: Axes) -> int:
    """Return how many points a panel says are outside."""
    words = outside_note(ax).split()
    return int(words[0].replace(",", "")) if words else 0


@given(st.lists(ARRAYS, max_size=3), st.one_of(st.none(), FINITE), st.sampled_from([0.01, 0.05]))
@settings(max_examples=60, deadline=None)
def test_a_value_is_in_view_or_counted_as_outside(
    arrays: list[FloatArray], include: float | None, tail: float
) -> None:
    ax = a_panel()
    p.set_value_axis(ax, "emittance [µm]", *arrays, include=include, tail=tail)
    low, high = ax.get_ylim()
    found = np.concatenate([np.empty(0), *arrays])
    found = found[np.isfinite(found)]
    assert low < high
    assert counted(ax) == np.count_nonzero((found < low) | (found > high))
    assert include is None or low <= include <= high
    if outside_note(ax):
        assert outside_note(ax).endswith(f" of {found.size:,} points outside")


@given(st.lists(FINITE, min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_robust_limits_leave_out_no_more_than_both_tails(found: list[float]) -> None:
    values = np.array(found)
    low, high = p.robust_limits(values)
    outside = np.count_nonzero((values < low) | (values > high))
    assert outside <= 2 * np.ceil(0.01 * values.size)
    # What is left out is far: further than the middle 98 % is wide.
    start, end = np.quantile(values, [0.01, 0.99])
    near = values[(values >= start - (end - start)) & (values <= end + (end - start))]
    assert ((near >= low) & (near <= high)).all()


@given(st.lists(FINITE, min_size=1, max_size=50), st.floats(0.5, 100.0), FINITE)
@settings(max_examples=60, deadline=None)
def test_limits_follow_the_unit_of_the_values(
    found: list[float], scale: float, offset: float
) -> None:
    values = np.array(found)
    span = max(np.ptp(values), 1.0)
    values = np.concatenate([values, [values.min() - 0.1 * span]])  # no single value
    low, high = p.robust_limits(values, tail=0.0)
    scaled = p.robust_limits(scale * values + offset, tail=0.0)
    room = 1e-9 * (scale * (abs(low) + abs(high)) + abs(offset))
    np.testing.assert_allclose(scaled, (scale * low + offset, scale * high + offset), atol=room)


def test_one_value_has_room_around_it() -> None:
    assert p.robust_limits(np.array([2.0, NAN])) == pytest.approx((1.9, 2.1))
    assert p.robust_limits(np.array([0.0])) == (-1.0, 1.0)


def test_values_that_differ_by_rounding_alone_have_room_around_them_and_are_inside(
    ax: Axes,
) -> None:
    values = np.full(400, 0.3)
    values[7] = 0.1 + 0.2
    p.set_value_axis(ax, "brightness", values)
    assert ax.get_ylim() == pytest.approx((0.285, 0.315))
    assert outside_note(ax) == ""


def test_without_values_limits_are_nought_and_one() -> None:
    assert p.robust_limits() == (0.0, 1.0)
    assert p.limits_of_each(np.full(3, NAN)) == (0.0, 1.0)


def test_few_bunches_beside_many_count_in_the_limits() -> None:
    many, few = np.random.default_rng(1).normal(1.0, 0.01, 2500), np.array([3.0, 3.1])
    assert p.robust_limits(np.concatenate([many, few]))[1] < 3.0
    low, high = p.limits_of_each(many, few)
    assert low < many.min()
    assert high > 3.1


# --- axes


@pytest.mark.parametrize(
    ("start", "clocks"),
    [
        # The clocks go from 02:00 to 03:00 in spring, from 03:00 to 02:00 in autumn.
        ("2017-03-26 00:00", {0: "01:00", 1: "03:00", 2: "04:00"}),
        ("2017-10-28 23:00", {0: "01:00", 1: "02:00", 2: "02:00", 3: "03:00"}),
        ("2017-07-02 12:53", {0: "14:53", 1: "15:53", 2: "16:53"}),
        ("2017-12-02 12:53", {0: "13:53", 2: "15:53"}),
    ],
)
def test_hours_have_the_time_of_day_in_zurich_below(
    ax: Axes, start: str, clocks: dict[int, str]
) -> None:
    t0 = np.datetime64(start).astype("datetime64[s]").astype(float)
    p.hour_axis(ax, t0 + 600.0 * np.arange(31))
    written = dict(zip(ax.get_xticks(), (t.get_text() for t in ax.get_xticklabels())))
    for hours, clock in clocks.items():
        assert written[hours] == f"{hours}\n{clock}"
    assert ax.get_xlabel() == "hours of stable beams | time of day (Europe/Zurich)"
    low, high = ax.get_xlim()
    assert low < 0 < 5 < high < 5.2


@given(st.floats(0, 30), st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_every_time_is_within_the_hours_shown(hours: float, n_times: int) -> None:
    ax = a_panel()
    time_s = np.linspace(1.5e9, 1.5e9 + 3600 * hours, n_times)
    p.hour_axis(ax, time_s, label=False)
    low, high = ax.get_xlim()
    since = p.hours_since(time_s)
    assert low < since.min() <= since.max() < high
    assert ax.get_xlabel() == ""
    assert 1 <= len(ax.get_xticks()) <= 8


@given(st.lists(st.integers(0, 3563), max_size=30), st.lists(st.integers(0, 3563), max_size=3))
@settings(max_examples=40, deadline=None)
def test_every_slot_is_within_the_slots_shown(first: list[int], second: list[int]) -> None:
    ax = a_panel()
    p.slot_axis(ax, np.array(first, dtype=np.int64), np.array(second, dtype=np.int64))
    low, high = ax.get_xlim()
    assert all(low < slot < high for slot in (*first, *second))
    assert low < high
    assert ax.get_xlabel() == "25 ns slot"


def test_the_title_gives_fill_day_and_time_zone(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    p.title(figure, style, 6024, 1_499_000_000.0, "what is drawn")
    assert [text.get_text() for text in figure.texts] == [
        "Fill 6024: STABLE BEAMS declared on Sun 02 Jul 2017 14:53 (Europe/Zurich)",
        "what is drawn",
    ]


def test_a_long_title_is_written_smaller_to_fit(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in, dpi=50)
    p.write_title(figure, style, "short", "a long line of words " * 15)
    first, second = figure.texts
    assert first.get_size() == style.font_size
    assert second.get_size() < 0.8 * style.font_size
    assert second.get_window_extent().x1 <= figure.bbox.x1


# --- means and points


@given(
    hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=MAYBE),
)
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:Degrees of freedom")
def test_mean_and_spread_are_those_of_the_finite_values_of_each_time(values: FloatArray) -> None:
    mean, spread = p.mean_and_spread(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=1), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(spread, np.nanstd(values, axis=1), rtol=1e-6, atol=1e-6)


def test_an_evolution_is_the_mean_with_its_spread_around_it(ax: Axes) -> None:
    values = np.random.default_rng(2).normal(2.0, 0.1, (5, 8))
    hours = np.linspace(0, 4, 5)
    p.draw_evolution(ax, hours, values, LOOK, "colliding")
    (drawn,) = ax.lines
    np.testing.assert_array_equal(drawn.get_xdata(), hours)
    np.testing.assert_allclose(drawn.get_ydata(), values.mean(axis=1))
    assert (drawn.get_color(), drawn.get_linestyle()) == (LOOK.color, LOOK.linestyle)
    assert drawn.get_label() == "colliding"
    for side in (-1, 1):
        edge = values.mean(axis=1) + side * values.std(axis=1)
        corners = ax.collections[0].get_paths()[0].vertices
        for point in np.column_stack([hours, edge]):
            assert np.isclose(corners, point).all(axis=1).any()


def test_one_bunch_has_no_band(ax: Axes) -> None:
    p.draw_evolution(ax, np.arange(3.0), np.ones((3, 1)), LOOK, "colliding")
    assert not ax.collections


@pytest.mark.parametrize("n_skip", [1, 3])
def test_every_nth_time_of_each_bunch_is_a_point(ax: Axes, n_skip: int) -> None:
    in_limits(ax)
    slots, hours = np.array([3, 40, 41]), np.linspace(0, 6, 7)
    values = np.random.default_rng(3).uniform(1, 9, (7, 3))
    p.draw_bunches(ax, slots, values, hours, Style(n_skip=n_skip))
    (points,) = ax.collections
    expected = [
        (slot, values[i, j], hours[i]) for i in range(0, 7, n_skip) for j, slot in enumerate(slots)
    ]
    drawn = np.column_stack([points.get_offsets(), points.get_array()])
    assert len(drawn) == len(expected)
    assert {tuple(row) for row in drawn} == set(expected)
    assert points.get_cmap().name == TIME_MAP


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
        p.slot_axis(ax, slots)
        ax.set_ylim(1.0, 9.0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(p, "MOST_MARKERS", most)
            p.draw_bunches(ax, slots, values, hours, style)
        out.append(ax)
    return out[0], out[1]


@pytest.mark.parametrize(("n_slots", "image"), [(8, False), (2548, True)])
def test_few_bunches_are_large_points_and_many_an_image(n_slots: int, image: bool) -> None:
    ax = a_panel()
    in_limits(ax)
    slots, hours = np.arange(n_slots), np.linspace(0, 12, 145)
    p.draw_bunches(ax, slots, np.full((145, n_slots), 5.0), hours, Style())
    assert bool(ax.images) is image
    if not image:
        assert ax.collections[0].get_sizes()[0] >= 20
    else:
        # A bunch is several pixels high where the picture is small.
        covered = ~np.ma.getmaskarray(ax.images[0].get_array())
        assert covered.any(axis=1).sum() == 3


@pytest.mark.parametrize(("n_slots", "least"), [(8, 4.5), (500, 2.5), (2548, 1.5)])
def test_markers_of_bunches_shrink_with_their_number(ax: Axes, n_slots: int, least: float) -> None:
    slots = np.arange(n_slots)
    p.draw_slots(ax, slots, 1.0 * slots, LOOK, "measured")
    (drawn,) = ax.lines
    np.testing.assert_array_equal(drawn.get_xydata(), np.column_stack([slots, slots]))
    assert drawn.get_linestyle() == "None"
    assert least - 0.5 <= drawn.get_markersize() <= least + 0.5


def test_the_colour_bar_is_in_hours_of_the_fill(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    upper, lower = (row[0] for row in p.panels(figure, style, 2, 1))
    p.hours_bar(figure, [upper, lower], np.linspace(0, 7, 5), style)
    bar = figure.axes[-1]
    assert bar.get_ylabel() == "hours of stable beams"
    assert bar.get_ylim() == (0, 7)
    assert bar.get_position().y0 == pytest.approx(lower.get_position().y0)
    assert bar.get_position().y1 == pytest.approx(upper.get_position().y1)


# --- layout and legends


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (2, 4), (3, 2)])
@pytest.mark.parametrize("style", [Style(), Style((8, 5), font_size=10), Style((4, 3))])
def test_panels_are_within_the_figure_and_apart(shape: tuple[int, int], style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    rows = p.panels(figure, style, *shape)
    assert (len(rows), len(rows[0])) == shape
    boxes = [ax.get_position() for row in rows for ax in row]
    for box in boxes:
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_a_legend_stands_above_its_panel(ax: Axes) -> None:
    p.draw_slots(ax, np.arange(3), np.arange(3.0), LOOK, "measured")
    p.legend_above(ax, marker_size=9.0)
    legend = ax.get_legend()
    ax.figure.canvas.draw()
    assert legend.get_window_extent().y0 >= ax.get_window_extent().y1
    assert [text.get_text() for text in legend.get_texts()] == ["measured"]
    assert legend.legend_handles[0].get_markersize() == 9.0
    assert ax.lines[0].get_markersize() < 9.0


def test_a_panel_of_nothing_has_no_legend(ax: Axes) -> None:
    p.legend_above(ax)
    assert ax.get_legend() is None


def test_a_picture_of_nothing_says_why(style: Style) -> None:
    figure = Figure(figsize=style.fig_size_in)
    p.missing_picture(figure, "the fits were not made")
    (ax,) = figure.axes
    assert notes(ax) == ["the fits were not made"]
    assert not ax.axison
