"""Fitted lifetimes, read back from their pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from lumimod.physics.uncertainty import ErrorsOfFits, FitErrors
from lumimod.plots import lifetimes
from lumimod.plots.about import About
from lumimod.plots.style import BEAM, EXPERIMENT, Style
from lumimod.records import BEAMS, EXPERIMENTS
from tests.plots.conftest import FILL, POOR, legend_of, line, make_results, notes

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("beam", BEAMS)
def test_fitted_intensity_lifetimes_of_each_bunch_are_shown(beam: int, style: Style) -> None:
    results = make_results()
    figure = lifetimes.draw_intensity_fits(results.sb, results.fits, FILL, style=style)
    wide, narrow, others = figure.axes[3 * beam - 3 : 3 * beam]
    spread = 1 + 0.01 * np.arange(6)
    for span, hours in (("full", 30.0), ("short", 25.0)):
        x, y = line(wide, f"colliding, {span}")
        np.testing.assert_array_equal(x, np.arange(10, 16))
        np.testing.assert_allclose(y, 1 / (hours * spread))
        x, y = line(others, f"non-colliding, {span}")
        np.testing.assert_array_equal(x, [100, 101])
        np.testing.assert_allclose(y, 1 / (hours * spread[:2]))
        (text,) = (t for t in legend_of(wide) if t.startswith(f"colliding, {span}"))
        assert f"{1 / np.median(1 / (hours * spread)):.3g} h (" in text
    assert wide.lines[0].get_color() == BEAM[beam].color
    assert wide.get_ylabel() == f"Beam {beam}\nlifetime [h]"
    assert others.get_title("right") == "non-colliding"
    assert len(legend_of(wide)) == 4
    check_histogram(narrow, wide, [1 / (30.0 * spread), 1 / (25.0 * spread)])


def check_histogram(narrow: Axes, wide: Axes, rates: list[np.ndarray]) -> None:
    """Assert that a panel counts the points of the one beside within the same limits."""
    assert narrow.get_ylim() == wide.get_ylim()
    for one, found in zip(narrow.lines, rates):
        counts, edges = np.asarray(one.get_xdata()), np.asarray(one.get_ydata())
        assert counts[0] == counts[-1] == 0
        bins = edges[::2]
        np.testing.assert_array_equal(counts[1:-1:2], np.histogram(found, bins)[0])
        assert counts[1:-1:2].sum() == found.size


@pytest.mark.parametrize(("span", "more"), [("short", 0.0), ("full", 3.0)])
@pytest.mark.parametrize("index", [0, 1])
def test_fitted_luminosity_lifetimes_are_shown(
    span: str, more: float, index: int, style: Style
) -> None:
    results = make_results()
    figure = lifetimes.draw_lumi_fits(results.sb, results.fits, span, FILL, style=style)
    wide, narrow = figure.axes[2 * index : 2 * index + 2]
    spread = 1 + 0.01 * np.arange(6)
    rates = [1 / ((hours + more) * spread) for hours in (10.0, 11.0)]
    np.testing.assert_allclose(line(wide, "calculated")[1], rates[0])
    np.testing.assert_allclose(line(wide, "measured")[1], rates[1])
    assert wide.lines[1].get_color() == EXPERIMENT[EXPERIMENTS[index]].color
    assert wide.get_ylabel() == f"{EXPERIMENTS[index]}\nlifetime [h]"
    assert {"full": "all of stable beams", "short": "the first hours"}[span] in figure.texts[
        1
    ].get_text()
    check_histogram(narrow, wide, rates)


def test_failed_fits_are_counted(style: Style) -> None:
    results = make_results()
    assert results.fits is not None
    results.fits.beams[1, "coll"]["inten"].full.tau_s[:2] = NAN
    figure = lifetimes.draw_intensity_fits(results.sb, results.fits, FILL, style=style)
    full, short = legend_of(figure.axes[0])[:2]
    assert full.endswith(", 2 of 6 failed")
    assert "failed" not in short


def test_a_bunch_that_loses_nothing_is_at_infinity(style: Style) -> None:
    results = make_results()
    assert results.fits is not None
    results.fits.beams[1, "coll"]["inten"].full.tau_s[:3] = [-INF, INF, 36000.0]
    ax = lifetimes.draw_intensity_fits(results.sb, results.fits, FILL, style=style).axes[0]
    _, y = line(ax, "colliding, full")
    np.testing.assert_allclose(y[:3], [0.0, 0.0, -0.1])
    assert "∞" in [text.get_text() for text in ax.get_yticklabels()]
    assert "failed" not in legend_of(ax)[0]


@pytest.mark.parametrize(
    ("poor", "of", "said"),
    [
        ("all fits failed", 0, [["no fit\nsucceeded"], [], ["no fit\nsucceeded"]]),
        ("no non-colliding bunch", 0, [[], []]),
        ("no colliding bunch", 0, [["no bunches"], [], []]),
        ("NaN in beam 2", 0, [[], [], []]),
        ("NaN in beam 2", 3, [["no fit\nsucceeded"], [], ["no fit\nsucceeded"]]),
    ],
)
def test_fits_that_are_not_there_are_said(
    poor: str, of: int, said: list[list[str]], style: Style
) -> None:
    results = POOR[poor]()
    figure = lifetimes.draw_intensity_fits(results.sb, results.fits, FILL, style=style)
    assert [notes(ax) for ax in figure.axes[of : of + len(said)]] == said


def test_a_fill_without_non_colliding_bunches_has_no_panel_of_them(style: Style) -> None:
    results = POOR["no non-colliding bunch"]()
    figure = lifetimes.draw_intensity_fits(results.sb, results.fits, FILL, style=style)
    assert len(figure.axes) == 4
    assert all(len(legend_of(ax)) == 2 for ax in figure.axes[::2])


@pytest.mark.parametrize(
    ("length_s", "words"),
    [(7200.0, "the first 2 h"), (5400.0, "the first 1.5 h"), (1200.0, "the first 20 min")],
)
def test_the_length_of_short_fits_is_said(length_s: float, words: str) -> None:
    about = About(fit_length_s=length_s)
    assert lifetimes.span_words("short", about) == words
    assert lifetimes.span_words("full", about) == "all of stable beams"


@pytest.mark.parametrize(
    ("poor", "words"),
    [
        ("no luminosity measured", "measured: no data"),
        ("NaN in beam 2", "calculated: no data"),
        ("no colliding bunch", "measured: no bunches"),
        ("all fits failed", "calculated: no data"),
    ],
)
def test_luminosity_without_fits_is_in_the_legend(poor: str, words: str, style: Style) -> None:
    results = POOR[poor]()
    figure = lifetimes.draw_lumi_fits(results.sb, results.fits, "full", FILL, style=style)
    for ax in figure.axes[::2]:
        assert words in legend_of(ax)


def test_the_standard_error_of_a_bunch_is_in_the_legend(style: Style) -> None:
    results = make_results()
    assert results.fits is not None
    errors = FitErrors(*(np.full(6, x) for x in (1.0, 0.41 * 3600, 1.0, 0.0)))
    both = ErrorsOfFits(errors, errors)
    fits = replace(
        results.fits,
        beam_errors={(1, "coll"): {"inten": both}},
        lumi_errors={("CMS", "meas"): both},
    )
    figure = lifetimes.draw_intensity_fits(results.sb, fits, FILL, style=style)
    first, second = (" ".join(legend_of(figure.axes[i])) for i in (0, 3))
    assert "colliding, full: 30.7 ± 0.4 h (" in first
    assert "±" not in second  # beam 2 has none
    figure = lifetimes.draw_lumi_fits(results.sb, fits, "full", FILL, style=style)
    assert " ± 0.4 h (" in " ".join(legend_of(figure.axes[2]))
