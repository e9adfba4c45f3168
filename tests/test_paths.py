"""Every file name of a fill."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from lumimod.config.settings import load_config
from lumimod.errors import OutputError
from lumimod.paths import FillPaths, frame_path, rescale_target

MakePaths = Callable[..., FillPaths]
RESCALED = {
    "first_fill": 5000,
    "last_fill": 6000,
    "periods": {"A": (5000, 5500), "B": (5500, 6001)},
    "doRescale": True,
    "resc_period": [("A", "B")],
}


@pytest.fixture
def paths(write_config: Callable[..., Path], tmp_path: Path) -> MakePaths:
    """Return a function that gives the paths of a fill for names of config.py."""

    def make(fill: int = 5845, **names: Any) -> FillPaths:
        return FillPaths(load_config(write_config(tmp_path / "data", **names)), fill)

    return make


RESULTS = {
    "sb": "fill_5845.pkl.gz",
    "cycle": "fill_5845_cycle.pkl.gz",
    "cycle_model": "fill_5845_cycle_model.pkl.gz",
    "cycle_model_inj2sb": "fill_5845_cycle_model_Inj2SB.pkl.gz",
    "lumi_calc": "fill_5845_lumi_calc.pkl.gz",
    "lumi_meas": "fill_5845_lumi_meas.pkl.gz",
    "lumi_meas_timber": "fill_5845_lumi_timber_meas.pkl.gz",
    "fits": "fill_5845_fits.pkl.gz",
    "lifetime": "fill_5845_lifetime.pkl.gz",
}
INPUTS = {
    "basic_data": "fill_basic_data_csvs/basic_data_fill_5845.csv",
    "bbb_data": "fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_5845.csv",
    "crossing": "fill_crossing_data_csvs/crossing_angle_fill_5845.csv",
    "bbb_lumi": "fill_bunchbybunch_lumi_data_csvs/bunchbybunch_lumi_data_fill_5845.csv",
}


@pytest.mark.parametrize(("name", "file"), RESULTS.items())
def test_results_have_the_names_of_the_original(
    paths: MakePaths, tmp_path: Path, name: str, file: str
) -> None:
    assert getattr(paths(), name) == tmp_path / "SB_analysis" / "fill_5845" / file


@pytest.mark.parametrize(("name", "file"), INPUTS.items())
def test_inputs_have_the_names_of_the_original(
    paths: MakePaths, tmp_path: Path, name: str, file: str
) -> None:
    assert getattr(paths(), name) == tmp_path / "data" / file


def test_there_is_a_model_file_for_each_case(paths: MakePaths) -> None:
    names = [path.name for path in paths(cases=[1, 2, "low"]).models]
    assert names == [f"fill_5845_sbmodel_case{case}.pkl.gz" for case in ("1", "2", "low")]


@pytest.mark.parametrize(
    ("fill", "names", "file"),
    [
        (5845, {}, "fill_5845_pileup.pkl.gz"),
        (5100, RESCALED, "fill_5100_pileup_rescaled_B.pkl.gz"),
        (5845, {"SB_filename": "sb<FILLNUMBER>.pkl"}, "sb5845_pileup.pkl"),
    ],
)
def test_a_result_without_a_name_in_config_is_named_after_the_stable_beams(
    paths: MakePaths, fill: int, names: dict[str, Any], file: str
) -> None:
    of = paths(fill, **names)
    assert of.result("pileup") == of.folder / file


def test_no_two_results_share_a_file(paths: MakePaths) -> None:
    for names in ({}, {"SB_fits_filename": "<FILLNUMBER>.pkl"}):
        of = paths(**names)
        files = [*(getattr(of, name) for name in RESULTS), *of.models]
        assert len(set(files)) == len(files)


# --- rescaling


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("sb", "fill_5100_rescaled_B.pkl.gz"),
        ("cycle", "fill_5100_cycle_rescaled_B.pkl.gz"),
        ("cycle_model", "fill_5100_cycle_model_rescaled_B.pkl.gz"),
        ("cycle_model_inj2sb", "fill_5100_cycle_model_Inj2SB_rescaled_B.pkl.gz"),
        ("lumi_calc", "fill_5100_lumi_calc_rescaled_B.pkl.gz"),
        ("lumi_meas", "fill_5100_lumi_meas.pkl.gz"),
        ("lumi_meas_timber", "fill_5100_lumi_timber_meas.pkl.gz"),
        ("fits", "fill_5100_fits_rescaled_B.pkl.gz"),
        ("lifetime", "fill_5100_lifetime_rescaled_B.pkl.gz"),
    ],
)
def test_a_rescaled_fill_says_so_in_its_names(paths: MakePaths, name: str, file: str) -> None:
    assert getattr(paths(5100, **RESCALED), name).name == file


def test_the_model_of_a_rescaled_fill_has_its_case_before_the_rescaling(paths: MakePaths) -> None:
    assert paths(5100, **RESCALED).models[0].name == "fill_5100_sbmodel_case1_rescaled_B.pkl.gz"


def test_the_string_of_the_config_stands_before_the_target_period(paths: MakePaths) -> None:
    name = paths(5100, **RESCALED, add_resc_string="try_").sb.name
    assert name == "fill_5100_rescaled_try_B.pkl.gz"


@pytest.mark.parametrize(
    ("fill", "target"), [(4999, None), (5000, "B"), (5499, "B"), (5500, None), (6000, None)]
)
def test_fills_of_the_period_alone_are_rescaled(
    paths: MakePaths, fill: int, target: str | None
) -> None:
    assert rescale_target(paths(**RESCALED).cfg, fill) == target


def test_without_rescaling_periods_do_not_matter(paths: MakePaths) -> None:
    names = {**RESCALED, "doRescale": False}
    assert paths(5100, **names).sb.name == "fill_5100.pkl.gz"
    assert rescale_target(paths(5100, **names).cfg, 5100) is None


# --- templates of other shapes


@pytest.mark.parametrize(
    ("template", "file"),
    [
        ("<FILLNUMBER>_fits.pkl", "5845_lifetime.pkl"),
        ("exp<FILLNUMBER><RESC>.pkl.gz", "exp5845_lifetime.pkl.gz"),
        ("v1.2/exp<FILLNUMBER>", "v1.2/exp5845_lifetime"),
        ("v1.2/exp<FILLNUMBER>.pkl.gz", "v1.2/exp5845_lifetime.pkl.gz"),
        ("<RESC>exp<FILLNUMBER>.pkl", "_lifetimeexp5845.pkl"),
    ],
)
def test_the_lifetime_is_named_after_the_fits_whatever_their_template(
    paths: MakePaths, template: str, file: str
) -> None:
    of = paths(SB_fits_filename=template)
    assert of.lifetime == of.folder / file
    assert of.lifetime != of.fits


@pytest.mark.parametrize(
    ("template", "file"),
    [
        ("m<FILLNUMBER>.pkl.gz", "m5845_case1.pkl.gz"),
        ("m<FILLNUMBER><RESC>.pkl.gz", "m5845_case1.pkl.gz"),
        ("m<FILLNUMBER>", "m5845_case1"),
        ("sbmodel/<FILLNUMBER>_sbmodel.pkl.gz", "sbmodel/5845_sbmodel_case1.pkl.gz"),
    ],
)
def test_a_model_file_names_its_case_whatever_the_template(
    paths: MakePaths, template: str, file: str
) -> None:
    of = paths(SB_model_filename=template)
    assert of.models == (of.folder / file,)


def test_the_chained_cycle_model_differs_from_the_other_whatever_the_template(
    paths: MakePaths,
) -> None:
    of = paths(Cycle_model_filename="cyc<FILLNUMBER>.pkl.gz")
    assert of.cycle_model_inj2sb.name == "cyc5845_Inj2SB.pkl.gz"


def test_logged_luminosity_differs_from_massi_whatever_the_template(paths: MakePaths) -> None:
    of = paths(Massi_filename="exp<FILLNUMBER>.pkl.gz")
    assert of.lumi_meas_timber.name == "exp5845_timber.pkl.gz"


def test_the_fill_number_is_put_in_wherever_it_stands(paths: MakePaths) -> None:
    of = paths(fill_dir="<FILLNUMBER>/f<FILLNUMBER>", SB_filename="<FILLNUMBER>/<FILLNUMBER>.pkl")
    assert of.sb.parts[-4:] == ("5845", "f5845", "5845", "5845.pkl")


@pytest.mark.parametrize(
    ("path", "frame"),
    [
        ("a.b/fill_1.pkl.gz", "a.b/fill_1_df.pkl.gz"),
        ("fill_1_sbmodel_case2.pkl.gz", "fill_1_sbmodel_case2_df.pkl.gz"),
        ("fill_1", "fill_1_df"),
    ],
)
def test_a_frame_is_beside_its_result(path: str, frame: str) -> None:
    assert frame_path(Path(path)) == Path(frame)


# --- compressed or plain inputs


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
@pytest.mark.parametrize("configured", [".csv", ".csv.gz"])
def test_an_input_is_found_plain_or_compressed(
    paths: MakePaths, tmp_path: Path, configured: str, suffix: str
) -> None:
    (tmp_path / f"basic_5845{suffix}").touch()
    of = paths(BASIC_DATA_FILE=f"{tmp_path}/basic_<FILLNUMBER>{configured}")
    assert of.basic_data == tmp_path / f"basic_5845{suffix}"


def test_of_both_forms_the_configured_one_is_taken(paths: MakePaths, tmp_path: Path) -> None:
    for suffix in (".csv", ".csv.gz"):
        (tmp_path / f"basic_5845{suffix}").touch()
    for suffix in (".csv", ".csv.gz"):
        of = paths(BASIC_DATA_FILE=f"{tmp_path}/basic_<FILLNUMBER>{suffix}")
        assert of.basic_data.name == f"basic_5845{suffix}"


# --- the fill's folder


def test_the_folder_is_made_with_those_above_it(paths: MakePaths, tmp_path: Path) -> None:
    paths().make_folder()
    assert (tmp_path / "SB_analysis" / "fill_5845").is_dir()
    paths().make_folder()  # and may be there already


def test_without_makedirs_a_missing_folder_is_an_error(paths: MakePaths) -> None:
    of = paths(makedirs=False)
    with pytest.raises(OutputError, match="does not exist; create it or set makedirs = True"):
        of.make_folder()
    assert not of.folder.exists()


def test_without_makedirs_a_folder_that_is_there_will_do(paths: MakePaths) -> None:
    of = paths(makedirs=False)
    of.folder.mkdir(parents=True)
    of.make_folder()


def test_a_file_in_the_place_of_the_folder_is_named(paths: MakePaths, tmp_path: Path) -> None:
    (tmp_path / "SB_analysis").write_text("")
    with pytest.raises(OutputError, match=r"cannot be created .*check stableBeams_folder"):
        paths().make_folder()


# --- inputs in other formats


@pytest.mark.parametrize("named", [".csv", ".csv.gz", ".parquet", ".h5"])
@pytest.mark.parametrize("there", [".csv", ".csv.gz", ".parquet", ".h5"])
def test_an_input_is_found_in_any_format_whichever_is_named(
    paths: MakePaths, tmp_path: Path, named: str, there: str
) -> None:
    (tmp_path / f"bbb_5845{there}").touch()
    of = paths(BBB_DATA_FILE=f"{tmp_path}/bbb_<FILLNUMBER>{named}")
    assert of.bbb_data == tmp_path / f"bbb_5845{there}"


def test_the_format_that_is_named_is_preferred(paths: MakePaths, tmp_path: Path) -> None:
    for suffix in (".csv", ".csv.gz", ".parquet", ".h5"):
        (tmp_path / f"bbb_5845{suffix}").touch()
        of = paths(BBB_DATA_FILE=f"{tmp_path}/bbb_<FILLNUMBER>{suffix}")
        assert of.bbb_data == tmp_path / f"bbb_5845{suffix}"


def test_an_input_may_be_the_folder_of_a_fill(paths: MakePaths, tmp_path: Path) -> None:
    (tmp_path / "HX:FILLN=5845").mkdir()
    of = paths(BBB_DATA_FILE=f"{tmp_path}/HX:FILLN=<FILLNUMBER>")
    assert of.bbb_data == tmp_path / "HX:FILLN=5845"


def test_beta_star_is_an_input_only_if_it_is_to_be_measured(paths: MakePaths) -> None:
    assert paths().betastar == ()
    of = paths(betastar_m="measured")
    assert of.betastar == (of.extra_data,)
