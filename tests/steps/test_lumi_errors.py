"""Errors of the calculated luminosity: from the noise of each bunch and the scales of config.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lumimod.physics.uncertainty import noise_of_mean, sample_noise
from lumimod.records import BunchFamily, StableBeams
from lumimod.steps.context import FillContext
from lumimod.steps.lumi_errors import calculated_lumi_errors

from .conftest import stable_beams

MakeFill = Callable[..., FillContext]
N_TIMES = 37
BETASTAR_M = (0.3, 0.5)
PLANES = {1: ("h", "v"), 5: ("v", "h")}
"""At each point the plane of separation and that of crossing."""
WINDOW = 2 * 175 / 247
"""Variance that smoothing leaves, times the samples in its window."""


@pytest.fixture
def beams() -> StableBeams:
    """Return beams with other noise in every quantity, beam and plane, and gaps; they are long."""
    rng = np.random.default_rng(11)
    sb = stable_beams(N_TIMES)
    noisy: dict[tuple[int, str], BunchFamily] = {}
    for beam in (1, 2):
        b = sb.bunches[beam, "coll"]
        shape = b.intensity_ppb.shape

        def scatter(values: np.ndarray, rms: float) -> np.ndarray:
            return values * rng.normal(1, rms, shape)  # noqa: B023 - called at once

        noisy[beam, "coll"] = replace(
            b,
            emit_h_raw_um=scatter(b.emit_h_raw_um, 0.02 * beam),
            emit_v_raw_um=scatter(b.emit_v_raw_um, 0.05 * beam),
            intensity_ppb=scatter(b.intensity_ppb, 0.001 * beam),
            length_m=scatter((2 + beam) * b.length_m, 0.004 * beam),
        )
        noisy[beam, "coll"].emit_h_raw_um[4, 1] = np.nan
        noisy[beam, "coll"].emit_h_um[4, 1] = np.nan
        noisy[beam, "coll"].length_m[7, 2] = np.nan
    angles = {1: np.linspace(300e-6, 240e-6, N_TIMES), 5: np.linspace(280e-6, 200e-6, N_TIMES)}
    return replace(sb, bunches={**sb.bunches, **noisy}, xing_angle_rad=angles)


def expected_statistical(sb: StableBeams, ip: int, variance_left: float | None) -> np.ndarray:
    """Return the relative errors by the formulas, written out."""
    sep, cross = PLANES[ip]
    one, two = sb.bunches[1, "coll"], sb.bunches[2, "coll"]

    def emittance(b: BunchFamily, plane: str) -> np.ndarray:
        raw, smooth = getattr(b, f"emit_{plane}_raw_um"), getattr(b, f"emit_{plane}_um")
        if variance_left is None:
            return sample_noise(raw) / np.nanmean(raw, axis=0)
        return noise_of_mean(raw - smooth) / np.nanmean(smooth, axis=0) * variance_left**0.5

    def other(b: BunchFamily, name: str) -> np.ndarray:
        values = getattr(b, name)
        return sample_noise(values) / np.nanmean(values, axis=0)

    betastar_m = dict(zip((1, 5), BETASTAR_M))[ip]
    both_um = getattr(one, f"emit_{cross}_um") + getattr(two, f"emit_{cross}_um")
    size_m = np.sqrt(both_um / 2 * 1e-6 / 6927.64 * betastar_m)
    length_m = (one.length_m + two.length_m) / 2
    piwinski = np.nanmean(length_m / size_m * sb.xing_angle_rad[ip][:, None] / 2, axis=0)
    share = 1 / (1 + piwinski**2)
    squares = [
        (0.5 * np.hypot(emittance(one, sep), emittance(two, sep)) / 2) ** 2,
        (0.5 * share * np.hypot(emittance(one, cross), emittance(two, cross)) / 2) ** 2,
        ((1 - share) * np.hypot(other(one, "length_m"), other(two, "length_m")) / 2) ** 2,
        other(one, "intensity_ppb") ** 2,
        other(two, "intensity_ppb") ** 2,
    ]
    return np.sqrt(sum(squares))


@pytest.mark.parametrize(
    ("names", "variance_left"),
    [
        ({"enable_smoothing_BSRT": False}, None),
        (
            {"enable_smoothing_BSRT": True, "avg_time_smoothing": 3600.0, "t_step_sec": 300.0},
            WINDOW / 12,
        ),
        ({"enable_smoothing_BSRT": True, "avg_time_smoothing": 360.0, "t_step_sec": 360.0}, 1.0),
    ],
)
def test_the_statistical_error_is_that_of_each_quantity_by_its_part_in_the_luminosity(
    fill: MakeFill, beams: StableBeams, names: dict[str, Any], variance_left: float | None
) -> None:
    ctx = fill(betastar_m={(5000, 6000): list(BETASTAR_M)}, **names)
    found = calculated_lumi_errors(ctx, beams)
    for exp, ip in (("ATLAS", 1), ("CMS", 5)):
        expected = expected_statistical(beams, ip, variance_left)
        assert found[exp].statistical == pytest.approx(expected, rel=1e-9)


def test_a_bunch_that_was_never_measured_has_no_error_and_costs_no_other(
    fill: MakeFill, beams: StableBeams, recwarn: pytest.WarningsRecorder
) -> None:
    before = calculated_lumi_errors(fill(), beams)
    for beam in (1, 2):
        for name in ("emit_h_um", "emit_h_raw_um"):
            getattr(beams.bunches[beam, "coll"], name)[:, 0] = np.nan
    found = calculated_lumi_errors(fill(), beams)
    for exp, errors in found.items():
        assert np.isnan(errors.statistical).tolist() == [True, False, False]
        assert np.array_equal(errors.statistical[1:], before[exp].statistical[1:])
        assert np.isfinite(errors.systematic)
    assert not recwarn.list
