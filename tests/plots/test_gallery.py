"""Which pictures are planned, by the ages of files, and from what results they are drawn."""

from __future__ import annotations

import dataclasses
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.config.settings import load_config
from lumimod.errors import MissingStepError
from lumimod.parallel import Workers
from lumimod.paths import FillPaths
from lumimod.plots import gallery
from lumimod.plots.families import PICTURE_FAMILIES, Family, Picture, PictureSet
from lumimod.plots.model_results import ModelResults
from lumimod.plots.sb_results import SbResults
from lumimod.plots.style import new_figure
from lumimod.records import MeasuredLumi, StableBeams, store
from lumimod.records.diary import Diary
from tests.plots.conftest import FILL, make_results
from tests.plots.models import make_model_results

CYCLE_MODEL = ["cycle", "cycle_model", "cycle_model_inj2sb"]
SB = ["sb", "lumi_calc", "lumi_meas", "lumi_meas_timber", "fits", "lifetime"]
MODEL = ["sb", "models", "lumi_calc", "lumi_meas", "lumi_meas_timber"]


@pytest.fixture
def paths(tmp_path: Path, write_config: Any) -> FillPaths:
    found = FillPaths(load_config(write_config(tmp_path, doSBModel=True)), FILL)
    found.make_plot_folder()
    return found


def files(paths: FillPaths, name: str) -> list[Path]:
    """Return the files of a result; those of all cases of the model."""
    found = getattr(paths, name)
    return [found] if isinstance(found, Path) else list(found)


def put(path: Path, age_s: float) -> None:
    """Make an empty file of an age."""
    path.touch()
    os.utime(path, (1e9 - age_s, 1e9 - age_s))


def all_drawn(paths: FillPaths, family: str, results: list[str]) -> None:
    """Leave results, and pictures that are an hour younger."""
    for result in results:
        for path in files(paths, result):
            put(path, 7200)
    for pictures in PICTURE_FAMILIES[family].sets(paths):
        for picture in pictures.pictures:
            put(gallery.picture_path(paths, picture.name), 3600)


def large(path: Path) -> None:
    """Make a file as long as the result of a fill of a thousand bunches."""
    path.touch()
    os.truncate(path, 20_000_000)


# --- planning


@pytest.mark.parametrize(
    ("family", "results", "newer"),
    [
        *(("sb", SB, name) for name in SB),
        ("cycle", ["cycle"], "cycle"),
        *(("cycle_model", CYCLE_MODEL, name) for name in CYCLE_MODEL),
        *(("model", MODEL, name) for name in MODEL),
    ],
)
def test_pictures_older_than_any_of_their_results_are_made_again(
    paths: FillPaths, family: str, results: list[str], newer: str
) -> None:
    all_drawn(paths, family, results)
    assert gallery.plan(paths, {family}, Diary(paths.folder)) == []
    for path in files(paths, newer):
        put(path, 0)
    planned = [
        name for job in gallery.plan(paths, {family}, Diary(paths.folder)) for name in job.names
    ]
    changed = set(files(paths, newer))
    sets = [s for s in PICTURE_FAMILIES[family].sets(paths) if changed & {*s.needs, *s.uses}]
    assert planned == [picture.name for of_set in sets for picture in of_set.pictures] != []


def test_only_the_picture_that_is_missing_is_planned(paths: FillPaths) -> None:
    all_drawn(paths, "sb", ["sb"])
    gallery.picture_path(paths, "totalLumi").unlink()
    assert gallery.plan(paths, {"sb"}, Diary(paths.folder)) == [
        gallery.PictureJob("sb", ("totalLumi",))
    ]


def test_pictures_without_their_results_are_planned_only_where_that_is_an_error(
    paths: FillPaths,
) -> None:
    all_drawn(paths, "cycle_model", CYCLE_MODEL)
    paths.cycle_model.unlink()
    assert gallery.plan(paths, {"cycle_model"}, Diary(paths.folder), force=True) == []
    (job,) = gallery.plan(paths, {"cycle_model"}, Diary(paths.folder), strict=True)
    assert len(job.names) == 6
    with pytest.raises(MissingStepError, match=r"cycle_model\.pkl\.gz is missing; run its step"):
        gallery.draw(paths, [job], Workers(1))


def test_families_are_planned_in_one_order_and_only_if_asked_for(paths: FillPaths) -> None:
    for family in PICTURE_FAMILIES:
        all_drawn(paths, family, [*SB, *MODEL, *CYCLE_MODEL])
    jobs = gallery.plan(paths, {"model", "cycle", "sb"}, Diary(paths.folder), force=True)
    assert list(dict.fromkeys(job.family for job in jobs)) == ["sb", "cycle", "model"]


@pytest.mark.parametrize("family", PICTURE_FAMILIES)
def test_a_family_is_asked_for_by_its_own_flag_alone(paths: FillPaths, family: str) -> None:
    off = dict.fromkeys(("do_all", "do_sb", "do_cycle", "do_cycle_model", "do_sb_model"), False)
    flag = {"model": "do_sb_model"}.get(family, f"do_{family}")
    plots = dataclasses.replace(paths.cfg.plots, **{**off, flag: True})
    assert gallery.families_of(plots) == {family}
    everything = dataclasses.replace(plots, do_all=True)
    assert gallery.families_of(everything) == set(PICTURE_FAMILIES)
    assert gallery.families_of(dataclasses.replace(everything, save=False)) == set()


# --- drawing


@pytest.mark.parametrize(("n_cores", "n_parts"), [(1, 2), (2, 2), (8, 8)])
def test_pictures_of_a_case_are_spread_over_the_cores(
    paths: FillPaths, monkeypatch: pytest.MonkeyPatch, n_cores: int, n_parts: int
) -> None:
    found: list[gallery.PictureJob] = []

    def starmap(_: Workers, __: Any, calls: Any) -> list[gallery.Drawn]:
        found.extend(job for _, _, job in calls)
        return []

    monkeypatch.setattr(Workers, "starmap", starmap)
    large(paths.sb)
    jobs = [
        gallery.PictureJob("model", tuple(f"m{n}" for n in range(26))),
        gallery.PictureJob("sb", tuple(f"s{n}" for n in range(15))),
    ]
    gallery.draw(paths, jobs, Workers(n_cores))
    assert len(found) == n_parts
    assert sorted(name for job in found for name in job.names) == sorted(
        name for job in jobs for name in job.names
    )
    sizes = [len(job.names) for job in found]
    assert n_cores < 8 or max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("is_large", "n_pictures", "alone"),
    [(False, 45, True), (False, 105, False), (True, 45, False), (True, 2, True)],
)
def test_processes_are_started_only_where_drawing_takes_longer_than_starting_them(
    paths: FillPaths, monkeypatch: pytest.MonkeyPatch, is_large: bool, n_pictures: int, alone: bool
) -> None:
    n_cores: list[int] = []
    monkeypatch.setattr(Workers, "starmap", lambda self, *_: n_cores.append(self.n_cores) or [])
    put(paths.sb, 7200)
    if is_large:
        large(paths.sb)
    names = tuple(f"picture{n}" for n in range(n_pictures))
    gallery.draw(paths, [gallery.PictureJob("sb", names)], Workers(4))
    assert n_cores == [1 if alone else 4]


def a_set(paths: FillPaths, nothing: str) -> PictureSet[str]:
    """Return a set of one picture that may have nothing to show."""
    picture = Picture("totalLumi", "", lambda _, style: new_figure(style), lambda _: nothing)
    return PictureSet((picture,), lambda: "results", needs=(paths.sb,))


@pytest.fixture
def of_family(paths: FillPaths, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that lets the family sb have one picture, which shows nothing and why."""
    put(paths.sb, 7200)

    def of(nothing: str) -> None:
        monkeypatch.setattr(Family, "sets", lambda _, paths: [a_set(paths, nothing)])

    return of


def test_a_picture_that_would_show_nothing_is_not_made_and_the_log_says_why(
    paths: FillPaths, of_family: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    of_family("no non-colliding bunches")
    path = gallery.picture_path(paths, "totalLumi")
    put(path, 9000)  # of an earlier run
    diary = Diary(paths.folder)
    jobs = gallery.plan(paths, {"sb"}, diary)
    with caplog.at_level("INFO"):
        nothing = gallery.draw(paths, jobs, Workers(1))
    assert nothing == {"totalLumi": "no non-colliding bunches"}
    assert f"fill {FILL}: no picture of what is not there: no non-colliding" in caplog.text
    assert not path.exists()


def test_a_picture_that_would_show_nothing_is_not_planned_again(
    paths: FillPaths, of_family: Callable[[str], None]
) -> None:
    of_family("no non-colliding bunches")
    diary = Diary(paths.folder)
    jobs = gallery.plan(paths, {"sb"}, diary)
    gallery.enter(paths, jobs, gallery.draw(paths, jobs, Workers(1)), diary)
    assert gallery.plan(paths, {"sb"}, diary) == []
    paths.sb.write_bytes(b"other results")
    assert gallery.plan(paths, {"sb"}, diary) == jobs


def test_garbage_is_made_again_by_itself_after_the_pictures(
    paths: FillPaths, of_family: Callable[[str], None]
) -> None:
    of_family("")
    frozen, thresholds = gc.get_freeze_count(), gc.get_threshold()
    gallery.draw(paths, gallery.plan(paths, {"sb"}, Diary(paths.folder)), Workers(1))
    assert gc.isenabled()
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() <= frozen
    assert gallery.picture_path(paths, "totalLumi").exists()


# --- what they are drawn from


def with_fits(results: SbResults) -> StableBeams:
    """Return stable beams as step sb saves them, fits included."""
    assert results.fits is not None
    bunches = {
        key: dataclasses.replace(bunches, fits=results.fits.beams[key])
        for key, bunches in results.sb.bunches.items()
    }
    return dataclasses.replace(results.sb, bunches=bunches)


@pytest.fixture
def saved(paths: FillPaths) -> FillPaths:
    """Return a fill with all results saved, and twice the luminosity in the logging service."""
    results, model = make_results(), make_model_results()
    assert results.lumi_meas is not None
    twice = {exp: 2 * lumi for exp, lumi in results.lumi_meas.bunch_lumi.items()}
    for path, record in (
        (paths.sb, with_fits(results)),
        (paths.lumi_calc, results.lumi_calc),
        (paths.lumi_meas, results.lumi_meas),
        (paths.lumi_meas_timber, MeasuredLumi(twice)),
        (paths.fits, results.fits),
        (paths.lifetime, results.lifetime),
        (paths.models[0], model.model),
    ):
        store.save(path, record)  # type: ignore[arg-type]
    return paths


def both(paths: FillPaths) -> tuple[SbResults, ModelResults]:
    """Return what pictures of stable beams and of the model are drawn from."""
    return SbResults.load(paths), ModelResults.load(paths, paths.cfg.model.cases[0])


def test_massi_counts_before_the_logging_service_in_the_pictures(saved: FillPaths) -> None:
    massi = make_results().lumi_meas
    assert massi is not None
    for factor in (1, 2):
        for results in both(saved):
            assert results.lumi_meas is not None
            for exp, lumi in results.lumi_meas.bunch_lumi.items():
                np.testing.assert_array_equal(lumi, factor * massi.bunch_lumi[exp])
        saved.lumi_meas.unlink(missing_ok=True)


def test_results_that_are_not_there_are_left_out_of_the_pictures(saved: FillPaths) -> None:
    everything = both(saved)[0]
    assert None not in (everything.lumi_calc, everything.fits, everything.lifetime)
    for name in SB[1:]:
        getattr(saved, name).unlink()
    results, model = both(saved)
    assert (results.lumi_calc, results.lumi_meas, results.fits, results.lifetime) == (None,) * 4
    assert (model.lumi_calc, model.lumi_meas) == (None, None)


def test_numbers_of_config_reach_the_pictures(saved: FillPaths) -> None:
    cfg = saved.cfg
    model = dataclasses.replace(cfg.model, leveling={FILL: 9e37})
    machine = dataclasses.replace(cfg.machine, sigma_boff_m2=70e-31)
    paths = FillPaths(dataclasses.replace(cfg, model=model, machine=machine), FILL)
    results, of_model = both(paths)
    assert (results.fill, results.sigma_boff_m2, results.level_m2s) == (FILL, 70e-31, 9e37)
    assert (of_model.fill, of_model.case, of_model.level_m2s) == (FILL, "1", 9e37)


def test_luminosity_of_other_times_is_named_with_its_cure(saved: FillPaths) -> None:
    longer = make_results(n_times=20)
    store.save(saved.sb, with_fits(longer))
    with pytest.raises(MissingStepError, match="run with --force lumi"):
        SbResults.load(saved)
    assert longer.lumi_calc is not None
    store.save(saved.lumi_calc, longer.lumi_calc)
    with pytest.raises(MissingStepError, match="run with --force massi"):
        SbResults.load(saved)
