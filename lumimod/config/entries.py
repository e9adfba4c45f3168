"""`Setting`: all that is known of one name in config.py, and how a section of Config holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Callable

from lumimod.config.kinds.base import Kind, V

Values = Mapping[str, Any]

_SETTING, _SECTION = "setting", "section"
"""Keys in the metadata of a dataclass field."""


@dataclass(frozen=True)
class Derived:
    """A default that is built on the values of settings further up."""

    shown: str
    """As it would be written in config.py."""
    value: Callable[[Values], Any]


def below(folder: str, tail: str) -> Derived:
    """Return a default that lies in the folder that another setting names."""
    return Derived(f"{folder} + {tail!r}", lambda values: values[folder] / tail)


@dataclass(frozen=True)
class Setting:
    """One name of config.py."""

    name: str
    kind: Kind[Any]
    default: Any
    """As it would be written in config.py, or `Derived`."""
    words: str
    """What it means, without unit; a comment in config.py starts like this."""
    older: str = ""
    """Name in older configurations, which counts where `name` is not given."""
    no_effect: str = ""
    """Why nothing reads it; empty: it is in use."""
    where: str = ""
    """Its place in Config, such as machine.gamma_ft."""

    @property
    def unit(self) -> str:
        """Its unit, empty if it has none."""
        return self.kind.unit

    @property
    def used(self) -> bool:
        """Whether any part of lumimod reads it."""
        return not self.no_effect

    def default_from(self, values: Values) -> Any:
        """Return the default as Config holds it, given the values of the settings further up."""
        derived = isinstance(self.default, Derived)
        return self.kind(self.default.value(values) if derived else self.default)


def entry(
    name: str, kind: Kind[V], default: Any, words: str, *, older: str = "", no_effect: str = ""
) -> V:
    """Return the dataclass field that holds the setting `name`; arguments as of `Setting`.

    As with `dataclasses.field`, the type is that of the field's values.
    """
    setting = Setting(name, kind, default, words, older, no_effect)
    made: Any = field(metadata={_SETTING: setting})
    return made


def section(record: type[V]) -> V:
    """Return the dataclass field of Config that holds a section."""
    made: Any = field(metadata={_SECTION: record})
    return made


def sections_of(record: type) -> dict[str, type]:
    """Return the sections of Config by the name of their field."""
    return {f.name: f.metadata[_SECTION] for f in fields(record) if _SECTION in f.metadata}


def settings_of(record: type, prefix: str = "") -> Iterator[Setting]:
    """Yield the settings that a dataclass holds, in its order, those of its sections too."""
    for item in fields(record):
        if _SETTING in item.metadata:
            yield replace(item.metadata[_SETTING], where=prefix + item.name)
        elif _SECTION in item.metadata:
            yield from settings_of(item.metadata[_SECTION], f"{item.name}.")
