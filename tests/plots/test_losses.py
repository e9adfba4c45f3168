"""Lifetimes against time and losses per luminosity, read back from their pictures."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.plots import losses
from lumimod.plots.style import BEAM, Style
from lumimod.records import BEAMS
from tests.plots.conftest import (
    FILL,
    POOR,
    SIGMA_BOFF_M2,
    legend_of,
    line,
    make_results,
    notes,
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
    for figure in (
        losses.draw_intensity_lifetime(sb, lifetime, FILL, style=style),
        losses.draw_bunch_losses(sb, lifetime, SIGMA_BOFF_M2, FILL, style=style),
    ):
        row = figure.axes[2 * beam - 2 : 2 * beam]
        assert [notes(ax) for ax in row] == [[f"beam {beam}: {why}"]] * 2


# --- lifetimes against time

NAMES = ("as measured", "beyond burn-off")


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
    middle = f"{1 / np.median(3600 / tau_s):.3g} h (" if column == 0 else "not falling"
    assert middle in legend_of(ax)[0]


def test_quantiles_are_over_the_finite_values_of_each_time() -> None:
    values = np.array([[1.0, 2.0, 3.0], [np.nan, 5.0, 7.0], [np.nan] * 3])
    np.testing.assert_array_equal(
        losses.quantiles_of_rows(values, (0.0, 0.5, 1.0)),
        [[1, 5, np.nan], [2, 6, np.nan], [3, 7, np.nan]],
    )
    assert losses.quantiles_of_rows(np.empty((0, 4)), (0.5,)).shape == (1, 0)


# --- losses per luminosity


@pytest.mark.parametrize("beam", BEAMS)
def test_losses_are_in_mb_beside_the_cross_section_of_burn_off(beam: int, style: Style) -> None:
    results = make_results()
    assert results.lifetime is not None
    sigma_m2 = results.lifetime.beams[beam].sigma_m2
    assert sigma_m2 is not None
    sigma_mb = sigma_m2 / 1e-31
    figure = losses.draw_bunch_losses(
        results.sb, results.lifetime, SIGMA_BOFF_M2, FILL, style=style
    )
    left, right = figure.axes[2 * beam - 2 : 2 * beam]
    x, y = line(left, "6 colliding")
    np.testing.assert_allclose(x, np.arange(12) / 6)
    np.testing.assert_allclose(y, np.median(sigma_mb, axis=1))
    assert f"6 colliding: median {np.median(sigma_mb):.1f} ± " in "".join(legend_of(left))
    np.testing.assert_allclose(line(left, "burn-off 80 mb")[1], 80)
    assert any(np.allclose(one.get_ydata(), 80) for one in right.lines)
    np.testing.assert_allclose(line(right, "mean over time")[1], sigma_mb.mean(axis=0))
    (points,) = right.collections
    slots = np.tile(np.arange(10, 16), 12)
    np.testing.assert_allclose(points.get_offsets(), np.column_stack([slots, sigma_mb.ravel()]))
    for ax in (left, right):
        assert ax.get_ylabel() == f"Beam {beam}\n|dN/dt|/L [mb]"
        low, high = ax.get_ylim()
        assert low < 80 < high
    assert figure.axes[-1].get_ylabel() == "hours of stable beams"


def test_losses_without_luminosity_at_a_time_are_left_out(style: Style) -> None:
    results = make_results()
    assert results.lifetime is not None
    sigma_m2 = results.lifetime.beams[1].sigma_m2
    assert sigma_m2 is not None
    sigma_m2[0] = np.inf
    figure = losses.draw_bunch_losses(
        results.sb, results.lifetime, SIGMA_BOFF_M2, FILL, style=style
    )
    _, y = line(figure.axes[0], "6 colliding")
    assert np.isnan(y[0])
    np.testing.assert_allclose(y[1:], np.median(sigma_m2[1:], axis=1) / 1e-31)
    assert np.isfinite(figure.axes[0].get_ylim()).all()


@pytest.mark.parametrize("burn_off_mb", [20.0, 110.0])
def test_the_line_of_burn_off_is_always_in_view(burn_off_mb: float, style: Style) -> None:
    results = make_results()
    figure = losses.draw_bunch_losses(
        results.sb, results.lifetime, burn_off_mb * 1e-31, FILL, style=style
    )
    for ax in figure.axes[:4]:
        low, high = ax.get_ylim()
        assert low < burn_off_mb < high
    assert f"burn-off {burn_off_mb:g} mb" in legend_of(figure.axes[0])
