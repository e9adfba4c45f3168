"""Lifetimes against time and losses per luminosity, read back from their pictures."""

from __future__ import annotations

import pytest

from lumimod.plots import losses
from lumimod.plots.style import Style
from tests.plots.conftest import FILL, POOR, SIGMA_BOFF_M2, make_results, notes, without_measured


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
