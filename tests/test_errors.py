"""What messages tell to do: the very command, as it is to be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lumimod import errors
from lumimod.errors import called_with_config, download, get_command, without_download

CHECKOUT = Path(errors.__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("folder", "script"),
    [(CHECKOUT, "Utilities/getData.py"), (CHECKOUT / "docs", "../Utilities/getData.py")],
)
def test_the_command_has_the_path_of_the_script_from_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, folder: Path, script: str
) -> None:
    monkeypatch.chdir(folder)
    assert get_command(5848) == f"python {script} --fill 5848"
    assert get_command() == f"python {script}"


def test_without_a_checkout_it_is_the_command_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(errors, "__file__", str(tmp_path / "lumimod/errors.py"))
    assert get_command(5848) == "lumimod-get --fill 5848"


def test_another_config_is_named_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    called_with_config(Path("my configs/x.py"))
    assert get_command(1) == "python Utilities/getData.py --fill 1 --config 'my configs/x.py'"
    called_with_config(Path("config.py"))
    assert "--config" not in get_command(1)


@pytest.mark.parametrize(
    ("path", "fill"),
    [
        ("data/bunchbybunch_data_fill_5848.csv.gz", " --fill 5848"),
        ("HX:FILLN=8000", " --fill 8000"),
        ("a/5848/x1.csv", ""),
        ("NXCALS", ""),
    ],
)
def test_the_fill_is_that_in_the_name_of_the_file(path: str, fill: str) -> None:
    assert download(path) == f"download it again: {get_command()}{fill}"


def test_a_message_can_do_without_the_advice_to_download() -> None:
    assert without_download(f"a.csv: empty; {download('a.csv')}, or so") == "a.csv: empty"
    assert without_download("a.csv: empty; remove it") == "a.csv: empty; remove it"
