from __future__ import annotations

from datetime import datetime, timezone

import pytest

from lumimod.errors import ConfigError
from lumimod.tables.variables import names_of, period_of, quantities

IN_2018 = datetime(2018, 12, 2, tzinfo=timezone.utc).timestamp()
IN_2022 = datetime(2022, 7, 5, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(("fill", "period"), [(0, "run2"), (7334, "run2"), (7920, "run3")])
def test_fill_number_tells_the_period(fill: int, period: str) -> None:
    assert period_of(fill).name == period


@pytest.mark.parametrize(
    ("time_s", "period"), [(-1.0, "run2"), (IN_2018, "run2"), (IN_2022, "run3")]
)
def test_time_tells_the_period_better_than_the_number(time_s: float, period: str) -> None:
    assert period_of(7500, time_s).name == period


def test_names_change_with_the_period() -> None:
    assert names_of("energy_b2", 5845) == ("LHC.BSRA.US45.B2:ABORT_GAP_ENERGY",)
    assert names_of("energy_b2", 8000)[0] == "LHC.BCCM.B2.A:BEAM_ENERGY"


def test_emittances_are_measured_directly_in_run_3_only() -> None:
    assert names_of("bsrt_emittance_h_b1", 5845) == ()
    assert names_of("bsrt_emittance_h_b1", 8000) == ("LHC.BSRT.5R4.B1:BUNCH_EMITTANCE_H",)


def test_override_takes_the_place_of_the_table() -> None:
    assert names_of("energy_b1", 5845, {"energy_b1": ("MINE",)}) == ("MINE",)


def test_unknown_quantity_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no quantity 'energy_b3' among energy_b1, energy_b2"):
        names_of("energy_b3", 5845)


@pytest.mark.parametrize("quantity", quantities())
def test_name_of_a_beam_is_of_that_beam(quantity: str) -> None:
    for fill in (5845, 8000):
        for name in names_of(quantity, fill):
            other = {"b1": "B2", "b2": "B1"}.get(quantity[-2:], "no beam")
            assert other not in name


@pytest.mark.parametrize("ip", [1, 5])
def test_both_planes_of_the_crossing_angle_are_looked_for_in_run_3(ip: int) -> None:
    assert all(names_of(f"crossing_{plane}_ip{ip}", 8000) for plane in "hv")
    main = {1: "v", 5: "h"}[ip]
    assert [bool(names_of(f"crossing_{plane}_ip{ip}", 5845)) for plane in "hv"] == [
        plane == main for plane in "hv"
    ]
