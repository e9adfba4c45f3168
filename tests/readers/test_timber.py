"""Timber files: what is read, what is refused, and where a chunk may end."""

from __future__ import annotations

import gzip
import re
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumimod.arrays import FloatArray, Series
from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers import compressed, stamps, timber
from lumimod.readers.locate import existing_file
from lumimod.readers.timber import read_timber

DATA = Path(__file__).parents[1] / "data" / "timber"
GOLDEN = Path(__file__).parents[1] / "golden" / "input"
UTC_HEADER = "Timestamp (UTC_TIME),Array Values"
LOCAL_HEADER = "Timestamp (LOCAL_TIME),Array Values"
ZURICH = ZoneInfo("Europe/Zurich")


def block(name: str, *rows: str, header: str = UTC_HEADER) -> str:
    return "\n".join([f"VARIABLE: {name}", "", header, *rows, "", ""])


def rows_at(*values: str) -> list[str]:
    return [f"2017-06-30 05:20:{i:02d}.000,{value}" for i, value in enumerate(values)]


def read(path: Path, text: str | bytes, name: str = "X") -> Series:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_timber(path, [name])[name]


def unix_s(stamp: str, zone: ZoneInfo | timezone = timezone.utc, fold: int = 0) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=zone, fold=fold).timestamp()


Rows = tuple[list[float], list[int], FloatArray]


@cache
def slow_parse(path: Path) -> dict[str, Rows]:
    """Return times, lengths and values of each variable of a tidy UTC file, read line by line."""
    text = gzip.decompress(path.read_bytes()).decode()
    found: dict[str, list[tuple[float, list[float]]]] = {}
    for line in text.splitlines():
        if line.startswith("VARIABLE:"):
            rows = found.setdefault(line.split(": ")[1], [])
        elif line[:1].isdigit():
            stamp, *values = line.split(",")
            rows.append((unix_s(stamp), list(map(float, values))))
    return {name: _as_arrays(rows) for name, rows in found.items()}


def _as_arrays(rows: list[tuple[float, list[float]]]) -> Rows:
    lengths = [len(values) for _, values in rows]
    return [time_s for time_s, _ in rows], lengths, np.array([v for _, row in rows for v in row])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.csv"


# ----- what comes out -----


@pytest.mark.slow
@pytest.mark.parametrize("chunk_bytes", [50_000, timber.CHUNK_BYTES])
@pytest.mark.parametrize(
    "name",
    ["bunchbybunch_data_csvs/bunchbybunch_data", "basic_data_csvs/basic_data",
     "crossing_data_csvs/crossing_angle"],
)  # fmt: skip
def test_golden_file_reads_as_line_by_line(
    name: str, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
    path = GOLDEN / f"fill_{name}_fill_5845.csv.gz"
    expected = slow_parse(path)
    found = read_timber(path, expected.keys())
    for variable, (time_s, lengths, values) in expected.items():
        series = found[variable]
        np.testing.assert_array_equal(series.time_s, time_s)
        np.testing.assert_array_equal(series.lengths, lengths)
        np.testing.assert_array_equal(series.values, values)
        assert series.n_dropped == 0


def test_series_knows_its_variable_and_file(path: Path) -> None:
    series = read(path, block("X", *rows_at("1")))
    assert (series.name, series.origin) == ("X", path)


def test_times_keep_their_milliseconds(path: Path) -> None:
    series = read(path, block("X", "2017-06-30 05:20:00.123,1"))
    assert series.time_s.tolist() == [unix_s("2017-06-30 05:20:00.123")]


@pytest.mark.parametrize(
    ("fraction", "seconds"),
    [("", 0.0), (".5", 0.5), (".123456", 0.123456), (".123456789", 0.123456)],
)
def test_times_may_have_any_fraction(path: Path, fraction: str, seconds: float) -> None:
    series = read(path, block("X", f"2017-06-30 05:20:00{fraction},1"))
    assert series.time_s[0] == pytest.approx(unix_s("2017-06-30 05:20:00") + seconds, abs=2e-7)


def test_rows_of_one_variable_may_differ_in_length(path: Path) -> None:
    series = read(path, block("X", *rows_at("1,2,3", "4", "5,6")))
    assert series.row_start.tolist() == [0, 3, 4, 6]
    assert series.lengths.tolist() == [3, 1, 2]
    assert series.values.tolist() == [1, 2, 3, 4, 5, 6]


def test_matrix_pads_short_rows_with_nan(path: Path) -> None:
    matrix = read(path, block("X", *rows_at("1,2", "3"))).matrix()
    np.testing.assert_array_equal(matrix, [[1, 2], [3, np.nan]])


def test_matrix_of_equal_rows_has_one_row_per_time(path: Path) -> None:
    matrix = read(path, block("X", *rows_at("1,2", "3,4"))).matrix()
    np.testing.assert_array_equal(matrix, [[1, 2], [3, 4]])


def test_scalar_returns_one_value_per_time(path: Path) -> None:
    assert read(path, block("X", *rows_at("450", "6500"))).scalar().tolist() == [450, 6500]


def test_scalar_of_an_array_variable_is_refused(path: Path) -> None:
    series = read(path, block("X", *rows_at("1", "1,2")))
    with pytest.raises(BadInputError, match=r"data.csv: X: row 2 holds 2 values where one is"):
        series.scalar()


def test_variable_without_rows_is_an_empty_series(path: Path) -> None:
    series = read(path, block("X") + block("Y", *rows_at("1")))
    assert series.time_s.size == series.values.size == 0
    assert series.row_start.tolist() == [0]
    assert series.matrix().shape == (0, 0)


def test_blocks_of_one_variable_are_joined_in_time_order(path: Path) -> None:
    early, late = "2017-06-30 05:00:00.000,1,2", "2017-06-30 06:00:00.000,3"
    series = read(path, block("X", late) + block("Y", *rows_at("9")) + block("X", early))
    assert series.time_s.tolist() == [unix_s(early[:23]), unix_s(late[:23])]
    assert series.values.tolist() == [1, 2, 3]
    assert series.row_start.tolist() == [0, 2, 3]


def test_rows_of_equal_time_keep_their_order(path: Path) -> None:
    rows = ["2017-06-30 05:00:01.000,1", "2017-06-30 05:00:00.000,2", "2017-06-30 05:00:00.000,3"]
    assert read(path, block("X", *rows)).values.tolist() == [2, 3, 1]


def test_optional_variable_may_be_absent(path: Path) -> None:
    path.write_text(block("X", *rows_at("1")) + block("Z", *rows_at("2")))
    assert sorted(read_timber(path, ["X"], optional=["Y", "Z"])) == ["X", "Z"]


def test_file_without_any_optional_variable_is_read(path: Path) -> None:
    path.write_text(block("Z", *rows_at("1")))
    assert read_timber(path, [], optional=["X"]) == {}


def test_malformed_rows_of_other_variables_do_not_matter(path: Path) -> None:
    assert read(path, block("Y", "rubbish") + block("X", *rows_at("1"))).values.tolist() == [1]


def test_name_within_a_line_starts_no_block(path: Path) -> None:
    text = block("Y", "a note on VARIABLE: X") + block("X", *rows_at("1"))
    assert read(path, text).values.tolist() == [1]


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "0.0",
        "-1.5",
        "1E11",
        "1.0622420720807213E-9",
        "0.011241402149844591",
        "123456789012345",
    ],
)
def test_numbers_are_read_to_the_last_digit(path: Path, number: str) -> None:
    value = read(path, block("X", *rows_at(number))).values[0]
    assert value == pytest.approx(float(number), rel=1e-15, abs=0)


ZEROS = ",".join(["0.0"] * 9)


@pytest.mark.parametrize(
    "rows",
    [
        [ZEROS, ZEROS],
        [f"{ZEROS},1.5,{ZEROS}", f"2.5,{ZEROS}", f"{ZEROS},3.5", "4.5"],
        [f"1.5,{ZEROS},-0.0,0.00,00,0e0,{ZEROS},0.01,0.5,{ZEROS},10.0,{ZEROS}"],
        [",".join("0000000100000"), ",".join("00000000"), f"0,{ZEROS},0,nan,0.0"],
    ],
)
def test_runs_of_zeros_keep_every_value_in_its_place(path: Path, rows: list[str]) -> None:
    values = read(path, block("X", *rows_at(*rows))).values
    expected = [float(value) for row in rows for value in row.split(",")]
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("value", ["0.0x", "0 0", "0.O", "."])
def test_value_among_zeros_that_is_no_number_is_reported(path: Path, value: str) -> None:
    text = block("X", *rows_at(ZEROS, f"{ZEROS},{value},{ZEROS}"))
    with pytest.raises(BadInputError, match=r"a value is not a number in row .*05:20:01.000,0"):
        read(path, text)


@pytest.mark.parametrize("word", ["NaN", "nan"])
@pytest.mark.parametrize("row", ["{},2.5", "2.5,{}"])
def test_nan_of_the_file_is_kept_as_nan(path: Path, word: str, row: str) -> None:
    values = read(path, block("X", *rows_at(row.format(word)))).values
    assert sorted(map(str, values.tolist())) == ["2.5", "nan"]


# ----- quirks that are tolerated -----


@pytest.mark.parametrize(
    "name", ["crlf", "comments", "blank_lines", "spaces", "tabs", "no_blank_line_before_header"]
)
def test_quirk_of_the_file_does_not_change_what_is_read(name: str) -> None:
    series = read_timber(DATA / f"{name}.csv", ["X"])["X"]
    assert series.time_s.tolist() == [unix_s(f"2017-06-30 05:20:0{i}.000") for i in range(2)]
    np.testing.assert_array_equal(series.matrix(), [[1, 2.5], [3, -4]])
    assert series.n_dropped == 0


@pytest.mark.parametrize(
    "name", ["crlf", "comments", "blank_lines", "spaces", "tabs", "no_blank_line_before_header"]
)
@pytest.mark.parametrize("chunk_bytes", [1, 7, 30])
def test_quirk_may_lie_at_the_end_of_a_chunk(
    name: str, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
    test_quirk_of_the_file_does_not_change_what_is_read(name)


@pytest.mark.parametrize("values", ["1,,3", "1,", ",1", "", ",", "1, ,3"])
def test_row_with_an_empty_value_is_dropped_and_counted(path: Path, values: str) -> None:
    series = read(path, block("X", *rows_at("1,2,3", values, "4,5,6")))
    assert series.n_dropped == 1
    assert series.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert series.lengths.tolist() == [3, 3]


def test_row_of_a_stamp_alone_is_dropped_and_counted(path: Path) -> None:
    series = read(path, block("X", "2017-06-30 05:20:00.000", *rows_at("1")))
    assert (series.n_dropped, series.values.tolist()) == (1, [1])


def test_all_rows_dropped_leaves_an_empty_series(path: Path) -> None:
    series = read(path, block("X", *rows_at("", "")))
    assert (series.n_dropped, series.time_s.size) == (2, 0)


def test_last_row_without_newline_is_read_if_as_long_as_the_one_before(path: Path) -> None:
    series = read(path, block("X", *rows_at("1,2", "3,4")).rstrip("\n"))
    assert series.values.tolist() == [1, 2, 3, 4]


def test_last_comment_needs_no_newline(path: Path) -> None:
    assert read(path, block("X", *rows_at("1")) + "# end").values.tolist() == [1]


def test_gzip_is_told_by_contents_not_by_name(path: Path) -> None:
    series = read(path, gzip.compress(block("X", *rows_at("1")).encode()))
    assert series.values.tolist() == [1]


@pytest.mark.parametrize(("there", "asked"), [("a.csv", "a.csv.gz"), ("a.csv.gz", "a.csv")])
def test_file_may_be_compressed_or_not(tmp_path: Path, there: str, asked: str) -> None:
    (tmp_path / there).touch()
    assert existing_file(tmp_path / asked) == tmp_path / there


def test_path_asked_for_is_preferred_to_its_twin(tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.gz"):
        (tmp_path / name).touch()
        assert existing_file(tmp_path / name) == tmp_path / name


# ----- local time -----


@pytest.mark.parametrize("stamp", ["2017-01-15 12:00:00.250", "2017-07-15 12:00:00.250"])
def test_header_without_utc_means_the_time_of_zurich(path: Path, stamp: str) -> None:
    series = read(path, block("X", f"{stamp},1", header=LOCAL_HEADER))
    assert series.time_s.tolist() == [unix_s(stamp, ZURICH)]


def test_local_block_without_rows_is_an_empty_series(path: Path) -> None:
    assert read(path, block("X", header=LOCAL_HEADER)).time_s.size == 0


def test_zone_is_told_by_each_block_for_itself(path: Path) -> None:
    stamp = "2017-07-15 12:00:00.000"
    utc, local = (block("X", f"{stamp},1", header=h) for h in (UTC_HEADER, LOCAL_HEADER))
    expected = [unix_s(stamp, ZURICH), unix_s(stamp)]
    assert read(path, local + utc).time_s.tolist() == expected
    assert read(path, utc + local).time_s.tolist() == expected


@pytest.mark.slow
@pytest.mark.parametrize("chunk_bytes", [40, timber.CHUNK_BYTES])
@pytest.mark.parametrize("year", [1995, 2017, 2045])
@pytest.mark.parametrize("month", [3, 10])
def test_stamps_through_a_change_of_clock_follow_zoneinfo(
    path: Path, year: int, month: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
    last_day = datetime(year, month, 31, tzinfo=timezone.utc)
    sunday = last_day - timedelta(days=(last_day.weekday() + 1) % 7)  # when clocks are changed
    moments = [sunday + timedelta(minutes=17 * i) for i in range(-100, 200)]
    rows = [f"{m.astimezone(ZURICH):%Y-%m-%d %H:%M:%S.%f},1" for m in moments]
    series = read(path, block("X", *rows, header=LOCAL_HEADER))
    assert series.time_s.tolist() == [m.timestamp() for m in moments]


def test_repeated_hour_without_a_step_back_is_summer_time(path: Path) -> None:
    stamps = ["2017-10-29 02:10:00", "2017-10-29 02:50:00", "2017-10-29 03:10:00"]
    series = read(path, block("X", *(f"{s},1" for s in stamps), header=LOCAL_HEADER))
    assert series.time_s.tolist() == [unix_s(s, ZURICH, fold=0) for s in stamps]


def test_second_pass_of_the_repeated_hour_is_winter_time(path: Path) -> None:
    stamps = ["2017-10-29 02:30:00", "2017-10-29 02:10:00", "2017-10-29 02:30:00"]
    series = read(path, block("X", *(f"{s},1" for s in stamps), header=LOCAL_HEADER))
    assert series.time_s.tolist() == [unix_s(s, ZURICH, fold) for s, fold in zip(stamps, (0, 1, 1))]


def test_hour_that_does_not_exist_is_taken_in_winter_time(path: Path) -> None:
    stamp = "2017-03-26 02:30:00"
    series = read(path, block("X", f"{stamp},1", header=LOCAL_HEADER))
    assert series.time_s.tolist() == [unix_s(stamp, ZURICH, fold=0)]
    assert series.time_s.tolist() == [unix_s("2017-03-26 03:30:00", ZURICH)]


@settings(deadline=None)
@given(st.lists(st.datetimes(datetime(2016, 1, 1), datetime(2019, 1, 1)), min_size=1, max_size=20))
def test_sorted_local_stamps_are_those_of_zoneinfo(naive: list[datetime]) -> None:
    naive.sort()
    epoch = datetime(1970, 1, 1)
    local_us = np.array([(n - epoch) // timedelta(microseconds=1) for n in naive])
    utc_us = stamps.zurich_to_utc_us(local_us)
    expected = [n.replace(tzinfo=ZURICH, fold=0).timestamp() for n in naive]
    assert utc_us / 1e6 == pytest.approx(expected, abs=1e-6, rel=0)


# ----- faults -----


def test_missing_file_says_how_to_get_it(path: Path) -> None:
    with pytest.raises(
        MissingInputError, match=r"data.csv: no such file \(nor data.csv.gz, .*\).*Util"
    ):
        read_timber(path, ["X"])


def test_unreadable_file_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path.touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MissingInputError, match=r"cannot be read \(Permission denied\)"):
        read_timber(path, ["X"])


def test_all_missing_variables_are_listed(path: Path) -> None:
    path.write_text(block("X", *rows_at("1")))
    with pytest.raises(MissingInputError, match=r"^Y, Z not in .*data.csv; download it again"):
        read_timber(path, ["Y", "X", "Z"])


def test_empty_file_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match=r"data.csv: the file is empty"):
        read(path, "")


@pytest.mark.parametrize("text", [b"time,value\n1,2\n", b"\xff\xfe\x00rubbish\x80" * 50])
def test_file_without_a_variable_line_is_no_timber_file(path: Path, text: bytes) -> None:
    with pytest.raises(BadInputError, match="no 'VARIABLE:' line, not a Timber file"):
        read(path, text)


@pytest.mark.parametrize("lost", [1, 8, 20])
def test_truncated_gzip_is_reported(path: Path, lost: int) -> None:
    zipped = gzip.compress(block("X", *rows_at(*map(str, range(60)))).encode())
    with pytest.raises(BadInputError, match="truncated or damaged gzip file"):
        read(path, zipped[:-lost])


@pytest.mark.parametrize("at", [2, 40, -6])
def test_damaged_gzip_is_reported(path: Path, at: int) -> None:
    zipped = bytearray(gzip.compress(block("X", *rows_at(*map(str, range(60)))).encode()))
    zipped[at] ^= 0xFF
    with pytest.raises(BadInputError, match="truncated or damaged gzip file"):
        read(path, bytes(zipped))


def test_header_missing_before_rows_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match="X: no header line before '2017-06-30 05:20:00.000,1'"):
        read(path, block("X", *rows_at("2"), header=rows_at("1")[0]))


@pytest.mark.parametrize("rest", ["", "VARIABLE: Y\n"])
def test_block_without_header_is_reported(path: Path, rest: str) -> None:
    with pytest.raises(BadInputError, match="X: no header line; download it again"):
        read(path, f"VARIABLE: X\n\n{rest}")


@pytest.mark.parametrize(
    "stamp",
    ["2017-06-30 05:2", "2017-06-31 05:20:00.000", "2017-13-30 05:20:00.000",
     "2017-00-30 05:20:00.000", "2017-06-00 05:20:00.000", "2017-06-30 24:20:00.000",
     "2017-06-30 05:60:00.000", "2017-06-30 05:20:60.000", "1969-06-30 05:20:00.000",
     "2017/06/30 05:20:00.000", "2017-06-30 05:20:00.", "2017-06-30 05:20:0x.000",
     "2017-06-30T05:20:00.000", "1498800000", "2017-06-30 05:20:00.0000000000"],
)  # fmt: skip
def test_malformed_stamp_is_reported_with_its_row(path: Path, stamp: str) -> None:
    with pytest.raises(BadInputError, match="data.csv: X: bad time stamp in row .*7,8.*Utilities"):
        read(path, block("X", *rows_at("1,2"), f"{stamp},7,8"))


@pytest.mark.parametrize(
    "value", ["abc", "1.5.2", "1e", "0x10", "1 2", "1_000", "True", '"1"', "\xff", "1\0", "-"]
)
def test_value_that_is_no_number_is_reported_with_its_row(path: Path, value: str) -> None:
    text = block("X", *rows_at("1,2", f"3,{value}", "5,6"))
    with pytest.raises(BadInputError, match=r"X: a value is not a number in row .*05:20:01.000,3"):
        read(path, text.encode("latin1"))


def test_row_in_a_message_is_shortened(path: Path) -> None:
    with pytest.raises(BadInputError, match=r"row '2017.*\.\.\.'; download") as caught:
        read(path, block("X", *rows_at("1," * 5000 + "x")))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("cut", ["3,4", "3", "3,4,5,", "3,4,5.5.", ""])
def test_last_row_cut_short_is_reported(path: Path, cut: str) -> None:
    with pytest.raises(BadInputError, match="X: truncated: "):
        read(path, block("X", *rows_at("1,2,3", cut)).rstrip("\n"))


def test_single_row_without_newline_counts_as_cut(path: Path) -> None:
    with pytest.raises(BadInputError, match="truncated: the last line has no end"):
        read(path, block("X", *rows_at("1")).rstrip("\n"))


def test_stamp_cut_short_is_reported(path: Path) -> None:
    with pytest.raises(BadInputError, match="X: truncated: bad time stamp in row '2017-06'"):
        read(path, block("X", *rows_at("1")).rstrip("\n") + "\n2017-06")


# ----- laws -----

magnitudes = st.floats(1e-15, 1e15)
finite = magnitudes | magnitudes.map(lambda value: -value) | st.just(0.0)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(st.lists(finite, min_size=1, max_size=8), max_size=8),
    chunk_bytes=st.integers(1, 300),
    zipped=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_is_read_wherever_chunks_end(
    tmp_path: Path, rows: list[list[float]], chunk_bytes: int, zipped: bool, newline: str
) -> None:
    times = [1_498_800_000.125 + i for i in range(len(rows))]
    stamps = [f"{datetime.fromtimestamp(t, timezone.utc):%Y-%m-%d %H:%M:%S.%f}"[:-3] for t in times]
    lines = [",".join([stamp, *map(repr, row)]) for stamp, row in zip(stamps, rows)]
    text = block("Y", *lines) + block("X", *lines) + block("Z", *lines)
    path = tmp_path / "data.csv"
    data = text.replace("\n", newline).encode()
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
        series = read_timber(path, ["X"])["X"]
    assert series.time_s.tolist() == times
    assert series.lengths.tolist() == [len(row) for row in rows]
    expected = [value for row in rows for value in row]
    np.testing.assert_allclose(series.values, expected, rtol=1e-15, atol=0)


# ----- headers -----


@pytest.mark.parametrize(
    "header", ["Timestamp,Value", "Timestamp (GMT),Value", "Zeit,Wert", "Timestamp (UTC),Value"]
)
def test_header_that_names_no_known_time_is_refused(path: Path, header: str) -> None:
    expected = f"X: header line '{re.escape(header)}' names neither UTC_TIME nor LOCAL_TIME; export"
    with pytest.raises(BadInputError, match=expected):
        read(path, block("X", *rows_at("1"), header=header))


@pytest.mark.parametrize("chunk_bytes", [5, timber.CHUNK_BYTES])
def test_byte_order_mark_is_stripped(
    path: Path, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
    series = read(path, b"\xef\xbb\xbf" + block("X", *rows_at("1", "2")).encode())
    assert series.values.tolist() == [1, 2]
    assert timber.timber_names(path) == ("X",)


def test_no_rows_at_the_end_of_a_file_are_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(block("X", *rows_at("1")) + block("Y"))
    assert read_timber(path, ["X", "Y"])["Y"].time_s.size == 0
    assert f"{path}: Y: no rows at the end of the file; it may be cut" in caplog.text


# ----- grouped by timestamp -----


@pytest.mark.parametrize("chunk_bytes", [40, timber.CHUNK_BYTES])
def test_table_grouped_by_timestamp_is_read(
    chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
    names = [
        "LHC.BSRA.US45.B1:ABORT_GAP_ENERGY", "LHC.BSRA.US45.B2:ABORT_GAP_ENERGY",
        "LHC.BCTDC.A6R4.B1:BEAM_INTENSITY", "LHC.BCTDC.A6R4.B2:BEAM_INTENSITY",
    ]  # fmt: skip
    assert timber.timber_names(DATA / "grouped.csv") == tuple(names)
    series = read_timber(DATA / "grouped.csv", names)
    found = [(one.time_s.tolist(), one.scalar().tolist()) for one in series.values()]
    start = unix_s("2017-06-15 02:18:00")
    seconds, values = (0.373, 0.373, 0.413, 0.296), (450.0, 450.0, 0.0, 0.0)
    assert found == [([start + s], [v]) for s, v in zip(seconds, values)]


GROUPED = [
    "Timestamp (UTC_TIME),A:X,B:Y",
    "2017-06-30 05:20:00.000,1,",
    "2017-06-30 05:20:01.000,,10",
    "# a comment",
    "",
    "2017-06-30 05:20:02.000,2.5,20",
    "2017-06-30 05:20:03.000,,",
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "\ufeff", "# made by hand\n\n"])
@pytest.mark.parametrize("chunk_bytes", [5, 30, timber.CHUNK_BYTES])
def test_empty_cells_of_a_table_are_no_samples(
    path: Path, chunk_bytes: int, before: str, newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before.startswith("#") and chunk_bytes < timber.CHUNK_BYTES:
        pytest.skip("the header is looked for in the first chunk")
    monkeypatch.setattr(timber, "CHUNK_BYTES", chunk_bytes)
    path.write_text(before + newline.join(GROUPED) + newline, encoding="utf-8", newline="")
    series = read_timber(path, ["A:X", "B:Y"])
    start = unix_s("2017-06-30 05:20:00")
    assert (series["A:X"].time_s - start).tolist() == [0, 2]
    assert series["A:X"].scalar().tolist() == [1, 2.5]
    assert (series["B:Y"].time_s - start).tolist() == [1, 2]
    assert series["B:Y"].scalar().tolist() == [10, 20]
    assert (series["A:X"].n_dropped, series["B:Y"].n_dropped) == (0, 0)


def test_quoted_names_and_local_times_of_a_table_are_understood(path: Path) -> None:
    path.write_text('"Timestamp (LOCAL_TIME)","A:X"\n2017-06-30 07:20:00.000,1\n')
    (time_s,) = read_timber(path, ["A:X"])["A:X"].time_s.tolist()
    assert time_s == unix_s("2017-06-30 05:20:00")


@pytest.mark.parametrize(
    ("row", "n_values"), [("2017-06-30 05:20:04.000,1,2,3", 3), ("2017-06-30 05:2", 0)]
)
def test_row_of_a_table_with_another_number_of_cells_is_refused(
    path: Path, row: str, n_values: int
) -> None:
    path.write_text("\n".join([*GROUPED, row]))
    expected = f"grouped by timestamp, and row '{row}' has {n_values} values for 2 variables: .*exp"
    with pytest.raises(BadInputError, match=expected):
        read_timber(path, ["A:X"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Timestamp (GMT),A:X\n2017-06-30 05:20:00.000,1\n", "names neither UTC_TIME nor"),
        ("Timestamp (UTC_TIME),A:X\n2017-06-30 05:20:00.000,one\n", "a value is not a number"),
        ("Timestamp (UTC_TIME),Value\n2017-06-30 05:20:00.000,1\n", "no 'VARIABLE:' line"),
        ("Timestamp (UTC_TIME)\n", "no 'VARIABLE:' line"),
    ],
)
def test_table_that_cannot_be_read_is_refused(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(BadInputError, match=said):
        read_timber(path, ["A:X"])


# ----- limits -----


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("text", [b"\0", b"1,"])
def test_line_without_end_is_refused(path: Path, text: bytes, zipped: bool) -> None:
    data = text * (6 << 20)
    path.write_bytes(gzip.compress(data, 1) if zipped else data)
    with pytest.raises(BadInputError, match="data.csv: a line of more than 4 MB, not a Timber"):
        read_timber(path, ["X"])


def test_small_file_that_unpacks_to_far_more_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "BOMB_BYTES", 1 << 20)
    path.write_bytes(gzip.compress(block("X", *rows_at("1")).encode() + b"\n" * (9 << 20)))
    with pytest.raises(BadInputError, match="data.csv: unpacks to more than data have"):
        read_timber(path, ["X"])
