"""Submitting again what failed or never finished: `--resubmit`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from lumimod.condor import status, submit
from lumimod.condor.actions import submit_chunks
from lumimod.condor.chunks import split_fills
from lumimod.condor.eventlog import CondorJob
from lumimod.condor.folder import JobFolder, Manifest
from lumimod.condor.status import FolderReport, State
from lumimod.config.settings import Config, load_config
from lumimod.errors import CondorError

log = logging.getLogger(__name__)


def resubmit(
    jobs: JobFolder, command: Sequence[str], *, size: int | None = None, dry_run: bool = False
) -> bool:
    """Submit the fills again that failed or never finished; return whether there are any.

    Held jobs are removed from the queue and replaced; jobs that wait or run are left alone. The
    jobs read the same config.py as those before, and go to the same schedd. A held job that cannot
    be removed is named, and replaced all the same.

    Raises
    ------
    CondorError
        HTCondor is not there or refuses.
    """
    report = status.read_status(jobs)
    again = [fill for fill in report.fills if fill.state.lost or fill.state is State.HELD]
    if not again:
        sys.stdout.write(f"{status.summary(report)}: nothing to submit again\n")
        return False
    manifest = report.manifest
    with status.working_directory(manifest):
        cfg = load_config(Path(manifest.config))
        if not dry_run:
            _remove_held(cfg, report)
        number = max(chunk.number for chunk in manifest.chunks) + 1
        chunks = split_fills([fill.fill for fill in again], size or manifest.split, number)
        schedd = _last_schedd(report)
        submit_chunks(cfg, jobs, manifest, chunks, command, dry_run=dry_run, schedd=schedd)
    return True


def _remove_held(cfg: Config, report: FolderReport) -> None:
    """Remove the held jobs from their queues; name those that cannot be removed."""
    submit.submit_method(cfg.condor)  # without HTCondor nothing else would go on either
    held = {fill.job for fill in report.fills if fill.state is State.HELD}
    for job in sorted((job for job in held if job is not None), key=lambda job: job.id):
        schedd = _schedd_of(report.manifest, job)
        try:
            submit.remove_job(cfg.condor, job.id, schedd)
        except CondorError as exc:
            log.warning(
                "job %d.%d is still held (%s); its fills are submitted again; to remove it: %s",
                *job.id, exc, submit.remove_command(job.id, schedd),
            )  # fmt: skip


def _schedd_of(manifest: Manifest, job: CondorJob) -> str:
    """Return the schedd of a job, as noted at its submission or else from the log."""
    return manifest.schedd_of(job.id[0]) or job.host


def _last_schedd(report: FolderReport) -> str:
    """Return the schedd of the last submission, which writes the log of this folder."""
    noted = [s.schedd for s in report.manifest.submissions if s.schedd]
    if noted:
        return noted[-1]
    jobs = [fill.job for fill in report.fills if fill.job is not None]
    return max(jobs, key=lambda job: job.id).host if jobs else ""
