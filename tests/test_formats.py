"""The same fill through every format, and files converted from one to another."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lumimod.commands.convert_data import main
from lumimod.errors import MissingInputError, UsageError
from lumimod.readers.locate import SUFFIXES
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import list_variables, read_variables
from lumimod.simulate import FillFiles
from lumimod.writers import convert
from lumimod.writers.variables import append_variables, write_variables

from .conftest import FILL, Analysed, analyse

pytestmark = pytest.mark.slow  # whole runs, together many seconds

OTHERS = [suffix[1:] for suffix in SUFFIXES if suffix != ".csv"]
FROM_TREE = {
    f"{group}_DATA_FILE": "HX:FILLN=<FILLNUMBER>" for group in ("BASIC", "BBB", "BBB_LUMI")
} | {"BASIC_CROSSING_FILE": "HX:FILLN=<FILLNUMBER>"}


def assert_same_results(found: Analysed, expected: Analysed) -> None:
    paths = sorted(expected.folder.glob("*.pkl.gz"))
    assert len(paths) > 5
    for path in paths:
        assert_equal(numbers(found.folder / path.name), numbers(path))


def numbers(path: Path) -> dict[Any, Any]:
    """Return a result without what it was made from, which names the files."""
    return {key: value for key, value in load_pickle(path).items() if key != "made"}


def assert_equal(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_equal(found[key], value)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def converted(
    small_files: FillFiles, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that gives the data folder of the small fill in another format.

    It has the other files of the fill too, and is made once: read it, do not change it.
    """

    @cache
    def of_kind(kind: str) -> Path:
        folder, out = small_files.bmodes.parent, tmp_path_factory.mktemp("converted") / "data"
        assert main([str(folder), "--to", kind, "--out", str(out)]) == 0
        (out / "fills_and_bmodes.pkl").write_bytes(small_files.bmodes.read_bytes())
        (out / "massi").symlink_to(folder / "massi")
        return out

    return of_kind


# --- through the pipeline


@pytest.mark.parametrize("kind", OTHERS)
def test_results_are_the_same_from_every_format(
    converted: Callable[[str], Path], small_run: Analysed, tmp_path: Path, kind: str
) -> None:
    data = converted(kind)
    assert not list(data.rglob("*.csv"))
    found = analyse(tmp_path, data, doSBModel=True)  # templates end in .csv all the same
    assert found.report.failed == {}
    assert_same_results(found, small_run)


def test_results_are_the_same_from_the_tree_of_run_3(
    converted: Callable[[str], Path], small_run: Analysed, tmp_path: Path
) -> None:
    data = converted("tree")
    assert {path.name for path in (data / f"HX:FILLN={FILL}").iterdir()} >= {
        "HX:BMODE=STABLE",
        "HX:BMODE=RAMP",
    }
    templates = {name: f"{data}/{tail}" for name, tail in FROM_TREE.items()}
    found = analyse(tmp_path, data, doSBModel=True, **templates)
    assert found.report.failed == {}
    assert_same_results(found, small_run)


def test_bunch_luminosities_are_taken_from_any_format(
    converted: Callable[[str], Path], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(converted("parquet"), data, ignore=shutil.ignore_patterns("massi"))
    found = analyse(tmp_path, data)
    assert (found.folder / f"fill_{FILL}_lumi_timber_meas.pkl.gz").exists()
    assert found.report.failed == {}


# --- convert_data.py


@pytest.fixture
def csv(small_files: FillFiles, tmp_path: Path) -> Path:
    path = tmp_path / "data" / "basic_data_fill_5845.csv"
    path.parent.mkdir()
    path.write_bytes(small_files.basic.read_bytes())
    return path


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize("kind", OTHERS)
def test_converted_file_lies_beside_its_source(csv: Path, kind: str) -> None:
    assert run(csv, "--to", kind) == 0
    target = csv.parent / f"basic_data_fill_5845.{kind}"
    names = list_variables(csv)
    found, expected = read_variables(target, names), read_variables(csv, names)
    assert set(list_variables(target)) == set(names)
    for name in names:
        assert np.array_equal(found[name].values, expected[name].values)
        assert np.array_equal(found[name].time_s, expected[name].time_s)


def test_compressing_csv_keeps_every_byte(csv: Path) -> None:
    text = csv.read_bytes() + b"# and what no reader minds\n"
    csv.write_bytes(text)
    assert run(csv, "--to", "csv.gz") == 0
    packed = csv.parent / "basic_data_fill_5845.csv.gz"
    assert gzip.decompress(packed.read_bytes()) == text
    csv.unlink()
    assert run(packed, "--to", "csv") == 0
    assert csv.read_bytes() == text


@pytest.mark.parametrize("kind", ["h5", "parquet"])
def test_there_and_back_again_is_the_same_data(csv: Path, kind: str) -> None:
    before = read_variables(csv, list_variables(csv))
    assert run(csv, "--to", kind, "--out", csv.parent / "packed") == 0
    assert run(csv.parent / "packed", "--to", "csv") == 0
    after = read_variables(csv.parent / "packed" / csv.name, list(before))
    for name, series in before.items():
        assert np.array_equal(after[name].values, series.values)
        assert np.array_equal(after[name].time_s, series.time_s)


def test_file_that_is_there_is_kept_unless_forced(
    csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = csv.with_suffix(".parquet")
    target.write_bytes(b"old")
    assert run(csv, "--to", "parquet") == 0
    assert target.read_bytes() == b"old"
    assert "exists already (--force replaces it)" in capsys.readouterr().out
    assert run(csv, "--to", "parquet", "--force") == 0
    assert target.read_bytes() != b"old"


def test_file_of_the_format_already_is_left_alone(csv: Path) -> None:
    before = csv.read_bytes()
    assert run(csv, "--to", "csv", "--force") == 0
    assert csv.read_bytes() == before
    with pytest.raises(UsageError, match="is of that format already"):
        convert.convert(csv, csv)


def test_one_bad_file_does_not_stop_the_others(
    csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (csv.parent / "a_fill_1.csv").write_bytes(b"rubbish\n")
    assert run(csv.parent, "--to", "parquet") == 1
    assert csv.with_suffix(".parquet").exists()
    assert "error:" in capsys.readouterr().err
    assert not (csv.parent / "a_fill_1.parquet").exists()


def test_the_table_of_beam_modes_is_not_converted(csv: Path) -> None:
    for suffix in (".pkl", ".csv"):  # as Utilities/000_get_fills.py writes them
        (csv.parent / f"fills_and_bmodes{suffix}").write_text("fill,mode\n5845,STABLE\n")
    assert run(csv.parent, "--to", "parquet") == 0
    assert not (csv.parent / "fills_and_bmodes.parquet").exists()


def test_nothing_to_convert_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--to", "h5") == 1
    assert f"{tmp_path}: no data file in it ({', '.join(SUFFIXES)})" in capsys.readouterr().err
    with pytest.raises(MissingInputError):
        convert.data_files(tmp_path / "nowhere")


def test_tree_becomes_one_file(
    converted: Callable[[str], Path], small_files: FillFiles, tmp_path: Path
) -> None:
    tree = f"HX:FILLN={FILL}"
    shutil.copytree(converted("tree") / tree, tmp_path / tree)
    assert run(tmp_path / tree, "--to", "parquet") == 0
    one, csv = tmp_path / f"data_fill_{FILL}.parquet", small_files.bunches
    names = list_variables(csv)
    found, expected = read_variables(one, names), read_variables(csv, names)
    for name in names:
        assert np.array_equal(found[name].values, expected[name].values)


def test_pandas_reads_a_mode_of_the_tree_with_whole_ns_as_index(
    converted: Callable[[str], Path], small_files: FillFiles
) -> None:
    data = converted("tree")
    stable = data / f"HX:FILLN={FILL}" / "HX:BMODE=STABLE" / f"basic_data_fill_{FILL}.parquet"
    frame = pd.read_parquet(stable)
    assert frame.index.name == "unix"
    assert frame.index.dtype == np.int64
    modes = load_pickle(small_files.bmodes)[FILL]
    assert modes["t_start_STABLE"] <= frame.index[0] / 1e9
    assert frame.index[-1] / 1e9 < modes["t_stop_STABLE"]


def test_tree_needs_the_beam_modes_of_the_fill(
    csv: Path, small_files: FillFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    other = csv.with_name("basic_data_fill_1.csv")
    csv.rename(other)
    assert run(other, "--to", "tree", "--bmodes", small_files.bmodes) == 1
    assert "fill 1 is not in the beam modes" in capsys.readouterr().err
    nameless = other.rename(csv.with_name("basic.csv"))
    assert run(nameless, "--to", "tree", "--bmodes", small_files.bmodes) == 2
    assert "its name does not tell the fill" in capsys.readouterr().err


def test_file_of_another_suffix_is_refused(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = csv.rename(csv.with_suffix(".txt"))
    assert run(other, "--to", "h5") == 2
    said = f"not a format of variables ({', '.join(SUFFIXES)})"
    assert said in capsys.readouterr().err


def test_a_tree_is_not_converted_to_a_tree(small_files: FillFiles, tmp_path: Path) -> None:
    source = tmp_path / f"HX:FILLN={FILL}"
    source.mkdir()
    with pytest.raises(UsageError, match="is a tree already"):
        convert.convert_to_tree(source, tmp_path / "out", small_files.bmodes)


def test_variables_are_added_on_a_line_of_their_own(small_files: FillFiles, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    names = list_variables(small_files.basic)
    found = read_variables(small_files.basic, names)
    write_variables(path, {names[0]: found[names[0]]})
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    append_variables(path, {names[1]: found[names[1]]})
    again = read_variables(path, names[:2])
    for name in names[:2]:
        np.testing.assert_array_equal(again[name].values, found[name].values)
