"""Sizes of config.py, colours, and that no drawing leaves a trace in matplotlib's state."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lumimod import plots
from lumimod.plots import stable_beams
from lumimod.plots import style as looks
from lumimod.plots.style import DEFAULT_STYLE, Style, drawing, new_figure
from tests import forks
from tests.plots.conftest import FILL, make_results

MODULES = sorted(Path(plots.__file__).parent.glob("[a-z]*.py"))


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@drawing
def draw_sample(text: str, *, style: Style = DEFAULT_STYLE) -> Figure:
    """Draw a panel with a text."""
    figure = new_figure(style)
    figure.add_subplot().set_title(text)
    return figure


def test_a_figure_has_the_size_and_resolution_asked_for() -> None:
    figure = draw_sample("a", style=Style((9.0, 4.0), 73))
    np.testing.assert_array_equal(figure.get_size_inches(), (9.0, 4.0))
    assert figure.dpi == 73
    assert figure.canvas.get_width_height() == (9 * 73, 4 * 73)


@pytest.mark.parametrize("size", [7.0, 20.0])
def test_every_text_follows_the_font_size(size: float) -> None:
    style = Style((30.0, 20.0), 30, size)
    figure = stable_beams.draw_intensities(make_results().sb, FILL, style=style)
    ax = figure.axes[0]
    assert ax.yaxis.label.get_size() == pytest.approx(size)
    assert figure.texts[0].get_size() == pytest.approx(size)
    small = [*ax.get_yticklabels(), *ax.get_legend().get_texts()]
    np.testing.assert_allclose([text.get_size() for text in small], 0.833 * size)


def test_without_a_style_the_default_one_is_taken() -> None:
    figure = draw_sample("a")
    np.testing.assert_array_equal(figure.get_size_inches(), Style().fig_size_in)
    assert figure.axes[0].title.get_size() == Style().font_size


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_picture_can_be_drawn_without_a_style_as_its_signature_says(path: Path) -> None:
    module = importlib.import_module(f"{plots.__name__}.{path.stem}")
    for name, function in vars(module).items():
        if name.startswith("draw_") and hasattr(function, "__wrapped__"):
            assert inspect.signature(function).parameters["style"].default is DEFAULT_STYLE, name


def test_drawing_leaves_the_settings_of_the_caller_alone() -> None:
    before = dict(mpl.rcParams)
    draw_sample("a", style=Style(font_size=31.0))
    assert dict(mpl.rcParams) == before


def test_settings_of_the_caller_do_not_reach_a_picture() -> None:
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 3.0, "axes.grid": False}):
        ax = draw_sample("a", style=Style()).axes[0]
    assert to_rgb(ax.get_facecolor()) == (1, 1, 1)
    assert ax.title.get_size() == Style().font_size
    assert ax.xaxis.get_gridlines()[0].get_visible()


def test_a_failing_drawing_restores_the_settings() -> None:
    @drawing
    def fail(*, style: Style) -> Figure:
        raise ZeroDivisionError

    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError):
        fail(style=Style(font_size=31.0))
    assert dict(mpl.rcParams) == before


def test_a_drawing_function_keeps_its_name_and_words() -> None:
    assert draw_sample.__name__ == "draw_sample"
    assert draw_sample.__doc__ == "Draw a panel with a text."


def test_all_that_notebooks_call_is_documented() -> None:
    for path in MODULES:
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("draw_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"


@pytest.mark.slow
def test_drawing_and_saving_need_no_pyplot(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lumimod.plots import cycle, cycle_model, model, stable_beams\n"
        "from lumimod.plots.save import save_figure\n"
        "from lumimod.plots.style import Style\n"
        "from tests.plots.conftest import make_results\n"
        "style = Style((6, 4), 30, 6)\n"
        "figure = stable_beams.SB_PICTURES[1].draw(make_results(), style)\n"
        "save_figure(figure, Path(sys.argv[1]), style)\n"
        "print([name for name in sys.modules if 'pyplot' in name or 'tkinter' in name])\n"
    )
    done = forks.run(tmp_path / "a.png", code=program)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
    assert (tmp_path / "a.png").exists()


# --- colours


def lightness(color: str) -> float:
    """Return how light a colour is in grey, 0 to 1 (ITU-R BT.601)."""
    return float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))


def test_beam_1_is_blue_and_beam_2_red() -> None:
    red, _, blue = to_rgb(looks.BEAM[1].color)
    assert blue > 2 * red
    red, _, blue = to_rgb(looks.BEAM[2].color)
    assert red > 2 * blue


@pytest.mark.parametrize(
    "palette",
    [
        looks.BEAM, looks.EXPERIMENT, looks.MODEL, looks.CYCLE_MODEL, looks.PART,
        dict(enumerate(looks.INSTANT)),
    ],
)  # fmt: skip
def test_series_of_a_palette_are_told_apart_without_colour(palette: dict) -> None:
    assert len({look.color for look in palette.values()}) == len(palette)
    drawn = {(look.linestyle, look.marker) for look in palette.values()}
    assert len(drawn) == len(palette)


# Severity 1: G. Machado et al., IEEE Trans. Vis. Comput. Graph. 15 (2009) 1291, table 1.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)
XYZ_OF_RGB = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


def lab(color: str, seen_by: np.ndarray | None = None) -> np.ndarray:
    """Return L*, a* and b* of a colour, as it is or as it is seen (CIE 1976, D65)."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if seen_by is not None:
        linear = np.clip(seen_by @ linear, 0, 1)
    ratios = XYZ_OF_RGB @ linear / XYZ_OF_RGB.sum(axis=1)
    f = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    "palette",
    [
        looks.BEAM, looks.EXPERIMENT, looks.MODEL, looks.CYCLE_MODEL, looks.PART,
        dict(enumerate(looks.INSTANT)),
    ],
)  # fmt: skip
def test_curves_of_a_panel_are_told_apart_with_deuteranopia(palette: dict) -> None:
    seen = [lab(look.color, DEUTERANOPIA) for look in palette.values()]
    apart = [float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)]
    assert min(apart) > 15  # 2.3 is just noticeable


@pytest.mark.parametrize("palette", [looks.BEAM, looks.EXPERIMENT])
def test_beams_and_experiments_are_told_apart_in_grey(palette: dict) -> None:
    first, second = (lab(look.color)[0] for look in palette.values())
    assert second - first > 15


def test_instants_of_the_cycle_grow_lighter_as_time_goes_on() -> None:
    grey = [lightness(look.color) for look in looks.INSTANT]
    assert grey == sorted(grey)
    assert min(np.diff(grey)) > 0.05


def test_the_colours_of_time_grow_lighter_too() -> None:
    grey = [lightness(c) for c in mpl.colormaps[looks.TIME_MAP](np.linspace(0, 1, 20))[:, :3]]
    assert min(np.diff(grey)) > 0


@pytest.mark.parametrize(
    ("name", "rises"), [(looks.CHANGE_MAP, 1), (looks.GROWTH_MAP, -1), (looks.LOSS_MAP, 1)]
)
def test_more_and_less_are_told_apart_in_grey(name: str, rises: int) -> None:
    colors = mpl.colormaps[name](np.linspace(0, 1, 20))[:, :3]
    grey = np.array([lightness(of) for of in colors])
    assert (rises * np.diff(grey) > 0).all()
    assert np.ptp(grey) > 0.5


def test_no_change_is_grey_between_less_and_more_and_white_where_there_is_one_sign() -> None:
    none = {looks.CHANGE_MAP: 0.5, looks.GROWTH_MAP: 0.0, looks.LOSS_MAP: 1.0}
    for name, at in none.items():
        assert np.ptp(mpl.colormaps[name](at)[:3]) < 0.07, name
    assert min(lightness(mpl.colormaps[name](none[name])[:3]) for name in list(none)[1:]) > 0.95


# --- what drawing may not do


def test_pictures_compute_no_physics() -> None:
    allowed = {
        "BoolArray",
        "FloatArray",
        "IntArray",
        "SPEED_OF_LIGHT_M_S",
        "ErrorsOfFits",
        "ExpFits",
    }
    allowed |= {"PROTON_MASS_GEV", "LARGEST_GAP_IN_TRAIN"}
    forbidden = {"exp", "log", "gradient", "polyfit", "interp", "trapezoid", "trapz", "cumsum"}
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                if node.module.startswith("lumimod.physics"):
                    assert {alias.name for alias in node.names} <= allowed, path.name
                assert not node.module.startswith(("scipy", "lumimod.steps")), path.name
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "np" or node.attr not in forbidden, path.name
