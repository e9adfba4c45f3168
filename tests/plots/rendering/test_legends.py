"""A legend whose parts are measured once is the legend of matplotlib."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import TextArea
from numpy.typing import NDArray

from lumimod.plots.rendering.legends import measure_once


def pixels(once: bool) -> NDArray[np.uint8]:
    figure = Figure(figsize=(4, 2), dpi=80)
    ax = figure.add_subplot()
    for name in ("measured: 1.2", "calculated", "two\nlines"):
        ax.plot([0, 1], [0, 1], label=name)
    legend = ax.legend(ncols=2, loc="lower right")
    if once:
        measure_once(legend)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()


def test_the_picture_is_the_same() -> None:
    np.testing.assert_array_equal(pixels(True), pixels(False))


def test_each_text_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[TextArea] = []
    get_bbox = TextArea.get_bbox

    def counted(self: TextArea, renderer: object) -> object:
        measured.append(self)
        return get_bbox(self, renderer)

    monkeypatch.setattr(TextArea, "get_bbox", counted)
    pixels(True)
    assert len(measured) == len(set(measured)) >= 3
    measured.clear()
    pixels(False)
    assert len(measured) > 2 * len(set(measured))
