"""Points that are drawn colour by colour are where matplotlib draws them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lumimod.plots.rendering.points import draw_points

X = np.tile([1.0, 2.0, 3.0, 7.5], 3)
Y = np.array([1.0, 2.0, 3.0, np.nan, 1.1, 2.4, 3.3, 9.0, 1.2, 2.8, 3.2, 4.0])
HOURS = np.repeat([0.0, 6.0, 12.0], 4)
NORM = Normalize(0.0, 12.0)


def panel() -> tuple[Axes, FigureCanvasAgg]:
    figure = Figure(figsize=(4, 3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set(xlim=(0, 5), ylim=(0, 5))
    return ax, canvas


def pixels(colour_by_colour: bool) -> NDArray[np.int64]:
    ax, canvas = panel()
    if colour_by_colour:
        draw_points(ax, X, Y, HOURS, size=40.0, cmap="viridis", norm=NORM)
    else:
        ax.scatter(X, Y, 40.0, HOURS, cmap="viridis", norm=NORM, linewidths=0)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(np.int64)


def test_each_point_has_its_place_colour_and_size() -> None:
    mine, theirs = pixels(True), pixels(False)
    columns, rows = (80 * X).astype(int), (300 - 60 * Y)
    seen = np.isfinite(Y) & (X < 5) & (Y < 5)
    at = rows[seen].astype(int), columns[seen]
    np.testing.assert_allclose(mine[at], theirs[at], atol=1)
    assert len(np.unique(mine[at], axis=0)) == 3
    ink = [(255 * 3 - one.sum(axis=2)).sum() for one in (mine, theirs)]
    assert ink[0] == pytest.approx(ink[1], rel=0.02)
    near = (mine < 250).any(axis=2)
    for axis in (0, 1):
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    assert not ((theirs < 250).any(axis=2) & ~near).any()


def test_a_colour_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ax, canvas = panel()
    draw_points(ax, X, Y, HOURS, size=40.0, cmap="viridis", norm=NORM)
    renderer = canvas.get_renderer()
    drawn: list[tuple[float, ...]] = []
    monkeypatch.setattr(renderer, "draw_markers", lambda *what: drawn.append(tuple(what[-1])))
    [points] = ax.collections
    points.draw(renderer)
    assert len(drawn) == 3
    assert len(set(drawn)) == 3
    assert isinstance(renderer, RendererAgg)


def test_points_that_are_hidden_are_not_drawn() -> None:
    ax, canvas = panel()
    draw_points(ax, X, Y, HOURS, size=40.0, cmap="viridis", norm=NORM)
    canvas.draw()
    seen = np.asarray(canvas.buffer_rgba()).copy()
    ax.collections[0].set_visible(False)
    canvas.draw()
    assert (np.asarray(canvas.buffer_rgba()) != seen).any()
