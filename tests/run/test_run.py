"""Running fills: which, what is written, and what a second run, a force or a kill leaves."""

from __future__ import annotations

import builtins
import copy
import gzip
import io
import os
import pickle
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

import lumimod
from lumimod.errors import OutputError
from lumimod.records import store
from lumimod.steps.registry import STEPS
from tests import forks

if TYPE_CHECKING:
    from tests.run.conftest import ReplaceRun, Site

FILL, OTHER = 5845, 5848
ALL = list(STEPS)
MASSI_AGAIN = ["massi", "fits", "lifetime", "losses", "emittance"]


def ran(outcome: Any, fill: int = FILL) -> list[str]:
    """Return the steps that the log says were done."""
    return [step for step in ALL if outcome.lines("INFO", f"fill {fill}: {step}: ")]


def load(path: Path) -> Any:
    return pickle.loads(gzip.decompress(path.read_bytes()))  # noqa: S301 - made by the test


# --- which fills


def test_without_fill_every_fill_of_the_beam_modes_runs(site: Site) -> None:
    assert list(site.run().rows()) == [FILL, OTHER]


def test_only_the_fills_asked_for_run(site: Site) -> None:
    assert list(site.run("--fill", OTHER).rows()) == [OTHER]
    assert site.made() == []


@pytest.mark.slow
def test_fills_are_reported_in_the_order_asked_for(site: Site) -> None:
    assert list(site.run("--fill", OTHER, FILL).rows()) == [OTHER, FILL]


def test_fill_named_twice_runs_once(site: Site) -> None:
    outcome = site.run("--fill", FILL, FILL)
    assert list(outcome.rows()) == [FILL]
    assert len(outcome.lines(f"fill {FILL}: sb: ")) == 1


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"first_fill": FILL, "last_fill": OTHER}, [FILL, OTHER]),
        ({"first_fill": FILL + 1}, [OTHER]),
        ({"last_fill": FILL, "XingAngle": {(5000, 6000): 300e-6}}, [FILL]),
        ({"min_time_SB": 0.7 * 3600}, [FILL, OTHER]),
        ({"min_time_SB": 0.7 * 3600 + 1}, []),
    ],
)
def test_config_selects_the_fills(site: Site, names: dict[str, Any], expected: list[int]) -> None:
    site.configure(**names)
    rows = [line.split()[0] for line in site.run("--dry-run").out.splitlines()]
    assert [int(row) for row in rows if row.isdigit()] == expected


@pytest.mark.parametrize("times", [{"t_start_STABLE": -1}, {"t_stop_STABLE": -1}])
def test_fill_without_stable_beams_is_not_selected(site: Site, times: dict[str, int]) -> None:
    site.edit_modes(**times)
    assert list(site.run().rows()) == [OTHER]


def test_fill_asked_for_need_not_be_in_the_configured_range(site: Site) -> None:
    site.configure(first_fill=FILL + 1)
    assert site.run("--fill", FILL).status == 0
    assert site.made() == ALL


def test_no_fill_to_run_is_no_failure(site: Site) -> None:
    site.configure(first_fill=6000)
    outcome = site.run()
    assert (outcome.status, outcome.out) == (0, "0 fills: nothing to do\n")


# --- what is done


def test_first_run_makes_every_result_of_every_fill(site: Site) -> None:
    assert site.run().status == 0
    assert site.made(FILL) == site.made(OTHER) == ALL


def test_no_temporary_file_stays(site: Site) -> None:
    site.run()
    assert site.leftovers() == []


def test_run_writes_nothing_but_results_and_the_database(site: Site) -> None:
    before = {p: p.read_bytes() for p in site.root.rglob("*") if p.is_file()}
    site.run()
    after = {p: p.read_bytes() for p in site.root.rglob("*") if p.is_file()}
    results = {p for step in ALL for fill in (FILL, OTHER) for p in site.written(step, fill)}
    entries = {site.results / "fill_db.d" / f"2017_{fill}.yaml" for fill in (FILL, OTHER)}
    diaries = {site.paths(fill).folder / "made.json" for fill in (FILL, OTHER)}
    database = {site.results / "fill_db.yaml", site.results / "status.json"}
    assert after.keys() - before.keys() == results | entries | diaries | database
    assert {p: after[p] for p in before} == before


def test_model_is_not_made_unless_config_asks_for_it(site: Site) -> None:
    site.configure(doSBModel=False)
    assert site.run().status == 0
    assert site.made() == [step for step in ALL if step not in ("model", "growth")]


def test_run_without_a_database_makes_one_and_runs_as_ever(site: Site) -> None:
    outcome = site.run()
    table = yaml.safe_load((site.results / "fill_db.yaml").read_text())
    assert {exp: sorted(of) for exp, of in table[2017].items()} == {
        exp: [f"{FILL}.tgz", f"{OTHER}.tgz"] for exp in ("ATLAS", "CMS")
    }
    assert ran(outcome) == ALL


def test_data_frames_are_made_beside_the_results_if_asked_for(site: Site) -> None:
    site.configure(savePandas=True)
    assert site.run("--fill", FILL).status == 0
    plain = {p.name for step in ALL for p in site.written(step)}
    frames = {name.replace(".pkl.gz", "_df.pkl.gz") for name in plain}
    assert site.contents(FILL).keys() == plain | frames


def test_data_frames_alone_need_no_dictionaries(site: Site) -> None:
    site.configure(savePandas=True, saveDict=False)
    assert site.run("--fill", FILL).status == 0
    assert all(name.endswith("_df.pkl.gz") for name in site.contents(FILL))
    assert site.run("--fill", FILL).out == "1 fill: nothing to do\n"


# --- again


def test_second_run_does_nothing(site: Site) -> None:
    site.run()
    before = site.contents()
    outcome = site.run()
    assert (outcome.status, outcome.out) == (0, "2 fills: nothing to do\n")
    opening, closing = outcome.err.splitlines()
    assert "2 fills 5845 to 5848 (first_fill to last_fill of config.py)" in opening
    assert " INFO : 2 up to date in " in closing
    assert site.contents() == before


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the names of files that are opened, as it fills."""
    names: list[str] = []
    plain = io.open

    def noting(file: Any, *args: Any, **kwargs: Any) -> Any:
        names.append(str(file))
        return plain(file, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", noting)
        patch.setattr(builtins, "open", noting)
        yield names


def fifty_fills(site: Site) -> list[int]:
    """Give the site fifty finished fills: one fill's files under other names."""
    fills = list(range(6000, 6050))
    table = {fill: copy.deepcopy(site.modes()[FILL]) for fill in fills}
    sources = [p for p in site.root.rglob(f"*{FILL}*") if p.is_file()]
    for fill in fills:
        for source in sources:
            target = Path(str(source).replace(str(FILL), str(fill)))
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
    site.write_modes(table)
    (site.results / "fill_db.yaml").unlink()
    return fills


def stamps(site: Site) -> dict[Path, tuple[int, int]]:
    """Return time and size of every file but status.json, which says when the last run was."""
    files = (p for p in site.root.rglob("*") if p.is_file() and p.name != "status.json")
    return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in files}


@pytest.mark.slow
def test_fifty_finished_fills_are_left_alone(
    undescribed: Site, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fifty_fills(undescribed)
    outcome = undescribed.run()
    assert (outcome.status, outcome.out) == (0, "50 fills: nothing to do\n")
    opened.clear()
    before = stamps(undescribed)
    # Ends of results are looked at, which tell whether they are whole; none is read.
    monkeypatch.setattr(store, "load_pickle", None)
    outcome = undescribed.run()
    assert (outcome.status, outcome.out) == (0, "50 fills: nothing to do\n")
    assert stamps(undescribed) == before
    ours = {
        Path(name).name
        for name in opened
        if name.startswith(str(undescribed.root))
        and "/fill_db.d/" not in name
        and not name.endswith(".pkl.gz")
    }
    known = {"config.py", "fills_and_bmodes.pkl", "fill_db.yaml", "made.json", "status.json"}
    known |= {"now.txt"}
    assert {name for name in ours if not name.startswith(".status.json")} <= known
    assert "fills_and_bmodes.pkl" in ours


def test_only_what_is_missing_is_made(finished: Site) -> None:
    before = finished.contents()
    finished.remove("lifetime")
    outcome = finished.run()
    assert ran(outcome) == ["lifetime"]
    assert ran(outcome, OTHER) == []
    assert outcome.rows()[FILL][0] == "lifetime"
    assert "1 fill: nothing to do\n" in outcome.out
    assert finished.contents() == before


@pytest.mark.slow
def test_steps_of_an_earlier_run_are_taken_up_from_their_files(site: Site) -> None:
    for step in ALL:
        assert ran(site.run("--fill", FILL, "--doOnly", step)) == [step]
    apart = site.contents(FILL)
    site.run("--fill", FILL, "--force", "all")
    assert site.contents(FILL) == apart


@pytest.mark.slow
@pytest.mark.parametrize("step", ALL)
def test_forced_step_makes_the_same_result_anew(finished: Site, step: str) -> None:
    before = finished.contents()
    times = [path.stat().st_mtime_ns for path in finished.written(step)]
    assert ran(finished.run("--fill", FILL, "--force", step)) == [step]
    assert all(p.stat().st_mtime_ns > t for p, t in zip(finished.written(step), times))
    assert finished.contents() == before


def test_forced_step_runs_besides_what_is_missing(finished: Site) -> None:
    finished.remove("fits")
    assert ran(finished.run("--force", "lumi")) == ["lumi", "fits"]


def test_step_alone_leaves_what_is_missing(finished: Site) -> None:
    finished.remove("fits")
    assert ran(finished.run("--doOnly", "lumi")) == ["lumi"]


def test_stale_results_are_reported_and_left(undescribed: Site) -> None:
    undescribed.paths().basic_data.touch()
    before = undescribed.contents()
    outcome = undescribed.run()
    name = undescribed.paths().basic_data.name
    (line,) = outcome.lines("WARNING", f"fill {FILL}: sb is out of date (older than {name})")
    assert "--cascade or --force sb" in line
    assert outcome.status == 0
    assert undescribed.contents() == before


def test_cascade_makes_stale_results_again(undescribed: Site) -> None:
    undescribed.paths().basic_data.touch()
    outcome = undescribed.run("--cascade")
    assert ran(outcome) == ALL
    assert ran(outcome, OTHER) == []
    assert undescribed.run().out == "2 fills: nothing to do\n"


def test_cascade_makes_again_what_uses_a_forced_step(finished: Site) -> None:
    made = ran(finished.run("--force", "lumi", "--cascade"))
    assert {"lumi", "fits"} <= set(made)
    assert not {"sb", "cycle", "massi", "lifetime", "model"} & set(made)


def test_dependent_results_of_a_forced_step_are_stale_without_cascade(undescribed: Site) -> None:
    undescribed.run("--force", "lumi", "--fill", FILL)
    assert undescribed.run().lines("WARNING", f"fill {FILL}: fits is out of date")


# --- Massi archives


def dated(site: Site) -> list[str]:
    return sorted(p.name for p in site.paths().folder.glob("*_lumi_meas_*"))


def of_older_archive(site: Site, factor: float = 0.9) -> bytes:
    """Let the result be one of another version of the archive; return its bytes."""
    path = site.paths().lumi_meas
    data = lumimod.load(path)
    data["ATLAS"]["bunch_lumi"] = data["ATLAS"]["bunch_lumi"] * factor
    store.save_object(path, data)
    site.archive("ATLAS").touch()
    return path.read_bytes()


def database(site: Site) -> Any:
    return yaml.safe_load((site.results / "fill_db.yaml").read_text())


def test_changed_archive_keeps_the_old_result_under_its_date(finished: Site) -> None:
    old = of_older_archive(finished)
    outcome = finished.run()
    today = datetime.now()  # noqa: DTZ005 - local, as the name of the file
    assert ran(outcome) == MASSI_AGAIN
    assert dated(finished) == [f"fill_{FILL}_lumi_meas_{today:%Y%m%d}.pkl.gz"]
    assert (finished.paths().folder / dated(finished)[0]).read_bytes() == old


def test_second_change_on_a_day_keeps_both_old_results(finished: Site) -> None:
    for factor in (0.8, 0.9):
        of_older_archive(finished, factor)
        # Another time in the database is as good as one of the archive, which counts in seconds.
        path = finished.results / "fill_db.yaml"
        path.write_text(re.sub(r"\d\d:\d\d:\d\d", "00:00:01", path.read_text()))
        finished.run()
    assert len(dated(finished)) == 2


def test_changed_archive_is_in_the_database_afterwards(finished: Site) -> None:
    before = database(finished)
    finished.archive("ATLAS").touch()
    finished.run()
    after = database(finished)
    assert after[2017]["ATLAS"][f"{FILL}.tgz"] > before[2017]["ATLAS"][f"{FILL}.tgz"]
    after[2017]["ATLAS"][f"{FILL}.tgz"] = before[2017]["ATLAS"][f"{FILL}.tgz"]
    assert after == before
    assert finished.run().out == "2 fills: nothing to do\n"


def test_database_stays_if_the_changed_archive_cannot_be_read(finished: Site) -> None:
    before, old = database(finished), finished.contents(FILL)
    finished.archive("ATLAS").write_bytes(b"no archive")
    for _ in range(2):  # and so it is tried again
        outcome = finished.run()
        assert outcome.status == 1
        assert len(outcome.lines("ERROR", f"fill {FILL}: massi: ")) == 1
        assert database(finished) == before
    assert finished.contents(FILL).keys() == old.keys()
    assert finished.paths().lumi_meas.read_bytes() == old[finished.paths().lumi_meas.name]


def test_archive_of_a_fill_that_was_interrupted_later_on_is_read_again(
    finished: Site, replace_run: ReplaceRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    finished.archive("ATLAS").touch()
    replace_run("fits", interrupted)
    assert finished.run().status == 130
    monkeypatch.undo()
    assert ran(finished.run()) == MASSI_AGAIN


@pytest.mark.slow
@pytest.mark.parametrize("step", ["fits", "lifetime", "losses", "emittance"])
def test_archive_counts_as_read_only_when_what_takes_it_is_made(
    finished: Site, replace_run: ReplaceRun, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def no_room(_: object) -> None:
        raise OutputError("the disk is full")

    of_older_archive(finished)
    before = database(finished)
    replace_run(step, no_room)
    outcome = finished.run()
    assert outcome.status == 1
    assert outcome.lines("WARNING", f"fill {FILL}: massi: {step} failed; the next run does both")
    assert database(finished) == before
    monkeypatch.undo()
    assert ran(finished.run()) == MASSI_AGAIN
    assert database(finished) != before
    assert len(dated(finished)) == 1


def test_archive_that_was_only_copied_again_leaves_no_dated_result(finished: Site) -> None:
    finished.archive("ATLAS").touch()
    finished.run()
    assert dated(finished) == []


def test_forced_massi_with_a_changed_archive_keeps_the_old_result_too(finished: Site) -> None:
    of_older_archive(finished)
    outcome = finished.run("--force", "massi")
    assert ran(outcome) == MASSI_AGAIN
    assert ran(outcome, OTHER) == ["massi"]
    assert len(dated(finished)) == 1


def test_forced_massi_keeps_no_old_result(finished: Site) -> None:
    finished.run("--force", "massi")
    assert dated(finished) == []


def test_fits_and_lifetime_have_what_a_late_archive_brings(site: Site) -> None:
    aside = site.root / "later.tgz"
    site.archive("CMS").rename(aside)
    assert site.run("--fill", FILL).status == 1
    assert "life_time_Boff_bbb" not in load(site.paths().lifetime)[1]
    assert "tau_lumi_meas_coll" not in load(site.paths().fits)["ATLAS"]
    aside.rename(site.archive("CMS"))
    assert ran(site.run("--fill", FILL)) == MASSI_AGAIN
    assert "life_time_Boff_bbb" in load(site.paths().lifetime)[1]
    assert "tau_lumi_meas_coll" in load(site.paths().fits)["ATLAS"]


def test_logged_luminosity_is_used_without_archives(site: Site) -> None:
    site.archive("ATLAS").unlink()
    site.add_logged_lumi()
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert outcome.lines("WARNING", f"fill {FILL}", "no Massi archive", site.paths().bbb_lumi.name)
    assert not site.paths().lumi_meas.exists()
    logged = load(site.paths().lumi_meas_timber)
    assert "tau_lumi_meas_coll" in load(site.paths().fits)["ATLAS"]
    assert site.run("--fill", FILL).out == "1 fill: nothing to do\n"
    # The two sources differ by their noise alone.
    site.run("--fill", OTHER)
    massi = load(site.paths(OTHER).lumi_meas)
    for experiment in ("ATLAS", "CMS"):
        ratio = logged[experiment]["bunch_lumi"] / massi[experiment]["bunch_lumi"]
        assert np.all((ratio > 0.5) & (ratio < 2.0))


# --- killed


KILLED = """
import os, signal, sys
from lumimod.records import store
from lumimod.cli import main

plain = store.gzip_writer

def dying(file, level):
    if os.environ["DIE_AT"] in file.name:
        file.write(b"half of it")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return plain(file, level)

store.gzip_writer = dying
sys.exit(main(["--config", sys.argv[1], "--fill", sys.argv[2]]))
"""


def killed_while_writing(site: Site, path: Path) -> None:
    """Run the driver in a process that is killed halfway through a file."""
    env = {**os.environ, "DIE_AT": f"{path.name}."}
    done = forks.run(site.config, FILL, code=KILLED, cwd=site.root, env=env)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("name", ["sb", "cycle_model", "lumi_meas", "lifetime"])
def test_killed_run_leaves_no_half_result_and_the_next_completes_it(
    site: Site, name: str, tiny_results: Path
) -> None:
    path: Path = getattr(site.paths(), name)
    killed_while_writing(site, path)
    assert not path.exists()
    whole = {p.name: p.read_bytes() for p in (tiny_results / f"fill_{FILL}").glob("*.pkl.gz")}
    finished = {n: b for n, b in site.contents(FILL).items() if not n.startswith(".")}
    assert finished == {n: whole[n] for n in finished}
    unfinished = [p for p in site.leftovers() if p.parent == site.paths().folder]
    assert len(unfinished) == 1

    assert site.run("--fill", FILL).status == 0
    assert site.contents(FILL) == whole
    assert site.leftovers() == []


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_run_keeps_the_old_result_of_a_forced_step(finished: Site) -> None:
    path = finished.paths().lumi_calc
    path.unlink()
    killed_while_writing(finished, path)
    finished.run()
    old = path.read_bytes()
    finished.archive("ATLAS").touch()
    killed_while_writing(finished, finished.paths().lumi_meas)
    assert path.read_bytes() == old
    assert finished.paths().lumi_meas.exists()


def test_what_a_killed_run_left_is_removed_after_a_day(
    finished: Site, older: Any, good_results: Mapping[str, bytes]
) -> None:
    path = finished.paths(OTHER).lumi_calc
    leftover = path.with_name(f".{path.name}.0123456789abcdef.tmp")
    leftover.write_bytes(b"half of it")
    finished.run("--fill", OTHER, "--force", "lumi")
    assert leftover.exists()  # it may belong to another run that is under way
    older([leftover], 2 * 86400)
    finished.run("--fill", OTHER, "--force", "lumi")
    assert finished.contents(OTHER) == good_results


def test_results_moved_elsewhere_are_known_there(finished: Site) -> None:
    elsewhere = finished.root / "elsewhere"
    shutil.move(finished.results, elsewhere)
    finished.configure(
        stableBeams_folder=f"{elsewhere}/", massi_file_database=f"{elsewhere}/fill_db.yaml"
    )
    assert finished.run().out == "2 fills: nothing to do\n"
