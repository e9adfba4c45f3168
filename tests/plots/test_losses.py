"""Lifetimes against time and effective cross-sections, read back from their pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.axes import Axes

from lumimod.plots import losses
from lumimod.plots.about import About, Unmeasured
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import BEAM, Style
from lumimod.records import BEAMS
from tests.plots.conftest import (
    FILL,
    NAN,
    POOR,
    SIGMA_BOFF_M2,
    T0,
    legend_of,
    line,
    make_results,
    notes,
    nothing_in_beam_2,
    outside_note,
    texts,
    without_measured,
)


def test_without_measured_luminosity_only_the_lifetimes_as_measured_are_drawn(
    style: Style,
) -> None:
    results = without_measured(make_results())
    figure = losses.draw_intensity_lifetime(results.sb, results.lifetime, FILL, style=style)
    assert [notes(ax) for ax in figure.axes] == [
        [],
        ["no luminosity measured: burn-off unknown"],
    ] * 2


@pytest.mark.parametrize(
    ("poor", "beam", "why"),
    [
        ("no colliding bunch", 1, "no colliding bunches"),
        ("one time", 2, "one time tells no loss"),
        ("NaN in beam 2", 2, "no data"),
    ],
)
def test_panels_without_losses_say_why(poor: str, beam: int, why: str, style: Style) -> None:
    results = POOR[poor]()
    sb, lifetime = results.sb, results.lifetime
    figure = losses.draw_intensity_lifetime(sb, lifetime, FILL, style=style)
    row = figure.axes[2 * beam - 2 : 2 * beam]
    assert [notes(ax) for ax in row] == [[f"beam {beam}: {why}"]] * 2


# --- lifetimes against time

NAMES = ("as measured", "beyond burn-off")


@pytest.mark.slow
@pytest.mark.parametrize("beam", BEAMS)
@pytest.mark.parametrize("column", [0, 1])
def test_median_and_bands_of_lifetimes_are_those_of_the_rates(
    beam: int, column: int, style: Style
) -> None:
    results = make_results()
    assert results.lifetime is not None
    record = results.lifetime.beams[beam]
    tau_s = (record.tau_s, record.tau_boff_corrected_s)[column]
    total_s = (record.total_tau_s, record.total_tau_boff_corrected_s)[column]
    assert tau_s is not None
    assert total_s is not None
    figure = losses.draw_intensity_lifetime(results.sb, results.lifetime, FILL, style=style)
    ax = figure.axes[2 * beam - 2 + column]
    low, longest, median, shortest, high = np.quantile(
        3600 / tau_s, [0.025, 0.16, 0.5, 0.84, 0.975], axis=1
    )
    x, y = line(ax, NAMES[column])
    np.testing.assert_allclose(x, np.arange(12) / 6)
    np.testing.assert_allclose(y, median)
    np.testing.assert_allclose(line(ax, "whole beam")[1], 3600 / total_s, atol=1e-15)
    for band, edges in zip(ax.collections, ((low, high), (longest, shortest))):
        corners = band.get_paths()[0].vertices
        for edge in edges:
            for point in np.column_stack([x, edge]):
                assert np.isclose(corners, point).all(axis=1).any()
    assert ax.lines[0].get_color() == BEAM[beam].color
    assert ax.get_ylabel() == f"Beam {beam}\nlifetime [h]"
    middle = f"{1 / np.median(3600 / tau_s):.3g} h (" if column == 0 else "no net loss"
    assert middle in legend_of(ax)[0]


def test_spikes_at_a_few_times_set_no_limits_of_lifetimes(style: Style) -> None:
    results = make_results(n_times=73)
    assert results.lifetime is not None
    for of in results.lifetime.beams.values():
        of.tau_s[[10, 40]] = -100.0
        of.tau_s[[11, 41]] = 100.0
    figure = losses.draw_intensity_lifetime(results.sb, results.lifetime, FILL, style=style)
    low, high = sorted(figure.axes[0].get_ylim())
    assert -0.05 < low < 1 / 30 < 1 / 20 < high < 0.1
    assert "points outside" in outside_note(figure.axes[0])


def test_lifetimes_are_not_drawn_where_intensities_were_not_measured(style: Style) -> None:
    results = make_results()
    gap = Unmeasured("bunch intensity", 1, T0 + 3600.0, T0 + 7200.0)
    figure = losses.draw_intensity_lifetime(
        results.sb, results.lifetime, FILL, about=About(gaps=(gap,)), style=style
    )
    hours = np.arange(12) / 6
    for row, beam in ((figure.axes[:2], 1), (figure.axes[2:], 2)):
        for ax, name in zip(row, NAMES):
            hidden = hours > 1 if beam == 1 else np.zeros(12, bool)
            for label in (name, "whole beam"):
                np.testing.assert_array_equal(np.isnan(line(ax, label)[1]), hidden)


def test_axes_of_lifetimes_say_that_they_are_linear_in_the_rate(style: Style) -> None:
    results = make_results()
    figure = losses.draw_intensity_lifetime(results.sb, results.lifetime, FILL, style=style)
    assert "linear in 1/lifetime, ∞: no loss, negative: growth" in texts(figure)


# --- effective cross-section


def draw(results: SbResults, style: Style, burn_off_mb: float = 80.0) -> tuple[Axes, Axes]:
    """Return the panel of windows and that of each bunch."""
    left, right = losses.draw_bunch_losses(
        results.sb, results.losses, burn_off_mb * 1e-31, FILL, style=style
    ).axes
    return left, right


@pytest.mark.parametrize("beam", BEAMS)
def test_the_cross_section_of_a_beam_is_in_windows_with_its_error(beam: int, style: Style) -> None:
    results = make_results()
    assert results.losses is not None
    of = results.losses.beams[beam]
    left, _ = draw(results, style)
    container = left.containers[beam - 1]
    points, _, (bars,) = container.lines
    np.testing.assert_allclose(points.get_xdata(), (0.5 + np.arange(4)) / 3)
    np.testing.assert_allclose(points.get_ydata(), of.total_sigma_m2 * 1e31)
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    sigma_mb, error_mb = of.total_sigma_m2 * 1e31, of.total_error_m2 * 1e31
    np.testing.assert_allclose(ends.T, [sigma_mb - error_mb, sigma_mb + error_mb])
    assert points.get_color() == BEAM[beam].color
    assert f"beam {beam}: {84 - 2 * beam}.00 ± 0.12 mb over the fill" in legend_of(left)


@pytest.mark.parametrize("beam", BEAMS)
def test_the_cross_section_of_each_bunch_is_that_over_the_fill(beam: int, style: Style) -> None:
    results = make_results()
    assert results.losses is not None
    _, right = draw(results, style)
    x, y = line(right, f"beam {beam}, 6 colliding: median ")
    np.testing.assert_array_equal(x, np.arange(10, 16))
    np.testing.assert_allclose(y, results.losses.beams[beam].fill_sigma_m2 * 1e31)


def test_noise_is_not_folded_to_one_side(style: Style) -> None:
    results = make_results()
    assert results.losses is not None
    of = results.losses.beams[1]
    of.fill_sigma_m2[:] = 1e-31 * np.array([-40.0, 200.0, -10.0, 170.0, 20.0, 140.0])
    _, right = draw(results, style)
    y = line(right, "beam 1")[1]
    assert y.min() == pytest.approx(-40)
    assert y.mean() == pytest.approx(80)
    assert right.get_ylim()[0] < -40


@pytest.mark.parametrize("burn_off_mb", [20.0, 110.0])
def test_the_line_of_burn_off_is_always_in_view(burn_off_mb: float, style: Style) -> None:
    axes = draw(make_results(), style, burn_off_mb)
    for ax in axes:
        low, high = ax.get_ylim()
        assert low < burn_off_mb < high
        assert any(np.allclose(one.get_ydata(), burn_off_mb) for one in ax.lines)
    assert f"burn-off {burn_off_mb:g} mb" in legend_of(axes[0])


def test_the_title_says_which_luminosity_counts(style: Style) -> None:
    results = make_results()
    assert results.losses is not None
    calculated = dataclasses.replace(results.losses, lumi="calculated")
    figure = losses.draw_bunch_losses(results.sb, calculated, SIGMA_BOFF_M2, FILL, style=style)
    assert "per luminosity (calculated)" in figure.texts[1].get_text()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (79.979, 0.041, "79.979 ± 0.041"),
        (81.0, 12.3, "81 ± 12"),
        (-3.0, 0.5, "\N{MINUS SIGN}3.00 ± 0.50"),
        (80.1234, NAN, "80.12"),
        (NAN, NAN, "no data"),
    ],
)
def test_a_value_is_written_with_two_digits_of_its_error(
    value: float, error: float, text: str
) -> None:
    assert losses.with_error(value, error) == text


def test_a_fill_without_a_window_says_so(style: Style) -> None:
    results = nothing_in_beam_2(make_results())
    assert results.losses is not None
    only = dataclasses.replace(results.losses, beams={2: results.losses.beams[2]})
    figure = losses.draw_bunch_losses(results.sb, only, SIGMA_BOFF_M2, FILL, style=style)
    assert [notes(ax) for ax in figure.axes] == [
        ["no window with losses and luminosity"],
        ["no bunch with losses and luminosity"],
    ]
