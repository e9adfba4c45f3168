"""Keeping what the results of a fill are made from, while its steps run."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from lumimod.errors import BadInputError, Note
from lumimod.paths import FillPaths, frame_path
from lumimod.readers.bmodes import FillModes
from lumimod.readers.checksums import changed_since, read_sums
from lumimod.records.diary import Diary, stamp_of
from lumimod.records.made import Made
from lumimod.steps.context import StepInProgress
from lumimod.steps.provenance import made_now
from lumimod.steps.step import Step


class Keeper:
    """Notes of each result what it was made from, in the result and in the diary of the fill."""

    def __init__(self, paths: FillPaths, modes: FillModes) -> None:
        self.diary = Diary(paths.folder)
        self._paths, self._modes = paths, modes
        self._stamps: dict[Path, list[Any]] = {}

    def begin(self, step: Step) -> StepInProgress:
        """Return the step as one that runs; its inputs must stay as they are now."""
        for path in self._read_by(step):
            self._stamps.setdefault(path, stamp_of(path))
        described = partial(self._describe, step)
        return StepInProgress(step.name, described, partial(self._enter, time.perf_counter()))

    def changed_inputs(self, step: Step) -> Iterator[Note]:
        """Yield a note for each input that is not as it was fetched, as far as that is known."""
        folder = self._paths.cfg.files.data_folder
        sums = self._sums
        for path in self._read_by(step) if sums else ():
            if path.is_file():
                digest = str(self.diary.digest(path)["digest"]).removeprefix("sha256:")
                text = changed_since(sums, folder, path, digest)
                if text:
                    yield Note("changed", text)

    @cached_property
    def _sums(self) -> dict[str, str]:
        return read_sums(self._paths.cfg.files.data_folder)

    def look_again(self, step: Step) -> None:
        """Read the results that a step could not use; those that are damaged are made again."""
        for other in step.depends_on:
            for path in other.results(self._paths):
                self.diary.look_again(path)

    def _describe(self, step: Step, notes: Sequence[Note]) -> Made:
        """Return what a result of the step is made from.

        Raises
        ------
        BadInputError
            An input has changed since it was read.
        """
        for path in self._read_by(step):
            if path not in self._stamps or stamp_of(path) != self._stamps[path]:
                raise BadInputError(f"{path} changed while it was read; run again")
        written = [note.to_dict() for note in notes]
        return made_now(step, self._paths, self._modes, self.diary, written)

    def _enter(self, started: float, path: Path, made: Made) -> None:
        circumstances = {
            "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "host": platform.node(),
            "seconds": round(time.perf_counter() - started, 3),
        }
        for file in (path, frame_path(path, self._paths.cfg.files.save_pandas)):
            if file.exists():
                self.diary.enter(file, made, **circumstances)

    def _read_by(self, step: Step) -> list[Path]:
        files = (step.inputs, step.optional, step.watches)
        return [path for of in files for path in of(self._paths) if path.exists()]
