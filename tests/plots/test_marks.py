"""Gaps of instruments and steps of the optics, read back from panels."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

from lumimod.plots import about, marks
from lumimod.plots.about import About, Unmeasured, without_gaps
from lumimod.records.made import Made
from tests.plots.conftest import FILL, T0, make_results

HOUR = 3600.0
TIME_S = T0 + 600.0 * np.arange(13)


@pytest.mark.parametrize(
    ("gap", "words", "hidden"),
    [
        (Unmeasured("emittance", 1, T0 + HOUR, T0 + 2 * HOUR), "no BSRT after 15:53", range(7, 13)),
        (
            Unmeasured("bunch length", 2, T0 + 600, T0 + 1800),
            "no BQM from 15:03 to 15:23",
            range(2, 3),
        ),
        (
            Unmeasured("bunch intensity", 1, T0 - 60, T0 + 650),
            "no FBCT from 14:52 to 15:04",
            range(2),
        ),
        (Unmeasured("crossing angle at IP1", None, T0, T0 + 9 * HOUR),
         "no crossing angle at IP1 after 14:53", range(1, 13)),
    ],
)  # fmt: skip
def test_a_gap_says_what_did_not_measure_and_hides_what_was_held(
    gap: Unmeasured, words: str, hidden: range
) -> None:
    assert gap.words(TIME_S[-1]) == words
    shown = without_gaps(np.ones((13, 2)), TIME_S, [gap])
    assert np.flatnonzero(np.isnan(shown).all(axis=1)).tolist() == list(hidden)
    assert np.isnan(without_gaps(np.ones(12), TIME_S, [gap])).sum() == len(set(hidden) - {12})


def test_values_without_a_gap_stay_as_they_are() -> None:
    values = np.ones((13, 2))
    assert without_gaps(values, TIME_S, []) is values


def test_gaps_are_those_of_the_quantities_and_beams_asked_for() -> None:
    gaps = (
        Unmeasured("emittance", 1, 0.0, 1.0),
        Unmeasured("emittance", 2, 0.0, 1.0),
        Unmeasured("bunch length", 1, 0.0, 1.0),
        Unmeasured("crossing angle at IP1", None, 0.0, 1.0),
    )
    known = About(gaps=gaps)
    assert known.gaps_of(["emittance"], [2]) == [gaps[1]]
    assert known.gaps_of(["emittance", "bunch length"]) == list(gaps[:3])
    assert known.gaps_of(["crossing angle at IP1"], [1]) == [gaps[3]]


def test_gaps_are_read_from_the_notes_of_a_result() -> None:
    notes = (
        {"kind": "gap", "text": "", "quantity": "emittance", "beam": 1, "span_s": [5.0, 9.0]},
        {"kind": "gap", "text": "12 of 60 bunches", "quantity": "emittance", "beam": 1},
        {"kind": "samples", "text": "", "quantity": "emittance", "span_s": [5.0, 9.0]},
    )
    made = Made(6024, "sb", 1, "2.0", notes=notes)
    assert about.gaps_in(made) == (Unmeasured("emittance", 1, 5.0, 9.0),)
    assert about.gaps_in(None) == ()


def test_the_same_words_of_both_beams_are_said_once(ax: Axes) -> None:
    gaps = [Unmeasured("emittance", beam, T0 + HOUR, T0 + 2 * HOUR) for beam in (1, 2)]
    marks.shade_gaps(ax, TIME_S, gaps)
    assert len(ax.patches) == 1
    assert [text.get_text() for text in ax.texts] == ["no BSRT after 15:53"]


def test_a_panel_below_is_hatched_without_words(ax: Axes) -> None:
    marks.shade_gaps(
        ax, TIME_S, [Unmeasured("emittance", 1, T0 + HOUR, T0 + 2 * HOUR)], words=False
    )
    assert len(ax.patches) == 1
    assert not ax.texts


def test_facts_are_energy_length_bunches_and_optics() -> None:
    sb = make_results(n_coll=1200, n_noncoll=3).sb
    assert about.header_facts(sb, 6.5, "30 cm") == (
        "6.5 TeV",
        "2.0 h",
        "1,203 bunches, 1,200 colliding",
        "β* 30 cm",
        "full crossing angle 300 → 280 µrad",
    )


def test_facts_of_a_short_fill_of_one_bunch_are_in_minutes() -> None:
    sb = make_results(n_coll=1, n_noncoll=0, n_times=3).sb
    for angle in sb.xing_angle_rad.values():
        angle[:] = np.nan
    assert about.header_facts(sb, 6.8, "") == ("6.8 TeV", "20 min", "1 bunch, 1 colliding")


@pytest.mark.parametrize(
    ("at_ip1", "at_ip5", "text"),
    [
        ([30.0, 30.0], [30.0, 30.0], "30 cm"),
        ([30.0, np.nan, 25.0], [30.0, 27.0, 25.0], "30 → 25 cm"),
        ([30.0], [40.0], "30 / 40 cm"),
        ([np.nan], [np.nan], ""),
    ],
)
def test_both_points_are_named_once_if_they_are_equal(
    at_ip1: list[float], at_ip5: list[float], text: str
) -> None:
    assert about.both_points({1: np.array(at_ip1), 5: np.array(at_ip5)}, "cm") == text


def made_with(start_s: float | None, stop_s: float | None, *notes: dict) -> Made:
    modes = {"t_start_STABLE": start_s, "t_stop_STABLE": stop_s}
    return Made(FILL, "sb", 1, "1.0", inputs={"beam modes": modes}, notes=notes)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (made_with(T0, T0 + 2.1 * HOUR), "2.1 h"),
        (made_with(T0, T0 + 1230.0), "20 min"),
        (made_with(T0, None), "2.0 h"),
        (made_with(T0, T0 + 9 * HOUR, {"kind": "in progress"}), "2.0 h"),
        (None, "2.0 h"),
    ],
)
def test_the_length_is_that_of_the_beam_modes_unless_the_fill_is_in_progress(
    made: Made | None, text: str
) -> None:
    length_s = about.length_s(made, make_results().sb)
    assert about.length_text(length_s) == text
