"""The season table, the facts of a fill on one screen, and what notebooks ask for."""

from __future__ import annotations

import json
import pickle
import sys
import tarfile
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import lumimod
from lumimod.errors import MissingInputError, UsageError
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.unpickle import load_pickle
from lumimod.records import EXPERIMENTS, CalculatedLumi, MeasuredLumi
from lumimod.run.plan import missing_steps
from lumimod.summary import season
from lumimod.summary.columns import COLUMN_OF, SEASON_COLUMNS
from lumimod.summary.facts import ratios_to_calculated
from lumimod.summary.means import put_lifetime, put_mean, put_median_loss, running_sum

if TYPE_CHECKING:
    from pathlib import Path

    from tests.run.conftest import Site

FILL, OTHER = 5845, 5848


def table(site: Site) -> pd.DataFrame:
    return pd.read_csv(site.results / "season.csv").set_index("fill")


# --- the table


def test_a_row_holds_the_numbers_of_the_results(finished: Site) -> None:
    assert finished.run("--summary").out == f"{finished.results / 'season.csv'}: 2 fills\n"
    row = table(finished).loc[FILL]
    sb, calc, meas = (
        load_pickle(path)
        for path in (
            finished.paths().sb,
            finished.paths().lumi_calc,
            finished.paths().lumi_meas,
        )
    )
    assert row["b1_emit_h_sb_start_um"] == pytest.approx(sb["eh_interp_coll"][1][0].mean())
    assert row["b2_emit_v_sb_end_um"] == pytest.approx(sb["ev_interp_coll"][2][-1].mean())
    assert row["b1_emit_h_sb_start_um_rms"] == pytest.approx(sb["eh_interp_coll"][1][0].std())
    growth = sb["ev_interp_coll"][2][-1] - sb["ev_interp_coll"][2][0]
    assert row["b2_growth_v_stable_um"] == pytest.approx(growth.mean())
    length_ns = sb["bl_interp_m_coll"][1][0].mean() * 4e9 / 299_792_458
    assert row["b1_length_sb_start_ns"] == pytest.approx(length_ns)
    total = calc["ATLAS"]["bunch_lumi"].sum(axis=1)
    time_s = calc["time_range"]
    stop_s = finished.modes()[FILL]["t_stop_STABLE"]
    assert 0 < stop_s - time_s[-1] <= 300
    by_hand = np.trapezoid([*total, total[-1]], [*time_s, stop_s]) * 1e-40
    assert row["lumi_int_calc_atlas_pb"] == pytest.approx(by_hand)
    assert row["lumi_start_calc_atlas_e34"] == pytest.approx(total[0] * 1e-38)
    measured = meas["ATLAS"]["bunch_lumi"].sum(axis=1)
    assert row["lumi_peak_meas_atlas_e34"] == pytest.approx(measured.max() * 1e-38)
    ratio = np.trapezoid(measured) / np.trapezoid(total)
    assert row["ratio_meas_calc_atlas"] == pytest.approx(ratio)


def integral_of_archive_pb(archive: Path, start_s: float, stop_s: float) -> float:
    """Return what an archive has from start to stop, its last value before held till then."""
    total: dict[float, float] = {}
    with tarfile.open(archive) as members:
        for member in filter(tarfile.TarInfo.isfile, members):
            text = members.extractfile(member)
            assert text is not None
            for time_s, _, lumi_hz_ub in np.loadtxt(text, usecols=(0, 1, 2), ndmin=2):
                if start_s <= time_s < stop_s:
                    total[time_s] = total.get(time_s, 0.0) + lumi_hz_ub
    at_s = sorted(total)
    lumi = [total[time_s] for time_s in at_s]
    return float(np.trapezoid([*lumi, lumi[-1]], [*at_s, stop_s])) * 1e-6


@pytest.mark.parametrize("experiment", EXPERIMENTS)
@pytest.mark.parametrize("fill", [FILL, OTHER])
def test_measured_luminosity_is_integrated_to_the_end_of_stable_beams(
    finished: Site, fill: int, experiment: str
) -> None:
    finished.run("--summary")
    modes, archive = finished.modes()[fill], finished.archive(experiment, fill)
    true_pb = integral_of_archive_pb(archive, modes["t_start_STABLE"], modes["t_stop_STABLE"])
    found_pb = table(finished).loc[fill, f"lumi_int_meas_{experiment.lower()}_pb"]
    assert found_pb == pytest.approx(true_pb, rel=2e-3)


def test_a_modelled_integral_holds_the_last_luminosity_to_the_end_of_stable_beams(
    finished: Site,
) -> None:
    finished.run("--summary")
    model = load_pickle(finished.written("model")[0])["IBSBOff"]
    time_s, total = model["time_range"][:-1], model["bunch_lumi"]["CMS"].sum(axis=1)
    stop_s = finished.modes()[FILL]["t_stop_STABLE"]
    by_hand = np.trapezoid([*total, total[-1]], [*time_s, stop_s]) * 1e-40
    assert table(finished).loc[FILL, "lumi_int_model_cms_pb"] == pytest.approx(by_hand)


@pytest.mark.parametrize("level", [None, 4.5])
def test_measured_over_calculated_is_of_times_with_both_that_were_not_levelled(
    level: float | None,
) -> None:
    time_s = np.arange(6.0)
    calculated = np.array([[6.0], [5.0], [4.0], [3.0], [np.nan], [np.nan]])
    measured = np.array([[4.5], [4.5], [4.4], [3.3], [3.0], [2.5]])
    calc = CalculatedLumi(time_s, dict.fromkeys(EXPERIMENTS, calculated), {})
    ratios = ratios_to_calculated(
        time_s, MeasuredLumi(dict.fromkeys(EXPERIMENTS, measured)), calc, level
    )
    known = slice(0, 4) if level is None else slice(2, 4)
    expected = np.trapezoid(measured[known, 0]) / np.trapezoid(calculated[known, 0])
    assert ratios["ratio_meas_calc_cms"] == pytest.approx(expected)
    assert (
        ratios_to_calculated(time_s, MeasuredLumi(dict.fromkeys(EXPERIMENTS, measured)), calc, 1.0)
        == {}
    )


def test_the_model_is_compared_with_the_same_times_of_the_measurement(finished: Site) -> None:
    finished.run("--summary")
    row = table(finished).loc[FILL]
    model = load_pickle(finished.written("model")[0])["IBSBOff"]["bunch_lumi"]["CMS"]
    measured = load_pickle(finished.paths().lumi_meas)["CMS"]["bunch_lumi"][: len(model)]
    sums = [np.trapezoid(values.sum(axis=1)) for values in (model, measured)]
    assert row["ratio_model_meas_cms"] == pytest.approx(sums[0] / sums[1])


def test_times_and_ends_are_those_of_the_beam_modes(finished: Site) -> None:
    finished.run("--summary")
    frame = table(finished)
    modes = read_bmodes(finished.cfg.files.bmodes)
    start_s, stop_s = modes[FILL].start("STABLE"), modes[FILL].stop("STABLE")
    assert frame.loc[FILL, "hours"] == pytest.approx((stop_s - start_s) / 3600)
    assert pd.Timestamp(frame.loc[FILL, "start_utc"], tz="UTC").timestamp() == start_s
    assert frame.loc[FILL, "ended"] == "programmed"
    turnaround_h = (modes[OTHER].start("STABLE") - stop_s) / 3600
    assert frame.loc[OTHER, "turnaround_h"] == pytest.approx(turnaround_h)
    assert np.isnan(frame.loc[FILL, "turnaround_h"])


@pytest.mark.slow
def test_steps_without_a_result_are_named(finished: Site) -> None:
    finished.run("--summary")
    assert table(finished)["missing"].isna().all()
    finished.paths().lumi_meas.unlink()
    finished.run("--summary")
    assert table(finished).loc[FILL, "missing"] == "massi"
    assert pd.isna(table(finished).loc[OTHER, "missing"])
    finished.configure(doSBModel=False)
    for path in finished.written("model"):
        path.unlink()
    finished.run("--summary")
    assert table(finished).loc[FILL, "missing"] == "massi"
    finished.configure(doSBModel=True)
    finished.run("--summary")
    assert table(finished).loc[FILL, "missing"] == "massi, model"


def test_luminosity_of_the_logging_service_is_a_result_too(finished: Site) -> None:
    for experiment in ("ATLAS", "CMS"):
        finished.archive(experiment).unlink()
    finished.paths().lumi_meas.rename(finished.paths().lumi_meas_timber)
    finished.run("--summary")
    assert pd.isna(table(finished).loc[FILL, "missing"])
    assert table(finished).loc[FILL, "lumi_int_meas_atlas_pb"] > 0
    assert missing_steps(FILL, finished.cfg) == ()


def test_a_fill_in_progress_has_a_turn_around_and_its_length_until_now(finished: Site) -> None:
    modes = finished.modes()
    now_s = modes[OTHER]["t_start_STABLE"] + 5400.0
    finished.edit_modes(OTHER, flag_complete=False, t_stop_STABLE=-1.0, t_endfill=now_s)
    finished.run("--summary")
    row = table(finished).loc[OTHER]
    assert row["ended"] == "in progress"
    assert row["hours"] == pytest.approx(1.5)
    waited_h = (modes[OTHER]["t_start_STABLE"] - modes[FILL]["t_stop_STABLE"]) / 3600
    assert row["turnaround_h"] == pytest.approx(waited_h)


def test_a_fill_that_no_operator_ended_was_dumped(finished: Site) -> None:
    stop_s = finished.modes()[FILL]["t_stop_STABLE"]
    gone = {f"t_start_{mode}": -1.0 for mode in ("ADJUST", "BEAMDUMP", "RAMPDOWN")}
    gone |= {f"t_stop_{mode}": -1.0 for mode in ("ADJUST", "BEAMDUMP", "RAMPDOWN")}
    finished.edit_modes(**gone, t_start_CYCLING=stop_s + 5, t_stop_CYCLING=stop_s + 60)
    finished.run("--summary")
    assert table(finished).loc[FILL, ["ended", "next_mode"]].tolist() == ["dumped", "CYCLING"]


def test_every_number_is_a_known_column_with_words(finished: Site) -> None:
    finished.run("--summary")
    data = json.loads((finished.results / "season.json").read_text())
    names = {name for of in data["fills"].values() for name in of["facts"]}
    assert names <= COLUMN_OF.keys()
    may_lack = ("sigma_eff", "no_burnoff", "tau_", "levelled")
    lacking = COLUMN_OF.keys() - names
    assert not [name for name in lacking if not any(part in name for part in may_lack)]
    assert all(column.words for column in SEASON_COLUMNS)
    suffixes = {"um", "ns", "h", "mb", "gev", "m", "urad", "pb", "ppb", "e34", "rms"}
    with_unit = [c.name for c in SEASON_COLUMNS if c.unit]
    assert {name.rpartition("_")[2] for name in with_unit} - {"hours"} <= suffixes


def test_the_words_of_a_column_are_those_of_no_other() -> None:
    said = [c.words for c in SEASON_COLUMNS if not c.name.endswith("_rms")]
    assert sorted(set(said)) == sorted(said)


def test_all_forms_hold_the_same(finished: Site) -> None:
    finished.run("--summary")
    pickled = lumimod.load(finished.results / "season.pkl.gz")
    parquet = pd.read_parquet(finished.results / "season.parquet")
    assert list(pickled) == list(parquet)
    for name in pickled:
        np.testing.assert_array_equal(pickled[name].to_numpy(), parquet[name].to_numpy())
    csv = table(finished)
    for name in ("hours", "b1_emit_h_sb_end_um"):
        assert csv[name].to_numpy() == pytest.approx(pickled[name].to_numpy(), rel=1e-7)
    assert pickled.attrs["units"]["hours"] == "h"


def test_only_fills_whose_results_changed_are_read_again(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished.run("--summary")
    plain, read = season.facts, list[int]()

    def noting(paths: Any, modes: Any) -> Any:
        read.append(paths.fill)
        return plain(paths, modes)

    monkeypatch.setattr(season, "facts", noting)
    finished.run("--summary")
    assert read == []
    finished.run("--fill", OTHER, "--force", "lumi")
    finished.run("--summary")
    assert read == [OTHER]
    finished.configure(betastar_m=0.4)
    finished.run("--summary")
    assert read == [OTHER, FILL, OTHER]


def test_it_is_brought_up_to_date_after_a_run_if_config_says_so(site: Site) -> None:
    site.run("--fill", FILL)
    assert not (site.results / "season.csv").exists()
    site.configure(doSummaryPlots=True)
    outcome = site.run("--fill", OTHER)
    assert list(table(site).index) == [FILL, OTHER]
    assert outcome.lines("INFO", "season.csv: 2 fills")


def test_a_result_that_cannot_be_read_costs_its_own_facts(finished: Site) -> None:
    finished.paths().lumi_calc.write_bytes(b"")
    outcome = finished.run("--summary")
    assert outcome.lines("WARNING", f"fill {FILL}: season table", "lumi_calc")
    row = table(finished).loc[FILL]
    assert np.isnan(row["lumi_int_calc_atlas_pb"])
    assert row["b1_emit_h_sb_start_um"] > 0


def test_beta_star_that_was_not_logged_costs_no_other_fact(finished: Site) -> None:
    finished.configure(betastar_m="measured")
    finished.paths().lumi_calc.unlink()
    outcome = finished.run("--summary")
    assert not outcome.lines("WARNING", f"fill {FILL}: season table")
    row = table(finished).loc[FILL]
    assert row["lumi_int_meas_atlas_pb"] > 0
    assert np.isnan(row["betastar_ip1_m"])


def test_a_fill_whose_folder_cannot_be_read_keeps_its_row(finished: Site) -> None:
    assert finished.run("--summary").out == f"{finished.results / 'season.csv'}: 2 fills\n"
    before = table(finished)
    folder = finished.paths().folder
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(folder)  # a loop, as root can read what has no permission
    result = finished.run("--summary")
    assert f"fill {FILL}: season table: " in result.err + result.out
    assert "its row stays as it was" in result.err + result.out
    pd.testing.assert_frame_equal(table(finished), before)
    folder.unlink()
    finished.run("--summary")
    assert list(table(finished).index) == [OTHER]


def test_a_damaged_table_is_made_anew(finished: Site) -> None:
    finished.run("--summary")
    whole = (finished.results / "season.csv").read_bytes()
    (finished.results / "season.json").write_text('{"lumimod": 3}')
    assert finished.run("--summary").lines("WARNING", "season.json cannot be read")
    assert (finished.results / "season.csv").read_bytes() == whole


def test_a_table_that_cannot_be_written_is_told(finished: Site) -> None:
    (finished.results / "season.csv").mkdir()
    assert finished.run("--summary").lines("WARNING", "season table", "season.csv")


def test_without_results_it_says_what_to_do(site: Site) -> None:
    assert "no fill has results" in site.run("--summary").out


# --- means


def test_means_are_of_what_is_known() -> None:
    out: dict[str, Any] = {}
    put_mean(out, "a", np.array([1.0, np.nan, 3.0]))
    put_mean(out, "b", np.array([np.nan]))
    assert out == {"a": 2.0, "a_rms": 1.0}


def test_a_running_sum_goes_on_over_what_is_not_known() -> None:
    assert running_sum(np.array([np.nan, 1.0, np.nan, 3.0])).tolist() == [0, 1, 1, 4]


def test_a_mean_lifetime_is_that_of_the_mean_rate() -> None:
    out: dict[str, Any] = {}
    put_lifetime(out, "falls", -3600.0 * np.array([10.0, 30.0]))
    put_lifetime(out, "one_rises", 3600.0 * np.array([-10.0, 30.0]))
    put_lifetime(out, "rises", 3600.0 * np.array([10.0, np.nan]))
    put_median_loss(out, "b1", 3600.0 * np.array([10.0, -5.0, 20.0]))
    put_median_loss(out, "b2", 3600.0 * np.array([-10.0, np.inf]))
    put_median_loss(out, "b3", np.array([np.nan]))
    assert out == {
        "falls": pytest.approx(15.0),
        "one_rises": pytest.approx(30.0),
        "b1_tau_no_burnoff_h": pytest.approx(20.0),
        "b1_rate_no_burnoff_per_h": pytest.approx(0.05),
        "b2_rate_no_burnoff_per_h": pytest.approx(-0.1),
    }


# --- one screen


def test_a_screen_shows_what_the_fill_was(finished: Site) -> None:
    outcome = finished.run("--show", FILL)
    assert outcome.status == 0
    head, energy, bunches, *rest = outcome.out.splitlines()
    assert head.startswith(f"fill {FILL}: stable beams 2017-")
    assert energy.startswith("6500 GeV; IP1 beta* 0.30 m, full crossing angle ")
    assert "colliding" in bunches
    rows = {line.split("  ")[0]: line for line in rest}
    facts = season.fill_facts(finished.cfg, read_bmodes(finished.cfg.files.bmodes), FILL)
    assert f"{facts['lumi_int_meas_atlas_pb']:.5g}" in rows["ATLAS measured"]
    assert f"measured/calculated {facts['ratio_meas_calc_cms']:.3f}" in rows["CMS calculated"]
    assert f"model/measured {facts['ratio_model_meas_cms']:.3f}" in rows["CMS IBSBOff"]
    assert rows["luminosity"].endswith("  ratio of integrals, times with both")
    assert f"{facts['b1_emit_h_inj_um']:.2f} +- " in rows["emittance H [um]"]
    assert max(map(len, outcome.out.splitlines())) <= 120


def test_two_fills_are_two_screens_and_states_are_those_of_the_last_run(site: Site) -> None:
    site.run("--fill", FILL)
    out = site.run("--show", f"{FILL},{OTHER}").out
    assert out.count("stable beams 20") == 2
    assert "steps done: sb, cycle" in out
    assert "steps: not run yet" in out


@pytest.mark.parametrize("complete", [True, False])
def test_a_fill_without_stable_beams_says_that_there_is_nothing_to_follow_up(
    site: Site, complete: bool
) -> None:
    modes = load_pickle(site.cfg.files.bmodes)
    start = datetime(2017, 5, 20, 8, 0, tzinfo=timezone.utc).timestamp()
    modes[5703] = {
        "t_startfill": start,
        "t_endfill": start + 5400.0,
        "flag_complete": complete,
        "t_start_RAMP": start + 3600.0,
        "t_stop_RAMP": start + 4800.0,
        "t_start_INJPHYS": start + 600.0,
        "t_stop_INJPHYS": start + 3600.0,
        "t_start_STABLE": -1,
        "t_stop_STABLE": -1,
    }
    site.cfg.files.bmodes.write_bytes(pickle.dumps(modes))
    outcome = site.run("--show", 5703)
    assert outcome.status == 0
    span = "2017-05-20 08:00 to 2017-05-20 09:30" if complete else "2017-05-20 08:00, in progress"
    todo = ": steps need stable beams" if complete else " yet: it has no stable beams so far"
    assert outcome.out.splitlines() == [
        "fill 5703: no stable beams",
        "",
        f"fill (UTC): {span}",
        "modes: INJPHYS 2017-05-20 08:10, RAMP 2017-05-20 09:00",
        f"nothing to follow up{todo}",
    ]


def test_a_fill_that_is_not_known_cannot_be_shown(site: Site) -> None:
    unknown = site.run("--show", 99)
    assert unknown.status == 1
    assert unknown.lines("fill 99: not in the beam modes", "--fill 99")
    among_others = site.run("--show", 99, FILL)
    assert among_others.status == 1
    assert among_others.lines("fill 99: not in the beam modes")
    assert among_others.out.startswith(f"fill {FILL}: stable beams 2017-")
    assert site.run("--show", "1-9").status == 2
    assert site.run("--show", FILL, "--force", "sb").status == 2


# --- notebooks


def test_results_are_loaded_by_fill_and_step(finished: Site) -> None:
    sb = lumimod.load(FILL, "sb", config=finished.config)
    assert sb.keys() == load_pickle(finished.paths().sb).keys()
    model = lumimod.load(FILL, "model", case=1, config=finished.config)
    assert "IBSBOff" in model
    with pytest.raises(UsageError, match="'beam' is not a step; there are sb"):
        lumimod.load(FILL, "beam", config=finished.config)
    with pytest.raises(UsageError, match=f"say of which step of fill {FILL}; there are sb, cycle"):
        lumimod.load(FILL, config=finished.config)
    with pytest.raises(UsageError, match="no case 7"):
        lumimod.load(FILL, "model", case=7, config=finished.config)
    with pytest.raises(MissingInputError, match="run lumimod with --fill 1 --force sb"):
        lumimod.load(1, "sb", config=finished.config)


def test_a_fill_out_of_an_array_is_loaded_as_a_number_is(finished: Site) -> None:
    found = lumimod.load(np.int64(FILL), "sb", config=finished.config)
    assert found.keys() == load_pickle(finished.paths().sb).keys()


def test_fills_are_a_table_of_states(site: Site) -> None:
    site.run("--fill", FILL)
    frame = lumimod.fills(site.config)
    assert frame.loc[FILL, "sb"] == "done"
    assert frame.loc[OTHER, "sb"] == ""
    assert frame.loc[FILL, "hours"] > 0


def test_the_season_is_a_table(finished: Site) -> None:
    frame = lumimod.season(finished.config)
    assert list(frame.columns) == [column.name for column in SEASON_COLUMNS]
    assert frame["fill"].tolist() == [FILL, OTHER]


def test_a_dataset_has_the_arrays_with_their_units(finished: Site) -> None:
    ds = lumimod.dataset(FILL, finished.config)
    sb = load_pickle(finished.paths().sb)
    for beam in (1, 2):
        slots = sb["slots_filled_coll"][beam]
        found = ds.emit_h_um.sel(beam=beam, slot=slots)
        np.testing.assert_array_equal(found, sb["eh_interp_coll"][beam])
        assert ds.collides.sel(beam=beam, slot=slots).all()
    assert ds.emit_h_um.attrs["units"] == "um"
    lumi = ds.lumi_calc.sel(experiment="CMS", slot=sb["slots_filled_coll"][1])
    calc = load_pickle(finished.paths().lumi_calc)
    np.testing.assert_array_equal(lumi, calc["CMS"]["bunch_lumi"])
    assert float(ds.time[0].astype("int64")) / 1e9 == pytest.approx(sb["time_range"][0])
    assert ds.xing_angle_rad.sel(ip=5).size == sb["time_range"].size


def test_without_xarray_it_says_how_to_get_it(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(UsageError, match=r"pip install 'lumimod\[notebook\]'"):
        lumimod.dataset(FILL, finished.config)


def test_a_dataset_of_a_fill_without_results_says_what_to_run(site: Site) -> None:
    with pytest.raises(MissingInputError, match=f"run lumimod with --fill {FILL}"):
        lumimod.dataset(FILL, site.config)


# --- frames in Parquet


def test_frames_may_be_in_parquet_and_know_what_they_were_made_from(site: Site) -> None:
    site.configure(savePandas="parquet")
    site.run("--fill", FILL)
    path = site.paths().sb.with_name(f"fill_{FILL}_df.parquet")
    frame = lumimod.load(path)
    assert frame.attrs["made"]["step"] == "sb"
    assert set(frame["fill"]) == {FILL}
    assert not list(site.paths().folder.glob("*_df.pkl.gz"))
    assert site.run("--fill", FILL).out == "1 fill: nothing to do\n"
    path.write_bytes(path.read_bytes()[:-4])
    assert site.run("--fill", FILL, "--dry-run").rows()[FILL][0] == "to-do"


@pytest.mark.parametrize("options", [["--check-config"], ["--fill", FILL]])
def test_without_pyarrow_frames_in_parquet_are_a_fault_of_the_configuration(
    site: Site, monkeypatch: pytest.MonkeyPatch, options: list[Any]
) -> None:
    site.configure(savePandas="parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = site.run(*options)
    assert outcome.status == 2
    told = outcome.out + outcome.err
    assert "savePandas = 'parquet': needs pyarrow" in told
    assert "pip install 'lumimod[parquet]'; or set savePandas = True" in told
    assert not site.results.exists()


def test_a_frame_in_parquet_without_its_diary_says_itself_what_it_was_made_from(
    site: Site,
) -> None:
    site.configure(savePandas="parquet", saveDict=False)
    site.run("--fill", FILL, "--doOnly", "sb")
    (site.paths().folder / "made.json").unlink()
    site.configure(savePandas="parquet", saveDict=False, t_step_sec=120)
    assert "t_step_sec 300" in site.run("--fill", FILL, "--dry-run").out


# --- what may be odd about the table


def test_a_table_of_another_version_is_made_anew_without_a_word(finished: Site) -> None:
    finished.run("--summary")
    whole, path = (finished.results / "season.csv").read_bytes(), finished.results / "season.json"
    data = json.loads(path.read_text())
    data["revision"] -= 1
    data["fills"][str(FILL)]["facts"]["hours"] = 99.0
    path.write_text(json.dumps(data))
    assert finished.run("--summary").lines("WARNING") == []
    assert (finished.results / "season.csv").read_bytes() == whole


def test_without_pyarrow_the_table_has_its_other_forms(
    finished: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert finished.run("--summary").status == 0
    names = {path.name for path in finished.results.glob("season.*")}
    assert names == {"season.csv", "season.json", "season.pkl.gz"}


def test_a_result_that_vanishes_meanwhile_does_not_count(finished: Site) -> None:
    finished.run("--summary")
    before = table(finished).loc[FILL]
    (finished.paths().folder / "gone.pkl.gz").symlink_to("nowhere")
    assert finished.run("--summary").lines("WARNING") == []
    pd.testing.assert_series_equal(table(finished).loc[FILL], before)


def test_numbers_of_numpy_are_saved_as_numbers(finished: Site) -> None:
    facts: dict[str, Any] = {"fill": FILL, "b1_bunches": np.int64(7), "levelled": np.bool_(True)}
    season.save_season(finished.cfg, {FILL: season.Row(facts, {})})
    data = json.loads((finished.results / "season.json").read_text())
    assert data["fills"][str(FILL)]["facts"] == {"fill": FILL, "b1_bunches": 7, "levelled": True}


def test_a_table_that_fails_after_a_run_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> str:
        raise OSError("no such luck")

    monkeypatch.setattr("lumimod.run.session.summarise", fail)
    site.configure(doSummaryPlots=True)
    outcome = site.run("--fill", FILL, "--doOnly", "cycle")
    assert outcome.status == 0
    assert outcome.lines("WARNING", "season table: ", "no such luck")


def test_a_dataset_without_luminosity_has_none(finished: Site) -> None:
    finished.remove("lumi", "massi")
    ds = lumimod.dataset(FILL, finished.config)
    assert "emit_h_um" in ds
    assert not {"lumi_calc", "lumi_meas"} & set(ds)
