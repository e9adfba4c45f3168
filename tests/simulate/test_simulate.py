from __future__ import annotations

import gzip
import pickle
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.commands.simulate_fills import main
from lumimod.errors import BadInputError, OutputError, UsageError
from lumimod.physics.emittance import emittance_um
from lumimod.readers.variables import read_variables
from lumimod.simulate import FillFiles, FillSettings, simulate_fills
from lumimod.simulate.scheme import ABORT_GAP_START, filling_scheme
from lumimod.simulate.timeline import BEFORE_STABLE_S, timeline
from lumimod.tables.calibration import bsrt_calibration
from lumimod.writers import text

pytestmark = pytest.mark.slow  # whole fills, together some seconds

FloatArray = npt.NDArray[np.float64]
Rows = list[tuple[float, list[float]]]

FILL = 5845
SMALL = FillSettings(
    n_colliding=20,
    n_noncolliding=2,
    hours=1.0,
    crossing_steps=((0.5, 140.0),),
    bbb_lumi=True,
    truth_s=60.0,
)
BSRT = {1: "LHC.BSRT.5R4.B1", 2: "LHC.BSRT.5L4.B2"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> FillFiles:
    return simulate_fills(tmp_path_factory.mktemp("data"), [FILL], SMALL, seed=1)[0]


@pytest.fixture(scope="module")
def truth(files: FillFiles) -> dict[str, npt.NDArray[Any]]:
    return load_truth(files)


def load_truth(files: FillFiles) -> dict[str, npt.NDArray[Any]]:
    with np.load(files.truth, allow_pickle=False) as archive:
        return dict(archive)


class Parsed(Mapping[str, Rows]):
    """The variables of a CSV file, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
        _, *blocks = text.split("VARIABLE: ")
        self._lines = {name: lines for name, lines in map(_name_and_lines, blocks)}
        self._read: dict[str, Rows] = {}

    def __getitem__(self, name: str) -> Rows:
        if name not in self._read:
            self._read[name] = list(map(_row, self._lines[name]))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def _name_and_lines(block: str) -> tuple[str, list[str]]:
    name, empty, header, *lines = block.splitlines()
    assert not empty
    assert header.startswith("Timestamp (UTC_TIME),")
    return name, [line for line in lines if line]


def _row(line: str) -> tuple[float, list[float]]:
    stamp, _, values = line.partition(",")
    row = np.fromstring(values, sep=",").tolist()
    assert len(row) == values.count(",") + 1
    return np.datetime64(stamp, "ms").astype(float) / 1e3, row


@lru_cache(maxsize=8)
def parse(path: Path) -> Parsed:
    return Parsed(path)


def members(path: Path) -> dict[str, list[list[str]]]:
    with tarfile.open(path) as archive:
        texts = {}
        for info in archive:
            stream = archive.extractfile(info)
            assert stream is not None
            texts[info.name] = [line.split() for line in stream.read().decode().splitlines()]
    return texts


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def at(truth: dict[str, npt.NDArray[Any]], values: FloatArray, time_s: FloatArray) -> FloatArray:
    return np.array([np.interp(time_s, truth["time_s"], column) for column in values.T]).T


# Filling scheme


@given(st.integers(1, 2544), st.integers(0, 30))
def test_scheme_has_as_many_bunches_as_asked_for(n_colliding: int, n_noncolliding: int) -> None:
    scheme = filling_scheme(n_colliding, n_noncolliding)
    for beam in scheme.beams.values():
        assert beam.slot.size == np.unique(beam.slot).size == n_colliding + n_noncolliding
        assert beam.colliding.sum() == n_colliding
        assert np.all(np.diff(beam.slot) > 0)
        assert np.all(np.diff(beam.injection) >= 0)
        assert beam.slot[0] >= 0
        assert beam.slot[-1] < ABORT_GAP_START
    both = np.intersect1d(scheme.beams[1].slot, scheme.beams[2].slot)
    assert np.array_equal(both, scheme.beams[1].colliding_slots)


def test_full_machine_has_trains_of_48_after_a_batch_of_12() -> None:
    slot = filling_scheme(2544, 4).beams[1].slot[:2544]
    trains = np.split(slot, np.flatnonzero(np.diff(slot) > 1) + 1)
    assert [train.size for train in trains[:4]] == [12, 48, 48, 48]
    assert {train.size for train in trains[1:-1]} == {48}
    gaps = np.diff(slot)[np.diff(slot) > 1] - 1
    assert gaps[:5].tolist() == [32, 7, 7, 32, 7]


def test_too_many_bunches_are_refused() -> None:
    with pytest.raises(UsageError, match="3000 colliding .* do not fit: the machine has 2604"):
        filling_scheme(3000, 0)


# Settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_colliding": 0}, "at least one colliding bunch"),
        ({"hours": 0.0}, "hours = 0.0: must be above 0"),
        ({"bsrt_noise": -0.1}, "bsrt_noise = -0.1: must not be negative"),
        ({"emit_h_um": float("nan")}, "emit_h_um = nan: must be a number"),
        ({"extra_loss": 1.0}, "below 1"),
        ({"bsrt_record": 31}, "multiple of bsrt_repeats"),
        ({"truth_s": 100.0}, "multiple of 60"),
        ({"to_next_fill_s": 100.0}, "600 s"),
        ({"gzip_level": 10}, "1 to 9"),
        ({"crossing_steps": ((-1.0, 140.0),)}, "crossing_steps"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FillSettings(**change)


def test_full_size_takes_changes() -> None:
    assert FillSettings.full_size().n_colliding == 2544
    assert FillSettings.full_size(hours=2.0).hours == 2.0


@pytest.mark.parametrize(("fills", "seed"), [([5845, 5845], 1), ([-1], 1), ([5845], -1)])
def test_fills_that_cannot_be_told_apart_are_refused(
    tmp_path: Path, fills: list[int], seed: int
) -> None:
    with pytest.raises(UsageError, match="no fill be given twice"):
        simulate_fills(tmp_path, fills, SMALL, seed)


# Text


@given(
    st.lists(st.floats(1e-12, 1e15) | st.just(0.0), min_size=1, max_size=20),
    st.sampled_from([2, 5]),
)
def test_scientific_text_reads_as_printed_by_python(values: list[float], decimals: int) -> None:
    cells = text.scientific(np.array(values), decimals)
    printed = [float(bytes(row)) for row in cells]
    assert printed == pytest.approx([float(f"{v:.{decimals}e}") for v in values], rel=1.1e-5)
    assert {len(bytes(row)) for row in cells} == {decimals + 6}


def test_scientific_text_carries_into_the_exponent() -> None:
    assert bytes(text.scientific(np.array([9.999999e10]), 5)[0]) == b"1.00000e+11"


def test_scientific_text_has_two_or_five_decimals() -> None:
    with pytest.raises(ValueError, match="2 or 5"):
        text.scientific(np.zeros(1), 3)


@given(st.floats(0, 9.9999))
def test_fixed_text_has_six_decimals(value: float) -> None:
    assert float(bytes(text.fixed(np.array([value]))[0])) == pytest.approx(value, abs=1e-6)


# Beam modes


def test_beam_modes_follow_each_other_in_order(files: FillFiles) -> None:
    with files.bmodes.open("rb") as stream:
        modes = pickle.load(stream)[FILL]
    order = [*BEFORE_STABLE_S, "STABLE", "BEAMDUMP", "RAMPDOWN"]
    starts = [modes[f"t_start_{mode}"] for mode in order]
    stops = [modes[f"t_stop_{mode}"] for mode in order]
    assert starts[0] == modes["t_startfill"]
    assert starts[1:] == stops[:-1]
    assert stops[-1] == modes["t_endfill"]
    assert modes["t_stop_STABLE"] - modes["t_start_STABLE"] == 3600.0
    assert modes["t_start_UNSTABLE"] == -1.0
    assert {type(value) for value in modes.values()} == {float, bool}


def test_fills_follow_each_other_in_2017() -> None:
    first, second = (timeline(fill, SMALL) for fill in (FILL, FILL + 1))
    assert first.end_s == second.start_s
    for fill in (5691, 6000, 7001):
        year = np.datetime64(int(timeline(fill, FillSettings.full_size()).end_s), "s")
        assert str(year).startswith("2017")


def test_other_fills_stay_in_the_beam_mode_file(tmp_path: Path) -> None:
    old = {3820: {"t_startfill": 1.0, "t_endfill": 2.0}}
    path = tmp_path / "fills_and_bmodes.pkl"
    path.write_bytes(pickle.dumps(old))
    simulate_fills(tmp_path, [FILL], replace(SMALL, n_colliding=2, massi=False), seed=1)
    merged = pickle.loads(path.read_bytes())
    assert list(merged) == [3820, FILL]
    assert merged[3820] == old[3820]


@pytest.mark.parametrize("content", [b"no pickle", pickle.dumps([1])])
def test_broken_beam_mode_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fills_and_bmodes.pkl").write_bytes(content)
    with pytest.raises(BadInputError, match="fills_and_bmodes.pkl"):
        simulate_fills(tmp_path, [FILL], replace(SMALL, n_colliding=2, massi=False), seed=1)


# The same again


def test_same_seed_gives_the_same_bytes_whatever_the_other_fills(tmp_path: Path) -> None:
    settings = replace(SMALL, n_colliding=4, hours=0.2, gzip=True)
    simulate_fills(tmp_path / "a", [FILL], settings, seed=3)
    simulate_fills(tmp_path / "b", [FILL + 1, FILL], settings, seed=3)
    alone, together = contents(tmp_path / "a"), contents(tmp_path / "b")
    del alone["fills_and_bmodes.pkl"]
    assert {name: together[name] for name in alone} == alone


def test_seeds_and_fills_differ(tmp_path: Path) -> None:
    settings = replace(SMALL, n_colliding=4, hours=0.2)
    runs = [(FILL, 1), (FILL, 2), (FILL + 1, 1)]
    found = [
        load_truth(simulate_fills(tmp_path / str(i), [fill], settings, seed)[0])["b1_intensity_ppb"]
        for i, (fill, seed) in enumerate(runs)
    ]
    assert not np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_compressed_file_replaces_its_twin(tmp_path: Path) -> None:
    settings = replace(SMALL, n_colliding=2, hours=0.2, massi=False, bbb_lumi=False)
    plain = simulate_fills(tmp_path, [FILL], settings, seed=1)[0]
    text_before = plain.bunches.read_bytes()
    packed = simulate_fills(tmp_path, [FILL], replace(settings, gzip=True), seed=1)[0]
    assert not plain.bunches.exists()
    assert gzip.decompress(packed.bunches.read_bytes()) == text_before
    simulate_fills(tmp_path, [FILL], settings, seed=1)
    assert not packed.bunches.exists()
    assert not list(tmp_path.rglob("*.part"))


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="basic_data_fill_5845.csv cannot be written"):
        simulate_fills(tmp_path / "file", [FILL], SMALL, seed=1)


# Evolution


@pytest.mark.parametrize("beam", [1, 2])
def test_burn_off_is_the_only_loss_in_stable_beams(
    truth: dict[str, npt.NDArray[Any]], beam: int
) -> None:
    stable = truth["time_s"] >= truth["stable_s"]
    time_s = truth["time_s"][stable]
    lumi = (truth["ATLAS_lumi"] + truth["CMS_lumi"])[stable]
    integral = ((lumi[1:] + lumi[:-1]) / 2 * np.diff(time_s)[:, None]).sum(axis=0)
    colliding = np.isin(truth[f"b{beam}_slots"], truth["colliding_slots"])
    ppb = truth[f"b{beam}_intensity_ppb"][stable]
    lost = ppb[0] - ppb[-1]
    np.testing.assert_allclose(lost[colliding], truth["sigma_boff_m2"] * integral, rtol=1e-3)
    assert np.all(lost[~colliding] == 0)


def test_extra_losses_come_on_top(tmp_path: Path) -> None:
    settings = replace(SMALL, hours=4.0, massi=False, bbb_lumi=False, extra_loss=0.1)
    truth = load_truth(simulate_fills(tmp_path, [FILL], settings, seed=1)[0])
    stable = truth["time_s"] >= truth["stable_s"]
    alone = ~np.isin(truth["b1_slots"], truth["colliding_slots"])
    ppb = truth["b1_intensity_ppb"][stable][:, alone]
    np.testing.assert_allclose(ppb[-1] / ppb[0], 0.9, rtol=1e-3)


def test_levelled_luminosity_stays_at_its_level(tmp_path: Path) -> None:
    settings = replace(SMALL, massi=False, bbb_lumi=False, level_total=1e36)
    truth = load_truth(simulate_fills(tmp_path, [FILL], settings, seed=1)[0])
    stable = truth["time_s"] >= truth["stable_s"]
    np.testing.assert_allclose(truth["CMS_lumi"][stable].sum(axis=1), 1e36)


def test_luminosity_rises_as_the_crossing_angle_falls(truth: dict[str, npt.NDArray[Any]]) -> None:
    step = int(np.flatnonzero(np.diff(truth["half_crossing_rad"]))[0])
    assert truth["half_crossing_rad"][step : step + 2] == pytest.approx([150e-6, 140e-6])
    total = truth["ATLAS_lumi"].sum(axis=1)
    assert total[step + 1] > total[step]


def test_vertical_emittance_grows_as_set_and_is_damped(tmp_path: Path) -> None:
    settings = replace(SMALL, hours=5.0, growth_v_um_per_h=0.1, growth_spread=0.0, sigma_el_m2=0.0)
    truth = load_truth(simulate_fills(tmp_path, [FILL], settings, seed=1)[0])
    stable = truth["time_s"] >= truth["stable_s"]
    before, after = truth["b2_emit_v_um"][stable][[0, -1]]
    rate_per_h = 2 / 64.7
    expected = before * np.exp(-5 * rate_per_h) + 0.1 / rate_per_h * -np.expm1(-5 * rate_per_h)
    np.testing.assert_allclose(after, expected, rtol=1e-3)


def test_emittances_start_with_the_arrival_of_the_bunch(
    truth: dict[str, npt.NDArray[Any]],
) -> None:
    arrived = truth["time_s"][:, None] >= truth["b1_arrival_s"]
    assert not arrived.all()
    assert np.array_equal(np.isfinite(truth["b1_emit_h_um"]), arrived)
    assert np.array_equal(truth["b1_intensity_ppb"] > 0, arrived)


# Instruments


@pytest.mark.slow
@pytest.mark.parametrize("beam", [1, 2])
@pytest.mark.parametrize("energy_gev", [450, 6500])
@pytest.mark.parametrize("plane", ["h", "v"])
def test_bsrt_sizes_give_the_true_emittances_back(
    files: FillFiles, truth: dict[str, npt.NDArray[Any]], beam: int, energy_gev: int, plane: str
) -> None:
    csv, energy = parse(files.bunches), parse(files.basic)
    optics = bsrt_calibration(FILL).at(beam, energy_gev)["hv".index(plane)]
    energy_s, gev = zip(*energy[f"LHC.BSRA.US45.B{beam}:ABORT_GAP_ENERGY"])
    ratios = []
    for (time_s, gates), (_, sigmas) in zip(
        csv[f"{BSRT[beam]}:GATE_DELAY"], csv[f"{BSRT[beam]}:FIT_SIGMA_{plane.upper()}"]
    ):
        now_gev = gev[np.searchsorted(energy_s, time_s, side="right") - 1][0]
        if abs(now_gev - energy_gev) < 1:
            column = np.searchsorted(truth[f"b{beam}_slots"], gates)
            true_um = at(truth, truth[f"b{beam}_emit_{plane}_um"], np.array([time_s]))[0, column]
            ratios.append(emittance_um(np.array(sigmas), optics) / true_um)
    ratio = np.concatenate(ratios)
    ratio = ratio[np.isfinite(ratio)]
    assert np.mean(ratio) == pytest.approx(1, abs=0.005)
    # 2 sigma^2/(sigma^2 - resolution^2) times the noise of 1.2 %
    assert 0.02 < np.std(ratio) < 0.12


@pytest.mark.slow
def test_bsrt_repeats_each_gate_and_visits_every_bunch(
    files: FillFiles, truth: dict[str, npt.NDArray[Any]]
) -> None:
    rows = parse(files.bunches)["LHC.BSRT.5R4.B1:GATE_DELAY"]
    gates = np.array([values for _, values in rows])
    assert gates.shape[1] == 30
    assert np.all(gates[:, 0::3] == gates[:, 2::3])
    assert set(gates[-3:].ravel()) == set(truth["b1_slots"])
    assert rows[0][0] >= truth["b1_arrival_s"].min()
    assert rows[-1][0] < truth["dump_s"]


@pytest.mark.parametrize("system", ["A", "B"])
def test_bunch_intensities_are_the_true_ones_and_add_up_to_the_beam(
    files: FillFiles, truth: dict[str, npt.NDArray[Any]], system: str
) -> None:
    rows = parse(files.bunches)[f"LHC.BCTFR.{system}6R4.B1:BUNCH_INTENSITY"]
    assert {len(values) for _, values in rows} == {3564}
    stable = [row for row in rows if truth["stable_s"] <= row[0] < truth["dump_s"]]
    time_s = np.array([time for time, _ in stable])
    ppb = np.array([values for _, values in stable])
    true_ppb = at(truth, truth["b1_intensity_ppb"], time_s)
    ratio = ppb[:, truth["b1_slots"]] / true_ppb
    assert np.std(ratio) == pytest.approx(truth["fbct_noise"], rel=0.2)
    assert ppb.sum(axis=1) == pytest.approx(true_ppb.sum(axis=1), rel=2e-4)
    assert not np.array(rows[0][1]).any()
    assert not np.array(rows[-1][1]).any()


def test_lengths_have_one_value_for_each_filled_bucket(files: FillFiles) -> None:
    csv = parse(files.bunches)
    filled_s, buckets = zip(*csv["LHC.BQM.B2:FILLED_BUCKETS"])
    counts = np.count_nonzero(np.array(buckets), axis=1)
    assert counts[[0, -1]].tolist() == [0, 0]
    assert counts.max() == 22
    for time_s, lengths in csv["LHC.BQM.B2:BUNCH_LENGTHS"]:
        assert len(lengths) == counts[np.searchsorted(filled_s, time_s, side="right") - 1]
        assert np.array(lengths) == pytest.approx(1.1e-9, rel=0.2)


def test_massi_members_are_the_colliding_slots_flagged_in_stable_beams(
    files: FillFiles, truth: dict[str, npt.NDArray[Any]]
) -> None:
    for path, name in zip(files.massi, ("ATLAS", "CMS")):
        found = members(path)
        slots = truth["colliding_slots"].tolist()
        assert list(found) == [f"{FILL}/{FILL}_lumi_{10 * s + 1}_{name}.txt" for s in slots]
        rows = np.array(list(found.values())).astype(float)
        assert rows.shape[2] == 6
        time_s, flag, lumi = rows[0, :, 0], rows[0, :, 1], rows[..., 2]
        stable = (time_s >= truth["stable_s"]) & (time_s < truth["dump_s"])
        assert np.array_equal(flag, stable)
        assert flag[0] == flag[-1] == 0
        on_grid = stable & np.isin(time_s, truth["time_s"])
        true = at(truth, truth[f"{name}_lumi"], time_s[on_grid]).T
        ratio = lumi[:, on_grid] * 1e34 / true
        assert np.mean(ratio) == pytest.approx(float(truth[f"{name}_scale"]), rel=1e-3)
        assert np.std(ratio) == pytest.approx(0.004, rel=0.2)


def test_bunch_luminosity_csv_has_all_slots(
    files: FillFiles, truth: dict[str, npt.NDArray[Any]]
) -> None:
    assert files.bunch_lumi is not None
    csv = parse(files.bunch_lumi)
    assert list(csv) == ["ATLAS:BUNCH_LUMI_INST", "CMS:BUNCH_LUMI_INST"]
    for time_s, lumi in csv["CMS:BUNCH_LUMI_INST"]:
        assert len(lumi) == 3564
        if time_s == truth["stable_s"]:
            assert np.array_equal(np.flatnonzero(lumi), truth["colliding_slots"])


def test_crossing_angle_steps_are_logged(
    files: FillFiles, truth: dict[str, npt.NDArray[Any]]
) -> None:
    csv = parse(files.crossing)
    assert list(csv) == ["LHC.RUNCONFIG:IP1-XING-V-MURAD", "LHC.RUNCONFIG:IP5-XING-H-MURAD"]
    for rows in csv.values():
        for time_s, (angle_urad,) in rows:
            assert angle_urad == (140 if time_s >= truth["stable_s"] + 1800 else 150)


@pytest.mark.slow
def test_measured_losses_give_the_cross_section_of_the_burn_off(tmp_path: Path) -> None:
    settings = FillSettings(n_colliding=60, hours=4.0, sample_s=300.0, bsrt_period_s=300.0)
    files = simulate_fills(tmp_path, [FILL], settings, seed=5)[0]
    truth = load_truth(files)
    lumi: FloatArray = np.zeros(1)
    for path in files.massi:
        rows = np.array(list(members(path).values())).astype(float)
        stable = rows[0, :, 1] == 1
        lumi = lumi + rows[:, stable, 2].sum(axis=0) * 1e34
    for beam in (1, 2):
        csv = parse(files.bunches)[f"LHC.BCTFR.A6R4.B{beam}:BUNCH_INTENSITY"]
        samples = [row for row in csv if truth["stable_s"] <= row[0] < truth["dump_s"]]
        total = [sum(np.array(values)[truth["colliding_slots"]]) for _, values in samples]
        sigma_m2 = (total[0] - total[-1]) / (lumi.mean() * (samples[-1][0] - samples[0][0]))
        assert sigma_m2 == pytest.approx(80e-31, rel=0.02, abs=0)


# Command


def test_command_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--bunches 3 --noncolliding 1 --hours 0.2 --sample-s 120 --seed 2 --gzip --no-massi"
    more = "--bbb-lumi --xing-steps 0.1:140,0.15:130 --growth-h 0.1 --growth-v 0.2"
    status = main(f"--folder {tmp_path} --fill 6000 6001 {options} {more}".split())
    printed = capsys.readouterr().out
    assert status == 0
    for fill in (6000, 6001):
        name = f"fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_{fill}.csv.gz"
        assert str(tmp_path / name) in printed
        assert (tmp_path / name).exists()
    assert not (tmp_path / "massi").exists()
    with np.load(tmp_path / "truth" / "truth_fill_6001.npz") as truth:
        assert (truth["n_colliding"], truth["sample_s"], truth["seed"]) == (3, 120, 2)
        assert truth["growth_v_um_per_h"] == 0.2


def test_command_takes_full_size_with_changes(tmp_path: Path) -> None:
    few = "--bunches 2 --noncolliding 0 --hours 0.1 --bsrt-period-s 10 --no-massi"
    assert main(f"--folder {tmp_path} --fill 6000 --full-size {few}".split()) == 0


def test_command_reports_what_cannot_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bunches", "3000"]) == 2
    assert "error: 3000 colliding" in capsys.readouterr().err


@pytest.mark.parametrize("steps", ["2", "2:a", "1:2:3"])
def test_command_explains_crossing_steps(capsys: pytest.CaptureFixture[str], steps: str) -> None:
    with pytest.raises(SystemExit):
        main(["--xing-steps", steps])
    assert "such as 2:140,4:130" in capsys.readouterr().err


# --- Run 3


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> FillFiles:
    folder = tmp_path_factory.mktemp("run_3")
    return simulate_fills(folder, [FILL], replace(SMALL, run=3), seed=1)[0]


def test_fill_of_run_3_is_of_2023_at_6800_gev(three: FillFiles) -> None:
    energy = parse(three.basic)["LHC.BCCM.B1.A:BEAM_ENERGY"]
    assert max(values[0] for _, values in energy) == 6800.0
    assert np.datetime64(int(energy[0][0]), "s").astype("datetime64[Y]") == np.datetime64("2023")
    assert all("/massi/2023/" in str(path) for path in three.massi)


@pytest.mark.slow
def test_emittances_of_run_3_are_zero_in_empty_slots(three: FillFiles) -> None:
    truth = load_truth(three)
    rows = parse(three.bunches)["LHC.BSRT.5L4.B2:BUNCH_EMITTANCE_V"]
    time_s = float(truth["stable_s"]) + 1800
    values = np.array(min(rows, key=lambda row: abs(row[0] - time_s))[1])
    assert values.size == 3564
    assert np.flatnonzero(values).tolist() == truth["b2_slots"].tolist()


def test_beta_star_of_any_run_is_logged_where_it_changes(tmp_path: Path) -> None:
    steps = replace(SMALL, betastar_m=0.4, betastar_steps=((0.5, 0.3),))
    [one] = simulate_fills(tmp_path, [FILL], steps, seed=1)
    truth = load_truth(one)
    assert one.extra is not None
    assert one.extra in one.all()
    rows = parse(one.extra)["HX:BETASTAR_IP5"]
    assert [values for _, values in rows] == [[40.0], [30.0]]
    assert rows[1][0] == truth["stable_s"] + 1800
    assert set(np.unique(truth["betastar_now_m"])) == {0.4, 0.3}


def test_squeezing_the_beams_raises_the_luminosity(tmp_path: Path) -> None:
    steps = replace(SMALL, crossing_steps=(), half_crossing_urad=0.0, betastar_steps=((0.5, 0.15),))
    truth = load_truth(simulate_fills(tmp_path, [FILL], steps, seed=1)[0])
    total = truth["ATLAS_lumi"].sum(axis=1)
    at = np.searchsorted(truth["time_s"], truth["stable_s"] + 1800)
    assert total[at] / total[at - 1] == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run": 1}, "run must be 2 or 3"),
        ({"ip1_plane": "x"}, "ip1_plane h or v"),
        ({"betastar_steps": ((1.0, 0.0),)}, "beta\\* above 0"),
        ({"betastar_steps": ((-1.0, 0.3),)}, "hours must not be negative"),
    ],
)
def test_settings_of_run_3_are_checked(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FillSettings(**changes)


def test_command_simulates_run_3(tmp_path: Path) -> None:
    few = "--bunches 2 --noncolliding 0 --hours 0.2 --betastar 0.6 --betastar-steps 0.1:0.5"
    assert main(f"--folder {tmp_path} --fill 9000 --run 3 {few}".split()) == 0
    extra = tmp_path / "fill_extra_data_csvs" / "extra_data_fill_9000.csv"
    assert [values for _, values in parse(extra)["HX:BETASTAR_IP1"]] == [[60.0], [50.0]]


def test_a_season_may_be_sampled_as_often_as_asked_for(tmp_path: Path) -> None:
    few = "--season 1 --bunches 4 --noncolliding 0 --hours 0.3 --sample-s 200 --bsrt-period-s 100"
    assert main(f"--folder {tmp_path} {few}".split()) == 0
    (path,) = (tmp_path / "fill_bunchbybunch_data_csvs").glob("*.csv*")
    name = "LHC.BCTFR.A6R4.B1:BUNCH_INTENSITY"
    steps_s = np.diff(read_variables(path, [name])[name].time_s)
    assert np.median(steps_s) == pytest.approx(200, abs=2)
