"""Pictures of the cycle model, read back: measured, modelled and their difference."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.plots import cycle_model
from lumimod.plots.style import BEAM, CYCLE_MODEL, Style
from lumimod.records import BEAMS
from tests.plots.conftest import drawn_lines, legend_of, line, notes, silent_panels, texts
from tests.plots.cycles import (
    AT,
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


@pytest.mark.parametrize("tag", INTERVAL)
@pytest.mark.parametrize("beam", BEAMS)
def test_emittances_at_the_end_of_an_interval_are_shown(beam: int, tag: str, style: Style) -> None:
    figure = BY_NAME[f"cycle_model_emittances_b{beam}_{tag}"].draw(model_results(), style)
    emit_h_um = beam * AT[INTERVAL[tag], "end"][0] * SPREAD
    for column, plane in enumerate("HV"):
        upper, lower = figure.axes[column], figure.axes[2 + column]
        measured = emit_h_um * (1.0 if plane == "H" else 0.9)
        check_panels(upper, lower, tag, measured)
        assert upper.get_ylabel() == f"Beam {beam}\n" + rf"$\varepsilon_{plane}$ [µm]"
        assert upper.yaxis.label.get_color() == BEAM[beam].color
        assert lower.get_ylabel() == "difference\n[µm]"
        assert ("no vertical growth" in "".join(legend_of(upper))) == (plane == "V")
    end = {"INJ": "injection", "FT": "flat top"}[tag]
    assert f"Emittances of beam {beam} at the end of {end}: measured;" in texts(figure)
    assert ("chain" in texts(figure)) == (tag == "FT")


@pytest.mark.parametrize("tag", INTERVAL)
def test_lengths_of_both_beams_are_shown_in_ns(tag: str, style: Style) -> None:
    figure = BY_NAME[f"cycle_model_bunchLength_{tag}"].draw(model_results(), style)
    for column, beam in enumerate(BEAMS):
        upper, lower = figure.axes[column], figure.axes[2 + column]
        check_panels(upper, lower, tag, beam * 1e9 * AT[INTERVAL[tag], "end"][2] * SPREAD)
        assert upper.get_ylabel() == f"Beam {beam}\n" + r"$4\sigma$ length [ns]"
        assert lower.get_ylabel() == "difference\n[ns]"


def check_panels(upper, lower, tag: str, measured: np.ndarray) -> None:
    """Assert that two panels show what was measured, each model, and their difference."""
    for name, factor in SOURCES[tag].items():
        x, y = line(upper, name)
        np.testing.assert_array_equal(x, SLOTS)
        np.testing.assert_allclose(y, factor * measured)
        (drawn,) = (one for one in upper.lines if str(one.get_label()).startswith(name))
        assert drawn.get_color() == CYCLE_MODEL[name].color
        if name != "measured":
            x, y = line(lower, f"measured − {name}: ")
            np.testing.assert_array_equal(x, SLOTS)
            np.testing.assert_allclose(y, (1 - factor) * measured)
            (text,) = (t for t in legend_of(lower) if t.startswith(f"measured − {name}: "))
            number = float(text.split(": ")[1].split(" ")[0])
            assert number == pytest.approx(((1 - factor) * measured).mean(), rel=0.02)
    assert len(legend_of(upper)) == len(SOURCES[tag])
    low, high = lower.get_ylim()
    assert low < 0 < high
    low, high = upper.get_ylim()
    assert low < 0.95 * measured.min() or tag == "INJ"
    assert low < 0.98 * measured.min() < measured.max() < high


def test_differences_are_of_the_slots_that_both_have(style: Style) -> None:
    model = with_slots(make_cycle(factor=0.9, modelled=True), (1, "Injection"), slice(3, 6))
    measured = with_slots(make_cycle(), (1, "Injection"), slice(0, 5))
    figure = BY_NAME["cycle_model_emittances_b1_INJ"].draw(model_results(measured, model), style)
    x, y = line(figure.axes[2], "measured − model")
    np.testing.assert_array_equal(x, [23, 24])
    np.testing.assert_allclose(y, 0.1 * 1.7 * SPREAD[3:5])
    assert figure.axes[0].get_xlim() == figure.axes[2].get_xlim()
    assert figure.axes[0].get_xlim()[1] > 25


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


def test_bunches_that_were_not_measured_are_named_and_the_model_is_drawn(style: Style) -> None:
    results = POOR_CYCLE_MODELS["beam 2 not in the file"]()
    figure = BY_NAME["cycle_model_bunchLength_INJ"].draw(results, style)
    upper, lower = figure.axes[1], figure.axes[3]
    assert legend_of(upper)[0] == "measured: no data"
    np.testing.assert_allclose(line(upper, "model")[1], 2 * 0.98 * 1.20 * SPREAD)
    assert notes(lower) == ["no bunch is both measured and modelled"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cycle_model_emittances_b1_FT", "cycle_model_bunchLength_INJ"])
@pytest.mark.parametrize("poor", POOR_CYCLE_MODELS)
def test_each_panel_shows_something_or_says_why_not(poor: str, name: str, style: Style) -> None:
    figure = BY_NAME[name].draw(POOR_CYCLE_MODELS[poor](), style)
    assert silent_panels(figure) == []
    if poor == "nothing at all":
        figure.canvas.draw()
