"""Results as tidy DataFrames."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lumimod
from lumimod.errors import BadInputError, MissingInputError, OutputError
from lumimod.physics.expfit import ExpFit, ExpFits
from lumimod.records import (
    BeamLifetime,
    CalculatedLumi,
    Cycle,
    Fits,
    Lifetime,
    MeasuredLumi,
    StableBeams,
    StableBeamsModel,
)
from lumimod.records.base import ALL_BUNCHES
from lumimod.records.frames import save_frame, to_frame
from lumimod.records.made import Made
from lumimod.records.parquet_frames import parquet_attrs, save_parquet
from lumimod.records.store import load
from tests.conftest import Analysed

BEAMS = (1, 2)
N_COLL, N_NONCOLL = 12, 2


@pytest.fixture(scope="module")
def sb(small_run: Analysed) -> StableBeams:
    return load(small_run.folder / "fill_5845.pkl.gz", StableBeams)


def result(run: Analysed, name: str, kind: Any) -> Any:
    return load(run.folder / f"fill_5845_{name}.pkl.gz", kind)


def rows(frame: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    return frame


def assert_one_row_each(frame: pd.DataFrame, *names: str) -> None:
    assert not frame.duplicated(list(names)).any()
    assert list(frame.index) == list(range(len(frame)))


# --- stable beams


def test_stable_beams_have_a_row_per_time_beam_and_slot(sb: StableBeams) -> None:
    frame = to_frame(sb)
    assert len(frame) == sb.time_s.size * 2 * (N_COLL + N_NONCOLL)
    assert_one_row_each(frame, "time_s", "beam", "slot")
    assert set(frame.family) == {"coll", "noncoll"}


@pytest.mark.parametrize("beam", BEAMS)
@pytest.mark.parametrize("family", ["coll", "noncoll"])
@pytest.mark.parametrize(
    "column",
    ["emit_h_um", "emit_v_um", "emit_h_raw_um", "emit_v_raw_um", "intensity_ppb", "length_m"],
)
def test_every_value_of_stable_beams_is_in_its_row(
    sb: StableBeams, beam: int, family: str, column: str
) -> None:
    table = rows(to_frame(sb), beam=beam, family=family).pivot(
        index="time_s", columns="slot", values=column
    )
    assert np.array_equal(table.index, sb.time_s)
    assert np.array_equal(table.columns, sb.bunches[beam, family].slots)
    assert np.array_equal(table, getattr(sb.bunches[beam, family], column))


def test_the_intensity_lifetime_is_nan_at_the_last_time_and_of_noncolliding_bunches(
    sb: StableBeams,
) -> None:
    frame = to_frame(sb)
    assert rows(frame, family="noncoll").intensity_lifetime_s.isna().all()
    of_beam = rows(frame, family="coll", beam=2)
    table = of_beam.pivot(index="time_s", columns="slot", values="intensity_lifetime_s").to_numpy()
    assert np.array_equal(table[:-1], sb.intensity_lifetime_s[2])
    assert np.isnan(table[-1]).all()


# --- cycle


def test_the_cycle_has_a_row_per_interval_instant_beam_and_slot(small_run: Analysed) -> None:
    cycle = result(small_run, "cycle", Cycle)
    frame = to_frame(cycle)
    assert len(frame) == 2 * 2 * 2 * (N_COLL + N_NONCOLL)
    assert_one_row_each(frame, "beam", "interval", "instant", "slot")
    found = rows(frame, beam=2, interval="he_before_SB", instant="end")
    instant = cycle.intervals[2, "he_before_SB"].end
    for column in vars(instant):
        assert np.array_equal(found[column], getattr(instant, column)), column


@pytest.mark.parametrize(("name", "n_intervals"), [("cycle_model", 2), ("cycle_model_Inj2SB", 1)])
def test_a_modelled_cycle_has_no_columns_that_are_not_modelled(
    small_run: Analysed, name: str, n_intervals: int
) -> None:
    frame = to_frame(result(small_run, name, Cycle))
    assert len(frame) == n_intervals * 2 * 2 * (N_COLL + N_NONCOLL)
    assert not {"intensity_ppb", "brightness_ppb_um"} & set(frame.columns)


# --- luminosity


@pytest.mark.parametrize(
    ("name", "kind"), [("lumi_calc", CalculatedLumi), ("lumi_meas", MeasuredLumi)]
)
def test_luminosity_has_a_row_per_time_experiment_and_slot(
    small_run: Analysed, sb: StableBeams, name: str, kind: Any
) -> None:
    lumi = result(small_run, name, kind)
    frame = to_frame(lumi, sb)
    assert len(frame) == sb.time_s.size * 2 * N_COLL
    assert_one_row_each(frame, "time_s", "experiment", "slot")
    for experiment, values in lumi.bunch_lumi.items():
        table = rows(frame, experiment=experiment).pivot(
            index="time_s", columns="slot", values="bunch_lumi_m2s"
        )
        assert np.array_equal(table, values)
        assert np.array_equal(table.columns, sb.bunches[1, "coll"].slots)


# --- fits


def test_fits_have_a_row_per_quantity_span_and_slot(small_run: Analysed, sb: StableBeams) -> None:
    fits = result(small_run, "fits", Fits)
    frame = to_frame(fits, sb)
    per_beam = 4 * 2 * (N_COLL + N_NONCOLL)
    assert len(frame) == 2 * per_beam + 2 * 2 * 2 * N_COLL
    assert_one_row_each(frame, "beam", "experiment", "family", "quantity", "span", "slot")
    found = rows(frame, beam=1, family="noncoll", quantity="bl", span="full")
    assert np.array_equal(found.slot, sb.bunches[1, "noncoll"].slots)
    assert np.array_equal(found.tau_s, fits.beams[1, "noncoll"]["bl"].full.tau_s)
    found = rows(frame, experiment="CMS", quantity="lumi_meas", span="short")
    assert np.array_equal(found.init, fits.lumi["CMS", "meas"].short.init)


# --- lifetime


def test_lifetimes_have_a_row_per_time_beam_and_slot_and_one_of_the_sum(
    small_run: Analysed,
) -> None:
    lifetime = result(small_run, "lifetime", Lifetime)
    frame = to_frame(lifetime)
    assert len(frame) == 2 * (lifetime.time_s.size - 1) * (N_COLL + 1)
    assert_one_row_each(frame, "time_s", "beam", "slot")
    one = lifetime.beams[2]
    each = rows(frame, beam=2)
    table = each[each.slot != ALL_BUNCHES].pivot(index="time_s", columns="slot", values="sigma_m2")
    assert np.array_equal(table, one.sigma_m2)
    total = each[each.slot == ALL_BUNCHES]
    assert np.array_equal(total.tau_s, one.total_tau_s)
    assert np.array_equal(total.tau_boff_corrected_s, one.total_tau_boff_corrected_s)
    assert total.sigma_m2.isna().all()


def test_lifetimes_without_luminosity_lack_its_columns() -> None:
    beam = BeamLifetime(np.array([5, 9]), np.ones((2, 2)), np.ones((2, 2)), np.full(2, 7.0))
    frame = to_frame(Lifetime(np.arange(3.0), {1: beam, 2: beam}))
    assert len(frame) == 2 * 2 * 3
    assert not {"sigma_m2", "tau_boff_corrected_s"} & set(frame.columns)
    assert rows(frame, slot=ALL_BUNCHES).tau_s.tolist() == [7.0] * 4


# --- model


def test_the_model_has_a_row_per_model_time_beam_and_slot(
    small_run: Analysed, sb: StableBeams
) -> None:
    record = result(small_run, "sbmodel_case1", StableBeamsModel)
    frame = to_frame(record, sb)
    assert len(frame) == 5 * (sb.time_s.size - 1) * 2 * (N_COLL + N_NONCOLL)
    assert_one_row_each(frame, "model", "time_s", "beam", "slot")
    model = record.models["IBSBOff"]
    found = rows(frame, model="IBSBOff", beam=2, family="coll")
    for column in vars(model.bunches[2, "coll"]):
        table = found.pivot(index="time_s", columns="slot", values=column)
        assert np.array_equal(table, getattr(model.bunches[2, "coll"], column)), column
    lumi = found.pivot(index="time_s", columns="slot", values="lumi_CMS_m2s")
    assert np.array_equal(lumi, model.bunch_lumi["CMS"])
    assert rows(frame, family="noncoll").lumi_CMS_m2s.isna().all()


# --- all of them


@pytest.mark.parametrize("record", [MeasuredLumi({}), Fits({}), StableBeamsModel({})], ids=repr)
def test_a_record_that_does_not_name_its_slots_needs_the_stable_beams(record: Any) -> None:
    with pytest.raises(TypeError, match=f"{type(record).__name__} needs the stable beams"):
        to_frame(record)


def test_a_saved_frame_comes_back(tmp_path: Path, sb: StableBeams) -> None:
    save_frame(tmp_path / "fill_5845_df.pkl.gz", sb, None)
    pd.testing.assert_frame_equal(lumimod.load(tmp_path / "fill_5845_df.pkl.gz"), to_frame(sb))


def test_a_beam_without_noncolliding_bunches_has_no_rows_of_them(sb: StableBeams) -> None:
    none = {
        key: family if key != (2, "noncoll") else _no_bunch(family)
        for key, family in sb.bunches.items()
    }
    frame = to_frame(StableBeams(sb.time_s, none, sb.xing_angle_rad, sb.intensity_lifetime_s))
    assert rows(frame, beam=2, family="noncoll").empty
    assert len(rows(frame, beam=1, family="noncoll")) == sb.time_s.size * N_NONCOLL
    assert frame.slot.dtype == np.int64


def _no_bunch(family: Any) -> Any:
    nothing = ExpFit(np.empty(0), np.empty(0))
    arrays = {
        name: value[..., :0]
        for name, value in vars(family).items()
        if isinstance(value, np.ndarray)
    }
    return type(family)(**arrays, fits={x: ExpFits(nothing, nothing) for x in family.fits})


def test_fits_without_errors_have_no_columns_of_them(sb: StableBeams) -> None:
    one = ExpFit(np.ones(2), np.ones(2))
    fits = Fits({(1, "coll"): {"inten": ExpFits(one, one)}}, {})
    few = dataclasses.replace(
        sb, bunches={(1, "coll"): dataclasses.replace(sb.bunches[1, "coll"], slots=np.arange(2))}
    )
    for rows in fits.to_rows(few):
        assert list(rows.columns) == ["tau_s", "init"]


def test_a_frame_in_parquet_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="a_df.parquet: no such file"):
        parquet_attrs(tmp_path / "a_df.parquet")


def test_without_pyarrow_a_frame_in_parquet_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(BadInputError, match=r"pip install 'lumimod\[parquet\]'"):
        parquet_attrs(tmp_path / "a_df.parquet")
    with pytest.raises(OutputError, match=r"pip install 'lumimod\[parquet\]', or set savePandas"):
        save_parquet(tmp_path / "a_df.parquet", pd.DataFrame({"a": [1]}))
    assert not list(tmp_path.iterdir())


MADE = {
    "fill": 5845, "step": "sb", "revision": 1, "lumimod": "1.0", "settings": {}, "inputs": {},
    "results": {}, "notes": [],
}  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"fill": "many"}, {"inputs": 3}, {"settings": None}, {"notes": [1]}, {"results": 1}]
)
def test_what_a_result_says_in_another_form_is_not_known(change: dict[str, Any]) -> None:
    assert Made.from_dict(MADE) is not None
    assert Made.from_dict({**MADE, **change}) is None
    assert Made.from_dict({key: MADE[key] for key in MADE if key not in change}) is None
    assert Made.from_dict(None) is None
