"""What a step is given: notes, and results and parts of them that this run made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import Note
from lumimod.parallel import Workers
from lumimod.paths import frame_path
from lumimod.readers.unpickle import load_pickle
from lumimod.records import MeasuredLumi, StableBeams, store
from lumimod.records.made import Made
from lumimod.records.parquet_frames import load_parquet
from lumimod.steps.context import FillContext, StepInProgress

from .conftest import FILL, measured_beam, stable_beams

MakeFill = Callable[..., FillContext]


def test_a_part_of_a_result_is_found_by_its_path_and_kind(fill: MakeFill) -> None:
    ctx = fill()
    ctx.keep_part(Path("a"), "words")
    ctx.keep_part(Path("a"), 5)
    assert ctx.part(Path("a"), str) == "words"
    assert ctx.part(Path("a"), int) == 5
    assert ctx.part(Path("b"), int) is None
    assert ctx.part(Path("a"), float) is None


def test_a_note_is_said_once_with_its_step_and_kept_in_each_that_notes_it(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill()
    steps = [
        StepInProgress(name, lambda _: Made(FILL, "sb", 1, "1.0"), lambda *_: None)
        for name in ("sb", "lumi")
    ]
    for step in steps:
        ctx.begin(step)
        ctx.note(Note("gap", "words"))
        ctx.note(Note("gap", "words"))
    ctx.begin(None)
    ctx.note(Note("gap", "of no step"))
    assert caplog.messages == ["fill 5845: sb: words", "fill 5845: of no step"]
    assert [step.notes for step in steps] == [[Note("gap", "words")]] * 2


def test_data_that_are_forgotten_are_read_again(fill: MakeFill) -> None:
    ctx = fill({beam: measured_beam(beam, [10]) for beam in (1, 2)})
    assert ctx.beams[1].beam == 1
    ctx.forget_data()
    assert "_beams" not in ctx.__dict__


def test_measured_luminosity_of_this_run_needs_no_file(fill: MakeFill) -> None:
    ctx, sb = fill(saveDict=False, savePandas=True), stable_beams()
    shape = sb.bunches[1, "coll"].intensity_ppb.shape
    lumi = MeasuredLumi({exp: np.ones(shape) for exp in ("ATLAS", "CMS")})
    assert ctx.measured_lumi(sb) is None
    ctx._results[ctx.paths.lumi_meas] = lumi
    assert ctx.measured_lumi(sb) is lumi


# --- saving


def in_step(ctx: FillContext) -> list[tuple[Path, Made]]:
    """Let a step begin; return the list of what is entered of its results."""
    entered: list[tuple[Path, Made]] = []
    made = Made(FILL, "sb", 1, "1.0")
    ctx.begin(StepInProgress("sb", lambda _: made, lambda *of: entered.append(of)))
    return entered


def test_a_result_is_kept_for_later_steps_unless_told_otherwise(fill: MakeFill) -> None:
    ctx, sb = fill(), stable_beams()
    ctx.save(ctx.paths.sb, sb, keep=False)
    assert ctx.load(ctx.paths.sb, StableBeams) is not sb
    ctx.save(ctx.paths.sb, sb)
    assert ctx.load(ctx.paths.sb, StableBeams) is sb


def test_a_result_that_is_saved_in_a_step_is_entered_with_what_it_was_made_from(
    fill: MakeFill,
) -> None:
    ctx = fill()
    entered = in_step(ctx)
    ctx.save(ctx.paths.sb, stable_beams())
    assert entered == [(ctx.paths.sb, Made(FILL, "sb", 1, "1.0"))]
    assert ctx.made(ctx.paths.sb)


def test_a_result_that_was_described_in_a_step_may_be_saved_after_it(fill: MakeFill) -> None:
    ctx = fill()
    entered = in_step(ctx)
    made = ctx.described()
    ctx.begin(None)
    ctx.save_made(ctx.paths.sb, stable_beams(), made)
    assert ctx.made(ctx.paths.sb)
    assert entered == []


@pytest.mark.parametrize(
    "save",
    [FillContext.save, partial(FillContext.save_made, made=None)],
    ids=["described now", "described before"],
)
def test_a_result_replaces_another_one_which_stays_only_where_asked_for(
    fill: MakeFill, save: Callable[..., None]
) -> None:
    ctx = fill()
    path = ctx.paths.sb
    for n_times, options in ((4, {}), (5, {}), (6, {"keep_old": True})):
        save(ctx, path, stable_beams(n_times), **options)
    (dated,) = set(path.parent.glob("fill_5845*")) - {path}
    assert store.load(path, StableBeams).time_s.size == 6
    assert store.load(dated, StableBeams).time_s.size == 5


@pytest.mark.parametrize(("form", "end"), [(True, "_df.pkl.gz"), ("parquet", "_df.parquet")])
def test_a_data_frame_that_is_replaced_stays_where_asked_for(
    fill: MakeFill, form: bool | str, end: str
) -> None:
    ctx = fill(saveDict=False, savePandas=form)
    for n_times, options in ((4, {}), (5, {}), (6, {"keep_old": True}), (6, {"keep_old": True})):
        ctx.save(ctx.paths.sb, stable_beams(n_times), **options)
    new = frame_path(ctx.paths.sb, form)
    (dated,) = set(new.parent.glob("fill_5845*")) - {new}
    assert dated.name == f"fill_5845_{datetime.now():%Y%m%d}{end}"
    load = load_parquet if form == "parquet" else load_pickle
    assert [load(path)["time_s"].nunique() for path in (dated, new)] == [5, 6]


@pytest.mark.parametrize(
    ("form", "name"), [(True, "fill_5845_df.pkl.gz"), ("parquet", "fill_5845_df.parquet")]
)
def test_a_data_frame_is_saved_in_the_form_of_the_configuration(
    fill: MakeFill, form: bool | str, name: str
) -> None:
    ctx = fill(saveDict=False, savePandas=form)
    ctx.save(ctx.paths.sb, stable_beams())
    assert [path.name for path in ctx.paths.sb.parent.glob("fill_5845*")] == [name]


# --- reading


@pytest.mark.parametrize(("size", "n_cores"), [(30_000_000, 1), (30_000_001, 4)])
def test_files_of_more_than_60_mb_in_all_are_read_in_threads(
    fill: MakeFill, tmp_path: Path, size: int, n_cores: int
) -> None:
    ctx = fill()
    ctx.workers = Workers(4)
    files = [tmp_path / "data.csv", tmp_path / "tree" / "part.parquet"]
    files[1].parent.mkdir()
    for file, n_bytes in zip(files, (30_000_000, size)):
        with file.open("wb") as stream:
            stream.truncate(n_bytes)  # without any content it takes no room
    paths = (files[0], files[1].parent, tmp_path / "missing.csv")
    assert ctx.workers_for(*paths).n_cores == n_cores
