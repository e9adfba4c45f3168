"""Crossing angles and the luminosity of all bunches, read back from their pictures."""

from __future__ import annotations

import numpy as np
import pytest

from lumimod.plots import totals
from lumimod.plots.style import Style
from tests.plots.conftest import FILL, make_results

# --- crossing angle


def test_a_crossing_angle_that_steps_at_the_last_time_alone_is_in_view(style: Style) -> None:
    sb = make_results(n_coll=1, n_noncoll=0, n_times=300).sb
    for angle in sb.xing_angle_rad.values():
        angle[:-1], angle[-1] = 300e-6, 280e-6
    ax = totals.draw_crossing_angle(sb, FILL, style=style).axes[0]
    low, high = ax.get_ylim()
    assert low < 280 < 300 < high
    assert not ax.texts


@pytest.mark.parametrize(
    ("angles", "text"),
    [
        ([300.0, 300.0], "300 µrad, constant"),
        ([300.0, 290.0, 280.0], "300 to 280 µrad"),
        ([280.0, np.nan, 300.0], "280 to 300 µrad"),
        ([300.0, 260.0, 300.0], "300 to 300 µrad (between 260 and 300)"),
        ([280.0, 310.0, 290.0], "280 to 290 µrad (between 280 and 310)"),
        ([np.nan, np.nan], "no data"),
        ([], "no data"),
    ],
)
def test_angles_are_put_into_words(angles: list[float], text: str) -> None:
    assert totals.angle_text(np.array(angles)) == text
