"""Checking the names that config.py sets, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

from lumimod.config.kinds.base import nearest
from lumimod.config.record import ALL_SETTINGS, BY_NAME
from lumimod.config.rules import RULES

OBSOLETE = frozenset({"output_folder", *(s.older for s in ALL_SETTINGS if s.older)})
"""Names of older configurations; they are never reported as unknown."""

_LONGEST_VALUE = 80


class Given(NamedTuple):
    """A name as config.py spells it, and its value there."""

    label: str
    value: Any


@dataclass(frozen=True)
class Checked:
    """What config.py says."""

    values: Mapping[str, Any]
    """Of every setting, as Config holds it; of a setting with a fault, the default."""
    faults: tuple[str, ...]
    """One line for each value that is not allowed and each name that looks mistyped."""
    ignored_names: tuple[str, ...]
    """Names that mean nothing here."""


def check_names(namespace: Mapping[str, Any]) -> Checked:
    """Return the value of every setting, and all faults."""
    given = _given(namespace)
    values, faults = _check_values(given)
    faults.update(_check_rules(given, values, faults))
    unknown = [name for name in namespace if _may_be_a_setting(name, namespace[name])]
    near = {name: nearest(name, BY_NAME) for name in unknown}
    typos = (
        _fault(Given(name, namespace[name]), f"is not a known name; did you mean {known}?")
        for name, known in near.items()
        if known
    )
    ignored = tuple(name for name in unknown if near[name] is None)
    return Checked(values, (*faults.values(), *typos), ignored)


def _given(namespace: Mapping[str, Any]) -> dict[str, Given]:
    """Return the settings that config.py gives, by their present name."""
    given = {}
    for setting in ALL_SETTINGS:
        label = setting.name if setting.name in namespace else setting.older
        if label in namespace:
            given[setting.name] = Given(label, namespace[label])
    return given


def _check_values(given: Mapping[str, Given]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the value of every setting, and the fault of each that has one.

    A setting with a fault takes its default, so that those built on it can be checked.
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for setting in ALL_SETTINGS:
        try:
            if setting.name in given:
                values[setting.name] = setting.kind(given[setting.name].value)
                continue
        except ValueError as exc:
            faults[setting.name] = _fault(given[setting.name], str(exc))
        values[setting.name] = setting.default_from(values)
    return values, faults


def _check_rules(
    given: Mapping[str, Given], values: Mapping[str, Any], faults: Mapping[str, str]
) -> dict[str, str]:
    """Return the fault of each setting that does not go with another."""
    broken: dict[str, str] = {}
    for rule in RULES:
        if not faults.keys().isdisjoint(rule.names):
            continue
        if not rule.holds(*(values[name] for name in rule.names)):
            blamed = rule.names[-1]
            shown = given.get(blamed, Given(blamed, values[blamed]))
            broken.setdefault(blamed, _fault(shown, rule.allowed))
    return broken


def _may_be_a_setting(name: str, value: Any) -> bool:
    """Tell whether an unknown name could be meant as a setting."""
    if name.startswith("_") or name in BY_NAME or name in OBSOLETE:
        return False
    from_future = type(value).__module__ == "__future__"
    return not (callable(value) or isinstance(value, ModuleType) or from_future)


def _fault(given: Given, why: str) -> str:
    """Return a fault in one line: name = value, and what is allowed."""
    shown = " ".join(repr(given.value).split())
    if len(shown) > _LONGEST_VALUE:
        shown = shown[: _LONGEST_VALUE - 3] + "..."
    return f"{given.label} = {shown}: {why}"
