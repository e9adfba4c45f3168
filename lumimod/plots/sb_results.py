"""The results that pictures of stable beams are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lumimod.paths import FillPaths
from lumimod.plots.about import NOTHING_KNOWN, About, about_fill
from lumimod.records import (
    CalculatedLumi,
    FillLosses,
    Fits,
    Lifetime,
    MeasuredLumi,
    StableBeams,
    store,
)
from lumimod.records.measured import measured_lumi
from lumimod.records.same_times import of_same_times
from lumimod.records.store import Loader


@dataclass(frozen=True)
class SbResults:
    """Results of stable beams of a fill; None where there is no result."""

    fill: int
    sb: StableBeams
    lumi_calc: CalculatedLumi | None
    lumi_meas: MeasuredLumi | None
    fits: Fits | None
    lifetime: Lifetime | None
    sigma_boff_m2: float
    """Burn-off cross-section of config.py, for comparison with the losses."""
    level_m2s: float | None = None
    """Luminosity at which the fill was levelled as config.py says, in 1/(m^2 s)."""
    about: About = NOTHING_KNOWN
    """Facts of the fill, gaps of its instruments, and where its results are from."""
    losses: FillLosses | None = None

    @classmethod
    def load(cls, paths: FillPaths, load: Loader = store.load_if_there) -> SbResults:
        """Return what the steps saved, as `load` gives it.

        Raises
        ------
        MissingStepError
            Stable beams are missing, a result cannot be read, or one is of other times or
            bunches.
        """
        sb = load(paths.sb, StableBeams) or store.load(paths.sb, StableBeams)  # an error: missing
        found = load(paths.lumi_calc, CalculatedLumi)
        calc = of_same_times(found, paths.lumi_calc, sb, "lumi")
        path = paths.result("losses")
        losses = of_same_times(load(path, FillLosses), path, sb, "losses")
        lifetime = load(paths.lifetime, Lifetime)
        return cls(
            paths.fill,
            sb,
            calc,
            measured_lumi(paths, sb, load),
            load(paths.fits, Fits),
            of_same_times(lifetime, paths.lifetime, sb, "lifetime"),
            paths.cfg.machine.sigma_boff_m2,
            paths.cfg.model.leveling.get(paths.fill),
            about_fill(paths, sb, calc, losses),
            losses,
        )


def files_of_lumi(paths: FillPaths) -> tuple[Path, ...]:
    """Return the files of calculated and measured luminosity. Any may be missing."""
    return paths.lumi_calc, paths.lumi_meas, paths.lumi_meas_timber
