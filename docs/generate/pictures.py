"""The pictures by family, with what each of them shows."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lumimod.config.record import ALL_SETTINGS
from lumimod.config.settings import Config, load_config
from lumimod.paths import FillPaths
from lumimod.plots.families import PICTURE_FAMILIES, Family

CONFIG = Path(__file__).parents[2] / "config.py"


def markdown() -> str:
    """Return a section for each family."""
    paths = FillPaths(_with_one_model(load_config(CONFIG)), 1)
    return "\n".join(_section(family, paths) for family in PICTURE_FAMILIES.values())


def _with_one_model(cfg: Config) -> Config:
    """Return settings with one model M and one case C, which stand for all, and their pictures."""
    model = dataclasses.replace(cfg.model, models=("M",), case_names=("C",))
    plots = dataclasses.replace(cfg.plots, per_model=True)
    return dataclasses.replace(cfg, model=model, plots=plots)


def _section(family: Family, paths: FillPaths) -> str:
    title = family.title[0].upper() + family.title[1:]
    words = f"Family `{family.name}`, setting `{setting_of(family)}`. {family.in_common}"
    lines = [f"## {title}", "", words.rstrip(), "", "| name | shows |", "|---|---|"]
    pictures = [picture for of_set in family.sets(paths) for picture in of_set.pictures]
    lines += [f"| `{picture.name}` | {picture.shows} |" for picture in pictures]
    return "\n".join(lines) + "\n"


def setting_of(family: Family) -> str:
    """Return the name in config.py of the setting that asks for a family."""
    names = {setting.where: setting.name for setting in ALL_SETTINGS}
    flags = {where.partition(".")[2]: name for where, name in names.items() if "plots." in where}
    for flag, name in flags.items():
        only: Any = SimpleNamespace(**{other: other == flag for other in flags})
        if family.asked_for(only):
            return name
    raise LookupError(f"no setting of config.py asks for the family {family.name}")
