"""Residual emittance growth: what was measured beyond one step of the model at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lumimod.config.settings import Case, Config
from lumimod.physics.residual_growth import residual_growth
from lumimod.records import (
    BEAMS,
    FAMILIES,
    BunchFamily,
    FamilyGrowth,
    GrowthBeyond,
    PlaneGrowth,
    StableBeams,
    StableBeamsModel,
    store,
)
from lumimod.steps.context import FillContext
from lumimod.steps.empirical_steps import MEASURED_EMITTANCES, EmpiricalSteps, StepEmittances
from lumimod.steps.model import STEP as MODEL
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step
from lumimod.tables.lhc import PLANES


def run(ctx: FillContext) -> None:
    """Make fill_N_growth.pkl.gz."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    name = _model(ctx.cfg)
    cases = {}
    for case in ctx.cfg.model.cases:
        model = _steps(ctx.paths.model(case), ctx)[name]
        cases[str(case.name)] = {
            (beam, family): _family(sb, beam, family, model[beam, family], case)
            for beam in BEAMS
            for family in FAMILIES
        }
    ctx.save(ctx.paths.result("growth"), GrowthBeyond(sb.time_s, name, cases), keep=False)


def _steps(path: Path, ctx: FillContext) -> EmpiricalSteps:
    """Return the modelled steps of a case: of this run, or the saved ones."""
    kept = ctx.part(path, EmpiricalSteps)
    if kept is not None:
        return kept
    # Not kept for later steps: of a full machine it has 100 MB.
    return EmpiricalSteps.of(store.load(path, StableBeamsModel))


def _model(cfg: Config) -> str:
    """Return the model whose steps are subtracted, nothing if there is none.

    The name is that of config.py, as in `made`: equal runs give equal files, in any process.
    """
    found = [name for name in cfg.model.models if name in MEASURED_EMITTANCES]
    return min(found, key=MEASURED_EMITTANCES.index, default="")


def _family(
    sb: StableBeams, beam: int, family: str, model: StepEmittances, case: Case
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
    sb: StableBeams, bunches: BunchFamily, model: StepEmittances, plane: str, factor: float
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
    has_all_cases=True,
    disabled=_disabled,
)
