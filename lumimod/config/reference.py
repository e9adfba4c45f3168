"""The reference of all settings in Markdown: `python -m lumimod.config.reference`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from lumimod.config.entries import Derived, Setting, sections_of
from lumimod.config.kinds.numbers import in_unit
from lumimod.config.record import ALL_SETTINGS, Config

_GENERAL = "Log, and names of variables"
_HEAD = "| setting | default | unit | allowed | meaning |\n|---|---|---|---|---|"


def reference() -> str:
    """Return a table of the settings of each section: default, unit, what is allowed, meaning."""
    parts = (f"## {title}\n\n{_table(settings)}\n" for title, settings in by_section())
    return "\n".join(parts)


def by_section() -> Iterator[tuple[str, list[Setting]]]:
    """Yield title and settings of each section, in the order of Config."""
    for name, record in sections_of(Config).items():
        title = (record.__doc__ or "").splitlines()[0].rstrip(".")
        yield title, [s for s in ALL_SETTINGS if s.where.startswith(f"{name}.")]
    yield _GENERAL, [s for s in ALL_SETTINGS if "." not in s.where]


def _table(settings: list[Setting]) -> str:
    return "\n".join([_HEAD, *(f"| {' | '.join(_cells(s))} |" for s in settings)])


def _cells(setting: Setting) -> Iterator[str]:
    yield f"`{setting.name}`"
    yield _default(setting)
    yield _text(setting.unit)
    yield _text(setting.kind.allowed.replace(in_unit(setting.unit), ""))
    notes = [setting.words]
    notes += [f"older name: `{setting.older}`"] if setting.older else []
    notes += [f"**no effect**: {setting.no_effect}"] if setting.no_effect else []
    yield "; ".join(_text(note) for note in notes)


def _default(setting: Setting) -> str:
    default = setting.default
    shown = default.shown if isinstance(default, Derived) else shown_value(default)
    return "see config.py" if "\\n" in shown else f"`{shown}`"


def shown_value(value: Any) -> str:
    """Return a value as one would write it in config.py, a number in its shortest form."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return repr(value)


def _text(words: str) -> str:
    """Return words for a cell of a table, where Markdown means nothing but `code` and **bold**."""
    parts = words.replace("|", "\\|").split("`")
    parts[::2] = [_literal(part) for part in parts[::2]]
    return "`".join(parts)


def _literal(words: str) -> str:
    single_star_or_underscore = r"(?<!\*)\*(?!\*)|_"
    return re.sub(single_star_or_underscore, r"\\\g<0>", words).replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(reference())
