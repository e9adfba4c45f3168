"""What `make mutants` tells of the changes that no test notices."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

import pytest

from mutation.run import REASONS, Mutant, described, read_reasons, report, run, to_run

DIFF = """\
--- lumimod/physics/x.py
+++ lumimod/physics/x.py
@@ -1,4 +1,4 @@
 def mean(a, b):
     total = (
-        a  + b
+        a  - b
     )
"""
NAME = "lumimod.physics.x.x_mean__mutmut_{}"
REASON = """
- why: |
    Nobody
    knows.
  changes:
    physics.x.mean:
      - a + b -> a - b
      - "return  {} -> return None"
"""


def mutants(*status: str) -> list[Mutant]:
    return [Mutant(NAME.format(n), "lumimod/physics/x.py", s) for n, s in enumerate(status)]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("lumimod.physics.x.x_mean__mutmut_1", "physics.x.mean"),
        ("lumimod.physics.x.x__mean__mutmut_12", "physics.x._mean"),
        ("lumimod.steps.x.x\u01c1Fill\u01c1mean__mutmut_3", "steps.x.Fill.mean"),
    ],
)
def test_a_mutant_knows_its_function_and_room(name: str, function: str) -> None:
    mutant = Mutant(name, "", "killed")
    assert mutant.function == function
    assert mutant.room == function.split(".")[0]


def test_a_change_is_told_in_one_line() -> None:
    assert described(DIFF) == "a + b -> a - b"


def test_a_reason_holds_for_each_of_its_changes() -> None:
    assert read_reasons(REASON) == {
        ("physics.x.mean", "a + b -> a - b"): "Nobody knows.",
        ("physics.x.mean", "return {} -> return None"): "Nobody knows.",
    }


def test_the_reasons_can_be_read_and_say_something() -> None:
    assert all(read_reasons(REASONS.read_text(encoding="utf-8")).values())


def test_what_tests_noticed_is_not_run_again() -> None:
    found = mutants("killed", "survived", "timeout", "not checked", "no tests")
    assert [m.status for m in to_run(found, None, 1)] == ["survived", "not checked", "no tests"]


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    found = mutants(*["not checked"] * 100)
    sample = to_run(found, 10, 1)
    assert len(sample) == 10
    assert to_run(found, 10, 1) == sample
    assert to_run(found, 10, 2) != sample


def test_the_report_lists_survivors_without_a_reason_alone() -> None:
    found = mutants("killed", "survived", "survived")
    of = {name: ("physics.x.mean", c) for name, c in zip([m.name for m in found[1:]], "pq")}
    header, row, _, *listed = report(found, of, {("physics.x.mean", "p"): "why"}).splitlines()
    assert header.split()[:4] == ["mutants", "killed", "timeout", "survived"]
    assert row.split() == ["physics", "3", "1", "0", "1", "1", "0", "0"]
    assert listed == ["physics.x.mean: q"]


def test_which_tests_reach_a_mutant_is_found_anew_in_each_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\ntest ! -e mutants/mutmut-stats.json -a -e mutants/results.meta\n")
    tool.chmod(0o755)
    (tmp_path / "mutants").mkdir()
    for name in ("mutmut-stats.json", "results.meta"):
        (tmp_path / "mutants" / name).write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tool))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    run(mutants("not checked"), 1, None)


def test_a_tool_that_fails_is_an_error_with_its_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho a test fails: $3 $4\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tool))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(RuntimeError, match="status 1:\na test fails: run --max-children"):
        run(mutants("not checked"), 1, None)
