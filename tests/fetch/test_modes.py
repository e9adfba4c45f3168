"""The beam-mode file: fills merged in, incomplete ones completed."""

from __future__ import annotations

import csv
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import BadInputError, OutputError, SourceError
from lumimod.fetch.modes import (
    entry_of,
    merge_into,
    read_table,
    update_by_time,
    update_fills,
    write_table,
)
from lumimod.readers.bmodes import read_bmodes
from lumimod.sources.base import FillSpan, ModeSpan
from lumimod.sources.logging_service import LoggingService
from lumimod.sources.retry import Retry
from tests.sources.standin import Faults, Service, fill_data

GOLDEN = Path(__file__).parents[1] / "golden" / "real_fill_3820_bmodes.pkl"
DAY = 86_400.0


def span(fill: int = 1, start_s: float = 100.0, stop_s: float | None = 200.0) -> FillSpan:
    modes = (ModeSpan("SETUP", start_s, start_s + 10), ModeSpan("STABLE", start_s + 10, stop_s))
    return FillSpan(fill, start_s, stop_s, modes)


def test_an_entry_has_times_and_minus_one_for_what_did_not_occur() -> None:
    entry = entry_of(span(), now_s=1e9)
    assert entry["t_startfill"] == 100.0
    assert entry["t_endfill"] == 200.0
    assert entry["flag_complete"] is True
    assert (entry["t_start_STABLE"], entry["t_stop_STABLE"]) == (110.0, 200.0)
    assert (entry["t_start_RAMP"], entry["t_stop_RAMP"]) == (-1.0, -1.0)


def test_a_fill_that_lasts_ends_now_and_its_mode_has_no_stop() -> None:
    entry = entry_of(span(stop_s=None), now_s=150.0)
    assert entry["t_endfill"] == 150.0
    assert entry["flag_complete"] is False
    assert (entry["t_start_STABLE"], entry["t_stop_STABLE"]) == (110.0, -1.0)


def test_of_a_mode_that_came_twice_it_is_first_start_and_last_stop() -> None:
    modes = (ModeSpan("INJPHYS", 5.0, 6.0), ModeSpan("INJPHYS", 2.0, 3.0))
    entry = entry_of(FillSpan(1, 0.0, 10.0, modes), now_s=20.0)
    assert (entry["t_start_INJPHYS"], entry["t_stop_INJPHYS"]) == (2.0, 6.0)


def test_the_file_is_plain_python(tmp_path: Path) -> None:
    path = tmp_path / "fills_and_bmodes.pkl"
    merge_into(path, [span()], now_s=1e9)
    table = pickle.loads(path.read_bytes())
    assert {type(value) for value in table[1].values()} == {float, bool}
    assert {type(fill) for fill in table} == {int}


def test_the_csv_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "fills_and_bmodes.pkl"
    merge_into(path, [span(2, 1_497_493_080.125, None), span(1)], now_s=1_497_500_000.0)
    with path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["fill"] for row in rows] == ["1", "2"]
    assert rows[1]["start_utc"] == "2017-06-15 02:18:00"
    assert rows[1]["t_startfill"] == "1497493080.125"
    assert rows[1]["flag_complete"] == "0"
    assert rows[0]["t_start_STABLE"] == "110"


def test_fills_that_are_there_stay(tmp_path: Path) -> None:
    path = tmp_path / "fills_and_bmodes.pkl"
    path.write_bytes(GOLDEN.read_bytes())
    before = read_bmodes(path)
    assert merge_into(path, [span(9999)], now_s=1e9) == [9999]
    after = read_bmodes(path)
    assert set(after) == {*before, 9999}
    for fill, modes in before.items():
        for mode, start_s in modes.start_s.items():
            assert np.array_equal(after[fill].start(mode), start_s, equal_nan=True)


def test_a_complete_fill_is_not_replaced_by_an_incomplete_one(tmp_path: Path) -> None:
    path = tmp_path / "modes.pkl"
    merge_into(path, [span()], now_s=1e9)
    assert merge_into(path, [span(stop_s=None)], now_s=150.0) == []
    assert read_table(path)[1]["t_endfill"] == 200.0


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "modes.pkl"
    merge_into(path, [span()], now_s=1e9)
    before = path.stat().st_mtime_ns
    assert merge_into(path, [span()], now_s=1e9) == []
    assert path.stat().st_mtime_ns == before


def test_a_csv_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "modes.pkl"
    merge_into(path, [span()], now_s=1e9)
    path.with_suffix(".csv").unlink()
    merge_into(path, [], now_s=1e9)
    assert path.with_suffix(".csv").exists()


@pytest.mark.parametrize("content", [[1], {1: 2}, {"x": {}}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "modes.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(BadInputError, match="not a dict of fills"):
        read_table(path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be created"):
        write_table(tmp_path / "x" / "modes.pkl", {})


# --- from the logging service


def service(
    patch: pytest.MonkeyPatch, faults: Faults | None = None
) -> tuple[Service, LoggingService]:
    fills = [
        fill_data(n, n * DAY, (n + 1) * DAY, STABLE=(n * DAY + 1, n * DAY + 2)) for n in range(40)
    ]
    fills[-1]["endTime"] = None
    made = Service({}, fills, faults or Faults())
    patch.setitem(sys.modules, "pytimber", made.module())
    return made, LoggingService(Retry(2, sleep=lambda _: None))


def test_fills_between_two_times_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source = service(monkeypatch)
    path = tmp_path / "modes.pkl"
    assert update_by_time(path, source, 3.5 * DAY, 6 * DAY, now_s=100 * DAY) == [3, 4, 5]
    assert update_by_time(path, source, 5 * DAY, 8 * DAY, now_s=100 * DAY) == [6, 7]
    assert sorted(read_table(path)) == [3, 4, 5, 6, 7]


def test_long_times_are_asked_for_by_ten_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, source = service(monkeypatch)
    update_by_time(tmp_path / "modes.pkl", source, 0.0, 25 * DAY, now_s=100 * DAY)
    assert [query[1:] for query in made.queries] == [
        (0.0, 10 * DAY),
        (10 * DAY, 20 * DAY),
        (20 * DAY, 25 * DAY),
    ]


def test_a_lost_connection_keeps_the_fills_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, source = service(monkeypatch, Faults(down_from=1))
    path = tmp_path / "modes.pkl"
    with pytest.raises(SourceError, match=r"fills of 1970-01-11 .*asked 2 times"):
        update_by_time(path, source, 0.0, 25 * DAY, now_s=100 * DAY)
    assert sorted(read_table(path)) == list(range(10))


def test_an_incomplete_fill_is_completed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, source = service(monkeypatch)
    path = tmp_path / "modes.pkl"
    update_by_time(path, source, 39 * DAY, 40 * DAY, now_s=39.5 * DAY)
    assert read_table(path)[39]["flag_complete"] is False
    assert read_table(path)[39]["t_endfill"] == 39.5 * DAY
    made.fills[-1]["endTime"] = 40 * DAY  # type: ignore[index]
    assert update_by_time(path, source, 0.0, DAY, now_s=60 * DAY) == [0, 39]
    assert read_table(path)[39]["flag_complete"] is True
    assert read_table(path)[39]["t_endfill"] == 40 * DAY


def test_a_fill_that_the_source_does_not_know_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, source = service(monkeypatch)
    assert update_fills(tmp_path / "modes.pkl", source, [1, 999], now_s=0.0) == [1]
    assert "fill 999: not known to pytimber" in caplog.text


def test_json_stays_json_and_keeps_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "fills_and_bmodes.json"
    path.write_text(json.dumps({"4": {"t_startfill": 1.0, "t_endfill": 2.0, "t_stop_RAMP": None}}))
    merge_into(path, [span()], now_s=1e9)
    table = json.loads(path.read_text())
    assert table["4"] == {"t_startfill": 1.0, "t_endfill": 2.0, "t_stop_RAMP": None}
    assert sorted(read_bmodes(path)) == sorted(map(int, table)) != [4]
    assert len(path.with_suffix(".csv").read_text().splitlines()) == 1 + len(table)


@pytest.mark.parametrize("time", ["noon", None, 1e300, float("nan")])
def test_a_time_that_is_no_date_has_an_empty_cell(tmp_path: Path, time: object) -> None:
    path = tmp_path / "fills.pkl"
    write_table(path, {1: {"t_startfill": time}, 2: {"t_startfill": 0.0}})
    with path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["start_utc"] for row in rows] == ["", "1970-01-01 00:00:00"]
