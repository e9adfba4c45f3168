"""Pictures of what limits the machine: the data that they show, read back."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.paths import FillPaths
from lumimod.physics.budget import CAUSES
from lumimod.plots.about import Unmeasured
from lumimod.plots.bunch_maps import draw_maps
from lumimod.plots.limits import LIMIT_PICTURES, LimitResults, load_limits
from lumimod.plots.maps import change_percent, change_scale
from lumimod.plots.style import DEFAULT_STYLE, GROWTH_MAP, LOSS_MAP, Style
from lumimod.readers.stamps import ZURICH
from lumimod.records import Cycle
from lumimod.records.store import load
from tests.plots.conftest import RUN_FILL, silent_panels, texts
from tests.plots.looks import check_frames, check_legends, check_shared, check_words

PICTURES = {picture.name: picture for picture in LIMIT_PICTURES}
STYLE = Style((9.0, 5.0), 40, 8.0)
_figures: dict[str, Figure] = {}


@pytest.fixture(scope="module")
def results(run_fill: FillPaths) -> LimitResults:
    """Return what the pictures are drawn from."""
    return load_limits(run_fill)


def drawn(name: str, results: LimitResults) -> Figure:
    """Return a picture, drawn once."""
    if name not in _figures:
        _figures[name] = PICTURES[name].draw(results, STYLE)
    return _figures[name]


def panel(figure: Figure, label: str) -> Axes:
    """Return the first panel whose y axis is labelled so."""
    return next(ax for ax in figure.axes if label in ax.get_ylabel())


def told(results: LimitResults, **about: Any) -> LimitResults:
    """Return the results with something else to tell about the fill."""
    sb = dataclasses.replace(results.sb, about=dataclasses.replace(results.sb.about, **about))
    return dataclasses.replace(results, sb=sb)


@pytest.mark.parametrize("name", PICTURES)
def test_every_panel_shows_something(name: str, results: LimitResults) -> None:
    assert PICTURES[name].nothing(results) == ""
    figure = drawn(name, results)
    assert silent_panels(figure) == []
    assert texts(figure).startswith(f"Fill {RUN_FILL}: stable beams from ")


@pytest.mark.parametrize("name", PICTURES)
def test_what_there_is_not_is_said_or_not_drawn(name: str, results: LimitResults) -> None:
    sb = dataclasses.replace(results.sb, lumi_calc=None, lumi_meas=None, losses=None)
    bare = LimitResults(sb, None, None, {}, {"ATLAS": {}, "CMS": {}})
    why = PICTURES[name].nothing(bare)
    assert why or name == "bunchMaps"
    said = texts(PICTURES[name].draw(bare, STYLE))
    assert why in said or "no luminosity, or no β*" in said or "no data" in said


def test_the_budget_adds_up_to_the_luminosity_calculated(results: LimitResults) -> None:
    assert results.sb.lumi_calc is not None
    for experiment in ("ATLAS", "CMS"):
        whole = sum(results.budget[experiment].values())
        total = results.sb.lumi_calc.bunch_lumi[experiment].sum(axis=1)
        np.testing.assert_allclose(whole, np.log(total / total[0]), atol=1e-9)
        (line,) = (
            line
            for line in panel(drawn("lumiBudget", results), experiment).get_lines()
            if str(line.get_label()).startswith("all")
        )
        np.testing.assert_allclose(line.get_ydata(), 100 * np.asarray(whole))
    labels = drawn("lumiBudget", results).axes[0].get_legend().get_texts()  # type: ignore[union-attr]
    assert [text.get_text().partition(":")[0] for text in labels] == [
        *(cause.replace("beta*", "β*") for cause in CAUSES),
        "all",
    ]


def test_burn_off_is_that_of_the_integrated_luminosity(results: LimitResults) -> None:
    assert results.sb.lumi_meas is not None
    per_m2 = np.trapezoid(results.sb.lumi_meas.total, results.sb.sb.time_s, axis=0)
    n1, n2 = (results.sb.sb.bunches[beam, "coll"].intensity_ppb[0] for beam in (1, 2))
    lost = per_m2 * results.sb.sigma_boff_m2
    by_hand = np.log((1 - lost / n1) * (1 - lost / n2))
    assert by_hand.min() < results.budget["ATLAS"]["burn-off"][-1] < by_hand.max()


def test_extra_growth_is_that_of_the_step(results: LimitResults) -> None:
    assert results.growth is not None
    of = next(iter(results.growth.cases.values()))[1, "coll"]
    figure = drawn("extraGrowth", results)
    left = panel(figure, "H: summed")
    assert left.get_ylim()[0] <= 0 <= left.get_ylim()[1]
    np.testing.assert_array_equal(left.get_lines()[0].get_ydata(), of.planes["h"].summed_um)
    right = panel(figure, "V [µm/h]")
    np.testing.assert_array_equal(right.get_lines()[0].get_ydata(), of.planes["v"].growth_um_h)


def test_emittances_from_luminosity_stand_beside_those_of_the_bsrt(results: LimitResults) -> None:
    assert results.emittance is not None
    figure = drawn("lumiEmittance", results)
    ax = panel(figure, "horizontal")
    median = np.nanmedian(results.emittance.emit_h_um, axis=1)
    np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), median)
    low, high = panel(figure, "luminosity /").get_ylim()
    assert low < 1 < high


def test_maps_hold_the_change_of_every_bunch_in_colours_of_its_sign(results: LimitResults) -> None:
    figure = drawn("bunchMaps", results)
    images = [ax.images[0] for ax in figure.axes if ax.images and ax.get_title(loc="left")]
    assert len(images) == 8
    expected = change_percent(results.sb.sb.bunches[1, "coll"].emit_h_um)
    np.testing.assert_allclose(images[0].get_array(), expected.T)
    # Emittances grow, intensities fall: the colours are of what there is.
    assert [image.get_cmap().name for image in images[:3]] == [GROWTH_MAP, GROWTH_MAP, LOSS_MAP]
    assert images[0].get_clim()[0] == images[2].get_clim()[1] == 0
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.images]
    assert titles[:3] == ["B1 εH: growth [%]", "B1 εV: growth [%]", "B1 intensity: change [%]"]
    both = change_scale(*(results.sb.sb.bunches[beam, "coll"].emit_h_um for beam in (1, 2)))
    assert images[0].get_clim() == both[:2]
    for upper, lower in zip(images[:4], images[4:]):
        assert upper.get_clim() == lower.get_clim()
        assert upper.get_cmap().name == lower.get_cmap().name


def test_a_change_is_counted_from_the_first_value_that_is_known() -> None:
    values = np.array([[np.nan, 2.0], [1.0, 3.0], [1.5, np.nan]])
    np.testing.assert_allclose(change_percent(values), [[np.nan, 0.0], [0.0, 50.0], [50.0, np.nan]])


def test_families_are_means_by_place_in_the_train(results: LimitResults) -> None:
    assert results.sb.losses is not None
    of = results.sb.losses.beams[1]
    places = np.searchsorted(of.families.slots, of.slots)
    position = of.families.position[places]
    ax = panel(drawn("bunchFamilies", results), "cross-section")
    line = ax.containers[0].lines[0]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(line.get_xdata(), np.unique(position))
    assert line.get_linestyle() == "-"
    beside = drawn("bunchFamilies", results).axes[1].containers[0].lines[0]  # type: ignore[attr-defined]
    assert beside.get_linestyle() == "None"  # neighbours there are no neighbours in the machine
    first = of.fill_sigma_m2[position == 0].mean() * 1e31
    assert line.get_ydata()[0] == pytest.approx(first)


def test_bars_of_the_cycle_are_the_growth_of_each_part(
    results: LimitResults, run_fill: FillPaths
) -> None:
    ax = panel(drawn("cycleBlowup", results), "εH")
    heights = [bar.get_height() for bar in ax.patches[:4]]
    parts = ("injection", "ramp", "flat_top", "stable")
    assert heights == [results.facts[f"b1_growth_h_{part}_um"] for part in parts]
    interval = load(run_fill.cycle, Cycle).intervals[1, "Injection"]
    by_hand = np.mean(interval.end.emit_h_um - interval.start.emit_h_um)
    assert heights[0] == pytest.approx(by_hand)
    stable = results.sb.sb.bunches[1, "coll"].emit_h_um
    assert heights[3] == pytest.approx((stable[-1] - stable[0]).mean())


def test_growth_that_was_not_measured_to_the_end_says_until_when(results: LimitResults) -> None:
    time_s = results.sb.sb.time_s
    gap = Unmeasured("emittance", 1, time_s[4], time_s[-1])
    stopped = told(results, gaps=(gap,))
    ax = panel(PICTURES["cycleBlowup"].draw(stopped, STYLE), "εH")
    said = [(text.xy[0], text.get_text()) for text in ax.texts if "\nto " in text.get_text()]  # type: ignore[attr-defined]
    clock = datetime.fromtimestamp(time_s[4], ZURICH).strftime("%H:%M")
    assert [(x, text.split("\n")[1]) for x, text in said] == [(pytest.approx(2.8), f"to {clock}")]
    assert "\nto " not in texts(drawn("cycleBlowup", results))


def test_the_default_style_suits_them(results: LimitResults) -> None:
    figure = PICTURES["cycleBlowup"].draw(results, DEFAULT_STYLE)
    assert tuple(figure.get_size_inches()) == DEFAULT_STYLE.fig_size_in


@pytest.mark.parametrize("name", PICTURES)
def test_the_header_has_the_facts_of_the_fill(name: str, results: LimitResults) -> None:
    assert results.sb.about.facts
    assert " · ".join(results.sb.about.facts) in texts(drawn(name, results))


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_limits_words_and_legends_are_as_in_all_pictures(name: str, results: LimitResults) -> None:
    figure = PICTURES[name].draw(results, Style(dpi=50))
    figure.canvas.draw()
    if name != "bunchMaps":
        check_shared(figure)
    check_words(figure)
    check_legends(figure)
    check_frames(figure)


@pytest.mark.parametrize("name", ["lumiBudget", "lumiEmittance", "extraGrowth", "bunchMaps"])
def test_where_the_bsrt_had_stopped_nothing_is_drawn_as_measured(
    name: str, results: LimitResults
) -> None:
    sb = results.sb.sb
    middle = len(sb.time_s) // 2
    gap = Unmeasured("emittance", None, sb.time_s[middle], sb.time_s[-1])
    stopped = told(results, gaps=(gap,))
    figure = PICTURES[name].draw(stopped, STYLE)
    if name == "bunchMaps":
        image = next(
            ax for ax in figure.axes if ax.get_title(loc="left").startswith("B1 εH")
        ).images[0]
        hidden = np.ma.getmaskarray(image.get_array()).all(axis=0)
    else:
        ax = panel(figure, {"lumiBudget": "ATLAS", "extraGrowth": "H: summed"}.get(name, "BSRT"))
        kept = next(one for one in ax.get_lines() if len(np.asarray(one.get_xdata())) > 2)
        hidden = np.isnan(np.asarray(kept.get_ydata(), float))
    assert "no BSRT after" in texts(figure)
    assert hidden[middle + 1 :].all()
    assert not hidden[: middle + 1].any()


def test_growth_beyond_the_model_stops_with_the_bsrt_of_either_beam(results: LimitResults) -> None:
    time_s = results.sb.sb.time_s
    gap = Unmeasured("emittance", 1, time_s[4], time_s[-1])
    stopped = told(results, gaps=(gap,))
    for line in panel(PICTURES["extraGrowth"].draw(stopped, STYLE), "H: summed").get_lines()[:2]:
        hidden = np.isnan(np.asarray(line.get_ydata(), float))
        np.testing.assert_array_equal(hidden, np.arange(hidden.size) > 4)


def test_emittances_from_luminosity_stop_with_the_intensities(results: LimitResults) -> None:
    time_s = results.sb.sb.time_s
    gap = Unmeasured("bunch intensity", 2, time_s[4], time_s[-1])
    stopped = told(results, gaps=(gap,))
    ax = panel(PICTURES["lumiEmittance"].draw(stopped, STYLE), "horizontal")
    of_lumi, of_bsrt = ax.get_lines()[:2]
    assert np.isnan(np.asarray(of_lumi.get_ydata(), float))[5:].all()
    assert np.isfinite(np.asarray(of_lumi.get_ydata(), float))[:5].any()
    assert np.isfinite(np.asarray(of_bsrt.get_ydata(), float)).all()


def test_the_separation_that_levelled_a_fill_stands_below_its_emittances(
    results: LimitResults,
) -> None:
    assert results.emittance is not None
    n_times = results.sb.sb.time_s.size
    apart_m = {"ATLAS": np.linspace(20e-6, 0, n_times), "CMS": np.linspace(30e-6, 0, n_times)}
    emittance = dataclasses.replace(results.emittance, separation_m=apart_m)
    levelled = dataclasses.replace(results, emittance=emittance)
    figure = PICTURES["lumiEmittance"].draw(levelled, STYLE)
    for exp, of_exp in apart_m.items():
        ax = panel(figure, f"{exp}\nseparation [µm]")
        np.testing.assert_allclose(ax.get_lines()[0].get_ydata(), 1e6 * of_exp)
        assert ax.get_ylim() == panel(figure, "ATLAS\nseparation").get_ylim()
    assert "not while levelled" in texts(figure)


@pytest.mark.parametrize(
    ("name", "label"), [("lumiEmittance", "horizontal"), ("lumiBudget", "ATLAS")]
)
def test_steps_of_beta_star_are_marked_in_what_they_change(
    name: str, label: str, results: LimitResults
) -> None:
    n_times = results.sb.sb.time_s.size
    steps_m = {ip: np.repeat([0.30, 0.27], [4, n_times - 4]) for ip in (1, 5)}
    stepped = told(results, betastar_m=steps_m, logged_betastar_m=None)
    ax = panel(PICTURES[name].draw(stepped, STYLE), label)
    (said,) = (text for text in ax.texts if "β*" in text.get_text())
    assert said.get_text() == "β* 27 cm"
    hours = (results.sb.sb.time_s - results.sb.sb.time_s[0]) / 3600
    assert said.xy[0] == pytest.approx(hours[4])  # type: ignore[attr-defined]


def test_maps_of_a_short_fill_are_in_minutes(results: LimitResults) -> None:
    sb = results.sb.sb
    few = dataclasses.replace(sb, time_s=sb.time_s[0] + 60.0 * np.arange(sb.time_s.size))
    figure = draw_maps(few, None, RUN_FILL, style=STYLE)
    assert "minutes of stable beams" in texts(figure)
    image = next(ax for ax in figure.axes if ax.images).images[0]
    assert image.get_extent()[1] == pytest.approx(sb.time_s.size - 1)


def test_maps_say_whether_the_luminosity_is_a_calculated_one(results: LimitResults) -> None:
    for lumi, kind in ((results.sb.lumi_calc, " calc."), (results.sb.lumi_meas, "")):
        assert lumi is not None
        figure = draw_maps(results.sb.sb, lumi, RUN_FILL, style=STYLE)
        titles = [ax.get_title(loc="left") for ax in figure.axes]
        assert any(of.startswith(f"ATLAS{kind} L/(N1 N2): ") for of in titles)


def test_bunches_of_one_family_have_no_picture_of_families(results: LimitResults) -> None:
    losses = results.sb.losses
    assert losses is not None
    families = losses.beams[1].families
    alone = families._replace(
        position=np.zeros_like(families.position), n_long_range=np.zeros_like(families.n_long_range)
    )
    beams = {b: dataclasses.replace(of, families=alone) for b, of in losses.beams.items()}
    same = dataclasses.replace(losses, beams={1: beams[1]})
    one = dataclasses.replace(results, sb=dataclasses.replace(results.sb, losses=same))
    assert PICTURES["bunchFamilies"].nothing(one) == "all bunches are of one family"
    assert PICTURES["bunchFamilies"].nothing(results) == ""
