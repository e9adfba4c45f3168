"""The reference of all settings, in Markdown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from lumimod.config.record import BY_NAME
from lumimod.config.reference import by_section, reference


def _rows() -> dict[str, list[str]]:
    """Return the cells of the reference by the name of the setting."""
    rows = (line[2:-2].split(" | ") for line in reference().splitlines() if line.startswith("| `"))
    return {cells[0].strip("`"): cells[1:] for cells in rows}


def test_every_setting_has_a_row_of_five_cells() -> None:
    assert _rows().keys() == BY_NAME.keys()
    assert {len(cells) for cells in _rows().values()} == {4}


def test_a_row_holds_default_unit_allowed_values_and_meaning() -> None:
    assert _rows()["t_step_sec"] == ["`300`", "s", "a number > 0", "time step"]
    assert _rows()["gammaFT"] == [
        "`6927.64`",
        "",
        "a number from 400 to 8000",
        "Lorentz factor, flat top; older name: `gamma`",
    ]


def test_a_default_built_on_another_setting_is_shown_so() -> None:
    assert _rows()["fills_bmodes_file"][0] == "`data_folder + 'fills_and_bmodes.pkl'`"
    assert _rows()["htcondor_sub"][0] == "see config.py"


def test_a_setting_without_effect_says_why() -> None:
    assert _rows()["overwriteFiles"][-1] == (
        "replace results that exist; **no effect**: a step that runs always replaces its results"
    )


def test_marks_of_templates_and_stars_are_not_taken_for_markup() -> None:
    assert _rows()["fill_dir"][2] == "text with &lt;FILLNUMBER> in it"
    assert _rows()["betastar_m"][-1] == r"beta\* at IP1 and IP5"
    outside_code = re.sub(r"`[^`]*`", "", reference())
    assert not re.search(r"<|(?<![\\*])\*(?!\*)|(?<!\\)_", outside_code)


def test_sections_are_those_of_config_with_a_title() -> None:
    titles = [title for title, _ in by_section()]
    assert titles[:2] == ["Fills and periods", "Files and folders"]
    assert [line[3:] for line in reference().splitlines() if line.startswith("## ")] == titles


def test_the_module_prints_the_reference() -> None:
    command = [sys.executable, "-m", "lumimod.config.reference"]
    root = Path(__file__).parents[2]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert printed == reference()
