"""Names that config.py sets: known, mistyped or without meaning, and how faults are shown."""

from __future__ import annotations

import pytest

from lumimod.config.checking import OBSOLETE
from lumimod.config.record import ALL_SETTINGS, BY_NAME
from tests.config.conftest import Faults, Load


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
def test_a_typo_gets_the_nearest_name(faults: Faults, typo: str, known: str) -> None:
    assert faults(f"{typo} = 5") == [f"{typo} = 5: is not a known name; did you mean {known}?"]


def test_helper_variables_are_ignored_and_listed(config: Load) -> None:
    assert config("hour = 3600.\nz = 1\nt_fit_length = hour").ignored_names == ("hour", "z")


def test_what_is_no_setting_is_not_listed(config: Load) -> None:
    source = (
        "from __future__ import division\nimport math\nfrom math import pi as _pi, sin\n"
        "class period: pass\ndef case(): pass\noutput_folder = ''\n"
    )
    assert config(source).ignored_names == ()


def test_gamma_stands_for_gamma_ft_only_without_it(config: Load) -> None:
    assert config("gamma = 7000.").machine.gamma_ft == 7000
    assert config("gamma = 0\ngammaFT = 6900.").machine.gamma_ft == 6900


def test_a_fault_of_an_older_name_is_shown_under_it(faults: Faults) -> None:
    assert faults("gamma = 1") == ["gamma = 1: must be a number from 400 to 8000"]


def test_older_names_are_obsolete_and_not_known_ones() -> None:
    older = {setting.older for setting in ALL_SETTINGS if setting.older}
    assert older == {"gamma"}
    assert older <= OBSOLETE
    assert OBSOLETE.isdisjoint(BY_NAME)


def test_all_faults_are_reported_together(faults: Faults) -> None:
    lines = faults("t_step_sec = 0\nmassi_yaer = 2017\nbetastar_m = 'x'\nn_skip = 1.5\n")
    assert [line.split(" = ")[0] for line in lines] == [
        "t_step_sec",
        "betastar_m",
        "n_skip",
        "massi_yaer",
    ]


def test_a_fault_takes_one_line_and_is_cut_short(faults: Faults) -> None:
    (line,) = faults("import numpy as np\nt_step_sec = np.zeros((40, 40))")
    assert line.startswith("t_step_sec = array([[0., 0.,")
    assert "...: must be a number > 0 [s]" in line


@pytest.mark.parametrize(
    "source", ["cases = 3\ncorrection_factor_1h = [1, 1]", "first_fill = 'x'\nlast_fill = 10"]
)
def test_a_fault_does_not_bring_up_others_built_on_it(faults: Faults, source: str) -> None:
    assert len(faults(source)) == 1


def test_an_own_name_like_a_setting_that_is_set_too_is_only_a_warning(config: Load) -> None:
    cfg = config("betastar = 0.30\nbetastar_m = betastar\n")
    assert cfg.machine.betastar_m == 0.3
    assert cfg.warnings == (
        "betastar means nothing here; the setting is betastar_m, which is set too",
    )


def test_a_setting_without_effect_is_a_warning_where_it_is_changed(config: Load) -> None:
    assert config("overwriteFiles = False").warnings == ()
    (line,) = config("overwriteFiles = True").warnings
    assert line.startswith("overwriteFiles = True has no effect: ")


def test_a_range_that_holds_no_fill_loads_and_is_named(config: Load) -> None:
    source = "first_fill = 5695\nXingAngle = {(first_fill, 5330): 3e-4, (5695, 6000): 2e-4}"
    cfg = config(source)
    assert cfg.machine.crossing_angle(5500) is None
    assert cfg.machine.crossing_angle(5700) == (2e-4, 2e-4)
    assert cfg.remarks == ("XingAngle: the range (5695, 5330) holds no fill, so it never counts",)
    assert config("periods = {'A': (1, 2), 'B': (7, 7)}").remarks == (
        "periods: period 'B' = (7, 7) holds no fill, so it never counts",
    )


def test_ranges_may_be_without_limit_and_have_gaps(config: Load) -> None:
    machine = config(
        "import numpy as np\n"
        "XingAngle = {(-np.inf, 5330): 1e-4, (5738, 5831): 2e-4, (5833, np.inf): 3e-4}"
    ).machine
    angles = [machine.crossing_angle(fill) for fill in (1, 5329, 5330, 5800, 5832, 9999)]
    assert angles == [(1e-4, 1e-4), (1e-4, 1e-4), None, (2e-4, 2e-4), None, (3e-4, 3e-4)]


def test_two_values_without_limit_overlap(faults: Faults) -> None:
    inf = "float('inf')"
    (line,) = faults(f"XingAngle = {{(-{inf}, 5330): 1e-4, (-{inf}, {inf}): 2e-4}}")
    assert "has two angles for every fill" in line


def test_factors_are_taken_by_position_and_may_be_more_than_cases(config: Load) -> None:
    lists = "".join(f"correction_factor_{p} = [1., 0.4372]\n" for p in ("1h", "1v", "2h", "2v"))
    (case,) = config("cases = [1]\n" + lists).model.cases
    assert (case.name, case.factor_1h, case.factor_2v) == (1, 1.0, 1.0)


# --- rules across settings


def test_rescaling_needs_periods_that_exist(faults: Faults, config: Load) -> None:
    source = "resc_period = [('A', 'Z')]\n"
    assert config(source).bsrt.rescale_periods == (("A", "Z"),)
    assert faults(source + "doRescale = True") == [
        "resc_period = [('A', 'Z')]: 'Z' is not in `periods`"
    ]


def test_periods_without_the_default_one_are_blamed_on_rescaling(faults: Faults) -> None:
    (line,) = faults("periods = {'B': (1, 2)}\ndoRescale = True")
    assert line.startswith("resc_period = (('A', 'A'),): 'A' is not in `periods`")


def test_two_results_cannot_have_one_name(faults: Faults) -> None:
    assert faults("Lumi_filename = Massi_filename = 'fill_<FILLNUMBER>.pkl.gz'") == [
        "Massi_filename = 'fill_<FILLNUMBER>.pkl.gz': "
        "must differ from Lumi_filename, or one overwrites the other"
    ]


def test_results_must_be_saved_in_one_form_at_least(faults: Faults) -> None:
    assert faults("saveDict = False\nsavePandas = False") == [
        "savePandas = False: must be True where saveDict is False, or nothing is saved"
    ]
