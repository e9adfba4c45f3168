"""The job log: what each event makes of a job."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lumimod.condor.eventlog import CondorJob, Phase, read_jobs
from lumimod.condor.folder import JobFolder
from lumimod.errors import BadInputError, CondorError
from lumimod.run.report_file import load_report
from tests.condor.htcondor_log import assert_htcondor_reads_the_same

WHEN = "2026-11-25 03:55:53"
SUBMITTED = f"""\
000 (007.000.000) {WHEN} Job submitted from host: <127.0.0.1:36001?alias=vm>
    lumimod chunk 4: fills 5845 5848
...
"""
STARTED = f"""\
001 (007.000.000) {WHEN} Job executing on host: <127.0.0.1:38779>
\tSlotName: slot1_1@vm
\tCpus = 1
...
"""
SIZE = (
    f"006 (007.000.000) {WHEN} Image size of job updated: 1\n\t7  -  MemoryUsage of job (MB)\n...\n"
)


def event(number: int, *lines: str) -> str:
    return "\n".join([f"{number:03} (007.000.000) {WHEN} {lines[0]}", *lines[1:], "...\n"])


USAGE = [
    "\t\tUsr 0 00:00:01, Sys 0 00:00:00  -  Run Remote Usage",
    "\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage",
]
TOTAL = [line.replace("Run", "Total") for line in USAGE]
BYTES = ["\t0  -  Run Bytes Sent By Job", "\t0  -  Run Bytes Received By Job"]
TERMINATED = event(
    5, "Job terminated.", "\t(1) Normal termination (return value 3)", *USAGE, *TOTAL, *BYTES
)
KILLED = event(
    5, "Job terminated.", "\t(0) Abnormal termination (signal 9)", "\t(0) No core file", *USAGE,
    *TOTAL, *BYTES,
)  # fmt: skip
HELD = event(12, "Job was held.", "\tthe disk is full", "\tCode 1 Subcode 0")
HELD_WITH_CODE = event(12, "Job was held.", "\tCode 7 of the pool", "\tCode 1 Subcode 0")
RELEASED = event(13, "Job was released.", "\tvia condor_release (by user me)")
REMOVED = event(9, "Job was aborted.", "\tvia condor_rm (by user me)")
EVICTED = event(4, "Job was evicted.", "\t(0) CPU times", *USAGE, *BYTES)
REQUEUED = event(
    4, "Job was evicted.", "\t(0) Job terminated and was requeued", *USAGE, *BYTES,
    "\t(0) Abnormal termination (signal 9)", "\t(0) No core file",
    "\tThe job attribute OnExitRemove expression 'False' evaluated to FALSE",
)  # fmt: skip
SHADOW = event(7, "Shadow exception!", "\tError from slot1: the node is gone", *BYTES)
SUSPENDED = event(10, "Job was suspended.", "\tNumber of processes actually suspended: 1")
GOES_ON = event(11, "Job was unsuspended.")
LOST = event(
    22, "Job disconnected, attempting to reconnect", "    Socket closed",
    "    Trying to reconnect to slot1@node <192.0.2.1:38779>",
)  # fmt: skip
BACK = event(
    23, "Job reconnected to slot1@node", "    startd address: <192.0.2.1:38779>",
    "    starter address: <192.0.2.1:38780>",
)  # fmt: skip
GIVEN_UP = event(
    24, "Job reconnection failed", "    Job disconnected too long",
    "    Can not reconnect to slot1@node, rescheduling job",
)  # fmt: skip
CLUSTER_GONE = f"036 (007.-01.000) {WHEN} Cluster removed\n\tMaterialized 300 jobs.\n...\n"


def job(tmp_path: Path, *events: str) -> CondorJob:
    path = tmp_path / "lumimod.log"
    path.write_text("".join(events))
    (found,) = read_jobs(path).values()
    return found


@pytest.mark.parametrize(
    ("events", "phase", "reason"),
    [
        ([], Phase.IDLE, ""),
        ([STARTED], Phase.RUNNING, ""),
        ([STARTED, SIZE], Phase.RUNNING, ""),
        ([STARTED, TERMINATED], Phase.ENDED, ""),
        ([STARTED, KILLED], Phase.ENDED, ""),
        ([STARTED, HELD], Phase.HELD, "the disk is full"),
        ([HELD, RELEASED], Phase.IDLE, ""),
        ([HELD, REMOVED], Phase.REMOVED, "via condor_rm (by user me)"),
        ([STARTED, EVICTED], Phase.IDLE, "Job was evicted; starts again"),
        ([STARTED, REQUEUED], Phase.IDLE, "killed by signal 9; starts again"),
        ([STARTED, REQUEUED, STARTED], Phase.RUNNING, ""),
        ([STARTED, SHADOW], Phase.IDLE, "Shadow exception!; starts again"),
        ([STARTED, SUSPENDED], Phase.SUSPENDED, ""),
        ([STARTED, SUSPENDED, GOES_ON], Phase.RUNNING, ""),
        ([STARTED, LOST], Phase.RUNNING, "Job disconnected, attempting to reconnect"),
        ([STARTED, LOST, BACK], Phase.RUNNING, ""),
        ([STARTED, LOST, TERMINATED], Phase.ENDED, ""),
        ([STARTED, LOST, GIVEN_UP], Phase.IDLE, "Job reconnection failed; starts again"),
        ([event(12, "Job was held.")], Phase.HELD, "Job was held"),
        ([HELD_WITH_CODE], Phase.HELD, "Code 7 of the pool"),
        ([STARTED, CLUSTER_GONE], Phase.RUNNING, ""),
    ],
)
def test_last_events_say_where_a_job_is(
    tmp_path: Path, events: list[str], phase: Phase, reason: str
) -> None:
    found = job(tmp_path, SUBMITTED, *events)
    assert (found.phase, found.reason) == (phase, reason)
    assert (found.id, found.chunk, found.when) == ((7, 0), 4, WHEN)
    if LOST not in events[-1:]:  # what the job does meanwhile is not known
        assert_htcondor_reads_the_same(tmp_path / "lumimod.log")


def test_end_tells_status_or_signal(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED, TERMINATED).status == 3
    killed = job(tmp_path, SUBMITTED, STARTED, KILLED)
    assert (killed.status, killed.signal, killed.n_starts) == (None, 9, 1)


LOG = Path(__file__).with_name("lumimod.log")
"""A log of HTCondor 23.9: jobs that ended, were killed, held, released, evicted and removed."""


def test_log_of_a_pool_is_understood() -> None:
    found = read_jobs(LOG)
    ends = {j.chunk: (j.phase, j.status, j.signal, j.n_starts, j.reason) for j in found.values()}
    removed = "via condor_rm (by user nobody)"
    assert ends == {
        1: (Phase.ENDED, None, 9, 3, ""),
        2: (Phase.ENDED, 0, None, 1, ""),
        3: (Phase.ENDED, 12, None, 1, ""),
        7: (Phase.ENDED, 0, None, 1, ""),
        107: (Phase.REMOVED, None, None, 0, removed),
        301: (Phase.REMOVED, None, None, 1, removed),
        302: (Phase.REMOVED, None, None, 1, removed),
        303: (Phase.REMOVED, None, None, 2, removed),
        304: (Phase.REMOVED, None, None, 1, removed),
    }


@pytest.mark.parametrize("n_events", range(0, 51, 5))
def test_htcondor_reads_the_log_of_a_pool_in_the_same_way(tmp_path: Path, n_events: int) -> None:
    path = tmp_path / "lumimod.log"
    events = LOG.read_text().split("...\n")
    path.write_text("".join(f"{text}...\n" for text in events[:n_events]))
    assert_htcondor_reads_the_same(path)


def test_event_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    for cut in range(1, len(TERMINATED) - 1):
        assert job(tmp_path, SUBMITTED, STARTED, TERMINATED[:cut]).phase is Phase.RUNNING


@pytest.mark.parametrize("cut", [20, 60, -5])
def test_event_that_was_cut_short_costs_no_other_event(tmp_path: Path, cut: int) -> None:
    # As on a full disk, which someone then cleared.
    found = job(tmp_path, SUBMITTED, STARTED[:cut] + "\n", HELD, RELEASED[:cut] + "\n", TERMINATED)
    assert (found.phase, found.status, found.n_starts) == (Phase.ENDED, 3, 0)


@pytest.mark.parametrize(
    "stray",
    [
        b"stray line\n",
        b"...\n",
        b"\0\0\0\n",
        b"077 (007.000.000) " + WHEN.encode() + b" New.\n...\n",
    ],
    ids=repr,
)
def test_stray_text_and_unknown_events_cost_no_other_event(tmp_path: Path, stray: bytes) -> None:
    path = tmp_path / "lumimod.log"
    path.write_bytes(SUBMITTED.encode() + stray + HELD.replace("disk", "d\xefsk").encode("latin-1"))
    (found,) = read_jobs(path).values()
    assert (found.phase, found.reason) == (Phase.HELD, "the d\ufffdsk is full")


def test_second_end_of_an_event_is_not_a_second_event(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED, STARTED, "...\n").n_starts == 1


def test_jobs_of_a_log_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "lumimod.log"
    other = SUBMITTED.replace("007.000", "0123.011").replace("chunk 4", "chunk 5")
    path.write_text(SUBMITTED + other + STARTED)
    found = read_jobs(path)
    assert found[7, 0].phase is Phase.RUNNING
    assert (found[123, 11].phase, found[123, 11].chunk) == (Phase.IDLE, 5)


def test_dates_of_older_versions_are_understood(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED.replace("2026-11-25", "11/25")).when == "11/25 03:55:53"


def test_job_that_is_not_of_lumimod_has_no_chunk(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED.replace("lumimod chunk", "a note")).chunk is None


def test_log_that_is_not_there_yet_has_no_jobs(tmp_path: Path) -> None:
    assert read_jobs(tmp_path / "lumimod.log") == {}


def test_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CondorError, match="job log .* cannot be read"):
        read_jobs(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_named_pipes_in_a_job_folder_are_refused(tmp_path: Path) -> None:
    for name in ("lumimod.log", "job.json", "report.json"):
        os.mkfifo(tmp_path / name)
    for read in (
        lambda: read_jobs(tmp_path / "lumimod.log"),
        JobFolder(tmp_path).load,
        lambda: load_report(tmp_path / "report.json"),
    ):
        with pytest.raises(BadInputError, match="is a named pipe, not a file"):
            read()
