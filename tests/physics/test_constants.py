"""Constants against those of scipy."""

from __future__ import annotations

import pytest
from scipy import constants

from lumimod.physics.constants import PROTON_MASS_GEV, SPEED_OF_LIGHT_M_S


def test_speed_of_light_is_that_of_scipy() -> None:
    assert constants.speed_of_light == SPEED_OF_LIGHT_M_S


def test_proton_mass_is_that_of_the_parametrisation_within_its_rounding() -> None:
    measured_gev = constants.value("proton mass energy equivalent in MeV") / 1e3
    assert pytest.approx(measured_gev, abs=1e-5) == PROTON_MASS_GEV
    assert PROTON_MASS_GEV == 0.93828
