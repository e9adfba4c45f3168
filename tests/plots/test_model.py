"""Pictures of the stable-beams model, read back: each model beside the data, and all together."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.plots import model, model_results, totals
from lumimod.plots.about import About, Unmeasured
from lumimod.plots.model_results import ModelResults
from lumimod.plots.style import BEAM, CALCULATED, MODEL, Style
from lumimod.records import BEAMS, EXPERIMENTS
from tests.plots.conftest import (
    STYLE,
    T0,
    Seen,
    drawn_lines,
    legend_of,
    line,
    seen,
    texts,
)
from tests.plots.models import (
    CASES,
    FACTOR,
    POOR_MODELS,
    SETTINGS,
    make_model_results,
    with_luminosity,
)

LIGHT_M_S = 299_792_458.0
HOURS = np.arange(13) / 6
COMPARISON = "modelComp_luminosity"
WORDS = {"coll": "Colliding", "noncoll": "NonColliding"}
FIELDS = {
    "emittance": (("emit_h_um", 1.0), ("emit_v_um", 1.0)),
    "intens_blength_": (("intensity_ppb", 1e-11), ("length_m", 4e9 / LIGHT_M_S)),
}
LABELS = {
    "emit_h_um": "εH [µm]",
    "emit_v_um": "εV [µm]",
    "intensity_ppb": "N [10¹¹]",
    "length_m": "4σ length [ns]",
}


def draw(results: ModelResults, what: str, style: Style, name: str = "IBSBOff") -> Figure:
    """Return a picture of one model, or the comparison of all."""
    by_name = {p.name: p for p in model.model_pictures((name,), results.case)}
    whose = what if what.startswith(("modelComp", "all_")) else f"{name}_{what}"
    whose = whose.replace("all_", "")
    return by_name[f"sbmodel_{whose}_case{results.case}"].draw(results, style)


def test_pictures_are_named_by_model_and_case() -> None:
    of_all = [
        "sbmodel_luminosity_case2",
        "sbmodel_emittanceColliding_case2",
        "sbmodel_intens_blength_Colliding_case2",
        "sbmodel_emittanceNonColliding_case2",
        "sbmodel_intens_blength_NonColliding_case2",
    ]
    for models in (("IBSBOff",), tuple(SETTINGS)):
        found = model.model_pictures(models, "2", per_model=False)
        assert [p.name for p in found] == of_all
    assert [p.name for p in model.model_pictures(("IBSBOff",), "2")] == [
        *of_all,
        "sbmodel_IBSBOff_luminosity_case2",
        "sbmodel_IBSBOff_emittanceColliding_case2",
        "sbmodel_IBSBOff_emittanceNonColliding_case2",
        "sbmodel_IBSBOff_intens_blength_Colliding_case2",
        "sbmodel_IBSBOff_intens_blength_NonColliding_case2",
        "sbmodel_modelComp_luminosity_case2",
    ]
    assert len(model.model_pictures(tuple(SETTINGS), "1")) == 5 + 5 * 5 + 1


# --- bunches


@pytest.mark.parametrize("what", FIELDS)
@pytest.mark.parametrize("family", WORDS)
def test_modelled_bunches_are_shown_beside_the_data(what: str, family: str, style: Style) -> None:
    results = make_model_results()
    figure = draw(results, f"{what}{WORDS[family]}", style)
    panels = iter(figure.axes)
    for field, scale in FIELDS[what]:
        for beam in BEAMS:
            ax = next(panels)
            data = scale * getattr(results.sb.bunches[beam, family], field)
            x, y = line(ax, "data")
            np.testing.assert_allclose(x, HOURS)
            np.testing.assert_allclose(y, np.median(data, axis=1))
            x, y = line(ax, "model")
            np.testing.assert_allclose(x, HOURS[:-1])
            np.testing.assert_allclose(y, 1.02 * np.median(data[:-1], axis=1))
            named = [one for one in ax.lines if not str(one.get_label()).startswith("_")]
            assert named[0].get_color() == MODEL["data"].color
            assert named[1].get_color() == MODEL["IBSBOff"].color
            assert len(ax.collections) == (2 if family == "coll" else 0)  # bands
            assert ax.get_ylabel() == f"Beam {beam}\n{LABELS[field]}"
            assert ax.yaxis.label.get_color() == BEAM[beam].color
            n_bunches = {"coll": 6, "noncoll": 2}[family]
            first = legend_of(ax)[0]
            assert first.startswith(f"data, {n_bunches} bunches: {np.median(data[0]):.2f}"[:-1])
    assert figure.axes[2].get_xlabel() == "hours of stable beams | time of day (Europe/Zurich)"


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("family", WORDS)
def test_what_a_model_takes_from_the_data_is_said(name: str, family: str, style: Style) -> None:
    settings = SETTINGS[name]
    taken = {
        "emittance": settings["emitBU"] != "Model",
        "intensity": family == "noncoll" or not settings["BOff"],
        "length": settings["blengthBU"] != "Model",
    }
    results = make_model_results()
    upper, _, lower, _ = draw(results, f"intens_blength_{WORDS[family]}", style, name).axes
    emittance = draw(results, f"emittance{WORDS[family]}", style, name)
    for ax, quantity in ((upper, "intensity"), (lower, "length"), (emittance.axes[0], "emittance")):
        assert ("model: the data, not modelled" in legend_of(ax)) == taken[quantity], quantity
    second = emittance.texts[1].get_text()
    assert second.startswith(f"{name}, case 1 (no emittance correction): ")
    for quantity, words in (
        ("emittance", "emittances"),
        ("intensity", "intensities"),
        ("length", "lengths"),
    ):
        assert (words in second.rpartition(", ")[2]) == taken[quantity]
    assert second.endswith("from data" if any(taken.values()) else "modelled from the first time")


@pytest.mark.parametrize(("beam", "plane", "factor"), [(1, "h", 0.9), (2, "v", 1.05)])
def test_corrected_emittances_are_drawn_where_the_model_starts_from_them(
    beam: int, plane: str, factor: float, style: Style
) -> None:
    results = make_model_results("2")
    figure = draw(results, "emittanceColliding", style)
    ax = figure.axes[(0 if plane == "h" else 2) + beam - 1]
    data = getattr(results.sb.bunches[beam, "coll"], f"emit_{plane}_um")
    _, y = line(ax, f"data × {factor:g}: where the model starts")
    np.testing.assert_allclose(y, factor * np.median(data, axis=1))
    low, high = ax.get_ylim()
    assert low < y.min() < y.max() < high
    assert "case 2 (emittances × B1H 0.9, B1V 1.1, B2H 0.95, B2V 1.05)" in texts(figure)


def test_emittances_taken_with_a_correction_are_called_so(style: Style) -> None:
    results = make_model_results("2")
    ax = draw(results, "emittanceColliding", style, "EmpiricalBlowupBOff").axes[0]
    assert "model: the data × 0.9, not modelled" in legend_of(ax)
    assert len(drawn_lines(ax)) == 2


def test_a_case_that_is_not_in_the_file_has_no_factors() -> None:
    found = make_model_results().model.models["IBSBOff"]
    assert model_results.factors_of(found, "1") == {"1h": 1, "1v": 1, "2h": 1, "2v": 1}
    assert model_results.factors_of(found, "2")["2h"] == CASES["cor_fact_2h"][1]
    assert model_results.factors_of(found, "9") == {}
    assert model_results.describe_case(found, "9") == "case 9 (factors not known)"


def test_bunches_without_a_model_are_counted(style: Style) -> None:
    results = make_model_results()
    results.model.models["IBSBOff"].bunches[1, "coll"].emit_h_um[:, :2] = np.nan
    ax = draw(results, "emittanceColliding", style).axes[0]
    assert legend_of(ax)[1].startswith("model, 4 of 6 bunches: 2.")


# --- luminosity


@pytest.mark.parametrize("index", [0, 1])
def test_luminosities_and_ratios_of_a_model_are_shown(index: int, style: Style) -> None:
    results = make_model_results()
    exp = EXPERIMENTS[index]
    assert results.lumi_calc is not None
    calc = results.lumi_calc.bunch_lumi[exp]
    total, mean_bunch, ratio = draw(results, "luminosity", style).axes[index::2]
    expected = {
        "measured": (1.02 * calc, MODEL["data"]),
        "calculated": (calc, CALCULATED),
        "IBSBOff": (FACTOR["IBSBOff"] * calc[:-1], MODEL["IBSBOff"]),
    }
    for name, (lumi, look) in expected.items():
        x, y = line(total, name)
        np.testing.assert_allclose(x, HOURS[: len(lumi)])
        np.testing.assert_allclose(y, lumi.sum(axis=1) / 1e35)
        ends = [f"{lumi[at].sum() / 1e35:.3g}" for at in (0, -1)]
        assert f"{name}: {ends[0]} to {ends[1]}" in legend_of(total)
        medians = np.median(lumi, axis=1) / 1e34
        np.testing.assert_allclose(line(mean_bunch, name)[1], medians)
        for ax in (total, mean_bunch):
            (one,) = (one for one in ax.lines if str(one.get_label()).startswith(name))
            assert one.get_color() == look.color
    assert total.get_ylabel() == f"{exp} luminosity\n[10³¹ cm⁻² s⁻¹]"
    assert mean_bunch.get_ylabel() == "median pair\n[10³⁰ cm⁻² s⁻¹]"
    calculated, modelled = drawn_lines(ratio)
    np.testing.assert_allclose(calculated.get_ydata(), 1 / 1.02)
    np.testing.assert_allclose(modelled.get_ydata(), FACTOR["IBSBOff"] / 1.02)
    assert ratio.get_ylabel() == "ratio to\nmeasured"
    low, high = ratio.get_ylim()
    assert low < FACTOR["IBSBOff"] / 1.02 < 1 < high


def test_without_measured_luminosity_ratios_are_to_the_calculated(style: Style) -> None:
    results = POOR_MODELS["no luminosity measured"]()
    figure = draw(results, "luminosity", style)
    assert "measured: not available" in legend_of(figure.axes[0])
    ratio = figure.axes[4]
    assert ratio.get_ylabel() == "ratio to\ncalculated"
    (modelled,) = drawn_lines(ratio)
    np.testing.assert_allclose(modelled.get_ydata(), FACTOR["IBSBOff"])


def test_a_ratio_is_of_the_pairs_that_both_have() -> None:
    of, to = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]]), np.full((3, 3), 2.0)
    to[1] = np.nan
    np.testing.assert_array_equal(totals.ratio(of, to), [1.0, np.nan])
    np.testing.assert_array_equal(totals.total(of), [4.0, 15.0])


def test_a_levelled_model_is_seen_flat_at_its_level(style: Style) -> None:
    results = with_luminosity(make_model_results(), "IBSBOff", lambda v: np.minimum(v, 6e34))
    lumi = results.model.models["IBSBOff"].bunch_lumi["ATLAS"].sum(axis=1) / 1e35
    ax = draw(results, "luminosity", style).axes[0]
    _, y = line(ax, "IBSBOff")
    np.testing.assert_allclose(y, lumi)
    assert np.count_nonzero(np.isclose(y, y[0])) >= 5
    low, high = ax.get_ylim()
    assert low < y.min() < y.max() < high


@pytest.mark.parametrize("what", ["luminosity", COMPARISON])
def test_the_level_of_config_is_a_line_in_view(what: str, style: Style) -> None:
    results = dataclasses.replace(make_model_results(), level_m2s=9e35)
    figure = draw(results, what, style)
    for ax in figure.axes[:2]:
        np.testing.assert_allclose(line(ax, "levelled at 9 · 10³¹")[1], 9)
        low, high = ax.get_ylim()
        assert low < 9 < high
        assert len(drawn_lines(ax)) == (3 if what == "luminosity" else 7)
    assert "levelled at 9 · 10³¹" in texts(figure)


@pytest.mark.parametrize("index", [0, 1])
def test_the_comparison_shows_all_models(index: int, style: Style) -> None:
    results = make_model_results()
    assert results.lumi_calc is not None
    figure = draw(results, COMPARISON, style)
    calc = results.lumi_calc.bunch_lumi[EXPERIMENTS[index]].sum(axis=1) / 1e35
    total, ratio = figure.axes[index], figure.axes[2 + index]
    for name, factor in FACTOR.items():
        np.testing.assert_allclose(line(total, name)[1], factor * calc[:-1])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["measured", "calculated", *SETTINGS]
    drawn = drawn_lines(ratio)
    expected = [1 / 1.02, *(factor / 1.02 for factor in FACTOR.values())]
    assert len(drawn) == len(expected)
    for one, value in zip(drawn, expected):
        np.testing.assert_allclose(one.get_ydata(), value)
    for value in expected:
        assert f"{value:.3f}" in "\n".join(legend_of(ratio))
    named = [one for one in total.lines if not str(one.get_label()).startswith("_")]
    assert len({(one.get_color(), str(one.get_linestyle())) for one in named}) == 7


# --- all models side by side


@pytest.mark.parametrize("what", FIELDS)
@pytest.mark.parametrize("family", WORDS)
def test_all_models_are_beside_the_data_and_named_at_their_ends(
    what: str, family: str, style: Style
) -> None:
    results = make_model_results()
    figure = draw(results, f"all_{what}{WORDS[family]}", style)
    panels = iter(figure.axes)
    for field, scale in FIELDS[what]:
        for beam in BEAMS:
            ax = next(panels)
            data = scale * getattr(results.sb.bunches[beam, family], field)
            np.testing.assert_allclose(line(ax, "measured")[1], np.median(data, axis=1))
            own = []
            for name, settings in SETTINGS.items():
                if followed(settings, field, family):
                    continue
                own.append(name)
                x, y = line(ax, name)
                np.testing.assert_allclose(x, HOURS[:-1])
                np.testing.assert_allclose(y, 1.02 * np.median(data[:-1], axis=1))
            if beam == 2:
                named = {text.get_text() for text in ax.texts}
                assert named == {"measured", *own}
        axes = figure.axes[len(figure.axes) - 4 :]
        assert axes[0].get_ylim() == axes[1].get_ylim()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    fields = [field for field, _ in FIELDS[what]]
    expected = [
        f"{name}: as measured" if all(followed(of, field, family) for field in fields) else name
        for name, of in SETTINGS.items()
    ]
    assert legend == ["measured", *expected]


def followed(settings: dict[str, object], field: str, family: str) -> bool:
    """Return whether a model takes a field from the data."""
    if field == "intensity_ppb":
        return family == "noncoll" or not settings["BOff"]
    return settings["blengthBU" if field == "length_m" else "emitBU"] != "Model"


def test_data_and_what_is_calculated_from_them_stop_with_the_instrument(style: Style) -> None:
    gap = Unmeasured("emittance", 1, T0 + 3600.0, T0 + 7200.0)
    results = dataclasses.replace(make_model_results(), about=About(gaps=(gap,)))
    hidden = HOURS > 1
    emittance = draw(results, "all_emittanceColliding", style).axes[0]
    np.testing.assert_array_equal(np.isnan(line(emittance, "measured")[1]), hidden)
    assert np.isfinite(line(emittance, "IBSBOff")[1]).all()
    for which in ("all_luminosity", "luminosity"):  # of a model that takes emittances from data
        ax = draw(results, which, style, "EmpiricalBlowupBOff").axes[0]
        (modelled,) = (one for one in ax.lines if "EmpiricalBlowupBOff" in str(one.get_label()))
        np.testing.assert_array_equal(np.isnan(modelled.get_ydata()), hidden[:-1])
    own = draw(results, "emittanceColliding", style, "EmpiricalBlowupBOff").axes[0]
    np.testing.assert_array_equal(np.isnan(line(own, "model")[1]), hidden[:-1])
    ax = draw(results, "all_luminosity", style).axes[0]
    np.testing.assert_array_equal(np.isnan(line(ax, "calculated")[1]), hidden)
    assert np.isfinite(line(ax, "measured")[1]).all()


def test_pictures_of_families_without_bunches_are_not_made() -> None:
    results = POOR_MODELS["no non-colliding bunch"]()
    pictures = model.model_pictures(tuple(SETTINGS), "1")
    why = {p.name: p.nothing(results) for p in pictures if p.nothing(results)}
    assert set(why.values()) == {"no non-colliding bunches"}
    assert set(why) == {p.name for p in pictures if "NonColliding" in p.name}
    results = POOR_MODELS["model missing"]()
    why = {p.name for p in model.model_pictures(("IBSBOff",), "1") if p.nothing(results)}
    assert len(why) == 5


# --- what is missing


OF_BUNCHES = ("emittanceColliding", "intens_blength_NonColliding")
OF_LUMI = ("luminosity", COMPARISON)
AFFECTED = {
    "complete": (),  # is looked at with all families
    "emittances corrected": OF_BUNCHES,
    "no luminosity measured": OF_LUMI,
    "no luminosity calculated": OF_LUMI,
    "models alone": OF_LUMI,
    "model failed": OF_LUMI,
}
"""The pictures that poor results make different, where these are not all."""


@functools.cache
def seen_of(poor: str, what: str) -> Seen:
    """Return what a picture of poor results says, drawn once."""
    figure = draw(POOR_MODELS[poor](), what, STYLE)
    if poor in ("one time", "nothing at all") and what != "intens_blength_NonColliding":
        figure.canvas.draw()  # where ticks and limits are the hardest to place
    return seen(figure)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("poor", "what"),
    [(poor, what) for poor in POOR_MODELS for what in AFFECTED.get(poor, (*OF_LUMI, *OF_BUNCHES))],
)
def test_each_panel_shows_something_or_says_why_not(poor: str, what: str) -> None:
    assert seen_of(poor, what).silent == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("poor", "what", "words"),
    [
        ("complete", "luminosity", set()),
        ("model missing", "luminosity", {"case 1 has no results of IBSBOff"}),
        ("model missing", "emittanceColliding", {"case 1 has no results of IBSBOff"}),
        ("no models", COMPARISON, {"case 1 has no models"}),
        (
            "nothing at all",
            COMPARISON,
            {
                "case 1 has no models\nno luminosity of any bunch",
                "no ratio: luminosity neither measured nor calculated",
            },
        ),
        (
            "no non-colliding bunch",
            "emittanceNonColliding",
            {f"beam {beam}: no non-colliding bunches" for beam in BEAMS},
        ),
        (
            "no colliding bunch",
            "luminosity",
            {"no colliding bunches", "no ratio: luminosity neither measured nor calculated"},
        ),
        (
            "models alone",
            COMPARISON,
            {"no ratio: luminosity neither measured nor calculated"},
        ),
        ("model failed", "luminosity", set()),
    ],
)
def test_what_is_missing_is_said_in_the_panel(poor: str, what: str, words: set[str]) -> None:
    found, expected = (
        {" ".join(note.split()) for note in of} for of in (seen_of(poor, what).notes, words)
    )
    assert found == expected  # whatever the width of the panel


def test_a_model_without_luminosity_is_said_in_the_legend(style: Style) -> None:
    ax = draw(POOR_MODELS["model failed"](), "luminosity", style).axes[0]
    assert legend_of(ax)[-1] == "IBSBOff: no data"
    assert len(drawn_lines(ax)) == 2


def test_bunches_without_data_or_model_are_said(style: Style) -> None:
    results = make_model_results()
    for of in (results.sb.bunches[2, "coll"], results.model.models["IBSBOff"].bunches[2, "coll"]):
        for field in dataclasses.fields(of):
            if field.name.endswith("_um"):
                getattr(of, field.name)[:] = np.nan
    figure = draw(results, "emittanceColliding", style)
    assert set(seen(figure).notes) == {"beam 2: neither data nor model has a value"}
    assert [text.split(": ")[-1] for text in legend_of(figure.axes[1])] == ["no data"] * 2


def test_at_one_time_the_data_are_points(style: Style) -> None:
    ax: Axes = draw(POOR_MODELS["one time"](), "emittanceColliding", style).axes[0]
    (data,) = drawn_lines(ax)
    assert data.get_marker() == MODEL["data"].marker
    assert legend_of(ax)[1] == "model, 0 of 6 bunches: no data"


def test_a_model_of_another_name_has_a_look_too() -> None:
    assert model_results.look_of_model("MyModel") == model_results.OTHER_MODEL
