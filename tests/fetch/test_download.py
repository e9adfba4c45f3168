"""The commands that get data, as Utilities/ calls them."""

from __future__ import annotations

import dataclasses
import pickle
import runpy
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from lumimod.commands.get_data import get_all, get_fills, get_group, parse_time
from lumimod.config.settings import Config
from lumimod.errors import OutputError, SourceError, UsageError
from lumimod.fetch.groups import GROUPS
from lumimod.fetch.modes import merge_into, read_table
from lumimod.readers.checksums import checksum_of, read_sums
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.sources.simulated import Simulated
from tests.conftest import Tree
from tests.fetch.conftest import FILL, World

UTILITIES = Path(__file__).parents[2] / "Utilities"
SCRIPTS = {
    "000_get_fills.py": None,
    "001a_get_basic_data_for_fill.py": "basic",
    "001b_get_bbb_lumi_data_for_fill.py": "bbb_lumi",
    "001c_get_bunchbybunch_data_for_fill.py": "bbb",
    "001d_get_extra_data_for_fill.py": "extra",
    "001e_get_crossing_angle_by_fill.py": "crossing",
    "getData.py": None,
}
SMALL = FillSettings(
    n_colliding=6, n_noncolliding=1, hours=4.0, sample_s=600.0, slow_s=300.0, energy_s=60.0,
    bsrt_period_s=300.0, massi_s=300.0, bbb_lumi=True, extra_data=True,
)  # fmt: skip
MORNING = ["--t-start", "2017-06-14 08:00", "--t-stop", "2017-06-14 09:00"]


@pytest.fixture(scope="session")
def simulated_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[FillFiles]]:
    """Return what stands in for `simulate_fills`: each fill is made once for all tests."""
    made: dict[Any, list[FillFiles]] = {}

    def simulate(_: Path, fills: list[int], settings: FillSettings, seed: int) -> list[FillFiles]:
        what = tuple(fills), settings, seed
        if what not in made:
            made[what] = simulate_fills(tmp_path_factory.mktemp("once"), *what)
        return made[what]

    return simulate


def runner(
    config: Path, patch: pytest.MonkeyPatch, simulated_once: Callable[..., list[FillFiles]]
) -> Callable[..., int]:
    """Return a function that runs a script of Utilities with options, from the simulated LHC."""
    patch.setattr("lumimod.sources.simulated.Simulated.__init__.__defaults__", (SMALL, 1))
    patch.setattr("lumimod.sources.simulated.simulate_fills", simulated_once)

    def script(name: str, *options: str) -> int:
        argv = [str(UTILITIES / name), "--config", str(config), *options]
        patch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(argv[0], run_name="__main__")
        return int(caught.value.code or 0)

    return script


@pytest.fixture
def run(
    make_config: Callable[[str], Config],
    simulated_once: Callable[..., list[FillFiles]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., int]:
    """Return a function that runs a script of Utilities with options."""
    make_config("data_source = 'simulated'\n")
    return runner(tmp_path / "config.py", monkeypatch, simulated_once)


@pytest.fixture(scope="session")
def fetched_tree(
    simulated_once: Callable[..., list[FillFiles]], tmp_path_factory: pytest.TempPathFactory
) -> Tree:
    """Return all data of fills 5845 and 5848, fetched once for all tests."""
    root = tmp_path_factory.mktemp("fetched")
    config = root / "config.py"
    config.write_text(f"input_folder = {str(root)!r} + '/'\ndata_source = 'simulated'\n")
    with pytest.MonkeyPatch.context() as patch:
        script = runner(config, patch, simulated_once)
        assert script("getData.py", "--fill", "5845", "5848") == 0
    return Tree(root / "data")


@pytest.fixture
def fetched(fetched_tree: Tree, tmp_path: Path) -> Path:
    """Return a data folder with all data of both fills."""
    fetched_tree.lay_out(tmp_path / "data")
    return tmp_path / "data"


Run = Callable[..., int]


def test_the_simulated_source_is_small_here(run: Run) -> None:
    with Simulated() as source:
        assert source._settings == SMALL


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_explains_itself(
    run: Run, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(name, "--help") == 0
    text = capsys.readouterr().out
    for option in ("--fill", "--config", "--data-folder", "--source", "exit status"):
        assert option in text
    assert ("--t-start" in text) == (SCRIPTS[name] is None)


@pytest.mark.slow
def test_fills_then_data_in_order(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("000_get_fills.py", *MORNING) == 0
    assert "fills_and_bmodes.pkl: 1 fill new or changed (5845)" in capsys.readouterr().out
    for name, group in SCRIPTS.items():
        if group is not None:
            assert run(name) == 0
            assert f"fill 5845: {group}: " in capsys.readouterr().out
    assert len(list((tmp_path / "data").rglob("*_fill_5845.csv"))) == len(GROUPS)


@pytest.mark.slow
@pytest.mark.usefixtures("fetched")
def test_what_is_complete_is_only_counted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("getData.py", "--fill", "5845", "5848") == 0
    out = capsys.readouterr().out
    assert "0 fills new or changed" in out
    assert "2 fills: nothing to do" in out
    assert "tgz" not in out


@pytest.mark.slow
def test_all_data_come_with_the_archives(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("getData.py", "--fill", "5848", "--data-folder", str(tmp_path / "other")) == 0
    assert sorted(read_table(tmp_path / "other" / "fills_and_bmodes.pkl")) == [5848]
    assert (tmp_path / "other/massi/2017/measurements/CMS/lumi/5848.tgz").exists()
    assert not (tmp_path / "data").exists()
    assert "truth_fill_5848.npz" in capsys.readouterr().out


@pytest.mark.slow
def test_a_fill_that_is_not_known_is_named_and_the_others_fetched(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("getData.py", "--fill", "1", "5845") == 1
    out = capsys.readouterr().out
    assert "fill 1: not known to simulated" in out
    assert "fill 1: basic" not in out  # it is told once
    assert (tmp_path / "data/fill_basic_data_csvs/basic_data_fill_5845.csv").exists()


@pytest.mark.slow
def test_the_folder_of_another_run_is_a_source(run: Run, fetched: Path, tmp_path: Path) -> None:
    options = ["--source", "folder", "--source-folder", str(fetched)]
    target = ["--data-folder", str(tmp_path / "copy")]
    assert run("000_get_fills.py", *MORNING, *options, *target) == 0
    assert run("001a_get_basic_data_for_fill.py", *options, *target) == 0
    name = "fill_basic_data_csvs/basic_data_fill_5845.csv"
    assert (tmp_path / "copy" / name).read_bytes() == (fetched / name).read_bytes()


def test_without_beam_modes_the_way_out_is_named(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("001a_get_basic_data_for_fill.py") == 1
    assert "no such file" in capsys.readouterr().err


def test_times_in_the_wrong_order_are_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("000_get_fills.py", "--t-start", "now", "--t-stop", "3 days ago") == 2
    assert "--t-start now is not before --t-stop 3 days ago" in capsys.readouterr().err


def test_a_bad_config_is_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.py").write_text("data_source = 'cals'")
    assert run("001a_get_basic_data_for_fill.py") == 2
    assert "must be one of 'pytimber', 'folder', 'simulated'" in capsys.readouterr().err


def test_times_at_the_top_of_the_script_count(
    make_config: Callable[[str], Config], tmp_path: Path
) -> None:
    cfg = make_config("data_source = 'simulated'\n")
    argv = ["--config", str(tmp_path / "config.py")]
    assert get_fills("2017-06-14 08:00:00", "2017_06_14 09:00:00", argv) == 0
    assert list(read_table(cfg.files.bmodes)) == [5845]


def test_from_last_on_means_from_the_end_of_the_last_complete_fill(
    make_config: Callable[[str], Config], tmp_path: Path
) -> None:
    cfg = make_config("data_source = 'simulated'\n")
    argv = ["--config", str(tmp_path / "config.py")]
    get_fills("2017-06-14 08:00:00", "2017_06_14 09:00:00", argv)
    assert get_fills("last", "2017-06-15 00:00", argv) == 0
    assert list(read_table(cfg.files.bmodes)) == [5845, 5846, 5847]


def test_with_no_file_yet_last_is_seven_days_ago(
    make_config: Callable[[str], Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = make_config("data_source = 'simulated'\n")
    monkeypatch.setattr("lumimod.commands.get_data.time.time", lambda: 1_497_420_000.0)
    get_fills("last", "now", ["--config", str(tmp_path / "config.py")])
    table = read_table(cfg.files.bmodes)
    starts = [entry["t_startfill"] for entry in table.values()]
    assert 1_497_420_000 - 8 * 86400 < min(starts) < 1_497_420_000 - 6 * 86400


# --- with the logging service


@pytest.mark.slow
def test_getdata_fetches_from_the_logging_service(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--config", str(tmp_path / "config.py"), "--fill", str(FILL)]
    world.service.data = {n: v for n, v in world.service.data.items() if "BUNCH_LUMI" not in n}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lumimod.sources.retry.Retry.waits_s", lambda _: [0.0])
        assert get_all("last", "now", argv) == 0
    out = capsys.readouterr().out
    assert f"fill {FILL}: bbb_lumi: " in out
    assert "missing ATLAS:BUNCH_LUMI_INST, CMS:BUNCH_LUMI_INST: not known to the source" in out


def test_a_lost_connection_has_exit_status_1(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.service.faults.down_from = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lumimod.sources.retry.Retry.waits_s", lambda _: [])
        assert get_group("basic", ["--config", str(tmp_path / "config.py")]) == 1
    assert "the connection is lost after 1 of 6 variables" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (SourceError("it is gone"), 1, "it is gone"),
        (KeyboardInterrupt(), 130, "interrupted; what was fetched is kept"),
    ],
)
def test_errors_end_with_a_line_and_a_status(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    text: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("lumimod.commands.get_data.fetch", fail)
    assert get_group("basic", ["--config", str(tmp_path / "config.py"), "-v"]) == status
    assert text in capsys.readouterr().err


# --- times


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2017-06-14 08:00:00", "2017-06-14 06:00:00"),
        ("2017_06_14 08:00:00", "2017-06-14 06:00:00"),
        ("2017-06-14T08:00", "2017-06-14 06:00:00"),
        ("2017-06-14_08:00:00.5", "2017-06-14 06:00:00.500000"),
        ("2017-01-14", "2017-01-13 23:00:00"),
        ("2017-06-14 08:00:00 UTC", "2017-06-14 08:00:00"),
        ("2017-06-14T08:00:00Z", "2017-06-14 08:00:00"),
        ("2017-10-29 02:30", "2017-10-29 00:30:00"),  # comes twice: the first
        ("now", "2017-01-11 00:00:00"),
        ("10 days ago", "2017-01-01 00:00:00"),
    ],
)
def test_times_are_understood(text: str, utc: str) -> None:
    now = datetime(2017, 1, 11, tzinfo=timezone.utc).timestamp()
    found = datetime.fromtimestamp(parse_time(text, now), timezone.utc)
    assert str(found.replace(tzinfo=None)) == utc


@pytest.mark.parametrize("text", ["", "yesterday", "2017-13-01", "14.06.2017", "UTC"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time; write YYYY-MM-DD"):
        parse_time(text, 0.0)


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31", "9999-12-31", "999999 days ago"])
@pytest.mark.parametrize("more", ["", "9" * 12])
def test_times_of_no_use_are_named(text: str, more: str) -> None:
    with pytest.raises(UsageError, match="is not (between 1970 and 2100|a time)"):
        parse_time(more + text, 1.5e9)


def test_the_beam_modes_load_with_plain_python(run: Run, tmp_path: Path) -> None:
    run("000_get_fills.py", *MORNING)
    table = pickle.loads((tmp_path / "data" / "fills_and_bmodes.pkl").read_bytes())
    assert table[5845]["t_start_STABLE"] > table[5845]["t_startfill"]


@pytest.mark.slow
def test_what_was_fetched_is_in_the_list_of_checksums(fetched: Path) -> None:
    sums = read_sums(fetched)
    assert {"fills_and_bmodes.pkl", "fill_basic_data_csvs/basic_data_fill_5845.csv"} <= set(sums)
    assert any(name.endswith("5845.tgz") for name in sums)
    assert all(checksum_of(fetched / name) == found for name, found in sums.items())


@pytest.mark.slow
def test_an_archive_that_cannot_be_copied_is_told_and_the_data_are_kept(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[Path]:
        raise OutputError("cannot write CMS/lumi/5845.tgz: No space left on device")

    monkeypatch.setattr(Simulated, "copy_archives", fail)
    assert run("getData.py", "--fill", "5845") == 1
    assert "fill 5845: archives: cannot write CMS/lumi/5845.tgz" in capsys.readouterr().out
    assert (tmp_path / "data/fill_basic_data_csvs/basic_data_fill_5845.csv").exists()


def test_fills_whose_bunches_are_left_out_are_counted(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modes = tuple(mode for mode in world.span.modes if mode.mode != "STABLE")
    world.cfg.files.bmodes.unlink()
    merge_into(world.cfg.files.bmodes, [dataclasses.replace(world.span, modes=modes)], now_s=2e9)
    get_group("bbb", ["--config", str(tmp_path / "config.py")])
    said = "1 fill without stable beams: data of bunches left out (--all)"
    assert said in capsys.readouterr().out
