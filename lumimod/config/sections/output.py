"""Pictures, and HTCondor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lumimod.config.entries import Derived, entry
from lumimod.config.kinds.batch import AttributeValue, interpreter, job_attributes, shell_lines
from lumimod.config.kinds.numbers import figure_size, flag, integer, positive
from lumimod.config.kinds.text import choice, path, plot_format, template


@dataclass(frozen=True)
class PlotSettings:
    """Pictures."""

    do_all: bool = entry("doAllPlots", flag, False, "all pictures")
    do_overview: bool = entry("doOverviewPlots", flag, False, "one page of a fill")
    do_cycle: bool = entry("doCyclePlots", flag, False, "injection and flat top")
    do_cycle_model: bool = entry(
        "doCycleModelPlots", flag, False, "model of injection and flat top"
    )
    do_sb: bool = entry("doSBPlots", flag, False, "stable beams")
    do_limits: bool = entry("doLimitPlots", flag, False, "what limits the machine")
    do_sb_model: bool = entry("doSBModelPlots", flag, False, "model of stable beams")
    do_summary: bool = entry(
        "doSummaryPlots",
        flag,
        False,
        "table of all fills, made after each run",
    )
    do_report: bool = entry(
        "doReport", flag, False, "site of all fills, brought up to date after each run"
    )
    save: bool = entry("savePlots", flag, True, "False: nothing is drawn")
    tarball: bool = entry(
        "makePlotTarball", flag, False, "pack the pictures of a fill into one archive"
    )
    fig_size: tuple[float, float] = entry("fig_tuple", figure_size, (15, 7), "width and height")
    format: str = entry("plotFormat", plot_format, ".png", "file format")
    dpi: int = entry("plotDpi", integer(20, 1200, "dots/inch"), 150, "resolution")
    font_size: float = entry("myfontsize", positive("points"), 16, "font size")
    n_skip: int = entry("n_skip", integer(1), 1, "draw every n-th time step")
    per_model: bool = entry(
        "pictures_per_model",
        flag,
        True,
        "pictures of each model by itself, as the original made them, besides those of all models",
    )


HTCONDOR_SUB = """\
universe   = vanilla
executable = <EXE>
output     = <OUT>
error      = <ERR>
log        = <LOG>
getenv     = True
queue
"""


@dataclass(frozen=True)
class CondorSettings:
    """HTCondor."""

    template: str = entry(
        "htcondor_sub",
        template("<EXE>"),
        HTCONDOR_SUB,
        "submit description; <EXE> <OUT> <ERR> <LOG> <ARGS> <FILLS> <CHUNK> are put in",
    )
    folder: Path = entry(
        "condor_folder",
        path,
        Derived("working_folder", lambda values: values["working_folder"]),
        "folder of the job folders",
    )
    python: str | None = entry(
        "condor_python", interpreter, None, "Python of the jobs; None: the one that submits"
    )
    setup: str = entry("condor_setup", shell_lines, "", "lines of shell that run before it")
    attributes: Mapping[str, AttributeValue] = entry(
        "condor_attributes", job_attributes, {}, "lines added to htcondor_sub"
    )
    submit_with: str = entry(
        "condor_submit_with",
        choice("auto", "command", "bindings"),
        "auto",
        "how jobs are submitted; 'auto': by condor_submit if it is there, else by htcondor2",
    )
