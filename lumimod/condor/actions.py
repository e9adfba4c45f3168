"""What the command line asks for: submit fills, show how they are doing, wait, submit again."""

from __future__ import annotations

import ast
import logging
import shlex
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

import lumimod
from lumimod.atomic import replacing
from lumimod.condor import status, submit
from lumimod.condor.chunks import Chunk, split_fills
from lumimod.condor.describe import description, script
from lumimod.condor.folder import (
    JobFolder,
    Manifest,
    Submission,
    create_job_folder,
    newest_job_folder,
)
from lumimod.condor.status import FolderReport, State
from lumimod.config.settings import Config, load_config
from lumimod.errors import CondorError, ConfigError, OutputError
from lumimod.run import claims

log = logging.getLogger(__name__)

POLL_S = 2.0


@dataclass(frozen=True)
class Request:
    """What the command line asks the jobs to do."""

    options: tuple[str, ...]
    """Options of the jobs, without --config and --fill."""
    command: tuple[str, ...]
    """The command line as it was typed."""
    split: int | None = None
    """Fills per job; None: one job runs all."""
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
        submit.submit_method(cfg.condor)  # fails before anything is written
    jobs = create_job_folder(cfg.condor.folder, fills, datetime.now())
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
    submit_chunks(cfg, jobs, manifest, split_fills(fills, ask.split), ask.command, dry_run=dry_run)
    return jobs


def _config_for_jobs(cfg: Config, jobs: JobFolder) -> Path:
    """Copy config.py into the job folder; return the file that the jobs are to read.

    That is the copy, unless it gives other settings than the original.
    """
    _write(jobs.config, cfg.path.read_bytes())
    try:
        same = replace(load_config(jobs.config), path=cfg.path) == cfg
    except ConfigError:
        same = False
    if same and not _imports_neighbour(cfg.path):
        return jobs.config
    log.warning(
        "%s depends on the folder that it is in, so that a copy does not serve: the jobs read the "
        "file itself; do not change it until they have ended", cfg.path,
    )  # fmt: skip
    return cfg.path


def _imports_neighbour(config: Path) -> bool:
    """Return whether config.py imports a module that lies beside it."""
    folder = config.parent
    return any(
        (folder / f"{name}.py").exists() or (folder / name).is_dir()
        for name in _imported(config)
        if name != "lumimod"  # the package itself, where config.py lies in the checkout
    )


def _imported(config: Path) -> Iterator[str]:
    """Yield the top-level names of the modules that config.py imports."""
    for node in ast.walk(ast.parse(config.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def is_on_eos(path: Path) -> bool:
    """Return whether a folder is on CERN's EOS, where HTCondor writes no logs."""
    return path.parts[1:2] == ("eos",)


def _driver(cfg: Config) -> tuple[str, ...]:
    """Return the command of the jobs: interpreter and program."""
    package = Path(lumimod.__file__).resolve().parent
    program = package.with_name("lumimod.py")
    python = cfg.condor.python or sys.executable
    return (python, str(program)) if program.is_file() else (python, "-m", "lumimod")


def _as_typed(manifest: Manifest, command: Sequence[str]) -> bytes:
    line = " ".join(shlex.quote(word) for word in command)
    return (
        f"#!/bin/bash\n# The command of this submission, with lumimod {manifest.version}\n"
        f"# on {manifest.host}, {datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z}\n"
        f"cd {shlex.quote(manifest.cwd)} && {line}\n"
    ).encode()


def submit_chunks(
    cfg: Config,
    jobs: JobFolder,
    manifest: Manifest,
    chunks: Sequence[Chunk],
    command: Sequence[str],
    *,
    dry_run: bool,
    schedd: str = "",
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
    before, manifest = manifest, replace(manifest, submissions=(*manifest.submissions, submission))
    jobs.save(manifest)
    n_jobs = f"{len(chunks)} job{'' if len(chunks) == 1 else 's'}"
    if dry_run:
        sys.stdout.write(f"{n_jobs} not submitted, in {jobs.path}\n")
        sys.stdout.write(f"to submit: {jobs.submit_command(manifest)}\n")
        return
    try:
        queued = submit.submit_description(cfg.condor, to_submit, schedd)
    except CondorError as exc:
        if before.submissions:
            jobs.save(before)  # its fills are still those of the submission before
        raise CondorError(
            f"{exc}; nothing was submitted; the files for it are in {jobs.path}"
        ) from exc
    when = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    jobs.save(manifest.with_cluster(queued.cluster, when, queued.schedd))
    sys.stdout.write(f"cluster {queued.cluster}: {n_jobs}, in {jobs.path}\n")


def _write(path: Path, content: bytes) -> None:
    try:
        with replacing(path) as file:
            file.write(content)
    except OutputError as exc:
        raise CondorError(str(exc)) from exc


# --- afterwards


def any_folder(parent: Path) -> bool:
    """Return whether there is a job folder in `parent`."""
    try:
        newest_job_folder(parent)
    except CondorError:
        return False
    return True


def find(parent: Path, wanted: Path | None) -> JobFolder:
    """Return the job folder that was asked for, or else the newest one in `parent`."""
    if wanted is not None:
        return JobFolder(wanted.expanduser().absolute())
    found, n_others = newest_job_folder(parent)
    if n_others:
        log.info("the newest of %d job folders in %s", n_others + 1, parent.absolute())
    return found


def show(jobs: JobFolder) -> bool:
    """Print how the fills of a job folder are doing; return whether none needs help."""
    report = status.read_status(jobs)
    sys.stdout.write(status.status_table(report))
    return report.all_well


def wait(jobs: JobFolder) -> None:
    """Follow the jobs until all have ended; held jobs are not waited for."""
    report = status.read_status(jobs)
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
            time.sleep(max(POLL_S, 5 * took_s))  # spare a slow file system
            began = time.monotonic()
            report = status.read_status(jobs)
            took_s = time.monotonic() - began


def _refuse_unsubmitted(report: FolderReport) -> None:
    if State.UNSUBMITTED in report.counts:
        raise CondorError(
            f"{report.folder.path} was written but not submitted; to submit it: "
            f"{report.folder.submit_command(report.manifest)}"
        )
