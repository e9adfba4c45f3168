"""Luminosity of Gaussian bunches: by hand, against published pile-up, and its laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.luminosity import (
    CROSSING_PLANE,
    beam_size_m,
    experiment_luminosity,
    level,
    pair_luminosity,
    piwinski,
)

F_REV_HZ = 11245.5

INTENSITY = st.floats(1e9, 3e11)
EMITTANCE = st.floats(0.5, 10)
LENGTH = st.floats(0.05, 0.12)
HALF_ANGLE = st.floats(0, 300e-6)


def lumi(
    n1: Any = 1e11,
    n2: Any = 1e11,
    cross: Any = 1e-5,
    sep: Any = 1e-5,
    length: Any = 0.08,
    half: Any = 0.0,
) -> Any:
    """Return the luminosity of round bunches of 10 um, unless told otherwise."""
    arrays = (np.asarray(v, float) for v in (n1, n2, cross, sep, length))
    return pair_luminosity(*arrays, f_rev_hz=F_REV_HZ, half_crossing_rad=half)


def at_experiment(plane: str, **changed: Any) -> Any:
    """Return the luminosity of one pair, by default of two equal bunches."""
    pairs = {
        "n_ppb": (1.1e11, 1.1e11),
        "emit_h_um": (2.0, 2.0),
        "emit_v_um": (2.0, 2.0),
        "length_m": (0.08, 0.08),
        **changed,
    }
    angle = pairs.pop("full_crossing_rad", 300e-6)
    arrays = {name: tuple(np.asarray(v, float) for v in pair) for name, pair in pairs.items()}
    return experiment_luminosity(
        plane,
        arrays["n_ppb"],
        arrays["emit_h_um"],
        arrays["emit_v_um"],
        arrays["length_m"],
        angle,
        betastar_m=0.3,
        gamma=6927.64,
        f_rev_hz=F_REV_HZ,
    )


def test_head_on_luminosity_by_hand() -> None:
    # 11245.5 * (1e11)^2 / (4 pi * 1e-5 * 1e-5) = 1.12455e26/1.2566371e-9 = 8.948884e34.
    assert lumi() == pytest.approx(8.948884e34, rel=1e-6)


def test_luminosity_with_crossing_angle_by_hand() -> None:
    # Piwinski angle 0.08/1e-5 * 150e-6 = 1.2; 8.948884e34/sqrt(1 + 1.44) = 5.728938e34.
    assert lumi(half=150e-6) == pytest.approx(5.728938e34, rel=1e-6)


def test_beam_size_by_hand() -> None:
    # Mean of 2 and 4 um: sqrt(3e-6/6000 * 0.3) = sqrt(1.5e-10) = 1.2247449e-5 m.
    size = beam_size_m(np.array(2.0), np.array(4.0), betastar_m=0.3, gamma=6000)
    assert size == pytest.approx(1.2247449e-5, rel=1e-7)


# N = 1.2e11, 2 x 160 urad, 1.2 ns, 6.8 TeV, 80 mb: the table of the LHC programme coordination
# for the intensity ramp-up of 2022, in whole collisions per crossing.
@pytest.mark.parametrize(
    ("betastar_m", "emit_um", "pile_up"),
    [
        (0.60, 1.8, 40),
        (0.60, 2.1, 36),
        (0.60, 2.3, 33),
        (0.45, 1.8, 49),
        (0.45, 2.1, 44),
        (0.45, 2.3, 41),
    ],
)
@pytest.mark.parametrize("plane", ["h", "v"])
def test_pile_up_is_that_of_the_published_table(
    plane: str, betastar_m: float, emit_um: float, pile_up: float
) -> None:
    emit = (np.array(emit_um),) * 2
    found = experiment_luminosity(
        plane,
        (np.array(1.2e11),) * 2,
        emit,
        emit,
        (np.array(1.2e-9 / 4 * SPEED_OF_LIGHT_M_S),) * 2,
        320e-6,
        betastar_m=betastar_m,
        gamma=6800 / 0.938272,
        f_rev_hz=F_REV_HZ,
    )
    assert found * 80e-31 / F_REV_HZ == pytest.approx(pile_up, rel=0.02)


@given(n1=INTENSITY, n2=INTENSITY, length=LENGTH)
def test_head_on_luminosity_does_not_depend_on_length(n1: float, n2: float, length: float) -> None:
    assert lumi(n1, n2, length=length, half=0.0) == lumi(n1, n2, length=0.08)


@given(n1=INTENSITY, n2=INTENSITY, half=HALF_ANGLE, factor=st.floats(0.01, 100))
def test_luminosity_is_linear_in_each_intensity(
    n1: float, n2: float, half: float, factor: float
) -> None:
    expected = pytest.approx(factor * lumi(n1, n2, half=half), rel=1e-12)
    assert lumi(n1 * factor, n2, half=half) == expected
    assert lumi(n1, n2 * factor, half=half) == expected


@given(half=HALF_ANGLE, more=st.floats(1e-6, 1e-4), length=LENGTH)
def test_luminosity_falls_with_the_crossing_angle(half: float, more: float, length: float) -> None:
    assert lumi(half=half + more, length=length) < lumi(half=half, length=length)


@given(half=HALF_ANGLE)
def test_sign_of_the_crossing_angle_does_not_matter(half: float) -> None:
    assert lumi(half=-half) == lumi(half=half)


@pytest.mark.parametrize("plane", ["h", "v"])
@given(
    n=st.tuples(INTENSITY, INTENSITY),
    h=st.tuples(EMITTANCE, EMITTANCE),
    v=st.tuples(EMITTANCE, EMITTANCE),
    length=st.tuples(LENGTH, LENGTH),
)
def test_beams_may_be_exchanged(plane: str, n: Any, h: Any, v: Any, length: Any) -> None:
    given_ = {"n_ppb": n, "emit_h_um": h, "emit_v_um": v, "length_m": length}
    exchanged = {name: pair[::-1] for name, pair in given_.items()}
    assert at_experiment(plane, **exchanged) == pytest.approx(
        at_experiment(plane, **given_), rel=1e-12
    )


@given(h=st.tuples(EMITTANCE, EMITTANCE), v=st.tuples(EMITTANCE, EMITTANCE))
def test_planes_may_be_exchanged_with_the_crossing(h: Any, v: Any) -> None:
    assert at_experiment("v", emit_h_um=h, emit_v_um=v) == at_experiment(
        "h", emit_h_um=v, emit_v_um=h
    )


def test_crossing_is_vertical_at_atlas_and_horizontal_at_cms() -> None:
    assert CROSSING_PLANE == {"ATLAS": "v", "CMS": "h"}


@pytest.mark.parametrize(("experiment", "emit_cross"), [("ATLAS", 1.0), ("CMS", 4.0)])
def test_size_in_the_crossing_plane_reduces_the_luminosity(
    experiment: str, emit_cross: float
) -> None:
    # Flat beams of 4 um horizontally and 1 um vertically: only the reduction differs,
    # 1/sqrt(1 + (0.08 * 150e-6)^2/s^2) with s^2 = emit_cross*1e-6/6927.64*0.3.
    flat = {"emit_h_um": (4.0, 4.0), "emit_v_um": (1.0, 1.0)}
    plane = CROSSING_PLANE[experiment]
    reduction = at_experiment(plane, **flat) / at_experiment(plane, **flat, full_crossing_rad=0.0)
    size_2 = emit_cross * 1e-6 / 6927.64 * 0.3
    assert reduction == pytest.approx(1 / np.sqrt(1 + (0.08 * 150e-6) ** 2 / size_2), rel=1e-12)


def test_length_is_the_mean_of_both_bunches() -> None:
    assert at_experiment("v", length_m=(0.07, 0.09)) == pytest.approx(
        at_experiment("v", length_m=(0.08, 0.08)), rel=1e-12
    )


@pytest.mark.parametrize("name", ["n_ppb", "emit_h_um", "emit_v_um", "length_m"])
@pytest.mark.parametrize("beam", [0, 1])
def test_nan_gives_nan_luminosity(name: str, beam: int) -> None:
    pair = [1.0, 1.0]
    pair[beam] = np.nan
    assert np.isnan(at_experiment("h", **{name: pair}))


def test_emittance_sum_below_zero_gives_nan_luminosity() -> None:
    assert np.isnan(at_experiment("h", emit_v_um=(-2.0, 1.0)))


def test_crossing_angle_of_each_time_serves_all_bunches() -> None:
    n, ones = np.full((2, 3), 1.1e11), np.ones((2, 3))
    found = at_experiment(
        "v",
        n_ppb=(n, n),
        emit_h_um=(2 * ones, 2 * ones),
        emit_v_um=(2 * ones, 2 * ones),
        length_m=(0.08 * ones, 0.08 * ones),
        full_crossing_rad=np.array([[300e-6], [260e-6]]),
    )
    for row, angle in zip(found, (300e-6, 260e-6)):
        np.testing.assert_allclose(row, at_experiment("v", full_crossing_rad=angle), rtol=1e-14)


# ---- Levelling.


def test_sum_above_the_level_is_capped_evenly() -> None:
    # 3 + 1 = 4 capped at 2: half of each.
    np.testing.assert_array_equal(level(np.array([3.0, 1.0]), 2.0), [1.5, 0.5])


@pytest.mark.parametrize("level_total", [4.0, 5.0])
def test_sum_at_or_below_the_level_stays(level_total: float) -> None:
    np.testing.assert_array_equal(level(np.array([3.0, 1.0]), level_total), [3.0, 1.0])


def test_sum_below_one_is_capped_too() -> None:
    np.testing.assert_allclose(level(np.array([0.6, 0.2]), 0.4), [0.3, 0.1])


def test_sum_below_zero_stays() -> None:
    np.testing.assert_array_equal(level(np.array([-3.0, 1.0]), 2.0), [-3.0, 1.0])


def test_no_luminosity_at_level_zero_stays_none() -> None:
    np.testing.assert_array_equal(level(np.zeros(2), 0.0), [0.0, 0.0])


def test_each_time_is_levelled_by_itself() -> None:
    found = level(np.array([[3.0, 1.0], [1.0, 0.5], [0.0, 0.0]]), 2.0)
    np.testing.assert_array_equal(found, [[1.5, 0.5], [1.0, 0.5], [0.0, 0.0]])


def test_nan_bunch_does_not_count_and_stays_nan() -> None:
    np.testing.assert_array_equal(level(np.array([3.0, np.nan, 1.0]), 2.0), [1.5, np.nan, 0.5])


def test_bunches_all_nan_stay_nan() -> None:
    assert np.isnan(level(np.full(3, np.nan), 2.0)).all()


@given(
    bunches=st.lists(st.floats(0, 1e35), min_size=1, max_size=20),
    level_total=st.floats(1e33, 1e36),
)
def test_levelled_sum_is_the_smaller_of_sum_and_level(
    bunches: list[float], level_total: float
) -> None:
    found = level(np.array(bunches), level_total).sum()
    assert found == pytest.approx(min(sum(bunches), level_total), rel=1e-12)


def test_a_sum_far_below_the_level_stays_without_a_warning() -> None:
    np.testing.assert_array_equal(level(np.array([1e-300, 0.0]), 1e34), [1e-300, 0.0])


def test_the_piwinski_parameter_by_hand() -> None:
    # Length 8 cm, size sqrt(3e-6/6000 * 0.3) = 1.2247449e-5 m, half angle 150 urad: 0.9797959.
    found = piwinski(
        np.array(2.0), np.array(4.0), np.array(0.08), 300e-6, betastar_m=0.3, gamma=6000
    )
    assert found == pytest.approx(0.9797959, rel=1e-7)
