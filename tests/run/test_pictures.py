"""Which pictures the driver makes, when, and what it says when it cannot."""

from __future__ import annotations

import tarfile
from typing import Any

import pytest

from lumimod.plots.families import PICTURE_FAMILIES
from tests.run.conftest import FILL, OTHER, older

SMALL: dict[str, Any] = {"fig_tuple": (6, 3), "plotDpi": 40, "myfontsize": 6}
FLAG = {
    "sb": "doSBPlots",
    "cycle": "doCyclePlots",
    "cycle_model": "doCycleModelPlots",
    "model": "doSBModelPlots",
}


def made(site: Any, fill: int = FILL) -> set[str]:
    """Return the names of the pictures that are there."""
    folder = site.paths(fill).plot_folder
    return {p.stem[len(f"fill_{fill}_") :] for p in folder.glob(f"fill_{fill}_*.png")}


def names(site: Any, *families: str) -> set[str]:
    """Return the names of all pictures of some families."""
    sets = (s for family in families for s in PICTURE_FAMILIES[family].sets(site.paths()))
    return {picture.name for of_set in sets for picture in of_set.pictures}


@pytest.fixture
def drawing(finished: Any) -> Any:
    """Return a place with results, and small pictures to be made quickly."""
    finished.configure(models=["IBSBOff"], **SMALL)
    return finished


@pytest.mark.parametrize("family", PICTURE_FAMILIES)
def test_a_flag_of_the_configuration_makes_its_family(drawing: Any, family: str) -> None:
    drawing.configure(models=["IBSBOff"], **SMALL, **{FLAG[family]: True})
    outcome = drawing.run("--fill", FILL)
    assert outcome.status == 0
    assert made(drawing) == names(drawing, family)


def test_all_plots_makes_every_family_and_the_second_run_none(drawing: Any) -> None:
    drawing.configure(models=["IBSBOff"], doAllPlots=True, **SMALL)
    drawing.run("--fill", FILL)
    assert made(drawing) == names(drawing, *PICTURE_FAMILIES)
    before = drawing.contents(FILL)
    assert drawing.run("--fill", FILL).out == "1 fill: nothing to do\n"
    assert drawing.contents(FILL) == before
    assert drawing.leftovers() == []


@pytest.mark.parametrize(
    ("options", "names_given"),
    [(("--no-plots",), {"doAllPlots": True}), ((), {"doAllPlots": True, "savePlots": False})],
)
def test_no_pictures_where_none_are_wanted(
    drawing: Any, options: tuple[str, ...], names_given: dict[str, Any]
) -> None:
    drawing.configure(models=["IBSBOff"], **SMALL, **names_given)
    assert drawing.run("--fill", FILL, *options).status == 0
    assert made(drawing) == set()


def test_dry_run_says_what_becomes_of_the_pictures(drawing: Any) -> None:
    def said(*options: str) -> list[str]:
        header, *rows = drawing.run("--dry-run", *options).out.splitlines()
        return [row[header.index("plots") :] for row in rows]

    assert said("--fill", FILL) == ["off"]
    assert said("--fill", FILL, "--plots", "cycle") == [f"{len(names(drawing, 'cycle'))} to do"]
    drawing.run("--fill", FILL, "--plots", "cycle")
    assert said("--plots", "cycle") == ["present", f"{len(names(drawing, 'cycle'))} to do"]
    drawing.configure(models=["IBSBOff"], doCyclePlots=True, **SMALL)
    assert said("--fill", FILL, "--force", "lumi") == ["after the steps"]
    assert made(drawing, OTHER) == set()


def test_plots_alone_runs_no_step(drawing: Any) -> None:
    drawing.remove("fits")
    assert drawing.run("--plots", "cycle", "--fill", FILL).status == 0
    assert made(drawing) == names(drawing, "cycle")
    assert "fits" not in drawing.made()


def test_plots_without_a_family_makes_all_of_every_fill(drawing: Any) -> None:
    assert drawing.run("--plots").status == 0
    for fill in (FILL, OTHER):
        assert made(drawing, fill) == names(drawing, *PICTURE_FAMILIES)


def test_pictures_older_than_their_data_are_made_again(drawing: Any) -> None:
    drawing.run("--plots", "cycle", "cycle_model", "--fill", FILL)
    pictures = sorted(drawing.paths().plot_folder.iterdir())
    older([p for p in pictures if "model" not in p.name], 7200.0)
    stamps = {p.name: p.stat().st_mtime_ns for p in pictures}
    drawing.run("--plots", "cycle", "cycle_model", "--fill", FILL)
    again = {p.name for p in pictures if p.stat().st_mtime_ns != stamps[p.name]}
    assert again == {p.name for p in pictures if "model" not in p.name}


def test_forced_pictures_are_made_again(drawing: Any) -> None:
    drawing.run("--plots", "cycle", "--fill", FILL)
    pictures = sorted(drawing.paths().plot_folder.iterdir())
    stamps = [p.stat().st_mtime_ns for p in pictures]
    drawing.run("--plots", "cycle", "--force", "all", "--fill", FILL)
    assert all(p.stat().st_mtime_ns != t for p, t in zip(pictures, stamps))


def test_missing_result_is_an_error_of_its_fill_alone(drawing: Any) -> None:
    drawing.remove("cycle")
    outcome = drawing.run("--plots", "cycle")
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: plots: ", "cycle.pkl.gz is missing; run its step")
    assert made(drawing, OTHER) == names(drawing, "cycle")
    assert made(drawing) == set()


def test_pictures_of_a_failed_step_are_left_out(drawing: Any) -> None:
    drawing.configure(models=["IBSBOff"], doCyclePlots=True, doCycleModelPlots=True, **SMALL)
    drawing.remove("cycle")
    drawing.edit_modes(t_start_FLATTOP=-1.0)
    outcome = drawing.run("--fill", FILL)
    assert outcome.status == 1
    assert len(outcome.lines("ERROR")) == 1
    assert made(drawing) == set()


def test_without_measured_luminosity_all_pictures_are_made(drawing: Any) -> None:
    drawing.remove("massi", "fits", "lifetime")
    drawing.archive("ATLAS").unlink()
    drawing.run("--fill", FILL)
    assert drawing.run("--plots", "sb", "model", "--fill", FILL).status == 0
    assert made(drawing) == names(drawing, "sb", "model")


@pytest.mark.parametrize("kind", [".pdf", ".svg"])
def test_other_formats(drawing: Any, kind: str) -> None:
    drawing.configure(plotFormat=kind, **SMALL)
    drawing.run("--plots", "cycle", "--fill", FILL)
    files = sorted(drawing.paths().plot_folder.iterdir())
    assert {p.suffix for p in files} == {kind}
    start = {".pdf": b"%PDF", ".svg": b"<?xml"}[kind]
    assert all(p.read_bytes().startswith(start) for p in files)


def test_tarball_holds_every_picture_of_the_fill(drawing: Any) -> None:
    drawing.configure(makePlotTarball=True, **SMALL)
    drawing.run("--plots", "cycle", "--fill", FILL)
    path = drawing.paths().plot_folder / f"fill_{FILL}_plots.tar.gz"
    with tarfile.open(path) as archive:
        packed = archive.getnames()
    assert packed == [f"fill_{FILL}/fill_{FILL}_{n}.png" for n in sorted(names(drawing, "cycle"))]


def test_folder_that_cannot_be_made_is_named(drawing: Any) -> None:
    drawing.paths().plot_folder.write_text("a file")
    outcome = drawing.run("--plots", "cycle", "--fill", FILL)
    assert outcome.status == 1
    assert outcome.lines("ERROR", f"fill {FILL}: plots: ", "plots", "cannot be created")


@pytest.mark.parametrize("options", [("--plots", "--no-plots"), ("--plots", "sb", "-d", "sb")])
def test_options_that_exclude_each_other(drawing: Any, options: tuple[str, ...]) -> None:
    outcome = drawing.run(*options)
    assert outcome.status == 2
    assert "--plots makes pictures alone" in outcome.err
