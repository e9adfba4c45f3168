"""The family of pictures of the stable-beams model: a set for each case."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lumimod.config.settings import Case
from lumimod.paths import FillPaths
from lumimod.plots.families import Picture, PictureSet
from lumimod.plots.model_all import pictures_of_all_models
from lumimod.plots.model_bunches import bunch_pictures
from lumimod.plots.model_lumi import comparison_picture, lumi_pictures
from lumimod.plots.model_results import ModelResults
from lumimod.plots.sb_results import files_of_lumi


def model_pictures(
    models: Sequence[str], case: str, *, per_model: bool = True
) -> tuple[Picture[ModelResults], ...]:
    """Return the pictures of one case: of all models together, and those of each model."""
    pictures = [
        comparison_picture(f"sbmodel_luminosity_case{case}"), *pictures_of_all_models(case)
    ]  # fmt: skip
    if per_model:
        for name in models:
            pictures += [*lumi_pictures(name, case), *bunch_pictures(name, case)]
        pictures.append(comparison_picture(f"sbmodel_modelComp_luminosity_case{case}"))
    return tuple(pictures)


def _set_of(paths: FillPaths, case: Case) -> PictureSet[ModelResults]:
    cfg = paths.cfg
    return PictureSet(
        model_pictures(cfg.model.models, str(case.name), per_model=cfg.plots.per_model),
        partial(ModelResults.load, paths, case),
        needs=(paths.sb, paths.model(case)),
        uses=(*files_of_lumi(paths), paths.result("losses")),
    )


def model_sets(paths: FillPaths) -> list[PictureSet[ModelResults]]:
    """Return the pictures of the stable-beams model, a set for each case."""
    return [_set_of(paths, case) for case in paths.cfg.model.cases]
