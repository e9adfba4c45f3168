"""The contract of a step: all that a run needs to know of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from lumimod.config.settings import Config
from lumimod.paths import FillPaths, frame_path
from lumimod.readers.compressed import looks_whole
from lumimod.readers.variables import files_of
from lumimod.records.made import Made
from lumimod.steps.context import FillContext

Files = Callable[[FillPaths], Sequence[Path]]
"""Some files of a fill."""
Afterwards = Callable[[], None]
"""What is left to do when the other steps of the fill have ended."""
Work = Callable[[FillContext], Optional[Afterwards]]
Outdated = Callable[[FillPaths], str]
"""Why a result that is there is no longer right, or nothing."""


def _no_files(_: FillPaths) -> Sequence[Path]:
    return ()


def _nothing(_: object) -> str:
    return ""


def _no_time(_: object) -> float:
    return 0.0


def _never_outdated(_cfg: Config, _write: bool) -> Outdated:
    return _nothing


def _no_end(_: Config) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Step:
    """One step: what it reads, what it writes, how it runs, and rules of its own if it has any.

    A step needs its first three fields, and of the others those that differ from the default.
    """

    name: str
    """The name of its module, and its line in the list of steps."""
    run: Work
    """Makes the results.

    It may return what is left to do when the other steps of the fill have ended: until then a
    run that is killed must begin with this step again.
    """
    writes: Files
    """All files that it may write."""

    # --- what it works on

    inputs: Files = _no_files
    """Data files that it cannot do without."""
    optional: Files = _no_files
    """Data files that it takes if they are there."""
    needs: tuple[Step, ...] = ()
    """Steps whose results it cannot do without; earlier in the list."""
    uses: tuple[Step, ...] = ()
    """Steps whose results it takes if they are there; earlier in the list."""
    times: tuple[str, ...] = ()
    """Times of the beam modes that it takes, such as t_start_STABLE."""
    settings: tuple[str, ...] = ()
    """Settings of config.py that its numbers follow from."""
    revision: int = 1
    """Raised whenever its numbers change for the same data and settings."""

    # --- rules of its own

    superseded: Callable[[Made], str] = _nothing
    """Why a result of an earlier version, of the same revision, is no longer right, or nothing.

    For a change of numbers that concerns few results, and those can be told.
    """
    has_all_cases: bool = False
    """Whether one result holds all cases of the model; else each has a file of its own."""
    watches: Files = _no_files
    """Files that it reads and of which it tells itself whether they are new (`begin_run`)."""

    disabled: Callable[[Config], str] = _nothing
    """Why config.py leaves it out, unless the command line asks for it."""
    lacks: Callable[[FillPaths], str] = _nothing
    """What it lacks besides `inputs` and results of `needs`."""
    grace_s: Callable[[Config], float] = _no_time
    """For how long after the fill it waits for what `lacks` names, before that is a failure."""
    expects: Files | None = None
    """Of `writes` the files that a finished step has written; None: all of them."""
    begin_run: Callable[[Config, bool], Outdated] = _never_outdated
    """Called once before fills are planned, with False if nothing is to be written.

    It returns what tells whether a result is out of date for another reason than its age. An error
    costs no fill, but the run has failed.
    """
    renew: Work | None = None
    """As `run`, where a result is there but out of date; None: `run` does."""
    news: str = ""
    """Why steps that read the result run again when this step made it, other than by --force.

    If nothing, they are only reported as older than their input.
    """
    end_run: Callable[[Config], None] = _no_end
    """Called once at the end of a run in which the step ran."""

    @property
    def depends_on(self) -> tuple[Step, ...]:
        """The steps whose results it reads."""
        return self.needs + self.uses

    def expected(self, paths: FillPaths) -> Sequence[Path]:
        """Return the results of the step when it has run, without their DataFrames."""
        return (self.expects or self.writes)(paths)

    def results(self, paths: FillPaths) -> list[Path]:
        """Return every file that is there when the step has run."""
        files, expected = paths.cfg.files, self.expected(paths)
        saved = [*expected] if files.save_dict else []
        return saved + (
            [frame_path(path, files.save_pandas) for path in expected] if files.save_pandas else []
        )

    def is_finished(self, paths: FillPaths, is_whole: Callable[[Path], bool] = looks_whole) -> bool:
        """Return whether every result is there and whole."""
        return all(is_whole(path) for path in self.results(paths))

    def broken(self, paths: FillPaths, is_whole: Callable[[Path], bool] = looks_whole) -> str:
        """Return which results are there but not whole, or nothing."""
        broken = [p.name for p in self.results(paths) if os.path.lexists(p) and not is_whole(p)]
        return f"{', '.join(broken)}: empty, cut or damaged" if broken else ""

    def newer_input(self, paths: FillPaths) -> str:
        """Return the name of a file read that is newer than the results, if there is one."""
        oldest = min(path.stat().st_mtime for path in self.results(paths))
        for path in self._read(paths):
            if path.exists() and any(file.stat().st_mtime > oldest for file in files_of(path)):
                return path.name
        return ""

    def _read(self, paths: FillPaths) -> list[Path]:
        made = [path for step in self.depends_on for path in step.writes(paths)]
        return [*self.inputs(paths), *made, *self.optional(paths)]
