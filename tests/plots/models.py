"""Results of the stable-beams model made by hand, whole and with parts missing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lumimod.plots.model_results import ModelResults
from lumimod.plots.sb_results import SbResults
from lumimod.records import BEAMS, FAMILIES, ModelFamily, ModelResult, StableBeamsModel
from tests.plots.conftest import FILL, make_results, nothing_in_beam_2

SETTINGS: dict[str, dict[str, Any]] = {
    "EmpiricalBlowupLosses": {"BOff": 0, "emitBU": "EmpiricalBlowup", "blengthBU": "Model"},
    "EmpiricalBlowupBOff": {"BOff": 1, "emitBU": "EmpiricalBlowup", "blengthBU": "Model"},
    "IBSBOff": {"BOff": 1, "emitBU": "Model", "blengthBU": "Model"},
    "IBSLosses": {"BOff": 0, "emitBU": "Model", "blengthBU": "Model"},
    "EmpiricalblengthLosses": {"BOff": 0, "emitBU": "Model", "blengthBU": "EmpiricalBlowup"},
}
CASES = {
    "case": [1, 2],
    "cor_fact_1h": [1, 0.9],
    "cor_fact_1v": [1, 1.1],
    "cor_fact_2h": [1, 0.95],
    "cor_fact_2v": [1, 1.05],
}
FACTOR = dict(zip(SETTINGS, (0.97, 0.98, 0.99, 1.03, 1.05)))
"""Of each model's luminosity over the calculated one."""


def make_model(results: SbResults, name: str) -> ModelResult:
    """Return a model whose bunches are 1.02 of the data, and its luminosity FACTOR of calculated.

    Like every model it lacks the last time.
    """
    assert results.lumi_calc is not None
    bunches = {}
    for beam in BEAMS:
        for family in FAMILIES:
            data = results.sb.bunches[beam, family]
            fields = {
                field.name: 1.02 * getattr(data, field.name.replace("_step", ""))[:-1]
                for field in dataclasses.fields(ModelFamily)
            }
            bunches[beam, family] = ModelFamily(**fields)
    lumi = {exp: FACTOR[name] * v[:-1] for exp, v in results.lumi_calc.bunch_lumi.items()}
    return ModelResult(results.sb.time_s, bunches, lumi, SETTINGS[name], CASES)


def make_model_results(
    case: str = "1", *, names: tuple[str, ...] = tuple(SETTINGS), **made: Any
) -> ModelResults:
    """Return all models of one case beside the data of `make_results`."""
    return of_results(make_results(**made), case, names)


def of_results(
    r: SbResults, case: str = "1", names: tuple[str, ...] = tuple(SETTINGS)
) -> ModelResults:
    models = {name: make_model(r, name) for name in names}
    return ModelResults(FILL, case, r.sb, StableBeamsModel(models), r.lumi_calc, r.lumi_meas)


def with_luminosity(results: ModelResults, name: str, change: Callable[[Any], Any]) -> ModelResults:
    """Return results with the luminosity of one model changed."""
    model = results.model.models[name]
    lumi = {exp: change(values) for exp, values in model.bunch_lumi.items()}
    changed = dataclasses.replace(model, bunch_lumi=lumi)
    return _with_models(results, {**results.model.models, name: changed})


def _with_models(results: ModelResults, models: Mapping[str, ModelResult]) -> ModelResults:
    return dataclasses.replace(results, model=StableBeamsModel(models))


def _without(*names: str) -> ModelResults:
    return dataclasses.replace(make_model_results(), **dict.fromkeys(names))


POOR_MODELS: dict[str, Callable[[], ModelResults]] = {
    "complete": make_model_results,
    "emittances corrected": lambda: make_model_results("2"),
    "case not in the file": lambda: make_model_results("9"),
    "no luminosity measured": lambda: _without("lumi_meas"),
    "no luminosity calculated": lambda: _without("lumi_calc"),
    "models alone": lambda: _without("lumi_meas", "lumi_calc"),
    "model missing": lambda: make_model_results(names=("EmpiricalBlowupLosses",)),
    "no models": lambda: make_model_results(names=()),
    "nothing at all": lambda: dataclasses.replace(
        make_model_results(names=()), lumi_calc=None, lumi_meas=None
    ),
    "no non-colliding bunch": lambda: make_model_results(n_noncoll=0),
    "no colliding bunch": lambda: make_model_results(n_coll=0),
    "one bunch": lambda: make_model_results(n_coll=1, n_noncoll=0),
    "one time": lambda: make_model_results(n_times=1),
    "two times": lambda: make_model_results(n_times=2),
    "NaN in beam 2": lambda: of_results(nothing_in_beam_2(make_results())),
    "model failed": lambda: with_luminosity(
        make_model_results(), "IBSBOff", lambda values: np.full_like(values, np.nan)
    ),
}
