"""Pictures of the cycle model, read back: measured, modelled and their difference."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.plots import cycle_model
from lumimod.plots.cycle_model import CycleModelResults
from lumimod.plots.style import BEAM, CYCLE_MODEL, Style
from lumimod.records import BEAMS
from tests.plots.conftest import drawn_lines, legend_of, line, notes, silent_panels, texts
from tests.plots.cycles import (
    POOR_CYCLE_MODELS,
    lacking,
    make_cycle,
    model_results,
    with_slots,
)

BY_NAME = {picture.name: picture for picture in cycle_model.CYCLE_MODEL_PICTURES}
INTERVAL = {"INJ": "Injection", "FT": "he_before_SB"}
SOURCES = {"INJ": {"measured": 1.0, "model": 0.98}}
SOURCES["FT"] = {**SOURCES["INJ"], "chain": 0.95}
SLOTS = np.arange(20, 26)
SPREAD = 1 + 0.01 * np.arange(6)


def growths(results: CycleModelResults, beam: int, tag: str, field: str) -> dict[str, np.ndarray]:
    """Return the growth per hour of each bunch, of what was measured and of each model."""
    records = {"measured": results.cycle, "model": results.model, "chain": results.chained}
    of = (beam, INTERVAL[tag])
    measured = results.cycle.intervals[of]
    hours = (measured.end.time_s - measured.start.time_s) / 3600
    return {
        name: (getattr(records[name].intervals[of].end, field)
               - getattr(records[name].intervals[of].start, field)) / hours
        for name in SOURCES[tag]
    }  # fmt: skip


@pytest.mark.parametrize("tag", INTERVAL)
@pytest.mark.parametrize("beam", BEAMS)
def test_growth_of_emittances_in_an_interval_is_shown(beam: int, tag: str, style: Style) -> None:
    results = model_results()
    figure = BY_NAME[f"cycle_model_emittances_b{beam}_{tag}"].draw(results, style)
    for column, plane in enumerate("HV"):
        upper, lower = figure.axes[column], figure.axes[2 + column]
        check_panels(upper, lower, growths(results, beam, tag, f"emit_{plane.lower()}_um"))
        assert upper.get_ylabel() == (f"Beam {beam}\n" + f"ε{plane}" + " growth\n[µm/h]")
        assert upper.yaxis.label.get_color() == BEAM[beam].color
        assert lower.get_ylabel() == f"ε{plane} difference\n[µm/h]"
    end = {"INJ": "injection", "FT": "flat top"}[tag]
    assert f"Emittances of beam {beam}: growth per hour until the end of {end};" in texts(figure)
    assert ("chain" in texts(figure)) == (tag == "FT")


@pytest.mark.parametrize("tag", INTERVAL)
def test_growth_of_lengths_of_both_beams_is_shown_in_ps(tag: str, style: Style) -> None:
    results = model_results()
    figure = BY_NAME[f"cycle_model_bunchLength_{tag}"].draw(results, style)
    for column, beam in enumerate(BEAMS):
        upper, lower = figure.axes[column], figure.axes[2 + column]
        found = growths(results, beam, tag, "bl4s_s")
        check_panels(upper, lower, {name: 1e12 * of for name, of in found.items()})
        assert upper.get_ylabel() == f"Beam {beam}\n" + "4σ length" + " growth\n[ps/h]"
        assert lower.get_ylabel() == "difference\n[ps/h]"


def test_bunches_that_waited_differently_have_their_own_growth(style: Style) -> None:
    results = model_results()
    part = results.cycle.intervals[1, "Injection"]
    part.start.time_s[:3] -= part.end.time_s[:3] - part.start.time_s[:3]  # twice as long
    figure = BY_NAME["cycle_model_emittances_b1_INJ"].draw(results, style)
    y = line(figure.axes[0], "measured")[1]
    growth = part.end.emit_h_um - part.start.emit_h_um
    np.testing.assert_allclose(y[:3] / growth[:3], y[3:] / growth[3:] / 2)


def check_panels(upper, lower, expected: dict[str, np.ndarray]) -> None:
    """Assert that two panels show what was measured, each model, and their difference."""
    for name, growth in expected.items():
        x, y = line(upper, name)
        np.testing.assert_array_equal(x, SLOTS)
        np.testing.assert_allclose(y, growth, atol=1e-9)
        (drawn,) = (one for one in upper.lines if str(one.get_label()).startswith(name))
        assert drawn.get_color() == CYCLE_MODEL[name].color
        if name != "measured":
            x, y = line(lower, f"measured − {name}: ")
            np.testing.assert_array_equal(x, SLOTS)
            np.testing.assert_allclose(y, expected["measured"] - growth, atol=1e-9)
    assert len(legend_of(upper)) == len(expected)
    for ax in (upper, lower):
        low, high = ax.get_ylim()
        assert low < 0 < high or ax is upper
    low, high = upper.get_ylim()
    every = np.concatenate(list(expected.values()))
    assert low < every.min() < every.max() < high


def test_differences_are_of_the_slots_that_both_have(style: Style) -> None:
    model = with_slots(make_cycle(factor=0.9, modelled=True), (1, "Injection"), slice(3, 6))
    measured = with_slots(make_cycle(), (1, "Injection"), slice(0, 5))
    figure = BY_NAME["cycle_model_emittances_b1_INJ"].draw(model_results(measured, model), style)
    x, _ = line(figure.axes[2], "measured − model")
    np.testing.assert_array_equal(x, [23, 24])
    assert figure.axes[0].get_xlim() == figure.axes[2].get_xlim()


def test_a_model_without_a_bunch_in_common_says_so(style: Style) -> None:
    model = with_slots(make_cycle(modelled=True), (1, "Injection"), slice(3, 6))
    measured = with_slots(make_cycle(), (1, "Injection"), slice(0, 3))
    figure = BY_NAME["cycle_model_emittances_b1_INJ"].draw(model_results(measured, model), style)
    assert notes(figure.axes[2]) == ["no bunch is both measured and modelled"]
    assert legend_of(figure.axes[2]) == ["measured − model: no data"]


def test_a_missing_chain_is_in_the_legend_and_the_model_is_drawn(style: Style) -> None:
    chained = lacking(make_cycle(factor=0.95, modelled=True), (1, "he_before_SB"))
    figure = BY_NAME["cycle_model_emittances_b1_FT"].draw(model_results(chained=chained), style)
    upper, lower = figure.axes[0], figure.axes[2]
    assert "chain: no data" in legend_of(upper)
    assert "measured − chain: no data" in legend_of(lower)
    assert len(drawn_lines(upper)) == 2
    assert notes(lower) == []


def test_bunches_that_were_not_measured_are_named(style: Style) -> None:
    results = POOR_CYCLE_MODELS["beam 2 not in the file"]()
    figure = BY_NAME["cycle_model_bunchLength_INJ"].draw(results, style)
    upper, lower = figure.axes[1], figure.axes[3]
    assert legend_of(upper)[0] == "measured: no data"
    assert notes(lower) == ["no bunch is both measured and modelled"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cycle_model_emittances_b1_FT", "cycle_model_bunchLength_INJ"])
@pytest.mark.parametrize("poor", POOR_CYCLE_MODELS)
def test_each_panel_shows_something_or_says_why_not(poor: str, name: str, style: Style) -> None:
    figure = BY_NAME[name].draw(POOR_CYCLE_MODELS[poor](), style)
    assert silent_panels(figure) == []
    if poor == "nothing at all":
        figure.canvas.draw()
