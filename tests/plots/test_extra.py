"""The picture of the extra data, and the command that draws it."""

from __future__ import annotations

import dataclasses
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lumimod.commands.plot_extra_data import read_extra
from lumimod.config.settings import load_config
from lumimod.fetch.modes import merge_into
from lumimod.plots.extra import draw_extra_data
from lumimod.plots.extra_panels import ExtraData
from lumimod.plots.modes import SHADE, STABLE_SHADE, shades, spread
from lumimod.plots.style import BEAM, Style
from lumimod.readers.bmodes import FillModes, read_bmodes
from lumimod.readers.variables import read_variables
from lumimod.simulate import FillSettings
from lumimod.sources.simulated import Simulated
from lumimod.writers.variables import write_variables

FILL = 5848
SETTINGS = FillSettings(n_colliding=6, n_noncolliding=1, hours=4.0, sample_s=600.0,
                        bsrt_period_s=300.0, extra_data=True, massi=False)  # fmt: skip
SMALL = Style(fig_size_in=(12.0, 6.0), dpi=40, font_size=12)
SCRIPT = Path(__file__).parents[2] / "Utilities" / "plot_extra_data.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("followup")
    (root / "config.py").write_text(
        f"input_folder = working_folder = {str(root)!r} + '/'\nfig_tuple = (8, 4)\nplotDpi = 40\n"
        "myfontsize = 9\n"
    )
    with Simulated(SETTINGS) as source:
        span = source.fill(FILL)
        assert span is not None
        merge_into(root / "data" / "fills_and_bmodes.pkl", [span], now_s=0.0)
        path = root / "data" / "fill_extra_data_csvs" / f"extra_data_fill_{FILL}.csv"
        path.parent.mkdir()
        path.write_bytes(source._files(FILL).extra.read_bytes())  # type: ignore[union-attr]
    return root


@pytest.fixture(scope="module")
def data(folder: Path) -> ExtraData:
    cfg = load_config(folder / "config.py")
    (path,) = folder.rglob("extra_data_fill_*.csv")
    return read_extra(cfg, read_bmodes(cfg.files.bmodes)[FILL], path)


@pytest.fixture(scope="module")
def figure(data: ExtraData) -> Figure:
    return draw_extra_data(data, style=SMALL)


def panel(figure: Figure, label: str, beam: int = 1) -> Axes:
    found = [ax for ax in figure.axes if ax.get_ylabel() == label]
    return found[beam - 1]


def words(figure: Figure) -> str:
    """Return every text of a picture."""
    artists = [*figure.texts, *(text for ax in figure.axes for text in ax.texts)]
    return "\n".join(text.get_text() for text in artists)


def without(data: ExtraData, *parts: str) -> ExtraData:
    kept = {n: s for n, s in data.series.items() if not any(part in n for part in parts)}
    return dataclasses.replace(data, series=kept)


# --- the picture


def test_all_38_variables_are_read(data: ExtraData) -> None:
    assert len(data.series) == 38


def test_title_names_the_fill_and_its_time(figure: Figure) -> None:
    text = figure.texts[0].get_text()
    assert text.startswith(f"Fill {FILL}: began on ")
    assert text.endswith("(Europe/Zurich)")


def test_nothing_is_said_to_be_missing_when_all_is_there(figure: Figure) -> None:
    assert "missing" not in words(figure)
    assert "none of" not in words(figure)


@pytest.mark.parametrize("beam", [1, 2])
def test_beam_1_is_blue_and_beam_2_red(figure: Figure, beam: int) -> None:
    lines = panel(figure, "tune (feedback)", beam).lines
    assert lines[0].get_color() == BEAM[beam].color
    assert lines[0].get_label() == f"beam {beam} horizontal"
    bunches = panel(figure, "bunches").lines
    assert bunches[beam - 1].get_color() == BEAM[beam].color


def test_lines_hold_what_was_logged(figure: Figure, data: ExtraData) -> None:
    series = data.series["LHC.BOFSU:TUNE_TRIM_B2_V"]
    line = panel(figure, "tune trim [10⁻³]", 2).lines[1]
    assert np.allclose(line.get_ydata(), series.values * 1e3)
    hours = (series.time_s - data.modes.t_startfill_s) / 3600
    assert np.allclose(line.get_xdata(), hours)


def test_betastar_is_drawn_in_m_as_steps(figure: Figure, data: ExtraData) -> None:
    line = panel(figure, "β* [m]").lines[0]
    assert np.allclose(line.get_ydata(), data.series["HX:BETASTAR_IP1"].values / 100)
    assert line.get_drawstyle() == "steps-post"


def test_both_bbqs_are_drawn_with_both_modes(figure: Figure) -> None:
    labels = [line.get_label() for line in panel(figure, "frequency [1/turn]", 2).lines]
    assert labels == ["B2 BBQ 1", "B2 BBQ 2", "B2 BBQ HS 1", "B2 BBQ HS 2"]
    assert len(panel(figure, "BBQ amplitude").lines) == 4


def test_all_experiments_are_drawn(figure: Figure) -> None:
    labels = [str(line.get_label()) for line in panel(figure, "luminosity [Hz/µb]").lines]
    assert labels == ["ATLAS", "CMS", "ALICE", "LHCB"]


def test_zeros_are_left_out_of_logarithmic_axes(figure: Figure) -> None:
    ax = panel(figure, "luminosity [Hz/µb]")
    assert ax.get_yscale() == "log"
    assert np.nanmin(np.asarray(ax.lines[0].get_ydata(), float)) > 0
    assert ax.get_ylim()[0] > 0


def test_cleaning_is_drawn_as_bars_while_it_runs(figure: Figure, data: ExtraData) -> None:
    ax = figure.axes[-1]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["B1 H", "B1 V", "B2 H", "B2 V"]
    spans = [path.get_extents() for bars in ax.collections[:1] for path in bars.get_paths()]
    start, stop = (data.modes.start("INJPHYS"), data.modes.stop("INJPHYS"))
    hours = [(t - data.modes.t_startfill_s) / 3600 for t in (start, stop)]
    assert np.allclose([spans[0].x0, spans[0].x1], hours)


# --- beam modes


def test_every_mode_is_named_above_both_columns(figure: Figure, data: ExtraData) -> None:
    names = [mode for mode, start_s in data.modes.start_s.items() if np.isfinite(start_s)]
    for ax in figure.axes[:2]:
        assert sorted(text.get_text() for text in ax.texts) == sorted(names)


def test_modes_are_shaded_and_stable_beams_most(data: ExtraData) -> None:
    found = shades(data.modes)
    assert [one.mode for one in found][-3:] == ["STABLE", "BEAMDUMP", "RAMPDOWN"]
    assert {one.color for one in found} == {*SHADE, STABLE_SHADE}
    assert all(a.stop <= b.start + 1e-9 for a, b in zip(found, found[1:]))


def test_a_mode_that_lasts_is_shaded_to_the_end() -> None:
    modes = FillModes(1, 0.0, 7200.0, {"INJPHYS": 3600.0}, {"INJPHYS": np.nan}, False)
    (one,) = shades(modes)
    assert (one.start, one.stop) == (1.0, 2.0)


@given(st.lists(st.floats(0, 10), max_size=12))
def test_names_are_moved_apart_and_stay_in_order(places: list[float]) -> None:
    places = sorted(places)
    moved = spread(places, 0.5, 0.25)
    assert len(moved) == len(places)
    assert all(b - a >= 0.5 - 1e-9 for a, b in zip(moved, moved[1:]))
    assert all(place >= 0.25 - 1e-9 for place in moved)


def test_names_that_have_room_stay_where_they_are() -> None:
    assert spread([1.0, 2.0, 5.0], 0.5, 0.0) == [1.0, 2.0, 5.0]


# --- what is missing


@pytest.fixture(scope="module")
def said(data: ExtraData) -> str:
    """Return the words of a picture that lacks something in most of its panels."""
    gone = ["TRIM", "TUNE_B2_V", "CONTINUOUS_HS.B1:EIGEN_FREQ", "BETASTAR_IP1"]
    gone += ["ALICE:LUMI", "ATLAS:LUMI", "CMS:LUMI", "ADTH", "ADTV.SR4.B1"]
    return words(draw_extra_data(without(data, *gone), style=SMALL))


def test_a_missing_variable_is_named_below_its_panel(said: str) -> None:
    assert "missing: LHC.BOFSU:TUNE_B2_V" in said
    assert "missing: HX:BETASTAR_IP1" in said


def test_variables_of_one_device_are_named_together(said: str) -> None:
    assert "missing: LHC.BQBBQ.CONTINUOUS_HS.B1:EIGEN_FREQ_1, EIGEN_FREQ_2" in said


def test_a_long_list_is_cut_and_the_rest_counted(said: str) -> None:
    assert "; CMS:LUMI_TOT_INST; ALICE:LUMI_TOT_INST" in said
    assert "ADTH.SR4.B2" not in said
    assert "ADTV.SR4.B1:CLEANING_ISRUNNING and of 1 more device" in said


def test_an_empty_panel_says_so(said: str) -> None:
    assert said.count(f"none of 2 variables\nin extra_data_fill_{FILL}.csv") == 2


def test_a_fill_without_any_extra_data_is_drawn(data: ExtraData) -> None:
    figure = draw_extra_data(dataclasses.replace(data, series={}), style=SMALL)
    assert words(figure).count("none of") == 12


# --- the command


def run(folder: Path, *options: str) -> int:
    """Run the script on the data of a folder; return its status."""
    with pytest.MonkeyPatch.context() as patch:
        argv = [str(SCRIPT), "--config", str(folder / "config.py"), *options]
        patch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as caught:
            runpy.run_path(str(SCRIPT), run_name="__main__")
    return int(caught.value.code or 0)


@pytest.fixture(scope="module")
def picture(folder: Path) -> bytes:
    """Return the picture of the fill, where the command leaves it."""
    assert run(folder, "--fill", str(FILL)) == 0
    plots = folder / "SB_analysis" / f"fill_{FILL}" / "plots"
    assert [path.name for path in plots.iterdir()] == [f"fill_{FILL}_extraData.png"]
    return (plots / f"fill_{FILL}_extraData.png").read_bytes()


@pytest.mark.slow
def test_the_picture_lies_with_the_others_of_the_fill(picture: bytes) -> None:
    assert picture.startswith(b"\x89PNG")


@pytest.mark.slow
def test_data_of_another_format_in_another_folder_give_the_same_picture(
    folder: Path, tmp_path: Path, data: ExtraData, picture: bytes
) -> None:
    target = tmp_path / "fill_extra_data_csvs" / f"extra_data_fill_{FILL}.csv.gz"
    target.parent.mkdir()
    (path,) = folder.rglob("extra_data_fill_*.csv")
    write_variables(target, read_variables(path, data.series))
    (tmp_path / "fills_and_bmodes.pkl").write_bytes(
        (folder / "data" / "fills_and_bmodes.pkl").read_bytes()
    )
    options = ["--data-folder", str(tmp_path), "--out", str(tmp_path)]
    assert run(folder, "--fill", str(FILL), *options) == 0
    assert (tmp_path / f"fill_{FILL}_extraData.png").read_bytes() == picture


@pytest.mark.slow
def test_a_fill_without_a_file_is_named_and_the_others_drawn(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], picture: bytes
) -> None:
    capsys.readouterr()
    assert run(folder, "--fill", "1", str(FILL), "--out", str(tmp_path)) == 1
    captured = capsys.readouterr()
    assert "fill 1: not in the beam modes" in captured.err
    path = tmp_path / f"fill_{FILL}_extraData.png"
    assert captured.out == f"{path}\n"
    assert path.read_bytes() == picture


def test_without_beam_modes_or_config_the_status_says_so(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--fill", "1", "--data-folder", str(tmp_path)) == 1
    assert "no such file" in capsys.readouterr().err
    assert run(folder, "--fill", "1", "--config", str(tmp_path / "no.py")) == 2


def test_run_3_has_its_own_names_of_tunes(folder: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, run=3)
    with Simulated(settings) as source:
        files = source._files(FILL)
        modes = read_bmodes(files.bmodes)[FILL]
        assert files.extra is not None
        assert "BFC.LHC:TuneFBAcq:TUNEB1H" in files.extra.read_text()
        data = read_extra(load_config(folder / "config.py"), modes, files.extra)
    assert len(data.series) == 38
    assert data.series["LHC.BOFSU:TUNE_B1_H"].name == "BFC.LHC:TuneFBAcq:TUNEB1H"
