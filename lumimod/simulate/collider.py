"""Collisions at all experiments in the full truth."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from lumimod.arrays import FloatArray, IntArray
from lumimod.simulate import machine
from lumimod.simulate.bunches import BunchState
from lumimod.simulate.full_settings import FullPhysics
from lumimod.simulate.overlap import CrossingAt, Overlap, overlap
from lumimod.simulate.scheme import FillingScheme
from lumimod.simulate.settings import FillSettings
from lumimod.simulate.timeline import Timeline
from lumimod.tables.lhc import EXPERIMENTS, MEETING_SHIFT, N_SLOTS, OTHER_EXPERIMENTS

LEVEL_M2S = {"LHCb": 330e34, "ALICE": 2.6e34}
"""Luminosity at which the other experiments are levelled, with FULL_PAIRS pairs."""
FULL_PAIRS = 2544


class Collider:
    """Who meets whom, and how, at a time."""

    def __init__(
        self,
        scheme: FillingScheme,
        times: Timeline,
        settings: FillSettings,
        full: FullPhysics,
        rng: Generator,
    ) -> None:
        self.colliding = {beam: scheme.beams[beam].colliding for beam in (1, 2)}
        self.times, self.settings = times, settings
        self.gamma = machine.RUNS[settings.run].gamma
        error = full.betastar_error
        logged = {"ATLAS": 1.0, "CMS": full.betastar_ratio_cms}
        self.betastar_factor = {
            name: logged[name] * (1 + rng.uniform(-error, error)) for name in EXPERIMENTS
        }
        other = "h" if settings.ip1_plane == "v" else "v"
        self.planes = {"ATLAS": settings.ip1_plane, "CMS": other}
        self.pairs = {name: _pairs(scheme, ip) for name, ip in OTHER_EXPERIMENTS.items()}

    def meet(self, state: dict[int, BunchState], now_s: float) -> dict[str, Overlap]:
        """Return the collisions of all colliding pairs at ATLAS and CMS."""
        one, two = (
            BunchState(*(values[self.colliding[beam]] for values in state[beam])) for beam in (1, 2)
        )
        part = float(self.times.overlap(np.array(now_s)))
        met = {name: overlap(one, two, self.crossing(name, now_s)) for name in EXPERIMENTS}
        level = self.settings.level_total
        for name, of in met.items():
            total = part * float(of.lumi.sum())
            kept = level / total if level is not None and total > level else 1.0
            met[name] = of._replace(lumi=of.lumi * (part * kept))
        return met

    def crossing(self, name: str, now_s: float) -> CrossingAt:
        """Return how the beams cross at ATLAS or CMS."""
        now = np.array(now_s)
        return CrossingAt(
            self.planes[name],
            float(self.times.half_crossing_rad(now)),
            float(self.times.betastar_m(now)) * self.betastar_factor[name],
            self.gamma,
        )

    def total(self, name: str, now_s: float) -> float:
        """Return the luminosity of LHCb or ALICE, in 1/(m^2 s)."""
        stable = self.times.stable_s <= now_s <= self.times.dump_s
        return LEVEL_M2S[name] * len(self.pairs[name][0]) / FULL_PAIRS * stable

    def elsewhere(self, state: dict[int, BunchState], now_s: float) -> dict[int, FloatArray]:
        """Return the luminosity at LHCb and ALICE of each bunch, by beam, (n_bunches,)."""
        out = {beam: np.zeros_like(state[beam].n_ppb) for beam in (1, 2)}
        for name, (one, two) in self.pairs.items():
            total = self.total(name, now_s)
            if total:
                product = state[1].n_ppb[one] * state[2].n_ppb[two]
                each = total * product / product.sum()
                out[1][one] += each
                out[2][two] += each
        return out


def _pairs(scheme: FillingScheme, ip: int) -> tuple[IntArray, IntArray]:
    """Return the indices of the bunches of beam 1 and of beam 2 that meet at a point."""
    met = (scheme.beams[1].slot + MEETING_SHIFT[ip]) % N_SLOTS
    _, one, two = np.intersect1d(met, scheme.beams[2].slot, return_indices=True)
    return one, two
