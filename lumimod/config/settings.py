"""Reading config.py, and asking for its settings by name."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import Any

from lumimod.config.checking import Checked, check_names
from lumimod.config.entries import Setting
from lumimod.config.kinds.base import FrozenMap, nearest
from lumimod.config.record import BY_NAME, Config, build
from lumimod.config.running import run_config
from lumimod.config.sections.analysis import Case
from lumimod.config.sections.output import CondorSettings, PlotSettings
from lumimod.errors import ConfigError

__all__ = [
    "Case",
    "CondorSettings",
    "Config",
    "PlotSettings",
    "Setting",
    "load_config",
    "plain",
    "read_config",
    "setting",
    "plain_values",
]


def load_config(path: Path) -> Config:
    """Return the settings of a config.py, which is run once.

    Settings that it does not give take their defaults.

    Raises
    ------
    ConfigError
        The file is missing or cannot be run (with its line), or values are not allowed; then
        one line for each of them.
    """
    path, checked = read_config(path)
    refuse_faults(path, checked)
    said = checked.ignored_names, checked.remarks, checked.warnings
    return build(path, checked.values, *said)


def read_config(path: Path) -> tuple[Path, Checked]:
    """Return the absolute path of a config.py, and what it says with all its faults.

    Raises
    ------
    ConfigError
        The file is missing or cannot be run.
    """
    path = Path(path).expanduser().absolute()
    return path, check_names(run_config(path))


def refuse_faults(path: Path, checked: Checked) -> None:
    """Raise `ConfigError` with all faults of a config.py, if it has any."""
    if checked.faults:
        count = f"{path}: {len(checked.faults)} to correct"
        raise ConfigError("\n  ".join([count, *checked.faults]))


def setting(name: str) -> Setting:
    """Return what is known of a setting: unit, default, meaning.

    Raises
    ------
    KeyError
        config.py has no setting of this name.
    """
    try:
        return BY_NAME[name]
    except KeyError as exc:
        meant = nearest(name, BY_NAME)
        hint = f"; did you mean {meant}?" if meant else ""
        raise KeyError(f"{name} is not a setting of config.py{hint}") from exc


def plain_values(cfg: Config, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of settings, by name, as plain Python that could stand in config.py.

    They consist of numbers, text, True, False, None, lists and dictionaries; a dictionary has
    the keys that it has in config.py, of which a range of fills is a tuple.

    Raises
    ------
    KeyError
        config.py has no setting of such a name.
    """
    return {name: plain(attrgetter(setting(name).where)(cfg)) for name in names}


def plain(value: Any) -> Any:
    """Return a value of Config as it could stand in config.py."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, FrozenMap):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value
