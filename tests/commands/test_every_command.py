"""What all commands share: the exit status and the form of an error."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from lumimod.commands.options import parser

CHECKOUT = Path(__file__).parents[2]

COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "lumimod.py": ([], ["--fill", "five"]),
    "Utilities/000_get_fills.py": ([], ["--source", "elsewhere"]),
    "Utilities/001a_get_basic_data_for_fill.py": ([], ["--fill", "five"]),
    "Utilities/001b_get_bbb_lumi_data_for_fill.py": ([], ["--fill", "five"]),
    "Utilities/001c_get_bunchbybunch_data_for_fill.py": ([], ["--fill", "five"]),
    "Utilities/001d_get_extra_data_for_fill.py": ([], ["--fill", "five"]),
    "Utilities/001e_get_crossing_angle_by_fill.py": ([], ["--fill", "five"]),
    "Utilities/build_ibs_rates.py": (
        ["a.json", "--energy", "6800", "--volts", "13", "--out", "b.json"],
        ["a.json", "--out", "b.json", "--energy", "6800", "--volts", "0"],
    ),
    "Utilities/convert_data.py": (["data", "--to", "h5"], ["data", "--to", "elsewhere"]),
    "Utilities/createYamlDB.py": ([], ["--year", "five"]),
    "Utilities/getData.py": ([], ["--source", "elsewhere"]),
    "Utilities/learn_growth.py": ([], ["--fill", "five"]),
    "Utilities/plot_extra_data.py": (["--fill", "5848"], ["--fill", "five"]),
    "Utilities/readYamlDB.py": ([], ["--fill", "five"]),
    "Utilities/simulate_fills.py": ([], ["--run", "5"]),
}
"""By script: arguments that it needs, and wrong ones."""

WITHOUT_CONFIG = {
    "Utilities/build_ibs_rates.py",
    "Utilities/convert_data.py",
    "Utilities/simulate_fills.py",
}

every_command = pytest.mark.parametrize("script", COMMANDS)


class Ended:
    """How a command ended: its exit status, and the lines that it wrote to standard error."""

    def __init__(self, status: object, err: str, script: str) -> None:
        self.status = status
        self.lines = err.splitlines()
        self.name = "lumimod" if script == "lumimod.py" else Path(script).name

    def assert_wrong_usage(self, *words: str) -> None:
        assert self.status == 2
        assert 1 <= len(self.lines) <= 2, self.lines
        assert self.lines[0].startswith(f"{self.name}: error: ")
        assert all(word in self.lines[0] for word in words)


class Run:
    """Runs a script as the shell would, in this process."""

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capsys = capsys

    def __call__(self, script: str, *arguments: str) -> Ended:
        self._patch.setattr(sys, "argv", [script, *arguments])
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(CHECKOUT / script), run_name="__main__")
        return Ended(caught.value.code, self._capsys.readouterr().err, script)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return Run(monkeypatch, capsys)


def test_every_script_is_tested() -> None:
    scripts = {f"Utilities/{path.name}" for path in (CHECKOUT / "Utilities").glob("*.py")}
    assert scripts | {"lumimod.py"} == set(COMMANDS)


@every_command
def test_a_wrong_option_is_wrong_usage(run: Run, script: str) -> None:
    needed, _ = COMMANDS[script]
    run(script, *needed, "--no-such-option").assert_wrong_usage("--no-such-option")


@every_command
def test_an_option_is_not_abbreviated(run: Run, script: str) -> None:
    needed, _ = COMMANDS[script]
    run(script, *needed, "--hel").assert_wrong_usage("--hel; did you mean --help?")


@every_command
def test_a_wrong_value_is_wrong_usage(run: Run, script: str) -> None:
    _, wrong = COMMANDS[script]
    run(script, *wrong).assert_wrong_usage(wrong[-2], wrong[-1])


@every_command
def test_a_missing_config_is_wrong_usage(run: Run, script: str) -> None:
    needed, _ = COMMANDS[script]
    if script in WITHOUT_CONFIG:
        run(script, *needed, "--config", "x.py").assert_wrong_usage("--config x.py")
    else:
        run(script, *needed, "--config", "x.py").assert_wrong_usage("x.py not found")
        run(script, *needed).assert_wrong_usage("config.py not found")


@every_command
def test_help_tells_the_exit_status(
    run: Run, script: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [script, "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(CHECKOUT / script), run_name="__main__")
    assert "exit status: 0 " in " ".join(capsys.readouterr().out.split())


def test_settings_that_do_not_go_together_are_wrong_usage(run: Run) -> None:
    run("Utilities/simulate_fills.py", "--bunches", "3000").assert_wrong_usage("3000 colliding")
    run("lumimod.py", "--wait", "--dry-run").assert_wrong_usage("--wait and --dry-run")


def test_a_data_file_whose_name_tells_no_fill_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("")
    ended = run("Utilities/convert_data.py", "data.csv", "--to", "tree")
    ended.assert_wrong_usage("does not tell the fill")


@pytest.mark.parametrize(("columns", "widest"), [("70", 70), ("250", 100)])
def test_help_is_as_wide_as_the_terminal_up_to_100_columns(
    monkeypatch: pytest.MonkeyPatch, columns: str, widest: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = parser().format_help().splitlines()
    assert widest - 10 < max(map(len, lines)) <= widest
    assert [line for line in lines if "YYYY-MM-DD" in line]  # a date is not broken
