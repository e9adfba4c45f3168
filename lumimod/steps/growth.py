"""Residual emittance growth: what was measured beyond one step of the model at a time."""

from __future__ import annotations

import numpy as np

from lumimod.config.settings import Case, Config
from lumimod.physics.residual_growth import residual_growth
from lumimod.records import (
    BEAMS,
    FAMILIES,
    BunchFamily,
    FamilyGrowth,
    GrowthBeyond,
    ModelFamily,
    PlaneGrowth,
    StableBeams,
    StableBeamsModel,
    store,
)
from lumimod.steps.context import FillContext
from lumimod.steps.model import STEP as MODEL
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step
from lumimod.tables.lhc import PLANES

MEASURED_EMITTANCES = ("EmpiricalBlowupLosses", "EmpiricalBlowupBOff")
"""Models that start each step from the measured emittances, the best first."""


def run(ctx: FillContext) -> None:
    """Make fill_N_growth.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    name = _model(ctx.cfg)
    cases = {}
    for case in ctx.cfg.model.cases:
        # Not kept for later steps: of a full machine it has 100 MB.
        model = store.load(ctx.paths.model(case), StableBeamsModel).models[name]
        cases[str(case.name)] = {
            (beam, family): _family(sb, beam, family, model.bunches[beam, family], case)
            for beam in BEAMS
            for family in FAMILIES
        }
    ctx.save(ctx.paths.result("growth"), GrowthBeyond(sb.time_s, name, cases), keep=False)


def _model(cfg: Config) -> str:
    """Return the model whose steps are subtracted, nothing if there is none.

    The name is that of config.py, as in `made`: equal runs give equal files, in any process.
    """
    found = [name for name in cfg.model.models if name in MEASURED_EMITTANCES]
    return min(found, key=MEASURED_EMITTANCES.index, default="")


def _family(
    sb: StableBeams, beam: int, family: str, model: ModelFamily, case: Case
) -> FamilyGrowth:
    bunches = sb.bunches[beam, family]
    return FamilyGrowth(
        bunches.slots,
        {
            plane: _plane(sb, bunches, model, plane, getattr(case, f"factor_{beam}{plane}"))
            for plane in PLANES
        },
    )


def _plane(
    sb: StableBeams, bunches: BunchFamily, model: ModelFamily, plane: str, factor: float
) -> PlaneGrowth:
    emit_um, step_um = (getattr(model, f"emit_{plane}{kind}_um") for kind in ("", "_step"))
    raw_um = getattr(bunches, f"emit_{plane}_raw_um")[:-1] * factor
    found = residual_growth(sb.time_s[:-1], emit_um, step_um, raw_um)
    n_bunches = found.summed_um.shape[1]
    mean_um = found.summed_um.mean(axis=1) if n_bunches else np.full(len(emit_um), np.nan)
    return PlaneGrowth(found.growth_um_h, found.error_um_h, found.of_ends_um_h, mean_um)


def _disabled(cfg: Config) -> str:
    """Return why config.py leaves the step out."""
    if not _model(cfg):
        return f"models has none of {', '.join(MEASURED_EMITTANCES)}"
    if not cfg.files.save_dict:
        return "saveDict is False: it reads the saved model"
    return "" if cfg.model.enabled else "doSBModel is False"


STEP = Step(
    name="growth",
    run=run,
    writes=lambda paths: [paths.result("growth")],
    needs=(SB, MODEL),
    settings=("models", "cases"),
    disabled=_disabled,
)
