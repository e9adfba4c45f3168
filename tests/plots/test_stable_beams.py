"""Pictures of stable beams, bunch by bunch: what they show of the record, and what they miss."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from lumimod.arrays import FloatArray
from lumimod.plots import stable_beams
from lumimod.plots.about import About, Unmeasured
from lumimod.plots.style import BEAM, EXPERIMENT, NONCOLLIDING, Style
from lumimod.records import BEAMS, EXPERIMENTS, StableBeams
from tests.plots.conftest import (
    FILL,
    POOR,
    STYLE,
    T0,
    Seen,
    drawn_lines,
    legend_of,
    line,
    make_results,
    panels_of,
    seen,
    texts,
    values,
)

BY_NAME = {picture.name: picture for picture in stable_beams.SB_PICTURES}
LIGHT_M_S = 299_792_458.0
HOURS = np.arange(13) / 6
"""Of `make_results`: one time in ten minutes."""


def points(ax: Axes) -> set[tuple[float, float, float]]:
    """Return slot, value and hour of each point of a bunch-by-bunch panel."""
    found = set()
    for one in ax.collections:
        rows = np.column_stack([one.get_offsets(), np.asarray(one.get_array())])
        found |= {tuple(np.round(row, 9)) for row in rows}
    return found


def expected_points(*series: tuple[FloatArray, FloatArray]) -> set[tuple[float, float, float]]:
    """Return the same from slots and values."""
    return {
        tuple(np.round((slot, of_time[column], hour), 9))
        for slots, found in series
        for of_time, hour in zip(found, HOURS)
        for column, slot in enumerate(slots)
    }


def check_row(
    row: list[Axes], sb: StableBeams, beam: int, field: str, scale: float, unit: str
) -> None:
    """Assert that a row of two panels shows a field of one beam's bunches."""
    left, right = row
    series = []
    for family, words, look in (
        ("coll", "6 colliding", BEAM[beam]),
        ("noncoll", "2 non-colliding", NONCOLLIDING),
    ):
        bunches = sb.bunches[beam, family]
        found = scale * getattr(bunches, field)
        series.append((bunches.slots, found))
        x, y = line(left, words)
        np.testing.assert_allclose(x, HOURS)
        np.testing.assert_allclose(y, np.median(found, axis=1))
        (drawn,) = (one for one in left.lines if str(one.get_label()).startswith(words))
        assert drawn.get_color() == look.color
        (text,) = (t for t in legend_of(left) if t.startswith(words))
        for at in (0, -1):
            assert f"{np.median(found[at]):.2f}"[:-1] in text
            assert "±" in text
        assert text.endswith(unit)
    assert points(right) == expected_points(*series)
    for ax in row:
        low, high = ax.get_ylim()
        assert all(low < found.min() <= found.max() < high for _, found in series)


# --- what is drawn


@functools.cache
def complete(name: str) -> Figure:
    """Return the picture of complete results, drawn once: read it, do not change it."""
    return BY_NAME[name].draw(make_results(), STYLE)


@pytest.mark.parametrize("beam", BEAMS)
@pytest.mark.parametrize("raw", [False, True])
def test_emittances_of_one_beam_are_shown(beam: int, raw: bool) -> None:
    sb = make_results().sb
    figure = complete(f"b{beam}{'Raw' if raw else ''}Emittances")
    rows = figure.axes[:2], figure.axes[2:4]
    for row, plane in zip(rows, ("h", "v")):
        check_row(row, sb, beam, f"emit_{plane}{'_raw' if raw else ''}_um", 1.0, "µm")
        for ax in row:
            assert ax.get_ylabel() == f"ε{plane.upper()} [µm]"
    kind = "measured, not smoothed" if raw else "smoothed"
    assert f"Beam {beam}: normalised emittances, {kind}" in texts(figure)


@pytest.mark.parametrize("beam", BEAMS)
def test_intensities_of_both_beams_are_shown(beam: int) -> None:
    figure = complete("bunchIntensity")
    row = figure.axes[2 * beam - 2 : 2 * beam]
    check_row(row, make_results().sb, beam, "intensity_ppb", 1e-11, "10¹¹ p")
    assert {ax.get_ylabel() for ax in row} == {f"Beam {beam} [10¹¹ p]"}


@pytest.mark.parametrize("beam", BEAMS)
def test_bunch_lengths_are_four_sigma_in_ns(beam: int) -> None:
    figure = complete("bunchLength")
    row = figure.axes[2 * beam - 2 : 2 * beam]
    check_row(row, make_results().sb, beam, "length_m", 4e9 / LIGHT_M_S, "ns")
    assert {ax.get_ylabel() for ax in row} == {f"Beam {beam}: 4σ [ns]"}


@pytest.mark.parametrize("kind", ["calc", "meas"])
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_the_luminosity_of_each_pair_is_shown(kind: str, experiment: str) -> None:
    results = make_results()
    record = results.lumi_calc if kind == "calc" else results.lumi_meas
    assert record is not None
    found = record.bunch_lumi[experiment] * 1e-34  # Hz/ub
    figure = complete(f"{kind}Lumi")
    first = 2 * EXPERIMENTS.index(experiment)
    left, right = figure.axes[first : first + 2]
    np.testing.assert_allclose(line(left, "6 bunch pairs")[1], np.median(found, axis=1))
    assert left.lines[0].get_color() == EXPERIMENT[experiment].color
    assert points(right) == expected_points((results.sb.bunches[1, "coll"].slots, found))
    assert left.get_ylabel() == f"{experiment} luminosity\n[Hz/µb]"
    kind_words = "calculated" if kind == "calc" else "measured"
    assert f"pair, {kind_words}; 1 Hz/µb = 10³⁰ cm⁻² s⁻¹: median and middle 68 %" in texts(figure)


def test_the_bar_tells_the_hours_of_the_points() -> None:
    figure = complete("bunchIntensity")
    bar = figure.axes[-1]
    assert bar.get_ylabel() == "hours of stable beams"
    assert bar.get_ylim() == (0, 2)
    for ax in (figure.axes[1], figure.axes[3]):
        assert {(one.norm.vmin, one.norm.vmax) for one in ax.collections} == {(0, 2)}


def test_panels_against_time_and_slot_have_their_axes() -> None:
    figure = complete("bunchIntensity")
    left, right = figure.axes[2:4]
    assert left.get_xlabel() == "hours of stable beams | time of day (Europe/Zurich)"
    assert left.get_xticklabels()[0].get_text() == "0\n14:53"
    assert right.get_xlabel() == "25 ns slot"
    low, high = right.get_xlim()
    assert low < 10 < 101 < high


def test_bunches_without_a_value_are_counted(style: Style) -> None:
    results = make_results()
    results.sb.bunches[1, "coll"].emit_h_um[:, :2] = np.nan
    figure = BY_NAME["b1Emittances"].draw(results, style)
    assert legend_of(figure.axes[0])[0].startswith("4 of 6 colliding: 2.")
    assert legend_of(figure.axes[2])[0].startswith("6 colliding: 1.")


def test_every_nth_time_is_shown_bunch_by_bunch_and_every_one_in_the_mean() -> None:
    results = make_results()
    figure = BY_NAME["bunchIntensity"].draw(results, Style(dpi=50, n_skip=4))
    left, right = figure.axes[:2]
    assert {hour for _, _, hour in points(right)} == set(np.round(HOURS[::4], 9))
    assert line(left, "6 colliding")[0].size == HOURS.size


def test_the_whole_machine_is_a_map_of_changes_and_eight_bunches_are_points(
    style: Style,
) -> None:
    full = make_results(n_coll=2540, n_noncoll=8, n_times=20)
    right = BY_NAME["bunchIntensity"].draw(full, style).axes[1]
    assert len(right.images) == 1
    coloured = ~np.ma.getmaskarray(right.images[0].get_array())
    assert coloured.any(axis=0).mean() > 0.9  # all along the ring
    assert right.get_ylabel() == "hours"
    np.testing.assert_allclose(right.images[0].get_array()[-1].compressed(), 100 * (0.8 / 1.1 - 1))
    few = BY_NAME["bunchIntensity"].draw(make_results(n_coll=8, n_noncoll=0), style).axes[1]
    assert not few.images
    assert to_hex(few.collections[0].to_rgba(0.0)) == "#440154"
    assert few.collections[0].get_sizes()[0] == 26


def test_one_absurd_bunch_moves_neither_line_nor_limits(style: Style) -> None:
    results = make_results(n_coll=190)
    family = results.sb.bunches[1, "coll"]
    emit_h_um = family.emit_h_um.copy()
    emit_h_um[:, 7] = 1e4
    results.sb.bunches[1, "coll"] = dataclasses.replace(family, emit_h_um=emit_h_um)  # type: ignore[index]
    figure = stable_beams.draw_emittances(results.sb, 1, FILL, style=style)
    left, right = figure.axes[:2]
    _, median = line(left, "190 colliding")
    np.testing.assert_allclose(median, np.median(emit_h_um, axis=1))
    low, high = left.get_ylim()
    assert low < median.min() < median.max() < high < 12
    assert right.get_ylim()[1] < 12
    assert "13 of 2,496 points outside" in [text.get_text() for text in right.texts]


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_NAME)
def test_what_was_measured_at_one_time_alone_is_seen(name: str, style: Style) -> None:
    # Two times give one lifetime.
    n_times = 2 if name in ("bbbLifetime", "bbbLosses") else 1
    figure = BY_NAME[name].draw(make_results(n_times=n_times), style)
    drawn = [one for ax in figure.axes for one in ax.lines if np.isfinite(one.get_ydata()).any()]
    assert drawn
    for one in drawn:
        n_points = np.asarray(one.get_xdata()).size
        assert n_points > 1 or one.get_marker() != "None", one.get_label()


def test_both_beams_have_the_same_limits_of_the_same_quantity(style: Style) -> None:
    results = make_results()
    results.sb.bunches[2, "coll"].intensity_ppb[:] *= 1.5
    axes = BY_NAME["bunchIntensity"].draw(results, style).axes
    assert axes[0].get_ylim() == axes[2].get_ylim()
    assert axes[1].get_ylim() == axes[3].get_ylim()


def test_nothing_is_drawn_after_an_instrument_had_stopped(style: Style) -> None:
    results = make_results()
    gap = Unmeasured("emittance", 1, T0 + 3600.0, T0 + 7200.0)
    about = About(gaps=(gap,))
    for beam, hidden in ((1, HOURS > 1), (2, HOURS > 2)):
        figure = stable_beams.draw_emittances(results.sb, beam, FILL, about=about, style=style)
        left, right = figure.axes[:2]
        np.testing.assert_array_equal(np.isnan(line(left, "6 colliding")[1]), hidden)
        said = [text.get_text() for text in left.texts]
        assert said == (["no BSRT after 15:53"] if beam == 1 else [])
        seen_hours = {hour for _, value, hour in points(right) if np.isfinite(value)}
        assert max(seen_hours) == pytest.approx(1.0 if beam == 1 else 2.0)


def test_pictures_of_what_was_not_made_are_not_drawn() -> None:
    why = {name: picture.nothing(POOR["only step sb"]()) for name, picture in BY_NAME.items()}
    assert {name: words for name, words in why.items() if words} == {
        "totalLumi": "no luminosity",
        "calcLumi": "no luminosity calculated",
        "measLumi": "no luminosity measured",
        "bbbIntensityTau": "fits not made",
        "TotalLumiLifetime": "fits not made",
        "FitLumiLifetime": "fits not made",
        "bbbLifetime": "lifetimes not calculated",
        "bbbLosses": "effective cross-section not calculated",
    }
    assert not any(picture.nothing(make_results()) for picture in BY_NAME.values())


# --- what is missing


# The others are drawn by the same functions: of beam 1, not smoothed, of the first hours.
OF_EACH_KIND = [
    *("crossingAngle", "b2Emittances", "bunchIntensity", "calcLumi", "measLumi", "totalLumi"),
    *("bbbIntensityTau", "bbbLifetime", "bbbLosses", "TotalLumiLifetime"),
]


OF_FITS = ("bbbIntensityTau", "TotalLumiLifetime")
OF_LUMI = ("measLumi", "totalLumi", *OF_FITS, "bbbLifetime", "bbbLosses")
AFFECTED = {
    "complete": (),  # is looked at with all families
    "no luminosity measured": OF_LUMI,
    "only step sb": ("calcLumi", *OF_LUMI),
    "all fits failed": OF_FITS,
}
"""The pictures that poor results make different, where these are not all."""


@functools.cache
def seen_of(poor: str, name: str) -> Seen:
    """Return what a picture of poor results says, drawn once."""
    figure = BY_NAME[name].draw(POOR[poor](), STYLE)
    if poor == "one time":  # where ticks and limits are the hardest to place
        figure.canvas.draw()
    return seen(figure)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("poor", "name"),
    [(poor, name) for poor in POOR for name in AFFECTED.get(poor, OF_EACH_KIND)],
)
def test_each_panel_shows_something_or_says_why_not(poor: str, name: str) -> None:
    assert seen_of(poor, name).silent == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("poor", "name", "words"),
    [
        ("no luminosity measured", "measLumi", ["no luminosity measured"] * 4),
        ("only step sb", "calcLumi", ["no luminosity calculated"] * 4),
        ("only step sb", "bbbIntensityTau", ["the fits were not made: nothing to draw"]),
        ("only step sb", "TotalLumiLifetime", ["the fits were not made: nothing to draw"]),
        ("only step sb", "FitLumiLifetime", ["the fits were not made: nothing to draw"]),
        ("only step sb", "bbbLifetime", ["the lifetimes were not calculated: nothing to draw"]),
        (
            "only step sb",
            "bbbLosses",
            ["the effective cross-section was not calculated: nothing to draw"],
        ),
        ("NaN in beam 2", "b2Emittances", ["no emittance measured"] * 4),
        ("NaN in beam 2", "b1Emittances", []),
        ("NaN in beam 2", "bunchIntensity", ["no intensity measured"] * 2),
        ("NaN in beam 2", "bunchLength", ["no bunch length measured"] * 2),
        ("NaN in beam 2", "calcLumi", ["no luminosity calculated"] * 4),
        ("no bunch", "bunchIntensity", ["no intensity measured"] * 4),
        ("no colliding bunch", "bunchIntensity", []),
        ("no non-colliding bunch", "bunchIntensity", []),
        ("complete", "bunchIntensity", []),
    ],
)
def test_what_is_missing_is_said_in_the_panel(poor: str, name: str, words: list[str]) -> None:
    assert seen_of(poor, name).notes == words


@pytest.mark.parametrize(
    ("poor", "name", "words"),
    [
        ("no non-colliding bunch", "b1Emittances", "no non-colliding bunches"),
        ("no colliding bunch", "bunchIntensity", "no colliding bunches"),
        ("no colliding bunch", "calcLumi", "no bunch pairs"),
        ("NaN in beam 2", "bunchLength", "6 colliding: no data"),
        ("NaN in beam 2", "b2RawEmittances", "2 non-colliding: no data"),
        ("one bunch", "b1Emittances", "1 colliding: 2.000 to 2.600 µm"),
    ],
)
def test_what_is_missing_is_said_in_the_legend(poor: str, name: str, words: str) -> None:
    assert words in seen_of(poor, name).legends


def test_a_beam_of_one_family_alone_still_shows_it(style: Style) -> None:
    figure = BY_NAME["bunchIntensity"].draw(POOR["no colliding bunch"](), style)
    for ax in panels_of(figure)[::2]:
        median, *each = drawn_lines(ax)
        np.testing.assert_allclose(median.get_ydata(), values(13, 2, 1.1, 0.8).mean(axis=1))
        np.testing.assert_allclose([one.get_ydata() for one in each], values(13, 2, 1.1, 0.8).T)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["calculated", "measured"])
def test_steps_of_the_optics_are_marked_in_luminosities_of_bunches(kind: str, style: Style) -> None:
    results = make_results()
    lumi = results.lumi_calc if kind == "calculated" else results.lumi_meas
    about = About(logged_betastar_m={ip: np.repeat([0.3, 0.25], [9, 4]) for ip in (1, 5)})
    figure = stable_beams.draw_bunch_lumi(results.sb, lumi, kind, FILL, about=about, style=style)
    for experiment in EXPERIMENTS:
        ax = next(of for of in figure.axes if of.get_ylabel().startswith(experiment))
        assert [text.get_text() for text in ax.texts] == ["280 µrad", "β* 25 cm"]
        assert [text.xy[0] for text in ax.texts] == pytest.approx([1.0, 1.5])


def test_measured_luminosities_of_bunches_say_who_measured_them(style: Style) -> None:
    results = make_results()
    for origin in ("Massi files", "logging service"):
        figure = stable_beams.draw_bunch_lumi(
            results.sb, results.lumi_meas, "measured", FILL, about=About(measured_by=origin),
            style=style,
        )  # fmt: skip
        assert f"measured ({origin})" in texts(figure)


def test_calculated_luminosities_of_a_levelled_fill_are_called_a_potential(style: Style) -> None:
    results = make_results()
    figure = stable_beams.draw_bunch_lumi(
        results.sb, results.lumi_calc, "calculated", FILL, level_m2s=3e35, style=style
    )
    assert "unlevelled potential (the fill was levelled at 3 · 10³¹ cm⁻² s⁻¹)" in texts(figure)


def test_spikes_at_a_few_times_set_no_limits_and_are_counted(style: Style) -> None:
    results = make_results(n_times=73)
    assert results.lumi_meas is not None
    usual = results.lumi_meas.bunch_lumi["ATLAS"].max() * 1e-34
    results.lumi_meas.bunch_lumi["ATLAS"][[10, 40]] *= 30
    figure = stable_beams.draw_bunch_lumi(
        results.sb, results.lumi_meas, "measured", FILL, style=style
    )
    for ax in (of for of in figure.axes if of.get_ylabel().startswith("ATLAS")):
        assert usual < ax.get_ylim()[1] < 2.5 * usual
        assert any("points outside" in text.get_text() for text in ax.texts)
