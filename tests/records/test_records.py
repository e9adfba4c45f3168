"""Records and the dicts that they are saved as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lumimod
from lumimod.errors import MissingStepError
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.records import (
    BeamLifetime,
    CalculatedLumi,
    Cycle,
    CycleInterval,
    Fits,
    Instant,
    Lifetime,
    MeasuredLumi,
    StableBeams,
    StableBeamsModel,
    parse,
)
from tests.conftest import GOLDEN, Analysed

KIND_OF: Mapping[str, Any] = {
    "fill_5845.pkl.gz": StableBeams,
    "fill_5845_cycle.pkl.gz": Cycle,
    "fill_5845_cycle_model.pkl.gz": Cycle,
    "fill_5845_cycle_model_Inj2SB.pkl.gz": Cycle,
    "fill_5845_fits.pkl.gz": Fits,
    "fill_5845_lifetime.pkl.gz": Lifetime,
    "fill_5845_lumi_calc.pkl.gz": CalculatedLumi,
    "fill_5845_lumi_meas.pkl.gz": MeasuredLumi,
    "fill_5845_sbmodel_case1.pkl.gz": StableBeamsModel,
    "fill_5845_sbmodel_case2.pkl.gz": StableBeamsModel,
}
KINDS = sorted(set(KIND_OF.values()), key=lambda kind: kind.__name__)
by_file = pytest.mark.parametrize("name", KIND_OF)
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def leaves(data: Any, key: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from leaves(value, (*key, name))
    else:
        yield key, data


@cache
def _loaded(path: Path) -> Any:
    return lumimod.load(path)


def loaded(path: Path) -> Any:
    """Return the content of a result, which the test may change; a file is read once."""
    return deepcopy(_loaded(path))


def assert_same_leaf(a: Any, b: Any, key: object) -> None:
    if isinstance(b, (np.ndarray, list)) and np.asarray(b).dtype.kind in "fi":
        assert np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True), key
        assert np.shape(a) == np.shape(b), key
    else:
        assert a == b, key


def is_added(key: tuple[Any, ...]) -> bool:
    """Tell keys that lumimod adds to those of the original."""
    return str(key[-1]).startswith("init_lumi_") and str(key[-1]).endswith("_full")


@by_file
def test_a_file_of_the_original_comes_out_as_it_went_in(name: str) -> None:
    data = loaded(GOLDEN / "expected" / name)
    again = dict(leaves(KIND_OF[name].from_dict(data).to_dict()))
    before = dict(leaves(data))
    assert {key for key in again if not is_added(key)} == set(before)
    for key, value in before.items():
        assert_same_leaf(again[key], value, key)


@by_file
def test_a_file_of_ours_comes_out_as_it_went_in(golden_run: Analysed, name: str) -> None:
    data = {k: v for k, v in loaded(golden_run.folder / name).items() if k != "made"}
    again, before = dict(leaves(KIND_OF[name].from_dict(data).to_dict())), dict(leaves(data))
    assert set(again) == set(before)
    for key, value in before.items():
        assert type(again[key]) is type(value)
        assert_same_leaf(again[key], value, key)


def test_values_that_the_original_does_not_store_are_nan() -> None:
    data = loaded(GOLDEN / "expected" / "fill_5845_fits.pkl.gz")
    fits = Fits.from_dict(data)
    assert np.isnan(fits.lumi["ATLAS", "calc"].full.init).all()
    assert np.isfinite(fits.lumi["ATLAS", "calc"].full.tau_s).all()


# --- optional parts


def exp_fits(n: int = 2) -> ExpFits:
    one = ExpFit(np.arange(n, dtype=float), np.ones(n))
    return ExpFits(one, one)


def test_fits_without_measured_luminosity_have_no_such_keys() -> None:
    fits = {x: exp_fits() for x in ("emit_h", "emit_v", "bl", "inten")}
    beams = {(b, f): fits for b in (1, 2) for f in ("coll", "noncoll")}
    record = Fits(beams, {(exp, "calc"): exp_fits() for exp in ("ATLAS", "CMS")})
    data = record.to_dict()
    assert not any("meas" in key for key in data["ATLAS"])
    assert set(Fits.from_dict(data).lumi) == {("ATLAS", "calc"), ("CMS", "calc")}


def test_noncolliding_luminosity_fits_are_empty_arrays() -> None:
    record = Fits({}, {("ATLAS", "calc"): exp_fits()})
    data = record.to_dict()["ATLAS"]
    assert data["tau_lumi_calc_noncoll"].shape == (0,)
    assert data["init_lumi_calc_noncoll_full"].shape == (0,)


def test_lifetime_without_luminosity_has_no_burn_off_keys() -> None:
    beam = BeamLifetime(np.array([5]), np.ones((2, 1)), np.ones((2, 1)), np.ones(2))
    data = Lifetime(np.arange(3.0), {1: beam, 2: beam}).to_dict()
    assert set(data[1]) == {
        "slots", "tau_Np_bbb", "life_time_bbb", "dndt_bbb", "tau_Np_tot", "life_time_tot",
    }  # fmt: skip
    again = Lifetime.from_dict(data).beams[1]
    assert again.sigma_m2 is None
    assert again.tau_boff_corrected_s is None


def test_an_interval_of_a_model_has_neither_limits_nor_intensities() -> None:
    instant = Instant(*(np.ones(1) for _ in range(4)))
    interval = CycleInterval(np.array([7]), instant, instant)
    record = Cycle({(beam, "he_before_SB"): interval for beam in (1, 2)})
    part = record.to_dict()["beam_1"]["he_before_SB"]
    assert set(part) == {"filled_slots", "at_start", "at_end"}
    assert set(part["at_start"]) == {"time_meas", "emith", "emitv", "blength"}
    assert Cycle.from_dict(record.to_dict()).intervals[1, "he_before_SB"].t_start_s is None


def test_total_luminosity_is_the_sum_of_both_experiments() -> None:
    record = MeasuredLumi({"ATLAS": np.array([[1.0, np.nan]]), "CMS": np.array([[2.0, 3.0]])})
    assert np.array_equal(record.total, [[3.0, np.nan]], equal_nan=True)


# --- what is not a result


@by_kind
@pytest.mark.parametrize(
    "data", [{"time_range": 1}, [1, 2], None, 5, "text", {1: None}, {"m": {}}], ids=repr
)
def test_anything_else_is_refused_with_the_name_of_the_file(kind: Any, data: Any) -> None:
    with pytest.raises(MissingStepError) as caught:
        parse(kind, data, "folder/fill_1.pkl.gz")
    assert str(caught.value).startswith(f"folder/fill_1.pkl.gz: not a {kind.__name__} result (")
    assert str(caught.value).endswith("; remove it or force the step that makes it")


@pytest.mark.slow
@by_kind
@by_file
def test_a_result_of_another_step_is_refused(kind: Any, name: str) -> None:
    data = loaded(GOLDEN / "expected" / name)
    # A lumi_calc file has all that a lumi_meas file has.
    if KIND_OF[name] is kind or (kind, KIND_OF[name]) == (MeasuredLumi, CalculatedLumi):
        assert isinstance(parse(kind, data, name), kind)
    else:
        with pytest.raises(MissingStepError, match=f"{name}: not a {kind.__name__} result"):
            parse(kind, data, name)


@by_file
def test_a_result_that_lacks_a_key_is_refused(name: str) -> None:
    data = loaded(GOLDEN / "expected" / name)
    first = next(iter(data))
    if isinstance(data[first], dict) and KIND_OF[name] is StableBeamsModel:
        del data[first]["time_range"]
    else:
        del data[first]
    with pytest.raises(MissingStepError, match="not a"):
        parse(KIND_OF[name], data, name)


def test_a_result_whose_values_are_no_numbers_is_refused() -> None:
    data = {exp: {"bunch_lumi": [["a", "b"]]} for exp in ("ATLAS", "CMS")}
    with pytest.raises(MissingStepError, match="could not convert"):
        parse(MeasuredLumi, data, "x.pkl.gz")


def test_records_cannot_be_changed() -> None:
    record = MeasuredLumi({})
    with pytest.raises(AttributeError):
        record.bunch_lumi = {}  # type: ignore[misc]


def test_crossing_planes_are_stored_only_where_they_are_not_those_of_run_2(
    golden_run: Analysed,
) -> None:
    sb = StableBeams.from_dict(loaded(golden_run.folder / "fill_5845.pkl.gz"))
    assert sb.crossing_plane == {1: "v", 5: "h"}
    assert "crossing_plane" not in sb.to_dict()
    exchanged = replace(sb, crossing_plane={1: "h", 5: "v"}).to_dict()
    assert StableBeams.from_dict(exchanged).crossing_plane == {1: "h", 5: "v"}


def test_beta_star_is_stored_only_where_it_was_measured(golden_run: Analysed) -> None:
    calc = CalculatedLumi.from_dict(loaded(golden_run.folder / "fill_5845_lumi_calc.pkl.gz"))
    assert calc.betastar_m is None
    assert "betastar" not in calc.to_dict()
    betastar_m = {ip: np.full(calc.time_s.size, 0.1 * ip) for ip in (1, 5)}
    again = CalculatedLumi.from_dict(replace(calc, betastar_m=betastar_m).to_dict())
    assert again.betastar_m is not None
    assert np.array_equal(again.betastar_m[5], betastar_m[5])
