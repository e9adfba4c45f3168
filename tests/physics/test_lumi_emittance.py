"""Emittances from luminosities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.physics.lumi_emittance import Collision, emittances_from_luminosity
from lumimod.physics.luminosity import experiment_luminosity

GAMMA, F_REV = 6927.64, 11245.5
N, LENGTH = np.array([1.1e11]), np.array([0.08])


def measured(
    plane: str, emit_h: float, emit_v: float, angle: float = 300e-6, betastar: float = 0.3
) -> Collision:
    h, v = np.array([emit_h]), np.array([emit_v])
    lumi = experiment_luminosity(
        plane, (N, N), (h, h), (v, v), (LENGTH, LENGTH), angle,
        betastar_m=betastar, gamma=GAMMA, f_rev_hz=F_REV,
    )  # fmt: skip
    return Collision(lumi, plane, angle, betastar)


def solved(first: Collision, second: Collision) -> tuple[float, float]:
    h, v = emittances_from_luminosity(first, second, N, N, LENGTH, gamma=GAMMA, f_rev_hz=F_REV)
    return float(h[0]), float(v[0])


emittance = st.floats(0.5, 6.0)


@given(emittance, emittance, st.floats(100e-6, 400e-6), st.floats(0.2, 1.0))
def test_emittances_that_made_the_luminosities_are_found(
    emit_h: float, emit_v: float, angle: float, betastar: float
) -> None:
    atlas = measured("v", emit_h, emit_v)
    cms = measured("h", emit_h, emit_v, angle, betastar)
    assert solved(atlas, cms) == pytest.approx((emit_h, emit_v), rel=1e-6)
    assert solved(cms, atlas) == pytest.approx((emit_h, emit_v), rel=1e-6)


def test_beams_that_cross_in_one_plane_tell_nothing() -> None:
    assert np.isnan(solved(measured("h", 2, 2), measured("h", 2, 2))).all()


def test_luminosities_that_no_emittance_has_give_nan() -> None:
    atlas, cms = measured("v", 2, 2), measured("h", 2, 2)
    none = atlas._replace(lumi=atlas.lumi * np.inf)
    assert np.isnan(solved(none, cms)).all()
    assert np.isnan(solved(atlas._replace(lumi=atlas.lumi * np.nan), cms)).all()
