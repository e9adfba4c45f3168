"""Pictures of what limits the machine: losses, growth, luminosity as a measure of the beams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lumimod.arrays import FloatArray
from lumimod.paths import FillPaths
from lumimod.plots.budget import draw_budget
from lumimod.plots.bunch_families import draw_families, one_family
from lumimod.plots.bunch_maps import draw_maps
from lumimod.plots.cycle_table import draw_cycle_table
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.growth import draw_extra_growth
from lumimod.plots.lumi_emittances import draw_lumi_emittances
from lumimod.plots.sb_results import SbResults, files_of_lumi
from lumimod.records import GrowthBeyond, LumiEmittance, store
from lumimod.records.same_times import of_same_times
from lumimod.summary.budget import budgets
from lumimod.summary.cycle_facts import cycle_facts
from lumimod.summary.facts import stable_facts


@dataclass(frozen=True)
class LimitResults:
    """Results of a fill; None where there is no result."""

    sb: SbResults
    emittance: LumiEmittance | None
    growth: GrowthBeyond | None
    facts: Mapping[str, Any]
    """Growth in each part of the cycle and others, as in the season table."""
    budget: Mapping[str, Mapping[str, FloatArray]]
    """By experiment and cause: ln(L/L0), (n_times,)."""


def limit_sets(paths: FillPaths) -> Sequence[PictureSet[LimitResults]]:
    """Return the pictures of what limits the machine."""
    others = ("losses", "lumi_emittance", "growth")
    uses = (*files_of_lumi(paths), *map(paths.result, others), paths.cycle, paths.cycle_model)
    return [PictureSet(LIMIT_PICTURES, lambda: load_limits(paths), (paths.sb,), uses)]


def load_limits(paths: FillPaths) -> LimitResults:
    """Return what the steps saved, and the budget of luminosity."""
    sb = SbResults.load(paths)
    of, beyond = paths.result("lumi_emittance"), paths.result("growth")
    emittance = store.load_if_there(of, LumiEmittance)
    growth = store.load_if_there(beyond, GrowthBeyond)
    return LimitResults(
        sb,
        of_same_times(emittance, of, sb.sb, "emittance"),
        of_same_times(growth, beyond, sb.sb, "growth"),
        {**stable_facts(sb.sb), **cycle_facts(paths)},
        budgets(paths, sb.sb, sb.lumi_calc, sb.lumi_meas),
    )


# --- the pictures


def _no_families(results: LimitResults) -> str:
    if results.sb.losses is None:
        return "step losses was not run"
    return "all bunches are of one family" if one_family(results.sb.losses) else ""


LIMIT_PICTURES: tuple[Picture[LimitResults], ...] = (
    Picture(
        "lumiBudget",
        "what the luminosity was lost to: burn-off, other losses, emittances, lengths, optics",
        lambda r, style: draw_budget(r.sb.sb, r.budget, r.sb.fill, about=r.sb.about, style=style),
        lambda r: "" if any(r.budget.values()) else "no luminosity, or no β*",
    ),
    Picture(
        "extraGrowth",
        "emittance growth beyond that of the model, by time and by bunch",
        lambda r, style: draw_extra_growth(
            r.sb.sb, r.growth, r.sb.fill, about=r.sb.about, style=style
        ),
        lambda r: "" if r.growth is not None else "step growth was not run",
    ),
    Picture(
        "lumiEmittance",
        "emittances from the luminosities of ATLAS and CMS beside those of the BSRT",
        lambda r, style: draw_lumi_emittances(
            r.sb.sb, r.emittance, r.sb.fill, about=r.sb.about, style=style
        ),
        lambda r: "" if r.emittance is not None else "step emittance was not run",
    ),
    Picture(
        "bunchMaps",
        "emittances, intensity and specific luminosity of every bunch against time: change since "
        "the start",
        lambda r, style: draw_maps(
            r.sb.sb,
            r.sb.lumi_meas or r.sb.lumi_calc,
            r.sb.fill,
            about=r.sb.about,
            style=style,
        ),
    ),
    Picture(
        "bunchFamilies",
        "losses and growth by position in the train and by long-range encounters",
        lambda r, style: draw_families(
            r.sb.sb, r.sb.losses, r.sb.fill, about=r.sb.about, style=style
        ),
        _no_families,
    ),
    Picture(
        "cycleBlowup",
        "emittances through the cycle: measured, modelled, and what was gained in each part",
        lambda r, style: draw_cycle_table(
            r.sb.sb, r.facts, r.sb.fill, about=r.sb.about, style=style
        ),
        lambda r: "" if r.facts else "no part of the cycle was measured",
    ),
)
