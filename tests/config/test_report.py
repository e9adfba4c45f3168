"""lumimod --check-config."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

from lumimod.cli import main

Check = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return a function that checks a config.py: exit status, lines of output and of errors."""

    def run(source: str, *options: str) -> tuple[int, list[str], list[str]]:
        path = tmp_path / "config.py"
        path.write_text(source)
        status = main(["--check-config", "--config", str(path), *options])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err.splitlines()

    return run


def test_defaults_written_out_are_no_difference(check: Check, tmp_path: Path) -> None:
    status, lines, errors = check("t_step_sec = 300\ndata_folder = './data/'\ncases = (1,)\n")
    assert status == 0
    assert lines == [f"{tmp_path / 'config.py'}: 0 settings other than the default"]
    assert errors == []


def test_each_difference_is_shown_with_default_and_unit(check: Check) -> None:
    status, lines, _ = check(
        "betastar_m = 0.4\nXingAngle = {(1, 9): 3e-4}\nplotFormat = 'pdf'\ncases = [1, 2]"
    )
    assert status == 0
    head, *lines = lines
    assert head.endswith("config.py: 4 settings other than the default")
    assert lines == [
        "  cases = [1, 2] (default [1])",
        "  betastar_m = 0.4 [m] (default 0.3)",
        "  XingAngle = {(1, 9): [0.0003, 0.0003]} [rad] "
        "(default {(5695, 6055): [0.0003, 0.0003], (6055, 7002): [0.0003, 0.0003]})",
        "  plotFormat = '.pdf' (default '.png')",
    ]


def test_a_default_that_follows_a_folder_is_no_difference(check: Check) -> None:
    _, lines, _ = check("data_folder = '/d/'\nfills_bmodes_file = '/d/fills_and_bmodes.pkl'")
    assert lines[1:] == ["  data_folder = '/d' (default 'data')"]


def test_an_older_name_is_shown_by_its_present_one(check: Check) -> None:
    assert check("gamma = 7000.")[1][1:] == ["  gammaFT = 7000 (default 6927.64)"]


def test_a_setting_without_effect_is_marked(check: Check) -> None:
    assert check("crossingAngleChange = False")[1][1:] == [
        "  crossingAngleChange = False (default True); no effect: XingAngle gives the angles",
        "warning: crossingAngleChange = False has no effect: XingAngle gives the angles",
    ]


def test_names_without_a_meaning_are_listed(check: Check) -> None:
    assert check("hour = 3600\nz = 1")[1][1:] == ["names without a meaning here: hour, z"]


def test_differences_are_shown_beside_the_faults(check: Check) -> None:
    status, lines, errors = check("hour = 1\nfrev = 0\nn_skipp = 3\nbetastar_m = 0.4\n")
    assert status == 2
    assert lines[0].endswith("1 setting other than the default")
    assert lines[1:] == [
        "  betastar_m = 0.4 [m] (default 0.3)",
        "names without a meaning here: hour",
    ]
    head, *faults = errors
    assert head.startswith("lumimod: ")
    assert head.endswith("config.py: 2 to correct")
    assert faults == [
        "  frev = 0: must be a number from 11200 to 11300 [Hz]",
        "  n_skipp = 3: is not a known name; did you mean n_skip?",
    ]


def test_a_misspelt_name_beside_the_right_one_is_named_once_with_the_faults(check: Check) -> None:
    status, lines, errors = check("betastar_m = 'abc'\ndoSBModl = True\ndoSBModel = True\n")
    assert status == 2
    assert not [line for line in lines if "doSBModl" in line]
    assert errors[0].endswith("config.py: 2 to correct")
    assert errors[1].startswith("  betastar_m = 'abc': ")
    assert errors[2:] == [
        "  doSBModl means nothing here; the setting is doSBModel, which is set too"
    ]


def test_a_misspelt_name_beside_the_right_one_alone_is_a_warning(check: Check) -> None:
    status, lines, _ = check("doSBModl = True\ndoSBModel = True\n")
    assert status == 0
    assert lines[-1].startswith("warning: doSBModl means nothing here; the setting is doSBModel")


def test_a_file_that_cannot_run_ends_with_2(check: Check) -> None:
    status, lines, errors = check("frev = \n")
    assert (status, lines) == (2, [])
    assert "line 1: SyntaxError" in errors[0]


@pytest.mark.parametrize("options", [["--fill", "1"], ["--submit"], ["--no-plots"], ["--plots"]])
def test_options_that_would_do_nothing_are_refused(check: Check, options: list[str]) -> None:
    status, lines, errors = check("", *options)
    assert (status, lines) == (2, [])
    assert errors == [f"lumimod: error: --check-config runs nothing: leave {options[0]} out"]


def test_levels_of_the_log_do_no_harm(check: Check) -> None:
    assert check("", "--verbose", "--loglevel", "10")[0] == 0
