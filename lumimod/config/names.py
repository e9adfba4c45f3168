"""The names of config.py: where each goes in Config, what it may hold, its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from lumimod.config.batch import attributes, interpreter, shell_lines, submit_with
from lumimod.config.kinds import (
    MODELS,
    Check,
    at_least_zero,
    betastar,
    cases,
    crossing_planes,
    crossing_ranges,
    data_source,
    exp_folders,
    factors,
    figure_size,
    file_tag,
    flag,
    gamma,
    integer,
    leveling,
    log_format,
    models,
    optional_path,
    path,
    periods,
    plot_format,
    positive,
    positive_or_inf,
    rescale_periods,
    template,
    text,
    variable_names,
)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Name:
    """One name of config.py."""

    name: str
    where: str
    """Section and field of Config; no section: Config itself; empty: built from several names."""
    check: Check
    default: Any
    """As in config.py, or a function of the values of the names above."""

    def default_from(self, values: Values) -> Any:
        """Return the checked default, given the values of the names above."""
        return self.check(self.default(values) if callable(self.default) else self.default)


@dataclass(frozen=True)
class Rule:
    """A condition on several names; it is tried only if each of them is good by itself."""

    names: tuple[str, ...]
    """The last one is blamed."""
    holds: Callable[..., bool]
    """Takes the values of `names`."""
    allowed: str


HTCONDOR_SUB = """\
universe   = vanilla
executable = <EXE>
output     = <OUT>
error      = <ERR>
log        = <LOG>
getenv     = True
queue
"""

_FILL = template("<FILLNUMBER>")


def _in_data(tail: str) -> Callable[[Values], str]:
    return lambda values: str(values["data_folder"] / tail)


def _in_working(tail: str) -> Callable[[Values], str]:
    return lambda values: str(values["working_folder"] / tail)


def _whole_range(values: Values) -> dict[str, tuple[int, int]]:
    first: int = values["first_fill"]
    return {"A": (first, max(first, values["last_fill"] + 1))}


def _no_correction(values: Values) -> list[float]:
    return [1.0] * len(values["cases"])


NAMES: tuple[Name, ...] = (
    Name("first_fill", "fills.first_fill", integer(0), 5695),
    Name("last_fill", "fills.last_fill", integer(0), 7001),
    Name("periods", "fills.periods", periods, _whole_range),
    Name("min_time_SB", "fills.min_time_sb_s", at_least_zero("s"), 300.0),
    Name("input_folder", "files.input_folder", path, "./"),
    Name("working_folder", "files.working_folder", path, "./"),
    Name("data_folder", "files.data_folder", path, lambda v: v["input_folder"] / "data"),
    Name("stableBeams_folder", "files.stable_beams_folder", path, _in_working("SB_analysis")),
    Name("fill_dir", "files.fill_dir", _FILL, "fill_<FILLNUMBER>/"),
    Name("plot_dir", "files.plot_dir", text, "plots/"),
    Name("SB_filename", "files.sb", _FILL, "fill_<FILLNUMBER><RESC>.pkl.gz"),
    Name("SB_fits_filename", "files.sb_fits", _FILL, "fill_<FILLNUMBER>_fits<RESC>.pkl.gz"),
    Name("SB_model_filename", "files.sb_model", _FILL, "fill_<FILLNUMBER>_sbmodel<RESC>.pkl.gz"),
    Name(
        "SB_burnoff_filename",
        "files.sb_burnoff",
        _FILL,
        "fill_<FILLNUMBER>_sigma_burnoff<RESC>.pkl.gz",
    ),
    Name("Cycle_filename", "files.cycle", _FILL, "fill_<FILLNUMBER>_cycle<RESC>.pkl.gz"),
    Name(
        "Cycle_model_filename",
        "files.cycle_model",
        _FILL,
        "fill_<FILLNUMBER>_cycle_model<RESC>.pkl.gz",
    ),
    Name("Lumi_filename", "files.lumi", _FILL, "fill_<FILLNUMBER>_lumi_calc<RESC>.pkl.gz"),
    Name("Massi_filename", "files.massi", _FILL, "fill_<FILLNUMBER>_lumi_meas.pkl.gz"),
    Name("makedirs", "files.makedirs", flag, True),
    Name("overwriteFiles", "files.overwrite", flag, False),
    Name("saveDict", "files.save_dict", flag, True),
    Name("savePandas", "files.save_pandas", flag, False),
    Name(
        "BASIC_DATA_FILE",
        "files.basic_data",
        _FILL,
        _in_data("fill_basic_data_csvs/basic_data_fill_<FILLNUMBER>.csv"),
    ),
    Name(
        "BASIC_CROSSING_FILE",
        "files.crossing",
        _FILL,
        _in_data("fill_crossing_data_csvs/crossing_angle_fill_<FILLNUMBER>.csv"),
    ),
    Name(
        "BBB_DATA_FILE",
        "files.bbb_data",
        _FILL,
        _in_data("fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_<FILLNUMBER>.csv"),
    ),
    Name(
        "BBB_LUMI_DATA_FILE",
        "files.bbb_lumi",
        _FILL,
        _in_data("fill_bunchbybunch_lumi_data_csvs/bunchbybunch_lumi_data_fill_<FILLNUMBER>.csv"),
    ),
    Name(
        "EXTRA_DATA_FILE",
        "files.extra_data",
        _FILL,
        _in_data("fill_extra_data_csvs/extra_data_fill_<FILLNUMBER>.csv"),
    ),
    Name("variable_names", "variable_names", variable_names, {}),
    Name("data_source", "files.source", data_source, "pytimber"),
    Name(
        "data_source_folder", "files.source_folder", path, lambda v: v["input_folder"] / "incoming"
    ),
    Name("fills_bmodes_file", "files.bmodes", path, _in_data("fills_and_bmodes.pkl")),
    Name("enable_smoothing_BSRT", "bsrt.smooth", flag, True),
    Name("avg_time_smoothing", "bsrt.smoothing_time_s", positive("s"), 3 * 3600.0),
    Name("doRescale", "bsrt.rescale", flag, False),
    Name("resc_period", "bsrt.rescale_periods", rescale_periods, [("A", "A")]),
    Name("add_resc_string", "bsrt.rescale_string", file_tag, ""),
    Name("bsrt_calibration_file", "bsrt.calibration_file", optional_path, None),
    Name("t_step_sec", "analysis.t_step_s", positive("s"), 300.0),
    Name("intensity_threshold", "analysis.intensity_threshold_ppb", at_least_zero("p/b"), 3e10),
    Name("t_fit_length", "analysis.t_fit_length_s", positive("s"), 2 * 3600.0),
    Name("doSBModel", "model.enabled", flag, False),
    Name("models", "model.models", models, MODELS),
    Name("cases", "", cases, [1]),
    Name("correction_factor_1h", "", factors, _no_correction),
    Name("correction_factor_1v", "", factors, _no_correction),
    Name("correction_factor_2h", "", factors, _no_correction),
    Name("correction_factor_2v", "", factors, _no_correction),
    Name("leveling", "model.leveling", leveling, {5439: 8e37, 5450: 8e37}),
    Name("massi_file_database", "massi.database", path, _in_working("SB_analysis/fill_db.yaml")),
    Name("massi_year", "massi.year", integer(2008, 2099), 2017),
    Name("massi_afs_path", "massi.path_template", text, _in_data("massi/<YEAR>/measurements/")),
    Name("massi_exp_folders", "massi.exp_folders", exp_folders, ["ATLAS/lumi/", "CMS/lumi/"]),
    Name("massi_bunch_lumi_scale", "massi.bunch_lumi_scale", positive(), 1e34),
    Name("frev", "machine.f_rev_hz", positive("Hz"), 11245.5),
    Name("gammaFT", "machine.gamma_ft", gamma, 6927.64),
    Name("gammaFB", "machine.gamma_fb", gamma, 479.6),
    Name("tauSRxy_FT", "machine.tau_sr_xy_ft_s", positive_or_inf("s"), 64.7 * 3600),
    Name("tauSRxy_FB", "machine.tau_sr_xy_fb_s", positive_or_inf("s"), float("inf")),
    Name("tauSRl_FT", "machine.tau_sr_l_ft_s", positive_or_inf("s"), 32.35 * 3600),
    Name("VRF_FT", "machine.v_rf_ft_v", positive("V"), 12e6),
    Name("VRF_FB", "machine.v_rf_fb_v", positive("V"), 6e6),
    Name("betastar_m", "machine.betastar_m", betastar, 0.30),
    Name("sigmaBOff_m2", "machine.sigma_boff_m2", positive("m^2"), 80e-31),
    Name("sigma_el_m2", "machine.sigma_el_m2", at_least_zero("m^2"), 29.7e-31),
    Name("crossing_planes", "machine.crossing_planes", crossing_planes, {}),
    Name("crossingAngleChange", "machine.crossing_angle_change", flag, True),
    Name(
        "XingAngle",
        "",
        crossing_ranges,
        {(5695, 6055): [300e-6, 300e-6], (6055, 7001 + 1): [300e-6, 300e-6]},
    ),
    Name("doAllPlots", "plots.do_all", flag, False),
    Name("doCyclePlots", "plots.do_cycle", flag, False),
    Name("doCycleModelPlots", "plots.do_cycle_model", flag, False),
    Name("doSBPlots", "plots.do_sb", flag, False),
    Name("doSBModelPlots", "plots.do_sb_model", flag, False),
    Name("doSummaryPlots", "plots.do_summary", flag, False),
    Name("savePlots", "plots.save", flag, True),
    Name("makePlotTarball", "plots.tarball", flag, False),
    Name("fig_tuple", "plots.fig_size", figure_size, (15, 7)),
    Name("plotFormat", "plots.format", plot_format, ".png"),
    Name("plotDpi", "plots.dpi", integer(20, 1200), 150),
    Name("myfontsize", "plots.font_size", positive("points"), 16),
    Name("n_skip", "plots.n_skip", integer(1), 1),
    Name("FORMAT", "log_format", log_format, "%(asctime)s %(levelname)s : %(message)s"),
    Name("htcondor_sub", "condor.template", template("<EXE>"), HTCONDOR_SUB),
    Name("condor_folder", "condor.folder", path, lambda v: v["working_folder"]),
    Name("condor_python", "condor.python", interpreter, None),
    Name("condor_setup", "condor.setup", shell_lines, ""),
    Name("condor_attributes", "condor.attributes", attributes, {}),
    Name("condor_submit_with", "condor.submit_with", submit_with, "auto"),
)

BY_NAME: Mapping[str, Name] = {name.name: name for name in NAMES}

ALIASES: Mapping[str, str] = {"gammaFT": "gamma"}
"""Older spelling of a name; it counts when the name itself is not given."""

OBSOLETE = frozenset({"gamma", "output_folder"})
"""Names of older configs; they are never reported as unknown."""

RESULT_NAMES = tuple(n.name for n in NAMES if n.name.endswith("_filename"))


def _known_periods(known: Values, rescale: bool, pairs: tuple[tuple[str, str], ...]) -> bool:
    return not rescale or {name for pair in pairs for name in pair} <= set(known)


RULES: tuple[Rule, ...] = (
    Rule(
        ("first_fill", "last_fill"),
        lambda first, last: first <= last,
        "must not be below first_fill",
    ),
    Rule(
        ("periods", "doRescale", "resc_period"),
        _known_periods,
        "must name only periods that are in `periods`",
    ),
    Rule(
        ("saveDict", "savePandas"),
        lambda as_dict, as_frame: as_dict or as_frame,
        "must be True where saveDict is False, or nothing is saved",
    ),
    *(
        Rule(
            ("cases", f"correction_factor_{plane}"),
            lambda names, values: len(names) == len(values),
            "must hold one factor for each of `cases`",
        )
        for plane in ("1h", "1v", "2h", "2v")
    ),
    *(
        Rule((a, b), lambda x, y: x != y, f"must differ from {a}, or one overwrites the other")
        for i, a in enumerate(RESULT_NAMES)
        for b in RESULT_NAMES[i + 1 :]
    ),
)
