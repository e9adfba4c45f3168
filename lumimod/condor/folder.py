"""The job folder: all files of a submission, and job.json, which says what was submitted."""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from lumimod.atomic import replacing
from lumimod.condor.chunks import Chunk
from lumimod.errors import CondorError
from lumimod.readers.json_file import load_json

PREFIX = "lumimod_JOB_"


@dataclass(frozen=True)
class Submission:
    """One cluster of jobs."""

    description: str
    """File name of the submit description."""
    chunks: tuple[Chunk, ...]
    """The fills of each job."""
    cluster: int | None = None
    """Number of the cluster; None: it was not submitted."""
    submitted: str = ""
    """Local time of the submission."""
    command: tuple[str, ...] = ()
    """The command line as it was typed."""
    schedd: str = ""
    """Name of the schedd that took it; empty where that is not known."""


@dataclass(frozen=True)
class Manifest:
    """What job.json holds."""

    cwd: str
    """Folder in which the program was started."""
    host: str
    """Machine on which it was started."""
    version: str
    """Version of lumimod."""
    config: str
    """The config.py that the jobs read."""
    driver: tuple[str, ...]
    """Interpreter and program of the jobs."""
    options: tuple[str, ...]
    """Options of the jobs, without --config and --fill."""
    split: int | None
    """Fills per job; None: one job runs all."""
    only: tuple[str, ...]
    """Steps of --doOnly; none: all."""
    submissions: tuple[Submission, ...] = ()
    """The first submission, then those by --resubmit."""

    @property
    def chunks(self) -> list[Chunk]:
        """The chunks of all submissions."""
        return [chunk for submission in self.submissions for chunk in submission.chunks]

    def schedd_of(self, cluster: int) -> str:
        """Return the schedd of a cluster; empty where that is not known."""
        return next((s.schedd for s in self.submissions if s.cluster == cluster), "")

    def with_cluster(self, cluster: int, submitted: str, schedd: str) -> Manifest:
        """Return the manifest with cluster, time and schedd of the last submission."""
        *before, last = self.submissions
        last = replace(last, cluster=cluster, submitted=submitted, schedd=schedd)
        return replace(self, submissions=(*before, last))


@dataclass(frozen=True)
class JobFolder:
    """The files of a submission."""

    path: Path
    """The folder."""

    @property
    def manifest_file(self) -> Path:
        """File of the manifest."""
        return self.path / "job.json"

    @property
    def config(self) -> Path:
        """Copy of config.py."""
        return self.path / "config.py"

    @property
    def log(self) -> Path:
        """HTCondor's log of all jobs."""
        return self.path / "lumimod.log"

    def script(self, chunk: Chunk) -> Path:
        """Return the script of a job."""
        return self.path / f"chunk_{chunk.number}.sh"

    def report(self, chunk: Chunk) -> Path:
        """Return the report of a job: what became of its fills, as JSON."""
        return self.path / f"chunk_{chunk.number}.json"

    def err(self, chunk: Chunk) -> Path:
        """Return what a job wrote to standard error: its log lines."""
        return self.path / f"chunk_{chunk.number}.err"

    def description(self, n_before: int) -> Path:
        """Return the submit description that follows `n_before` others."""
        return self.path / (f"resubmit_{n_before}.sub" if n_before else "lumimod.sub")

    def submit_command(self, manifest: Manifest) -> str:
        """Return the command that submits the last submission by hand."""
        return f"condor_submit {shlex.quote(str(self.path / manifest.submissions[-1].description))}"

    def load(self) -> Manifest:
        """Return the manifest.

        Raises
        ------
        CondorError
            There is no manifest, or it cannot be read.
        """
        try:
            data = load_json(self.manifest_file)
            submissions = tuple(
                Submission(
                    s["description"],
                    tuple(Chunk(number, tuple(fills)) for number, fills in s["chunks"]),
                    s["cluster"], s["submitted"], tuple(s["command"]), s.get("schedd", ""),
                )
                for s in data.pop("submissions")
            )  # fmt: skip
            for name in ("driver", "options", "only"):
                data[name] = tuple(data[name])
            return Manifest(submissions=submissions, **data)
        except FileNotFoundError as exc:
            raise CondorError(
                f"{self.path} is not a job folder: it has no {self.manifest_file.name}; "
                f"give a folder {PREFIX}..."
            ) from exc
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise CondorError(f"{self.manifest_file} cannot be read ({exc})") from exc

    def save(self, manifest: Manifest) -> None:
        """Write the manifest, atomically."""
        with replacing(self.manifest_file) as file:
            file.write(json.dumps(asdict(manifest), indent=1).encode())


def create_job_folder(parent: Path, fills: Sequence[int], now: datetime) -> JobFolder:
    """Make a new job folder in `parent`; its name is unique even within one second.

    Raises
    ------
    CondorError
        The folder cannot be made.
    """
    stem = f"{PREFIX}{fills[0]}_{fills[-1]}_{now:%Y%m%d-%H%M%S}"
    while True:
        path = parent.absolute() / f"{stem}_{secrets.token_hex(3)}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as exc:
            raise CondorError(
                f"job folder {path} cannot be made ({exc.strerror}); check condor_folder and "
                "working_folder in config.py"
            ) from exc
        return JobFolder(path)


def newest_job_folder(parent: Path) -> tuple[JobFolder, int]:
    """Return the newest job folder in `parent`, and how many others there are.

    Folders that were never submitted count only where there is no other.

    Raises
    ------
    CondorError
        There is no job folder.
    """
    folders = [p for p in parent.glob(f"{PREFIX}*") if (p / "job.json").is_file()]
    if not folders:
        raise CondorError(
            f"no job folder {PREFIX}... in {parent.absolute()}; give the path of one, or make one "
            "with --submit"
        )
    submitted = [path for path in folders if _was_submitted(JobFolder(path))]
    return JobFolder(max(submitted or folders, key=_time_made).absolute()), len(folders) - 1


def _was_submitted(jobs: JobFolder) -> bool:
    """Tell whether any jobs of a folder were submitted, by lumimod or by hand."""
    try:
        return jobs.log.exists() or any(s.cluster is not None for s in jobs.load().submissions)
    except CondorError:
        return True  # whoever reads it says what is wrong


def _time_made(path: Path) -> tuple[str, float]:
    stamp = re.search(r"_(\d{8}-\d{6})_[0-9a-f]+$", path.name)
    return (stamp[1] if stamp else "", (path / "job.json").stat().st_mtime)
