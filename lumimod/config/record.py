"""`Config`, and the table of settings that its sections make up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lumimod.config.entries import Setting, entry, section, sections_of, settings_of
from lumimod.config.kinds.lists import variable_names
from lumimod.config.kinds.text import command_line, log_format, optional_path
from lumimod.config.sections.analysis import Analysis, Bsrt, ModelSettings, Uncertainties
from lumimod.config.sections.files import FileSettings, FillSelection, MassiSettings
from lumimod.config.sections.machine import Machine
from lumimod.config.sections.output import CondorSettings, PlotSettings
from lumimod.config.sections.physics import Physics


@dataclass(frozen=True)
class Config:
    """Everything that config.py says. It can be hashed, compared and pickled."""

    path: Path
    """Of config.py, absolute."""
    ignored_names: tuple[str, ...]
    """Names in config.py that mean nothing here, such as helper variables."""
    remarks: tuple[str, ...]
    """What config.py sets that never counts, a line each."""
    warnings: tuple[str, ...]
    """What config.py may mean otherwise than it is taken, a line each."""
    fills: FillSelection = section(FillSelection)
    files: FileSettings = section(FileSettings)
    massi: MassiSettings = section(MassiSettings)
    bsrt: Bsrt = section(Bsrt)
    analysis: Analysis = section(Analysis)
    model: ModelSettings = section(ModelSettings)
    machine: Machine = section(Machine)
    uncertainties: Uncertainties = section(Uncertainties)
    physics: Physics = section(Physics)
    plots: PlotSettings = section(PlotSettings)
    condor: CondorSettings = section(CondorSettings)
    variable_names: Mapping[str, tuple[str, ...]] = entry(
        "variable_names",
        variable_names,
        {},
        "names of logged variables, in place of those that lumimod knows",
    )
    log_file: Path | None = entry(
        "log_file",
        optional_path,
        None,
        "file to which the log is written too; begun anew at 10 MB, five older ones are kept",
    )
    notify: str = entry(
        "notify",
        command_line,
        "",
        "command that is run when a step begins to fail and when it is well again, with the text "
        "on its standard input, such as 'mail -s lumimod me@cern.ch'",
    )
    log_format: str = entry(
        "FORMAT", log_format, "%(asctime)s %(levelname)s : %(message)s", "a line of the log"
    )


ALL_SETTINGS: tuple[Setting, ...] = tuple(settings_of(Config))
"""In the order of Config: a default may be built on the settings above it."""

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in ALL_SETTINGS}


def build(
    path: Path,
    values: Mapping[str, Any],
    ignored_names: tuple[str, ...] = (),
    remarks: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Config:
    """Return the Config that holds the value of every setting, by name."""
    by_section: dict[str, dict[str, Any]] = {"": {}, **{name: {} for name in sections_of(Config)}}
    for setting in ALL_SETTINGS:
        place, _, field = setting.where.rpartition(".")
        by_section[place][field] = values[setting.name]
    top = by_section.pop("")
    sections = {name: sections_of(Config)[name](**held) for name, held in by_section.items()}
    return Config(path, ignored_names, remarks, warnings, **sections, **top)
