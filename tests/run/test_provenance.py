"""Results that know what they were made from, and what makes them out of date."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from lumimod.config.settings import BY_NAME
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.unpickle import load_pickle
from lumimod.records.made import Made
from lumimod.run.plan import Plan, Selection, Status, begin_run, plan_fill
from lumimod.steps.in_force import in_force
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848
ALL = list(STEPS)
SHIPPED = {"sb", "cycle", "lumi", "massi", "fits", "lifetime", "model"}
"""Steps that the table below knows: a step that is added later has settings of its own."""


def plan(site: Site, **ask: Any) -> Plan:
    modes = read_bmodes(site.cfg.files.bmodes)[FILL]
    return plan_fill(modes, site.cfg, Selection(**ask), begin_run(site.cfg, write=False))


def stale(planned: Plan) -> dict[str, str]:
    return {name: p.reason for name, p in planned.items() if p.status is Status.STALE}


def made_of(site: Site, step: str) -> Made:
    made = Made.from_dict(load_pickle(site.written(step)[0])["made"])
    assert made is not None
    return made


# --- what stands in a result


@pytest.mark.parametrize("step", ALL)
def test_every_result_says_what_it_was_made_from(finished: Site, step: str) -> None:
    for path in finished.written(step):
        data = load_pickle(path)
        assert next(iter(data)) == "made"
        made = Made.from_dict(data["made"])
        assert made is not None
        assert (made.fill, made.step, made.revision) == (FILL, step, STEPS[step].revision)
        before = [name for name in STEPS[step].settings if in_force(step, name) is None]
        assert list(made.settings) == before
        assert set(made.results) == {other.name for other in STEPS[step].depends_on}


def test_inputs_are_known_by_size_and_content(finished: Site) -> None:
    made = made_of(finished, "sb")
    size = finished.paths().bbb_data.stat().st_size
    assert made.inputs["bunchbybunch_data_fill_5845.csv"]["size"] == size
    assert made.inputs["bunchbybunch_data_fill_5845.csv"]["digest"].startswith("sha256:")
    assert set(made.inputs["beam modes"]) == set(STEPS["sb"].times)
    archives = [name for name in made_of(finished, "massi").inputs if name.endswith(".tgz")]
    assert archives == ["ATLAS/lumi/5845.tgz", "CMS/lumi/5845.tgz"]


def test_data_frames_say_it_too_and_have_the_fill_as_a_column(site: Site) -> None:
    site.configure(savePandas=True)
    site.run("--fill", FILL)
    frames = [
        pd.read_pickle(path.with_name(path.name.replace(".pkl.gz", "_df.pkl.gz")))
        for step in ALL
        for path in site.written(step)
    ]
    assert {frame.attrs["made"]["fill"] for frame in frames} == {FILL}
    assert {str(frame["fill"].dtype) for frame in frames} == {"int64"}
    assert all((frame["fill"] == FILL).all() for frame in frames)


def test_settings_of_steps_are_settings_of_config() -> None:
    for step in STEPS.values():
        assert set(step.settings) <= set(BY_NAME), step.name


# --- what makes it out of date


@pytest.mark.parametrize(
    ("setting", "value", "direct", "words"),
    [
        ("betastar_m", 0.4, {"lumi", "model"}, "betastar_m 0.3 -> 0.4"),
        ("gammaFT", 7247.4, {"cycle", "lumi", "model"}, "gammaFT 6927.64 -> 7247.4"),
        ("sigmaBOff_m2", 81e-31, {"lifetime", "model"}, "sigmaBOff_m2 8e-30 -> 8.1e-30"),
        ("t_step_sec", 200.0, {"sb"}, "t_step_sec 300.0 -> 200.0"),
        ("bunch_length_factor", 0.9, {"sb", "cycle"}, "bunch_length_factor = 0.9 is new"),
        ("frev", 11245.0, {"lumi", "model"}, "frev 11245.5 -> 11245.0"),
        ("t_fit_length", 3600.0, {"sb", "fits"}, "t_fit_length 7200.0 -> 3600.0"),
        ("XingAngle", {(5000, 6000): [2e-4, 2e-4]}, {"sb"}, "XingAngle [0.0003, 0.0003] -> "),
        ("leveling", {FILL: 1e38}, {"model"}, "leveling None -> 1e+38"),
        ("correction_factor_1h", [1.1], {"model"}, "correction factors of case 1 [1.0, 1.0, 1.0"),
    ],
)
def test_a_changed_setting_makes_its_steps_out_of_date_and_what_follows(
    finished: Site, setting: str, value: Any, direct: set[str], words: str
) -> None:
    finished.configure(**{setting: value})
    reasons = stale(plan(finished))
    named = {name for name, why in reasons.items() if words in why}
    assert named & SHIPPED == direct
    follow = {
        name
        for name, step in STEPS.items()
        if {other.name for other in step.depends_on} & set(reasons)
    }
    assert set(reasons) == named | follow


@pytest.mark.parametrize(
    ("settings", "direct", "words"),
    [
        ({"ibs": "rates"}, {"cycle", "model"}, "ibs = 'rates' is new"),
        ({"physics": "full"}, {"cycle", "model"}, "noise = True is new"),
        ({"core_burnoff": True}, {"model"}, "core_burnoff = True is new"),
        ({"damping": True}, {"cycle"}, "damping = True is new"),
        (
            {"extra_lifetime": {1: 1e6}},
            {"model"},
            "extra_lifetime = {1: [[0.0, ",
        ),
        ({"coupling": True, "c_minus_FB": 0.01}, {"cycle"}, "c_minus_FB = 0.01 is new"),
    ],
)
def test_physics_that_comes_into_force_makes_its_models_out_of_date(
    finished: Site, settings: dict[str, Any], direct: set[str], words: str
) -> None:
    finished.configure(**settings)
    assert {name for name, why in stale(plan(finished)).items() if words in why} == direct


def test_without_further_physics_results_say_what_they_said_before(finished: Site) -> None:
    # Otherwise every result of an earlier version would be out of date.
    assert list(made_of(finished, "cycle").settings) == [
        "gammaFB", "VRF_FB", "gammaFT", "VRF_FT", "resc_period", "bsrt_calibration_file",
        "variable_names",
    ]  # fmt: skip
    assert list(made_of(finished, "model").settings) == [
        "models", "cases", "gammaFT", "VRF_FT", "tauSRxy_FT", "frev", "betastar_m",
        "sigmaBOff_m2", "sigma_el_m2", "leveling", "variable_names",
    ]  # fmt: skip


def test_physics_that_is_not_in_force_changes_nothing(finished: Site) -> None:
    finished.configure(
        physics="original",
        ibs="parametrised",
        noise=False,
        c_minus_FT=0.01,
        bpm_noise=0.001,
        tauSRl_FT=1e5,
        tauSRxy_FB=1e6,
        ibs_rates_file="none.json",
    )
    assert stale(plan(finished)) == {}


def test_physics_that_is_no_longer_in_force_is_told(site: Site) -> None:
    site.configure(coupling=True)
    assert site.run("--fill", FILL).status == 0
    assert stale(plan(site)) == {}
    site.configure(coupling=True, c_minus_FT=0.01)
    assert "c_minus_FT 0.0015 -> 0.01" in stale(plan(site))["model"]
    site.configure()
    assert "coupling = True is no longer in force" in stale(plan(site))["cycle"]


def test_a_setting_of_another_fill_changes_nothing(finished: Site) -> None:
    finished.configure(leveling={OTHER: 1e38}, XingAngle={(5000, 7000): [3e-4, 3e-4]})
    assert stale(plan(finished)) == {}


def test_out_of_date_results_are_told_once_and_made_again_by_cascade(finished: Site) -> None:
    finished.configure(betastar_m=0.4)
    outcome = finished.run("--fill", FILL)
    assert outcome.status == 0
    (line,) = outcome.lines("WARNING", f"fill {FILL}: lumi is out of date")
    assert "(betastar_m 0.3 -> 0.4)" in line
    assert f"fill {FILL}: lumi: out of date: betastar_m 0.3 -> 0.4\n" in outcome.out
    assert "nothing to do" not in outcome.out
    outcome = finished.run("--fill", FILL, "--cascade")
    done = outcome.out.splitlines()[1].split("  ")[1].split()
    assert [step for step in done if step in SHIPPED] == ["lumi", "fits", "model"]
    assert finished.run("--fill", FILL).out == "1 fill: nothing to do\n"


def test_a_file_that_was_only_touched_or_copied_is_not_out_of_date(finished: Site) -> None:
    paths = finished.paths()
    paths.basic_data.touch()
    copy = paths.bbb_data.with_suffix(".copy")
    shutil.copy(paths.bbb_data, copy)
    copy.replace(paths.bbb_data)
    assert stale(plan(finished)) == {}


def test_an_input_of_another_content_is(finished: Site) -> None:
    path = finished.paths().basic_data
    stat = path.stat()
    with path.open("a") as file:
        file.write("\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**12))  # an older date hides nothing
    reasons = stale(plan(finished))
    size = stat.st_size
    assert reasons["sb"] == f"{path.name} changed ({size} -> {size + 1} bytes)"
    assert reasons["lumi"] == "sb is out of date"
    assert set(reasons) == set(ALL)


def test_an_optional_input_that_comes_later_is_told(site: Site) -> None:
    crossing = site.paths().crossing
    aside = crossing.with_suffix(".aside")
    crossing.rename(aside)
    site.run("--fill", FILL)
    assert stale(plan(site)) == {}
    aside.rename(crossing)
    assert stale(plan(site))["sb"] == f"{crossing.name} is new"


def test_a_result_made_again_with_the_same_numbers_leaves_the_others(finished: Site) -> None:
    finished.run("--fill", FILL, "--force", "sb")
    assert stale(plan(finished)) == {}


def test_another_revision_of_a_step_is_told(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setitem(STEPS, "cycle", replace(STEPS["cycle"], revision=2))
    assert stale(plan(finished)) == {"cycle": "step cycle changed (revision 1 -> 2)"}


def test_a_model_that_the_file_lacks_is_told_and_one_too_many_is_not(finished: Site) -> None:
    finished.configure(models=["IBSBOff"])
    assert stale(plan(finished)) == {}
    finished.run("--fill", FILL, "--force", "model")
    finished.configure()
    assert "model IBSLosses is not in it" in stale(plan(finished))["model"]


def test_growth_without_a_case_that_came_later_is_told_at_once(finished: Site) -> None:
    two = {f"correction_factor_{plane}": [1.0, 1.1] for plane in ("1h", "1v", "2h", "2v")}
    finished.configure(doSBModel=True, cases=[1, 2], **two)
    planned = plan(finished)
    assert planned["model"].status is Status.TO_DO  # the file of the case is not there
    assert stale(planned)["growth"] == "case 2 is not in it"
    assert "model" not in stale(planned)


def test_removed_data_make_nothing_out_of_date(finished: Site) -> None:
    for path in (finished.paths().basic_data, finished.paths().bbb_data, finished.paths().crossing):
        path.unlink()
    assert stale(plan(finished)) == {}


def test_without_its_diary_a_fill_is_known_from_its_results(finished: Site) -> None:
    (finished.paths().folder / "made.json").unlink()
    assert stale(plan(finished)) == {}
    finished.configure(betastar_m=0.4)
    assert "betastar_m 0.3 -> 0.4" in stale(plan(finished))["lumi"]


def test_a_damaged_diary_counts_as_none(finished: Site) -> None:
    diary = finished.paths().folder / "made.json"
    for content in (b"", b"{", b'{"results": 5}', b"\xff\xfe"):
        diary.write_bytes(content)
        assert stale(plan(finished)) == {}


def test_an_input_that_is_replaced_while_it_is_read_fails_the_step(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lumimod.steps import context

    plain = context.read_beams

    def meddling(*args: Any, **options: Any) -> Any:
        beams = plain(*args, **options)
        site.paths().basic_data.touch()
        return beams

    monkeypatch.setattr(context, "read_beams", meddling)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 1
    assert "basic_data_fill_5845.csv changed while it was read; run again" in outcome.out
    assert not site.paths().sb.exists()


def test_results_of_two_rescalings_leave_each_other_alone(finished: Site) -> None:
    periods = {"A": (1, 6000), "B": (6000, 7000)}
    rescaled = {"resc_period": [("A", "B")], "periods": periods, "doRescale": True}
    for settings, others in ((rescaled, {}), ({}, rescaled)):
        finished.configure(**settings)
        finished.run("--fill", FILL, "--force", "all")  # measured luminosity, one for both, too
        finished.configure(**others)
        assert {p.status for p in plan(finished).values()} == {Status.PRESENT}


def test_equal_runs_give_equal_results(finished: Site, site: Site) -> None:
    before = finished.contents(FILL)
    finished.run("--fill", FILL, "--force", "all")
    assert finished.contents(FILL) == before


# --- told on demand


def test_why_shows_what_a_result_was_made_from_and_what_differs(finished: Site) -> None:
    finished.configure(betastar_m=0.4)
    outcome = finished.run("--fill", FILL, "--why", "lumi", "sb")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert lines[0] == f"fill {FILL}: sb: present"
    assert f"fill {FILL}: lumi: stale (betastar_m 0.3 -> 0.4)" in lines
    settings = "betastar_m = 0.3, frev = 11245.5, gammaFT = 6927.64"  # as the diary has them
    assert any("settings: " in x and settings in x for x in lines)
    assert any("from bunchbybunch_data_fill_5845.csv: " in x and "sha256:" in x for x in lines)
    assert any("from beam modes: " in x and "t_start_STABLE = " in x for x in lines)
    assert any("revision 1 of the step" in x for x in lines)


def test_why_of_a_result_that_does_not_say_is_told_so(undescribed: Site) -> None:
    outcome = undescribed.run("--fill", FILL, "--why", "lumi")
    assert "fill_5845_lumi_calc.pkl.gz: unknown settings" in outcome.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--why", "sb"], "--why goes with --fill"),
        (["--fill", FILL, "--why", "sb", "--force", "sb"], "--why runs nothing: leave --force out"),
        (["--fill", 9, "--why", "sb"], "not in the beam modes"),
    ],
)
def test_why_needs_fills_and_nothing_else(site: Site, options: list[Any], words: str) -> None:
    outcome = site.run(*options)
    assert outcome.status == 2
    assert words in outcome.err


# --- pictures


@pytest.mark.slow
def test_pictures_are_drawn_again_when_what_they_show_is_another(finished: Site) -> None:
    names = {"doCyclePlots": True, "plotDpi": 30}
    finished.configure(**names)
    finished.run("--fill", FILL)
    assert finished.run("--fill", FILL).out == "1 fill: nothing to do\n"
    for path in (*finished.written("cycle"), *finished.paths().plot_folder.iterdir()):
        path.touch()
    finished.written("cycle")[0].touch()  # newer than its pictures, but the same
    assert finished.run("--fill", FILL).out == "1 fill: nothing to do\n"
    finished.configure(**names, gammaFB=480.0)
    finished.run("--fill", FILL, "--force", "cycle", "--no-plots")
    assert "7 pictures" in finished.run("--fill", FILL).err
    finished.configure(**{**names, "plotDpi": 31}, gammaFB=480.0)
    assert "7 pictures" in finished.run("--fill", FILL).err


def test_why_of_results_that_are_not_there_says_so(site: Site) -> None:
    out = site.run("--fill", FILL, "--why", "lumi").out
    assert out.splitlines()[0].startswith(f"fill {FILL}: lumi: ")
    assert f"  {site.paths().lumi_calc.name}: not there" in out.splitlines()


def test_why_of_a_choice_without_any_fill_is_wrong_usage(finished: Site) -> None:
    outcome = finished.run("--fill", "1-9", "--why", "sb")
    assert outcome.status == 2
    assert f"{FILL} to {OTHER}" in outcome.err


def test_why_of_a_result_without_settings_has_no_line_of_them(finished: Site) -> None:
    path = finished.paths().folder / "made.json"
    known = json.loads(path.read_text())
    known["results"][finished.paths().lumi_calc.name]["made"]["settings"] = {}
    path.write_text(json.dumps(known))
    out = finished.run("--fill", FILL, "--why", "lumi").out
    assert "  settings: " not in out
    assert "  from step sb: " in out


def test_a_result_that_was_not_there_before_is_new(finished: Site) -> None:
    path = finished.paths().folder / "made.json"
    known = json.loads(path.read_text())
    results = known["results"][finished.paths().fits.name]["made"]["results"]
    gone = results.pop("lumi")
    assert gone
    path.write_text(json.dumps(known))
    out = finished.run("--fill", FILL, "--dry-run").out
    assert "lumi is new" in out
