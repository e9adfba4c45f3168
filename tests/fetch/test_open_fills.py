"""Fills that go on, files that are gone or damaged, and what is not worth fetching."""

from __future__ import annotations

import dataclasses
import gzip
import json
import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lumimod.arrays import Series
from lumimod.fetch.contents import Contents, read_if_sound
from lumimod.fetch.damage import file_fault
from lumimod.fetch.fill import LATE_S
from lumimod.fetch.groups import GROUPS
from lumimod.fetch.modes import merge_into
from lumimod.fetch.parts import Parts
from lumimod.fetch.run import Outcome, fetch
from lumimod.fetch.saved import Saved
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.variables import read_variables
from lumimod.sources.base import FillSpan, ModeSpan, Source, series_from_rows
from lumimod.sources.logging_service import LoggingService
from lumimod.sources.retry import Retry
from tests.fetch.conftest import FILL, World
from tests.fetch.test_fetch import BASIC, CURRENT, ENERGY, incomplete
from tests.sources.standin import Faults, Samples, Service, fill_data

HOUR_S = 3600.0


def formatted(world: World, suffix: str) -> None:
    """Let files be of a format."""
    template = str(world.basic.with_name(f"basic_<FILLNUMBER>{suffix}"))
    files = dataclasses.replace(world.cfg.files, basic_data=template)
    world.cfg = dataclasses.replace(world.cfg, files=files)


def record(world: World) -> dict[str, object]:
    table = json.loads((world.basic.parent / "saved_fills.json").read_text())
    found: dict[str, object] = table[str(FILL)]
    return found


# --- a fill that goes on


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".h5", ".parquet"])
def test_hourly_runs_give_what_one_run_at_the_end_gives(
    world: World, logged: dict[str, Samples], suffix: str
) -> None:
    formatted(world, suffix)
    for seconds in (3000, 6600, 9000):
        incomplete(world, world.span.start_s + seconds)
        assert not world.run("basic").idle
    merge_into(world.cfg.files.bmodes, [world.span], now_s=0.0)
    assert world.run("basic").is_good
    found = read_variables(world.basic, BASIC)
    for name in BASIC:
        time_s, values = logged[name]
        inside = (time_s >= world.span.start_s) & (time_s < world.span.stop_s)
        assert np.array_equal(found[name].time_s, time_s[inside])
        assert np.array_equal(found[name].values, np.asarray(values)[inside])
    assert world.hidden() == []
    piecewise = world.basic.read_bytes()
    world.run("basic", force=True)
    if suffix != ".h5":  # which holds times of its own
        assert world.basic.read_bytes() == piecewise


def test_only_new_time_is_asked_for_and_the_last_hour_where_samples_are_rare(world: World) -> None:
    start_s = world.span.start_s
    incomplete(world, start_s + 9000)
    world.run("basic")
    world.n_queries()
    incomplete(world, start_s + 10_000)
    world.run("basic")
    ((since_s, until_s),) = world.service.asked_for(ENERGY[0])
    assert start_s + 8900 < since_s < start_s + 9000
    assert until_s == start_s + 10_000
    time_s, values = world.service.data[CURRENT[0]]
    rare = time_s < start_s + 2000
    world.service.data = {
        **world.service.data, CURRENT[0]: (time_s[rare], np.asarray(values)[rare].tolist())
    }  # fmt: skip
    world.run("basic", force=True)
    world.n_queries()
    incomplete(world, start_s + 11_000)
    world.run("basic")
    assert world.service.asked_for(CURRENT[0]) == [(start_s + 10_000 - LATE_S, start_s + 11_000)]


def test_samples_that_come_late_into_the_service_are_not_lost(world: World) -> None:
    start_s = world.span.start_s
    time_s, values = world.service.data[ENERGY[0]]
    early = time_s < start_s + 8500  # of the rest nothing has arrived by 9000
    whole = dict(world.service.data)
    world.service.data = {**whole, ENERGY[0]: (time_s[early], np.asarray(values)[early].tolist())}
    incomplete(world, start_s + 9000)
    world.run("basic")
    world.service.data = whole
    incomplete(world, start_s + 10_000)
    world.run("basic")
    inside = (time_s >= start_s) & (time_s < start_s + 10_000)
    found = read_variables(world.basic, BASIC)[ENERGY[0]]
    assert np.array_equal(found.time_s, time_s[inside])


def test_a_fill_that_was_over_earlier_than_asked_for_loses_what_came_after(world: World) -> None:
    incomplete(world, world.span.start_s + 9000)
    world.run("basic")
    ended = dataclasses.replace(world.span, stop_s=world.span.start_s + 8000)
    merge_into(world.cfg.files.bmodes, [ended], now_s=0.0)
    world.run("basic")
    found = read_variables(world.basic, BASIC)
    assert all(one.time_s[-1] < ended.stop_s for one in found.values() if ended.stop_s)


def test_a_connection_that_breaks_leaves_the_file_of_the_run_before(world: World) -> None:
    incomplete(world, world.span.start_s + 3000)
    world.run("basic")
    before = world.basic.read_bytes()
    world.n_queries()
    world.service.faults.down_from = 2
    incomplete(world, world.span.start_s + 5000)
    assert "the connection is lost after 2" in world.run("basic").failed
    assert world.basic.read_bytes() == before
    world.service.faults.down_from = None
    world.n_queries()
    assert world.run("basic").is_good
    assert world.service.asked_for(ENERGY[0]) == []  # it had come
    assert world.basic.read_bytes().startswith(before)


def test_a_file_of_an_older_version_is_added_to_as_well(
    world: World, logged: dict[str, Samples]
) -> None:
    incomplete(world, world.span.start_s + 9000)
    world.run("basic")
    folder = world.basic.parent
    (folder / "saved_fills.json").write_text(json.dumps({str(FILL): "incomplete"}))
    world.n_queries()
    incomplete(world, world.span.start_s + 10_000)
    world.run("basic")
    assert min(t1 for t1, _ in world.service.asked_for(ENERGY[0])) > world.span.start_s + 8900
    time_s = logged[ENERGY[0]][0]
    inside = (time_s >= world.span.start_s) & (time_s < world.span.start_s + 10_000)
    assert np.array_equal(read_variables(world.basic, BASIC)[ENERGY[0]].time_s, time_s[inside])


@pytest.fixture
def stop(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a technical stop: a fill of 72 h that goes on, without stable beams."""
    start_s = 1.5e9
    time_s = np.arange(start_s, start_s + 80 * HOUR_S, 600.0)
    names = [name for name in world.service.data if "BUNCH" not in name and "BSRT.5" not in name]
    data: dict[str, Samples] = {name: (time_s, np.ones(time_s.size).tolist()) for name in names}
    told = fill_data(9000, start_s, None, NOBEAM=(start_s + 60, None))
    service = Service(data, [told], Faults())
    monkeypatch.setitem(sys.modules, "pytimber", service.module())
    span = FillSpan(9000, start_s, None, (ModeSpan("NOBEAM", start_s + 60, None),))
    world.cfg.files.bmodes.unlink()
    merge_into(world.cfg.files.bmodes, [span], now_s=start_s + 72 * HOUR_S)
    return World(world.cfg, service, span)


def hourly(world: World, hours: float, **options: bool) -> list[Outcome]:
    """Fetch as cron does, so many hours after the start."""
    merge_into(world.cfg.files.bmodes, [world.span], now_s=world.span.start_s + hours * HOUR_S)
    modes = read_bmodes(world.cfg.files.bmodes)
    source = LoggingService(Retry(2, sleep=world.waits.append))
    return fetch(world.cfg, source, list(GROUPS), modes, sorted(modes), **options)


@pytest.mark.slow
def test_a_technical_stop_costs_a_query_a_variable_and_hour(stop: World) -> None:
    hourly(stop, 72)
    n_first = stop.n_queries()
    hourly(stop, 73)
    asked = [
        (t2 - t1) / HOUR_S
        for names, t1, t2 in stop.service.queries
        if names[0] in stop.service.data
    ]
    assert max(asked) <= 1.2
    n_known = sum(
        name in stop.service.data
        for want in ("basic", "extra", "crossing")
        for name in names_of(stop, want)
    )
    assert len(asked) == n_known
    assert n_first > 5 * n_known


def names_of(world: World, group: str) -> set[str]:
    template = getattr(world.cfg.files, GROUPS[group].template)
    return world.names(Path(template.replace("<FILLNUMBER>", "9000")))


@pytest.mark.slow
def test_data_of_bunches_are_left_out_without_stable_beams_unless_asked_for(stop: World) -> None:
    left = {one.group for one in hourly(stop, 72) if one.left_out}
    assert left == {"bbb", "bbb_lumi"}
    assert not stop.service.asked_for("LHC.BQM.B1:FILLED_BUCKETS")
    assert not any(one.left_out for one in hourly(stop, 73, every=True))
    assert stop.service.asked_for("LHC.BQM.B1:FILLED_BUCKETS")
    assert not any(one.left_out for one in hourly(stop, 74, named=True))


# --- files that are gone or damaged


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".h5", ".parquet"])
def test_a_file_that_is_cut_is_fetched_again(world: World, suffix: str) -> None:
    formatted(world, suffix)
    world.run("basic")
    before = world.basic.read_bytes()
    world.basic.write_bytes(before[: len(before) // 2])
    outcome = world.run("basic")
    assert (outcome.is_good, outcome.idle) == (True, False)
    assert set(read_variables(world.basic, BASIC)) == set(BASIC)


def test_damage_that_changes_no_size_is_found_where_the_fill_is_named(world: World) -> None:
    formatted(world, ".csv.gz")
    world.run("basic")
    whole = world.basic.read_bytes()
    status = world.basic.stat()
    world.basic.write_bytes(whole[:500] + bytes([whole[500] ^ 255]) + whole[501:])
    import os

    os.utime(world.basic, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert world.run("basic").idle
    modes = read_bmodes(world.cfg.files.bmodes)
    source = LoggingService(Retry(2, sleep=world.waits.append))
    (outcome,) = fetch(world.cfg, source, ["basic"], modes, [FILL], named=True)
    assert not outcome.idle
    assert gzip.decompress(world.basic.read_bytes()) == gzip.decompress(whole)


def test_a_file_that_was_converted_or_packed_counts_and_is_read_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run("basic")
    packed = world.basic.with_name(f"{world.basic.name}.gz")
    packed.write_bytes(gzip.compress(world.basic.read_bytes()))
    world.basic.unlink()
    assert world.run("basic").idle
    assert record(world)["file"][0] == packed.name  # type: ignore[index]
    monkeypatch.setattr("lumimod.fetch.damage.fault_in", lambda path: pytest.fail("read again"))
    assert world.run("basic").idle


def test_variables_that_are_missing_are_asked_for_again_where_the_fill_is_named(
    world: World,
) -> None:
    whole = dict(world.service.data)
    world.service.data = {n: v for n, v in whole.items() if n != ENERGY[0]}
    for _ in range(4):
        world.run("basic")
    world.service.data = whole
    assert world.run("basic").idle
    modes = read_bmodes(world.cfg.files.bmodes)
    source = LoggingService(Retry(2, sleep=world.waits.append))
    (outcome,) = fetch(world.cfg, source, ["basic"], modes, [FILL], named=True)
    assert outcome.missing == {}
    assert world.names() == set(BASIC)


# --- whatever goes wrong


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("by zero"), "internal error, please report it: ZeroDivisionError"),
        (MemoryError(), "not enough memory"),
        (OSError(5, "Input/output error", "/disk"), "/disk: Input/output error; check the file"),
    ],
)
def test_any_error_of_one_fill_costs_that_fill(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    other = dataclasses.replace(world.span, fill=FILL - 1)
    merge_into(world.cfg.files.bmodes, [other], now_s=0.0)
    from lumimod.fetch import run

    plain = run.fetch_fill

    def fetch_fill(request: run.FileRequest) -> object:
        if request.fill.fill == other.fill:
            raise error
        return plain(request)

    monkeypatch.setattr(run, "fetch_fill", fetch_fill)
    first, second = world.run_all("basic", fills=(other.fill, FILL))
    assert said in first.failed
    assert second.is_good
    assert world.basic.exists()


# --- memory

LONG_S, PERIOD_S = 6 * HOUR_S, 300.0


class Long(Source):
    """A fill with many samples of every bunch."""

    name = "long"

    def __init__(self, can_be_lost: bool) -> None:
        self.can_be_lost = can_be_lost

    def fills(self, start_s: float, stop_s: float) -> list[FillSpan]:
        return []

    def fill(self, number: int) -> FillSpan | None:
        return None

    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        time_s = np.arange(np.ceil(start_s), stop_s, PERIOD_S)
        rows = [np.zeros(3564) for _ in time_s]
        return {name: series_from_rows(name, self.name, time_s, rows) for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("can_be_lost", [True, False])
@pytest.mark.parametrize("suffix", [".csv.gz", ".h5", ".parquet"])
def test_a_long_fill_needs_memory_for_a_few_of_its_variables(
    world: World, monkeypatch: pytest.MonkeyPatch, can_be_lost: bool, suffix: str
) -> None:
    files = dataclasses.replace(
        world.cfg.files, bbb_data=str(world.basic.with_name(f"bbb_<FILLNUMBER>{suffix}"))
    )
    world.cfg = dataclasses.replace(world.cfg, files=files)
    span = dataclasses.replace(world.span, stop_s=world.span.start_s + LONG_S)
    merge_into(world.cfg.files.bmodes, [span], now_s=0.0)
    one_bytes = int(LONG_S / PERIOD_S) * 3564 * 8
    monkeypatch.setattr("lumimod.writers.parquet.GROUP_BYTES", one_bytes)
    monkeypatch.setattr("lumimod.writers.timber.VALUES_AT_ONCE", 8 * 3564)
    modes = read_bmodes(world.cfg.files.bmodes)
    tracemalloc.start()
    try:
        (outcome,) = fetch(world.cfg, Long(can_be_lost), ["bbb"], modes, [FILL])
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.is_good
    n_variables = len(world.names(outcome.path))
    assert n_variables > 12
    assert peak_bytes < 7 * one_bytes


# --- files and parts that are odd


def test_a_file_of_another_kind_in_place_of_the_fetched_one_is_no_fault(tmp_path: Path) -> None:
    folder = tmp_path / "data.csv"
    folder.mkdir()
    assert file_fault(Saved(True, 1.0), folder, ["A"], read_all=True) == ""
    empty = tmp_path / "other.csv"
    empty.touch()
    assert (
        file_fault(Saved(True, 1.0), empty, ["A"], read_all=False) == f"{empty}: the file is empty"
    )


def test_variables_of_a_file_that_are_read_when_asked_for_can_be_counted() -> None:
    contents = Contents({"A": lambda: pytest.fail("nobody asked for it"), "B": lambda: None})
    assert (len(contents), list(contents)) == (2, ["A", "B"])


def test_a_damaged_file_has_no_variable_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("404 Not Found")
    assert read_if_sound(path, "A") is None
    assert str(path) in caplog.text
    assert read_if_sound(tmp_path / "gone.csv", "A") is None


def test_parts_that_are_gone_before_the_file_is_written_fail_that_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, seen = Parts.read, set[str]()

    def once(parts: Parts, name: str, *span: float) -> Series | None:
        found = None if name in seen else plain(parts, name, *span)
        seen.add(name)
        return found

    monkeypatch.setattr(Parts, "read", once)
    outcome = world.run("basic")
    assert "is gone; run again" in outcome.failed
    assert not world.basic.exists()
