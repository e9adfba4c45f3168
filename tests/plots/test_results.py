"""The registry: every picture of every family is drawn from the results of its family alone."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from matplotlib.figure import Figure

from lumimod.plots import cycle, cycle_model, gallery, model, stable_beams
from lumimod.plots.results import Picture, Results
from lumimod.plots.style import Style
from tests.plots.conftest import FILL, make_results, texts
from tests.plots.cycles import make_cycle, model_results, results_of
from tests.plots.models import SETTINGS, make_model_results

FAMILIES: dict[str, tuple[tuple[Picture, ...], Results]] = {
    "sb": (stable_beams.PICTURES, make_results()),
    "cycle": (cycle.PICTURES, results_of(make_cycle())),
    "cycle_model": (cycle_model.PICTURES, model_results()),
    "model": (model.pictures(tuple(SETTINGS), "1"), make_model_results()),
}
STYLE = Style((9.0, 5.0), 40, 8.0)


@functools.cache
def drawn(family: str, name: str) -> Figure:
    """Return a picture, drawn once for all tests, after which its results are as before."""
    pictures, results = FAMILIES[family]
    (picture,) = (p for p in pictures if p.name == name)
    before = [array.copy() for array in arrays_of(results)]
    assert before
    figure = picture.draw(results, STYLE)
    for array, old in zip(arrays_of(results), before):
        np.testing.assert_array_equal(array, old)
    return figure


every_picture = pytest.mark.parametrize(
    ("family", "name"),
    [(family, p.name) for family, (pictures, _) in FAMILIES.items() for p in pictures],
)


def test_families_have_as_many_pictures_as_the_gallery_names() -> None:
    numbers = {family: len(pictures) for family, (pictures, _) in FAMILIES.items()}
    assert numbers == {"sb": 15, "cycle": 7, "cycle_model": 6, "model": 26}
    assert tuple(numbers) == gallery.FAMILIES


@every_picture
def test_a_picture_has_its_fill_in_the_title_and_the_size_asked_for(family: str, name: str) -> None:
    figure = drawn(family, name)
    assert texts(figure).startswith(f"Fill {FILL}: STABLE BEAMS declared on Sun 02 Jul 2017")
    np.testing.assert_array_equal(figure.get_size_inches(), STYLE.fig_size_in)
    assert figure.dpi == STYLE.dpi


@every_picture
def test_every_panel_names_its_quantity(family: str, name: str) -> None:
    figure = drawn(family, name)
    for ax in figure.axes:
        place = ax.get_subplotspec()
        assert ax.get_ylabel() or not place.is_first_col()
        if place is not None and place.is_last_row():
            assert ax.get_xlabel()
            assert ax.xaxis.label.get_visible()


def arrays_of(value: object) -> list[np.ndarray]:
    """Return all arrays in a record, in the order of its fields."""
    if isinstance(value, np.ndarray):
        return [value]
    if dataclasses.is_dataclass(value):
        parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
    elif isinstance(value, dict):
        parts = list(value.values())
    else:
        parts = list(value) if isinstance(value, tuple) else []
    return [array for part in parts for array in arrays_of(part)]
