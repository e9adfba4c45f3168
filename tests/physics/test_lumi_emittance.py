"""Emittances from luminosities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.physics.lumi_emittance import (
    Collision,
    Pairs,
    ScaleErrors,
    emittance_scale_errors,
    emittances_from_luminosity,
    separation_m,
)
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


def test_separation_by_two_sizes_leaves_a_part_of_e() -> None:
    found = separation_m(np.array([np.exp(-1.0), 1.0, 2.0]), np.ones(3), np.full(3, 5e-6))
    assert found == pytest.approx([10e-6, 0, 0])


def test_scale_errors_of_emittances_follow_from_those_of_the_inputs() -> None:
    pairs = Pairs(measured("v", 2, 2), measured("h", 2, 2), N, N, LENGTH)
    optics = {"gamma": GAMMA, "f_rev_hz": F_REV}
    error_h, error_v = emittance_scale_errors(pairs, ScaleErrors(0, 0.01, 0, 0), **optics)
    # Both beams, each by (N1 N2)^2 in both planes: the emittances change together.
    more = pairs._replace(n1_ppb=N * 1.01)
    moved = emittances_from_luminosity(*more, **optics).emit_h_um / 2 - 1
    assert error_h == pytest.approx(np.sqrt(2) * moved, rel=1e-6)
    assert error_v == pytest.approx(error_h)
    none_h, _ = emittance_scale_errors(pairs, ScaleErrors(0, 0, 0, 0), **optics)
    assert none_h == pytest.approx(0, abs=1e-12)


def test_a_luminosity_that_is_too_high_makes_both_emittances_smaller() -> None:
    pairs = Pairs(measured("v", 2, 2), measured("h", 2, 2), N, N, LENGTH)
    optics = {"gamma": GAMMA, "f_rev_hz": F_REV}
    found = emittance_scale_errors(pairs, ScaleErrors(0.02, 0, 0, 0), **optics)
    moved = []
    for which in ("first", "second"):
        one = getattr(pairs, which)
        more = pairs._replace(**{which: one._replace(lumi=one.lumi * 1.02)})
        by = emittances_from_luminosity(*more, **optics)
        moved.append((by.emit_h_um / 2 - 1, by.emit_v_um / 2 - 1))
    for error, parts in zip(found, zip(*moved)):
        assert error == pytest.approx(np.hypot(*parts), rel=1e-9)
