"""Crossing angles and beta* against time, from logged data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.arrays import in_order_of_time
from lumimod.errors import BadInputError, MissingInputError
from lumimod.instruments.optics import Crossing, crossing_angles, measured_betastar
from lumimod.tables.variables import all_names
from lumimod.writers.variables import write_variables

T0 = 1_500_000_000.0
TIME_S = T0 + np.array([0.0, 300.0, 600.0])
USUAL = {1: "v", 5: "h"}
RUN_2, RUN_3 = all_names(5845), all_names(8000)
IP1, IP5 = "LHC.RUNCONFIG:IP1-XING-V-MURAD", "LHC.RUNCONFIG:IP5-XING-H-MURAD"
BETA1, BETA5 = "HX:BETASTAR_IP1", "HX:BETASTAR_IP5"
Rows = dict[float, float]


def write(path: Path, **variables: Rows) -> Path:
    """Write scalars by seconds after T0; double underscores in a name stand for its colons."""
    series = {
        name: in_order_of_time(
            name,
            path,
            T0 + np.array(list(rows), float),
            np.array(list(rows.values()), float),
            np.ones(len(rows), np.int64),
        )
        for name, rows in variables.items()
    }
    write_variables(path, series)
    return path


def tracker(ip: int, plane: str, kind: str = "value") -> str:
    return f"LhcStateTracker:LHCBEAM:IP{ip}-XING-{plane}-MURAD:{kind}"


def angles(
    path: Path | None, names: Any = RUN_3, planes: dict[int, str] | None = None
) -> dict[int, Crossing] | None:
    found = crossing_angles(path, names, planes or {}, USUAL, TIME_S)
    return None if found is None else dict(found)


# --- crossing angles


def test_full_angle_is_twice_the_measured_one_and_linear_in_between(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", **{IP1: {0.0: 150.0}, IP5: {0.0: 160.0, 600.0: 140.0}})
    found = angles(path, RUN_2)
    assert found is not None
    assert found[1].full_rad == pytest.approx(np.full(3, 300e-6))
    assert found[5].full_rad == pytest.approx([320e-6, 300e-6, 280e-6])
    assert (found[1].plane, found[5].plane) == ("v", "h")


def test_without_a_file_there_is_no_measured_crossing_angle() -> None:
    assert angles(None) is None


@pytest.mark.parametrize("variables", [{IP1: {0.0: 150.0}}, {IP1: {0.0: 150.0}, IP5: {}}])
def test_a_file_that_lacks_an_angle_is_told_and_not_used(
    tmp_path: Path, variables: dict[str, Rows], caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x.csv", **variables)
    assert angles(path, RUN_2) is None
    assert f"{path} lacks a crossing angle; taking XingAngle" in caplog.text


BOTH_PLANES = {
    tracker(1, "H"): {0.0: -160.0, 600.0: -150.0},
    tracker(1, "V"): {0.0: 2.0},
    tracker(5, "H"): {0.0: 0.0},
    tracker(5, "V"): {0.0: 160.0},
}


def test_of_two_planes_the_one_with_the_larger_angle_is_that_of_the_crossing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x.csv", **BOTH_PLANES)
    found = angles(path)
    assert found is not None
    assert (found[1].plane, found[5].plane) == ("h", "v")
    assert found[1].full_rad == pytest.approx([-320e-6, -310e-6, -300e-6])
    assert f"{path}: the beams cross in plane H at IP1" in caplog.text


def test_plane_that_is_configured_is_taken_whatever_the_angles(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = angles(write(tmp_path / "x.csv", **BOTH_PLANES), planes={1: "v", 5: "v"})
    assert found is not None
    assert (found[1].plane, found[5].plane) == ("v", "v")
    assert found[1].full_rad == pytest.approx(np.full(3, 4e-6))
    assert caplog.records == []


def test_the_tracked_angle_is_preferred_to_its_target_and_both_to_that_of_run_2(
    tmp_path: Path,
) -> None:
    variables = {IP1: {0.0: 1.0}, IP5: {0.0: 2.0}, tracker(5, "H", "target"): {0.0: 3.0}}
    path = write(tmp_path / "x.csv", **variables)
    found = angles(path)
    assert found is not None
    assert found[1].full_rad[0] == pytest.approx(2e-6)
    assert found[5].full_rad[0] == pytest.approx(6e-6)
    write(path, **variables, **{tracker(5, "H"): {0.0: 4.0}})
    again = angles(path)
    assert again is not None
    assert again[5].full_rad[0] == pytest.approx(8e-6)


# --- beta*


def test_beta_star_holds_until_the_next_value(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {-5.0: 60.0, 299.0: 45.0}, BETA5: {300.0: 30.0}})
    found = measured_betastar(path, RUN_3, TIME_S)
    assert found[1].tolist() == [0.60, 0.45, 0.45]
    assert found[5].tolist() == [0.30, 0.30, 0.30]


@given(st.integers(1, 2000))
def test_centimetres_become_the_number_that_one_writes_in_metres(cm: int) -> None:
    assert cm / 100 == float(f"{cm // 100}.{cm % 100:02d}")


def test_missing_beta_star_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {0.0: 60.0}})
    with pytest.raises(MissingInputError, match=r"HX:BETASTAR_IP5 not in .*e\.csv"):
        measured_betastar(path, RUN_3, TIME_S)


def test_beta_star_without_a_row_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {}, BETA5: {0.0: 60.0}})
    with pytest.raises(BadInputError, match=r"HX:BETASTAR_IP1 in .*e\.csv has no row; set beta"):
        measured_betastar(path, RUN_3, TIME_S)


def test_beta_star_that_is_no_length_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {0.0: 60.0, 400.0: -1.0}, BETA5: {0.0: 60.0}})
    with pytest.raises(BadInputError, match=r"HX:BETASTAR_IP1 in .*: -1 cm is no beta\* in stable"):
        measured_betastar(path, RUN_3, TIME_S)
