"""createYamlDB.py and readYamlDB.py."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lumimod.steps import massi_db

UTILITIES = Path(__file__).parents[2] / "Utilities"
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "config.py").write_text(f"input_folder = working_folder = {str(tmp_path)!r} + '/'")
    for experiment, fills in (("ATLAS", (5845, 5848)), ("CMS", (5845,))):
        folder = tmp_path / "data/massi/2017/measurements" / experiment / "lumi"
        folder.mkdir(parents=True)
        for fill in fills:
            (folder / f"{fill}.tgz").write_bytes(b"x")

    def script(name: str, *options: str) -> int:
        argv = [str(UTILITIES / name), "--config", str(tmp_path / "config.py"), *options]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(argv[0], run_name="__main__")
        return int(caught.value.code or 0)

    return script


def test_a_database_of_all_archives_is_made(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("createYamlDB.py") == 0
    database = massi_db.load_database(tmp_path / "SB_analysis" / "fill_db.yaml")
    assert {exp: sorted(of) for exp, of in database[2017].items()} == {
        "ATLAS": ["5845.tgz", "5848.tgz"],
        "CMS": ["5845.tgz"],
    }
    assert "2017 ATLAS: 2 archives, fills 5845 to 5848, newest of " in capsys.readouterr().out


def test_a_database_that_is_there_is_replaced_only_by_force(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run("createYamlDB.py")
    assert run("createYamlDB.py") == 2
    assert "exists already; --force replaces it" in capsys.readouterr().err
    assert run("createYamlDB.py", "--force") == 0


def test_the_options_of_the_original_say_where_archives_are(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "lpc" / "2016" / "a_ATLAS"
    folder.mkdir(parents=True)
    (folder / "5000.tgz").write_bytes(b"x")
    target = tmp_path / "new" / "db.yaml"
    options = [str(target), "--year", "2016", "--afs-path", f"{tmp_path}/lpc/<YEAR>"]
    assert run("createYamlDB.py", *options, "--exp-folders", "a_ATLAS", "c_CMS") == 0
    assert massi_db.load_database(target) == {
        2016: {"ATLAS": {"5000.tgz": massi_db.Archive.at(folder / "5000.tgz").modified}, "CMS": {}}
    }


def test_without_any_folder_it_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("createYamlDB.py", "--year", "1999") == 2
    assert "give --afs-path and --year" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("in the way")
    assert run("createYamlDB.py", str(tmp_path / "x" / "db.yaml")) == 1
    assert "cannot be created" in capsys.readouterr().err


def test_archives_of_a_fill_are_shown(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("createYamlDB.py")
    assert run("readYamlDB.py", "--fill", "5848") == 0
    assert "fill 5848: 2017 ATLAS: 5848.tgz of 20" in capsys.readouterr().out
    assert run("readYamlDB.py", "--fill", "5848", "1") == 1
    assert "fill 1: not in " in capsys.readouterr().out


def test_a_summary_is_shown(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("createYamlDB.py")
    capsys.readouterr()
    assert run("readYamlDB.py") == 0
    assert capsys.readouterr().out.count("\n") == 2


def test_an_empty_database_is_said_to_be_empty(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "db.yaml").write_text("{}")
    assert run("readYamlDB.py", str(tmp_path / "db.yaml")) == 0
    assert capsys.readouterr().out == "no archives\n"


def test_a_database_that_is_not_there_or_damaged_is_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("readYamlDB.py") == 2
    assert "make it with Utilities/createYamlDB.py" in capsys.readouterr().err
    (tmp_path / "db.yaml").write_text("[1]")
    assert run("readYamlDB.py", str(tmp_path / "db.yaml")) == 1
    assert "not a Massi database" in capsys.readouterr().err
