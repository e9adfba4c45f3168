"""Text that is drawn again as an image looks as matplotlib draws it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lumimod.plots.rendering import canvas


def pixels(kind: type[FigureCanvasAgg], **how: object) -> NDArray[np.int64]:
    """Return the pixels of a figure with one text."""
    figure = Figure(figsize=(4, 3), dpi=100)
    of_kind = kind(figure)
    figure.text(0.5, 0.5, how.pop("text", "12.5 µm, gap"), **how)
    of_kind.draw()
    return np.asarray(of_kind.buffer_rgba()).astype(np.int64)


def ink(image: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return how much is drawn, and where its centre is, in pixels."""
    dark = 255 * 3 - image[..., :3].sum(axis=2)
    rows, columns = np.indices(dark.shape)
    total = dark.sum()
    return float(total), float((dark * rows).sum() / total), float((dark * columns).sum() / total)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"rotation": 90},
        {"rotation": 30},
        {"ha": "right", "va": "top", "size": 20},
        {"text": r"$\varepsilon_H$ [µm]"},
        {"text": "two\nlines", "rotation": 90},
        {"color": "#0b5cad", "alpha": 0.5},
        {"weight": "bold"},
        {"text": "jury, fill 5845"},
    ],
)
def test_text_is_where_matplotlib_draws_it(how: dict[str, object]) -> None:
    for _ in range(2):  # drawn, and drawn again
        mine = ink(pixels(canvas.PictureCanvas, **how))
        theirs = ink(pixels(FigureCanvasAgg, **how))
        assert mine[0] == pytest.approx(theirs[0], rel=0.02)
        assert mine[1:] == pytest.approx(theirs[1:], abs=0.8)


def test_the_same_text_is_drawn_once_for_all_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels(canvas.PictureCanvas, text="only here")
    before = canvas._image_of.cache_info().misses
    pixels(canvas.PictureCanvas, text="only here")
    assert canvas._image_of.cache_info().misses == before
    pixels(canvas.PictureCanvas, text="only here", color="red")
    assert canvas._image_of.cache_info().misses == before + 1


def test_each_figure_keeps_its_own_pixels() -> None:
    figures = [Figure(figsize=(2, 1), dpi=50) for _ in range(2)]
    canvases = [canvas.PictureCanvas(figure) for figure in figures]
    figures[1].text(0.1, 0.5, "text")
    for one in canvases:
        one.draw()
    assert (np.asarray(canvases[0].buffer_rgba()) == 255).all()
    assert (np.asarray(canvases[1].buffer_rgba()) < 255).any()
