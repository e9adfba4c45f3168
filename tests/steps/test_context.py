"""What a step is given: results and parts of them that this run made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lumimod.steps.context import FillContext


def test_a_part_of_a_result_is_found_by_its_path_and_kind(fill: Callable[..., FillContext]) -> None:
    ctx = fill()
    ctx.keep_part(Path("a"), "words")
    ctx.keep_part(Path("a"), 5)
    assert ctx.part(Path("a"), str) == "words"
    assert ctx.part(Path("a"), int) == 5
    assert ctx.part(Path("b"), int) is None
    assert ctx.part(Path("a"), float) is None
