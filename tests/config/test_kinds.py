"""Which values config.py may hold, and how Config holds them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lumimod.config.kinds.base import FrozenMap, NotAllowedError, each_of, map_of
from lumimod.config.kinds.by_fill import crossing_ranges, fill_periods, leveling
from lumimod.config.kinds.lists import MODELS
from lumimod.config.kinds.numbers import at_least_zero, flag, integer, positive
from lumimod.config.record import ALL_SETTINGS, BY_NAME
from tests.config.conftest import Faults, Load

# --- values that are refused

FLAGS = tuple(setting.name for setting in ALL_SETTINGS if setting.kind is flag)
TEMPLATES = ("fill_dir", *(n for n in BY_NAME if n.endswith(("_filename", "_FILE"))))
FOLDERS = ("input_folder", "working_folder", "data_folder", "stableBeams_folder")
WHOLE = "must be a whole number of at least 0"
PATH = "must be a path, as text; a ~ must be of a user that exists"
ANGLES = (
    "must be {(first fill, last fill + 1): [IP1, IP5]}, full angles above 0 and below 0.01 [rad]"
)
BETASTAR = (
    "must be a number from 0.05 to 25 [m], {(first fill, last fill + 1): number or [IP1, IP5]}, "
    "or 'measured'"
)
FACTOR = "must be a list of numbers from 0.01 to 100, one for each of `cases`"
GAMMA = "must be a number from 400 to 8000"
MISSPELLED = "which is not known; did you mean"

REFUSED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    *((name, "must be True or False", ("2", "'yes'", "None")) for name in FLAGS),
    *((name, "must be text with <FILLNUMBER> in it", ("'x.gz'", "7")) for name in TEMPLATES),
    *((name, PATH, ("3",)) for name in FOLDERS),
    ("data_folder", "must be a path, as text; a ~ must be of a user", ("'~no_such_user/'",)),
    ("bsrt_calibration_file", "must be a path", ("5",)),
    ("first_fill", WHOLE, ("5695.5", "True", "-1")),
    ("last_fill", WHOLE, ("None", "float('inf')")),
    ("last_fill", "must not be below first_fill", ("5000",)),
    ("min_time_SB", "must be a number >= 0 [s]", ("-1",)),
    ("intensity_threshold", "must be a number >= 0 [p/b]", ("float('nan')",)),
    ("avg_time_smoothing", "must be a number > 0 [s]", ("0", "-1", "'5'")),
    ("t_step_sec", "must be a number > 0 [s]", ("0", "-1", "'5'", "float('inf')", "[300]")),
    ("t_fit_length", "must be a number > 0 [s]", ("0", "-1", "'5'")),
    ("max_gap_s", "must be a number >= 0 [s]", ("-1", "'5'")),
    ("gammaFT", GAMMA, ("1", "9000")),
    ("gammaFB", GAMMA, ("'479'",)),
    ("frev", "must be a number from 11200 to 11300 [Hz]", ("0", "11.2455")),
    ("tauSRxy_FB", "must be a number > 0 [s], or float('inf')", ("0",)),
    ("VRF_FT", "must be a number from 100000 to 2e+07 [V]", ("-12e6", "12")),
    (
        "betastar_m",
        BETASTAR,
        ("0", "30", "'logged'", "[0.3, 0.3]"),
    ),
    ("betastar_m", "has two beta* for fill 5", ("{(1, 9): 0.3, (5, 12): 0.4}",)),
    (
        "crossing_planes",
        "must be {1: 'v', 5: 'h'}: 'h' or 'v' for interaction points 1 and 5",
        ("'v'",),
    ),
    (
        "variable_names",
        "must be {quantity: name or [names]}, the quantities being those of lumimod/tables/",
        ("['ENERGY']",),
    ),
    ("EXTRA_DATA_FILE", "must be text with <FILLNUMBER> in it", ("'extra.csv'",)),
    ("sigmaBOff_m2", "must be a number from 1e-31 to 1e-28 [m^2]", ("0", "80")),
    ("sigma_el_m2", "must be a number from 0 to 1e-28 [m^2]", ("-1",)),
    ("massi_year", "must be 'fill' or a whole number from 2008 to 2099", ("17", "'year'")),
    ("sigma_inel_m2", "must be a number from 1e-31 to 1e-28 [m^2]", ("0", "80")),
    ("bunch_length_factor", "must be a number from 0.5 to 1.5", ("0", "18")),
    ("cross_section_window_s", "must be a number > 0 [s]", ("0", "'30 min'")),
    ("lumi_scale_error", "must be a number from 0 to 1", ("-0.01", "2")),
    ("dcct_error", "must be a number from 0 to 1", ("-0.01",)),
    ("emittance_error", "must be a number from 0 to 1", ("-0.01", "'5 %'")),
    ("bunch_length_error", "must be a number from 0 to 1", ("-0.01",)),
    ("betastar_error", "must be a number from 0 to 1", ("-0.01", "None")),
    ("savePandas", "must be True, False or 'parquet'", ("'csv'", "2")),
    ("massi_grace_days", "must be a number >= 0 [d]", ("-1",)),
    ("log_file", "must be a path, as text; a ~ must be of a user that exists; or None", ("5",)),
    ("notify", "must be text, a command with its arguments; empty: none", ("None", '"mail \'me"')),
    ("massi_bunch_lumi_scale", "must be a number > 0", ("0",)),
    ("massi_afs_path", "must be text that is not empty", ("''",)),
    (
        "massi_exp_folders",
        "must be a list of folders, one that names ATLAS and one that names CMS, "
        "and if wanted one each that names LHCb or ALICE",
        (
            "'ATLAS/lumi/'",
            "['ATLAS/', 'LHCB/']",
            "['ATLAS/', 'ATLAS/lumi/']",
            "['ATLAS/', 3]",
            "['ATLAS/', 'CMS/', 'other/']",
            "['ATLAS/', 'CMS/', 'LHCb/', 'lhcb/lumi/']",
        ),
    ),
    (
        "periods",
        "must be {'name': (first fill, last fill + 1)}",
        ("[(1, 2)]",),
    ),
    (
        "resc_period",
        "must be a list of (from, to), names of periods, each `from` once",
        ("{'A': 'B'}", "[('A', 'A'), ('A', 'B')]"),
    ),
    ("add_resc_string", "must be text without slashes and blanks", ("'a b'",)),
    (
        "models",
        f"must be a list of different models out of {', '.join(MODELS)}",
        ("'IBSBOff'", "['IBSBOff', 'IBSBOff']"),
    ),
    (
        "cases",
        "must be a list of different whole numbers or words, such as [1, 2]",
        ("1", "[1, '1']"),
    ),
    ("correction_factor_1h", FACTOR, ("2",)),
    ("correction_factor_1v", FACTOR, ("1.0",)),
    ("correction_factor_2h", FACTOR, ("'1'",)),
    ("correction_factor_2v", "must hold a factor for each of `cases`, by position", ("[]",)),
    (
        "leveling",
        "must be {fill: luminosity}, luminosities from 1e+30 to 1e+40 [1/(m^2 s)]",
        ("[5439]",),
    ),
    ("XingAngle", ANGLES, ("3e-4", "[3e-4]")),
    ("XingAngle", "has two angles for fill 5", ("{(1, 9): 3e-4, (5, 12): 2e-4}",)),
    ("fig_tuple", "must be (width, height), both > 0 [inch]", ("(15,)", "(15, 0)")),
    ("plotFormat", "must be one of '.png', '.pdf', '.svg'", ("'.jpg'", "None")),
    ("plotDpi", "must be a whole number from 20 to 1200 [dots/inch]", ("19", "1201")),
    ("myfontsize", "must be a number > 0 [points]", ("0",)),
    ("n_skip", "must be a whole number of at least 1", ("0",)),
    ("data_source", "must be one of 'pytimber', 'folder', 'simulated'", ("'cals'",)),
    ("data_source_folder", "must be a path", ("None",)),
    (
        "FORMAT",
        "must be a format of logging",
        ("'%(nothing)s'", "'plain'", "'%(message)d'", "None"),
    ),
    ("plot_dir", "must be text that is not empty", ("''",)),
    ("htcondor_sub", "must be text with <EXE> in it", ("'queue'",)),
    ("condor_folder", "must be a path", ("1",)),
    ("condor_python", "must be the path of a Python, or None", ("''", "3")),
    ("condor_setup", "must be lines of shell", ("[1]", "None")),
    ("physics", "must be one of 'original', 'full'", ("'more'", "None")),
    ("ibs", "must be one of 'parametrised', 'rates'; or None", ("'map'", "True")),
    *(
        (part, "must be True or False; or None", ("'yes'", "2"))
        for part in ("core_burnoff", "coupling", "noise", "damping")
    ),
    ("ibs_rates_file", "must be a path", ("3",)),
    *(
        (f"{name}_{at}", f"must be a number >= 0 and < {high}", ("-1e-9", high, "None"))
        for at in ("FB", "FT")
        for name, high in (
            ("c_minus", "0.1"),
            ("tune_split", "0.5"),
            ("damper_gain", "1"),
            ("tune_spread", "0.1"),
        )
    ),
    ("kick_noise", "must be a number, or {'1h': number", ("0.01", "{'1h': 1e-5}", "[1e-5]")),
    ("bpm_noise", "must be a number, or {'1h': number", ("1", "-1", "{'1x': 1e-5}")),
    ("noise_emittance", "must be a number > 0 [um]", ("0",)),
    (
        "extra_growth",
        "must be {phase: number or {'1h': number",
        ("0.1",),
    ),
    (
        "extra_lifetime",
        "must be {beam: a number > 0 [s], or float('inf'), or [(s, value), ..]",
        ("3600",),
    ),
    (
        "extra_cross_section",
        "must be {beam: a number >= 0 and < 1e-28 [m^2], or [(s, value), ..]",
        ("60e-31",),
    ),
    ("condor_submit_with", "must be one of 'auto', 'command', 'bindings'", ("'qsub'", "[]")),
)

REFUSED_ATTRIBUTES = (
    ("['JobFlavour']", "must be {name: value}"),
    ("{1: 2}", "must not hold 1, which is neither a submit command nor MY.NAME"),
    ("{'a b': 2}", "must not hold 'a b', which is neither a submit command nor MY.NAME"),
    ("{'JobFlavor': 'workday'}", f"must not hold 'JobFlavor', {MISSPELLED} 'JobFlavour'?"),
    ("{'+MaxRuntme': 60}", f"must not hold '+MaxRuntme', {MISSPELLED} 'MaxRuntime'?"),
    ("{'request_memroy': 1}", f"must not hold 'request_memroy', {MISSPELLED} 'request_memory'?"),
    ("{'JobFlavour': 'week'}", "must not hold JobFlavour 'week'; there are espresso"),
    ("{'MaxRuntime': '2 h'}", "must not hold MaxRuntime '2 h'; it must be a number"),
    ("{'MaxRuntime': 0}", "must not hold MaxRuntime 0; it must be a number"),
    ("{'log': 'my.log'}", "must not hold 'log', which lumimod sets"),
    ("{'rank': None}", "must not hold for 'rank' a value that is not text, a number"),
    ("{'rank': float('nan')}", "must not hold for 'rank' a value that is not text, a number"),
    ("{'rank': 'a\\nqueue'}", "must not hold for 'rank' text that is empty or has"),
    ("{'rank': ' '}", "must not hold for 'rank' text that is empty or has"),
)

BAD = [(name, value, allowed) for name, allowed, values in REFUSED for value in values]
BAD += [("condor_attributes", value, allowed) for value, allowed in REFUSED_ATTRIBUTES]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_named_with_what_is_allowed(
    faults: Faults, name: str, value: str, allowed: str
) -> None:
    (line,) = faults(f"{name} = {value}")
    shown = repr(eval(value))
    assert line.startswith(f"{name} = {shown}: {allowed}")


GROWTH = "must be {phase: number or {'1h': number"
LIFETIME = "must be {beam: a number > 0 [s], or float('inf'), or [(s, value), ..]"
BAD_ENTRIES = (
    ("betastar_m", "{(1, 2): 0.3, (2, 3): 0}", "(2, 3)", BETASTAR),
    ("betastar_m", "{(1, 2): 30.}", "(1, 2)", BETASTAR),
    ("betastar_m", "{(1, 2): [0.3]}", "(1, 2)", BETASTAR),
    ("betastar_m", "{1: 0.3}", "1", BETASTAR),
    ("XingAngle", "{(1, 2): 3e-4, 5695: 3e-4}", "5695", ANGLES),
    ("XingAngle", "{(1, 2): 0.01}", "(1, 2)", ANGLES),
    ("XingAngle", "{(1, 2): [3e-4, 0]}", "(1, 2)", ANGLES),
    ("XingAngle", "{(1, 2): [3e-4]}", "(1, 2)", ANGLES),
    ("XingAngle", "{(1.5, 2): 3e-4}", "(1.5, 2)", ANGLES),
    ("XingAngle", "{(float('nan'), 2): 3e-4}", "(nan, 2)", ANGLES),
    ("crossing_planes", "{1: 'h', 2: 'v'}", "2", "must be {1: 'v', 5: 'h'}: 'h' or 'v' for"),
    ("crossing_planes", "{1: 'x'}", "1", "must be {1: 'v', 5: 'h'}: 'h' or 'v' for"),
    ("variable_names", "{'energy': 'E'}", "'energy'", "must be {quantity: name or [names]}"),
    ("variable_names", "{'energy_b1': 3}", "'energy_b1'", "must be {quantity: name or [names]}"),
    ("periods", "{'A': (1, 2), 'B': (1, 2, 3)}", "'B'", "must be {'name': (first fill, last fill"),
    ("periods", "{'A': 5}", "'A'", "must be {'name': (first fill, last fill + 1)}"),
    ("periods", "{'a/b': (1, 2)}", "'a/b'", "must be {'name': (first fill, last fill + 1)}"),
    ("resc_period", "[('A', 'A'), ('B',)]", "1", "must be a list of (from, to), names of periods"),
    ("models", "['IBSBOff', 'IBS']", "1", "must be a list of different models out of"),
    ("models", "[1]", "0", "must be a list of different models out of"),
    ("cases", "[1, 'a/b']", "1", "must be a list of different whole numbers or words"),
    ("cases", "[1.5]", "0", "must be a list of different whole numbers or words"),
    ("correction_factor_1h", "[1, 0]", "1", FACTOR),
    ("correction_factor_2h", "['1']", "0", FACTOR),
    ("leveling", "{5439: 8e37, 5450: 0}", "5450", "must be {fill: luminosity}"),
    ("leveling", "{'5439': 8e37}", "'5439'", "must be {fill: luminosity}"),
    ("extra_growth", "{'injection': 0.1, 'squeeze': 0.1}", "'squeeze'", GROWTH),
    ("extra_growth", "{'injection': 10}", "'injection'", GROWTH),
    ("extra_growth", "{'injection': {'1h': 0.1}}", "'injection'", GROWTH),
    ("extra_lifetime", "{3: 3600}", "3", LIFETIME),
    ("extra_lifetime", "{1: 3600, 2: 0}", "2", LIFETIME),
    ("extra_lifetime", "{1: []}", "1", LIFETIME),
    ("extra_lifetime", "{1: [(0, 1), (0, 2)]}", "1", LIFETIME),
    ("extra_lifetime", "{1: [(-1, 5)]}", "1", LIFETIME),
    ("extra_cross_section", "{1: 60}", "1", "must be {beam: a number >= 0 and < 1e-28 [m^2]"),
    ("extra_cross_section", "{2: [0, 1]}", "2", "must be {beam: a number >= 0 and < 1e-28 [m^2]"),
)


@pytest.mark.parametrize(("name", "value", "key", "allowed"), BAD_ENTRIES)
def test_a_bad_entry_is_named_not_the_whole_map(
    faults: Faults, name: str, value: str, key: str, allowed: str
) -> None:
    (line,) = faults(f"{name} = {value}")
    assert line.startswith(f"{name}[{key}] = ")
    assert f": {allowed}" in line


def test_every_setting_refuses_something(faults: Faults) -> None:
    rest = set(BY_NAME) - {name for name, _, _ in BAD}
    assert rest == {
        "massi_file_database",
        "fills_bmodes_file",
        "tauSRxy_FT",
        "tauSRl_FT",
        "VRF_FB",
    }
    for name in rest:
        assert faults(f"{name} = ()")[0].startswith(f"{name} = (): must be ")


# --- values that are accepted


def test_folders_do_with_or_without_a_slash_and_with_a_home(
    config: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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


def test_a_calibration_file_becomes_a_path(config: Load) -> None:
    assert config("bsrt_calibration_file = 'x.json'").bsrt.calibration_file == Path("x.json")


@pytest.mark.parametrize("given_format", [".pdf", "pdf", "PDF"])
def test_a_plot_format_does_without_its_dot(config: Load, given_format: str) -> None:
    assert config(f"plotFormat = {given_format!r}").plots.format == ".pdf"


def test_flags_may_be_numbers_or_of_numpy(config: Load) -> None:
    cfg = config("import numpy as np\nsavePandas = 1\nmakedirs = np.bool_(False)")
    assert cfg.files.save_pandas is True
    assert cfg.files.makedirs is False


def test_numpy_numbers_become_plain(config: Load) -> None:
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


def test_ranges_with_the_same_angles_may_overlap(config: Load) -> None:
    assert config("XingAngle = {(1, 9): 3e-4, (5, 12): 3e-4}").machine.crossing_angle(8)


def test_the_log_format_works(config: Load) -> None:
    logging.Formatter(config("FORMAT = '%(name)s %(message)s'").log_format)


def test_crossing_planes_are_in_small_letters(config: Load) -> None:
    assert config("crossing_planes = {5: 'V'}").machine.crossing_planes == {5: "v"}


def test_a_variable_may_have_one_other_name_or_several(config: Load) -> None:
    cfg = config("variable_names = {'energy_b1': 'E', 'energy_b2': ['F', 'G']}")
    assert cfg.variable_names == {"energy_b1": ("E",), "energy_b2": ("F", "G")}


def test_attributes_of_jobs_are_taken_as_cern_writes_them(config: Load) -> None:
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


def test_attributes_may_be_numbers_of_numpy(config: Load) -> None:
    text = "import numpy\ncondor_attributes = {'request_cpus': numpy.int64(4)}"
    assert repr(dict(config(text).condor.attributes)) == "{'request_cpus': 4}"


@pytest.mark.parametrize("value", ["'a\\nb'", "['a', 'b']", "('a', 'b')", "'\\na\\nb\\n'"])
def test_setup_of_jobs_is_a_text_or_a_list_of_lines(config: Load, value: str) -> None:
    assert config(f"condor_setup = {value}").condor.setup == "a\nb"


def test_what_config_py_holds_is_copied() -> None:
    given_lumi = {1: 2e38}
    kept = leveling(given_lumi)
    given_lumi.clear()
    assert kept == {1: 2e38}


def test_a_frozen_map_is_a_mapping() -> None:
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
def test_numbers_come_back_as_they_are_or_are_refused(value: float) -> None:
    for check, holds in ((positive(), value > 0), (at_least_zero(), value >= 0)):
        if holds:
            assert check(value) == value
            assert check(np.float64(value)) == value
        else:
            with pytest.raises(ValueError, match="must be a number"):
                check(value)


@given(st.integers())
def test_whole_numbers_are_accepted_within_their_bounds(value: int) -> None:
    check = integer(-10, 10)
    if -10 <= value <= 10:
        assert check(value) == check(float(value)) == value
    else:
        with pytest.raises(ValueError, match="must be a whole number from -10 to 10"):
            check(value)


def test_a_whole_number_beyond_any_float_is_refused() -> None:
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


@pytest.mark.slow
@settings(deadline=None)
@given(anything)
def test_any_value_is_accepted_or_refused_with_a_reason(value: Any) -> None:
    for setting in ALL_SETTINGS:
        try:
            setting.kind(value)
        except ValueError as exc:
            why = str(exc)
            assert why.startswith(("must ", "has two ")) or "cannot be read as JSON" in why


@given(st.dictionaries(st.text("ABCxyz", min_size=1), st.tuples(fills, fills).map(sorted)))
def test_periods_keep_their_fills(given_periods: dict[str, list[int]]) -> None:
    assert fill_periods(given_periods) == {k: tuple(v) for k, v in given_periods.items()}


@given(st.dictionaries(fills, st.floats(1e30, 1e40)))
def test_leveling_keeps_its_luminosities(luminosities: dict[int, float]) -> None:
    assert leveling(luminosities) == luminosities


@given(fills, st.integers(1, 500), st.floats(1e-6, 9e-3))
def test_one_angle_stands_for_both_points(first: int, length: int, angle: float) -> None:
    key = (first, first + length)
    assert crossing_ranges({key: angle}) == crossing_ranges({key: [angle, angle]})


def test_what_says_itself_what_is_allowed_is_not_put_into_other_words() -> None:
    def refuse(_: object) -> int:
        raise NotAllowedError("must be even")

    with pytest.raises(NotAllowedError, match="^must be even$"):
        map_of({1: 2}, int, refuse)
    with pytest.raises(NotAllowedError, match="^must be even$"):
        each_of([1], refuse)
