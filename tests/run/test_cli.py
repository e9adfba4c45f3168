"""The command line: what its options mean, and with which status it ends."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lumimod import __version__
from lumimod.cli import chosen_steps, main, parser
from lumimod.errors import OutputError
from lumimod.run.choice import FillChoice
from lumimod.run.span import FillsBetween
from lumimod.steps import TITLES
from lumimod.steps.registry import STEPS

if TYPE_CHECKING:
    from tests.run.conftest import ReplaceRun, Site

FILL, OTHER = 5845, 5848


# --- options


@pytest.mark.parametrize(
    ("short", "long", "values", "name", "expected"),
    [
        ("-n", "--fill", ["5845", "5848"], "fill", [5845, 5848]),
        ("-v", "--verbose", [], "verbose", True),
        ("-ll", "--loglevel", ["40"], "loglevel", 40),
        ("-f", "--force", ["sb", "lumi"], "force", ["sb", "lumi"]),
        ("-d", "--doOnly", ["cycle"], "doOnly", ["cycle"]),
        ("-j", "--jobs", ["3"], "jobs", 3),
        ("-s", "--submit", [], "submit", True),
        ("-b", "--split", ["2"], "split", 2),
    ],
)
def test_option_has_a_short_and_a_long_form(
    short: str, long: str, values: list[str], name: str, expected: object
) -> None:
    assert getattr(parser().parse_args([short, *values]), name) == expected
    assert getattr(parser().parse_args([long, *values]), name) == expected


@pytest.mark.parametrize(
    "typed",
    [["5845", "5848-5870", "5900"], ["5845,5848-5870,5900"], ["5845,5848-5870", "5900"]],
)
def test_fills_are_numbers_and_ranges_with_blanks_or_commas(typed: list[str]) -> None:
    assert parser().parse_args(["--fill", *typed]).fill == [5845, FillsBetween(5848, 5870), 5900]


def test_steps_are_named_in_any_case_with_blanks_or_commas() -> None:
    assert parser().parse_args(["--force", "SB,lumi", "Massi"]).force == ["sb", "lumi", "massi"]
    assert parser().parse_args(["--plots", "ALL"]).plots == ["all"]


def test_a_level_may_be_a_name() -> None:
    assert parser().parse_args(["-ll", "Warning"]).loglevel == 30


@pytest.mark.parametrize("option", ["--force", "--doOnly"])
@pytest.mark.parametrize("step", ["all", *TITLES])
def test_every_step_can_be_chosen(option: str, step: str) -> None:
    args = parser().parse_args([option, step])
    assert args.force + args.doOnly == [step]


def test_all_stands_for_every_step() -> None:
    assert chosen_steps(["all"]) == set(STEPS)


def test_all_beside_a_step_still_means_every_step() -> None:
    assert chosen_steps(["sb", "all"]) == set(STEPS)


def test_no_choice_is_no_step() -> None:
    assert chosen_steps([]) == frozenset()


def test_steps_of_the_command_line_are_those_of_the_pipeline_in_order() -> None:
    assert tuple(STEPS) == tuple(TITLES)


def test_config_is_by_default_the_one_of_the_working_directory() -> None:
    assert parser().parse_args([]).config == Path("config.py")


def test_one_fill_at_a_time_is_the_default() -> None:
    assert parser().parse_args([]).jobs == 1


# --- exit status


def test_version_is_printed(site: Site) -> None:
    outcome = site.run("--version")
    assert (outcome.status, outcome.out) == (0, f"lumimod {__version__}\n")


def test_help_names_every_step_and_the_exit_statuses(site: Site) -> None:
    outcome = site.run("--help")
    assert outcome.status == 0
    assert all(step in outcome.out for step in TITLES)
    assert "exit status: 0" in outcome.out


def test_run_that_went_well_ends_with_0(site: Site) -> None:
    assert site.run().status == 0


def test_run_with_a_failed_fill_ends_with_1(site: Site) -> None:
    site.paths().basic_data.unlink()
    assert site.run().status == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--force", "plots"], "'plots' is not a step; there are all, sb"),
        (["--force"], "expected at least one argument"),
        (["--doOnly", "sbb"], "'sbb' is not a step; did you mean sb?"),
        (
            ["--fill", "last"],
            "'last' is neither a fill nor a range; write numbers and ranges, such as",
        ),
        (["--fill", "5848-5845"], "'5848-5845' is neither a fill nor a range"),
        (["--since", "yesterday"], "'yesterday' is not a time; write YYYY-MM-DD"),
        (["--last", "0"], "0 is not a positive number"),
        (["--jobs", "0"], "0 is not a positive number"),
        (["--jobs", "-1"], "-1 is not a positive number"),
        (["--loglevel", "0"], "0 is not a level: a number from 1 to 50, or debug, info, warning"),
        (["--loglevel", "77"], "77 is not a level"),
        (["--split", "0", "--submit"], "0 is not a positive number"),
        (["--jobs", "two"], "two is not a positive number"),
        (["--last", "1.5"], "1.5 is not a positive number"),
        (["--plot"], "unrecognized arguments: --plot; did you mean --plots?"),
        (["--sub"], "unrecognized arguments: --sub; did you mean --submit?"),
        (["--re"], "unrecognized arguments: --re; did you mean --report or --resubmit?"),
        (["--colour"], "unrecognized arguments: --colour; see --help"),
        (["--cascde"], "unrecognized arguments: --cascde; did you mean --cascade?"),
        (["5845"], "unrecognized arguments: 5845"),
        (["--force", "sb", "--doOnly", "lumi"], "--force and --doOnly cannot be used together"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    site: Site, options: list[str], said: str
) -> None:
    outcome = site.run(*options)
    assert outcome.status == 2
    assert said in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--split", "2"], "--split goes with --submit or --resubmit"),
        (["--split", "2", "--status", "x"], "--split goes with --submit or --resubmit"),
        (["--submit", "--status", "x"], "--submit and --status cannot be used together"),
        (["--status", "--resubmit", "x"], "--status and --resubmit cannot be used together"),
        (["--submit", "--wait", "--dry-run"], "--wait and --dry-run cannot be used together"),
        (["--wait", "--fill", "5845"], "--fill does not go with --wait"),
        (["--status", "--force", "sb"], "--force does not go with --status"),
        (["--resubmit", "x", "--plots"], "--plots does not go with --resubmit"),
        (["--submit", "--report", "x"], "--report goes with a run on this machine"),
        (["--wait", "--report", "x"], "--report goes with a run on this machine"),
        (["--dry-run", "--report", "x"], "--report goes with a run on this machine"),
    ],
)
def test_options_of_htcondor_that_do_not_go_together_end_with_2(
    site: Site, options: list[str], said: str
) -> None:
    outcome = site.run(*options)
    assert outcome.status == 2
    assert len(outcome.lines(said)) == 1
    assert not site.results.exists()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("t_step_sec = -1\n", ["t_step_sec = -1"]),
        ("t_step_sec = \n", ["line 1", "SyntaxError"]),
        ("\nimport nonsense_42\n", ["line 2", "nonsense_42"]),
        ("min_time_SBB = 300\n", ["min_time_SBB", "did you mean min_time_SB?"]),
    ],
)
def test_wrong_config_ends_with_2_and_says_what_is_wrong(
    site: Site, text: str, pieces: list[str]
) -> None:
    site.config.write_text(text)
    outcome = site.run()
    assert outcome.status == 2
    assert all(piece in outcome.err for piece in [str(site.config), *pieces])
    assert "Traceback" not in outcome.err


def test_missing_config_ends_with_2_and_says_where_it_was_looked_for(site: Site) -> None:
    site.config.unlink()
    outcome = site.run()
    assert outcome.status == 2
    assert len(outcome.lines(str(site.config), "not found", "run in the folder")) == 1


def test_interrupt_ends_with_130_and_one_line(site: Site, replace_run: ReplaceRun) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    replace_run("lumi", interrupted)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 130
    assert outcome.err.endswith("lumimod: interrupted; finished results are kept\n")
    assert site.made() == ["sb", "cycle"]


# --- log


def test_log_without_a_terminal_has_a_line_for_each_fill_and_step(site: Site) -> None:
    outcome = site.run()
    for fill in (FILL, OTHER):
        for step in STEPS:
            assert len(outcome.lines("INFO", f"fill {fill}: {step}: ")) == 1


def test_line_of_a_step_names_its_files_and_time(site: Site) -> None:
    (line,) = site.run("--fill", FILL).lines(f"fill {FILL}: cycle: ")
    assert all(str(path) in line for path in site.written("cycle"))
    assert line.endswith(" s")


def test_verbose_shows_debug_lines(site: Site) -> None:
    assert site.run("--verbose", "--fill", FILL).lines("DEBUG", f"fill {FILL}: sb: begins")


def test_log_level_hides_lines_below_it(site: Site) -> None:
    assert site.run("--loglevel", 40).err == ""


def test_log_lines_follow_the_format_of_config(site: Site) -> None:
    site.configure(FORMAT="<<%(levelname)s>> %(message)s")
    assert all(line.startswith("<<") for line in site.run().err.splitlines())


def test_names_in_config_without_a_meaning_are_told(site: Site) -> None:
    site.configure(my_helper=1)
    assert len(site.run().lines(str(site.config), "without a meaning", "my_helper")) == 1


# --- the real command


@pytest.mark.slow
def test_command_works_from_another_directory(site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    outcome = site.command("--config", site.config, "--fill", FILL, cwd=elsewhere)
    assert outcome.status == 0, outcome.err
    assert site.made() == list(STEPS)
    assert list(elsewhere.iterdir()) == []


def test_the_config_beside_the_run_is_taken_by_default(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site.root)
    outcome = site.call("--fill", FILL)
    assert outcome.status == 0, outcome.err
    assert site.made() == list(STEPS)


def test_relative_folders_are_those_of_the_working_directory(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(site.data, elsewhere)
    site.config.write_text("data_folder = './data/'\n")
    monkeypatch.chdir(elsewhere)
    outcome = site.call("--config", os.pardir + "/config.py", "--fill", FILL)
    assert outcome.status == 0, outcome.err
    assert (elsewhere / "SB_analysis" / f"fill_{FILL}" / f"fill_{FILL}.pkl.gz").exists()


def test_a_run_without_a_config_ends_with_2(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    outcome = site.call()
    assert outcome.status == 2
    assert outcome.err == (
        f"lumimod: error: {empty / 'config.py'} not found; run in the folder that holds it\n"
    )


# --- what is asked for seldom


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_is_written_for_the_shell(site: Site, shell: str) -> None:
    outcome = site.call("--completion", shell)
    assert outcome.status == 0
    assert "--doOnly" in outcome.out
    assert outcome.err == ""


def test_python_can_run_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lumimod", "--version"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("lumimod", run_name="__main__")
    assert caught.value.code in (None, 0)
    assert capsys.readouterr().out.split() == ["lumimod", __version__]


def test_a_command_in_a_thread_runs_and_leaves_signals_alone(site: Site) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["--config", str(site.config), "--dry-run"]).result() == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_pictures_that_cannot_be_planned_fail_as_a_part_of_the_fill(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[Any]:
        raise OutputError("no such folder of pictures")

    monkeypatch.setattr("lumimod.run.fill.pictures_due", fail)
    outcome = finished.run("--fill", FILL, "--plots", "cycle")
    assert outcome.status == 1
    assert f"fill {FILL}: plots: no such folder of pictures" in outcome.out


def test_numbers_alone_are_a_choice_of_fills() -> None:
    assert FillChoice.of([FILL]) == FillChoice((FILL,))
    assert FillChoice.of(None) == FillChoice(())
    assert FillChoice.of(FillChoice((FILL,))) == FillChoice((FILL,))
