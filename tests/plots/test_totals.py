"""Crossing angles and the luminosity of all bunches, read back from their pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.axes import Axes

from lumimod.plots import crossing, marks, totals
from lumimod.plots.about import About, Unmeasured
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import EXPERIMENT, Style
from lumimod.records import EXPERIMENTS
from tests.plots.conftest import (
    FILL,
    NAN,
    POOR,
    T0,
    drawn_lines,
    legend_of,
    line,
    make_results,
    notes,
    outside_note,
    texts,
)

# --- crossing angle


def test_a_crossing_angle_that_steps_at_the_last_time_alone_is_in_view(style: Style) -> None:
    sb = make_results(n_coll=1, n_noncoll=0, n_times=300).sb
    for angle in sb.xing_angle_rad.values():
        angle[:-1], angle[-1] = 300e-6, 280e-6
    ax = crossing.draw_crossing_angle(sb, FILL, style=style).axes[0]
    low, high = ax.get_ylim()
    assert low < 280 < 300 < high
    assert not ax.texts


@pytest.mark.parametrize(
    ("angles", "text"),
    [
        ([300.0, 300.0], "300 µrad, constant"),
        ([300.0, 290.0, 280.0], "300 to 280 µrad"),
        ([280.0, np.nan, 300.0], "280 to 300 µrad"),
        ([300.0, 260.0, 300.0], "300 to 300 µrad (between 260 and 300)"),
        ([280.0, 310.0, 290.0], "280 to 290 µrad (between 280 and 310)"),
        ([np.nan, np.nan], "no data"),
        ([], "no data"),
    ],
)
def test_angles_are_put_into_words(angles: list[float], text: str) -> None:
    assert crossing.angle_text(np.array(angles)) == text


def test_both_angles_are_drawn_in_steps_and_their_half_on_the_right(style: Style) -> None:
    sb = make_results().sb
    sb.xing_angle_rad[5][:] = 310e-6
    figure = crossing.draw_crossing_angle(sb, FILL, style=style)
    (ax,) = figure.axes
    x, y = line(ax, "IP1 (ATLAS): 300 to 280 µrad")
    np.testing.assert_allclose(x, np.arange(13) / 6)
    np.testing.assert_allclose(y, [300] * 6 + [280] * 7)
    np.testing.assert_allclose(line(ax, "IP5 (CMS): 310 µrad, constant")[1], 310)
    assert [one.get_drawstyle() for one in ax.lines] == ["steps-post"] * 2
    assert [one.get_color() for one in ax.lines] == [EXPERIMENT[e].color for e in EXPERIMENTS]
    assert ax.get_ylabel() == "full crossing angle [µrad]"
    (half,) = ax.child_axes
    assert half.get_ylabel() == "half crossing angle [µrad]"
    np.testing.assert_allclose(half.get_yticks(), ax.get_yticks() / 2)


STEPS_M = np.repeat([0.30, 0.27, 0.25], [4, 4, 5])


def test_beta_star_in_use_stands_below_the_angles_with_its_steps(style: Style) -> None:
    about = About(betastar="β* 30 → 25 cm as logged", betastar_m={1: STEPS_M, 5: STEPS_M})
    figure = crossing.draw_crossing_angle(make_results().sb, FILL, about=about, style=style)
    upper, lower = figure.axes[:2]
    assert lower.get_ylabel() == "β* [cm]"
    assert legend_of(lower) == ["β*"]
    x, y = line(lower, "β*")
    np.testing.assert_allclose(x, np.arange(13) / 6)
    np.testing.assert_allclose(y, 100 * STEPS_M)
    assert next(of for of in lower.lines if of.get_label() == "β*").get_drawstyle() == "steps-post"
    for ax in (upper, lower):
        marked = {float(of.get_xdata()[0]) for of in ax.lines if len(of.get_xdata()) == 2}
        assert sorted(marked) == pytest.approx([4 / 6, 1.0, 8 / 6])
    assert "calculated with β* 30 → 25 cm as logged" in texts(figure)


def test_a_logged_beta_star_is_drawn_where_it_is_not_the_one_in_use(style: Style) -> None:
    constant = np.full(13, 0.30)
    about = About(betastar_m={1: constant, 5: constant}, logged_betastar_m={1: STEPS_M, 5: STEPS_M})
    lower = crossing.draw_crossing_angle(make_results().sb, FILL, about=about, style=style).axes[1]
    assert legend_of(lower) == ["β*", "β* logged"]
    _, logged = line(lower, "β* logged")
    np.testing.assert_array_equal(np.isnan(logged), np.arange(13) < 3)
    np.testing.assert_allclose(logged[3:], 100 * STEPS_M[3:])
    same = dataclasses.replace(about, logged_betastar_m={1: constant, 5: constant})
    lower = crossing.draw_crossing_angle(make_results().sb, FILL, about=same, style=style).axes[1]
    assert legend_of(lower) == ["β*"]


def test_different_beta_star_at_the_experiments_are_two_lines(style: Style) -> None:
    about = About(betastar_m={1: np.full(13, 0.30), 5: np.full(13, 0.28)})
    lower = crossing.draw_crossing_angle(make_results().sb, FILL, about=about, style=style).axes[1]
    assert legend_of(lower) == ["β* IP1", "β* IP5"]
    for ip, exp, cm in ((1, "ATLAS", 30.0), (5, "CMS", 28.0)):
        np.testing.assert_allclose(line(lower, f"β* IP{ip}")[1], cm)
        (drawn,) = (one for one in lower.lines if one.get_label() == f"β* IP{ip}")
        assert drawn.get_color() == EXPERIMENT[exp].color


def test_a_logged_beta_star_alone_is_drawn(style: Style) -> None:
    about = About(betastar_m={}, logged_betastar_m={1: STEPS_M, 5: np.full(13, NAN)})
    lower = crossing.draw_crossing_angle(make_results().sb, FILL, about=about, style=style).axes[1]
    assert legend_of(lower) == ["β* logged IP1"]


def test_without_a_crossing_angle_the_picture_says_so(style: Style) -> None:
    sb = make_results().sb
    for angle in sb.xing_angle_rad.values():
        angle[:] = np.nan
    ax = crossing.draw_crossing_angle(sb, FILL, style=style).axes[0]
    assert notes(ax) == ["no crossing angle"]
    assert legend_of(ax) == ["IP1 (ATLAS): no data", "IP5 (CMS): no data"]


def test_an_angle_missing_at_one_experiment_leaves_the_other(style: Style) -> None:
    sb = make_results().sb
    sb.xing_angle_rad[1][:] = np.nan
    ax = crossing.draw_crossing_angle(sb, FILL, style=style).axes[0]
    assert notes(ax) == []
    assert legend_of(ax) == ["IP1 (ATLAS): no data", "IP5 (CMS): 300 to 280 µrad"]


@pytest.mark.parametrize(
    ("angle_urad", "changes"),
    [
        ([300, 300, 280, 280, 260], [2, 4]),
        ([300, 290, 280, 280], [1]),  # one slow change
        ([300, 300], []),
        ([300, np.nan, 280, 270], [3]),
        ([300], []),
    ],
)
def test_changes_of_angle_are_found_at_the_first_time_that_has_them(
    angle_urad: list[float], changes: list[int]
) -> None:
    assert marks.step_starts(1e-6 * np.array(angle_urad), marks.SAME_ANGLE_RAD).tolist() == changes


# --- luminosity of all bunches


def draw(results: SbResults, style: Style) -> tuple[list[Axes], list[Axes]]:
    """Return the upper and the lower panels of ATLAS and CMS."""
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL, style=style
    )
    return figure.axes[:2], figure.axes[2:4]


@pytest.mark.parametrize("index", [0, 1])
def test_sums_and_their_ratio_are_shown(index: int, style: Style) -> None:
    results = make_results()
    assert results.lumi_calc is not None
    experiment = EXPERIMENTS[index]
    results.lumi_calc.bunch_lumi[experiment][:] *= np.linspace(1, 1.2, 13)[:, None]
    upper, lower = (row[index] for row in draw(results, style))
    sums = {}
    for name, record in (("calculated", results.lumi_calc), ("measured", results.lumi_meas)):
        assert record is not None
        sums[name] = record.bunch_lumi[experiment].sum(axis=1) / 1e35
        x, y = line(upper, f"{name}: {sums[name][0]:#.3g} to {sums[name][-1]:#.3g} · 10³¹")
        np.testing.assert_allclose(x, np.arange(13) / 6)
        np.testing.assert_allclose(y, sums[name])
    assert upper.get_ylabel() == f"{experiment} luminosity\n[10³¹ cm⁻² s⁻¹]"
    (ratio,) = drawn_lines(lower)[:1]
    expected = sums["measured"] / sums["calculated"]
    np.testing.assert_allclose(ratio.get_ydata(), expected)
    assert lower.get_ylabel() == "measured /\ncalculated"
    assert f"median {np.median(expected):.3f} ± " in lower.get_title("right")
    low, high = lower.get_ylim()
    assert low < 1 < high
    assert upper.lines[1].get_color() == EXPERIMENT[experiment].color


def test_spikes_at_a_few_times_set_no_limits_of_luminosity(style: Style) -> None:
    results = make_results(n_times=73)
    assert results.lumi_calc is not None
    usual = results.lumi_calc.bunch_lumi["ATLAS"].sum(axis=1).max() / 1e35
    results.lumi_calc.bunch_lumi["ATLAS"][[10, 40]] *= 30
    for upper, _ in zip(*draw(results, style)):
        assert usual < upper.get_ylim()[1] < 2 * usual
    assert "2 of 146 points outside" in [t.get_text() for t in draw(results, style)[0][0].texts]


def test_both_experiments_have_the_same_limits(style: Style) -> None:
    results = make_results()
    assert results.lumi_meas is not None
    results.lumi_meas.bunch_lumi["CMS"][:] *= 2
    (atlas, cms), _ = draw(results, style)
    assert atlas.get_ylim() == cms.get_ylim()
    assert atlas.get_ylim()[1] > np.nanmax(cms.lines[1].get_ydata())


def test_the_ratio_is_of_the_pairs_that_have_both(style: Style) -> None:
    results = make_results()
    assert results.lumi_meas is not None
    results.lumi_meas.bunch_lumi["ATLAS"][:, :3] = np.nan
    (upper, _), (lower, _) = draw(results, style)
    np.testing.assert_allclose(drawn_lines(lower)[0].get_ydata(), 1.02)
    measured = line(upper, "measured")[1]
    np.testing.assert_allclose(
        measured, results.lumi_meas.bunch_lumi["ATLAS"][:, 3:].sum(axis=1) / 1e35
    )


def test_a_step_of_the_angle_is_marked_at_its_first_time_with_its_new_value(style: Style) -> None:
    for upper, lower in zip(*draw(make_results(), style)):
        assert [text.get_text() for text in upper.texts] == ["280 µrad"]
        assert upper.texts[0].xy[0] == pytest.approx(1.0)
        for ax in (upper, lower):
            assert any(np.allclose(one.get_xdata(), 1.0) for one in ax.lines)


def test_steps_of_beta_star_are_marked_and_the_title_says_which_was_used(style: Style) -> None:
    results = make_results()
    assert results.lumi_calc is not None
    betastar_m = {ip: np.repeat([0.30, 0.27, 0.25], [4, 4, 5]) for ip in (1, 5)}
    calc = dataclasses.replace(results.lumi_calc, betastar_m=betastar_m)
    for angle in results.sb.xing_angle_rad.values():
        angle[:] = 300e-6
    figure = totals.draw_total_lumi(
        results.sb, calc, results.lumi_meas, FILL, about=About(betastar="β* 30 → 25 cm as logged"),
        style=style,
    )  # fmt: skip
    for upper in figure.axes[:2]:
        assert [text.get_text() for text in upper.texts] == ["β* 27 cm", "β* 25 cm"]
        assert [text.xy[0] for text in upper.texts] == pytest.approx([4 / 6, 8 / 6])
    assert "calculated with β* 30 → 25 cm as logged" in figure.texts[1].get_text()


def test_steps_of_a_logged_beta_star_are_marked_where_a_constant_one_was_used(style: Style) -> None:
    results = make_results()
    logged_m = {ip: np.repeat([0.40, 0.30, 0.25], [4, 2, 7]) for ip in (1, 5)}
    about = About(betastar="β* 30 cm of config.py (logged: 40 → 25 cm)", logged_betastar_m=logged_m)
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL, about=about, style=style
    )
    for upper in figure.axes[:2]:
        # The crossing angle goes to 280 µrad at the same time as beta* to 25 cm.
        said = [text.get_text() for text in upper.texts]
        assert said == ["β* 30 cm", "280 µrad, β* 25 cm"]
        assert [text.xy[0] for text in upper.texts] == pytest.approx([4 / 6, 1.0])
    assert (
        "calculated with β* 30 cm of config.py (logged: 40 → 25 cm)" in figure.texts[1].get_text()
    )


def test_a_slow_step_is_marked_once_with_the_value_at_its_end() -> None:
    results = make_results()
    angle = results.sb.xing_angle_rad[1]
    angle[:] = 1e-6 * np.array([300] * 4 + [295, 290, 285, 280] + [280] * 5)
    assert marks.optics_steps(results.sb, None, "ATLAS") == [(4, "280 µrad")]


def test_many_steps_are_counted_rather_than_marked(style: Style) -> None:
    results = make_results(n_times=41)
    results.sb.xing_angle_rad[1][:] = 1e-6 * np.repeat(np.arange(300, 258, -2), 2)[:41]
    (upper, _), _ = draw(results, style)
    assert legend_of(upper)[-1] == "20 steps of crossing angle or β*"
    assert not upper.texts


def test_a_constant_angle_is_not_mentioned(style: Style) -> None:
    results = make_results()
    for angle in results.sb.xing_angle_rad.values():
        angle[:] = 300e-6
    for ax in draw(results, style)[0]:
        assert len(legend_of(ax)) == 2


def test_a_levelled_luminosity_is_seen_flat_and_then_falling(style: Style) -> None:
    results = make_results(n_times=145)
    assert results.lumi_meas is not None
    levelled = np.minimum(np.linspace(6e34, 2e34, 145), 4e34)[:, None] * np.ones(6)
    results.lumi_meas.bunch_lumi["ATLAS"][:] = levelled
    (upper, _), _ = draw(results, style)
    _, y = line(upper, "measured")
    np.testing.assert_allclose(y, levelled.sum(axis=1) / 1e35)
    assert np.ptp(y[:70]) == pytest.approx(0)
    low, high = upper.get_ylim()
    assert low < y[-1] < y[0] < high


def levelled_fill(level: float) -> SbResults:
    """Return a fill levelled below what is calculated until that falls below the level."""
    results = make_results(n_times=145)
    assert results.lumi_meas is not None
    assert results.lumi_calc is not None
    for exp, lumi in results.lumi_calc.bunch_lumi.items():
        factor = np.minimum(1.0, level / lumi.sum(axis=1))[:, None]
        results.lumi_meas.bunch_lumi[exp][:] = factor * lumi
    return dataclasses.replace(results, level_m2s=level)


def test_while_levelled_the_calculated_is_a_potential_that_sets_no_limit(style: Style) -> None:
    results = levelled_fill(3e35)
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL, level_m2s=3e35, style=style
    )
    assert results.lumi_calc is not None
    for exp, upper, lower in zip(EXPERIMENTS, figure.axes[:2], figure.axes[2:]):
        potential = results.lumi_calc.bunch_lumi[exp].sum(axis=1) / 1e35
        _, y = line(upper, "unlevelled potential")
        np.testing.assert_allclose(y, potential)
        np.testing.assert_allclose(line(upper, "levelled at 3 · 10³¹")[1], 3)
        _, calculated = line(upper, "calculated")
        above = potential > 3
        assert np.isnan(calculated[above]).all()
        np.testing.assert_allclose(calculated[~above], potential[~above])
        low, high = upper.get_ylim()
        assert low < potential[-1] < 3 < high < potential[0]
        (ratio,) = (one for one in drawn_lines(lower))
        np.testing.assert_array_equal(np.isnan(ratio.get_ydata()), above)
        assert lower.get_title("right").endswith("while not levelled")
        (end,) = (text for text in upper.texts if text.get_text() == "end of levelling")
        first_free = np.flatnonzero(~above)[0]
        assert end.xy[0] == pytest.approx(first_free / 6)


def test_a_fill_levelled_to_its_end_has_no_ratio(style: Style) -> None:
    results = levelled_fill(1e35)
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL, level_m2s=1e35, style=style
    )
    assert notes(figure.axes[2]) == ["no ratio: levelled all the time"]


def test_the_level_of_config_is_a_line_in_view(style: Style) -> None:
    results = make_results()
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL, level_m2s=9e35, style=style
    )
    for ax in figure.axes[:2]:
        np.testing.assert_allclose(line(ax, "levelled at 9 · 10³¹")[1], 9)
        low, high = ax.get_ylim()
        assert low < 9 < high
        assert "levelled at 9 · 10³¹" in legend_of(ax)


def test_where_an_instrument_had_stopped_there_is_no_calculated_and_no_ratio(style: Style) -> None:
    results = make_results()
    gap = Unmeasured("emittance", 1, T0 + 3600.0, T0 + 2 * 3600.0)
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL, about=About(gaps=(gap,)),
        style=style,
    )  # fmt: skip
    upper, lower = figure.axes[0], figure.axes[2]
    hidden = np.arange(13) > 6
    np.testing.assert_array_equal(np.isnan(line(upper, "calculated")[1]), hidden)
    assert np.isfinite(line(upper, "measured")[1]).all()
    np.testing.assert_array_equal(np.isnan(drawn_lines(lower)[0].get_ydata()), hidden)
    assert "no BSRT after 15:53" in [text.get_text() for text in upper.texts]
    for ax in (upper, lower):
        (span,) = ax.patches
        assert (span.get_x(), span.get_x() + span.get_width()) == pytest.approx((1.0, 2.0))
        assert span.get_hatch()


def test_measured_luminosity_says_who_measured_it(style: Style) -> None:
    results = make_results()
    figure = totals.draw_total_lumi(
        results.sb, results.lumi_calc, results.lumi_meas, FILL,
        about=About(measured_by="Massi files"), style=style,
    )  # fmt: skip
    assert any(text.startswith("measured (Massi files): ") for text in legend_of(figure.axes[0]))


@pytest.mark.parametrize(
    ("poor", "words", "note"),
    [
        ("no luminosity measured", ["no luminosity measured"], []),
        ("only step sb", ["no luminosity calculated", "no luminosity measured"], ["no luminosity"]),
        ("NaN in beam 2", ["no luminosity calculated"], []),
        ("no bunch", ["no luminosity calculated", "no luminosity measured"], ["no luminosity"]),
    ],
)
def test_missing_luminosity_is_said(
    poor: str, words: list[str], note: list[str], style: Style
) -> None:
    for upper, lower in zip(*draw(POOR[poor](), style)):
        assert [text for text in legend_of(upper) if text.startswith("no ")] == words
        assert notes(upper) == note
        assert notes(lower) == ["no ratio: it needs both"]


@pytest.mark.slow
def test_far_ratios_are_outside_and_counted(style: Style) -> None:
    results = make_results(n_times=145)
    assert results.lumi_meas is not None
    results.lumi_meas.bunch_lumi["CMS"][0] *= 1e-3
    _, (_, lower) = draw(results, style)
    assert outside_note(lower) == "1 of 145 points outside"
    assert lower.get_ylim()[0] > 0.9
