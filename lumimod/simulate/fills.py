"""Simulated fills: everything of a fill, and where its files are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from lumimod.errors import UsageError
from lumimod.simulate import files, instruments
from lumimod.simulate.beams import simulate_history
from lumimod.simulate.extra import extra_series
from lumimod.simulate.instruments import Fill
from lumimod.simulate.machine import RUNS
from lumimod.simulate.output import replacing_csv
from lumimod.simulate.scheme import filling_scheme
from lumimod.simulate.settings import FillSettings
from lumimod.simulate.timeline import timeline
from lumimod.simulate.truth import write_truth
from lumimod.tables.lhc import EXPERIMENTS
from lumimod.writers.timber import write_timber

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FillFiles:
    """The files of a simulated fill."""

    fill: int
    basic: Path
    bunches: Path
    crossing: Path
    bmodes: Path
    massi: tuple[Path, ...]
    """Archives of ATLAS and CMS; none if they were not asked for."""
    bunch_lumi: Path | None
    extra: Path | None
    """beta*, for Run 3 or if it changes; tunes, BBQ and more if they were asked for."""
    truth: Path

    def all(self) -> list[Path]:
        """Return every file."""
        optional = [path for path in (self.bunch_lumi, self.extra) if path is not None]
        data = [self.basic, self.bunches, self.crossing, self.bmodes, *self.massi, *optional]
        return [*data, self.truth]


def simulate_fills(
    folder: Path, fills: Sequence[int], settings: FillSettings, seed: int
) -> list[FillFiles]:
    """Simulate fills; return the files of each, in the order of `fills`.

    The same fill number, settings and seed give the same bytes, whatever other fills are simulated.
    Existing files are replaced, each as a whole; the beam-mode file keeps its other fills.

    Raises
    ------
    UsageError
        A fill number or the seed is negative, or a fill is given twice.
    OutputError
        A file cannot be written.
    BadInputError
        The existing beam-mode file cannot be read.
    """
    if seed < 0 or min(fills, default=0) < 0 or len(set(fills)) != len(fills):
        raise UsageError("seed and fill numbers must not be negative, and no fill be given twice")
    return [_write_fill(folder, number, settings, seed) for number in fills]


def _write_fill(folder: Path, number: int, settings: FillSettings, seed: int) -> FillFiles:
    streams = np.random.default_rng([seed, number]).spawn(8)
    evolution, basic, crossing, bunches, scales, massi, bunch_lumi, extra = streams
    times = timeline(number, settings)
    scheme = filling_scheme(settings.n_colliding, settings.n_noncolliding, settings.scheme)
    fill = Fill(number, times, simulate_history(scheme, times, settings, evolution), settings)
    paths = _paths(folder, number, settings)
    scale = instruments.scale_errors(settings, scales)
    energy_s = instruments.clock(fill, settings.energy_s, basic)
    energy = (energy_s, times.energy_gev(energy_s))
    with _csv(paths.basic, fill) as stream:
        files.write_basic(stream, fill, energy, basic)
    with _csv(paths.crossing, fill) as stream:
        files.write_crossing(stream, fill, crossing)
    with _csv(paths.bunches, fill) as stream:
        files.write_bunches(stream, fill, energy, bunches)
    for path, (name, factor), rng in zip(paths.massi, scale.items(), massi.spawn(len(scale))):
        files.write_massi(path, fill, name, factor, rng)
    if paths.bunch_lumi is not None:
        with _csv(paths.bunch_lumi, fill) as stream:
            files.write_bunch_lumi(stream, fill, scale, bunch_lumi)
    if paths.extra is not None:
        with _csv(paths.extra, fill) as stream:
            if settings.extra_data:
                write_timber(stream, extra_series(fill, scale, extra))
            else:
                files.write_extra(stream, fill)
    write_truth(paths.truth, fill, seed, scale)
    # Last, so that a fill in the beam-mode file has all its data.
    files.merge_bmodes(paths.bmodes, [fill])
    log.info("fill %d: simulated in %s", number, folder)
    return paths


def _csv(path: Path, fill: Fill) -> AbstractContextManager[BufferedIOBase]:
    return replacing_csv(path, level=fill.settings.gzip_level, mtime_s=fill.times.dump_s)


def _paths(folder: Path, number: int, settings: FillSettings) -> FillFiles:
    suffix = ".csv.gz" if settings.gzip else ".csv"
    measured = folder / "massi" / str(RUNS[settings.run].year) / "measurements"
    has_extra = settings.run == 3 or settings.betastar_steps or settings.extra_data or settings.full

    def csv(name: str, prefix: str) -> Path:
        return folder / f"fill_{name}_data_csvs" / f"{prefix}_fill_{number}{suffix}"

    return FillFiles(
        fill=number,
        basic=csv("basic", "basic_data"),
        bunches=csv("bunchbybunch", "bunchbybunch_data"),
        crossing=csv("crossing", "crossing_angle"),
        bmodes=folder / "fills_and_bmodes.pkl",
        massi=tuple(
            measured / name / "lumi" / f"{number}.tgz" for name in EXPERIMENTS if settings.massi
        ),
        bunch_lumi=csv("bunchbybunch_lumi", "bunchbybunch_lumi_data")
        if settings.bbb_lumi
        else None,
        extra=csv("extra", "extra_data") if has_extra else None,
        truth=folder / "truth" / f"truth_fill_{number}.npz",
    )
