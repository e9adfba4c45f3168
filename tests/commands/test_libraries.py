"""A Python that lacks the libraries of lumimod."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lumimod.commands.libraries import LIBRARIES, check_libraries

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("script", ["lumimod.py", "Utilities/getData.py"])
def test_a_python_without_libraries_is_told_in_a_line(script: str, tmp_path: Path) -> None:
    # -S: without site-packages, as where the environment was not activated.
    command = [sys.executable, "-S", str(CHECKOUT / script)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"lumimod: error: {sys.executable} has no numpy, ")
    assert ". .venv/bin/activate" in line


def test_only_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check_libraries(("numpy", "no_such_library"))
    assert "has no no_such_library:" in capsys.readouterr().err
    check_libraries(LIBRARIES)
