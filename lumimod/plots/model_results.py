"""The results that pictures of the stable-beams model are drawn from, and words for a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lumimod.config.settings import Case
from lumimod.paths import FillPaths
from lumimod.plots.about import NOTHING_KNOWN, About, about_fill
from lumimod.plots.axes import ROUND_STEPS, few_ticks, hour_axis
from lumimod.plots.layout import title
from lumimod.plots.quantities import EMIT_H, EMIT_V, INTENSITY, SB_LENGTH, Quantity
from lumimod.plots.style import MODEL, Look, Style
from lumimod.records import (
    CalculatedLumi,
    FillLosses,
    MeasuredLumi,
    ModelResult,
    StableBeams,
    StableBeamsModel,
    store,
)
from lumimod.records.measured import measured_lumi
from lumimod.records.same_times import of_same_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OTHER_MODEL = Look("#7b3294", "--", "o")
"""A model that `style.MODEL` does not know."""


@dataclass(frozen=True)
class ModelResults:
    """Stable beams of a fill beside all models of one case; None where there is no result."""

    fill: int
    case: str
    sb: StableBeams
    model: StableBeamsModel
    lumi_calc: CalculatedLumi | None
    lumi_meas: MeasuredLumi | None
    level_m2s: float | None = None
    """Luminosity at which the fill was levelled, in 1/(m^2 s): no model goes above it."""
    about: About = NOTHING_KNOWN
    """Facts of the fill, gaps of its instruments, and where its results are from."""

    @classmethod
    def load(cls, paths: FillPaths, case: Case) -> ModelResults:
        """Return what the steps saved for one case.

        Raises
        ------
        MissingStepError
            Stable beams or models are missing, a result cannot be read, or one is of other
            times or bunches.
        """
        sb = store.load(paths.sb, StableBeams)
        found = store.load_if_there(paths.lumi_calc, CalculatedLumi)
        calc = of_same_times(found, paths.lumi_calc, sb, "lumi")
        path = paths.result("losses")
        losses = of_same_times(store.load_if_there(path, FillLosses), path, sb, "losses")
        model = store.load(paths.model(case), StableBeamsModel)
        for one in model.models.values():
            of_same_times(one, paths.model(case), sb, "model")
        return cls(
            paths.fill,
            str(case.name),
            sb,
            model,
            calc,
            measured_lumi(paths, sb),
            paths.cfg.model.leveling.get(paths.fill),
            about_fill(paths, sb, calc, losses),
        )


# --- what a model is


def look_of_model(name: str) -> Look:
    """Return how a model is drawn."""
    return MODEL.get(name, OTHER_MODEL)


def takes(model: ModelResult, quantity: Quantity, family: str) -> bool:
    """Return whether a model takes a quantity from the data instead of modelling it."""
    settings = model.settings
    if quantity is INTENSITY:
        return family == "noncoll" or not settings["BOff"]
    kind: Any = settings["blengthBU"] if quantity is SB_LENGTH else settings["emitBU"]
    return bool(kind != "Model")


def factors_of(model: ModelResult, case: str) -> dict[str, float]:
    """Return the factors on emittances of a case, by "1h", "1v", "2h", "2v"; none if not known."""
    cases = [str(name) for name in model.case["case"]]
    if case not in cases:
        return {}
    index = cases.index(case)
    return {of: float(model.case[f"cor_fact_{of}"][index]) for of in ("1h", "1v", "2h", "2v")}


def factor_of(model: ModelResult, case: str, beam: int, quantity: Quantity) -> float:
    """Return the factor of a case on a quantity of the data: 1 for all but emittances."""
    plane = {EMIT_H.field: "h", EMIT_V.field: "v"}.get(quantity.field, "")
    return factors_of(model, case).get(f"{beam}{plane}", 1.0)


def describe_case(model: ModelResult, case: str) -> str:
    """Return the factors of a case in words."""
    factors = factors_of(model, case)
    if not factors:
        return f"case {case} (factors not known)"
    if all(f == 1 for f in factors.values()):
        return f"case {case} (no emittance correction)"
    values = ", ".join(f"B{of.upper()} {f:g}" for of, f in factors.items())
    return f"case {case} (emittances × {values})"


def case_of(results: ModelResults) -> str:
    """Return the case of all models, with its factors where there is a model."""
    models = results.model.models
    if not models:
        return f"case {results.case}"
    return describe_case(next(iter(models.values())), results.case)


def describe_model(model: ModelResult, family: str) -> str:
    """Return what a model takes from the data, in words."""
    names = {"emittances": EMIT_H, "intensities": INTENSITY, "lengths": SB_LENGTH}
    taken = [name for name, quantity in names.items() if takes(model, quantity, family)]
    return " and ".join(taken) + " from data" if taken else "all modelled from the first time"


# --- what all its pictures share


def has_model(results: ModelResults, name: str) -> bool:
    """Return whether a model was run."""
    return name in results.model.models


def no_model(results: ModelResults, name: str) -> str:
    """Return what a panel says where a model was not run."""
    return f"case {results.case} has no results of {name}"


def model_title(
    figure: Figure, style: Style, results: ModelResults, name: str, family: str, what: str
) -> None:
    """Write the title of a picture of one model: its case, and what it takes from the data."""
    second = f"{name}: {what}"
    if has_model(results, name):
        model = results.model.models[name]
        case, taken = describe_case(model, results.case), describe_model(model, family)
        second = f"{name}, {case}: {what}, {taken}"
    title(figure, style, results.fill, results.sb.time_s[0], second, results.about)


def share_hours(axes: Sequence[Axes], results: ModelResults, *, last: bool) -> None:
    """Give panels the hours of stable beams; only the last row labels them."""
    for ax in axes:
        hour_axis(ax, results.sb.time_s, label=last)
        ax.tick_params(labelbottom=last)
        few_ticks(ax.yaxis, 4, steps=ROUND_STEPS)
