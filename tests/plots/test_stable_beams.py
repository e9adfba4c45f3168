"""Pictures of stable beams, bunch by bunch: what they show of the record, and what they miss."""

from __future__ import annotations

import dataclasses

import numpy as np

from lumimod.plots import stable_beams
from lumimod.plots.style import Style
from tests.plots.conftest import FILL, line, make_results


def test_a_mean_pulled_away_by_one_absurd_bunch_stays_in_view(style: Style) -> None:
    results = make_results(n_coll=300)
    family = results.sb.bunches[1, "coll"]
    emit_h_um = family.emit_h_um.copy()
    emit_h_um[:, 7] = 1e4
    results.sb.bunches[1, "coll"] = dataclasses.replace(family, emit_h_um=emit_h_um)  # type: ignore[index]
    figure = stable_beams.draw_emittances(results.sb, 1, FILL, style=style)
    left, right = figure.axes[:2]
    _, mean = line(left, "300 colliding")
    np.testing.assert_allclose(mean, emit_h_um.mean(axis=1))
    low, high = left.get_ylim()
    assert low < mean.min() < mean.max() < high < 100
    assert right.get_ylim()[1] < 12
    assert "13 of 3,926 points outside" in [text.get_text() for text in right.texts]
