"""What a config.py changes, in words: `--check-config`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from lumimod.config.checking import Checked
from lumimod.config.kinds.numbers import in_unit
from lumimod.config.record import ALL_SETTINGS
from lumimod.config.reference import shown_value
from lumimod.config.settings import plain, read_config, refuse_faults


def check_config(path: Path, output: TextIO) -> bool:
    """Write which settings a config.py changes, then raise what is wrong with it; return True.

    Raises
    ------
    ConfigError
        The file is missing or cannot be run, or has faults: one line for each of them.
    """
    path, checked = read_config(path)
    output.write(report(path, checked))
    refuse_faults(path, checked)
    return True


def report(path: Path, checked: Checked) -> str:
    """Return the settings that differ from the defaults, and the names that mean nothing.

    A setting with a fault has its default in `checked`, and is not listed.
    """
    lines = list(_differences(checked))
    count = f"{len(lines)} setting{'s' * (len(lines) != 1)}"
    text = [f"{path}: {count} other than the default", *(f"  {line}" for line in lines)]
    if checked.ignored_names:
        text.append(f"names without a meaning here: {', '.join(checked.ignored_names)}")
    text += [f"warning: {line}" for line in checked.warnings]
    text += checked.remarks
    return "\n".join(text) + "\n"


def _differences(checked: Checked) -> Iterator[str]:
    for setting in ALL_SETTINGS:
        value, default = checked.values[setting.name], setting.default_from(checked.values)
        if not setting.kind.same(value, default):
            shown, usual = shown_value(plain(value)), shown_value(plain(default))
            note = f"; no effect: {setting.no_effect}" if setting.no_effect else ""
            yield f"{setting.name} = {shown}{in_unit(setting.unit)} (default {usual}){note}"
