"""A folder of files made elsewhere, in any format and at any depth."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import BadInputError, SourceError
from lumimod.sources import open_source
from lumimod.sources.base import series_from_rows
from lumimod.sources.folder import Folder
from lumimod.writers.variables import write_variables

T0 = 1_497_493_080.0


def modes(**spans: tuple[float, float]) -> dict[int, dict[str, object]]:
    return {
        int(name[1:]): {
            "t_startfill": start, "t_endfill": stop, "flag_complete": True,
            "t_start_STABLE": start + 1, "t_stop_STABLE": stop - 1,
            "t_start_RAMP": -1, "t_stop_RAMP": -1,
        }
        for name, (start, stop) in spans.items()
    }  # fmt: skip


def write(path: Path, *names: str, start_s: float = T0, n: int = 4) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = start_s + np.arange(n) * 10.0
    rows = [np.arange(3.0) + row for row in range(n)]
    write_variables(path, {name: series_from_rows(name, path, time_s, rows) for name in names})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "fills_and_bmodes.pkl").write_bytes(
        pickle.dumps(modes(f5847=(T0 - 100, T0), f5848=(T0, T0 + 100)))
    )
    return tmp_path


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".h5", ".parquet"])
def test_a_file_of_any_format_is_read(root: Path, suffix: str) -> None:
    write(root / "deep" / "er" / f"basic_data_fill_5848{suffix}", "A:B")
    series = Folder(root).get(["A:B", "NO:SUCH"], T0, T0 + 25)
    assert set(series) == {"A:B"}
    assert series["A:B"].time_s.tolist() == [T0, T0 + 10, T0 + 20]
    assert series["A:B"].matrix()[2].tolist() == [2, 3, 4]


def test_files_of_other_fills_are_not_looked_at(root: Path) -> None:
    (root / "basic_data_fill_5847.csv").write_text("broken")
    write(root / "basic_data_fill_5848.csv", "A")
    assert Folder(root).get(["A"], T0, T0 + 100)["A"].time_s.size == 4
    with pytest.raises(BadInputError, match="5847"):
        Folder(root).get(["A"], T0 - 50, T0)


def test_a_file_without_a_number_may_hold_any_time(root: Path) -> None:
    write(root / "everything.csv", "A", start_s=T0 - 20)
    assert Folder(root).get(["A"], T0, T0 + 100)["A"].time_s.tolist() == [T0, T0 + 10]


def test_a_file_without_a_number_that_is_something_else_is_left_out(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "notes.csv").write_text("shopping,list\n")
    write(root / "basic_data_fill_5848.csv", "A")
    assert set(Folder(root).get(["A"], T0, T0 + 100)) == {"A"}
    assert "notes.csv" in caplog.text
    assert "ignored" in caplog.text


def test_a_variable_in_two_files_is_put_together_once(root: Path) -> None:
    write(root / "a_fill_5848.csv", "A")
    write(root / "b_fill_5848.csv", "A", start_s=T0 + 20)
    write(root / "c_fill_5848.csv", "A")
    time_s = Folder(root).get(["A"], T0, T0 + 100)["A"].time_s
    assert time_s.tolist() == [T0 + 10 * n for n in range(6)]


def test_the_tree_of_run_3_is_read(root: Path) -> None:
    for number, mode in enumerate(("RAMP", "STABLE")):
        path = root / "HX:FILLN=5848" / f"HX:BMODE={mode}" / "part.parquet"
        write(path, "A", start_s=T0 + 40 * number)
    assert Folder(root).get(["A"], T0, T0 + 100)["A"].time_s.size == 8


def test_fills_come_from_the_beam_modes(root: Path) -> None:
    source = Folder(root)
    assert [span.fill for span in source.fills(T0 - 50, T0 + 1)] == [5847, 5848]
    assert [span.fill for span in source.fills(T0, T0 + 1)] == [5848]
    found = source.fill(5848)
    assert found is not None
    assert [mode.mode for mode in found.modes] == ["STABLE"]
    assert source.fill(1) is None


def test_an_incomplete_fill_has_no_end(tmp_path: Path) -> None:
    table = modes(f1=(T0, T0 + 100))
    table[1].update(flag_complete=False, t_stop_STABLE=-1)
    (tmp_path / "fills_and_bmodes.pkl").write_bytes(pickle.dumps(table))
    (found,) = Folder(tmp_path).fills(T0 + 1000, T0 + 2000)
    assert found.stop_s is None
    assert found.modes[0].stop_s is None


def test_hidden_files_are_not_looked_at(root: Path) -> None:
    write(root / ".part" / "basic_data_fill_5848.csv", "A")
    assert Folder(root).get(["A"], T0, T0 + 100) == {}


def test_a_folder_without_beam_modes_knows_no_fill(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert Folder(tmp_path).fills(0.0, 1e10) == []
    assert "no fills_and_bmodes.pkl in it" in caplog.text


def test_without_beam_modes_every_file_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "basic_data_fill_5848.csv", "A")
    assert Folder(tmp_path).get(["A"], T0, T0 + 100)["A"].time_s.size == 4


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder; set data_source_folder .*--source-fold"):
        open_source("folder", tmp_path / "no")


def test_sources_have_the_names_that_config_knows(root: Path) -> None:
    from lumimod.config.sections.files import SOURCES

    for name in SOURCES:
        with open_source(name, root) as source:
            assert source.name == name


def test_beam_modes_may_be_json(tmp_path: Path) -> None:
    entry = modes(f5848=(T0, T0 + 100))[5848]
    text = json.dumps({"5848": {**entry, "t_stop_STABLE": None}, "5849": {"t_startfill": "noon"}})
    (tmp_path / "fills_and_bmodes.json").write_text(text)
    write(tmp_path / "basic_data_fill_5848.csv", "A")
    folder = Folder(tmp_path)
    (span,) = folder.fills(T0, T0 + 50)
    assert (span.fill, [mode.stop_s for mode in span.modes]) == (5848, [None])
    assert folder.fill(5849) is None
    assert folder.get(["A"], T0, T0 + 100)["A"].time_s.size == 4
