"""Files of a fill from the logging service: what is asked, what is kept through faults."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from lumimod.errors import BadInputError
from lumimod.fetch.fill import NO_SAMPLE, UNKNOWN
from lumimod.fetch.groups import GROUPS
from lumimod.fetch.modes import merge_into
from lumimod.fetch.run import fetch, relocated
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.variables import read_variables
from lumimod.sources.base import UnusableError
from lumimod.sources.folder import Folder
from lumimod.tables.variables import extra_names
from tests.conftest import Tree
from tests.fetch.conftest import FILL, World
from tests.sources.standin import JavaError, Samples

ENERGY = [f"LHC.BSRA.US45.B{beam}:ABORT_GAP_ENERGY" for beam in (1, 2)]
CURRENT = [f"LHC.BCTDC.A6R4.B{beam}:BEAM_INTENSITY" for beam in (1, 2)]
SPARE = [f"LHC.BCTDC.B6R4.B{beam}:BEAM_INTENSITY" for beam in (1, 2)]
BASIC = [ENERGY[0], ENERGY[1], CURRENT[0], CURRENT[1]]
"""In the order in which they are asked for, each spare DCCT twice after its first."""
XING = ["LHC.RUNCONFIG:IP1-XING-V-MURAD", "LHC.RUNCONFIG:IP5-XING-H-MURAD"]


STAMPS = ("file", "last_s")
"""Of a record, what differs from run to run."""


def saved(world: World, group: str = "basic") -> dict[str, dict[str, object]]:
    path = Path(getattr(world.cfg.files, GROUPS[group].template)).parent / "saved_fills.json"
    table: dict[str, dict[str, object]] = json.loads(path.read_text())
    return {f: {n: v for n, v in e.items() if n not in STAMPS} for f, e in table.items()}


# --- without faults


@pytest.fixture(scope="module")
def whole_fill() -> dict[str, Tree]:
    """Return where the data folder of the fill is kept, once a test has fetched it."""
    return {}


@pytest.fixture
def fetched(world: World, whole_fill: dict[str, Tree]) -> World:
    """Return the world with all data of the fill."""
    if not whole_fill:
        assert all(outcome.is_good for outcome in world.run_all())
        whole_fill["data"] = Tree(world.cfg.files.data_folder)
    else:
        whole_fill["data"].lay_out(world.cfg.files.data_folder)
    return world


@pytest.mark.slow
def test_every_group_lies_where_the_pipeline_looks(fetched: World) -> None:
    data = fetched.cfg.files.data_folder
    found = sorted(str(path.relative_to(data)) for path in data.rglob(f"*_{FILL}.csv"))
    assert found == [
        f"fill_basic_data_csvs/basic_data_fill_{FILL}.csv",
        f"fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_{FILL}.csv",
        f"fill_bunchbybunch_lumi_data_csvs/bunchbybunch_lumi_data_fill_{FILL}.csv",
        f"fill_crossing_data_csvs/crossing_angle_fill_{FILL}.csv",
        f"fill_extra_data_csvs/extra_data_fill_{FILL}.csv",
    ]
    assert not list(data.rglob(".part_*"))


@pytest.mark.slow
def test_what_was_logged_is_in_the_files_exactly(
    fetched: World, logged: dict[str, Samples]
) -> None:
    world, found = fetched, {}
    for path in world.cfg.files.data_folder.rglob(f"*_{FILL}.csv"):
        found.update(read_variables(path, world.names(path)))
    assert found.keys() == logged.keys()
    for name, (time_s, values) in logged.items():
        inside = (time_s >= world.span.start_s) & (time_s < world.span.stop_s)
        rows = [np.atleast_1d(v) for v, keep in zip(values, inside.tolist()) if keep]
        assert np.array_equal(found[name].time_s, time_s[inside]), name
        assert np.array_equal(found[name].values, np.concatenate(rows)), name


def test_both_systems_of_the_fbct_are_fetched(world: World) -> None:
    world.run("bbb")
    path = Path(world.cfg.files.bbb_data.replace("<FILLNUMBER>", str(FILL)))
    fbct = {name for name in world.names(path) if "BCTFR" in name}
    assert fbct == {f"LHC.BCTFR.{s}6R4.B{b}:BUNCH_INTENSITY" for s in "AB" for b in (1, 2)}


def test_all_extra_variables_are_fetched(world: World) -> None:
    world.run("extra")
    path = Path(world.cfg.files.extra_data.replace("<FILLNUMBER>", str(FILL)))
    assert world.names(path) == set(extra_names())
    assert len(extra_names()) == 38


def test_bunch_by_bunch_data_are_asked_for_by_at_most_three_hours(world: World) -> None:
    world.run("bbb")
    asked = world.service.asked_for("LHC.BCTFR.A6R4.B1:BUNCH_INTENSITY")
    assert len(asked) == 2
    assert max(stop - start for start, stop in asked) <= 3 * 3600
    assert (asked[0][0], asked[-1][1]) == (world.span.start_s, world.span.stop_s)


def test_a_complete_fill_is_not_fetched_again(world: World) -> None:
    world.run("basic")
    world.n_queries()
    outcome = world.run("basic")
    assert outcome.idle
    assert outcome.is_good
    assert world.n_queries() == 0


def test_force_fetches_it_again(world: World) -> None:
    world.run("basic")
    world.n_queries()
    assert not world.run("basic", force=True).idle
    assert world.n_queries() >= len(BASIC)


def test_files_of_another_format_are_written_if_the_template_says_so(world: World) -> None:
    files = dataclasses.replace(
        world.cfg.files, basic_data=str(world.basic.parent / "basic_<FILLNUMBER>.csv.gz")
    )
    world.cfg = dataclasses.replace(world.cfg, files=files)
    outcome = world.run("basic")
    assert outcome.path.name == f"basic_{FILL}.csv.gz"
    assert set(BASIC) <= world.names(outcome.path)


# --- incomplete fills


def incomplete(world: World, until_s: float) -> None:
    """Make the beam-mode file say that the fill lasts, now being `until_s`."""
    world.cfg.files.bmodes.unlink(missing_ok=True)
    span = dataclasses.replace(world.span, stop_s=None)
    merge_into(world.cfg.files.bmodes, [span], now_s=until_s)


def last_s(world: World) -> float:
    return float(read_variables(world.basic, BASIC)[ENERGY[0]].time_s[-1])


def test_an_incomplete_fill_is_fetched_again_when_it_has_grown(world: World) -> None:
    start_s = world.span.start_s
    incomplete(world, start_s + 3000)
    world.run("basic")
    assert start_s + 2980 < last_s(world) < start_s + 3000
    incomplete(world, start_s + 5000)
    assert not world.run("basic").idle
    assert start_s + 4980 < last_s(world) < start_s + 5000
    assert saved(world)[str(FILL)] == {"complete": False, "t_end_s": start_s + 5000}


def test_an_incomplete_fill_that_has_not_grown_is_left_alone(world: World) -> None:
    incomplete(world, world.span.start_s + 3000)
    world.run("basic")
    assert world.run("basic").idle


def test_an_incomplete_fill_is_fetched_again_once_it_is_over(world: World) -> None:
    incomplete(world, world.span.start_s + 3000)
    world.run("basic")
    merge_into(world.cfg.files.bmodes, [world.span], now_s=0.0)
    assert not world.run("basic").idle
    assert saved(world)[str(FILL)]["complete"] is True
    assert last_s(world) > world.span.start_s + 5000


# --- the record of the original


@pytest.mark.parametrize(
    ("value", "idle"), [("complete", True), (None, True), (1.0, False), ("incomplete", False)]
)
def test_saved_fills_of_the_original_are_understood(
    world: World, value: object, idle: bool
) -> None:
    incomplete(world, world.span.start_s + 3000)
    end_s = np.float64(world.span.start_s + 3000)  # its values were scalars of NumPy
    world.basic.parent.mkdir(parents=True)
    record = {np.int64(FILL): end_s if value is None else value}
    (world.basic.parent / "saved_fills.pkl").write_bytes(pickle.dumps(record, protocol=2))
    world.basic.write_text("VARIABLE: X\n\nTimestamp (UTC_TIME),Value\n")
    assert world.run("basic").idle is idle


@pytest.mark.parametrize(
    ("value", "idle"), [("complete", True), (None, True), (1.0, False), ("incomplete", False)]
)
def test_saved_fills_of_lhcmeasurementtools_are_understood_and_replaced(
    world: World, value: object, idle: bool
) -> None:
    incomplete(world, world.span.start_s + 3000)
    world.run("basic")
    end_s = world.span.start_s + 3000
    record = {
        "5845": "complete",
        str(FILL): end_s if value is None else value,
        "5849": "incomplete",
    }
    (world.basic.parent / "saved_fills.json").write_text(json.dumps(record))
    assert world.run("basic").idle is idle
    if not idle:
        assert saved(world)["5845"] == {"complete": True, "t_end_s": None}
        assert saved(world)[str(FILL)]["t_end_s"] == end_s


def test_the_record_of_today_counts_more_than_that_of_the_original(world: World) -> None:
    world.run("basic")
    (world.basic.parent / "saved_fills.pkl").write_bytes(pickle.dumps({FILL: 1.0}))
    assert world.run("basic").idle


def test_a_record_with_code_in_it_is_refused(world: World) -> None:
    world.basic.parent.mkdir(parents=True)
    (world.basic.parent / "saved_fills.pkl").write_bytes(pickle.dumps({FILL: Path}))
    outcome = world.run("basic")
    assert "pathlib" in outcome.failed
    assert not outcome.is_good


@pytest.mark.parametrize("text", ["[]", "{", '{"5848": {}}', '{"x": {"complete": 1}}'])
def test_a_damaged_record_is_named_with_the_way_out(world: World, text: str) -> None:
    world.basic.parent.mkdir(parents=True)
    (world.basic.parent / "saved_fills.json").write_text(text)
    assert "saved_fills.json: not a record of fetched fills" in world.run("basic").failed
    assert "remove it" in world.run("basic").failed


def test_a_pickle_of_something_else_is_named(world: World) -> None:
    world.basic.parent.mkdir(parents=True)
    (world.basic.parent / "saved_fills.pkl").write_bytes(pickle.dumps([1]))
    assert "saved_fills.pkl: not a dict of fetched fills" in world.run("basic").failed


def test_a_saved_fill_whose_file_is_gone_is_fetched_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.run("basic")
    before = world.basic.read_bytes()
    world.basic.unlink()
    assert not world.run("basic").idle
    assert f"{world.basic} is missing; it is fetched again" in caplog.text
    assert world.basic.read_bytes() == before
    assert world.run("basic").idle


# --- faults


def test_time_outs_cost_a_wait_and_nothing_else(world: World) -> None:
    world.service.faults.raises = {1: TimeoutError("timed out"), 4: JavaError("Spark")}
    assert world.run("basic").missing == {}
    assert set(BASIC) == world.names()
    assert world.waits.count(5.0) >= 2


def test_a_lost_connection_leaves_no_file_and_loses_nothing(world: World) -> None:
    world.service.faults.down_from = 2  # after the energies
    outcome = world.run("basic")
    assert not world.basic.exists()
    assert "the connection is lost after 2 of 6 variables" in outcome.failed
    assert "what was fetched is kept" in outcome.failed
    assert world.hidden() == [f".part_basic_data_fill_{FILL}.csv"]

    world.service.faults.down_from = None
    world.n_queries()
    assert world.run("basic").is_good
    assert world.service.asked_for(ENERGY[0]) == []
    assert world.service.asked_for(CURRENT[0])
    assert world.names() == set(BASIC)
    assert world.hidden() == []


def test_without_pytimber_the_run_ends_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pytimber", None)
    with pytest.raises(UnusableError, match="pytimber cannot be imported"):
        world.run("basic", "extra")
    assert world.waits == []


def test_an_interrupt_loses_nothing(world: World) -> None:
    world.service.faults.fails_for = {CURRENT[0]: KeyboardInterrupt()}  # type: ignore[dict-item]
    with pytest.raises(KeyboardInterrupt):
        world.run("basic")
    world.service.faults.fails_for = {}
    world.n_queries()
    assert world.run("basic").is_good
    assert world.service.asked_for(ENERGY[0]) == []


def test_what_another_run_noted_meanwhile_is_kept(world: World) -> None:
    folder = world.basic.parent
    original = world.service.get

    def get(*arguments: object) -> dict[str, object]:
        (folder / "saved_fills.json").write_text('{"1": {"complete": true, "t_end_s": 2.0}}')
        return original(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.service, "get", get)
        world.run("basic")
    assert set(saved(world)) == {"1", str(FILL)}


def test_slices_of_a_variable_are_kept_when_it_breaks_off(
    world: World, logged: dict[str, Samples]
) -> None:
    name = "LHC.BSRA.US45.B1:ABORT_GAP_ENERGY"
    group = dataclasses.replace(GROUPS["basic"], slice_s=1000.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lumimod.fetch.run.GROUPS", {**GROUPS, "basic": group})
        world.service.faults.down_from = 3
        world.run("basic")
        first = world.service.asked_for(name)[:3]
        world.service.faults.down_from = None
        world.n_queries()
        assert world.run("basic").is_good
    second = world.service.asked_for(name)
    assert second[0][0] == first[-1][1]  # it goes on where it broke off
    series = read_variables(world.basic, [name])[name]
    assert np.array_equal(series.time_s, logged[name][0])


def test_a_lost_connection_ends_the_run(world: World) -> None:
    world.service.faults.down_from = 0
    outcomes = world.run_all("basic", "extra")
    assert [outcome.group for outcome in outcomes] == ["basic"]
    assert world.n_queries() == 2 * world.attempts  # two variables, not forty


def test_one_variable_that_does_not_answer_does_not_keep_the_others(world: World) -> None:
    world.service.faults.fails_for = {ENERGY[1]: TimeoutError("too long")}
    outcome = world.run("basic")
    assert set(outcome.missing) == {ENERGY[1]}
    assert "too long" in outcome.missing[ENERGY[1]]
    assert not outcome.is_good
    assert world.names() == set(BASIC) - {ENERGY[1]}

    world.service.faults.fails_for = {}
    world.n_queries()
    assert world.run("basic").missing == {}
    assert {n for names, *_ in world.service.queries for n in names} <= {ENERGY[1], *SPARE}
    assert world.names() == set(BASIC)


def test_a_variable_that_vanished_is_named_and_the_rest_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.service.data = {n: v for n, v in world.service.data.items() if n != CURRENT[1]}
    outcome = world.run("basic")
    assert set(outcome.missing) == {CURRENT[1], SPARE[1]}
    assert set(outcome.missing.values()) == {UNKNOWN}
    assert outcome.is_good  # not logged is no fault
    assert f"missing {CURRENT[1]}, {SPARE[1]}: not known to the source" in str(outcome)
    assert f"fill {FILL}: basic: {CURRENT[1]}: not known to the source" in caplog.text
    assert world.names() == set(BASIC) - {CURRENT[1]}


def test_a_missing_variable_is_asked_for_in_three_runs(world: World) -> None:
    world.service.data = {n: v for n, v in world.service.data.items() if n != ENERGY[0]}
    n_asked = []
    for _ in range(5):
        world.run("basic")
        n_asked.append(len(world.service.asked_for(ENERGY[0])) > 0)
        world.n_queries()
    assert n_asked == [True, True, True, False, False]
    assert str(world.run("basic")).count(ENERGY[0]) == 1  # but it is still named


def test_a_variable_that_vanishes_midway_is_named_with_the_time(
    world: World, logged: dict[str, Samples]
) -> None:
    group = dataclasses.replace(GROUPS["basic"], slice_s=4000.0)
    middle_s = world.span.start_s + 5000
    world.service.faults.vanished = {ENERGY[0]: middle_s}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lumimod.fetch.run.GROUPS", {**GROUPS, "basic": group})
        outcome = world.run("basic")
        assert list(outcome.missing) == [ENERGY[0]]
        assert outcome.missing[ENERGY[0]].startswith(
            "no longer known to the source: no samples of 2017-"
        )
        half = read_variables(world.basic, BASIC)[ENERGY[0]].time_s
        assert 0 < half.size < logged[ENERGY[0]][0].size

        world.service.faults.vanished = {}
        world.n_queries()
        assert world.run("basic").missing == {}
    assert min(t1 for t1, _ in world.service.asked_for(ENERGY[0])) > world.span.start_s
    whole = read_variables(world.basic, BASIC)[ENERGY[0]].time_s
    assert np.array_equal(whole, logged[ENERGY[0]][0])


def test_a_variable_without_samples_is_named(world: World) -> None:
    empty: Samples = (np.zeros(0), [])
    world.service.data = {**world.service.data, ENERGY[0]: empty}
    outcome = world.run("basic")
    assert outcome.missing == {ENERGY[0]: NO_SAMPLE}
    assert ENERGY[0] not in world.names()


def test_what_an_earlier_run_got_of_a_variable_stays_when_it_vanishes(world: World) -> None:
    incomplete(world, world.span.start_s + 3000)
    world.run("basic")
    world.service.data = {n: v for n, v in world.service.data.items() if n != ENERGY[0]}
    incomplete(world, world.span.start_s + 5000)
    outcome = world.run("basic")
    assert list(outcome.missing) == [ENERGY[0]]
    found = read_variables(world.basic, BASIC)
    assert found[ENERGY[0]].time_s[-1] < world.span.start_s + 3000
    assert found[ENERGY[1]].time_s[-1] > world.span.start_s + 4900


@pytest.mark.slow
def test_a_forced_run_that_gets_less_keeps_what_was_there(
    world: World, logged: dict[str, Samples]
) -> None:
    world.run("bbb")
    name = "LHC.BQM.B1:BUNCH_LENGTHS"
    world.service.faults.vanished = {name: world.span.start_s + 2000}
    outcome = world.run("bbb", force=True)
    assert list(outcome.missing) == [name]
    series = read_variables(outcome.path, [name])[name]
    assert np.array_equal(series.time_s, logged[name][0])


def test_a_forced_run_replaces_a_damaged_file(world: World) -> None:
    world.run("basic")
    world.basic.write_text("damaged")
    world.service.data = {n: v for n, v in world.service.data.items() if n != ENERGY[0]}
    outcome = world.run("basic", force=True)
    assert list(outcome.missing) == [ENERGY[0]]
    assert world.names() == set(BASIC) - {ENERGY[0]}


def test_a_damaged_file_to_which_a_variable_is_to_be_added_is_fetched_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.service.faults.fails_for = {ENERGY[1]: TimeoutError()}
    world.run("basic")
    world.service.faults.fails_for = {}
    world.basic.write_text("damaged")
    assert world.run("basic").missing == {}
    assert f"{world.basic} has 7 of the " in caplog.text
    assert world.names() == set(BASIC)


def test_a_damaged_file_that_is_fetched_again_is_told_without_advice_to_do_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.run("basic")
    n_bytes = world.basic.stat().st_size
    world.basic.write_text("damaged".ljust(n_bytes))
    assert world.run("basic").missing == {}
    fault = f"{world.basic}: no 'VARIABLE:' line, not a Timber file; it is fetched again"
    assert fault in caplog.text
    assert "download it again" not in caplog.text
    assert world.names() == set(BASIC)


def test_text_in_a_variable_does_not_keep_the_others(world: World) -> None:
    time_s, _ = world.service.data[ENERGY[0]]
    world.service.data = {**world.service.data, ENERGY[0]: (time_s, ["?"] * time_s.size)}
    outcome = world.run("basic")
    assert "not numbers" in outcome.missing[ENERGY[0]]
    assert world.names() == set(BASIC) - {ENERGY[0]}


def test_a_fill_with_nothing_at_all_has_no_file(world: World) -> None:
    world.service.data = {"OTHER": (np.zeros(0), [])}
    outcome = world.run("basic")
    assert len(outcome.missing) == 6
    assert not world.basic.exists()
    world.run("basic")
    world.run("basic")
    world.n_queries()
    assert world.run("basic").idle  # it was asked for in three runs
    assert world.n_queries() == 0


def test_a_damaged_part_is_fetched_again(world: World) -> None:
    world.service.faults.down_from = 2
    world.run("basic")
    (part,) = world.basic.parent.rglob("*B1*ABORT*/*.npz")
    part.write_bytes(part.read_bytes()[:100])
    world.service.faults.down_from = None
    world.n_queries()
    assert world.run("basic").is_good
    assert world.service.asked_for(ENERGY[0])
    assert world.names() == set(BASIC)


@pytest.mark.parametrize("by_original", [False, True])
def test_a_forced_run_that_breaks_off_goes_on_without_force(
    world: World, by_original: bool
) -> None:
    if by_original:
        world.basic.parent.mkdir(parents=True)
        (world.basic.parent / "saved_fills.pkl").write_bytes(pickle.dumps({FILL: "complete"}))
    else:
        world.run("basic")
    world.service.faults.down_from = 0
    world.n_queries()
    world.run("basic", force=True)
    world.service.faults.down_from = None
    assert not world.run("basic").idle


def test_a_forced_run_asks_for_everything(world: World) -> None:
    world.service.faults.down_from = 2
    world.run("basic")
    world.service.faults.down_from = None
    world.n_queries()
    world.run("basic", force=True)
    assert world.service.asked_for(ENERGY[0])


# --- variables that are logged when they change


def test_without_a_change_in_the_fill_the_value_before_holds(world: World) -> None:
    early: Samples = (np.array([world.span.start_s - 90_000.0]), [150.0])
    world.service.data = {XING[0]: early, XING[1]: early}
    outcome = world.run("crossing")
    assert outcome.missing == {}
    for series in read_variables(outcome.path, XING).values():
        assert series.time_s.tolist() == [world.span.start_s]
        assert series.values.tolist() == [150.0]


def test_intensities_of_an_earlier_fill_do_not_hold(world: World) -> None:
    early: Samples = (np.array([world.span.start_s - 90_000.0]), [1e14])
    world.service.data = {**world.service.data, CURRENT[0]: early}
    assert CURRENT[0] in world.run("basic").missing


def test_when_the_value_before_does_not_come_it_is_named(world: World) -> None:
    world.service.data = {name: (np.zeros(0), []) for name in XING}
    world.attempts = 1
    world.service.faults.raises = {2: JavaError("gone")}
    outcome = world.run("crossing")
    assert sorted(outcome.missing) == XING
    assert any("gone" in why for why in outcome.missing.values())


# --- other


def test_a_fill_that_the_beam_modes_do_not_hold_is_named(world: World) -> None:
    outcome = world.run("basic", fills=(1,))
    assert str(outcome).startswith("fill 1: basic: not in the beam modes ")
    assert "getData.py --fill 1" in outcome.failed


def test_a_fill_without_times_is_named(world: World) -> None:
    incomplete(world, world.span.start_s - 1)
    assert "getData.py --fill 5848" in world.run("basic").failed


def test_a_folder_that_cannot_be_made_is_named(world: World) -> None:
    world.basic.parent.parent.mkdir(exist_ok=True)
    world.basic.parent.write_text("in the way")
    assert "--data-folder" in world.run("basic").failed


def test_other_names_of_config_are_asked_for(world: World) -> None:
    world.cfg = dataclasses.replace(world.cfg, variable_names={"energy_b1": ("MY:ENERGY",)})
    assert "MY:ENERGY" in world.run("basic").missing


def test_run_3_asks_for_other_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    span = dataclasses.replace(world.span, fill=9000, start_s=1.7e9, stop_s=1.7e9 + 100)
    merge_into(world.cfg.files.bmodes, [span], now_s=2e9)
    world.run("basic", fills=(9000,))
    assert world.service.asked_for("LHC.BCCM.B1.A:BEAM_ENERGY")


@pytest.mark.slow
def test_the_folder_source_gives_the_same_files(fetched: World) -> None:
    world = fetched
    first = {p.name: p.read_bytes() for p in world.cfg.files.data_folder.rglob("*.csv")}
    target = world.cfg.files.data_folder.parent / "copy"
    cfg = relocated(world.cfg, target)
    modes = read_bmodes(world.cfg.files.bmodes)
    fetch(cfg, Folder(world.cfg.files.data_folder), list(GROUPS), modes, [FILL])
    copies = {p.name: p.read_bytes() for p in target.rglob("*.csv")}
    assert copies
    assert all(first[name] == text for name, text in copies.items())


def test_files_outside_the_data_folder_keep_their_own_folder(world: World) -> None:
    files = dataclasses.replace(
        world.cfg.files, crossing="/other/xing/angle_<FILLNUMBER>.csv", bmodes=Path("/other/b.pkl")
    )
    moved = relocated(dataclasses.replace(world.cfg, files=files), Path("new")).files
    assert moved.crossing == "new/xing/angle_<FILLNUMBER>.csv"
    assert moved.bmodes == Path("new/b.pkl")
    assert moved.basic_data == "new/fill_basic_data_csvs/basic_data_fill_<FILLNUMBER>.csv"


def test_a_damaged_record_is_an_error_of_input(tmp_path: Path) -> None:
    from lumimod.fetch.saved import load_saved

    (tmp_path / "saved_fills.json").write_text("no")
    with pytest.raises(BadInputError, match="remove it"):
        load_saved(tmp_path)
