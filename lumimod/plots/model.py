"""The family of pictures of the stable-beams model: a set for each case."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lumimod.config.settings import Case
from lumimod.paths import FillPaths
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.model_bunches import bunch_pictures
from lumimod.plots.model_lumi import comparison_pictures, lumi_pictures
from lumimod.plots.model_results import ModelResults
from lumimod.plots.sb_results import files_of_lumi


def model_pictures(models: Sequence[str], case: str) -> tuple[Picture[ModelResults], ...]:
    """Return the pictures of one case: those of each model, and of all of them together."""
    pictures: list[Picture[ModelResults]] = []
    for name in models:
        pictures += [*lumi_pictures(name, case), *bunch_pictures(name, case)]
    return (*pictures, *comparison_pictures(case))


def _set_of(paths: FillPaths, case: Case) -> PictureSet[ModelResults]:
    return PictureSet(
        model_pictures(paths.cfg.model.models, str(case.name)),
        partial(ModelResults.load, paths, case),
        needs=(paths.sb, paths.model(case)),
        uses=files_of_lumi(paths),
    )


def model_sets(paths: FillPaths) -> list[PictureSet[ModelResults]]:
    """Return the pictures of the stable-beams model, a set for each case."""
    return [_set_of(paths, case) for case in paths.cfg.model.cases]
