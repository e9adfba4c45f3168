"""Families: which there are, and every one of their pictures drawn from their results alone."""

from __future__ import annotations

import dataclasses
import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from lumimod.config.settings import Config
from lumimod.paths import FillPaths
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.plots.cycle import CYCLE_PICTURES
from lumimod.plots.cycle_model import CYCLE_MODEL_PICTURES
from lumimod.plots.families import PICTURE_FAMILIES, Picture
from lumimod.plots.model import model_pictures
from lumimod.plots.sb_results import SbResults
from lumimod.plots.stable_beams import SB_PICTURES
from lumimod.plots.style import Style
from lumimod.records import BunchFamily, Fits
from tests.plots.conftest import (
    FILL,
    make_results,
    silent_panels,
    texts,
)
from tests.plots.cycles import make_cycle, model_results, results_of
from tests.plots.looks import check_frames, check_legends, check_shared, check_words
from tests.plots.models import make_model_results, of_results

ROOT = Path(__file__).parents[2]
STYLE = Style((9.0, 5.0), 40, 8.0)


def uneven(r: SbResults) -> SbResults:
    """Return results in which beam 2 and CMS have more of all than beam 1 and ATLAS."""
    assert r.lumi_calc is not None
    assert r.lumi_meas is not None
    assert r.fits is not None
    bunches = {key: more(of) if key[0] == 2 else of for key, of in r.sb.bunches.items()}
    calc, meas = (
        dataclasses.replace(of, bunch_lumi={**of.bunch_lumi, "CMS": 1.3 * of.bunch_lumi["CMS"]})
        for of in (r.lumi_calc, r.lumi_meas)
    )
    fits = Fits(
        {
            key: {x: longer(of) if key[0] == 2 else of for x, of in each.items()}
            for key, each in r.fits.beams.items()
        },
        {key: longer(of) if key[0] == "CMS" else of for key, of in r.fits.lumi.items()},
    )
    sb = dataclasses.replace(r.sb, bunches=bunches)
    return dataclasses.replace(r, sb=sb, lumi_calc=calc, lumi_meas=meas, fits=fits)


def more(bunches: BunchFamily) -> BunchFamily:
    arrays = {
        of.name: 1.3 * getattr(bunches, of.name)
        for of in dataclasses.fields(bunches)
        if of.name != "slots" and isinstance(getattr(bunches, of.name), np.ndarray)
    }
    return dataclasses.replace(bunches, **arrays)


def longer(fits: ExpFits) -> ExpFits:
    full, short = (ExpFit(1.3 * of.tau_s, *of[1:]) for of in (fits.full, fits.short))
    return ExpFits(short, full)


FAMILIES: dict[str, tuple[tuple[Picture[Any], ...], Any]] = {
    "sb": (SB_PICTURES, uneven(make_results())),
    "cycle": (CYCLE_PICTURES, results_of(make_cycle())),
    "cycle_model": (CYCLE_MODEL_PICTURES, model_results()),
    "model": (
        model_pictures(("IBSBOff", "EmpiricalBlowupLosses"), "1"),
        of_results(uneven(make_results())),
    ),
}
NAMES = {
    "sb": "crossingAngle b1Emittances b2Emittances b1RawEmittances b2RawEmittances bunchIntensity "
    "bunchLength calcLumi measLumi totalLumi bbbIntensityTau bbbLifetime bbbLosses "
    "TotalLumiLifetime FitLumiLifetime",
    "cycle": "cycle_emittancesbbb_b1 cycle_emittancesbbb_b2 cycle_intensitiesbbb "
    "cycle_brightnessbbb cycle_blengthbbb cycle_timebbb cycle_histos",
    "cycle_model": "cycle_model_emittances_b1_INJ cycle_model_emittances_b2_INJ "
    "cycle_model_bunchLength_INJ cycle_model_emittances_b1_FT cycle_model_emittances_b2_FT "
    "cycle_model_bunchLength_FT",
    "model": "sbmodel_IBSBOff_luminosity_case1 sbmodel_IBSBOff_emittanceColliding_case1 "
    "sbmodel_IBSBOff_emittanceNonColliding_case1 sbmodel_IBSBOff_intens_blength_Colliding_case1 "
    "sbmodel_IBSBOff_intens_blength_NonColliding_case1 sbmodel_modelComp_luminosity_case1",
}
"""Files that notebooks and pages of fills know by name: these stay, whatever is added."""


# --- which there are


def test_every_family_is_tested_here() -> None:
    assert list(FAMILIES) == list(NAMES)
    elsewhere = {"overview", "limits"}  # in test_overview.py and test_limits.py
    assert list(FAMILIES) == [name for name in PICTURE_FAMILIES if name not in elsewhere]


@pytest.mark.parametrize("family", NAMES)
def test_pictures_keep_their_names(family: str, small_config: Config) -> None:
    sets = PICTURE_FAMILIES[family].sets(FillPaths(small_config, FILL))
    names = [picture.name for of_set in sets for picture in of_set.pictures]
    assert set(NAMES[family].split()) <= set(names)
    assert len(set(names)) == len(names)


def printed(program: str) -> str:
    """Return what a program prints that is run in a process of its own."""
    call = [sys.executable, "-c", program]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_planning_pictures_imports_no_matplotlib() -> None:
    program = (
        "import sys\n"
        "from importlib import import_module\n"
        "from pkgutil import iter_modules\n"
        "from lumimod import plots\n"
        "for module in iter_modules(plots.__path__, 'lumimod.plots.'):\n"
        "    import_module(module.name)\n"
        "print('lumimod.plots.cycle' in sys.modules, 'matplotlib' in sys.modules)\n"
    )
    assert printed(program) == "True False\n"


def test_families_are_named_without_numpy() -> None:
    program = "import sys, lumimod.plots.families; print('numpy' in sys.modules)"
    assert printed(program) == "False\n"


# --- their pictures


@functools.cache
def drawn(family: str, name: str) -> Figure:
    """Return a picture, drawn once for all tests, after which its results are as before."""
    pictures, results = FAMILIES[family]
    (picture,) = (p for p in pictures if p.name == name)
    before = [array.copy() for array in arrays_of(results)]
    assert before
    figure = picture.draw(results, STYLE)
    for array, old in zip(arrays_of(results), before):
        np.testing.assert_array_equal(array, old)
    return figure


every_picture = pytest.mark.parametrize(
    ("family", "name"),
    [(family, p.name) for family, (pictures, _) in FAMILIES.items() for p in pictures],
)


@pytest.mark.slow
@every_picture
def test_a_picture_has_its_fill_in_the_title_and_the_size_asked_for(family: str, name: str) -> None:
    figure = drawn(family, name)
    assert texts(figure).startswith(f"Fill {FILL}: stable beams from Sun 02 Jul 2017")
    np.testing.assert_array_equal(figure.get_size_inches(), STYLE.fig_size_in)
    assert figure.dpi == STYLE.dpi


@pytest.mark.slow
@every_picture
def test_every_panel_of_complete_results_shows_something(family: str, name: str) -> None:
    assert silent_panels(drawn(family, name)) == []


@pytest.mark.slow
@every_picture
def test_every_panel_names_its_quantity(family: str, name: str) -> None:
    figure = drawn(family, name)
    for ax in figure.axes:
        place = ax.get_subplotspec()
        assert ax.get_ylabel() or not place.is_first_col()
        if place is not None and place.is_last_row():
            assert ax.get_xlabel()
            assert ax.xaxis.label.get_visible()


# --- what all pictures have in common


@functools.cache
def laid_out(family: str, name: str) -> Figure:
    """Return a picture whose texts are in their places."""
    figure = drawn(family, name)
    figure.canvas.draw()
    return figure


@pytest.mark.slow
@every_picture
def test_panels_of_the_same_quantity_share_limits_and_ticks(family: str, name: str) -> None:
    check_shared(drawn(family, name))


@pytest.mark.slow
@every_picture
def test_words_are_those_of_the_field(family: str, name: str) -> None:
    check_words(laid_out(family, name))


@pytest.mark.slow
@every_picture
def test_the_header_has_the_facts_of_the_fill(family: str, name: str) -> None:
    pictures, results = FAMILIES[family]
    facts = (
        "6.5 TeV",
        "2.0 h",
        "8 bunches, 6 colliding",
        "β* 30 cm",
        "full crossing angle 300 µrad",
    )
    about = dataclasses.replace(results.about, facts=facts)
    (picture,) = (p for p in pictures if p.name == name)
    figure = picture.draw(dataclasses.replace(results, about=about), STYLE)
    (header,) = (text for text in figure.texts if text.get_text() == " · ".join(facts))
    assert header.get_fontsize() < figure.texts[0].get_fontsize()


@pytest.mark.slow
@every_picture
def test_no_legend_lies_on_a_panel(family: str, name: str) -> None:
    check_legends(laid_out(family, name))


@pytest.mark.slow
@every_picture
def test_nothing_that_is_drawn_lies_on_the_frame(family: str, name: str) -> None:
    check_frames(laid_out(family, name))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["sb", "model"])
def test_of_a_fill_below_an_hour_hours_are_minutes(family: str) -> None:
    short = make_results(step_s=120.0)  # 24 min
    results = short if family == "sb" else make_model_results(step_s=120.0)
    for picture in FAMILIES[family][0]:
        figure = picture.draw(results, STYLE)
        assert "hours of stable beams" not in texts(figure), picture.name


def arrays_of(value: object) -> list[np.ndarray]:
    """Return all arrays in a record, in the order of its fields."""
    if isinstance(value, np.ndarray):
        return [value]
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        parts = list(value.values())
    else:
        parts = list(value) if isinstance(value, tuple) else []
    return [array for part in parts for array in arrays_of(part)]
