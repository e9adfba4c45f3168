"""Running config.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lumimod.config.settings import load_config
from lumimod.errors import ConfigError
from tests.config.conftest import Load


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.py not found"):
        load_config(tmp_path / "nowhere.py")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("frev = 1\nprint 'x'\n", r"config\.py, line 2: SyntaxError: "),
        ("frev = 1\n\nfrev = nothing\n", r"config\.py, line 3: NameError: name 'nothing'"),
        ("def f():\n  return 1/0\n\nx = f()\n", r"config\.py, line 2: ZeroDivisionError"),
        ("import sys\nsys.exit('stop')", r"config\.py, line 2: SystemExit: stop"),
        ("raise SyntaxError('odd')", r"config\.py, line 1: SyntaxError: odd"),
        ("x = 1\0", r"config\.py(, line 1)?: (ValueError|SyntaxError): source code"),
    ],
)
def test_what_cannot_run_names_file_and_line(config: Load, source: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config(source)


def test_a_syntax_error_in_a_neighbour_names_the_neighbour(config: Load, tmp_path: Path) -> None:
    (tmp_path / "broken_neighbour.py").write_text("x = 1\ny = = 2\n")
    with pytest.raises(ConfigError, match=r"broken_neighbour\.py, line 2: SyntaxError"):
        config("import broken_neighbour")


def test_the_file_knows_where_it_is_and_its_neighbours(config: Load, tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_config.py").write_text("STEP = 120\n")
    before = list(sys.path)
    cfg = config(
        "import os\nfrom neighbour_of_config import STEP\n"
        "t_step_sec = STEP\ndata_folder = os.path.dirname(__file__)\n"
    )
    assert cfg.analysis.t_step_s == 120
    assert cfg.files.data_folder == tmp_path
    assert cfg.path == tmp_path / "config.py"
    assert sys.path == before


def test_a_config_may_tidy_the_search_path_itself(config: Load) -> None:
    before = list(sys.path)
    config("import sys\nsys.path.pop(0)")
    assert sys.path == before


def test_the_file_is_run_once(config: Load, tmp_path: Path) -> None:
    config("with open(__file__ + '.log', 'a') as f:\n    f.write('run\\n')\n")
    assert (tmp_path / "config.py.log").read_text() == "run\n"


def test_a_path_below_the_current_folder_becomes_absolute(
    config: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config()
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("config.py")).path == tmp_path / "config.py"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.py")
    with pytest.raises(ConfigError, match=r"config\.py: is a named pipe, not a file"):
        load_config(tmp_path / "config.py")
