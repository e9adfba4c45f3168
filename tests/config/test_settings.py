"""config.py: what loads, what is refused and with which words."""

from __future__ import annotations

import logging
import math
import pickle
import runpy
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.config.kinds import (
    MODELS,
    FrozenMap,
    at_least_zero,
    crossing_ranges,
    flag,
    integer,
    leveling,
    periods,
    positive,
)
from lumimod.config.names import ALIASES, BY_NAME, NAMES, OBSOLETE
from lumimod.config.settings import Case, Config, CrossingAngleRange, load_config
from lumimod.errors import ConfigError

DATA = Path(__file__).parents[1] / "data"
SHIPPED = Path(__file__).parents[2] / "config.py"


@pytest.fixture
def config(tmp_path):
    """Return a function that loads a config.py of the given text."""

    def load(source: str = "") -> Config:
        path = tmp_path / "config.py"
        path.write_text(source)
        return load_config(path)

    return load


@pytest.fixture
def faults(config):
    """Return a function that gives the lines of faults of a config.py."""

    def lines(source: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            config(source)
        head, *found = str(caught.value).splitlines()
        assert head.endswith(f"config.py: {len(found)} to correct")
        return [line.strip() for line in found]

    return lines


# --- defaults

DEFAULTS = {
    "fills.first_fill": 5695,
    "fills.last_fill": 7001,
    "fills.min_time_sb_s": 300,
    "fills.periods": {"A": (5695, 7002)},
    "files.input_folder": Path(),
    "files.working_folder": Path(),
    "files.data_folder": Path("data"),
    "files.stable_beams_folder": Path("SB_analysis"),
    "files.fill_dir": "fill_<FILLNUMBER>/",
    "files.plot_dir": "plots/",
    "files.sb": "fill_<FILLNUMBER><RESC>.pkl.gz",
    "files.sb_fits": "fill_<FILLNUMBER>_fits<RESC>.pkl.gz",
    "files.sb_model": "fill_<FILLNUMBER>_sbmodel<RESC>.pkl.gz",
    "files.sb_burnoff": "fill_<FILLNUMBER>_sigma_burnoff<RESC>.pkl.gz",
    "files.cycle": "fill_<FILLNUMBER>_cycle<RESC>.pkl.gz",
    "files.cycle_model": "fill_<FILLNUMBER>_cycle_model<RESC>.pkl.gz",
    "files.lumi": "fill_<FILLNUMBER>_lumi_calc<RESC>.pkl.gz",
    "files.massi": "fill_<FILLNUMBER>_lumi_meas.pkl.gz",
    "files.makedirs": True,
    "files.overwrite": False,
    "files.save_dict": True,
    "files.save_pandas": False,
    "files.basic_data": "data/fill_basic_data_csvs/basic_data_fill_<FILLNUMBER>.csv",
    "files.bbb_data": "data/fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_<FILLNUMBER>.csv",
    "files.crossing": "data/fill_crossing_data_csvs/crossing_angle_fill_<FILLNUMBER>.csv",
    "files.bbb_lumi": "data/fill_bunchbybunch_lumi_data_csvs/"
    "bunchbybunch_lumi_data_fill_<FILLNUMBER>.csv",
    "files.source": "pytimber",
    "files.source_folder": Path("incoming"),
    "files.extra_data": "data/fill_extra_data_csvs/extra_data_fill_<FILLNUMBER>.csv",
    "files.bmodes": Path("data/fills_and_bmodes.pkl"),
    "bsrt.smooth": True,
    "bsrt.smoothing_time_s": 10800,
    "bsrt.rescale": False,
    "bsrt.rescale_periods": (("A", "A"),),
    "bsrt.rescale_string": "",
    "bsrt.calibration_file": None,
    "analysis.t_step_s": 300,
    "analysis.intensity_threshold_ppb": 3e10,
    "analysis.t_fit_length_s": 7200,
    "model.enabled": False,
    "model.models": (
        "EmpiricalBlowupLosses",
        "EmpiricalBlowupBOff",
        "IBSBOff",
        "IBSLosses",
        "EmpiricalblengthLosses",
    ),
    "model.cases": (Case(1, 1.0, 1.0, 1.0, 1.0),),
    "model.leveling": {5439: 8e37, 5450: 8e37},
    "massi.database": Path("SB_analysis/fill_db.yaml"),
    "massi.year": 2017,
    "massi.path_template": "data/massi/<YEAR>/measurements",
    "massi.exp_folders": ("ATLAS/lumi/", "CMS/lumi/"),
    "massi.bunch_lumi_scale": 1e34,
    "machine.f_rev_hz": 11245.5,
    "machine.gamma_ft": 6927.64,
    "machine.gamma_fb": 479.6,
    "machine.tau_sr_xy_ft_s": 232920,
    "machine.tau_sr_xy_fb_s": math.inf,
    "machine.tau_sr_l_ft_s": 116460,
    "machine.v_rf_ft_v": 12e6,
    "machine.v_rf_fb_v": 6e6,
    "machine.betastar_m": 0.30,
    "machine.sigma_boff_m2": 80e-31,
    "machine.sigma_el_m2": 29.7e-31,
    "machine.crossing_planes": {},
    "machine.crossing_angle_change": True,
    "machine.crossing_angles": (
        CrossingAngleRange(5695, 6055, 300e-6, 300e-6),
        CrossingAngleRange(6055, 7002, 300e-6, 300e-6),
    ),
    "plots.do_all": False,
    "plots.do_cycle": False,
    "plots.do_cycle_model": False,
    "plots.do_sb": False,
    "plots.do_sb_model": False,
    "plots.do_summary": False,
    "plots.save": True,
    "plots.tarball": False,
    "plots.fig_size": (15, 7),
    "plots.format": ".png",
    "plots.dpi": 150,
    "plots.font_size": 16,
    "plots.n_skip": 1,
    "condor.folder": Path(),
    "condor.python": None,
    "condor.setup": "",
    "condor.attributes": FrozenMap(()),
    "condor.submit_with": "auto",
    "log_format": "%(asctime)s %(levelname)s : %(message)s",
    "variable_names": {},
    "ignored_names": (),
}


def _flat(record: object, prefix: str = "") -> dict[str, object]:
    """Return the fields of nested records by their dotted names."""
    found: dict[str, object] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        nested = _flat(value, f"{prefix}{field.name}.") if is_dataclass(value) else None
        if nested is None or isinstance(value, FrozenMap):
            found[prefix + field.name] = value
        else:
            found.update(nested)
    return found


def test_an_empty_config_takes_every_default(config):
    found = _flat(config())
    assert found.pop("path").name == "config.py"
    for mark in ("<EXE>", "<OUT>", "<ERR>", "<LOG>", "getenv", "queue"):
        assert mark in found["condor.template"]
    del found["condor.template"]
    assert found == DEFAULTS


def test_derived_defaults_follow_the_folders(config):
    cfg = config("input_folder = '/in'\nworking_folder = '/out/'\n")
    assert cfg.files.data_folder == Path("/in/data")
    assert cfg.files.bmodes == Path("/in/data/fills_and_bmodes.pkl")
    assert cfg.files.basic_data.startswith("/in/data/fill_basic_data_csvs/")
    assert cfg.files.stable_beams_folder == Path("/out/SB_analysis")
    assert cfg.massi.database == Path("/out/SB_analysis/fill_db.yaml")


def test_the_default_period_covers_the_fill_range(config):
    assert config("first_fill = 1\nlast_fill = 9").fills.period("A") == (1, 10)


def test_correction_factors_default_to_one_for_each_case(config):
    cfg = config("cases = [1, 'high']\ncorrection_factor_2v = [1, 1.5]")
    assert cfg.model.cases == (Case(1, 1, 1, 1, 1), Case("high", 1, 1, 1, 1.5))


# --- the shipped file


def test_the_shipped_config_sets_every_name_and_no_other():
    given_names = {name for name in runpy.run_path(str(SHIPPED)) if not name.startswith("_")}
    assert given_names == set(BY_NAME)


def test_the_shipped_config_holds_the_defaults_but_runs_the_model(config):
    shipped, default = _flat(load_config(SHIPPED)), _flat(config())
    for paths in (shipped, default):
        del paths["path"]
        for name in ("basic_data", "bbb_data", "crossing", "bbb_lumi", "extra_data"):
            paths[f"files.{name}"] = Path(paths[f"files.{name}"])
        paths["massi.path_template"] = Path(paths["massi.path_template"])
    assert {name for name in shipped if shipped[name] != default[name]} == {"model.enabled"}
    assert shipped["model.enabled"] is True
    assert shipped["ignored_names"] == ()


# --- configs of 2017


def test_the_config_of_april_2017_loads_unchanged():
    cfg = load_config(DATA / "config_2017_04.py")
    assert cfg.ignored_names == ()
    assert cfg.machine.gamma_ft == 6927.64
    assert cfg.machine.crossing_angle(5005) == (360e-6, 360e-6)
    assert cfg.machine.crossing_angle(5300) == (290e-6, 290e-6)
    assert cfg.fills.periods == {"A": (5005, 5200), "B": (5200, 5400), "C": (5400, 5457)}
    assert cfg.bsrt.rescale
    assert cfg.bsrt.rescale_periods == (("A", "A"), ("B", "C"), ("C", "C"))
    assert cfg.massi.folder("CMS") == Path("/afs/cern.ch/user/l/lpc/w0/2016/measurements/CMS/lumi")
    assert cfg.files.stable_beams_folder == Path(
        "/afs/cern.ch/work/l/lumimod/followup_2016/SB_analysis"
    )
    assert not cfg.model.enabled


def test_the_config_of_november_2017_loads_unchanged():
    cfg = load_config(DATA / "config_2017_11.py")
    assert cfg.ignored_names == ("hour",)
    assert cfg.model.enabled
    assert cfg.model.models == MODELS[:4]
    assert cfg.model.cases == (Case(1, 1, 1, 1, 1), Case(2, 0.9, 1.1, 0.95, 1.05))
    assert cfg.machine.tau_sr_xy_fb_s == math.inf
    assert type(cfg.machine.tau_sr_l_ft_s) is float
    assert cfg.machine.crossing_angle(6100) == (300e-6, 290e-6)
    assert cfg.machine.crossing_angle(6418) is None


# --- running the file


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.py not found"):
        load_config(tmp_path / "nowhere.py")


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("frev = 1\nprint 'x'\n", r"config\.py, line 2: SyntaxError: "),
        ("frev = 1\n\nfrev = nothing\n", r"config\.py, line 3: NameError: name 'nothing'"),
        ("def f():\n  return 1/0\n\nx = f()\n", r"config\.py, line 2: ZeroDivisionError"),
        ("import sys\nsys.exit('stop')", r"config\.py, line 2: SystemExit: stop"),
        ("raise SyntaxError('odd')", r"config\.py, line 1: SyntaxError: odd"),
        ("x = 1\0", r"config\.py(, line 1)?: (ValueError|SyntaxError): source code"),
    ],
)
def test_what_cannot_run_names_file_and_line(config, source, message):
    with pytest.raises(ConfigError, match=message):
        config(source)


def test_a_syntax_error_in_a_neighbour_names_the_neighbour(config, tmp_path):
    (tmp_path / "broken_neighbour.py").write_text("x = 1\ny = = 2\n")
    with pytest.raises(ConfigError, match=r"broken_neighbour\.py, line 2: SyntaxError"):
        config("import broken_neighbour")


def test_the_file_knows_where_it_is_and_its_neighbours(config, tmp_path):
    (tmp_path / "neighbour_of_config.py").write_text("STEP = 120\n")
    before = list(sys.path)
    cfg = config(
        "import os\nfrom neighbour_of_config import STEP\n"
        "t_step_sec = STEP\ndata_folder = os.path.dirname(__file__)\n"
    )
    assert cfg.analysis.t_step_s == 120
    assert cfg.files.data_folder == tmp_path
    assert cfg.path == tmp_path / "config.py"
    assert sys.path == before


def test_a_config_may_tidy_the_search_path_itself(config, tmp_path):
    before = list(sys.path)
    config("import sys\nsys.path.pop(0)")
    assert sys.path == before


def test_the_file_is_run_once(config, tmp_path):
    config("with open(__file__ + '.log', 'a') as f:\n    f.write('run\\n')\n")
    assert (tmp_path / "config.py.log").read_text() == "run\n"


def test_a_path_below_the_current_folder_becomes_absolute(config, tmp_path, monkeypatch):
    config()
    monkeypatch.chdir(tmp_path)
    assert load_config(Path("config.py")).path == tmp_path / "config.py"


# --- names


@pytest.mark.parametrize(
    ("typo", "known"),
    [
        ("t_step_secs", "t_step_sec"),
        ("T_STEP_SEC", "t_step_sec"),
        ("frevv", "frev"),
        ("gammaft", "gammaFT"),
        ("correction_factor_1_h", "correction_factor_1h"),
        ("stable_beams_folder", "stableBeams_folder"),
        ("leveling_", "leveling"),
    ],
)
def test_a_typo_gets_the_nearest_name(faults, typo, known):
    assert faults(f"{typo} = 5") == [f"{typo} = 5: is not a known name; did you mean {known}?"]


def test_helper_variables_are_ignored_and_listed(config):
    assert config("hour = 3600.\nz = 1\nt_fit_length = hour").ignored_names == ("hour", "z")


def test_what_is_no_setting_is_not_listed(config):
    source = (
        "from __future__ import division\nimport math\nfrom math import pi as _pi, sin\n"
        "class period: pass\ndef case(): pass\noutput_folder = ''\n"
    )
    assert config(source).ignored_names == ()


def test_gamma_stands_for_gamma_ft_only_without_it(config):
    assert config("gamma = 7000.").machine.gamma_ft == 7000
    assert config("gamma = 0\ngammaFT = 6900.").machine.gamma_ft == 6900


def test_a_fault_of_an_older_name_is_shown_under_it(faults):
    assert faults("gamma = 1") == ["gamma = 1: must be a number > 1"]


def test_aliases_are_obsolete_names_of_known_ones():
    assert set(ALIASES) <= set(BY_NAME)
    assert set(ALIASES.values()) <= OBSOLETE


# --- faults, name by name

TIMES = ("avg_time_smoothing", "t_step_sec", "t_fit_length")
FLAGS = tuple(name.name for name in NAMES if name.check is flag)
TEMPLATES = ("fill_dir", *(n for n in BY_NAME if n.endswith(("_filename", "_FILE"))))
PATHS = ("input_folder", "working_folder", "data_folder", "stableBeams_folder")
FACTOR = "must be a list of numbers > 0, one for each of `cases`"
CASES = "must be a list of different whole numbers or words, such as [1, 2]"
MODEL_LIST = f"must be a list of different models out of {', '.join(MODELS)}"
FOLDERS = "must be a list of two folders, one that names ATLAS and one that names CMS"
PERIODS = "must be {'name': (first fill, last fill + 1)}, the first number not above the second"
RESCALE = "must be a list of (from, to), names of periods, each `from` once"
LEVELING = "must be {fill: luminosity}, luminosities > 0 [1/(m^2 s)]"
ANGLES = (
    "must be {(first fill, last fill + 1): [IP1, IP5]}, full angles above 0 and below 0.01 [rad]"
)

BETASTAR = (
    "must be a number > 0 [m], {(first fill, last fill + 1): number or [IP1, IP5]}, or 'measured'"
)
PLANES = "must be {1: 'v', 5: 'h'}: 'h' or 'v' for interaction points 1 and 5"
OTHER_NAMES = "must be {quantity: name or [names]}, the quantities being those of lumimod/tables/"

BAD = [
    *((name, value, "must be a number > 0 [s]") for name in TIMES for value in ("0", "-1", "'5'")),
    *((name, value, "must be True or False") for name in FLAGS for value in ("2", "'yes'", "None")),
    *((name, "'x.gz'", "must be text with <FILLNUMBER> in it") for name in TEMPLATES),
    *((name, "3", "must be a path, as text; a ~ must be of a user that exists") for name in PATHS),
    ("data_folder", "'~no_such_user/'", "must be a path, as text; a ~ must be of a user"),
    ("BBB_DATA_FILE", "7", "must be text with <FILLNUMBER> in it"),
    ("bsrt_calibration_file", "5", "must be a path"),
    ("first_fill", "5695.5", "must be a whole number of at least 0"),
    ("first_fill", "True", "must be a whole number of at least 0"),
    ("first_fill", "-1", "must be a whole number of at least 0"),
    ("last_fill", "None", "must be a whole number of at least 0"),
    ("last_fill", "float('inf')", "must be a whole number of at least 0"),
    ("last_fill", "5000", "must not be below first_fill"),
    ("min_time_SB", "-1", "must be a number >= 0 [s]"),
    ("intensity_threshold", "float('nan')", "must be a number >= 0 [p/b]"),
    ("t_step_sec", "float('inf')", "must be a number > 0 [s]"),
    ("t_step_sec", "[300]", "must be a number > 0 [s]"),
    ("gammaFT", "1", "must be a number > 1"),
    ("gammaFB", "'479'", "must be a number > 1"),
    ("frev", "0", "must be a number > 0 [Hz]"),
    ("tauSRxy_FB", "0", "must be a number > 0 [s], or float('inf')"),
    ("VRF_FT", "-12e6", "must be a number > 0 [V]"),
    ("betastar_m", "0", BETASTAR),
    ("betastar_m", "'logged'", BETASTAR),
    ("betastar_m", "[0.3, 0.3]", BETASTAR),
    ("betastar_m", "{(1, 2): 0}", BETASTAR),
    ("betastar_m", "{(1, 2): [0.3]}", BETASTAR),
    ("betastar_m", "{1: 0.3}", BETASTAR),
    ("betastar_m", "{(1, 9): 0.3, (5, 12): 0.4}", "has two beta* for fill 5"),
    ("crossing_planes", "'v'", PLANES),
    ("crossing_planes", "{2: 'v'}", PLANES),
    ("crossing_planes", "{1: 'x'}", PLANES),
    ("variable_names", "['ENERGY']", OTHER_NAMES),
    ("variable_names", "{'energy': 'E'}", OTHER_NAMES),
    ("variable_names", "{'energy_b1': 3}", OTHER_NAMES),
    ("EXTRA_DATA_FILE", "'extra.csv'", "must be text with <FILLNUMBER> in it"),
    ("sigmaBOff_m2", "0", "must be a number > 0 [m^2]"),
    ("sigma_el_m2", "-1", "must be a number >= 0 [m^2]"),
    ("massi_year", "17", "must be a whole number from 2008 to 2099"),
    ("massi_bunch_lumi_scale", "0", "must be a number > 0"),
    ("massi_afs_path", "''", "must be text that is not empty"),
    ("massi_exp_folders", "'ATLAS/lumi/'", FOLDERS),
    ("massi_exp_folders", "['ATLAS/', 'LHCB/']", FOLDERS),
    ("massi_exp_folders", "['ATLAS/', 'ATLAS/lumi/']", FOLDERS),
    ("massi_exp_folders", "['ATLAS/', 3]", FOLDERS),
    ("periods", "[(1, 2)]", PERIODS),
    ("periods", "{'A': (2, 1)}", PERIODS),
    ("periods", "{'A': (1, 2, 3)}", PERIODS),
    ("periods", "{'A': 5}", PERIODS),
    ("periods", "{'a/b': (1, 2)}", PERIODS),
    ("resc_period", "[('A',)]", RESCALE),
    ("resc_period", "{'A': 'B'}", RESCALE),
    ("resc_period", "[('A', 'A'), ('A', 'B')]", RESCALE),
    ("add_resc_string", "'a b'", "must be text without slashes and blanks"),
    ("models", "'IBSBOff'", MODEL_LIST),
    ("models", "['IBS']", MODEL_LIST),
    ("models", "['IBSBOff', 'IBSBOff']", MODEL_LIST),
    ("models", "[1]", MODEL_LIST),
    ("cases", "1", CASES),
    ("cases", "[1, '1']", CASES),
    ("cases", "['a/b']", CASES),
    ("cases", "[1.5]", CASES),
    ("correction_factor_1h", "[0]", FACTOR),
    ("correction_factor_1v", "1.0", FACTOR),
    ("correction_factor_2h", "['1']", FACTOR),
    ("correction_factor_2v", "[1, 1]", "must hold one factor for each of `cases`"),
    ("leveling", "[5439]", LEVELING),
    ("leveling", "{5439: 0}", LEVELING),
    ("leveling", "{'5439': 8e37}", LEVELING),
    ("XingAngle", "3e-4", ANGLES),
    ("XingAngle", "{5695: 3e-4}", ANGLES),
    ("XingAngle", "{(1, 2): 0.01}", ANGLES),
    ("XingAngle", "{(1, 2): [3e-4, 0]}", ANGLES),
    ("XingAngle", "{(1, 2): [3e-4]}", ANGLES),
    ("XingAngle", "{(2, 1): 3e-4}", ANGLES),
    ("XingAngle", "{(1, 9): 3e-4, (5, 12): 2e-4}", "has two angles for fill 5"),
    ("fig_tuple", "(15,)", "must be (width, height), both > 0 [inch]"),
    ("fig_tuple", "(15, 0)", "must be (width, height), both > 0 [inch]"),
    ("plotFormat", "'.jpg'", "must be one of .png, .pdf, .svg"),
    ("plotFormat", "None", "must be one of .png, .pdf, .svg"),
    ("plotDpi", "19", "must be a whole number from 20 to 1200"),
    ("plotDpi", "1201", "must be a whole number from 20 to 1200"),
    ("myfontsize", "0", "must be a number > 0 [points]"),
    ("n_skip", "0", "must be a whole number of at least 1"),
    ("data_source", "'cals'", "must be one of pytimber, folder, simulated"),
    ("data_source_folder", "None", "must be a path"),
    ("FORMAT", "'%(nothing)s'", "must be a format of logging"),
    ("FORMAT", "'plain'", "must be a format of logging"),
    ("FORMAT", "'%(message)d'", "must be a format of logging"),
    ("FORMAT", "None", "must be a format of logging"),
    ("plot_dir", "''", "must be text that is not empty"),
    ("htcondor_sub", "'queue'", "must be text with <EXE> in it"),
    ("condor_folder", "1", "must be a path"),
    ("condor_python", "''", "must be the path of a Python, or None"),
    ("condor_python", "3", "must be the path of a Python, or None"),
    ("condor_setup", "[1]", "must be lines of shell"),
    ("condor_setup", "None", "must be lines of shell"),
    ("condor_submit_with", "'qsub'", "must be one of 'auto', 'command', 'bindings'"),
    ("condor_attributes", "['JobFlavour']", "must be {name: value}"),
    ("condor_attributes", "{1: 2}", "must not hold 1, which is no name"),
    ("condor_attributes", "{'a b': 2}", "must not hold 'a b', which is no name"),
    (
        "condor_attributes",
        "{'JobFlavor': 'workday'}",
        "must not hold 'JobFlavor', which is not known; did you mean 'JobFlavour'?",
    ),
    (
        "condor_attributes",
        "{'+MaxRuntme': 60}",
        "must not hold '+MaxRuntme', which is not known; did you mean 'MaxRuntime'?",
    ),
    (
        "condor_attributes",
        "{'request_memroy': 1}",
        "must not hold 'request_memroy', which is not known; did you mean 'request_memory'?",
    ),
    (
        "condor_attributes",
        "{'JobFlavour': 'week'}",
        "must not hold JobFlavour 'week'; there are espresso",
    ),
    (
        "condor_attributes",
        "{'MaxRuntime': '2 h'}",
        "must not hold MaxRuntime '2 h'; it must be a number",
    ),
    ("condor_attributes", "{'MaxRuntime': 0}", "must not hold MaxRuntime 0; it must be a number"),
    ("condor_attributes", "{'log': 'my.log'}", "must not hold 'log', which is put in by lumimod"),
    (
        "condor_attributes",
        "{'rank': None}",
        "must not hold for 'rank' something that is no text, number",
    ),
    (
        "condor_attributes",
        "{'rank': float('nan')}",
        "must not hold for 'rank' something that is no",
    ),
    (
        "condor_attributes",
        "{'rank': 'a\\nqueue'}",
        "must not hold for 'rank' text that is empty or has",
    ),
    ("condor_attributes", "{'rank': ' '}", "must not hold for 'rank' text that is empty or has"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_named_with_what_is_allowed(faults, name, value, allowed):
    (line,) = faults(f"{name} = {value}")
    shown = repr(eval(value))
    assert line.startswith(f"{name} = {shown}: {allowed}")


def test_attributes_of_jobs_are_taken_as_cern_writes_them(config):
    text = (
        "condor_attributes = {'jobflavour': 'workday', '+MaxRuntime': 7200, 'MY.WantOS': 'el9', "
        "'SendCredential': True, 'request_cpus': 2, 'requirements': 'Memory > 1', "
        "'my.OwnName': 1.5, 'a_macro_of_mine': 'x'}"
    )
    assert dict(config(text).condor.attributes) == {
        "MY.JobFlavour": "workday",
        "MY.MaxRuntime": 7200,
        "MY.WantOS": "el9",
        "MY.SendCredential": True,
        "request_cpus": 2,
        "requirements": "Memory > 1",
        "MY.OwnName": 1.5,
        "a_macro_of_mine": "x",
    }


def test_attributes_may_be_numbers_of_numpy(config):
    text = "import numpy\ncondor_attributes = {'request_cpus': numpy.int64(4)}"
    assert repr(dict(config(text).condor.attributes)) == "{'request_cpus': 4}"


@pytest.mark.parametrize("value", ["'a\\nb'", "['a', 'b']", "('a', 'b')", "'\\na\\nb\\n'"])
def test_setup_of_jobs_is_a_text_or_a_list_of_lines(config, value):
    assert config(f"condor_setup = {value}").condor.setup == "a\nb"


def test_every_name_refuses_something(faults):
    refusing = {name for name, _, _ in BAD}
    rest = set(BY_NAME) - refusing
    assert rest == {"massi_file_database", "fills_bmodes_file", "tauSRxy_FT", "tauSRl_FT", "VRF_FB"}
    for name in rest:
        assert faults(f"{name} = ()")[0].startswith(f"{name} = (): must be ")


def test_all_faults_are_reported_together(faults):
    lines = faults("t_step_sec = 0\nmassi_yaer = 2017\nbetastar_m = 'x'\nn_skip = 1.5\n")
    assert [line.split(" = ")[0] for line in lines] == [
        "t_step_sec",
        "betastar_m",
        "n_skip",
        "massi_yaer",
    ]


def test_a_fault_takes_one_line_and_is_cut_short(faults):
    (line,) = faults("import numpy as np\nt_step_sec = np.zeros((40, 40))")
    assert line.startswith("t_step_sec = array([[0., 0.,")
    assert "...: must be a number > 0 [s]" in line


def test_a_fault_does_not_bring_up_others_built_on_it(faults):
    assert len(faults("cases = 3\ncorrection_factor_1h = [1, 1]")) == 1
    assert len(faults("first_fill = 'x'\nlast_fill = 10")) == 1


def test_rescaling_needs_periods_that_exist(faults, config):
    source = "resc_period = [('A', 'Z')]\n"
    assert config(source).bsrt.rescale_periods == (("A", "Z"),)
    assert faults(source + "doRescale = True") == [
        "resc_period = [('A', 'Z')]: must name only periods that are in `periods`"
    ]


def test_periods_without_the_default_one_are_blamed_on_rescaling(faults):
    (line,) = faults("periods = {'B': (1, 2)}\ndoRescale = True")
    assert line.startswith("resc_period = (('A', 'A'),): must name only periods")


def test_two_results_cannot_have_one_name(faults):
    assert faults("Lumi_filename = Massi_filename = 'fill_<FILLNUMBER>.pkl.gz'") == [
        "Massi_filename = 'fill_<FILLNUMBER>.pkl.gz': "
        "must differ from Lumi_filename, or one overwrites the other"
    ]


# --- values that do


def test_folders_do_with_or_without_a_slash_and_with_a_home(config, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    cfg = config(
        "from pathlib import Path\ninput_folder = '/a/b'\nworking_folder = '~/w/'\n"
        "data_folder = Path('/d')\nBASIC_DATA_FILE = '~/x_<FILLNUMBER>.csv'\n"
        "BBB_DATA_FILE = Path('/y_<FILLNUMBER>.csv')\n"
    )
    assert cfg.files.input_folder == Path("/a/b")
    assert cfg.files.working_folder == tmp_path / "w"
    assert cfg.files.stable_beams_folder == tmp_path / "w" / "SB_analysis"
    assert cfg.files.basic_data == str(tmp_path / "x_<FILLNUMBER>.csv")
    assert cfg.files.bbb_data == "/y_<FILLNUMBER>.csv"


def test_a_calibration_file_becomes_a_path(config):
    assert config("bsrt_calibration_file = 'x.json'").bsrt.calibration_file == Path("x.json")


@pytest.mark.parametrize("given_format", [".pdf", "pdf", "PDF"])
def test_a_plot_format_does_without_its_dot(config, given_format):
    assert config(f"plotFormat = {given_format!r}").plots.format == ".pdf"


def test_flags_may_be_numbers_or_of_numpy(config):
    cfg = config("import numpy as np\nsavePandas = 1\nmakedirs = np.bool_(False)")
    assert cfg.files.save_pandas is True
    assert cfg.files.makedirs is False


def test_numpy_numbers_become_plain(config):
    cfg = config(
        "import numpy as np\nfirst_fill = np.int64(5700)\nt_step_sec = np.float32(60)\n"
        "fig_tuple = np.array([10, 5])\nleveling = {np.int32(5839): np.float64(1e38)}\n"
        "cases = np.arange(2)\nXingAngle = {(5700, 5800): np.array([150, 140])*2e-6,\n"
        "(5800, 5900): np.float64(2e-4)}\nplotDpi = 300.0\n"
    )
    assert type(cfg.fills.first_fill) is int
    assert type(cfg.analysis.t_step_s) is float
    assert type(cfg.plots.dpi) is int
    assert cfg.plots.fig_size == (10, 5)
    assert cfg.model.leveling == {5839: 1e38}
    assert [case.name for case in cfg.model.cases] == [0, 1]
    assert cfg.machine.crossing_angle(5850) == (2e-4, 2e-4)


def test_ranges_with_the_same_angles_may_overlap(config):
    assert config("XingAngle = {(1, 9): 3e-4, (5, 12): 3e-4}").machine.crossing_angle(8)


def test_the_log_format_works(config):
    logging.Formatter(config("FORMAT = '%(name)s %(message)s'").log_format)


# --- the records


def test_crossing_angles_hold_from_the_first_fill_to_before_the_last(config):
    machine = config("XingAngle = {(10, 20): [1e-4, 2e-4]}").machine
    assert machine.crossing_angle(9) is None
    assert machine.crossing_angle(10) == (1e-4, 2e-4)
    assert machine.crossing_angle(19) == (1e-4, 2e-4)
    assert machine.crossing_angle(20) is None


def test_one_beta_star_is_that_of_every_fill_and_both_points(config):
    machine = config("betastar_m = 0.4").machine
    assert machine.betastar(1) == machine.betastar(7000) == (0.4, 0.4)
    assert not machine.betastar_is_measured


def test_beta_star_holds_from_the_first_fill_to_before_the_last(config):
    machine = config("betastar_m = {(10, 20): 0.4, (20, 30): [0.3, 0.25]}").machine
    assert machine.betastar(10) == machine.betastar(19) == (0.4, 0.4)
    assert machine.betastar(20) == (0.3, 0.25)
    with pytest.raises(ConfigError, match="no range of betastar_m in config.py holds this fill"):
        machine.betastar(30)


def test_beta_star_may_be_measured(config):
    assert config("betastar_m = 'measured'").machine.betastar_is_measured


def test_crossing_planes_are_in_small_letters(config):
    assert config("crossing_planes = {5: 'V'}").machine.crossing_planes == {5: "v"}


def test_a_variable_may_have_one_other_name_or_several(config):
    cfg = config("variable_names = {'energy_b1': 'E', 'energy_b2': ['F', 'G']}")
    assert cfg.variable_names == {"energy_b1": ("E",), "energy_b2": ("F", "G")}


def test_massi_folders_hold_the_year(config):
    cfg = config("massi_afs_path = '/m/<YEAR>/x'\nmassi_exp_folders = ['CMS/Lumi', 'atlas/l/']")
    assert cfg.massi.folder("CMS") == Path("/m/2017/x/CMS/Lumi")
    assert cfg.massi.folder("ATLAS") == Path("/m/2017/x/atlas/l")


def test_an_experiment_without_folder_is_named(config):
    with pytest.raises(ConfigError, match="names no folder of ALICE"):
        config().massi.folder("ALICE")


def test_an_unknown_period_is_named(config):
    with pytest.raises(ConfigError, match=r"no period 'Q' .* \(it has A\)"):
        config().fills.period("Q")


def test_nothing_in_a_config_can_be_changed(config):
    cfg = config()
    with pytest.raises(FrozenInstanceError):
        cfg.log_format = ""
    with pytest.raises(FrozenInstanceError):
        cfg.machine.betastar_m = 0.4
    with pytest.raises(FrozenInstanceError):
        cfg.model.leveling.pairs = ()
    with pytest.raises(TypeError, match="does not support item assignment"):
        cfg.fills.periods["B"] = (1, 2)


def test_what_config_py_holds_is_copied():
    given_lumi = {1: 2.0}
    kept = leveling(given_lumi)
    given_lumi.clear()
    assert kept == {1: 2.0}


@pytest.mark.parametrize("path", [SHIPPED, DATA / "config_2017_04.py", DATA / "config_2017_11.py"])
def test_a_pickled_config_comes_back_equal(path):
    cfg = load_config(path)
    again = pickle.loads(pickle.dumps(cfg))
    assert again == cfg
    assert hash(again) == hash(cfg)
    assert again.fills.periods["A"] == cfg.fills.periods["A"]


def test_configs_with_other_values_differ(config):
    assert config("betastar_m = 0.4") != config("betastar_m = 0.3")


def test_a_frozen_map_is_a_mapping():
    frozen = FrozenMap((("a", 1), ("b", 2)))
    assert dict(frozen) == {"a": 1, "b": 2} == frozen
    assert frozen == FrozenMap((("b", 2), ("a", 1)))
    assert hash(frozen) == hash(FrozenMap((("b", 2), ("a", 1))))
    assert len(frozen) == 2
    assert "c" not in frozen
    with pytest.raises(KeyError):
        frozen["c"]


# --- laws

fills = st.integers(0, 99_999)
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
def test_numbers_come_back_as_they_are_or_are_refused(value):
    for check, holds in ((positive(), value > 0), (at_least_zero(), value >= 0)):
        if holds:
            assert check(value) == value
            assert check(np.float64(value)) == value
        else:
            with pytest.raises(ValueError, match="must be a number"):
                check(value)


@given(st.integers())
def test_whole_numbers_are_accepted_within_their_bounds(value):
    check = integer(-10, 10)
    if -10 <= value <= 10:
        assert check(value) == check(float(value)) == value
    else:
        with pytest.raises(ValueError, match="must be a whole number from -10 to 10"):
            check(value)


def test_a_whole_number_beyond_any_float_is_refused():
    with pytest.raises(ValueError, match="must be a whole number"):
        integer(0)(10**400)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=3) | st.tuples(fills, fills), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(anything)
def test_any_value_is_accepted_or_refused_with_a_reason(value):
    for name in NAMES:
        try:
            name.check(value)
        except ValueError as exc:
            assert str(exc).startswith(("must ", "has two "))  # noqa: PT017


@given(st.dictionaries(st.text("ABCxyz", min_size=1), st.tuples(fills, fills).map(sorted)))
def test_periods_keep_their_fills(given_periods):
    assert periods(given_periods) == {k: tuple(v) for k, v in given_periods.items()}


@given(st.dictionaries(fills, st.floats(1e30, 1e40)))
def test_leveling_keeps_its_luminosities(luminosities):
    assert leveling(luminosities) == luminosities


@given(fills, st.integers(1, 500), st.floats(1e-6, 9e-3))
def test_one_angle_stands_for_both_points(first, length, angle):
    key = (first, first + length)
    assert crossing_ranges({key: angle}) == crossing_ranges({key: [angle, angle]})
