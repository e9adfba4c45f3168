"""Lists and mappings of names."""

from __future__ import annotations

import re
from typing import Any

from lumimod.config.kinds.base import (
    FrozenMap,
    items_of,
    kind,
    pair_of,
    pairs_of,
    require,
    require_different,
)
from lumimod.config.kinds.numbers import fill_number, positive
from lumimod.config.kinds.text import file_tag, text
from lumimod.tables.lhc import EXPERIMENTS

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
    names = tuple(text(item) for item in items_of(value))
    require(set(names) <= set(MODELS))
    require_different(names)
    return names


@kind("a list of different whole numbers or words, such as [1, 2]")
def case_names(value: Any) -> tuple[int | str, ...]:
    """Accept names of cases, no two of which give the same file name."""
    names = tuple(_case_name(item) for item in items_of(value))
    require_different([str(name) for name in names])
    return names


def _case_name(value: Any) -> int | str:
    if isinstance(value, str):
        require(re.fullmatch(r"[\w.+-]+", value) is not None)
        return str(value)
    return fill_number(value)


@kind("a list of numbers > 0, one for each of `cases`")
def case_factors(value: Any) -> tuple[float, ...]:
    """Accept a list of numbers above zero."""
    return tuple(positive()(item) for item in items_of(value))


@kind("a list of two folders, one that names ATLAS and one that names CMS")
def massi_folders(value: Any) -> tuple[str, ...]:
    """Accept a folder of each experiment."""
    folders = tuple(text(item) for item in items_of(value))
    named = sorted(experiments_in(folder) for folder in folders)
    require(named == [(experiment,) for experiment in EXPERIMENTS])
    return folders


def experiments_in(folder: str) -> tuple[str, ...]:
    """Return the experiments that a folder's name holds."""
    return tuple(name for name in EXPERIMENTS if name in folder.upper())


@kind("a list of (from, to), names of periods, each `from` once")
def rescale_periods(value: Any) -> tuple[tuple[str, str], ...]:
    """Accept pairs of periods."""
    pairs = tuple(pair_of(item, file_tag) for item in items_of(value))
    require_different([source for source, _ in pairs])
    return pairs


@kind(
    "{quantity: name or [names]}, the quantities being those of lumimod/tables/variables.json, "
    "such as bunch_intensity_b1"
)
def variable_names(value: Any) -> FrozenMap[str, tuple[str, ...]]:
    """Accept names of variables, the best one first."""
    pairs = tuple((text(quantity), _one_or_more(names)) for quantity, names in pairs_of(value))
    if pairs:
        # Imported only now: few configurations give names, and the table takes time to read.
        from lumimod.tables.variables import quantities

        require({quantity for quantity, _ in pairs} <= set(quantities()))
    return FrozenMap(pairs)


def _one_or_more(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (text(value),)
    return tuple(text(item) for item in items_of(value))
