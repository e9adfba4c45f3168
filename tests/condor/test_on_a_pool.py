"""Jobs on a real HTCondor pool: from --submit to the results, and everything that goes wrong."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lumimod.steps import TITLES
from tests.condor.conftest import FILLS, eventually, job_processes
from tests.condor.htcondor_log import assert_htcondor_reads_the_same
from tests.condor.pool import to_use

if TYPE_CHECKING:
    from tests.condor.conftest import Place

pytestmark = [
    pytest.mark.htcondor,
    pytest.mark.timeout(600),  # the first of them unpacks HTCondor
]

WAITS = """
import os, time
from pathlib import Path
from lumimod.records import store

plain = store.gzip_writer

def waiting(file, level):
    here = Path({root!r})
    if (here / "wait").exists():
        # Half of a file is there, and stays like this.
        file.write(b"half of it")
        file.flush()
        (here / "is_waiting").touch()
        while (here / "wait").exists():
            time.sleep(0.1)
        file.seek(0)
        file.truncate()
    return plain(file, level)

store.gzip_writer = waiting
"""
"""Lines of config.py: jobs stop in the middle of writing, as long as the file `wait` is there."""


def make_wait(place: Place) -> None:
    (place.root / "wait").touch()
    place.configure(WAITS.format(root=str(place.root)))


def await_writing(place: Place) -> None:
    eventually(lambda: "yes" if (place.root / "is_waiting").exists() else "no", "yes")


def cluster_of(folder: Path) -> int:
    (submission,) = json.loads((folder / "job.json").read_text())["submissions"]
    return int(submission["cluster"])


# --- all goes well


def test_the_lines_of_pool_up_serve_a_shell_that_has_its_own_tools(
    place: Place, tmp_path: Path
) -> None:
    script = to_use(place.pool) + "condor_q -totals && echo a line | tail -n 1 | head -n 1\n"
    environment = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(  # noqa: S603 - as who runs the tests, who may be root
        ["/bin/sh", "-ec", script], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("a line\n")
    assert {path.name[:7] for path in place.pool.programs.iterdir()} == {"condor_"}


def test_who_runs_the_tests_may_submit_also_if_that_is_root(place: Place) -> None:
    place.root.chmod(0o777)
    description = place.root / "true.sub"
    log = place.root / "true.log"
    description.write_text(f"executable = /bin/true\nlog = {log}\nqueue\n")
    script = f"{to_use(place.pool)}condor_submit -terse {description}\ncondor_wait -wait 60 {log}\n"
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-ec", script], env={"PATH": "/usr/bin:/bin"}, cwd=place.root,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All jobs done." in done.stdout


@pytest.mark.parametrize("way", ["command", "bindings"])
def test_five_fills_by_two_give_the_bytes_of_a_local_run(
    place: Place, local_results: Mapping[str, bytes], way: str
) -> None:
    place.configure(condor_submit_with=way)
    folder = place.submit("--fill", *FILLS, "--split", 2)
    manifest = json.loads((folder / "job.json").read_text())
    (submission,) = manifest["submissions"]
    assert submission["chunks"] == [[1, [5845, 5846, 5847]], [2, [5848, 5849]]]
    names = place.pool.call("condor_status", "-schedd", "-af", "Name").stdout.split()
    assert names == [submission["schedd"]]
    done = place.wait(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 fills: 5 done" in done.stdout
    assert f"{submission['cluster']}.1" in done.stdout
    assert place.contents() == local_results
    assert not list(place.results.rglob(".*"))
    assert len(list(folder.glob("*.log"))) == 1
    # Nothing is left to do, as after a local run: the database knows every archive.
    assert place.run().stdout == "5 fills: nothing to do\n"


def test_template_of_2017_works_where_paths_are_odd(
    odd_place: Place, local_results: Mapping[str, bytes]
) -> None:
    odd_place.configure(
        htcondor_sub="universe = vanilla\ngetenv = True\nshould_transfer_files = YES\n"
        "executable = <EXE>\ntransfer_input_files = config.py\noutput = <OUT>\nerror = <ERR>\n"
        "log = <LOG>\nqueue\n",
    )
    folder = odd_place.submit("--fill", 5845, 5849, "-b", 1)
    done = odd_place.wait(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {n: b for n, b in local_results.items() if "5845" in n or "5849" in n}
    assert odd_place.contents(5845, 5849) == names


def test_arguments_and_marks_reach_a_template_that_uses_them(odd_place: Place) -> None:
    tell = odd_place.root / "tell.sh"
    tell.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$CHUNK: $FILLS"\n')
    tell.chmod(0o755)
    exe = str(tell).replace("$", "$(DOLLAR)")
    odd_place.configure(
        htcondor_sub=f"# in place of <EXE>\nexecutable = {exe}\narguments = <ARGS>\n"
        "environment = \"CHUNK=<CHUNK> FILLS='<FILLS>'\"\noutput = <OUT>\nerror = <ERR>\n"
        "log = <LOG>\nqueue\n"
    )
    folder = odd_place.submit("--fill", 5845, 5846, "--doOnly", "sb", "--loglevel", 30)
    odd_place.await_status(folder, "2 missing steps")
    assert (folder / "chunk_1.out").read_text().splitlines() == [
        *("--config", str(folder / "config.py"), "--doOnly", "sb", "--loglevel", "30"),
        *("--report", str(folder / "chunk_1.json"), "--fill", "5845", "5846", "1: 5845 5846"),
    ]


def test_jobs_take_the_config_of_submission_and_the_options(place: Place) -> None:
    place.run("--fill", 5845, 5846)
    before = place.contents(5845, 5846)
    stamps = {p: p.stat().st_mtime_ns for p in place.results.rglob("*.gz")}
    place.configure(t_fit_length=1800.0, condor_setup="export FROM_SETUP=1\nulimit -c 0")
    options = ["--force", "fits", "lumi", "--cascade", "--verbose", "--no-plots"]
    folder = place.submit("--fill", 5845, 5846, "--split", 1, *options)
    place.configure(t_fit_length=900.0)  # edited while the jobs wait
    assert place.wait(folder).returncode == 0
    changed = {p.name for p, stamp in stamps.items() if p.stat().st_mtime_ns != stamp}
    assert {"fill_5845_fits.pkl.gz", "fill_5846_lumi_calc.pkl.gz"} <= changed
    assert "fill_5845_cycle.pkl.gz" not in changed
    as_submitted = place.contents(5845)["fill_5845_fits.pkl.gz"]
    assert as_submitted != before["fill_5845_fits.pkl.gz"]
    assert "DEBUG" in (folder / "chunk_1.err").read_text()
    script = (folder / "chunk_2.sh").read_text()
    options_of_job = "--force fits lumi --no-plots --cascade --verbose"
    assert f" {options_of_job} --report {folder}/chunk_2.json --fill 5846\n" in script
    place.configure(t_fit_length=1800.0)
    place.run("--fill", 5845, "--force", "fits")
    assert place.contents(5845)["fill_5845_fits.pkl.gz"] == as_submitted


def test_two_submissions_in_one_second_are_two_folders_and_both_end_well(
    place: Place, local_results: Mapping[str, bytes]
) -> None:
    folders: list[Path] = []
    threads = [
        threading.Thread(target=lambda: folders.append(place.submit("-n", 5845, 5846, "-b", "1")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(folders)) == 2
    for folder in folders:
        place.wait(folder)
    for folder in folders:  # the jobs of one may have left a fill to those of the other
        assert "2 fills: 2 done" in place.status(folder)
    expected = {n: b for n, b in local_results.items() if "5845" in n or "5846" in n}
    assert place.contents(5845, 5846) == expected


def test_submission_waits_for_its_jobs_if_asked_to(place: Place) -> None:
    done = place.run("--submit", "--fill", 5847, "--wait")
    assert "1 fill: 1 done" in done.stdout
    assert "1 fill: 1 running" in done.stderr or "1 fill: 1 idle" in done.stderr


# --- things go wrong


def test_failed_fill_is_named_with_its_reason_and_only_it_is_submitted_again(
    place: Place, local_results: Mapping[str, bytes]
) -> None:
    data = place.root / "data/fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_5847.csv"
    data = data if data.exists() else data.with_name(data.name + ".gz")
    good = data.read_bytes()
    data.write_bytes(b"")
    folder = place.submit("--fill", *FILLS, "--split", 2)
    done = place.wait(folder)
    assert done.returncode == 1
    assert "5 fills: 4 done, 1 failed" in done.stdout
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("fill ")]
    assert line.startswith("fill 5847: failed: sb: ")
    assert "the file is empty" in line
    assert f"missing: {' '.join(TITLES)}" in line
    assert f"--resubmit {folder}" in done.stdout

    data.write_bytes(good)
    again = place.run("--resubmit", folder)
    assert "1 job, in" in again.stdout
    manifest = json.loads((folder / "job.json").read_text())
    assert manifest["submissions"][1]["chunks"] == [[3, [5847]]]
    assert place.wait(folder).returncode == 0
    assert place.contents() == local_results
    assert "nothing to submit again" in place.run("--resubmit", folder).stdout


def test_job_that_cannot_even_start_says_why(place: Place) -> None:
    place.configure(condor_python="/nowhere/python3")
    folder = place.submit("--fill", 5845)
    done = place.wait(folder)
    assert done.returncode == 1
    assert "fill 5845: failed: job ended with status 12" in done.stdout
    assert "/nowhere/python3" in done.stdout


def test_held_job_is_shown_with_its_reason_and_replaced(
    place: Place, local_results: Mapping[str, bytes]
) -> None:
    make_wait(place)
    folder = place.submit("--fill", 5845, 5846, "--split", 1)
    await_writing(place)
    cluster = cluster_of(folder)
    place.pool.call("condor_hold", "-reason", "the disk is full", f"{cluster}.1")
    said = place.await_status(folder, "1 running", "1 held")
    assert "fill 5846: held: the disk is full" in said
    assert_htcondor_reads_the_same(folder / "lumimod.log")
    (place.root / "wait").unlink()
    assert "held: the disk is full" in place.wait(folder).stdout  # which does not wait for it
    assert "is still held" not in place.run("--resubmit", folder).stderr
    done = place.wait(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    queue = place.pool.call("condor_q", str(cluster), "-af", "JobStatus").stdout
    assert "5" not in queue.split()
    expected = {n: b for n, b in local_results.items() if "5845" in n or "5846" in n}
    assert place.contents(5845, 5846) == expected


def test_held_job_is_removed_by_the_bindings_from_its_own_schedd(place: Place) -> None:
    place.configure(condor_submit_with="bindings", condor_attributes={"requirements": "False"})
    folder = place.submit("--fill", 5845)
    cluster = cluster_of(folder)
    place.pool.call("condor_hold", str(cluster))
    place.await_status(folder, "1 held")
    assert "is still held" not in place.run("--resubmit", folder).stderr
    assert place.pool.call("condor_q", str(cluster), "-af", "JobStatus").stdout.strip() != "5"
    schedds = [s["schedd"] for s in json.loads((folder / "job.json").read_text())["submissions"]]
    assert len(schedds) == 2
    assert len(set(schedds)) == 1


def test_removed_job_is_shown_and_submitted_again(
    place: Place, local_results: Mapping[str, bytes]
) -> None:
    make_wait(place)
    folder = place.submit("--fill", 5845, "--split", 1)
    await_writing(place)
    cluster = cluster_of(folder)
    place.pool.call("condor_rm", str(cluster))
    said = place.await_status(folder, "1 removed")
    assert "fill 5845: removed: via condor_rm" in said
    assert_htcondor_reads_the_same(folder / "lumimod.log")
    assert f"missing: {' '.join(TITLES)}" in said
    (place.root / "wait").unlink()
    place.run("--resubmit", folder)
    done = place.wait(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = {n: b for n, b in local_results.items() if "5845" in n}
    assert place.contents(5845) == expected


def test_job_killed_in_the_middle_of_a_step_starts_again_and_leaves_nothing_half_done(
    place: Place, local_results: Mapping[str, bytes]
) -> None:
    make_wait(place)
    folder = place.submit("--fill", 5845, 5846)
    await_writing(place)
    half = [p for p in place.results.rglob(".*.tmp") if p.read_bytes() == b"half of it"]
    assert len(half) == 1
    (place.root / "wait").unlink()
    (driver,) = job_processes(folder)
    os.kill(driver, signal.SIGKILL)
    done = place.wait(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    log = (folder / "lumimod.log").read_text()
    assert log.count("Job executing on host") == 2
    assert_htcondor_reads_the_same(folder / "lumimod.log")
    expected = {n: b for n, b in local_results.items() if "5845" in n or "5846" in n}
    assert place.contents(5845, 5846) == expected
    assert not list(place.results.rglob(".*"))


def test_job_that_is_killed_each_time_is_given_up_with_the_signal(place: Place) -> None:
    place.configure("import os\nif 'LUMIMOD_JOB' in os.environ:\n    os.kill(os.getpid(), 9)\n")
    folder = place.submit("--fill", 5845)
    done = place.wait(folder)
    assert done.returncode == 1
    assert "fill 5845: failed: killed by signal 9 at each of 3 starts" in done.stdout


@pytest.mark.parametrize("way", ["command", "bindings"])
def test_what_htcondor_refuses_is_told_and_can_be_submitted_later(place: Place, way: str) -> None:
    place.configure(condor_attributes={"requirements": "((("}, condor_submit_with=way)
    done = place.run("--submit", "--fill", 5845, check=False)
    assert done.returncode == 1
    (line,) = [x for x in done.stderr.splitlines() if "INFO" not in x]
    (folder,) = place.root.glob("lumimod_JOB_*")
    assert line.startswith("lumimod: ")
    assert f"nothing was submitted; the files for it are in {folder}" in line
    assert "1 fill: 1 not submitted" in place.status(folder)
    place.configure(condor_submit_with=way)
    (folder / "config.py").write_bytes(place.config.read_bytes())
    place.run("--resubmit", folder)
    assert place.wait(folder).returncode == 0


def test_season_is_one_cluster_of_jobs(place: Place) -> None:
    fills = range(5000, 5300)
    modes = place.root / "data/fills_and_bmodes.pkl"
    table = pickle.loads(modes.read_bytes())  # noqa: S301 - made by the test
    modes.write_bytes(pickle.dumps({fill: table[5845] for fill in fills}))
    place.configure(condor_attributes={"requirements": "False"}, first_fill=5000)
    folder = place.submit("--split", 2)
    (submission,) = json.loads((folder / "job.json").read_text())["submissions"]
    assert [fill for _, fs in submission["chunks"] for fill in fs] == list(fills)
    said = place.await_status(folder, "300 fills: 300 idle")
    assert f"{submission['cluster']}.149 " in said
