"""What results are made from, and in what words they differ from how things are now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from lumimod import __version__
from lumimod.records.diary import Diary
from lumimod.records.made import MODES_INPUT, Made
from lumimod.steps import provenance
from lumimod.steps.context import FillContext
from lumimod.steps.registry import STEPS
from lumimod.steps.step import Step

from .conftest import FILL, T0, fill_modes

MakeFill = Callable[..., FillContext]
PLAIN = Step("pileup", run=lambda ctx: None, writes=lambda paths: [paths.sb])


# --- as things are now


@pytest.mark.parametrize(
    ("name", "time_s"),
    [
        ("t_endfill", T0 + 20_000),
        ("t_start_STABLE", T0),
        ("t_stop_STABLE", T0 + 7200),
        ("t_start_A_B", T0 + 5),
        ("t_start_RAMP", None),
    ],
)
def test_times_of_beam_modes_are_found_by_name(name: str, time_s: float | None) -> None:
    modes = fill_modes(start_A_B=5.0)
    step = replace(PLAIN, times=(name,))
    assert provenance._modes_of(step, modes) == {MODES_INPUT: {name: time_s}}
    assert provenance._modes_of(PLAIN, modes) == {}
    assert provenance._time_of(replace(modes, t_endfill_s=np.nan), "t_endfill") is None


def test_files_have_as_many_folders_in_front_as_tell_them_apart() -> None:
    one, two, three = Path("a/x.tgz"), Path("b/x.tgz"), Path("b/y.tgz")
    assert provenance._named([one, three]) == {"x.tgz": one, "y.tgz": three}
    assert provenance._named([one, two]) == {"a/x.tgz": one, "b/x.tgz": two}
    assert provenance._named([]) == {}


@pytest.mark.parametrize(
    ("betastar_m", "expected"),
    [
        (0.3, 0.3),
        ({(5000, 6000): 0.4, (6000, 7000): 0.3}, 0.4),
        ({(5000, 6000): [0.3, 0.5]}, [0.3, 0.5]),
        ({(6000, 7000): 0.3}, None),
        ("measured", "measured"),
    ],
)
def test_the_beta_star_that_enters_is_that_of_the_fill(
    fill: MakeFill, betastar_m: Any, expected: Any
) -> None:
    cfg = fill(betastar_m=betastar_m).cfg
    assert provenance.settings_for(STEPS["lumi"], cfg, FILL)["betastar_m"] == expected


def test_the_crossing_angle_that_enters_is_that_of_the_fill_or_none(fill: MakeFill) -> None:
    angles = {(FILL, FILL + 1): [280e-6, 290e-6]}
    cfg = fill(XingAngle=angles).cfg
    assert provenance._crossing_angle(cfg, FILL) == [280e-6, 290e-6]
    assert provenance._crossing_angle(cfg, FILL + 1) is None


def test_settings_are_those_of_the_configuration_at_hand(fill: MakeFill) -> None:
    for gamma in (6927.64, 7247.4, 6927.64):
        cfg = fill(gammaFT=gamma).cfg
        assert provenance.settings_for(STEPS["lumi"], cfg, FILL)["gammaFT"] == gamma
    names = provenance.settings_for(STEPS["cycle"], fill().cfg, FILL)
    assert "tauSRxy_FT" not in names
    assert "tauSRxy_FT" in provenance.settings_for(STEPS["cycle"], fill(damping=True).cfg, FILL)
    assert "tauSRxy_FT" in provenance.settings_for(STEPS["model"], fill().cfg, FILL)


class Known:
    """A diary in which every result has the same identity."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self.apart_from: list[Sequence[str]] = []

    def identity(self, _: Path, apart_from: Sequence[str]) -> str | None:
        self.apart_from.append(apart_from)
        return self.key


def test_measured_luminosity_alone_is_of_no_rescaling(fill: MakeFill) -> None:
    paths = fill().paths
    for name, apart_from in (("massi", ("resc_period",)), ("lumi", ())):
        assert provenance._OfSteps().serves_all_rescalings(STEPS[name], paths) is bool(apart_from)
        diary = Known("key")
        found = provenance.results_of(STEPS[name], paths, cast(Diary, diary))
        assert found == {"sb": "key"}
        assert diary.apart_from == [apart_from]
        assert provenance.results_of(STEPS[name], paths, cast(Diary, Known(None))) == {}


def test_a_result_is_made_of_version_revision_and_notes(fill: MakeFill) -> None:
    ctx, notes = fill(), [{"kind": "gap", "text": "words"}]
    found = provenance.made_now(PLAIN, ctx.paths, ctx.modes, cast(Diary, Known(None)), notes)
    assert found == Made(FILL, "pileup", 1, __version__, {}, {}, {}, tuple(notes))


# --- what is different now


def test_a_changed_value_is_shown_in_whole_up_to_60_characters() -> None:
    # The quotes count, too.
    then, now = {"name": "a" * 58}, {"name": "b" * 59}
    shown = f"'{'b' * 56}..."
    assert len(shown) == 60
    assert provenance._settings_differ(then, now) == [f"name '{'a' * 58}' -> {shown}"]


def test_every_setting_that_differs_is_told() -> None:
    then = {"frev": 11245.5, "models": ["a"], "gammaFT": 6927.64}
    now = {"frev": 11245.0, "models": ["a", "b"], "gammaFT": 6927.64, "damping": True}
    assert provenance._settings_differ(then, now) == [
        "frev 11245.5 -> 11245.0",
        "model b is not in it",
        "damping = True is new",
    ]


def test_other_factors_of_a_case_are_told_as_they_were_and_as_they_are() -> None:
    then = {"1": [1.0, 1.0, 1.0, 1.0], "2": [1.1, 1.1, 1.1, 1.1]}
    now = {"1": [1.0, 1.0, 1.0, 1.2], "2": [1.1, 1.1, 1.1, 1.1], "3": [2.0, 2.0, 2.0, 2.0]}
    assert provenance._cases_differ(then, now) == [
        "correction factors of case 1 [1.0, 1.0, 1.0, 1.0] -> [1.0, 1.0, 1.0, 1.2]"
    ]


def test_cases_are_lacking_only_where_one_result_has_all_of_them() -> None:
    then, now = {"cases": {"1": [1.0]}}, {"cases": {"1": [1.0], "2": [1.1]}}
    assert provenance._cases_lack(STEPS["growth"], then, now) == ["case 2 is not in it"]
    assert provenance._cases_lack(STEPS["growth"], {}, now) == []
    assert provenance._cases_lack(STEPS["model"], then, now) == []


def test_every_input_that_differs_is_told_with_times_or_sizes() -> None:
    then = {
        MODES_INPUT: {"t_start_STABLE": 1.0, "t_stop_STABLE": 2.0, "t_endfill": 3.0},
        "a.csv": {"size": 10, "digest": "x"},
        "b.csv": {"size": 5, "digest": "z"},
        "gone.csv": {"size": 1, "digest": "g"},
    }
    now = {
        MODES_INPUT: {"t_start_STABLE": 1.0, "t_stop_STABLE": 2.5, "t_endfill": None},
        "a.csv": {"size": 11, "digest": "y"},
        "b.csv": {"size": 5, "digest": "z"},
        "c.csv": {"size": 7, "digest": "w"},
    }
    assert provenance._inputs_differ(then, now) == [
        f"{MODES_INPUT} differ (t_stop_STABLE, t_endfill)",
        "a.csv changed (10 -> 11 bytes)",
        "c.csv is new",
    ]


def test_a_setting_that_is_no_longer_in_force_is_told(fill: MakeFill) -> None:
    step = STEPS["cycle"]
    before, now = fill(damping=True), fill()
    settings = provenance.settings_for(step, before.cfg, FILL)
    made = Made(FILL, step.name, step.revision, __version__, settings)
    changes = provenance.changes_since(
        step, made, now.paths, now.modes, Diary(now.paths.folder / "diary.json")
    )
    assert f"tauSRxy_FT = {settings['tauSRxy_FT']} is no longer in force" in changes
