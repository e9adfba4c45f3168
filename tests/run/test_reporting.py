"""What a user sees: tables, log lines, and a progress bar where there is a terminal."""

from __future__ import annotations

import io
import logging
import os
import re
import select
import struct
import sys
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from lumimod.run.plan import Planned, Status
from lumimod.run.report import FillReport
from lumimod.run.reporting import Display, plan_table, report_table
from lumimod.steps.registry import STEPS
from tests import forks

if TYPE_CHECKING:
    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848
PLAIN = "%(levelname)s %(message)s"
PRESENT = {name: Planned(Status.PRESENT) for name in STEPS}


# --- tables


def test_plan_has_a_row_for_each_fill_and_columns_for_steps_and_pictures() -> None:
    lines = plan_table({1: PRESENT, 2: PRESENT}, {1: "off", 2: "off"}).splitlines()
    assert [line.split() for line in lines] == [
        ["fill", *STEPS, "plots"],
        ["1", *["present"] * len(STEPS), "off"],
        ["2", *["present"] * len(STEPS), "off"],
    ]


def test_columns_of_a_table_are_aligned() -> None:
    plan = {**PRESENT, "lumi": Planned(Status.TO_DO)}
    header, row = plan_table({12345: plan}, {12345: "off"}).splitlines()
    after_lumi = [*STEPS][[*STEPS].index("lumi") + 1]
    assert header.index(after_lumi) == row.index("present", row.index("to do"))


def test_plan_gives_the_reasons_below_the_table() -> None:
    plan = {**PRESENT, "lumi": Planned(Status.BLOCKED, "sb")}
    assert plan_table({7: plan}, {7: "off"}).splitlines()[2:] == ["fill 7: lumi: blocked (sb)"]


def test_plan_gives_no_reason_for_what_nobody_asked_for() -> None:
    plan = {**PRESENT, "lumi": Planned(Status.OFF, "not asked for")}
    assert "not asked for" not in plan_table({7: plan}, {7: "off"})


def test_report_says_of_each_fill_what_was_done_skipped_and_failed() -> None:
    report = FillReport(7, {"sb": 1.25, "lumi": 0.5}, ("cycle",), {"massi": "no archive"})
    header, row, why = report_table([report]).splitlines()
    assert header.split() == ["fill", "done", "skipped", "failed", "seconds"]
    assert re.split(" {2,}", row) == ["7", "sb lumi", "cycle", "massi", "1.8"]
    assert why == "fill 7: massi: no archive"


def test_error_of_two_lines_is_one_entry() -> None:
    report = FillReport(7, failed={"massi": "no archive\nfill 8: massi: no archive", "sb": "no"})
    assert report_table([report]).splitlines()[2:] == [
        "fill 7: massi: no archive",
        "  fill 8: massi: no archive",
        "fill 7: sb: no",
    ]


def test_report_counts_fills_with_nothing_to_do() -> None:
    idle = FillReport(7, skipped=tuple(STEPS))
    assert report_table([idle]) == "1 fill: nothing to do\n"
    assert report_table([idle, idle]) == "2 fills: nothing to do\n"


def test_report_of_no_fills_says_so() -> None:
    assert report_table([]) == "0 fills: nothing to do\n"


def test_idle_fills_have_no_row_beside_busy_ones() -> None:
    lines = report_table([FillReport(7, {"sb": 1.0}), FillReport(8)]).splitlines()
    assert len(lines) == 3
    assert lines[-1] == "1 fill: nothing to do"


# --- log lines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_lines_begin_at_info(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(PLAIN):
        logging.getLogger("lumimod.x").info("seen")
        logging.getLogger("lumimod.x").debug("not seen")
    assert capsys.readouterr().err == "INFO seen\n"


def test_on_a_terminal_lines_begin_at_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Display(PLAIN):
        logging.getLogger("lumimod.x").warning("seen")
        logging.getLogger("lumimod.x").info("not seen")
    assert sys.stderr.getvalue() == "WARNING seen\n"


def test_level_asked_for_holds_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Display(PLAIN, logging.DEBUG):
        logging.getLogger("lumimod.x").debug("seen")
    assert sys.stderr.getvalue() == "DEBUG seen\n"


def test_warnings_of_libraries_become_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(PLAIN), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("from a library", UserWarning, stacklevel=1)
    assert "from a library" in capsys.readouterr().err


def test_logging_is_as_before_afterwards() -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with Display(PLAIN, logging.DEBUG):
        assert root.handlers != before[0]
    assert (root.handlers, root.level) == before


def test_logging_is_as_before_after_an_error() -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with pytest.raises(ValueError, match="stop"), Display(PLAIN):
        raise ValueError("stop")
    assert (root.handlers, root.level) == before


# --- the bar


def test_bar_follows_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Display(PLAIN) as display:
        display.expect(1)
        display.advance(7, "lumi", begins=True)
        assert "fill 7 lumi:   0%" in terminal.getvalue()
        display.advance(7, "lumi", begins=False)
        display.close()
    assert "0/1" in terminal.getvalue()


def test_there_is_no_bar_if_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Display(PLAIN) as display:
        display.expect(0)
        display.advance(7, "lumi", begins=False)
    assert sys.stderr.getvalue() == ""


def test_there_is_no_bar_without_a_terminal(site: Site) -> None:
    outcome = site.run()
    assert "%|" not in outcome.err
    assert "\r" not in outcome.err


def on_a_terminal(site: Site, *options: object) -> tuple[str, str, int]:
    """Run the real command on a pseudo terminal; return what it shows, the table, the status."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 120, 0, 0))
    table = site.root / "table.txt"
    with table.open("wb") as out:
        files = (terminal, out.fileno(), terminal)
        run = forks.start("--config", site.config, *options, files=files)
    os.close(terminal)
    shown = b""
    end = time.monotonic() + 60
    while time.monotonic() < end and select.select([screen], [], [], 60)[0]:
        try:
            part = os.read(screen, 4096)
        except OSError:  # the command has ended
            break
        if not part:
            break
        shown += part
    os.close(screen)
    with run:
        return shown.decode(), table.read_text(), run.wait()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_bar_on_a_terminal_shows_fill_step_and_time_left(site: Site, jobs: int) -> None:
    shown, table, status = on_a_terminal(site, "--jobs", jobs)
    assert status == 0
    assert f"fill {FILL} " in shown
    assert f"fill {OTHER} " in shown
    assert any(f"{step}:" in shown for step in STEPS)
    assert f"/{2 * len(STEPS)} [" in shown
    assert "<" in shown  # time gone by < time left
    assert "step" in shown
    assert table.startswith("fill  done")
    # It is not flooded with lines.
    assert "DEBUG" not in shown
    assert "INFO" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_failure_is_shown_above_the_bar(site: Site, jobs: int) -> None:
    path = site.paths().basic_data
    path.unlink()
    shown, table, status = on_a_terminal(site, "--jobs", jobs)
    assert status == 1
    assert f"ERROR : fill {FILL}: sb: {path}: no such file" in shown
    assert f"fill {FILL}: sb: {path}: no such file" in table
