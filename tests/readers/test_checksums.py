"""Checksums of fetched data."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from lumimod.readers.checksums import (
    SUMS_FILE,
    changed_since,
    checksum_of,
    enter_sums,
    name_below,
    read_sums,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "csvs").mkdir()
    (tmp_path / "csvs" / "a.csv").write_text("1")
    (tmp_path / "b.pkl").write_text("2")
    return tmp_path


def test_what_is_entered_comes_back(folder: Path) -> None:
    enter_sums(folder, [folder / "csvs" / "a.csv", folder / "b.pkl", folder / "gone", Path("/etc")])
    assert read_sums(folder) == {
        "csvs/a.csv": hashlib.sha256(b"1").hexdigest(),
        "b.pkl": hashlib.sha256(b"2").hexdigest(),
    }


def test_a_file_that_is_entered_again_replaces_its_line_alone(folder: Path) -> None:
    enter_sums(folder, [folder / "csvs" / "a.csv", folder / "b.pkl"])
    before = read_sums(folder)
    (folder / "b.pkl").write_text("3")
    enter_sums(folder, [folder / "b.pkl"])
    assert read_sums(folder) == {**before, "b.pkl": hashlib.sha256(b"3").hexdigest()}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_reads_the_list(folder: Path) -> None:
    enter_sums(folder, [folder / "csvs" / "a.csv", folder / "b.pkl"])
    call = ["sha256sum", "--check", "--strict", SUMS_FILE]
    assert subprocess.run(call, cwd=folder, check=False, capture_output=True).returncode == 0  # noqa: S603


def test_a_change_is_told_and_what_is_not_listed_is_not(folder: Path) -> None:
    path = folder / "b.pkl"
    enter_sums(folder, [path])
    sums = read_sums(folder)
    assert changed_since(sums, folder, path, checksum_of(path)) == ""
    path.write_text("3")
    told = changed_since(sums, folder, path, checksum_of(path))
    assert told.startswith("b.pkl has changed since it was fetched: it differs from SHA256SUMS in")
    other = folder / "csvs" / "a.csv"
    assert changed_since(sums, folder, other, checksum_of(other)) == ""


def test_without_a_list_nothing_is_checked(folder: Path) -> None:
    assert read_sums(folder) == {}


def test_odd_lines_are_left_out_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = f"{'0' * 64}  b.pkl"
    (folder / SUMS_FILE).write_bytes(f"{good}\nnonsense\n\xff\n".encode("latin-1"))
    assert read_sums(folder) == {"b.pkl": "0" * 64}
    assert "2 lines are not checksums" in caplog.text


def test_a_list_that_cannot_be_read_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / SUMS_FILE).mkdir()
    assert read_sums(folder) == {}
    assert "SHA256SUMS cannot be read" in caplog.text


def test_names_are_those_below_the_folder(tmp_path: Path) -> None:
    assert name_below(tmp_path, tmp_path / "a" / "b.csv") == "a/b.csv"
    assert name_below(tmp_path / "a", tmp_path / "b.csv") is None


def test_without_anything_to_enter_no_list_is_made(folder: Path, tmp_path: Path) -> None:
    enter_sums(folder, [folder / "gone.csv", tmp_path.parent])
    assert not (folder / SUMS_FILE).exists()
