"""What a step is given: notes, and results and parts of them that this run made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import Note
from lumimod.records import MeasuredLumi
from lumimod.records.made import Made
from lumimod.steps.context import FillContext, StepInProgress

from .conftest import FILL, measured_beam, stable_beams


def test_a_part_of_a_result_is_found_by_its_path_and_kind(fill: Callable[..., FillContext]) -> None:
    ctx = fill()
    ctx.keep_part(Path("a"), "words")
    ctx.keep_part(Path("a"), 5)
    assert ctx.part(Path("a"), str) == "words"
    assert ctx.part(Path("a"), int) == 5
    assert ctx.part(Path("b"), int) is None
    assert ctx.part(Path("a"), float) is None


def test_a_note_is_said_once_with_its_step_and_kept_in_each_that_notes_it(
    fill: Callable[..., FillContext], caplog: pytest.LogCaptureFixture
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


def test_data_that_are_forgotten_are_read_again(fill: Callable[..., FillContext]) -> None:
    ctx = fill({beam: measured_beam(beam, [10]) for beam in (1, 2)})
    assert ctx.beams[1].beam == 1
    ctx.forget_data()
    assert "_beams" not in ctx.__dict__


def test_measured_luminosity_of_this_run_needs_no_file(fill: Callable[..., FillContext]) -> None:
    ctx, sb = fill(saveDict=False, savePandas=True), stable_beams()
    shape = sb.bunches[1, "coll"].intensity_ppb.shape
    lumi = MeasuredLumi({exp: np.ones(shape) for exp in ("ATLAS", "CMS")})
    assert ctx.measured_lumi(sb) is None
    ctx._results[ctx.paths.lumi_meas] = lumi
    assert ctx.measured_lumi(sb) is lumi
