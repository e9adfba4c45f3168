"""The folder of a submission: everything that it was, for whoever looks at it a year later."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from lumimod.atomic import replacing
from lumimod.condor.chunks import Chunk
from lumimod.errors import CondorError

PREFIX = "lumimod_JOB_"


@dataclass(frozen=True)
class Submission:
    """One cluster of jobs."""

    description: str
    """Name of its file in the folder."""
    chunks: tuple[Chunk, ...]
    cluster: int | None = None
    """None: not submitted, or not known to have been."""
    submitted: str = ""
    """When, local time."""
    command: tuple[str, ...] = ()
    """What was typed."""


@dataclass(frozen=True)
class Manifest:
    """What job.json holds."""

    cwd: str
    """Where the program was started."""
    host: str
    version: str
    """Of lumimod."""
    config: str
    """The config.py that the jobs read."""
    driver: tuple[str, ...]
    """Interpreter and program of the jobs."""
    options: tuple[str, ...]
    """Options of the jobs, without --config and --fill."""
    split: int | None
    only: tuple[str, ...]
    """Steps of --doOnly; none: all."""
    submissions: tuple[Submission, ...] = ()

    @property
    def chunks(self) -> list[Chunk]:
        """All chunks, those submitted again included."""
        return [chunk for submission in self.submissions for chunk in submission.chunks]

    def with_cluster(self, cluster: int, submitted: str) -> Manifest:
        """Return the manifest with the number of the cluster that was submitted last."""
        *before, last = self.submissions
        last = replace(last, cluster=cluster, submitted=submitted)
        return replace(self, submissions=(*before, last))


@dataclass(frozen=True)
class JobFolder:
    """Names of the files of a submission."""

    path: Path

    @property
    def manifest_file(self) -> Path:
        """What was asked for and submitted."""
        return self.path / "job.json"

    @property
    def config(self) -> Path:
        """A copy of config.py."""
        return self.path / "config.py"

    @property
    def log(self) -> Path:
        """HTCondor's log of all jobs."""
        return self.path / "lumimod.log"

    def script(self, chunk: Chunk) -> Path:
        """Return what a job runs."""
        return self.path / f"chunk_{chunk.number}.sh"

    def report(self, chunk: Chunk) -> Path:
        """Return the report of a job: what became of its fills, as JSON."""
        return self.path / f"chunk_{chunk.number}.json"

    def err(self, chunk: Chunk) -> Path:
        """Return the log lines of a job."""
        return self.path / f"chunk_{chunk.number}.err"

    def description(self, n_before: int) -> Path:
        """Return the submit description of the submission after `n_before` others."""
        return self.path / (f"resubmit_{n_before}.sub" if n_before else "lumimod.sub")

    def load(self) -> Manifest:
        """Return the manifest.

        Raises
        ------
        CondorError
            There is none, or it cannot be read.
        """
        try:
            data = json.loads(self.manifest_file.read_text(encoding="utf-8"))
            submissions = tuple(
                Submission(
                    s["description"],
                    tuple(Chunk(number, tuple(fills)) for number, fills in s["chunks"]),
                    s["cluster"], s["submitted"], tuple(s["command"]),
                )
                for s in data.pop("submissions")
            )  # fmt: skip
            for name in ("driver", "options", "only"):
                data[name] = tuple(data[name])
            return Manifest(submissions=submissions, **data)
        except FileNotFoundError as exc:
            raise CondorError(
                f"{self.path} is no job folder: it has no {self.manifest_file.name}; "
                f"give one that is called {PREFIX}..."
            ) from exc
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise CondorError(f"{self.manifest_file} cannot be read ({exc})") from exc

    def save(self, manifest: Manifest) -> None:
        """Write the manifest, atomically."""
        with replacing(self.manifest_file) as file:
            file.write(json.dumps(asdict(manifest), indent=1).encode())


def create(parent: Path, fills: Sequence[int], now: datetime) -> JobFolder:
    """Make a new job folder; two submissions in one second get two.

    Raises
    ------
    CondorError
        It cannot be made.
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


def newest(parent: Path) -> tuple[JobFolder, int]:
    """Return the job folder that was made last, and how many others there are.

    Raises
    ------
    CondorError
        There is none.
    """
    found = [p for p in parent.glob(f"{PREFIX}*") if (p / "job.json").is_file()]
    if not found:
        raise CondorError(
            f"no job folder {PREFIX}... in {parent.absolute()}; give its path, or submit with "
            "--submit"
        )
    return JobFolder(max(found, key=_made).absolute()), len(found) - 1


def _made(path: Path) -> tuple[str, float]:
    stamp = re.search(r"_(\d{8}-\d{6})_[0-9a-f]+$", path.name)
    return (stamp[1] if stamp else "", (path / "job.json").stat().st_mtime)
