"""Pictures of stable beams, bunch by bunch: what they show of the record, and what they miss."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lumimod.plots import stable_beams
from lumimod.plots.style import Style
from tests.plots.conftest import FILL, line, make_results

BY_NAME = {picture.name: picture for picture in stable_beams.PICTURES}


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


@pytest.mark.parametrize("name", BY_NAME)
def test_what_was_measured_at_one_time_alone_is_seen(name: str, style: Style) -> None:
    # Two times give one lifetime.
    n_times = 2 if name in ("bbbLifetime", "bbbLosses") else 1
    figure = BY_NAME[name].draw(make_results(n_times=n_times), style)
    drawn = [one for ax in figure.axes for one in ax.lines if np.isfinite(one.get_ydata()).any()]
    assert drawn
    for one in drawn:
        n_points = np.asarray(one.get_xdata()).size
        assert n_points > 1 or one.get_marker() != "None", one.get_label()
