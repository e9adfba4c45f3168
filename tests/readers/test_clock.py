"""The clock of a data folder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lumimod.errors import BadInputError, OutputError
from lumimod.readers.clock import now_s, told_now_s
from lumimod.writers.clock import set_clock


def test_a_folder_without_a_clock_has_the_present(tmp_path: Path) -> None:
    assert told_now_s(tmp_path) is None
    assert told_now_s(tmp_path / "nowhere") is None
    assert abs(now_s(tmp_path) - time.time()) < 5


def test_a_clock_is_set_and_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    set_clock(folder, 1_494_741_600.7)
    assert (folder / "now.txt").read_text() == "2017-05-14 06:00:00 UTC\n"
    assert told_now_s(folder) == now_s(folder) == 1_494_741_600.0
    for _ in range(2):
        set_clock(folder, None)
        assert told_now_s(folder) is None


@pytest.mark.parametrize("text", ["", "2017-05-14 06:00", "2017-05-14 06:00:00 UTC at CERN", "é"])
def test_what_is_no_time_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "now.txt").write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=r"now\.txt: not a time such as 2017-05-14 06:00"):
        told_now_s(tmp_path)


@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
def test_a_year_of_no_use_is_named(tmp_path: Path, year: str) -> None:
    (tmp_path / "now.txt").write_text(f"{year}-05-14 06:00:00 UTC")
    with pytest.raises(BadInputError, match=rf"now\.txt: {year}-.* is not between 1970 and 2100"):
        now_s(tmp_path)


def test_a_clock_that_cannot_be_taken_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "now.txt").mkdir()
    with pytest.raises(OutputError, match=r"now\.txt cannot be removed"):
        set_clock(tmp_path, None)
    set_clock(tmp_path / "now.txt" / "in", None)  # there is none
