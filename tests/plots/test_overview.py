"""The overview of a fill: what its panels show, and its block of facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from lumimod.config.settings import load_config
from lumimod.paths import FillPaths
from lumimod.plots.about import Unmeasured
from lumimod.plots.overview import SIZE_IN, draw_overview, load_overview, overview_sets
from lumimod.plots.overview_data import OverviewData
from lumimod.plots.overview_facts import NOT_KNOWN, fact_rows
from lumimod.plots.totals import total
from lumimod.records import store
from tests.plots.conftest import RUN_FILL as FILL
from tests.plots.conftest import legend_of
from tests.plots.looks import check_frames, check_legends, check_words

BOTH = ("ATLAS", "CMS")
LABELS = (
    "luminosity",
    "ratio of luminosities",
    "integrated luminosity",
    "beam intensity",
    "emittance",
    "bunch length",
    "lifetime beyond burn-off",
    "effective cross-section",
    "full crossing angle",
)


@pytest.fixture(scope="module")
def data(run_fill: FillPaths) -> OverviewData:
    """Return what the overview of a small fill shows."""
    return load_overview(run_fill)


@pytest.fixture(scope="module")
def drawn(data: OverviewData) -> Iterator[Figure]:
    """Return the overview, drawn once: do not change it."""
    figure = draw_overview(data)
    yield figure
    figure.clear()


def panel(figure: Figure, label: str) -> Axes:
    """Return the panel whose y axis is labelled so."""
    (found,) = [ax for ax in figure.axes if ax.get_ylabel().startswith(label)]
    return found


def lines(ax: Axes) -> dict[str, Any]:
    return {str(line.get_label()): line for line in ax.get_lines()}


@pytest.mark.parametrize("label", LABELS)
def test_every_panel_shows_something(drawn: Figure, label: str) -> None:
    ax = panel(drawn, label)
    assert ax.has_data()
    assert not [text.get_text() for text in ax.texts if text.get_text().startswith("no ")]


def test_it_has_the_size_of_a_wall_screen_whatever_the_style(drawn: Figure) -> None:
    assert tuple(drawn.get_size_inches()) == SIZE_IN


def test_the_header_has_the_words_and_the_clock_of_all_pictures(
    data: OverviewData, drawn: Figure
) -> None:
    first, second = (text.get_text() for text in drawn.texts[:2])
    when = datetime.fromtimestamp(data.sb.sb.time_s[0], ZoneInfo("Europe/Zurich"))
    assert first == f"Fill {FILL}: stable beams from {when:%a %d %b %Y %H:%M}"
    hours = f"{data.facts['hours'] * 60:.0f} min"
    assert second == f"Overview of stable beams, length {hours}, {data.facts['ended']}"
    assert not [text for text in drawn.texts if "UTC" in text.get_text()]


def test_luminosities_are_the_sums_of_the_results(data: OverviewData, drawn: Figure) -> None:
    ax = panel(drawn, "luminosity")
    assert "10³¹" in ax.get_ylabel()  # a few bunches
    assert data.sb.lumi_meas is not None
    expected = total(data.sb.lumi_meas.bunch_lumi["CMS"]) * 1e-35
    np.testing.assert_allclose(lines(ax)["CMS"].get_ydata(), expected)
    assert data.model_lumi is not None
    for exp, dashes in (("ATLAS", "--"), ("CMS", ":")):
        calculated = lines(ax)[f"{exp} calc."]
        expected = total(data.sb.lumi_calc.bunch_lumi[exp]) * 1e-35  # type: ignore[union-attr]
        np.testing.assert_allclose(calculated.get_ydata(), expected)
        assert (calculated.get_color(), calculated.get_linestyle()) == ("black", dashes)
        model = lines(ax)[f"{exp} model"]
        np.testing.assert_allclose(model.get_ydata(), total(data.model_lumi[exp]) * 1e-35)
    assert legend_of(ax) == [
        "ATLAS",
        "CMS",
        *(f"{e} {k}" for k in ("calc.", "model") for e in BOTH),
    ]
    assert set(legend_of(panel(drawn, "ratio"))) == {
        f"{exp} {of}" for exp in BOTH for of in ("meas./calc.", "IBSBOff/meas.")
    }


def test_pile_up_on_the_right_belongs_to_the_luminosity(data: OverviewData, drawn: Figure) -> None:
    ax = panel(drawn, "luminosity")
    (right,) = [child for child in ax.child_axes if child.get_ylabel() == "mean pile-up"]
    drawn.canvas.draw()
    top = lines(ax)["ATLAS"].get_ydata()[0]
    assert data.sb.losses is not None
    expected = data.sb.losses.pileup["ATLAS"][0].mean()
    share = (top - ax.get_ylim()[0]) / np.diff(ax.get_ylim())[0]
    shown = right.get_ylim()[0] + share * np.diff(right.get_ylim())[0]
    assert shown == pytest.approx(expected, rel=0.02)


def test_a_ratio_axis_includes_one(drawn: Figure) -> None:
    low, high = panel(drawn, "ratio").get_ylim()
    assert low <= 0.99
    assert high >= 1.01


def test_cross_sections_are_in_view_with_their_errors(data: OverviewData, drawn: Figure) -> None:
    ax = panel(drawn, "effective cross-section")
    low, high = ax.get_ylim()
    assert low < 80 < high
    assert data.sb.losses is not None
    of = data.sb.losses.beams[1]
    points = ax.containers[0].lines[0].get_ydata()
    np.testing.assert_allclose(points, of.total_sigma_m2 * 1e31)


def test_beam_modes_are_named_above(drawn: Figure) -> None:
    words = {text.get_text() for ax in drawn.axes for text in ax.texts}
    assert {"INJPHYS", "RAMP", "STABLE"} <= words


def test_nothing_runs_over_the_edge(drawn: Figure) -> None:
    drawn.canvas.draw()
    renderer = drawn.canvas.get_renderer()  # type: ignore[attr-defined]
    width, height = drawn.bbox.width, drawn.bbox.height
    for text in drawn.findobj(lambda artist: hasattr(artist, "get_text")):
        if text.get_text().strip() and text.get_visible():  # type: ignore[attr-defined]
            box = text.get_window_extent(renderer)
            assert box.x0 >= -1, text
            assert box.x1 <= width + 1, text
            assert box.y0 >= -1, text
            assert box.y1 <= height + 1, text


@pytest.mark.slow
def test_words_legends_and_frames_are_as_in_all_pictures(drawn: Figure) -> None:
    drawn.canvas.draw()
    check_words(drawn)
    check_legends(drawn)
    check_frames(drawn)


def test_what_there_is_not_is_said(data: OverviewData) -> None:
    bare = dataclasses.replace(
        data,
        sb=dataclasses.replace(data.sb, lumi_calc=None, lumi_meas=None, lifetime=None, losses=None),
        model_lumi=None,
        facts={},
        modes=None,
    )
    figure = draw_overview(bare)
    said = {text.get_text().replace("\n", " ") for ax in figure.axes for text in ax.texts}
    assert "no luminosity" in said
    assert "no ratio: it needs measured and calculated luminosity" in said
    assert "no lifetime beyond burn-off: it needs measured luminosity" in said
    assert "no effective cross-section: it needs step losses" in said


def test_facts_are_those_of_the_fill_and_a_dash_where_unknown(data: OverviewData) -> None:
    rows = dict(fact_rows(data.facts))
    assert rows["energy"] == "6500 GeV"
    assert rows["β* IP1 / IP5"] == "0.30 / 0.30 m"
    both = (data.facts[f"b{beam}_emit_h_sb_start_um"] for beam in (1, 2))
    assert rows["εH B1 / B2"] == " / ".join(f"{value:.2f}" for value in both) + " µm"
    assert dict(fact_rows({}))["energy"] == NOT_KNOWN


def test_it_reads_each_result_once(run_fill: FillPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    read, plain = list[Path](), store.load

    def noting(path: Path, kind: Any) -> Any:
        read.append(path)
        return plain(path, kind)

    monkeypatch.setattr(store, "load", noting)
    load_overview(run_fill)
    assert {run_fill.sb, run_fill.lumi_meas, run_fill.cycle, run_fill.models[0]} <= set(read)
    assert len(read) == len(set(read))


def test_it_is_made_of_whatever_results_there_are(tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    config.write_text("")
    (pictures,) = overview_sets(FillPaths(load_config(config), FILL))
    assert [picture.name for picture in pictures.pictures] == ["overview"]
    assert [path.name for path in pictures.needs] == [f"fill_{FILL}.pkl.gz"]


def test_a_logged_beta_star_stands_beside_the_one_in_use(data: OverviewData) -> None:
    logged_m = {ip: np.linspace(0.4, 0.25, data.sb.sb.time_s.size) for ip in (1, 5)}
    about = dataclasses.replace(data.sb.about, logged_betastar_m=logged_m)
    both = dataclasses.replace(data, sb=dataclasses.replace(data.sb, about=about))
    figure = draw_overview(both)
    ax = panel(figure, "β* [cm]")
    shown = [np.asarray(one.get_ydata()) for one in ax.get_lines()]
    np.testing.assert_allclose(shown[0], 30.0)
    np.testing.assert_allclose(shown[-1], logged_m[5] * 100)
    assert legend_of(panel(figure, "full")) == ["IP1 angle", "IP5 angle", "β*", "β* logged"]
    low, high = ax.get_ylim()
    assert low < 25 < 40 < high


def test_a_logged_beta_star_that_is_the_one_in_use_is_not_drawn_again(data: OverviewData) -> None:
    logged_m = {ip: np.full(data.sb.sb.time_s.size, 0.3) for ip in (1, 5)}
    about = dataclasses.replace(data.sb.about, logged_betastar_m=logged_m)
    same = dataclasses.replace(data, sb=dataclasses.replace(data.sb, about=about))
    figure = draw_overview(same)
    assert len(panel(figure, "β* [cm]").get_lines()) == 1
    assert legend_of(panel(figure, "full")) == ["IP1 angle", "IP5 angle", "β*"]


def test_a_constant_beta_star_does_not_lie_on_a_constant_angle(
    data: OverviewData, drawn: Figure
) -> None:
    angle = panel(drawn, "full crossing angle")
    betastar = panel(drawn, "β*")
    places = []
    for ax in (angle, betastar):
        low, high = ax.get_ylim()
        places.append((float(np.asarray(ax.get_lines()[0].get_ydata())[0]) - low) / (high - low))
    assert abs(places[0] - places[1]) > 0.05


def test_an_integral_of_a_part_of_the_fill_is_not_drawn(data: OverviewData, drawn: Figure) -> None:
    n_lines = len(panel(drawn, "integrated").get_lines())
    level = float(total(data.sb.lumi_calc.bunch_lumi["ATLAS"]).mean())  # type: ignore[union-attr]
    levelled = dataclasses.replace(data, sb=dataclasses.replace(data.sb, level_m2s=level))
    assert len(panel(draw_overview(levelled), "integrated").get_lines()) == n_lines - 2


def test_the_peak_has_the_power_of_ten_of_its_luminosity() -> None:
    peaks = {"lumi_peak_meas_atlas_e34": 0.000908, "lumi_peak_meas_cms_e34": 0.00095}
    assert ("peak [10³⁰ cm⁻² s⁻¹]", "9.08 / 9.50") in fact_rows(peaks)


def test_without_beam_modes_the_facts_are_not_known(run_fill: FillPaths, tmp_path: Path) -> None:
    config = tmp_path / "config.py"
    text = run_fill.cfg.path.read_text()
    config.write_text(f"{text}fills_bmodes_file = {str(tmp_path / 'gone.pkl')!r}\n")
    found = load_overview(FillPaths(load_config(config), FILL))
    assert (found.modes, found.facts) == (None, {})


def test_without_pile_up_there_is_no_axis_of_it(data: OverviewData) -> None:
    assert data.sb.losses is not None
    nothing = {exp: np.zeros_like(of) for exp, of in data.sb.losses.pileup.items()}
    for losses in (None, dataclasses.replace(data.sb.losses, pileup=nothing)):
        bare = dataclasses.replace(data, sb=dataclasses.replace(data.sb, losses=losses))
        ax = panel(draw_overview(bare), "luminosity")
        assert ax.child_axes == []


def test_pile_up_and_cross_sections_say_that_they_are_of_the_calculated_luminosity(
    data: OverviewData, drawn: Figure
) -> None:
    assert not [t for t in drawn.findobj(Text) if "(calculated" in t.get_text()]  # type: ignore[attr-defined]
    assert data.sb.losses is not None
    losses = dataclasses.replace(data.sb.losses, lumi="calculated")
    sb = dataclasses.replace(data.sb, lumi_meas=None, losses=losses)
    figure = draw_overview(dataclasses.replace(data, sb=sb))
    (right,) = panel(figure, "luminosity").child_axes
    assert right.get_ylabel() == "mean pile-up (calculated)"  # type: ignore[attr-defined]
    label = panel(figure, "effective cross-section").get_ylabel()
    assert label == "effective cross-section [mb]\n(calculated luminosity)"
    block = [text.get_text() for text in figure.texts]
    assert "pile-up (calculated)" in block
    of = block.index("luminosity used")
    assert block[of + 1 : of + 3] == ["calculated", "cross-section B1"]


def test_a_beam_without_a_lifetime_beyond_burn_off_has_no_line(data: OverviewData) -> None:
    assert data.sb.lifetime is not None
    beams = data.sb.lifetime.beams
    one = dataclasses.replace(beams[1], total_tau_boff_corrected_s=None)
    lifetime = dataclasses.replace(data.sb.lifetime, beams={1: one, 2: beams[2]})
    bare = dataclasses.replace(data, sb=dataclasses.replace(data.sb, lifetime=lifetime))
    labels = set(lines(panel(draw_overview(bare), "lifetime beyond burn-off")))
    assert any(label.startswith("B2, median: ") for label in labels)
    assert not any(label.startswith("B1") for label in labels)


def test_a_lifetime_beyond_burn_off_of_noise_alone_is_called_no_net_loss(
    data: OverviewData,
) -> None:
    assert data.sb.lifetime is not None
    n_changes = data.sb.sb.time_s.size - 1
    tau_s = 3.6e6 * np.where(np.arange(n_changes) % 2, 1.2, -1.2)
    of_beams = data.sb.lifetime.beams.items()
    beams = {b: dataclasses.replace(of, total_tau_boff_corrected_s=tau_s) for b, of in of_beams}
    lifetime = dataclasses.replace(data.sb.lifetime, beams=beams)
    noisy = dataclasses.replace(data, sb=dataclasses.replace(data.sb, lifetime=lifetime))
    ax = panel(draw_overview(noisy), "lifetime beyond burn-off")
    assert legend_of(ax) == ["B1, median: no net loss", "B2, median: no net loss"]
    low, high = sorted(ax.get_ylim())
    assert high - low > 10 * np.ptp(3600 / tau_s)


def test_steps_of_the_optics_are_marked_in_the_luminosity(data: OverviewData) -> None:
    time_s = data.sb.sb.time_s
    steps_m = {ip: np.repeat([0.30, 0.27], [4, time_s.size - 4]) for ip in (1, 5)}
    about = dataclasses.replace(data.sb.about, betastar_m=steps_m)
    stepped = dataclasses.replace(data, sb=dataclasses.replace(data.sb, about=about))
    ax = panel(draw_overview(stepped), "luminosity")
    marked = [line.get_xdata()[0] for line in ax.get_lines() if len(line.get_xdata()) == 2]  # type: ignore[arg-type,index]
    assert marked == pytest.approx([(time_s[4] - time_s[0]) / 3600])


@pytest.mark.parametrize(
    ("quantity", "label", "words"),
    [
        ("emittance", "emittance", "no BSRT after"),
        ("bunch length", "bunch length", "no BQM after"),
        ("bunch intensity", "beam intensity", "no FBCT after"),
        ("bunch intensity", "lifetime beyond burn-off", "no FBCT after"),
        ("emittance", "luminosity", ""),
        ("emittance", "ratio", ""),
    ],
)
def test_nothing_is_drawn_as_measured_after_an_instrument_had_stopped(
    data: OverviewData, quantity: str, label: str, words: str
) -> None:
    time_s = data.sb.sb.time_s
    gaps = tuple(Unmeasured(quantity, beam, time_s[3], time_s[-1]) for beam in (1, 2))
    about = dataclasses.replace(data.sb.about, gaps=gaps)
    stopped = dataclasses.replace(data, sb=dataclasses.replace(data.sb, about=about))
    ax = panel(draw_overview(stopped), label)
    (hatched,) = (patch for patch in ax.patches if patch.get_hatch())
    said = " ".join(text.get_text() for text in ax.texts)
    assert words in said
    assert bool(words) == bool(said)
    names = {"luminosity": "calc.", "ratio": "meas./calc."}
    held = [line for name, line in lines(ax).items() if names.get(label, "B") in name]
    assert held
    for line in held:
        values = np.asarray(line.get_ydata(), float)
        assert np.isnan(values[4:]).all()
        assert np.isfinite(values[:4]).any()


def test_the_axis_of_lifetimes_says_that_it_is_linear_in_the_rate(drawn: Figure) -> None:
    assert panel(drawn, "lifetime").get_ylabel().endswith("linear in 1/lifetime")


def test_a_spike_does_not_choose_the_unit_of_intensities(data: OverviewData) -> None:
    bunches = dict(data.sb.sb.bunches)
    spiked = bunches[1, "coll"].intensity_ppb.copy()
    spiked[5] *= 1e4
    bunches[1, "coll"] = dataclasses.replace(bunches[1, "coll"], intensity_ppb=spiked)
    sb = dataclasses.replace(data.sb.sb, bunches=bunches)
    figure = draw_overview(dataclasses.replace(data, sb=dataclasses.replace(data.sb, sb=sb)))
    assert panel(figure, "beam intensity").get_ylabel() == "beam intensity [10¹¹ p]"


def test_integrals_side_by_side_have_the_same_digits(data: OverviewData) -> None:
    assert data.sb.lumi_meas is not None
    span_s = np.ptp(data.sb.sb.time_s)
    of_pairs = data.sb.lumi_meas.bunch_lumi["ATLAS"]
    level = {"ATLAS": 6.7e40 / span_s, "CMS": 6.43e40 / span_s}
    flat = {exp: np.full_like(of_pairs, of / of_pairs.shape[1]) for exp, of in level.items()}
    meas = dataclasses.replace(data.sb.lumi_meas, bunch_lumi=flat)
    sb = dataclasses.replace(data.sb, lumi_meas=meas)
    known = dataclasses.replace(data, sb=sb, facts={})
    ax = panel(draw_overview(known), "integrated")
    assert legend_of(ax) == ["ATLAS 6.70 pb⁻¹", "CMS 6.43 pb⁻¹"]


def test_the_panel_of_integrals_names_those_of_the_facts(data: OverviewData) -> None:
    known = {"lumi_int_meas_atlas_pb": 0.123, "lumi_int_meas_cms_pb": 0.456}
    ax = panel(draw_overview(dataclasses.replace(data, facts=known)), "integrated")
    assert legend_of(ax) == ["ATLAS 0.123 pb⁻¹", "CMS 0.456 pb⁻¹"]


def test_no_legend_lies_on_the_words_of_a_panel_beside(drawn: Figure) -> None:
    drawn.canvas.draw()
    legends = [ax.get_legend() for ax in drawn.axes if ax.get_legend() is not None]
    labels = [ax.yaxis.label for ax in drawn.axes if ax.get_ylabel()]
    assert len(legends) == 9
    assert len(labels) >= 9
    for legend in legends:
        for label in labels:
            assert not legend.get_window_extent().overlaps(label.get_window_extent()), label
