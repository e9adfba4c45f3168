"""Files as they are found at CERN, each of a form that was once refused; see tests/data/cases."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lumimod.cli import main
from lumimod.commands.convert_data import main as convert
from lumimod.commands.get_data import get_all, get_group
from lumimod.config.settings import load_config
from lumimod.fetch.modes import merge_into
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.variables import read_variables
from lumimod.simulate import simulate_fills
from lumimod.sources.base import FillSpan
from lumimod.sources.folder import Folder
from tests.conftest import TINY

CASES = Path(__file__).parent / "data/cases"
FILL = 5848
Configure = Callable[..., list[str]]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Return a function that writes config.py, and returns the options that name it."""

    def configure(**names: object) -> list[str]:
        settings = {"input_folder": f"{tmp_path}/", "working_folder": f"{tmp_path}/", **names}
        text = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        (tmp_path / "config.py").write_text(text)
        return ["--config", str(tmp_path / "config.py")]

    return configure


@pytest.mark.parametrize("name", ["bmodes_of_lhcmt.json", "bmodes_end_none.pkl"])
def test_beam_modes_of_lhcmeasurementtools_are_read_also_where_a_mode_lasts(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / f"fills_and_bmodes{Path(name).suffix}"
    shutil.copy(CASES / name, path)
    modes = read_bmodes(path)
    assert modes[FILL].complete
    assert modes[FILL].stop("STABLE") > modes[FILL].start("STABLE") > 1.4e9
    assert np.isnan(modes[FILL + 1].stop("INJPROT"))
    options = [*configure(fills_bmodes_file=str(path)), "--fill", str(FILL), "--dry-run"]
    assert main(options) == 0
    assert f"{FILL} " in capsys.readouterr().out
    with Folder(tmp_path) as source:
        span = source.fill(FILL)
    assert span is not None
    assert span.stop_s == modes[FILL].t_endfill_s


@pytest.mark.slow
def test_beam_modes_in_which_a_mode_lasts_can_be_added_to(
    configure: Configure, tmp_path: Path
) -> None:
    path = tmp_path / "data/fills_and_bmodes.pkl"
    path.parent.mkdir()
    shutil.copy(CASES / "bmodes_end_none.pkl", path)
    options = [*configure(data_source="simulated"), "--fill", "5845"]
    assert get_group("crossing", options) == 1  # not in that file yet
    assert get_all("2017-06-14", "2017-06-15", options) == 0
    assert {5845, FILL, FILL + 1} <= read_bmodes(path).keys()


@pytest.mark.slow
def test_the_record_of_lhcmeasurementtools_keeps_what_was_fetched(
    configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*configure(data_source="simulated"), "--fill", "5845", str(FILL)]
    folder = tmp_path / "data/fill_crossing_data_csvs"
    assert get_all("last", "now", options) == 0
    files = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    shutil.copy(CASES / "saved_fills_of_lhcmt.json", folder / "saved_fills.json")
    capsys.readouterr()
    assert get_group("crossing", options) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 fill: nothing to do"
    record = json.loads((folder / "saved_fills.json").read_text())
    assert record["5849"] == {"complete": False, "t_end_s": None}
    assert record[str(FILL)]["complete"] is True
    assert {path.name: path.read_bytes() for path in folder.glob("*.csv")} == files


@pytest.mark.parametrize("kind", ["h5", "csv.gz"])
def test_a_table_grouped_by_time_stamp_is_converted(tmp_path: Path, kind: str) -> None:
    name = "basic_data_fill_5848"
    shutil.copy(CASES / f"{name}.csv", tmp_path)
    assert convert([str(tmp_path / f"{name}.csv"), "--to", kind]) == 0
    energy = "LHC.BSRA.US45.B1:ABORT_GAP_ENERGY"
    current = "LHC.BCTDC.A6R4.B2:BEAM_INTENSITY"
    found = read_variables(tmp_path / f"{name}.{kind}", [energy, current])
    assert found[energy].values.tolist() == [450.0]
    assert found[current].values.tolist() == [0.0]
    assert found[current].time_s[0] == pytest.approx(1497493080.296)


def test_folders_of_the_experiments_have_the_year_of_the_fill_in_them(
    configure: Configure, tmp_path: Path
) -> None:
    roots = {
        "ATLAS": "/eos/project/a/atlas-datasummary/public/lumifiles/<YEAR>/lumi",
        "CMS": "/eos/project/c/cms-runcoordination/LHCFILES/<YEAR>/lumi",
    }
    configure(massi_exp_folders=list(roots.values()))
    massi = load_config(tmp_path / "config.py").massi
    for experiment, root in roots.items():
        assert massi.folder(experiment, 2023) == Path(root.replace("<YEAR>", "2023"))


@pytest.mark.parametrize("name", ["fills_and_bmodes.pkl", "fills_and_bmodes.json"])
def test_a_whole_data_folder_of_our_own_is_converted(tmp_path: Path, name: str) -> None:
    simulate_fills(tmp_path, [FILL], TINY, seed=1)
    bmodes = tmp_path / name
    span = FillSpan(FILL, 1.5e9, 1.5e9 + 9, ())
    merge_into(bmodes, [span], now_s=1.6e9)
    assert (tmp_path / "fills_and_bmodes.csv").exists()
    if bmodes.suffix == ".json":
        (tmp_path / "fills_and_bmodes.pkl").unlink()
    assert convert([str(tmp_path), "--to", "csv.gz"]) == 0
    assert not (tmp_path / "fills_and_bmodes.csv.gz").exists()
    assert len(list(tmp_path.rglob("*.csv.gz"))) == 4
