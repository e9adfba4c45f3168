"""Calculated luminosity of every colliding pair, from the stable-beams record."""

from __future__ import annotations

from lumimod.physics.luminosity import experiment_luminosity
from lumimod.records import EXPERIMENTS, IP_OF, CalculatedLumi, StableBeams
from lumimod.steps.context import FillContext
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step


def run(ctx: FillContext) -> None:
    """Make fill_N_lumi_calc.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    b1, b2 = sb.bunches[1, "coll"], sb.bunches[2, "coll"]
    machine = ctx.cfg.machine
    betastar_m = ctx.betastar_m(sb.time_s)
    per_experiment = {
        exp: experiment_luminosity(
            sb.crossing_plane[IP_OF[exp]],
            (b1.intensity_ppb, b2.intensity_ppb),
            (b1.emit_h_um, b2.emit_h_um),
            (b1.emit_v_um, b2.emit_v_um),
            (b1.length_m, b2.length_m),
            sb.xing_angle_rad[IP_OF[exp]][:, None],
            betastar_m=betastar_m[IP_OF[exp]][:, None],
            gamma=machine.gamma_ft,
            f_rev_hz=machine.f_rev_hz,
        )
        for exp in EXPERIMENTS
    }
    measured = betastar_m if machine.betastar_is_measured else None
    record = CalculatedLumi(sb.time_s, per_experiment, sb.xing_angle_rad, measured)
    ctx.save(ctx.paths.lumi_calc, record)


STEP = Step(
    name="lumi",
    run=run,
    writes=lambda paths: [paths.lumi_calc],
    optional=lambda paths: paths.betastar,
    needs=(SB,),
    settings=("gammaFT", "frev", "betastar_m", "variable_names"),
)
