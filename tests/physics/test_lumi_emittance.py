"""Emittances from luminosities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import root

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


def by_root_finding(pairs: Pairs) -> np.ndarray:
    """Return both emittances for which the luminosities are those measured."""

    def off(emit: np.ndarray) -> list[float]:
        h, v = np.exp(emit)
        found = [
            experiment_luminosity(
                c.plane, (pairs.n1_ppb, pairs.n2_ppb), (h, h), (v, v), (pairs.length_m,) * 2,
                c.full_crossing_rad, betastar_m=c.betastar_m, gamma=GAMMA, f_rev_hz=F_REV,
            ) / c.lumi - 1
            for c in (pairs.first, pairs.second)
        ]  # fmt: skip
        return [float(part[0]) for part in found]

    return np.exp(root(off, np.log([2.0, 2.0]), tol=1e-13).x)


def test_the_error_of_each_scale_is_how_far_its_shifts_move_the_emittances() -> None:
    first, second = measured("v", 2.5, 1.8), measured("h", 2.5, 1.8, 260e-6, 0.4)
    pairs = Pairs(first, second, N, N, LENGTH)
    longer = pairs._replace(length_m=LENGTH * 1.05)
    wider = (
        pairs._replace(first=first._replace(betastar_m=0.3 * 1.05)),
        pairs._replace(second=second._replace(betastar_m=0.4 * 1.05)),
    )
    usual = by_root_finding(pairs)
    for scales, shifted in (
        (ScaleErrors(0, 0, 0.05, 0), [longer]),
        (ScaleErrors(0, 0, 0, 0.05), wider),
    ):
        moved = [by_root_finding(of) / usual - 1 for of in shifted]
        found = emittance_scale_errors(pairs, scales, gamma=GAMMA, f_rev_hz=F_REV)
        assert np.ravel(found) == pytest.approx(np.sqrt(np.sum(np.square(moved), axis=0)), rel=1e-7)


def test_beams_that_cross_in_one_plane_have_no_emittance_at_any_time() -> None:
    one = Collision(np.full((3, 1), 1e34), "h", 300e-6, 0.3)
    found = emittances_from_luminosity(
        one, one, np.ones(4), np.ones(4), np.ones(4), gamma=GAMMA, f_rev_hz=F_REV
    )
    for emit in found:
        np.testing.assert_array_equal(emit, np.full((3, 4), np.nan))


def test_pairs_without_luminosity_intensity_or_crossing_angle_are_nan_without_a_warning() -> None:
    pairs = np.array([1.1e11, 0.0, 1.1e11, 1.1e11, 1.1e11])
    lumi_v, lumi_h = np.array([[0.0, 0.0, 2e34, 2e34, 2e34], [2e34, 0.0, 2e34, 3e34, 2e34]])
    angle = np.array([300e-6, 300e-6, 0.0, 0.0, 300e-6])
    atlas, cms = Collision(lumi_v, "v", angle, 0.3), Collision(lumi_h, "h", angle, 0.3)
    found = emittances_from_luminosity(
        atlas, cms, pairs, pairs, np.full(5, 0.08), gamma=GAMMA, f_rev_hz=F_REV
    )
    for emit in found:
        assert np.isfinite(emit).tolist() == [False, False, False, False, True]


def test_an_emittance_of_zero_is_no_solution() -> None:
    # In units where both areas and smears are 1, or 0 for an infinite luminosity: X is 1, Y is 0.
    atlas = Collision(np.ones(1), "v", 1.0, 1.0)
    cms = Collision(np.full(1, np.inf), "h", 1.0, 1.0)
    found = emittances_from_luminosity(
        atlas, cms, np.full(1, 4 * np.pi), np.ones(1), np.full(1, 2.0), gamma=1.0, f_rev_hz=1.0
    )
    assert np.isnan(found).all()


def test_the_separation_is_infinite_without_luminosity_and_nan_where_none_is_known() -> None:
    measured_m2s, calculated = np.array([0.0, 0.0, -1.0, np.nan]), np.array([1.0, 0.0, 1.0, 1.0])
    found = separation_m(measured_m2s, calculated, np.full(4, 5e-6))
    assert np.isposinf(found[0])
    assert np.isnan(found[1:]).all()
