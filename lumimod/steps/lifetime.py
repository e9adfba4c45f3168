"""Lifetimes and losses of the colliding bunches, with and without burn-off."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.lifetime import intensity_lifetime, losses
from lumimod.records import BEAMS, BeamLifetime, BunchFamily, Lifetime, MeasuredLumi, StableBeams
from lumimod.steps.context import FillContext
from lumimod.steps.massi import STEP as MASSI
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step


def run(ctx: FillContext) -> None:
    """Make fill_N_lifetime.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    measured = ctx.measured_lumi(sb)
    sigma_boff_m2 = ctx.cfg.machine.sigma_boff_m2
    beams = {
        beam: _beam(sb.time_s, sb.bunches[beam, "coll"], measured, sigma_boff_m2) for beam in BEAMS
    }
    ctx.save(ctx.paths.lifetime, Lifetime(sb.time_s, beams), keep=False)


def _beam(
    time_s: FloatArray, bunches: BunchFamily, measured: MeasuredLumi | None, sigma_boff_m2: float
) -> BeamLifetime:
    intensity = bunches.intensity_ppb
    if measured is None:
        rate = np.abs(np.diff(intensity, axis=0) / np.diff(time_s)[:, None])
        total = intensity_lifetime(time_s, intensity.sum(axis=1))
        return BeamLifetime(bunches.slots, intensity_lifetime(time_s, intensity), rate, total)
    lumi = measured.total
    each = losses(time_s, intensity, lumi, sigma_boff_m2=sigma_boff_m2)
    # Bunches without measured luminosity count in neither sum.
    seen = np.isfinite(lumi).all(axis=0)
    beyond = losses(
        time_s,
        intensity[:, seen].sum(axis=1),
        lumi[:, seen].sum(axis=1),
        sigma_boff_m2=sigma_boff_m2,
    )
    return BeamLifetime(
        bunches.slots,
        each.tau_s,
        each.rate_ppb_s,
        intensity_lifetime(time_s, intensity.sum(axis=1)),
        each.tau_boff_corrected_s,
        each.sigma_m2,
        beyond.tau_boff_corrected_s,
    )


STEP = Step(
    name="lifetime",
    run=run,
    writes=lambda paths: [paths.lifetime],
    needs=(SB,),
    uses=(MASSI,),
    settings=("sigmaBOff_m2",),
)
