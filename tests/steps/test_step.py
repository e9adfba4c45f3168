"""The contract of a step, and the list of steps."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

import lumimod
from lumimod import steps
from lumimod.paths import FillPaths
from lumimod.records.store import save_object
from lumimod.steps import TITLES
from lumimod.steps.context import FillContext
from lumimod.steps.registry import STEPS
from lumimod.steps.step import Step

ROOT = Path(lumimod.__file__).parent
by_name = pytest.mark.parametrize("name", TITLES)


@pytest.fixture
def paths(fill: Callable[..., FillContext]) -> FillPaths:
    return fill(doSBModel=True).paths


# --- the list


def test_every_step_of_the_list_is_loaded_under_its_name_and_in_order() -> None:
    assert [step.name for step in STEPS.values()] == list(STEPS) == list(TITLES)


def test_every_module_that_has_a_step_is_in_the_list() -> None:
    modules = (import_module(f"lumimod.steps.{m.name}") for m in iter_modules(steps.__path__))
    have_one = {
        m.__name__.rpartition(".")[2] for m in modules if isinstance(vars(m).get("STEP"), Step)
    }
    assert have_one == set(TITLES)


def test_the_list_is_read_without_what_the_steps_need() -> None:
    code = "import sys, lumimod.cli, lumimod.steps; print('numpy' in sys.modules)"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


@by_name
def test_what_a_step_reads_earlier_ones_make(name: str) -> None:
    before = list(STEPS)[: list(STEPS).index(name)]
    for other in STEPS[name].depends_on:
        assert other is STEPS[other.name]
        assert other.name in before


@by_name
def test_a_step_writes_into_the_folder_of_the_fill_what_no_other_does(
    name: str, paths: FillPaths
) -> None:
    written = set(STEPS[name].writes(paths))
    others = {p for other in STEPS if other != name for p in STEPS[other].writes(paths)}
    assert written
    assert not written & others
    assert {path.parent for path in written} == {paths.folder}


@by_name
def test_what_is_expected_of_a_step_is_among_what_it_may_write(name: str, paths: FillPaths) -> None:
    assert set(STEPS[name].expected(paths)) <= set(STEPS[name].writes(paths))


@pytest.mark.parametrize(
    "module",
    [*ROOT.glob("run/*.py"), *ROOT.glob("condor/*.py")],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_what_runs_the_steps_knows_none_by_name(module: Path) -> None:
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    assert not {n.value for n in nodes if isinstance(n, ast.Constant)} & set(TITLES)
    assert "massi" not in module.read_text(encoding="utf-8").lower()


# --- the contract


def step(**fields: object) -> Step:
    """Return a step that needs nothing and writes one file."""
    plain = Step("pileup", run=lambda ctx: None, writes=lambda paths: [paths.sb])
    return replace(plain, **fields)  # type: ignore[arg-type]


def test_a_step_without_rules_of_its_own_is_on_complete_and_never_outdated(
    paths: FillPaths,
) -> None:
    plain = step()
    assert plain.disabled(paths.cfg) == plain.lacks(paths) == ""
    assert plain.begin_run(paths.cfg, True)(paths) == ""
    assert plain.expected(paths) == [paths.sb]
    assert plain.grace_s(paths.cfg) == 0


@pytest.mark.parametrize(
    ("names", "suffixes"),
    [
        ({}, [""]),
        ({"savePandas": True}, ["", "_df"]),
        ({"savePandas": True, "saveDict": False}, ["_df"]),
    ],
)
def test_results_are_files_of_records_and_frames_as_config_says(
    fill: Callable[..., FillContext], names: dict[str, bool], suffixes: list[str]
) -> None:
    of = fill(**names).paths
    assert [path.name for path in step().results(of)] == [f"fill_5845{s}.pkl.gz" for s in suffixes]


def test_frames_may_be_parquet(fill: Callable[..., FillContext]) -> None:
    of = fill(savePandas="parquet").paths
    names = [path.name for path in step().results(of)]
    assert names == ["fill_5845.pkl.gz", "fill_5845_df.parquet"]


def test_a_step_is_finished_when_every_expected_result_is_there(paths: FillPaths) -> None:
    both = step(writes=lambda of: [of.sb, of.cycle])
    first = step(writes=lambda of: [of.sb, of.cycle], expects=lambda of: [of.sb])
    save_object(paths.sb, {"a": 1})
    assert first.is_finished(paths)
    assert not both.is_finished(paths)
    save_object(paths.cycle, {"a": 1})
    assert both.is_finished(paths)
    assert both.broken(paths) == ""


@pytest.mark.parametrize("damaged", [b"", bytes(500), b"\x1f\x8b" + bytes(500)])
def test_a_step_is_not_finished_whose_result_is_empty_or_zero_filled(
    paths: FillPaths, damaged: bytes
) -> None:
    assert step().broken(paths) == ""
    paths.sb.write_bytes(damaged)
    assert not step().is_finished(paths)
    assert step().broken(paths) == "fill_5845.pkl.gz: empty, cut or damaged"


def test_all_results_that_are_damaged_are_named(paths: FillPaths) -> None:
    two = step(writes=lambda of: [of.sb, of.cycle])
    paths.sb.write_bytes(b"")
    paths.cycle.write_bytes(b"")
    names = f"{paths.sb.name}, {paths.cycle.name}"
    assert two.broken(paths) == f"{names}: empty, cut or damaged"


@pytest.mark.parametrize("kind", ["inputs", "optional", "needs", "uses"])
def test_everything_that_a_step_reads_can_be_newer_than_its_result(
    paths: FillPaths, kind: str
) -> None:
    other = step(writes=lambda of: [of.cycle])
    reads = (other,) if kind in ("needs", "uses") else lambda of: [of.cycle]
    reader = step(**{kind: reads})
    paths.sb.touch()
    assert reader.newer_input(paths) == ""
    paths.cycle.touch()
    for path in (paths.sb, paths.cycle):
        os.utime(path, (1.0, 1.0))
    assert reader.newer_input(paths) == ""
    os.utime(paths.cycle, (2.0, 2.0))
    assert reader.newer_input(paths) == paths.cycle.name
