"""Config: its defaults, its records, and settings asked for by name."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from lumimod.config.kinds.base import FrozenMap
from lumimod.config.kinds.lists import MODELS
from lumimod.config.record import ALL_SETTINGS, BY_NAME
from lumimod.config.settings import Case, load_config, plain_values, setting
from lumimod.errors import ConfigError
from tests.config.conftest import Load

DATA = Path(__file__).parents[1] / "data"
SHIPPED = Path(__file__).parents[2] / "config.py"
EXAMPLES = (SHIPPED, DATA / "config_2017_04.py", DATA / "config_2017_11.py")

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
    "files.fsync": True,
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
    "analysis.max_gap_s": 1800,
    "analysis.bunch_length_factor": 1,
    "analysis.t_fit_length_s": 7200,
    "analysis.cross_section_window_s": 1800,
    "model.enabled": False,
    "model.models": (
        "EmpiricalBlowupLosses",
        "EmpiricalBlowupBOff",
        "IBSBOff",
        "IBSLosses",
        "EmpiricalblengthLosses",
    ),
    "model.case_names": (1,),
    "model.factors_1h": (1.0,),
    "model.factors_1v": (1.0,),
    "model.factors_2h": (1.0,),
    "model.factors_2v": (1.0,),
    "model.leveling": {5439: 8e37, 5450: 8e37},
    "massi.database": Path("SB_analysis/fill_db.yaml"),
    "massi.year": "fill",
    "massi.grace_days": 3.0,
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
    "machine.sigma_inel_m2": 80e-31,
    "machine.crossing_planes": {},
    "machine.crossing_angle_change": True,
    "machine.crossing_angles": {(5695, 6055): (300e-6, 300e-6), (6055, 7002): (300e-6, 300e-6)},
    "uncertainties.lumi_scale": 0.02,
    "uncertainties.dcct": 0.003,
    "uncertainties.emittance": 0.1,
    "uncertainties.bunch_length": 0.03,
    "uncertainties.betastar": 0.02,
    "physics.level": "original",
    "physics.ibs": None,
    "physics.core_burnoff_given": None,
    "physics.coupling_given": None,
    "physics.noise_given": None,
    "physics.damping_given": None,
    "physics.ibs_rates_file": None,
    "physics.c_minus_fb": 0.0015,
    "physics.c_minus_ft": 0.0015,
    "physics.tune_split_fb": 0.025,
    "physics.tune_split_ft": 0.01,
    "physics.damper_gain_fb": 0.1,
    "physics.damper_gain_ft": 0.025,
    "physics.kick_noise": {"1h": 3.8e-5, "1v": 5.3e-5, "2h": 4.4e-5, "2v": 5.6e-5},
    "physics.bpm_noise": {"1h": 2.2e-3, "1v": 2.5e-3, "2h": 1.9e-3, "2v": 2.1e-3},
    "physics.noise_emittance_um": 1.9,
    "physics.tune_spread_fb": 0.025,
    "physics.tune_spread_ft": 9.3e-5,
    "physics.extra_growth": {},
    "physics.extra_lifetime": {},
    "physics.extra_cross_section": {},
    "plots.do_all": False,
    "plots.do_overview": False,
    "plots.do_limits": False,
    "plots.do_report": False,
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
    "plots.per_model": True,
    "condor.folder": Path(),
    "condor.python": None,
    "condor.setup": "",
    "condor.attributes": FrozenMap(()),
    "condor.submit_with": "auto",
    "log_format": "%(asctime)s %(levelname)s : %(message)s",
    "variable_names": {},
    "log_file": None,
    "notify": "",
    "ignored_names": (),
    "remarks": (),
    "warnings": (),
}


def _flat(record: Any, prefix: str = "") -> dict[str, object]:
    """Return the fields of nested records by their dotted names."""
    found: dict[str, object] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value) and not isinstance(value, FrozenMap):
            found.update(_flat(value, f"{prefix}{field.name}."))
        else:
            found[prefix + field.name] = value
    return found


def test_an_empty_config_takes_every_default(config: Load) -> None:
    found = _flat(config())
    path, template = found.pop("path"), found.pop("condor.template")
    assert isinstance(path, Path)
    assert path.name == "config.py"
    for mark in ("<EXE>", "<OUT>", "<ERR>", "<LOG>", "getenv", "queue"):
        assert mark in str(template)
    assert found == DEFAULTS


def test_derived_defaults_follow_the_folders(config: Load) -> None:
    cfg = config("input_folder = '/in'\nworking_folder = '/out/'\n")
    assert cfg.files.data_folder == Path("/in/data")
    assert cfg.files.bmodes == Path("/in/data/fills_and_bmodes.pkl")
    assert cfg.files.basic_data.startswith("/in/data/fill_basic_data_csvs/")
    assert cfg.files.stable_beams_folder == Path("/out/SB_analysis")
    assert cfg.massi.database == Path("/out/SB_analysis/fill_db.yaml")


def test_the_default_period_covers_the_fill_range(config: Load) -> None:
    assert config("first_fill = 1\nlast_fill = 9").fills.period("A") == (1, 10)


def test_correction_factors_default_to_one_for_each_case(config: Load) -> None:
    assert config().model.cases == (Case(1, 1.0, 1.0, 1.0, 1.0),)
    cfg = config("cases = [1, 'high']\ncorrection_factor_2v = [1, 1.5]")
    assert cfg.model.cases == (Case(1, 1, 1, 1, 1), Case("high", 1, 1, 1, 1.5))


# --- configs of 2017


def test_the_config_of_april_2017_loads_unchanged() -> None:
    cfg = load_config(DATA / "config_2017_04.py")
    assert cfg.ignored_names == ()
    assert cfg.machine.gamma_ft == 6927.64
    assert cfg.machine.crossing_angle(5005) == (360e-6, 360e-6)
    assert cfg.machine.crossing_angle(5300) == (290e-6, 290e-6)
    assert cfg.fills.periods == {"A": (5005, 5200), "B": (5200, 5400), "C": (5400, 5457)}
    assert cfg.bsrt.rescale
    assert cfg.bsrt.rescale_periods == (("A", "A"), ("B", "C"), ("C", "C"))
    assert cfg.massi.folder("CMS", 2016) == Path(
        "/afs/cern.ch/user/l/lpc/w0/2016/measurements/CMS/lumi"
    )
    assert cfg.files.stable_beams_folder == Path(
        "/afs/cern.ch/work/l/lumimod/followup_2016/SB_analysis"
    )
    assert not cfg.model.enabled
    assert cfg.plots.per_model  # the pictures that the original made


def test_the_config_of_november_2017_loads_unchanged() -> None:
    cfg = load_config(DATA / "config_2017_11.py")
    assert cfg.ignored_names == ("hour",)
    assert cfg.plots.per_model
    assert cfg.model.enabled
    assert cfg.model.models == MODELS[:4]
    assert cfg.model.cases == (Case(1, 1, 1, 1, 1), Case(2, 0.9, 1.1, 0.95, 1.05))
    assert cfg.machine.tau_sr_xy_fb_s == math.inf
    assert type(cfg.machine.tau_sr_l_ft_s) is float
    assert cfg.machine.crossing_angle(6100) == (300e-6, 290e-6)
    assert cfg.machine.crossing_angle(6418) is None


# --- the records


def test_crossing_angles_hold_from_the_first_fill_to_before_the_last(config: Load) -> None:
    machine = config("XingAngle = {(10, 20): [1e-4, 2e-4]}").machine
    assert machine.crossing_angle(9) is None
    assert machine.crossing_angle(10) == (1e-4, 2e-4)
    assert machine.crossing_angle(19) == (1e-4, 2e-4)
    assert machine.crossing_angle(20) is None


def test_one_beta_star_is_that_of_every_fill_and_both_points(config: Load) -> None:
    machine = config("betastar_m = 0.4").machine
    assert machine.betastar(1) == machine.betastar(7000) == (0.4, 0.4)
    assert not machine.betastar_is_measured


def test_beta_star_holds_from_the_first_fill_to_before_the_last(config: Load) -> None:
    machine = config("betastar_m = {(10, 20): 0.4, (20, 30): [0.3, 0.25]}").machine
    assert machine.betastar(10) == machine.betastar(19) == (0.4, 0.4)
    assert machine.betastar(20) == (0.3, 0.25)
    with pytest.raises(ConfigError, match="no range of betastar_m in config.py holds this fill"):
        machine.betastar(30)


def test_beta_star_may_be_measured(config: Load) -> None:
    assert config("betastar_m = 'measured'").machine.betastar_is_measured


def test_massi_folders_hold_the_year(config: Load) -> None:
    cfg = config("massi_afs_path = '/m/<YEAR>/x'\nmassi_exp_folders = ['CMS/Lumi', 'atlas/l/']")
    assert cfg.massi.folder("CMS", 2017) == Path("/m/2017/x/CMS/Lumi")
    assert cfg.massi.folder("ATLAS", 2018) == Path("/m/2018/x/atlas/l")


def test_folders_of_the_experiments_hold_the_year_too(config: Load) -> None:
    massi = config(
        "massi_exp_folders = ['/eos/atlas-datasummary/<YEAR>/lumi',"
        " '/eos/cms/LHCFILES/<YEAR>/lumi']"
    ).massi
    assert massi.folder("ATLAS", 2023) == Path("/eos/atlas-datasummary/2023/lumi")
    assert massi.folder("CMS", 2024) == Path("/eos/cms/LHCFILES/2024/lumi")


def test_the_year_of_the_archives_is_that_of_the_fill_unless_one_is_set(config: Load) -> None:
    assert config().massi.year_of(2018) == 2018
    assert config("massi_year = 2017").massi.year_of(2018) == 2017
    assert config("massi_year = 2017").massi.year_of(None) == 2017
    with pytest.raises(ConfigError, match="the beam modes do not say when the fill was"):
        config().massi.year_of(None)


def test_all_years_are_those_that_have_a_folder(config: Load, tmp_path: Path) -> None:
    (tmp_path / "2016" / "CMS" / "lumi").mkdir(parents=True)
    (tmp_path / "2018" / "ATLAS" / "lumi").mkdir(parents=True)
    source = f"massi_afs_path = {str(tmp_path)!r} + '/<YEAR>'\n"
    assert list(config(source).massi.folders()) == [2016, 2018]
    only = config(source + "massi_year = 2017").massi.folders()
    assert only == {2017: {e: tmp_path / "2017" / e / "lumi" for e in ("ATLAS", "CMS")}}


def test_folders_of_other_experiments_may_be_added(config: Load) -> None:
    cfg = config("massi_afs_path = '/m/'\nmassi_exp_folders = ['CMS/', 'ATLAS/', 'LHCb/lumi']")
    assert cfg.massi.folder_if_named("LHCb", 2017) == Path("/m/LHCb/lumi")
    assert cfg.massi.folder_if_named("ALICE", 2017) is None


def test_an_experiment_without_folder_is_named(config: Load) -> None:
    with pytest.raises(ConfigError, match="names no folder of ALICE"):
        config().massi.folder("ALICE", 2017)


def test_an_unknown_period_is_named(config: Load) -> None:
    with pytest.raises(ConfigError, match=r"no period 'Q' .* \(it has A\)"):
        config().fills.period("Q")


def test_nothing_in_a_config_can_be_changed(config: Load) -> None:
    cfg = config()
    with pytest.raises(FrozenInstanceError):
        cfg.log_format = ""
    with pytest.raises(FrozenInstanceError):
        cfg.machine.betastar_m = 0.4
    with pytest.raises(FrozenInstanceError):
        cfg.model.leveling.pairs = ()
    with pytest.raises(TypeError, match="does not support item assignment"):
        cfg.fills.periods["B"] = (1, 2)


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_pickled_config_comes_back_equal(path: Path) -> None:
    cfg = load_config(path)
    again = pickle.loads(pickle.dumps(cfg))
    assert again == cfg
    assert hash(again) == hash(cfg)
    assert again.fills.periods["A"] == cfg.fills.periods["A"]


def test_configs_with_other_values_differ(config: Load) -> None:
    assert config("betastar_m = 0.4") != config("betastar_m = 0.3")


# --- settings by name


@pytest.mark.parametrize("path", EXAMPLES)
def test_values_by_name_could_stand_in_config_py(path: Path, config: Load, tmp_path: Path) -> None:
    cfg = load_config(path)
    values = plain_values(cfg, BY_NAME)
    lines = (f"{name} = {value!r}" for name, value in values.items())
    again = config("from math import inf\n" + "\n".join(lines))
    written = _flat(cfg)
    assert set(BY_NAME) == set(values)
    assert {**_flat(again), "path": path, "ignored_names": cfg.ignored_names} == written


def _leaves(value: object) -> list[object]:
    """Return what lists and dictionaries hold, keys too."""
    if isinstance(value, dict):
        return [*value, *(leaf for item in value.values() for leaf in _leaves(item))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


@pytest.mark.parametrize("path", EXAMPLES)
def test_values_by_name_are_plain_python(path: Path) -> None:
    found = _leaves(plain_values(load_config(path), BY_NAME))
    assert {type(leaf) for leaf in found} == {int, float, str, bool, type(None), tuple}
    ranges = [leaf for leaf in found if isinstance(leaf, tuple)]
    assert all(type(bound) is int for fills in ranges for bound in fills)


def test_values_are_those_of_the_names_asked_for_in_their_order(config: Load) -> None:
    cfg = config(
        "betastar_m = {(1, 5): 0.4}\ndata_folder = '/d/'\nperiods = {'A': (1, 2)}\n"
        "cases = [1, 'b']\nXingAngle = {(1, 5): [3e-4, 2e-4]}\nbsrt_calibration_file = None"
    )
    names = ("gammaFT", "betastar_m", "data_folder", "periods", "cases", "correction_factor_1h")
    assert list(plain_values(cfg, names).items()) == [
        ("gammaFT", 6927.64),
        ("betastar_m", {(1, 5): [0.4, 0.4]}),
        ("data_folder", "/d"),
        ("periods", {"A": [1, 2]}),
        ("cases", [1, "b"]),
        ("correction_factor_1h", [1.0, 1.0]),
    ]
    assert plain_values(cfg, ["XingAngle"]) == {"XingAngle": {(1, 5): [3e-4, 2e-4]}}


def test_values_of_names_that_are_no_settings_are_refused(config: Load) -> None:
    with pytest.raises(KeyError, match=r"gamma_ft is not a setting .*; did you mean gammaFT\?"):
        plain_values(config(), ["frev", "gamma_ft"])


def test_a_setting_tells_unit_default_and_meaning() -> None:
    found = setting("t_step_sec")
    assert (found.unit, found.default, found.words) == ("s", 300.0, "time step")
    assert found.where == "analysis.t_step_s"
    assert found.used


def test_a_name_that_is_no_setting_is_refused() -> None:
    with pytest.raises(KeyError, match="nonsense is not a setting of config.py'"):
        setting("nonsense")


def test_no_two_settings_share_a_name_or_a_place() -> None:
    assert len(BY_NAME) == len(ALL_SETTINGS) == len({s.where for s in ALL_SETTINGS})


def test_what_configs_of_2016_to_2018_hold_loads() -> None:
    cfg = load_config(DATA / "config_odd_forms.py")
    angles = [cfg.machine.crossing_angle(fill) for fill in (5000, 5400, 5800, 5832, 5833)]
    assert angles == [(280e-6, 280e-6), (300e-6, 300e-6), (320e-6, 320e-6), None, (340e-6, 340e-6)]
    assert cfg.fills.last_fill == 7001
    assert cfg.machine.betastar(5700) == (0.3, 0.3)
    assert cfg.machine.tau_sr_xy_fb_s == float("inf")
    assert [case.factor_1h for case in cfg.model.cases] == [1.0]
    assert cfg.files.data_folder == Path("/afs/cern.ch/work/l/lumimod/followup/data")
    assert cfg.remarks == ("XingAngle: the range (5695, 5330) holds no fill, so it never counts",)
    assert cfg.warnings == (
        "betastar means nothing here; the setting is betastar_m, which is set too",
    )


# --- physics of the models


PARTS = ("core_burnoff", "coupling", "noise", "damping")


@pytest.mark.parametrize("level", ["original", "full"])
def test_parts_of_the_physics_are_as_its_level_says_or_as_they_say(
    config: Load, level: str
) -> None:
    physics = config(f"physics = {level!r}").physics
    assert {physics.rates, *(getattr(physics, p) for p in PARTS)} == {level == "full"}
    for part in PARTS:
        other = config(f"physics = {level!r}\n{part} = {level != 'full'}").physics
        assert [p for p in PARTS if getattr(other, p) is not (level == "full")] == [part]
    ibs = "parametrised" if level == "full" else "rates"
    assert config(f"physics = {level!r}\nibs = {ibs!r}").physics.rates is (level != "full")


@pytest.mark.parametrize(
    ("lines", "cycle", "stable"),
    [
        ("", True, True),
        ("physics = 'full'", False, False),
        ("ibs = 'rates'", False, False),
        ("core_burnoff = True", True, False),
        ("damping = True", False, True),
        ("extra_growth = {'injection': 0.3}", False, True),
        ("extra_growth = {'stable beams': 0.03}", True, False),
        ("extra_lifetime = {1: 360000}", True, False),
        ("extra_cross_section = {2: [(0, 6e-30), (3600, 0)]}", True, False),
        ("c_minus_FT = 0.01\nbpm_noise = 0.01", True, True),
    ],
)
def test_each_part_concerns_the_models_that_it_acts_in(
    config: Load, lines: str, cycle: bool, stable: bool
) -> None:
    physics = config(lines).physics
    assert (physics.original_cycle, physics.original_stable_beams) == (cycle, stable)


def test_values_by_plane_and_in_time_may_be_one_number(config: Load) -> None:
    physics = config(
        "bpm_noise = 0.002\nextra_growth = {'Injection': 0.3}\nextra_lifetime = {2: 36000}"
    ).physics
    assert set(physics.bpm_noise.values()) == {0.002}
    assert physics.extra_growth["injection"] == dict.fromkeys(("1h", "1v", "2h", "2v"), 0.3)
    assert physics.extra_lifetime == {2: ((0.0, 36000.0),)}
