"""Emittances of beam sizes, and brightness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.physics.emittance import MonitorOptics, brightness_ppb_um, emittance_um

OPTICS = MonitorOptics(betaf_m=200.0, sigma_corr_mm=0.25, rescale=1.0, gamma=6900.0)
SIZE = st.floats(0.3, 3)


def test_emittance_by_hand() -> None:
    # (0.65^2 - 0.25^2) = 0.36 mm^2; 0.36/200*6900 = 12.42 um.
    assert emittance_um(np.array(0.65), OPTICS) == pytest.approx(12.42, rel=1e-12)


def test_rescaling_is_of_the_size_before_the_resolution_is_subtracted() -> None:
    # (1.1 * 0.5)^2 = 0.3025; (0.3025 - 0.0625)/200*6900 = 8.28 um.
    rescaled = OPTICS._replace(rescale=1.1)
    assert emittance_um(np.array(0.5), rescaled) == pytest.approx(8.28, rel=1e-12)


def test_size_of_the_resolution_has_no_emittance() -> None:
    assert emittance_um(np.array(0.25), OPTICS) == 0


def test_size_below_the_resolution_has_a_negative_emittance() -> None:
    # (0.0225 - 0.0625)/200*6900 = -1.38 um.
    assert emittance_um(np.array(0.15), OPTICS) == pytest.approx(-1.38, rel=1e-12)


def test_missing_size_has_no_emittance() -> None:
    found = emittance_um(np.array([[0.65, np.nan]]), OPTICS)
    np.testing.assert_array_equal(np.isnan(found), [[False, True]])


@given(size=SIZE, gamma=st.floats(400, 8000), betaf_m=st.floats(50, 500))
def test_size_follows_from_the_emittance(size: float, gamma: float, betaf_m: float) -> None:
    optics = OPTICS._replace(gamma=gamma, betaf_m=betaf_m)
    emit = emittance_um(np.array(size), optics)
    assert np.sqrt(emit * betaf_m / gamma + 0.25**2) == pytest.approx(size, rel=1e-12)


def test_brightness_by_hand() -> None:
    # 1.2e11/sqrt(2 * 4.5) = 4e10 protons per um.
    found = brightness_ppb_um(np.array(1.2e11), np.array(2.0), np.array(4.5))
    assert found == pytest.approx(4e10, rel=1e-14)


@pytest.mark.parametrize(
    ("emit_h_um", "emit_v_um"), [(-0.1, 2.0), (2.0, -0.1), (np.nan, 2.0), (2.0, np.nan)]
)
def test_brightness_without_both_emittances_is_nan(emit_h_um: float, emit_v_um: float) -> None:
    found = brightness_ppb_um(np.array([1.2e11]), np.array([emit_h_um]), np.array([emit_v_um]))
    assert np.isnan(found).all()


@given(n=st.floats(1e9, 3e11), h=st.floats(0.5, 10), v=st.floats(0.5, 10))
def test_brightness_is_the_same_with_the_planes_exchanged(n: float, h: float, v: float) -> None:
    n_, h_, v_ = (np.array(value) for value in (n, h, v))
    assert brightness_ppb_um(n_, h_, v_) == brightness_ppb_um(n_, v_, h_)
