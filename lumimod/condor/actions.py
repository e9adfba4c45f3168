"""What the command line can ask for: submit, look, wait, submit again."""

from __future__ import annotations

import logging
import shlex
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

import lumimod
from lumimod.atomic import replacing
from lumimod.condor import eventlog, folder, status, submit
from lumimod.condor.chunks import Chunk, split
from lumimod.condor.describe import description, script
from lumimod.condor.folder import JobFolder, Manifest, Submission
from lumimod.condor.status import Report, State
from lumimod.config.settings import Config, load_config
from lumimod.errors import CondorError, ConfigError, OutputError
from lumimod.run import claims

log = logging.getLogger(__name__)

POLL_S = 2.0


@dataclass(frozen=True)
class Request:
    """What the command line asks the jobs to do."""

    options: tuple[str, ...]
    """Of the jobs, without --config and --fill."""
    command: tuple[str, ...]
    """What was typed."""
    split: int | None = None
    only: tuple[str, ...] = ()
    """Steps of --doOnly; none: all."""


# --- submit


def submit_fills(cfg: Config, fills: Sequence[int], ask: Request, *, dry_run: bool) -> JobFolder:
    """Write a job folder for the fills and submit it; return the folder.

    Raises
    ------
    CondorError
        The folder cannot be written, or HTCondor is not there or refuses.
    """
    if not dry_run:
        submit.way(cfg.condor)  # before anything is written
    jobs = folder.create(cfg.condor.folder, fills, datetime.now())
    if is_on_eos(jobs.path):
        log.warning(
            "%s is on EOS, where HTCondor writes no logs: set condor_folder in config.py to a "
            "folder on AFS, or submit by EosSubmit", jobs.path,
        )  # fmt: skip
    manifest = Manifest(
        cwd=str(Path.cwd()),
        host=socket.gethostname(),
        version=lumimod.__version__,
        config=str(_config_for_jobs(cfg, jobs)),
        driver=_driver(cfg),
        options=ask.options,
        split=ask.split,
        only=ask.only,
    )
    _write(jobs.path / "command.sh", _as_typed(manifest, ask.command))
    _submit_chunks(cfg, jobs, manifest, split(fills, ask.split), ask.command, dry_run=dry_run)
    return jobs


def _config_for_jobs(cfg: Config, jobs: JobFolder) -> Path:
    """Copy config.py into the job folder; return the one that means what it meant here."""
    _write(jobs.config, cfg.path.read_bytes())
    try:
        same = replace(load_config(jobs.config), path=cfg.path) == cfg
        same = same and not _imports_from(cfg.path.parent)
    except ConfigError:
        same = False
    if same:
        return jobs.config
    log.warning(
        "%s means something else where it is copied to, since it depends on its own folder: the "
        "jobs read it where it is; leave it alone until they have ended", cfg.path,
    )  # fmt: skip
    return cfg.path


def _imports_from(folder: Path) -> bool:
    """Return whether a module that lies in a folder was imported, by config.py that is."""
    places = {folder / f"{name}.py" for name in sys.modules}
    places |= {folder / name / "__init__.py" for name in sys.modules}
    files = (getattr(m, "__file__", None) for n, m in sys.modules.items() if n != "lumimod")
    return any(file and Path(file) in places for file in files)


def is_on_eos(path: Path) -> bool:
    """Return whether a folder is on CERN's EOS, where HTCondor writes no logs."""
    return path.parts[1:2] == ("eos",)


def _driver(cfg: Config) -> tuple[str, ...]:
    """Return interpreter and program of the jobs."""
    package = Path(lumimod.__file__).resolve().parent
    program = package.with_name("lumimod.py")
    python = cfg.condor.python or sys.executable
    return (python, str(program)) if program.is_file() else (python, "-m", "lumimod")


def _as_typed(manifest: Manifest, command: Sequence[str]) -> bytes:
    line = " ".join(shlex.quote(word) for word in command)
    return (
        f"#!/bin/bash\n# What was typed on {manifest.host} with lumimod {manifest.version}\n"
        f"# on {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}; job.json says what became of "
        f"it,\n# config.py beside this file is the one of that day.\n"
        f"cd {shlex.quote(manifest.cwd)} && {line}\n"
    ).encode()


def _submit_chunks(
    cfg: Config,
    jobs: JobFolder,
    manifest: Manifest,
    chunks: Sequence[Chunk],
    command: Sequence[str],
    *,
    dry_run: bool,
) -> None:
    """Write the scripts and the description of chunks and submit them as one cluster."""
    to_submit = jobs.description(len(manifest.submissions))
    arguments = ["--config", manifest.config, *manifest.options]
    environment = {claims.JOB_VARIABLE: jobs.path.name}
    for chunk in chunks:
        report = ["--report", str(jobs.report(chunk))]
        text = script(
            chunk, [*manifest.driver, *arguments, *report], cwd=Path(manifest.cwd),
            setup=cfg.condor.setup, environment=environment,
        )  # fmt: skip
        _write(jobs.script(chunk), text.encode())
        jobs.script(chunk).chmod(0o755)
    _write(to_submit, description(cfg.condor, jobs.path, chunks, arguments).encode())
    submission = Submission(to_submit.name, tuple(chunks), command=tuple(command))
    manifest = replace(manifest, submissions=(*manifest.submissions, submission))
    jobs.save(manifest)
    n_jobs = f"{len(chunks)} job{'' if len(chunks) == 1 else 's'}"
    if dry_run:
        sys.stdout.write(f"{n_jobs} not submitted, in {jobs.path}\n")
        sys.stdout.write(f"to submit: condor_submit {shlex.quote(str(to_submit))}\n")
        return
    try:
        cluster = submit.submit(cfg.condor, to_submit)
    except CondorError as exc:
        raise CondorError(
            f"{exc}; nothing is submitted; what was written is in {jobs.path}"
        ) from exc
    jobs.save(manifest.with_cluster(cluster, f"{datetime.now():%Y-%m-%d %H:%M:%S}"))
    sys.stdout.write(f"cluster {cluster}: {n_jobs}, in {jobs.path}\n")


def _write(path: Path, content: bytes) -> None:
    try:
        with replacing(path) as file:
            file.write(content)
    except OutputError as exc:
        raise CondorError(str(exc)) from exc


# --- afterwards


def find(parent: Path, wanted: Path | None) -> JobFolder:
    """Return the job folder asked for, or the newest one of a folder."""
    if wanted is not None:
        return JobFolder(wanted.expanduser().absolute())
    found, n_others = folder.newest(parent)
    if n_others:
        log.info("the newest of %d job folders in %s", n_others + 1, parent.absolute())
    return found


def show(jobs: JobFolder) -> bool:
    """Print how the fills of a job folder are doing; return whether all is well."""
    report = status.look(jobs)
    sys.stdout.write(status.table(report))
    return report.all_well


def wait(jobs: JobFolder) -> None:
    """Follow the jobs until none is left in the queue that goes on without help."""
    report = status.look(jobs)
    _refuse_unsubmitted(report)
    total = len(report.fills)
    terminal = sys.stderr.isatty()
    with tqdm(total=total, unit="fill", disable=not terminal, dynamic_ncols=True) as bar:
        said, took_s = "", 0.0
        while True:
            line = status.summary(report)
            bar.n = sum(not fill.state.goes_on for fill in report.fills)
            bar.set_description(line.partition(": ")[2])
            if line != said and not terminal:
                log.info("%s", line)
            said = line
            if not report.goes_on:
                return
            time.sleep(max(POLL_S, 5 * took_s))  # files far away are not asked all the time
            began = time.monotonic()
            report = status.look(jobs)
            took_s = time.monotonic() - began


def _refuse_unsubmitted(report: Report) -> None:
    if State.UNSUBMITTED in report.counts:
        name = report.manifest.submissions[-1].description
        raise CondorError(
            f"{report.folder.path} was written but not submitted: condor_submit "
            f"{report.folder.path / name}"
        )


def resubmit(
    jobs: JobFolder, command: Sequence[str], *, size: int | None = None, dry_run: bool = False
) -> bool:
    """Submit the fills again that failed or never finished; return whether there are any.

    Held jobs are taken out of the queue and replaced; those that go on are left alone. The
    config.py of the job folder counts.
    """
    report = status.look(jobs)
    again = [fill for fill in report.fills if fill.state.lost or fill.state is State.HELD]
    if not again:
        sys.stdout.write(f"{status.summary(report)}: nothing to submit again\n")
        return False
    manifest = report.manifest
    with status.working_directory(manifest):
        cfg = load_config(Path(manifest.config))
        if not dry_run:
            submit.remove(cfg.condor, _held_jobs(report))
        number = max(chunk.number for chunk in manifest.chunks) + 1
        chunks = split([fill.fill for fill in again], size or manifest.split, number)
        _submit_chunks(cfg, jobs, manifest, chunks, command, dry_run=dry_run)
    return True


def _held_jobs(report: Report) -> list[eventlog.JobId]:
    held = (fill.job for fill in report.fills if fill.state is State.HELD)
    return sorted({job.id for job in held if job is not None})
