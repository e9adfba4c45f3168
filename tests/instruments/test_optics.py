"""Crossing angles and beta* against time, from logged data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.arrays import in_order_of_time
from lumimod.errors import BadInputError, MissingInputError, Note
from lumimod.instruments.optics import (
    Crossing,
    betastar_differs,
    crossing_angles,
    logged_betastar,
    measured_betastar,
)
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
    return told_angles(path, names, planes)[0]


def told_angles(
    path: Path | None,
    names: Any = RUN_3,
    planes: dict[int, str] | None = None,
    time_s: Any = TIME_S,
    max_gap_s: float = 1800.0,
) -> tuple[dict[int, Crossing] | None, list[Note]]:
    """Return the angles, and what was told of them."""
    notes: list[Note] = []
    found = crossing_angles(
        path,
        names,
        planes or {},
        USUAL,
        time_s,
        since_s=T0 - 5000,
        max_gap_s=max_gap_s,
        note=notes.append,
    )
    return (None if found is None else dict(found)), notes


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
    tmp_path: Path, variables: dict[str, Rows]
) -> None:
    path = write(tmp_path / "x.csv", **variables)
    found, notes = told_angles(path, RUN_2)
    assert found is None
    assert [note.kind for note in notes] == ["fallback"]
    assert f"{path} lacks a crossing angle at IP5; taking XingAngle" in notes[0].text


BOTH_PLANES = {
    tracker(1, "H"): {0.0: -160.0, 600.0: -150.0},
    tracker(1, "V"): {0.0: 2.0},
    tracker(5, "H"): {0.0: 0.0},
    tracker(5, "V"): {0.0: 160.0},
}


def test_of_two_planes_the_one_with_the_larger_angle_is_that_of_the_crossing(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "x.csv", **BOTH_PLANES)
    found, notes = told_angles(path)
    assert found is not None
    assert (found[1].plane, found[5].plane) == ("h", "v")
    assert found[1].full_rad == pytest.approx([-320e-6, -310e-6, -300e-6])
    assert f"{path}: the beams cross in plane H at IP1" in [note.text for note in notes]


def test_plane_that_is_configured_is_taken_whatever_the_angles(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", **BOTH_PLANES)
    found, notes = told_angles(path, planes={1: "v", 5: "v"})
    assert found is not None
    assert (found[1].plane, found[5].plane) == ("v", "v")
    assert found[1].full_rad == pytest.approx(np.full(3, 4e-6))
    assert notes == []


HOURS = T0 + np.arange(0.0, 4 * 3600.0, 600.0)


def test_an_angle_that_is_logged_on_change_is_held_until_it_changes(tmp_path: Path) -> None:
    steps = {0.0: 150.0, 7200.0: 140.0, 7260.0: 130.0}
    path = write(tmp_path / "x.csv", **{IP1: steps, IP5: {-3600.0: 150.0}})
    found, notes = told_angles(path, RUN_2, time_s=HOURS)
    assert found is not None
    assert found[1].full_rad[:12] == pytest.approx(np.full(12, 300e-6))
    assert found[1].full_rad[12:] == pytest.approx([280e-6, *[260e-6] * 11])
    assert found[5].full_rad == pytest.approx(np.full(24, 300e-6))
    assert notes == []


def sampled(until_s: float, since_s: float = 0.0) -> Rows:
    return {float(t): 150.0 for t in np.arange(since_s, until_s, 60.0)}


def test_an_angle_that_ceases_to_be_sampled_is_held_with_a_note_and_then_nan(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "x.csv", **{IP1: sampled(3660.0), IP5: sampled(4 * 3600.0)})
    found, notes = told_angles(path, RUN_2, time_s=HOURS)
    assert found is not None
    assert np.isnan(found[1].full_rad).tolist() == [t > 3600 + 1800 for t in HOURS - T0]
    assert np.isfinite(found[5].full_rad).all()
    (note,) = notes
    assert (note.kind, note.quantity, note.quiet) == ("gap", "crossing angle at IP1", False)
    assert note.numbers == {"minutes": 170, "from": T0 + 3600, "to": HOURS[-1]}
    held, _ = told_angles(path, RUN_2, time_s=HOURS, max_gap_s=np.inf)
    assert held is not None
    assert held[1].full_rad == pytest.approx(np.full(24, 300e-6))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({-9e4: 150.0, -8e4: 150.0}, "has crossing angles of other times than the fill's"),
        ({9e4: 150.0}, "has crossing angles of other times than the fill's"),
        ({0.0: 0.0, 60.0: 0.0}, "has crossing angles that are all 0"),
    ],
)
def test_angles_of_another_fill_and_zeros_are_told_and_not_used(
    tmp_path: Path, rows: Rows, why: str
) -> None:
    path = write(tmp_path / "x.csv", **{IP1: {0.0: 150.0}, IP5: rows})
    found, notes = told_angles(path, RUN_2)
    assert found is None
    assert [note.kind for note in notes] == ["fallback"]
    assert notes[0].text.startswith(f"{path} {why}")


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
    with pytest.raises(
        BadInputError, match=r"IP1 in .*e\.csv has no row; set betastar_m in .* to a number$"
    ):
        measured_betastar(path, RUN_3, TIME_S)


def test_beta_star_of_a_later_fill_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {0.0: 60.0}, BETA5: {9e6: 60.0}})
    with pytest.raises(BadInputError, match=r"IP5 in .*e\.csv is of times after the fill's: is it"):
        measured_betastar(path, RUN_3, TIME_S)


@pytest.mark.parametrize(
    "content", ["", "VARIABLE: HX:BETASTAR_IP1\n\nTimestamp (UTC_TIME),Value\nx"]
)
def test_a_damaged_file_of_beta_star_to_compare_with_is_told_and_costs_nothing_else(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "e.csv"
    path.write_text(content)
    notes: list[Note] = []
    assert logged_betastar(path, RUN_3, TIME_S, notes.append) is None
    (note,) = notes
    assert note.text.startswith("no logged beta* to compare with: ")
    assert "e.csv" in note.text


@pytest.mark.parametrize("cm", [-1, 0])
def test_beta_star_that_is_no_length_is_refused(tmp_path: Path, cm: int) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {0.0: 60.0, 400.0: cm}, BETA5: {0.0: 60.0}})
    told = rf"HX:BETASTAR_IP1 in .*: {cm} cm is not a beta\* in stable beams; set betastar_m in "
    with pytest.raises(BadInputError, match=told + r"config\.py to a number$"):
        measured_betastar(path, RUN_3, TIME_S)


def test_a_logged_beta_star_to_compare_with_is_the_measured_one(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {-5.0: 60.0, 299.0: 45.0}, BETA5: {0.0: 30.0}})
    notes: list[Note] = []
    found = logged_betastar(path, RUN_3, TIME_S, notes.append)
    assert found is not None
    for ip, values in measured_betastar(path, RUN_3, TIME_S).items():
        np.testing.assert_array_equal(found[ip], values)
    assert notes == []


@pytest.mark.parametrize(
    ("beta1", "beta5", "told"),
    [
        ({0.0: 60.0}, None, ""),
        ({}, {0.0: 60.0}, "has no row"),
        ({0.0: 60.0, 400.0: -1}, {0.0: 60.0}, "-1 cm is not a beta*"),
        ({9e6: 60.0}, {0.0: 60.0}, "of times after the fill's"),
    ],
)
def test_a_logged_beta_star_that_cannot_be_used_is_told_unless_there_is_none(
    tmp_path: Path, beta1: dict, beta5: dict | None, told: str
) -> None:
    variables = {BETA1: beta1} if beta5 is None else {BETA1: beta1, BETA5: beta5}
    path = write(tmp_path / "e.csv", **variables)
    notes: list[Note] = []
    assert logged_betastar(path, RUN_3, TIME_S, notes.append) is None
    assert logged_betastar(None, RUN_3, TIME_S, notes.append) is None
    assert len(notes) == bool(told)
    assert all(told in note.text for note in notes)
    assert all(note == Note("unused", note.text, "beta*") for note in notes)


@pytest.mark.parametrize(
    ("logged", "text"),
    [
        ([[0.4, 0.4], [0.4, 0.4]], ""),
        ([[0.30, 0.25], [0.30, 0.25]], "with beta* 0.40 m of config.py, but 0.30 to 0.25 m was"),
        ([[0.40, 0.40], [0.30, 0.30]], "with beta* 0.40 m of config.py, but 0.40 / 0.30 m was"),
    ],
)
def test_a_constant_beta_star_that_differs_from_the_logged_one_is_put_into_words(
    logged: list[list[float]], text: str
) -> None:
    used = {ip: np.full(2, 0.4) for ip in (1, 5)}
    said = betastar_differs(used, {ip: np.array(of) for ip, of in zip((1, 5), logged)})
    assert text in said
    assert bool(said) == bool(text)


# --- notes, in whole, and the ends of the fill


def test_the_note_of_zeros_in_the_configured_plane_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", **BOTH_PLANES)
    _, notes = told_angles(path, planes={1: "v", 5: "h"})
    text = f"{path} has crossing angles that are all 0 at IP5, in the plane of crossing_planes"
    assert notes == [Note("zero", text, "crossing angle")]


def test_the_note_of_an_angle_that_is_lacking_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", **{IP1: {0.0: 150.0}})
    _, notes = told_angles(path, RUN_2)
    text = f"{path} lacks a crossing angle at IP5; taking XingAngle of config.py"
    assert notes == [Note("fallback", text, "crossing angle")]


def test_the_note_of_another_plane_is_whole(tmp_path: Path) -> None:
    _, notes = told_angles(write(tmp_path / "x.csv", **BOTH_PLANES))
    planes = [note for note in notes if "IP1" in note.text]
    text = f"{tmp_path / 'x.csv'}: the beams cross in plane H at IP1"
    assert planes == [Note("crossing plane", text, "crossing angle")]


@pytest.mark.parametrize(("at_s", "is_used"), [(-5000.0, True), (-5001.0, False)])
def test_an_angle_at_the_start_of_the_fill_is_of_this_fill(
    tmp_path: Path, at_s: float, is_used: bool
) -> None:
    path = write(tmp_path / "x.csv", **{IP1: {at_s: 150.0}, IP5: {0.0: 150.0}})
    assert (angles(path, RUN_2) is not None) == is_used


@pytest.mark.parametrize(("at_s", "is_used"), [(600.0, True), (601.0, False)])
def test_an_angle_at_the_end_of_stable_beams_is_of_this_fill(
    tmp_path: Path, at_s: float, is_used: bool
) -> None:
    path = write(tmp_path / "x.csv", **{IP1: {at_s: 150.0}, IP5: {0.0: 150.0}})
    assert (angles(path, RUN_2) is not None) == is_used


def test_a_gap_at_the_start_is_told_from_the_first_time_on(tmp_path: Path) -> None:
    late = sampled(4 * 3600.0, since_s=1800.0)
    path = write(tmp_path / "x.csv", **{IP1: late, IP5: sampled(4 * 3600.0)})
    _, notes = told_angles(path, RUN_2, time_s=HOURS)
    (note,) = notes
    assert note.span_s == (HOURS[0], T0 + 1800.0)


def test_an_angle_logged_on_change_holds_from_its_very_time(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", **{IP1: {0.0: 150.0, 7200.0: 140.0}, IP5: {0.0: 150.0}})
    time_s = T0 + np.array([0.0, 3600.0, 7199.0, 7200.0])
    found, _ = told_angles(path, RUN_2, time_s=time_s)
    assert found is not None
    assert found[1].full_rad == pytest.approx([300e-6, 300e-6, 300e-6, 280e-6])


@pytest.mark.parametrize(("at_s", "is_used"), [(600.0, True), (600.5, False)])
def test_a_beta_star_from_the_last_time_on_is_of_this_fill(
    tmp_path: Path, at_s: float, is_used: bool
) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {at_s: 60.0}, BETA5: {0.0: 30.0}})
    assert (logged_betastar(path, RUN_3, TIME_S, lambda _: None) is not None) == is_used


def test_close_samples_are_interpolated_and_those_far_apart_are_held(tmp_path: Path) -> None:
    logged = {0.0: 160.0, 300.0: 150.0, 4000.0: 140.0, 4300.0: 130.0, 4900.0: 120.0}
    path = write(tmp_path / "x.csv", **{IP1: logged, IP5: {1000.0: 150.0, 9000.0: 140.0}})
    time_s = np.array([-60.0, 0.0, 150.0, 300.0, 3000.0, 3999.0, 4000.0, 4150.0, 4600.0, 5200.0])
    found, _ = told_angles(path, RUN_2, time_s=T0 + time_s)
    assert found is not None
    half = [160, 160, 155, 150, 150, 150, 140, 135, 125, 120]
    assert found[1].full_rad == pytest.approx(2e-6 * np.array(half), rel=1e-12)
    assert found[5].full_rad == pytest.approx(np.full(10, 300e-6))


@pytest.mark.parametrize(
    ("steps_s", "half_urad", "regular"),
    [
        ([60], [150, 150], False),
        ([60, 60], [150, 150, 150], True),
        ([60] * 4, [150, 140, 140, 140, 140], True),
        ([60] * 4, [150, 140, 130, 130, 130], False),
        ([60] * 5, [150, 140, 130, 120, 120, 120], False),
        ([600, 600], [150, 150, 150], True),
        ([350, 350, 700], [150] * 4, False),
        ([200, 200, 700], [150] * 4, False),
    ],
)
def test_an_angle_has_gaps_where_most_samples_repeat_and_most_time_is_between_close_ones(
    tmp_path: Path, steps_s: list[int], half_urad: list[int], regular: bool
) -> None:
    at_s = np.cumsum([0, *steps_s])
    rows = dict(zip(at_s.tolist(), half_urad))
    path = write(tmp_path / "x.csv", **{IP1: rows, IP5: {0.0: 150.0}})
    time_s = T0 + np.array([0.0, at_s[-1] + 3600.0])
    found, notes = told_angles(path, RUN_2, time_s=time_s)
    assert found is not None
    assert np.isnan(found[1].full_rad).tolist() == [False, regular]
    assert [note.kind for note in notes] == ["gap"] * regular


def test_a_beta_star_of_a_later_fill_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", **{BETA1: {0.0: 60.0}, BETA5: {9e6: 60.0}})
    with pytest.raises(BadInputError) as caught:
        measured_betastar(path, RUN_3, TIME_S)
    assert str(caught.value) == (
        f"{BETA5} in {path} is of times after the fill's: is it that of this fill? "
        "Get it again, or set betastar_m in config.py to a number"
    )


def test_what_is_said_of_another_beta_star_is_whole() -> None:
    used, logged = (
        {1: np.array([0.4]), 5: np.array([0.3])},
        {1: np.array([0.4]), 5: np.array([0.25])},
    )
    assert betastar_differs(used, logged) == (
        "calculated with beta* 0.40 / 0.30 m of config.py, but 0.40 / 0.25 m was logged; "
        'betastar_m = "measured" takes the logged one'
    )


@pytest.mark.parametrize(("logged_m", "differs"), [(1e-3, False), (0.9e-3, True)])
def test_beta_stars_a_millimetre_apart_are_the_same(logged_m: float, differs: bool) -> None:
    used, logged = ({ip: np.array([m]) for ip in (1, 5)} for m in (2e-3, logged_m))
    assert bool(betastar_differs(used, logged)) == differs
