"""A simulated fill of Run 3: the chain finds what was put there, models included."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import list_variables
from lumimod.records import CalculatedLumi, MeasuredLumi, StableBeams, StableBeamsModel
from lumimod.records.store import load
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.steps.registry import STEPS

from .conftest import Analysed, analyse

pytestmark = pytest.mark.slow  # whole runs, together many seconds

FILL = 9000
SETTINGS = FillSettings(
    run=3,
    n_colliding=16,
    n_noncolliding=2,
    hours=2.0,
    ip1_plane="h",
    half_crossing_urad=160.0,
    crossing_steps=((1.5, 140.0),),
    betastar_m=0.60,
    betastar_steps=((0.5, 0.45), (1.0, 0.36)),
    massi_scale_error=0.0,
    truth_s=60.0,
    bsrt_period_s=5.0,
    growth_h_um_per_h=0.0,  # nothing but what the model knows
    growth_v_um_per_h=0.0,
)
CONFIG: dict[str, Any] = {
    "gammaFT": 7247.4,
    "tauSRxy_FT": 56.51 * 3600,
    "betastar_m": "measured",
    "massi_year": 2023,
    "doSBModel": True,
    "last_fill": FILL,
}


class Found(NamedTuple):
    files: FillFiles
    truth: dict[str, npt.NDArray[Any]]
    run: Analysed

    def load(self, tail: str, kind: type[Any]) -> Any:
        return load(self.run.folder / f"fill_{FILL}{tail}.pkl.gz", kind)

    def true(self, name: str, time_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        known = self.truth["time_s"]
        return np.stack([np.interp(time_s, known, column) for column in self.truth[name].T], axis=1)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("out")
    [files] = simulate_fills(data, [FILL], SETTINGS, seed=5)
    with np.load(files.truth, allow_pickle=False) as archive:
        truth = dict(archive)
    return Found(files, truth, analyse_fill(out, data))


def analyse_fill(out: Path, data: Path, **changes: Any) -> Analysed:
    return analyse(out, data, fill=FILL, **{**CONFIG, **changes})


def test_variables_have_the_names_of_run_3(found: Found) -> None:
    names = set(list_variables(found.files.bunches)) | set(list_variables(found.files.crossing))
    assert "LHC.BSRT.5R4.B1:BUNCH_EMITTANCE_H" in names
    assert "LhcStateTracker:LHCBEAM:IP1-XING-H-MURAD:value" in names
    assert not [name for name in names if "FIT_SIGMA" in name or "RUNCONFIG" in name]


def test_every_step_is_done(found: Found) -> None:
    assert not found.run.report.failed
    assert set(found.run.report.done) == set(STEPS)


def test_the_model_at_6800_gev_ends_with_the_true_bunches(found: Found) -> None:
    result = found.load("_sbmodel_case1", StableBeamsModel).models["IBSBOff"]
    slots = {key: bunches.slots for key, bunches in found.load("", StableBeams).bunches.items()}
    last_s = result.time_s[-2:-1]
    for (beam, family), bunches in result.bunches.items():
        column = np.searchsorted(found.truth[f"b{beam}_slots"], slots[beam, family])
        for field, name, within in (
            ("emit_h_um", "emit_h_um", 0.006),
            ("emit_v_um", "emit_v_um", 0.006),
            ("length_m", "bl4s_s", 0.006),  # the first length is measured within 0.4 %,
            ("intensity_ppb", "intensity_ppb", 0.002),
        ):
            true = found.true(f"b{beam}_{name}", last_s)[:, column]
            true = true * SPEED_OF_LIGHT_M_S / 4 if field == "length_m" else true
            off = getattr(bunches, field)[-1] / true - 1
            assert abs(off.mean()) < within, (beam, field)


def test_the_model_without_ibs_growth_would_be_off(found: Found) -> None:
    result = found.load("_sbmodel_case1", StableBeamsModel).models["IBSBOff"]
    bunches = result.bunches[1, "coll"]
    assert np.all(bunches.emit_h_um[-1] > 1.01 * bunches.emit_h_um[0])
    assert np.all(bunches.length_m[-1] < 0.99 * bunches.length_m[0])


@pytest.mark.parametrize("family", ["coll", "noncoll"])
@pytest.mark.parametrize("plane", ["h", "v"])
@pytest.mark.parametrize("beam", [1, 2])
def test_emittances_are_the_true_ones(found: Found, beam: int, plane: str, family: str) -> None:
    sb = found.load("", StableBeams)
    bunches = sb.bunches[beam, family]
    column = np.searchsorted(found.truth[f"b{beam}_slots"], bunches.slots)
    true = found.true(f"b{beam}_emit_{plane}_um", sb.time_s)[:, column]
    smooth = getattr(bunches, f"emit_{plane}_um") / true - 1
    assert abs(smooth.mean()) < 0.003
    assert np.abs(smooth).max() < 0.02


def test_crossing_planes_are_told_by_the_larger_angle(found: Found) -> None:
    saved = load_pickle(found.run.folder / f"fill_{FILL}.pkl.gz")
    assert saved["crossing_plane"] == {1: "h", 5: "v"}
    assert saved["xing_angle"][1][0] == pytest.approx(320e-6)
    assert saved["xing_angle"][5][-1] == pytest.approx(280e-6)


def test_beta_star_is_the_true_one_at_every_time(found: Found) -> None:
    calc = found.load("_lumi_calc", CalculatedLumi)
    since = (calc.time_s - found.truth["stable_s"]) / 3600
    expected = np.where(since < 0.5, 0.60, np.where(since < 1.0, 0.45, 0.36))
    assert calc.betastar_m is not None
    assert np.array_equal(calc.betastar_m[1], expected)
    assert np.array_equal(calc.betastar_m[5], expected)


@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
@pytest.mark.parametrize("kind", ["calc", "meas"])
def test_luminosity_is_the_true_one_through_the_steps_of_beta_star(
    found: Found, kind: str, experiment: str
) -> None:
    time_s = found.load("", StableBeams).time_s
    lumi = found.load(f"_lumi_{kind}", MeasuredLumi).bunch_lumi[experiment]
    true = found.true(f"{experiment}_lumi", time_s)
    # The measured one is a sample a minute: where beta* steps it is between the two.
    total = lumi.sum(axis=1) / true.sum(axis=1) - 1
    assert np.abs(total).max() < 0.01


def test_planes_taken_for_those_of_run_2_give_another_luminosity(
    found: Found, tmp_path: Path
) -> None:
    config = {"crossing_planes": {1: "v", 5: "h"}}
    run = analyse_fill(tmp_path, found.files.bmodes.parent, only=("sb", "lumi"), **config)
    head_on = load(run.folder / f"fill_{FILL}_lumi_calc.pkl.gz", CalculatedLumi)
    right = found.load("_lumi_calc", CalculatedLumi)
    assert np.all(head_on.bunch_lumi["ATLAS"] > 1.05 * right.bunch_lumi["ATLAS"])


def test_beta_star_by_ranges_of_fills_is_constant_in_each(found: Found, tmp_path: Path) -> None:
    betastar = {(FILL, FILL + 1): [0.60, 0.30]}
    folder = found.files.bmodes.parent
    run = analyse_fill(tmp_path, folder, only=("sb", "lumi"), betastar_m=betastar)
    calc = load(run.folder / f"fill_{FILL}_lumi_calc.pkl.gz", CalculatedLumi)
    right = found.load("_lumi_calc", CalculatedLumi)
    assert calc.betastar_m is None
    assert np.array_equal(calc.bunch_lumi["ATLAS"][0], right.bunch_lumi["ATLAS"][0])
    assert np.all(calc.bunch_lumi["CMS"][0] > right.bunch_lumi["CMS"][0])


def test_a_missing_file_of_beta_star_fails_what_needs_it(found: Found, tmp_path: Path) -> None:
    absent = f"{tmp_path}/extra_<FILLNUMBER>.csv"
    run = analyse_fill(tmp_path, found.files.bmodes.parent, EXTRA_DATA_FILE=absent)
    assert {"model", "lumi", "fits"} <= set(run.report.failed)
    assert {"sb", "cycle", "massi", "lifetime"} <= set(run.report.done)
    assert f"extra_{FILL}.csv: no such file" in run.report.failed["lumi"]


def test_a_gamma_of_another_energy_is_told(
    found: Found, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    analyse_fill(tmp_path, found.files.bmodes.parent, only=["sb"], gammaFT=6927.64)
    told = "beam 1 reached 6800 GeV, but gammaFT in config.py stands for 6500 GeV: correct it"
    assert told in caplog.text


def test_names_of_config_py_are_taken_instead(found: Found, tmp_path: Path) -> None:
    names = {"bunch_intensity_b1": "LHC.BCTFR.B6R4.B1:BUNCH_INTENSITY"}
    run = analyse_fill(tmp_path, found.files.bmodes.parent, only=["sb"], variable_names=names)
    other = load(run.folder / f"fill_{FILL}.pkl.gz", StableBeams)
    sb = found.load("", StableBeams)
    assert not np.array_equal(
        other.bunches[1, "coll"].intensity_ppb, sb.bunches[1, "coll"].intensity_ppb
    )
    assert np.array_equal(
        other.bunches[2, "coll"].intensity_ppb, sb.bunches[2, "coll"].intensity_ppb
    )


@pytest.mark.parametrize("kind", ["h5", "parquet"])
def test_emittances_that_end_in_empty_slots_read_alike_in_every_format(
    found: Found, tmp_path: Path, kind: str
) -> None:
    from lumimod.commands.convert_data import main

    folder = found.files.bmodes.parent
    assert main([str(folder), "--to", kind, "--out", str(tmp_path / "data")]) == 0
    for name in ("fills_and_bmodes.pkl", "massi"):
        (tmp_path / "data" / name).symlink_to(folder / name)
    run = analyse_fill(tmp_path, tmp_path / "data", only=["sb"])
    sb, again = found.load("", StableBeams), load(run.folder / f"fill_{FILL}.pkl.gz", StableBeams)
    for key, bunches in sb.bunches.items():
        assert np.array_equal(again.bunches[key].emit_h_um, bunches.emit_h_um)
