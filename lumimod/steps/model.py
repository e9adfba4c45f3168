"""Stable-beams model: every configured model and case, colliding and non-colliding bunches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.config.settings import Case, Config
from lumimod.errors import Note
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.sbmodel import (
    Advance,
    Bunches,
    Evolution,
    FromData,
    Luminosity,
    ModelMachine,
    evolve,
)
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    FAMILIES,
    IP_OF,
    BunchFamily,
    ModelFamily,
    ModelResult,
    StableBeams,
    StableBeamsModel,
)
from lumimod.steps.context import FillContext
from lumimod.steps.effects import STABLE, note_range, physics_of
from lumimod.steps.empirical_steps import EmpiricalSteps
from lumimod.steps.model_effects import collisions_of, luminosity_of, steps_with_all_effects
from lumimod.steps.sb import STEP as SB
from lumimod.steps.step import Step
from lumimod.tables.ibs import LONGEST_IBS_STEP_S, SHORTEST_IBS_STEP_S, ibs_of
from lumimod.tables.lhc import PLANES


class _Choice(NamedTuple):
    """What one model takes from the data."""

    intensity: bool
    emittance: bool
    length: bool = False


_CHOICES = {
    "EmpiricalBlowupLosses": _Choice(intensity=True, emittance=True),
    "EmpiricalBlowupBOff": _Choice(intensity=False, emittance=True),
    "IBSBOff": _Choice(intensity=False, emittance=False),
    "IBSLosses": _Choice(intensity=True, emittance=False),
    "EmpiricalblengthLosses": _Choice(intensity=True, emittance=False, length=True),
}


def run(ctx: FillContext) -> None:
    """Make fill_N_sbmodel_caseC.pkl.gz for every case."""
    sb = ctx.load(ctx.paths.sb, StableBeams)
    physics_of(ctx.cfg, STABLE, np.array([1, 2]))  # fail before any case runs
    _note_step(ctx)
    _note_range(ctx, sb)
    betastar_m = ctx.betastar_m(sb.time_s)
    made = ctx.described()
    ctx.forget_data()
    # One after the other: side by side they take more time of the cores and twice the memory.
    for case in ctx.cfg.model.cases:
        path = ctx.paths.model(case)
        record = _case(ctx.cfg, ctx.fill, sb, betastar_m, case)
        ctx.save_made(path, record, made)
        ctx.keep_part(path, EmpiricalSteps.of(record))
        del record  # before the next one is made


def _note_step(ctx: FillContext) -> None:
    step_s = ctx.cfg.analysis.t_step_s
    if ctx.cfg.physics.rates:
        return
    if not SHORTEST_IBS_STEP_S <= step_s <= LONGEST_IBS_STEP_S:
        ctx.note(
            Note(
                "model",
                "the IBS parametrisation holds for steps of 5 min to 1 h, not for "
                f"t_step_sec = {step_s:g}: do not trust the modelled growth (in steps of 1 min the "
                'emittance grows 2.2 times as fast as in steps of 5 min); ibs = "rates" in '
                "config.py does not depend on the step",
            )
        )


def _note_range(ctx: FillContext, sb: StableBeams) -> None:
    for (beam, _), bunches in sb.bunches.items():
        emit_h_um, emit_v_um = bunches.emit_h_um[0], bunches.emit_v_um[0]
        bl4s_s = bunches.length_m[0] * 4 / SPEED_OF_LIGHT_M_S
        note_range(ctx, STABLE, beam, emit_h_um, emit_v_um, bl4s_s)


def _case(
    cfg: Config,
    fill: int,
    sb: StableBeams,
    betastar_m: dict[int, FloatArray],
    case: Case,
) -> StableBeamsModel:
    """Return all models of one case."""
    data = {f: [_corrected(sb.bunches[b, f], b, case) for b in BEAMS] for f in FAMILIES}
    luminosity = luminosity_of(sb, cfg, betastar_m, fill)
    evolutions = {
        family: evolve(
            sb.time_s,
            data[family],
            _from_data(cfg, family),
            _machine(sb, cfg, betastar_m, family, lumi),
            lumi,
            only_modelled=True,
        )
        for family, lumi in (("coll", luminosity), ("noncoll", None))
    }
    return _record(cfg, sb, data, evolutions)


def _machine(
    sb: StableBeams,
    cfg: Config,
    betastar_m: dict[int, FloatArray],
    family: str,
    luminosity: Luminosity | None,
) -> ModelMachine | Advance:
    """Return the machine of the original, or the steps with all effects."""
    if not cfg.physics.original_stable_beams:
        collide = luminosity and collisions_of(sb, cfg, betastar_m, luminosity)
        return steps_with_all_effects(sb, cfg, family, _from_data(cfg, family), collide)
    m = cfg.machine
    return ModelMachine(
        ibs_of(m.gamma_ft, m.v_rf_ft_v),
        m.gamma_ft,
        np.stack([betastar_m[IP_OF[exp]] for exp in EXPERIMENTS]),
        m.tau_sr_xy_ft_s,
        m.sigma_boff_m2,
        m.sigma_el_m2,
    )


def _corrected(bunches: BunchFamily, beam: int, case: Case) -> Bunches:
    """Return the bunches of a beam, with the case's factors on the emittances."""
    factor_h, factor_v = (getattr(case, f"factor_{beam}{plane}") for plane in PLANES)
    return Bunches(
        bunches.intensity_ppb,
        bunches.emit_h_um * factor_h,
        bunches.emit_v_um * factor_v,
        bunches.length_m,
    )


def _from_data(cfg: Config, family: str) -> FromData:
    choices = [_CHOICES[name] for name in cfg.model.models]
    alone = family == "noncoll"  # nothing burns off: their losses are those of the data
    return FromData(
        np.array([[c.intensity or alone] for c in choices]),
        np.array([[c.emittance] for c in choices]),
        np.array([[c.length] for c in choices]),
    )


# --- from arrays to the record


def _record(
    cfg: Config,
    sb: StableBeams,
    data: Mapping[str, Sequence[Bunches]],
    evolutions: Mapping[str, Sequence[Evolution]],
) -> StableBeamsModel:
    results: dict[str, dict[tuple[int, str], ModelFamily]] = {n: {} for n in cfg.model.models}
    for family in FAMILIES:
        for beam, bunches, evolution in zip(BEAMS, data[family], evolutions[family]):
            # One object for all models that follow the data: a pickle stores it once.
            measured = Bunches(*(values[:-1] for values in bunches))
            for row, name in enumerate(cfg.model.models):
                results[name][beam, family] = _family(
                    _CHOICES[name], family, measured, evolution, row
                )
    return StableBeamsModel(
        {
            name: ModelResult(
                sb.time_s,
                bunches,
                dict(zip(EXPERIMENTS, evolutions["coll"][0].lumi[:, row])),
                _settings(name, sb),
                _case_entry(cfg.model.cases),
            )
            for row, (name, bunches) in enumerate(results.items())
        }
    )


def _family(
    choice: _Choice, family: str, measured: Bunches, evolution: Evolution, row: int
) -> ModelFamily:
    modelled = Bunches(*(values[row] for values in evolution.bunches))
    emittance = measured if choice.emittance else modelled
    step_h_um, step_v_um = emittance.emit_h_um, emittance.emit_v_um
    if choice.emittance:  # elsewhere the state is the modelled step: stored once, as one object
        step_h_um = evolution.emit_h_step_um[row]
        step_v_um = evolution.emit_v_step_um[row]
    intensity = measured if choice.intensity or family == "noncoll" else modelled
    return ModelFamily(
        emittance.emit_h_um,
        emittance.emit_v_um,
        step_h_um,
        step_v_um,
        intensity.intensity_ppb,
        (measured if choice.length else modelled).length_m,
    )


def _settings(name: str, sb: StableBeams) -> dict[str, Any]:
    choice = _CHOICES[name]
    empirical = choice.emittance or choice.length
    out: dict[str, Any] = {
        "BOff": int(not choice.intensity),
        "emitBU": "EmpiricalBlowup" if choice.emittance else "Model",
        "blengthBU": "EmpiricalBlowup" if choice.length else "Model",
    }
    for beam in BEAMS:
        for plane in ("h", "v"):
            for family in FAMILIES:
                fit = sb.bunches[beam, family].fits[f"emit_{plane}"].full
                key = f"tau_empirical_{plane}{beam}_{family}"
                out[key] = fit.tau_s if empirical else None
    return out


def _case_entry(cases: tuple[Case, ...]) -> dict[str, Any]:
    """Return all configured cases, as the original stores them in every file."""
    return {
        "case": [c.name for c in cases],
        "cor_fact_1h": [c.factor_1h for c in cases],
        "cor_fact_1v": [c.factor_1v for c in cases],
        "cor_fact_2h": [c.factor_2h for c in cases],
        "cor_fact_2v": [c.factor_2v for c in cases],
    }


STEP = Step(
    name="model",
    run=run,
    writes=lambda paths: paths.models,
    optional=lambda paths: (*paths.betastar, *paths.ibs_rates),
    needs=(SB,),
    settings=(
        "models",
        "cases",
        "gammaFT",
        "VRF_FT",
        "tauSRxy_FT",
        "frev",
        "betastar_m",
        "sigmaBOff_m2",
        "sigma_el_m2",
        "leveling",
        "variable_names",
        "ibs",
        "core_burnoff",
        "coupling",
        "c_minus_FT",
        "tune_split_FT",
        "noise",
        "damper_gain_FT",
        "kick_noise",
        "bpm_noise",
        "noise_emittance",
        "tune_spread_FT",
        "tauSRl_FT",
        "extra_growth",
        "extra_lifetime",
        "extra_cross_section",
    ),
    disabled=lambda cfg: "" if cfg.model.enabled else "doSBModel is False",
)
