"""The job log: what each event makes of a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from lumimod.condor import eventlog
from lumimod.condor.eventlog import Job, Phase
from lumimod.errors import CondorError

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


TERMINATED = event(5, "Job terminated.", "\t(1) Normal termination (return value 3)", "\t\tUsr 0")
KILLED = event(5, "Job terminated.", "\t(0) Abnormal termination (signal 9)", "\t(0) No core file")
HELD = event(12, "Job was held.", "\tthe disk is full", "\tCode 1 Subcode 0")
RELEASED = event(13, "Job was released.", "\tvia condor_release (by user me)")
REMOVED = event(9, "Job was aborted.", "\tvia condor_rm (by user me)")
EVICTED = event(4, "Job was evicted.", "\t(0) CPU times", "\t\tUsr 0 00:00:00")
REQUEUED = event(
    4, "Job was evicted.", "\t(0) CPU times", "\t(1) Job terminated and was requeued",
    "\t(0) Abnormal termination (signal 9)",
)  # fmt: skip
SHADOW = event(7, "Shadow exception!", "\tError from slot1: the node is gone")
SUSPENDED = event(10, "Job was suspended.", "\tNumber of processes actually suspended: 1")
GOES_ON = event(11, "Job was unsuspended.")
LOST = event(22, "Job disconnected, attempting to reconnect", "\tSocket closed")
BACK = event(23, "Job reconnected to slot1@vm")
GIVEN_UP = event(24, "Job reconnection failed", "\tJob disconnected too long")


def job(tmp_path: Path, *events: str) -> Job:
    path = tmp_path / "lumimod.log"
    path.write_text("".join(events))
    (found,) = eventlog.read(path).values()
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
        ([STARTED, LOST, GIVEN_UP], Phase.IDLE, "Job reconnection failed; starts again"),
        ([event(12, "Job was held.")], Phase.HELD, "Job was held"),
    ],
)
def test_last_events_say_where_a_job_is(
    tmp_path: Path, events: list[str], phase: Phase, reason: str
) -> None:
    found = job(tmp_path, SUBMITTED, *events)
    assert (found.phase, found.reason) == (phase, reason)
    assert (found.id, found.chunk, found.when) == ((7, 0), 4, WHEN)


def test_end_tells_status_or_signal(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED, TERMINATED).status == 3
    killed = job(tmp_path, SUBMITTED, STARTED, KILLED)
    assert (killed.status, killed.signal, killed.n_starts) == (None, 9, 1)


def test_event_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    for cut in range(1, len(TERMINATED) - 1):
        assert job(tmp_path, SUBMITTED, STARTED, TERMINATED[:cut]).phase is Phase.RUNNING


def test_jobs_of_a_log_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "lumimod.log"
    other = SUBMITTED.replace("007.000", "0123.011").replace("chunk 4", "chunk 5")
    path.write_text(SUBMITTED + other + STARTED)
    found = eventlog.read(path)
    assert found[7, 0].phase is Phase.RUNNING
    assert (found[123, 11].phase, found[123, 11].chunk) == (Phase.IDLE, 5)


def test_dates_of_older_versions_are_understood(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED.replace("2026-11-25", "11/25")).when == "11/25 03:55:53"


def test_job_that_is_not_of_lumimod_has_no_chunk(tmp_path: Path) -> None:
    assert job(tmp_path, SUBMITTED.replace("lumimod chunk", "a note")).chunk is None


def test_log_that_is_not_there_yet_has_no_jobs(tmp_path: Path) -> None:
    assert eventlog.read(tmp_path / "lumimod.log") == {}


def test_log_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CondorError, match="job log .* cannot be read"):
        eventlog.read(tmp_path)
