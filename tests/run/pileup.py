"""A step as a newcomer would add it: pile-up (mu) of each colliding pair, with its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lumimod.arrays import FloatArray
from lumimod.records import CalculatedLumi, FrameRows, StableBeams
from lumimod.records.base import floats
from lumimod.records.stable_beams import required
from lumimod.steps.context import FillContext
from lumimod.steps.lumi import STEP as LUMI
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step

SIGMA_INELASTIC_M2 = 80e-31


@dataclass(frozen=True)
class Pileup:
    """Step mu."""

    time_s: FloatArray
    """(n_times,), Unix seconds."""
    atlas: FloatArray
    """Inelastic collisions at a crossing, (n_times, n_slots)."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict of fill_N_mu.pkl.gz."""
        return {"time_range": self.time_s, "ATLAS": self.atlas}

    @classmethod
    def from_dict(cls, data: Mapping[Any, Any]) -> Pileup:
        """Return the record of a saved dict."""
        return cls(floats(data["time_range"]), floats(data["ATLAS"]))

    def to_rows(self, sb: StableBeams | None) -> Iterator[FrameRows]:
        """Return the rows of its DataFrame."""
        slots = required(sb, self).bunches[1, "coll"].slots
        yield FrameRows({"experiment": "ATLAS"}, slots, {"pileup": self.atlas}, self.time_s)


def run(ctx: FillContext) -> None:
    """Make fill_N_mu.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    lumi = ctx.load(ctx.paths.lumi_calc, CalculatedLumi)
    pileup = lumi.bunch_lumi["ATLAS"] * SIGMA_INELASTIC_M2 / ctx.cfg.machine.f_rev_hz
    ctx.save(ctx.paths.result("mu"), Pileup(sb.time_s, pileup))


STEP = Step(
    name="mu",
    run=run,
    writes=lambda paths: [paths.result("mu")],
    needs=(SB, LUMI),
)
