"""Comparison of result files, element by element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray


class Difference(NamedTuple):
    """How far one array is from its reference."""

    key: str
    relative: float
    """Largest |a - b|/|b|; inf where shapes, NaNs or non-numbers differ."""
    fitted: bool
    """Whether it is a fitted value: those agree less closely."""


def differences(
    result: Mapping[Any, Any], reference: Mapping[Any, Any], ignore: frozenset[str] = frozenset()
) -> list[Difference]:
    """Return how far every array of `reference` is from the same one in `result`, worst first.

    Keys that `result` has beyond those of `reference`, and those in `ignore`, do not count.
    """
    out = [
        Difference("/".join(map(str, key)), _distance(_get(result, key), value), _fitted(key))
        for key, value in _leaves(reference)
        if not ignore & set(map(str, key))
    ]
    return sorted(out, key=lambda d: d.relative, reverse=True)


def _leaves(data: Any, key: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _leaves(value, (*key, name))
    else:
        yield key, data


def _get(data: Any, key: tuple[Any, ...]) -> Any:
    for name in key:
        if not isinstance(data, Mapping) or name not in data:
            return None
        data = data[name]
    return data


def _fitted(key: tuple[Any, ...]) -> bool:
    return any(str(name).startswith(("tau_", "init_")) for name in key) and not any(
        str(name).startswith("tau_Np") for name in key
    )


def _distance(value: Any, reference: Any) -> float:
    if value is None or reference is None or isinstance(reference, str):
        return 0.0 if value is reference or value == reference else np.inf
    try:
        a: FloatArray = np.asarray(value, dtype=float)
        b: FloatArray = np.asarray(reference, dtype=float)
    except (TypeError, ValueError):  # words, or a dict in place of an array
        return 0.0 if type(value) is type(reference) and value == reference else np.inf
    if a.shape != b.shape or not np.array_equal(np.isnan(a), np.isnan(b)):
        return np.inf
    same = (a == b) | np.isnan(b)
    if same.all():
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.abs(a - b)[~same] / np.abs(b)[~same]
    return float(np.max(np.where(np.isnan(relative), np.inf, relative)))  # NaN: inf against inf
