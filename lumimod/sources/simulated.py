"""The simulated LHC as a source: the fills of one year, one after the other.

A fill is simulated when it is first asked for, and always the same. In every fourth fill the half
crossing angle goes from 150 to 140 and 130 microrad, as in late 2017.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lumimod.arrays import Series
from lumimod.errors import OutputError
from lumimod.readers.variables import read_variables
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.simulate.timeline import FIRST_FILL, Timeline, n_fills, timeline
from lumimod.sources.base import FillSpan, ModeSpan, Source, between, joined

SETTINGS = FillSettings(bbb_lumi=True, extra_data=True)
SEED = 1
STEPPED = ((1.5, 140.0), (3.0, 130.0))
"""Crossing of every fourth fill: hours in stable beams, and half angle [microrad] from then on."""


class Simulated(Source):
    """The simulated LHC; its files are in a temporary folder until it is closed."""

    name = "simulated"

    def __init__(self, settings: FillSettings = SETTINGS, seed: int = SEED) -> None:
        self._settings = settings
        self._seed = seed
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._made: dict[int, FillFiles] = {}
        self._start_s = timeline(FIRST_FILL, settings).start_s
        self._length_s = _length_s(timeline(FIRST_FILL, settings))
        self._last = FIRST_FILL + n_fills(settings) - 1

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
            self._made.clear()

    def fills(self, start_s: float, stop_s: float) -> list[FillSpan]:
        """Return the fills that overlap the span; all are in the simulated year."""
        first, last = (
            FIRST_FILL + int((time_s - self._start_s) // self._length_s)
            for time_s in (start_s, stop_s)
        )
        spans = map(self.fill, range(max(first, FIRST_FILL), min(last, self._last) + 1))
        return [s for s in spans if s is not None and s.start_s < stop_s and s.stop_s != start_s]

    def fill(self, number: int) -> FillSpan | None:
        """Return a fill; None if it is not in the simulated year."""
        if not FIRST_FILL <= number <= self._last:
            return None
        times = timeline(number, self._settings)
        modes = tuple(ModeSpan(mode, *span) for mode, span in times.modes.items())
        return FillSpan(number, times.start_s, times.end_s, modes)

    def get(self, names: Sequence[str], start_s: float, stop_s: float) -> dict[str, Series]:
        """Return what the instruments of the simulated LHC logged."""
        parts: dict[str, list[Series]] = {}
        for span in self.fills(start_s, stop_s):
            files = self._files(span.fill)
            for path in (files.basic, files.bunches, files.crossing, files.bunch_lumi, files.extra):
                if path is not None:
                    for name, series in read_variables(path, [], optional=names).items():
                        parts.setdefault(name, []).append(between(series, start_s, stop_s))
        return {name: joined(series) for name, series in parts.items()}

    def copy_archives(self, fill: int, folder: Path) -> list[Path]:
        """Copy the Massi archives, and the truth about the fill."""
        if self.fill(fill) is None:
            return []
        files = self._files(fill)
        root = files.bmodes.parent
        return [copied(path, root, folder) for path in (*files.massi, files.truth)]

    def _files(self, fill: int) -> FillFiles:
        if fill not in self._made:
            settings = self._settings
            if fill % 4 == 0 and not settings.crossing_steps:
                settings = dataclasses.replace(settings, crossing_steps=STEPPED)
            self._made[fill] = simulate_fills(self._folder_of(), [fill], settings, self._seed)[0]
        return self._made[fill]

    def _folder_of(self, name: str = "") -> Path:
        """Return a folder for files, which is gone when the source is closed."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="simulated_lhc_")
        return Path(self._folder.name) / name


def _length_s(times: Timeline) -> float:
    return times.end_s - times.start_s


def copied(path: Path, root: Path, folder: Path) -> Path:
    """Copy a file below a root into a folder, to the same place and with its time; return the copy.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    target = folder / path.relative_to(root)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    except OSError as exc:
        raise OutputError(f"cannot write {target}: {exc.strerror or exc}") from exc
    return target
