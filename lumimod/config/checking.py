"""Checking the names that config.py sets, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

from lumimod.config.kinds.base import EntryError, nearest
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
    remarks: tuple[str, ...]
    """A line for each value that is allowed, but never counts."""
    warnings: tuple[str, ...]
    """A line for each name and value that may be meant otherwise than it is taken."""


def check_names(namespace: Mapping[str, Any]) -> Checked:
    """Return the value of every setting, and all faults."""
    given = _given(namespace)
    values, faults = _check_values(given)
    faults.update(_check_rules(given, values, faults))
    unknown = [name for name in namespace if _may_be_a_setting(name, namespace[name])]
    near = {name: nearest(name, BY_NAME) for name in unknown}
    typos = tuple(
        _fault(Given(name, namespace[name]), f"is not a known name; did you mean {known}?")
        for name, known in near.items()
        if known and known not in given
    )
    alike = tuple(
        f"{name} means nothing here; the setting is {known}, which is set too"
        for name, known in near.items()
        if known and known in given
    )
    ignored = tuple(name for name in unknown if near[name] is None)
    good = {name: values[name] for name in given if name not in faults}
    refused = (*faults.values(), *typos)
    if refused:  # they may be the next thing to correct
        refused, alike = (*refused, *alike), ()
    return Checked(values, refused, ignored, _remarks(good), alike + _without_effect(good))


def _remarks(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the kinds of settings say of their values."""
    return tuple(
        f"{name}: {remark}"
        for name, value in given.items()
        for remark in BY_NAME[name].kind.remarks(value)
    )


def _without_effect(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line for each setting that nothing reads and that differs from its default."""
    unread = [setting for name in given if (setting := BY_NAME[name]).no_effect]
    return tuple(
        f"{s.name} = {shown(given[s.name])} has no effect: {s.no_effect}"
        for s in unread
        if not s.kind.same(given[s.name], s.default_from(given))
    )


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
        except EntryError as exc:
            entry = f"{given[setting.name].label}[{exc.key!r}]"
            faults[setting.name] = _fault(Given(entry, exc.value), exc.why)
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
        why = rule.broken(*(values[name] for name in rule.names))
        if why:
            blamed = rule.names[-1]
            of = given.get(blamed, Given(blamed, values[blamed]))
            broken.setdefault(blamed, _fault(of, why))
    return broken


def _may_be_a_setting(name: str, value: Any) -> bool:
    """Tell whether an unknown name could be meant as a setting."""
    if name.startswith("_") or name in BY_NAME or name in OBSOLETE:
        return False
    from_future = type(value).__module__ == "__future__"
    return not (callable(value) or isinstance(value, ModuleType) or from_future)


def _fault(given: Given, why: str) -> str:
    """Return a fault in one line: name = value, and what is allowed."""
    return f"{given.label} = {shown(given.value)}: {why}"


def shown(value: Any) -> str:
    """Return a value in one line that is not too long."""
    line = " ".join(repr(value).split())
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 3] + "..."
