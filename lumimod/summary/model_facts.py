"""Facts of the model of stable beams: of the one that takes nothing from the data, first case."""

from __future__ import annotations

from lumimod.paths import FillPaths
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    MeasuredLumi,
    ModelResult,
    StableBeams,
    StableBeamsModel,
)
from lumimod.records.measured import measured_lumi
from lumimod.records.same_times import of_same_times
from lumimod.records.store import Loader
from lumimod.summary.integrated import integrated_pb
from lumimod.summary.means import Facts, gained, lumi_facts, put_mean

FREE_MODEL = "IBSBOff"


def free_model(paths: FillPaths, sb: StableBeams, load: Loader) -> ModelResult | None:
    """Return the model that takes nothing from the data, of the first case; None if not run.

    Raises
    ------
    MissingStepError
        It has other times than `sb`.
    """
    result = load(paths.models[0], StableBeamsModel) if paths.models else None
    if result is None:
        return None
    return of_same_times(result.models.get(FREE_MODEL), paths.models[0], sb, "model")


def model_facts(paths: FillPaths, sb: StableBeams, load: Loader, end_s: float) -> Facts:
    """Return luminosity and growth as modelled, nothing if the model was not run.

    The luminosity is integrated until `end_s`, see `end_of_integrals_s`.
    """
    model = free_model(paths, sb, load)
    if model is None:
        return {}
    out = lumi_facts("model", model.time_s[:-1], model.bunch_lumi, end_s)
    measured = measured_lumi(paths, sb, load)
    if measured is not None:
        out.update(_ratio_to_measured(model, measured))
    for beam in BEAMS:
        b = model.bunches[beam, "coll"]
        for plane, emit_um in (("h", b.emit_h_um), ("v", b.emit_v_um)):
            name = f"b{beam}_growth_{plane}_stable_model_um"
            put_mean(out, name, gained(emit_um), spread=False)
    return out


def _ratio_to_measured(model: ModelResult, measured: MeasuredLumi) -> Facts:
    """Return modelled over measured integrated luminosity, of the times that the model has."""
    time_s = model.time_s[:-1]
    same_times = {exp: values[: time_s.size] for exp, values in measured.bunch_lumi.items()}
    above_pb, below_pb = (integrated_pb(time_s, of) for of in (model.bunch_lumi, same_times))
    return {
        f"ratio_model_meas_{exp.lower()}": above_pb[exp] / below_pb[exp]
        for exp in EXPERIMENTS
        if exp in above_pb and below_pb.get(exp)
    }
