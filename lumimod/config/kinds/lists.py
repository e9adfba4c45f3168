"""Lists and mappings of names."""

from __future__ import annotations

import re
from typing import Any

from lumimod.config.kinds.base import (
    FrozenMap,
    each_of,
    items_of,
    kind,
    map_of,
    pair_of,
    require,
    require_different,
)
from lumimod.config.kinds.numbers import fill_number, within
from lumimod.config.kinds.text import file_tag, text
from lumimod.tables.lhc import EXPERIMENTS, OTHER_EXPERIMENTS

MODELS = (
    "EmpiricalBlowupLosses",
    "EmpiricalBlowupBOff",
    "IBSBOff",
    "IBSLosses",
    "EmpiricalblengthLosses",
)


@kind(f"a list of different models out of {', '.join(MODELS)}")
def models(value: Any) -> tuple[str, ...]:
    """Accept models of stable beams, each once."""
    names = each_of(value, _model)
    require_different(names)
    return names


def _model(value: Any) -> str:
    name = text(value)
    require(name in MODELS)
    return name


@kind("a list of different whole numbers or words, such as [1, 2]")
def case_names(value: Any) -> tuple[int | str, ...]:
    """Accept names of cases, no two of which give the same file name."""
    names = each_of(value, _case_name)
    require_different([str(name) for name in names])
    return names


def _case_name(value: Any) -> int | str:
    if isinstance(value, str):
        require(re.fullmatch(r"[\w.+-]+", value) is not None)
        return str(value)
    return fill_number(value)


_case_factor = within(0.01, 100)


@kind("a list of numbers from 0.01 to 100, one for each of `cases`")
def case_factors(value: Any) -> tuple[float, ...]:
    """Accept a list of numbers above zero."""
    return each_of(value, _case_factor)


@kind(
    "a list of folders, one that names ATLAS and one that names CMS, "
    "and if wanted one each that names LHCb or ALICE"
)
def massi_folders(value: Any) -> tuple[str, ...]:
    """Accept a folder of each experiment."""
    folders = tuple(text(item) for item in items_of(value))
    named = [experiments_in(folder) for folder in folders]
    require(all(len(names) == 1 for names in named))
    require_different([name for [name] in named])
    require({(experiment,) for experiment in EXPERIMENTS} <= set(named))
    return folders


def experiments_in(folder: str) -> tuple[str, ...]:
    """Return the experiments that a folder's name holds."""
    known = (*EXPERIMENTS, *OTHER_EXPERIMENTS)
    return tuple(name for name in known if name.upper() in folder.upper())


@kind("a list of (from, to), names of periods, each `from` once")
def rescale_periods(value: Any) -> tuple[tuple[str, str], ...]:
    """Accept pairs of periods."""
    pairs = each_of(value, lambda item: pair_of(item, file_tag))
    require_different([source for source, _ in pairs])
    return pairs


@kind(
    "{quantity: name or [names]}, the quantities being those of lumimod/tables/variables.json, "
    "such as bunch_intensity_b1"
)
def variable_names(value: Any) -> FrozenMap[str, tuple[str, ...]]:
    """Accept names of variables, the best one first."""
    return map_of(value, _quantity, _one_or_more)


def _quantity(value: Any) -> str:
    # Imported only now: few configurations give names, and the table takes time to read.
    from lumimod.tables.variables import quantities

    require(text(value) in quantities())
    return text(value)


def _one_or_more(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (text(value),)
    return tuple(text(item) for item in items_of(value))
