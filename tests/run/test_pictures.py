"""Which pictures the driver makes, when, and what it says when it cannot."""

from __future__ import annotations

import tarfile
from collections.abc import Collection
from typing import Any

import pytest

from lumimod.plots.families import PICTURE_FAMILIES
from tests.run.conftest import FILL, OTHER, Site, older

pytestmark = pytest.mark.slow  # whole runs, together many seconds

SMALL: dict[str, Any] = {"fig_tuple": (6, 3), "plotDpi": 40, "myfontsize": 6}
FLAG = {
    "overview": "doOverviewPlots",
    "sb": "doSBPlots",
    "cycle": "doCyclePlots",
    "cycle_model": "doCycleModelPlots",
    "limits": "doLimitPlots",
    "model": "doSBModelPlots",
}
ONE_OF_EACH = {
    "overview": "overview",
    "sb": "crossingAngle",
    "cycle": "cycle_timebbb",
    "cycle_model": "cycle_model_bunchLength_INJ",
    "limits": "cycleBlowup",
    "model": "sbmodel_IBSBOff_emittanceColliding_case1",
}
"""A picture of each family that is quick to make."""
OF_LUMI = {
    *("measLumi", "totalLumi", "bbbLifetime", "bbbLosses", "TotalLumiLifetime"),
    *("sbmodel_IBSBOff_luminosity_case1", "sbmodel_modelComp_luminosity_case1"),
}
"""Pictures of measured luminosity, and of what is derived from it."""


def made(site: Site, fill: int = FILL) -> set[str]:
    """Return the names of the pictures that are there."""
    folder = site.paths(fill).plot_folder
    return {p.stem[len(f"fill_{fill}_") :] for p in folder.glob(f"fill_{fill}_*.*g")}


def names(site: Site, *families: str) -> set[str]:
    """Return the names of all pictures of some families."""
    sets = (s for family in families for s in PICTURE_FAMILIES[family].sets(site.paths()))
    return {picture.name for of_set in sets for picture in of_set.pictures}


def hang(site: Site, *families: str, but: Collection[str] = (), fill: int = FILL) -> None:
    """Put empty files in place of the pictures of some families: they pass for up to date."""
    paths = site.paths(fill)
    paths.make_plot_folder()
    for name in names(site, *families) - set(but):
        (paths.plot_folder / f"fill_{fill}_{name}{site.cfg.plots.format}").touch()


def drawn(site: Site, fill: int = FILL) -> set[str]:
    """Return the names of the pictures that were really made."""
    folder = site.paths(fill).plot_folder
    return {
        name for name in made(site, fill) if (folder / f"fill_{fill}_{name}.png").stat().st_size
    }


@pytest.fixture
def drawing(finished: Site) -> Site:
    """Return a place with results, and small pictures to be made quickly."""
    finished.configure(models=["IBSBOff"], **SMALL)
    return finished


# --- which


@pytest.mark.parametrize("family", PICTURE_FAMILIES)
def test_a_flag_of_the_configuration_makes_its_family(drawing: Site, family: str) -> None:
    hang(drawing, *PICTURE_FAMILIES, but=ONE_OF_EACH.values())
    drawing.configure(models=["IBSBOff"], **SMALL, **{FLAG[family]: True})
    assert drawing.run("--fill", FILL).status == 0
    assert drawn(drawing) == {ONE_OF_EACH[family]}


def test_all_plots_makes_every_family_and_the_second_run_none(drawing: Site) -> None:
    hang(drawing, *PICTURE_FAMILIES, but=ONE_OF_EACH.values())
    drawing.configure(models=["IBSBOff"], doAllPlots=True, **SMALL)
    drawing.run("--fill", FILL)
    assert made(drawing) == names(drawing, *PICTURE_FAMILIES)
    before = drawing.contents(FILL)
    assert drawing.run("--fill", FILL).out == "1 fill: nothing to do\n"
    assert drawing.contents(FILL) == before
    assert drawing.leftovers() == []


def test_plots_without_a_family_makes_all_of_every_fill(drawing: Site) -> None:
    hang(drawing, *PICTURE_FAMILIES, but=ONE_OF_EACH.values(), fill=OTHER)
    assert drawing.run("--plots").status == 0
    everything = names(drawing, *PICTURE_FAMILIES)
    assert made(drawing) == drawn(drawing) == everything
    assert made(drawing, OTHER) == everything
    assert drawn(drawing, OTHER) == set(ONE_OF_EACH.values())


@pytest.mark.parametrize(
    ("options", "names_given"),
    [(("--no-plots",), {"doAllPlots": True}), ((), {"doAllPlots": True, "savePlots": False})],
)
def test_no_pictures_where_none_are_wanted(
    drawing: Site, options: tuple[str, ...], names_given: dict[str, Any]
) -> None:
    drawing.configure(models=["IBSBOff"], **SMALL, **names_given)
    assert drawing.run("--fill", FILL, *options).status == 0
    assert made(drawing) == set()


def test_dry_run_says_what_becomes_of_the_pictures(drawing: Site) -> None:
    def said(*options: str) -> list[str]:
        header, *rows = drawing.run("--dry-run", *options).out.splitlines()
        return [row[header.index("plots") :] for row in rows]

    to_do = f"{len(names(drawing, 'cycle'))} to do"
    assert said("--fill", FILL) == ["off"]
    assert said("--fill", FILL, "--plots", "cycle") == [to_do]
    hang(drawing, "cycle")
    assert said("--plots", "cycle") == ["present", to_do]
    drawing.configure(models=["IBSBOff"], doCyclePlots=True, **SMALL)
    assert said("--fill", FILL, "--force", "lumi") == ["after the steps"]
    assert drawn(drawing) == made(drawing, OTHER) == set()


def test_plots_alone_runs_no_step(drawing: Site) -> None:
    drawing.remove("fits")
    hang(drawing, "cycle", but=["cycle_timebbb"])
    assert drawing.run("--plots", "cycle", "--fill", FILL).status == 0
    assert made(drawing) == names(drawing, "cycle")
    assert "fits" not in drawing.made()


# --- when


def test_pictures_older_than_their_data_are_made_again(drawing: Site) -> None:
    hang(drawing, "cycle", "cycle_model")
    pictures = sorted(drawing.paths().plot_folder.iterdir())
    old = [p for p in pictures if "cycle_time" in p.name or "b1_INJ" in p.name]
    older(old, 7200.0)
    stamps = {p: p.stat().st_mtime_ns for p in pictures}
    drawing.run("--plots", "cycle", "cycle_model", "--fill", FILL)
    assert [p for p in pictures if p.stat().st_mtime_ns != stamps[p]] == old
    assert drawn(drawing) == {"cycle_timebbb", "cycle_model_emittances_b1_INJ"}


@pytest.mark.slow
def test_forced_pictures_are_made_again(drawing: Site) -> None:
    hang(drawing, "cycle_model")
    drawing.run("--plots", "cycle_model", "--force", "all", "--fill", FILL)
    assert drawn(drawing) == names(drawing, "cycle_model")


# --- what is missing


def test_missing_result_is_an_error_of_its_fill_alone(drawing: Site) -> None:
    drawing.remove("cycle")
    hang(drawing, "cycle", but=["cycle_timebbb"], fill=OTHER)
    outcome = drawing.run("--plots", "cycle")
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: plots: ", "cycle.pkl.gz is missing; run its step")
    assert made(drawing, OTHER) == names(drawing, "cycle")
    assert made(drawing) == set()


def test_pictures_of_a_failed_step_are_left_out(drawing: Site) -> None:
    drawing.configure(models=["IBSBOff"], doCyclePlots=True, doCycleModelPlots=True, **SMALL)
    drawing.remove("cycle")
    drawing.edit_modes(t_start_FLATTOP=-1.0)
    outcome = drawing.run("--fill", FILL)
    assert outcome.status == 1
    assert len(outcome.lines("ERROR")) == 1
    assert made(drawing) == set()


@pytest.mark.slow
def test_without_measured_luminosity_all_pictures_are_made_but_those_of_nothing_else(
    drawing: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing.remove("massi", "fits", "lifetime", "losses")
    drawing.archive("ATLAS").unlink()
    drawing.run("--fill", FILL)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # in this process, which has matplotlib already
    hang(drawing, "sb", "model", but=OF_LUMI)
    assert drawing.run("--plots", "sb", "model", "--fill", FILL).status == 0
    of_nothing = {"measLumi"}
    assert made(drawing) == names(drawing, "sb", "model") - of_nothing
    assert drawn(drawing) == OF_LUMI - of_nothing
    again = drawing.run("--plots", "sb", "model", "--fill", FILL)
    assert again.out.endswith("nothing to do\n")


# --- files


@pytest.mark.parametrize("kind", [".pdf", ".svg"])
def test_other_formats(drawing: Site, kind: str) -> None:
    drawing.configure(plotFormat=kind, **SMALL)
    hang(drawing, "cycle", but=["cycle_timebbb", "cycle_blengthbbb"])
    drawing.run("--plots", "cycle", "--fill", FILL)
    files = sorted(drawing.paths().plot_folder.iterdir())
    assert {p.suffix for p in files} == {kind}
    start = {".pdf": b"%PDF", ".svg": b"<?xml"}[kind]
    assert [p.stem for p in files if p.read_bytes().startswith(start)] == [
        f"fill_{FILL}_cycle_blengthbbb",
        f"fill_{FILL}_cycle_timebbb",
    ]


def test_tarball_holds_every_picture_of_the_fill(drawing: Site) -> None:
    drawing.configure(makePlotTarball=True, **SMALL)
    hang(drawing, "cycle", but=["cycle_timebbb"])
    drawing.run("--plots", "cycle", "--fill", FILL)
    path = drawing.paths().plot_folder / f"fill_{FILL}_plots.tar.gz"
    with tarfile.open(path) as archive:
        packed = archive.getnames()
    of_cycle = sorted(names(drawing, "cycle"))
    assert packed == [f"fill_{FILL}/fill_{FILL}_{name}.png" for name in of_cycle]


def test_folder_that_cannot_be_made_is_named(drawing: Site) -> None:
    drawing.paths().plot_folder.write_text("a file")
    outcome = drawing.run("--plots", "cycle", "--fill", FILL)
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: plots: ", "plots", "cannot be created")


@pytest.mark.parametrize("options", [("--plots", "--no-plots"), ("--plots", "sb", "-d", "sb")])
def test_options_that_exclude_each_other(drawing: Site, options: tuple[str, ...]) -> None:
    outcome = drawing.run(*options)
    assert outcome.status == 2
    assert "--plots makes pictures alone" in outcome.err
