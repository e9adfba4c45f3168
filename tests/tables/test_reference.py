"""Tables that come with the package, and calibration files of users."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.errors import BadInputError, LumimodError, MissingInputError
from lumimod.physics.emittance import emittance_um
from lumimod.tables.calibration import ORIGINAL, bsrt_calibration
from lumimod.tables.ibs import ibs_sets

PLANES = ("h", "v")


def optics_of(betaf_m: float, rescale: Any = 1.0) -> dict[str, Any]:
    """Return one monitor's entry at one energy; the vertical beta is 100 m larger."""
    entry: dict[str, Any] = {}
    for plane, more in zip(PLANES, (0, 100)):
        entry[f"betaf_{plane}"] = betaf_m + more
        entry[f"sigma_corr_{plane}"] = 0.3
        entry[f"rescale_sigma_{plane}"] = rescale
    return entry


def calibration_set(betaf_m: float, rescale: Any = 1.0, **more: Any) -> dict[str, Any]:
    """Return a set of both beams at 6500 GeV."""
    entry = optics_of(betaf_m, rescale)
    return {
        "gamma": {"6500": 6927.6},
        "beam": {"1": {"6500": entry}, "2": {"6500": entry}},
        **more,
    }


@pytest.fixture
def written(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return a function that writes a calibration file of given sets."""

    def write(*sets: Any) -> Path:
        path = tmp_path / "calibration.json"
        path.write_text(json.dumps({"sets": list(sets)}))
        return path

    return write


# ---- The sets that come with lumimod.


def emittances_of_2_um(fill: int) -> list[float]:
    """Return what a bunch has that the set of the original calls 2.00 um: B1H B1V B2H B2V."""
    emittances = []
    for beam in (1, 2):
        original, set_of_fill = (bsrt_calibration(fill, p).at(beam, 6500) for p in (ORIGINAL, None))
        for of, now in zip(original, set_of_fill):
            size2 = 2.0 * of.betaf_m / of.gamma + of.sigma_corr_mm**2
            rescaled = size2 * now.rescale**2 - now.sigma_corr_mm**2
            emittances.append(round(rescaled / now.betaf_m * now.gamma, 2))
    return emittances


@pytest.mark.parametrize(
    ("fill", "emittances"),
    [
        (5848, [2.48, 2.57, 1.94, 1.64]),
        (6054, [2.0, 2.0, 2.0, 2.0]),
        (6308, [2.0, 2.0, 2.0, 2.0]),
        (6310, [1.81, 0.56, 2.35, 2.05]),
        (6750, [2.75, 3.35, 1.31, 0.75]),
    ],
)
def test_each_fill_has_the_calibration_of_its_time(fill: int, emittances: list[float]) -> None:
    assert emittances_of_2_um(fill) == emittances
    assert bsrt_calibration(fill).note == ""


def test_the_set_of_the_original_holds_for_all_its_fills() -> None:
    horizontal, vertical = bsrt_calibration(5845, ORIGINAL).at(1, 6500)
    assert horizontal == (188.2, 0.2527, 1.0, 6927.6)
    assert vertical == (301.0, 0.3218, 1.0, 6927.6)
    assert bsrt_calibration(7000, ORIGINAL).at(1, 6500) == (horizontal, vertical)
    with pytest.raises(MissingInputError, match="no BSRT calibration for fill 5690; add one"):
        bsrt_calibration(5690, ORIGINAL)


@pytest.mark.parametrize("beam", [1, 2])
@pytest.mark.parametrize("energy_gev", [450, 6500])
@pytest.mark.parametrize("fill", [4851, 5400, 5848, 6100, 6400, 6500, 6650, 7000, 7400])
def test_sets_have_both_beams_and_energies(fill: int, beam: int, energy_gev: int) -> None:
    for optics in bsrt_calibration(fill).at(beam, energy_gev):
        assert optics.betaf_m > 100
        assert 0.19 < optics.sigma_corr_mm < 0.7
        assert optics.gamma == {450: 479.6, 6500: 6927.6}[energy_gev]


@pytest.mark.parametrize(
    ("fill", "first", "last"), [(4000, 4851, 5255), (6570, 6420, 6543), (6600, 6611, 6698)]
)
def test_a_fill_of_no_set_takes_the_nearest_and_says_so(fill: int, first: int, last: int) -> None:
    calibration = bsrt_calibration(fill)
    assert calibration.optics == bsrt_calibration(first).optics
    assert (
        f"no calibration for fill {fill}; taking the nearest set, of fills {first} to {last}"
        in (calibration.note)
    )
    assert "bsrt_calibration_file" in calibration.note


def test_a_plain_factor_belongs_to_its_set_and_always_counts() -> None:
    horizontal, vertical = bsrt_calibration(6700).at(2, 6500)
    size = np.array([0.45])
    assert emittance_um(size, horizontal)[0] == pytest.approx(2.85387, abs=1e-4)
    assert emittance_um(size, vertical)[0] == pytest.approx(2.3395, abs=1e-4)


# ---- Files of users.


@pytest.mark.parametrize(
    ("fill", "betaf_m"), [(1, 100), (4999, 100), (5000, 200), (5999, 200), (6000, 300), (9999, 300)]
)
def test_set_is_chosen_by_the_fill(written: Any, fill: int, betaf_m: float) -> None:
    path = written(
        calibration_set(100, last_fill=4999),
        calibration_set(200, first_fill=5000, last_fill=5999),
        calibration_set(300, first_fill=6000),
    )
    horizontal, vertical = bsrt_calibration(fill, path).at(2, 6500)
    assert (horizontal.betaf_m, vertical.betaf_m) == (betaf_m, betaf_m + 100)


def test_first_of_overlapping_sets_holds(written: Any) -> None:
    path = written(calibration_set(100, first_fill=5000), calibration_set(200))
    assert bsrt_calibration(5000, path).at(1, 6500)[0].betaf_m == 100
    assert bsrt_calibration(4999, path).at(1, 6500)[0].betaf_m == 200


def test_fill_of_no_set_is_refused_with_file_and_setting(written: Any) -> None:
    path = written(calibration_set(100, first_fill=5000, last_fill=5999))
    with pytest.raises(MissingInputError) as caught:
        bsrt_calibration(6000, path)
    message = str(caught.value)
    assert str(path) in message
    assert "fill 6000" in message
    assert "bsrt_calibration_file" in message


def test_file_without_sets_has_none_for_any_fill(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text("{}")
    with pytest.raises(MissingInputError, match="fill 5845"):
        bsrt_calibration(5845, path)


def test_energy_that_is_not_calibrated_lists_what_there_is(written: Any) -> None:
    path = written(calibration_set(100))
    with pytest.raises(BadInputError) as caught:
        bsrt_calibration(1, path).at(1, 6800)
    message = str(caught.value)
    assert f"beam 1 at 6800 GeV in {path} (it has 6500 GeV)" in message
    assert "bsrt_calibration_file" in message


def test_energies_of_2017_are_listed_in_order() -> None:
    with pytest.raises(BadInputError, match=r"it has 450, 6500 GeV"):
        bsrt_calibration(5845).at(2, 6800)


# ---- Rescaling of sizes from one calibration period to another.


@pytest.mark.parametrize(
    ("factor", "rescale_to", "expected"),
    [
        (1.2, None, 1.2),
        (1.2, "2017b", 1.2),
        ({"2017b": 1.1, "2017c": 0.9}, None, 1.0),
        ({"2017b": 1.1, "2017c": 0.9}, "2017b", 1.1),
        ({"2017b": 1.1, "2017c": 0.9}, "2017c", 0.9),
        ({"2017b": 1.1}, "2017d", 1.0),
    ],
)
def test_factor_on_sizes_is_that_of_the_target_period(
    written: Any, factor: Any, rescale_to: str | None, expected: float
) -> None:
    path = written(calibration_set(100, factor))
    for optics in bsrt_calibration(1, path, rescale_to).at(1, 6500):
        assert optics.rescale == expected


# ---- Broken files.


def test_missing_file_names_it_and_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.json"
    with pytest.raises(MissingInputError, match="nowhere.json not found.*bsrt_calibration_file"):
        bsrt_calibration(5845, path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"betaf = 200"])
def test_file_that_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="calibration.json cannot be read"):
        bsrt_calibration(5845, path)


def test_folder_instead_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LumimodError, match="bsrt|BSRT"):
        bsrt_calibration(5845, tmp_path)


@pytest.mark.parametrize(
    "table",
    [
        [],
        "2017",
        {"sets": 5},
        {"sets": None},
        {"sets": ["2017"]},
        {"sets": [{"first_fill": "5691"}]},
        {"sets": [{"last_fill": None}]},
    ],
)
def test_file_without_a_table_of_sets_is_malformed(tmp_path: Path, table: Any) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(table))
    with pytest.raises(BadInputError, match="calibration.json: BSRT calibration is malformed"):
        bsrt_calibration(5845, path)


@pytest.mark.parametrize("missing", ["betaf_h", "sigma_corr_v", "rescale_sigma_h"])
def test_missing_number_is_named(written: Any, missing: str) -> None:
    entry = calibration_set(100)
    del entry["beam"]["1"]["6500"][missing]
    with pytest.raises(BadInputError, match=f"malformed at '{missing}'"):
        bsrt_calibration(1, written(entry))


@pytest.mark.parametrize(
    "change",
    [
        {"gamma": {}},
        {"gamma": None},
        {"gamma": {"6500": "fast"}},
        {"beam": None},
        {"beam": [1, 2]},
        {"beam": {"one": {"6500": optics_of(100)}}},
        {"beam": {"1": {"top": optics_of(100)}}},
        {"beam": {"1": {"6500": 200}}},
        {"beam": {"1": {"6500": optics_of(100, rescale=[1, 2])}}},
        {"beam": {"1": {"6500": optics_of(100, rescale={"2017b": "more"})}}},
    ],
)
def test_malformed_set_is_refused(written: Any, change: dict[str, Any]) -> None:
    path = written({**calibration_set(100), **change})
    with pytest.raises(BadInputError, match="calibration.json: BSRT calibration is malformed at"):
        bsrt_calibration(1, path, "2017b")


# ---- Intra-beam scattering; the choice among its sets is tested with its physics.


def test_sets_of_coefficients_are_five_of_two_kinds() -> None:
    found = {(s.energy_gev, s.v_rf_mv): {name for name, _ in s.terms} for s in ibs_sets()}
    assert set(found) == {(450, 6), (6500, 8), (6500, 10), (6500, 12), (7000, 16)}
    at_injection = found.pop((450, 6))
    assert at_injection == {
        f"{name}{end}" for name in ("a00", "a01", "a10", "a11") for end in ("", "l")
    }
    for names in found.values():
        assert len(names) == 22
        assert at_injection < names


def test_sets_are_read_once() -> None:
    assert ibs_sets() is ibs_sets()
