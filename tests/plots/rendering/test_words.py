"""Words that are drawn at many places are where matplotlib draws each of them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lumimod.plots.rendering.canvas import PictureCanvas
from lumimod.plots.rendering.words import draw_many

WORDS = ("0.5", "-1", "0\n09:00", "$x^2$")
PLACES = np.array([[50.3, 40.0], [120.0, 60.6], [200.0, 100.0], [250.0, 30.0]])


def pixels(together: bool, angle: float, alpha: float | None) -> NDArray[np.int64]:
    figure = Figure(figsize=(3, 1.5), dpi=100)
    canvas = PictureCanvas(figure)
    renderer = canvas.get_renderer()
    text = figure.text(
        0, 0, "", transform=None, ha="center", va="top", color="red", rotation=angle, alpha=alpha
    )
    if together:
        draw_many(renderer, text, PLACES, WORDS)
        draw_many(renderer, text, PLACES + 7, WORDS)
    else:
        for shift in (0, 7):
            for place, word in zip(PLACES + shift, WORDS):
                text.set_position(tuple(place))
                text.set_text(word)
                text.draw(renderer)
    return np.asarray(renderer.buffer_rgba()).astype(np.int64)


@pytest.mark.parametrize("angle", [0.0, 90.0])
@pytest.mark.parametrize("alpha", [None, 0.4])
def test_the_picture_is_the_same(angle: float, alpha: float | None) -> None:
    one_by_one = pixels(False, angle, alpha)
    assert one_by_one.any()
    np.testing.assert_array_equal(pixels(True, angle, alpha), one_by_one)
