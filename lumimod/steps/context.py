"""What a step is given: one fill, its configuration, paths and inputs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Callable, TypeVar

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.config.settings import Config
from lumimod.errors import Note
from lumimod.instruments.measurements import BeamMeasurements, read_beams
from lumimod.instruments.optics import POINTS, measured_betastar
from lumimod.parallel import Workers
from lumimod.paths import FillPaths, frame_path, rescale_target
from lumimod.readers.bmodes import FillModes
from lumimod.readers.variables import files_of
from lumimod.records import MeasuredLumi, R, Record, StableBeams, store
from lumimod.records.made import Made
from lumimod.records.measured import measured_lumi
from lumimod.tables.calibration import bsrt_calibration
from lumimod.tables.variables import Names, Period, all_names, period_of

P = TypeVar("P")

log = logging.getLogger(__name__)

_WORTH_THREADS_BYTES = 60_000_000


@dataclass
class StepInProgress:
    """The step that runs, and what is worth knowing of its result."""

    name: str
    describe: Callable[[Sequence[Note]], Made]
    """Returns what a result is made from, given its notes."""
    entered: Callable[[Path, Made], None]
    """Told of each result that was written."""
    notes: list[Note] = field(default_factory=list)


@dataclass
class FillContext:
    """One fill while its steps run.

    Steps meet through saved files. What was computed or read in this run is also kept here, so
    that steps of one run neither parse the same text nor unpickle the same result twice.
    """

    fill: int
    cfg: Config
    modes: FillModes
    workers: Workers = field(default_factory=Workers)
    _results: dict[Path, Any] = field(default_factory=dict)
    _parts: dict[tuple[Path, type], Any] = field(default_factory=dict)
    _made: set[Path] = field(default_factory=set)
    _step: StepInProgress | None = None
    _said: set[str] = field(default_factory=set)

    @cached_property
    def paths(self) -> FillPaths:
        """Every file name of the fill."""
        return FillPaths(self.cfg, self.fill, self.modes.year)

    @cached_property
    def period(self) -> Period:
        """The period that tells names of variables and crossing planes."""
        return period_of(self.fill, self._time_s)

    @cached_property
    def names(self) -> dict[str, Names]:
        """Names of the fill's variables, by quantity."""
        return all_names(self.fill, self.cfg.variable_names, time_s=self._time_s)

    @property
    def _time_s(self) -> float | None:
        """When the fill was, if the beam modes tell."""
        start_s = self.modes.t_startfill_s
        return start_s if np.isfinite(start_s) else None

    # --- what a result is made from

    def begin(self, step: StepInProgress | None) -> None:
        """Let a step begin; what it saves from now on says what it was made from."""
        self._step = step

    def note(self, note: Note) -> None:
        """Say in the log, once, what is worth knowing, and keep it in the step's results.

        A quiet note is only kept.
        """
        step = self._step.name if self._step else ""
        if self._step is not None and note not in self._step.notes:
            self._step.notes.append(note)
        if not note.quiet and note.text not in self._said:
            self._said.add(note.text)
            log.warning("fill %d: %s%s", self.fill, f"{step}: " if step else "", note.text)

    # --- data

    @property
    def beams(self) -> dict[int, BeamMeasurements]:
        """Measurements of both beams, read when first asked for."""
        for beam in self._beams.values():
            for note in beam.notes:
                self.note(note)
        return self._beams

    @cached_property
    def _beams(self) -> dict[int, BeamMeasurements]:
        target = rescale_target(self.cfg, self.fill)
        calibration = partial(bsrt_calibration, self.fill, self.cfg.bsrt.calibration_file, target)
        basic, bbb = self.paths.basic_data, self.paths.bbb_data
        stable_s = (self.modes.start("STABLE"), self.modes.stop("STABLE"))
        span = stable_s if np.isfinite(stable_s).all() else None
        both = read_beams(basic, bbb, self.names, calibration, span)
        factor = self.cfg.analysis.bunch_length_factor
        return {beam: measured.with_length_factor(factor) for beam, measured in both.items()}

    def forget_data(self) -> None:
        """Free the memory of the measurements, which are read again where they are asked for."""
        self.__dict__.pop("_beams", None)

    def betastar_m(self, time_s: FloatArray) -> dict[int, FloatArray]:
        """Return beta* at IP 1 and 5, each (n_times,) in m: measured, or as config.py says."""
        if self.cfg.machine.betastar_is_measured:
            return measured_betastar(self.paths.extra_data, self.names, time_s)
        both = self.cfg.machine.betastar(self.fill)
        return {ip: np.full(time_s.size, value) for ip, value in zip(POINTS, both)}

    def workers_for(self, *inputs: Path) -> Workers:
        """Return threads for reading large files, this one alone for small ones."""
        files = [file for path in inputs if path.exists() for file in files_of(path)]
        size = sum(file.stat().st_size for file in files)
        return self.workers if size > _WORTH_THREADS_BYTES else Workers(1)

    def made(self, path: Path) -> bool:
        """Return whether a result was made in this run, with this configuration."""
        return path in self._made

    def load(self, path: Path, kind: type[R]) -> R:
        """Return a result of another step: of this run, or the saved one."""
        if path not in self._results:
            self._results[path] = store.load(path, kind)
        return self._results[path]

    def keep_part(self, path: Path, part: object) -> None:
        """Keep for later steps of this run what they need of a result too large to be kept."""
        self._parts[path, type(part)] = part

    def part(self, path: Path, kind: type[P]) -> P | None:
        """Return what was kept of a result by `keep_part`, if it was made in this run."""
        return self._parts.get((path, kind))

    def measured_lumi(self, sb: StableBeams) -> MeasuredLumi | None:
        """Return the luminosity that the experiments measured, if there is any.

        Raises
        ------
        MissingStepError
            It was measured for other times or bunches than those of `sb`.
        """

        def if_there(path: Path, kind: type[R], /) -> R | None:
            there = path in self._results or path.exists()
            return self.load(path, kind) if there else None

        return measured_lumi(self.paths, sb, if_there)

    def described(self) -> Made | None:
        """Return what a result that is saved now is made from; None outside a step of a run.

        Raises
        ------
        BadInputError
            An input has changed since it was read.
        """
        return None if self._step is None else self._step.describe(self._step.notes)

    def save(
        self, path: Path, record: Record, *, keep: bool = True, keep_old: bool = False
    ) -> None:
        """Save a result as config.py says; `keep` it for later steps of this run.

        With `keep_old` another result that was there stays, under its date.
        """
        self.save_made(path, record, self.described(), keep_old=keep_old)
        if keep:
            self._results[path] = record

    def save_made(
        self, path: Path, record: Record, made: Made | None, *, keep_old: bool = False
    ) -> None:
        """Save a result that was `described` before, and do not keep it.

        With `keep_old` another result that was there stays, under its date.
        """
        files = self.cfg.files
        if files.save_dict:
            store.save(path, record, made, keep_old=keep_old)
        if files.save_pandas:
            from lumimod.records.frames import save_frame  # pandas is slow to import

            sb = self._results.get(self.paths.sb)
            frame = frame_path(path, files.save_pandas)
            save_frame(frame, record, sb, made, keep_old=keep_old)
        self._made.add(path)
        if self._step is not None and made is not None:
            self._step.entered(path, made)
