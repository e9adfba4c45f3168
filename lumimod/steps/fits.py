"""Fits: exponential lifetimes and growth times of every bunch and of its luminosities."""

from __future__ import annotations

from collections.abc import Mapping

from lumimod.arrays import FloatArray
from lumimod.errors import Note
from lumimod.physics.expfit import ExpFits, fit_short_and_full
from lumimod.records import EXPERIMENTS, CalculatedLumi, Fits, StableBeams
from lumimod.steps.bunch_fits import LUMI_UNIT_M2S, bunch_fits
from lumimod.steps.context import FillContext
from lumimod.steps.fit_errors import fit_errors
from lumimod.steps.lumi import STEP as LUMI
from lumimod.steps.massi import STEP as MASSI
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step


def run(ctx: FillContext) -> None:
    """Make fill_N_fits.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    length_s = ctx.cfg.analysis.t_fit_length_s
    beams = {key: _beam_fits(ctx, sb, key, length_s) for key in sb.bunches}
    luminosities = _luminosities(ctx, sb)
    lumi = _lumi_fits(ctx, sb, luminosities, length_s)
    _note_failures(ctx, [f for fits in beams.values() for f in fits.values()] + [*lumi.values()])
    errors = fit_errors(ctx, sb, beams, lumi, luminosities)
    ctx.save(ctx.paths.fits, Fits(beams, lumi, *errors), keep=False)


def _beam_fits(
    ctx: FillContext, sb: StableBeams, key: tuple[int, str], length_s: float
) -> Mapping[str, ExpFits]:
    """Return the fits of a family: those of step sb if it ran just now, with this fit length."""
    bunches = sb.bunches[key]
    return bunches.fits if ctx.made(ctx.paths.sb) else bunch_fits(sb.time_s, bunches, length_s)


def _luminosities(ctx: FillContext, sb: StableBeams) -> dict[tuple[str, str], FloatArray]:
    """Return the luminosities of the pairs by experiment and kind, (n_times, n_slots)."""
    kinds = {"calc": ctx.load(ctx.paths.lumi_calc, CalculatedLumi).bunch_lumi}
    measured = ctx.measured_lumi(sb)
    if measured is not None:
        kinds["meas"] = measured.bunch_lumi
    return {(exp, kind): kinds[kind][exp] for kind in kinds for exp in EXPERIMENTS}


def _lumi_fits(
    ctx: FillContext,
    sb: StableBeams,
    luminosities: Mapping[tuple[str, str], FloatArray],
    length_s: float,
) -> dict[tuple[str, str], ExpFits]:
    calls = [(sb.time_s, lumi, length_s, LUMI_UNIT_M2S) for lumi in luminosities.values()]
    return dict(zip(luminosities, ctx.workers.threads(fit_short_and_full, calls)))


def _note_failures(ctx: FillContext, fits: list[ExpFits]) -> None:
    failed = sum(f.short.n_failed + f.full.n_failed for f in fits)
    if failed:
        total = sum(f.short.tau_s.size + f.full.tau_s.size for f in fits)
        ctx.note(Note("failed", f"{failed} of {total} fits failed and are NaN"))


STEP = Step(
    name="fits",
    run=run,
    writes=lambda paths: [paths.fits],
    needs=(SB, LUMI),
    uses=(MASSI,),
    settings=("t_fit_length",),
)
