"""Fits of a family of bunches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lumimod.steps import bunch_fits


def test_fits_start_from_values_in_the_units_of_the_original(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bunch_fits, "fit_short_and_full", lambda *given: given)
    time_s = np.arange(3.0)
    family: Any = SimpleNamespace(
        emit_h_um="H", emit_v_um="V", length_m="length", intensity_ppb="intensity"
    )
    assert bunch_fits.bunch_fits(time_s, family, 7200.0) == {
        "emit_h": (time_s, "H", 7200.0, 1.0),
        "emit_v": (time_s, "V", 7200.0, 1.0),
        "bl": (time_s, "length", 7200.0, 1.0),
        "inten": (time_s, "intensity", 7200.0, 1e11),
    }
