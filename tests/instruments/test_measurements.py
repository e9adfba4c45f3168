"""Measurements of one beam: averaged, calibrated, ordered by bunch."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.arrays import Series
from lumimod.config.settings import Config
from lumimod.errors import BadInputError, MissingInputError, NoDataError, Note, download
from lumimod.instruments import measurements
from lumimod.instruments.bqm import bqm_lengths, possible_lengths
from lumimod.instruments.bsrt import Scans, bsrt_scans, emittance_scans
from lumimod.instruments.drops import DropLog
from lumimod.instruments.fbct import fbct_intensities
from lumimod.instruments.measurements import BeamMeasurements, read_beams
from lumimod.instruments.samples import BunchSamples
from lumimod.physics.emittance import MonitorOptics, emittance_um
from lumimod.tables.calibration import BsrtCalibration
from lumimod.tables.variables import all_names
from tests.conftest import context

FILE = Path("data.csv")
CALIBRATION = BsrtCalibration(
    "calibration.json",
    {
        (beam, energy, plane): MonitorOptics(100.0 * beam, 0.1, 1.0, gamma)
        for beam in (1, 2)
        for energy, gamma in ((450, 480.0), (6500, 6928.0))
        for plane in ("h", "v")
    },
)


def series(rows: dict[float, Sequence[float]], name: str = "X", n_dropped: int = 0) -> Series:
    """Return a variable of the given rows, by their times."""
    lengths = [len(row) for row in rows.values()]
    return Series(
        name,
        FILE,
        np.array(list(rows), dtype=float),
        np.array([v for row in rows.values() for v in row], dtype=float),
        np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
        n_dropped,
    )


def sizes_of(gates: dict[float, Sequence[float]]) -> dict[float, list[float]]:
    return {t: [1.0] * len(row) for t, row in gates.items()}


TOP = series({0.0: [6500.0]}, "energy")


def scan(
    gates: dict[float, Sequence[float]],
    size_h: dict[float, Sequence[float]] | None = None,
    size_v: dict[float, Sequence[float]] | None = None,
    energy: Series = TOP,
    beam: int = 1,
    dropped: tuple[int, int, int] = (0, 0, 0),
) -> Scans:
    channels = (
        series(gates, "GATE", dropped[0]),
        series(sizes_of(gates) if size_h is None else size_h, "H", dropped[1]),
        series(sizes_of(gates) if size_v is None else size_v, "V", dropped[2]),
    )
    return bsrt_scans(*channels, energy, beam, CALIBRATION)


def emit(sigma_mm: float, beam: int = 1, energy: int = 6500) -> float:
    return float(emittance_um(np.array(sigma_mm), CALIBRATION.at(beam, energy)[0]))


# --- BSRT: repeats


def test_repeats_of_a_gate_count_once_with_their_mean_size() -> None:
    scans = scan({100.0: [7, 7, 7]}, {100.0: [1.0, 1.1, 1.5]}, {100.0: [2.0, 2.0, 2.3]})
    assert scans.slots.tolist() == [7]
    assert scans.emit_um[0] == pytest.approx([emit(1.2), emit(2.1)])


def test_a_measurement_is_stamped_by_the_place_of_its_last_repeat() -> None:
    # Six values: the runs end at places 1, 4 and 5.
    scans = scan({100.0: [7, 7, 9, 9, 9, 8]})
    assert scans.slots.tolist() == [7, 8, 9]
    expected = 100 + 1e-3 * np.array([1, 5, 4]) / 6
    assert scans.time_s == pytest.approx(expected, abs=1e-12)


def test_a_gate_that_comes_back_later_in_a_record_is_another_measurement() -> None:
    scans = scan({100.0: [7, 8, 7, 7]}, {100.0: [1.0, 5.0, 2.0, 4.0]})
    seven = scans.of(np.array([7]))
    assert seven.emit_um[:, 0] == pytest.approx([emit(1.0), emit(3.0)])
    assert seven.time_s == pytest.approx([100.0, 100.00075])


def test_repeats_do_not_reach_into_the_next_record() -> None:
    scans = scan({100.0: [7, 7], 110.0: [7, 7]}, {100.0: [1.0, 1.0], 110.0: [2.0, 2.0]})
    assert scans.time_s == pytest.approx([100.0005, 110.0005])
    assert scans.emit_um[:, 0] == pytest.approx([emit(1.0), emit(2.0)])


def test_records_may_differ_in_length() -> None:
    scans = scan({100.0: [7, 7, 8], 110.0: [8], 120.0: [7, 9]})
    assert scans.slots.tolist() == [7, 8, 9]
    assert scans.start.tolist() == [0, 2, 4, 5]
    assert scans.of(np.array([8])).time_s == pytest.approx([100 + 2e-3 / 3, 110.0])


def test_an_empty_record_counts_for_nothing() -> None:
    scans = scan({90.0: [], 100.0: [7, 7], 105.0: [], 110.0: [7], 120.0: []})
    assert scans.time_s == pytest.approx([100.0005, 110.0])


def test_samples_are_sorted_by_slot_then_time() -> None:
    scans = scan({100.0: [9, 3], 110.0: [3, 9], 120.0: [5]})
    assert scans.slots.tolist() == [3, 5, 9]
    assert scans.start.tolist() == [0, 2, 3, 5]
    assert np.floor(scans.time_s).tolist() == [100, 110, 120, 100, 110]


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=12), min_size=1, max_size=5))
def test_averaging_agrees_with_a_loop_over_values(records: list[list[int]]) -> None:
    gates = {10.0 * i: row for i, row in enumerate(records)}
    sizes = {t: [1 + 0.01 * (i + t) for i in range(len(row))] for t, row in gates.items()}
    expected = []
    for t, row in gates.items():
        run = [0]
        for i in range(1, len(row) + 1):
            if i < len(row) and row[i] == row[i - 1]:
                run.append(i)
                continue
            stamp = t + run[-1] * 1e-3 / len(row)
            expected.append((row[run[0]], stamp, np.mean([sizes[t][j] for j in run])))
            run = [i]
    expected.sort(key=lambda sample: sample[:2])
    scans = scan(gates, sizes)
    slots = np.repeat(scans.slots, np.diff(scans.start))
    assert slots.tolist() == [slot for slot, _, _ in expected]
    assert scans.time_s == pytest.approx([t for _, t, _ in expected], abs=1e-9)
    assert scans.emit_um[:, 0] == pytest.approx([emit(size) for _, _, size in expected])


# --- BSRT: energy


@pytest.mark.parametrize("beam", [1, 2])
def test_the_energy_chooses_the_calibration(beam: int) -> None:
    energy = series({0.0: [450.0], 100.0: [6500.0]})
    scans = scan({50.0: [7], 150.0: [7]}, energy=energy, beam=beam)
    assert scans.emit_um[:, 0] == pytest.approx([emit(1.0, beam, 450), emit(1.0, beam, 6500)])


def test_the_energy_is_the_newest_one_not_after_the_measurement() -> None:
    energy = series({0.0: [450.0], 100.0: [6500.0], 200.0: [450.0]})
    at = scan({99.9: [7], 100.0: [8], 199.9: [9]}, energy=energy).emit_um[:, 0]
    assert at == pytest.approx([emit(1.0, 1, 450), emit(1.0), emit(1.0)])


def test_samples_of_the_ramp_are_left_out() -> None:
    energy = series({0.0: [450.0], 100.0: [3000.0], 200.0: [6500.0]})
    scans = scan({50.0: [7], 150.0: [7], 151.0: [8], 250.0: [7]}, energy=energy)
    assert scans.slots.tolist() == [7]
    assert scans.time_s.tolist() == [50.0, 250.0]


def test_samples_before_the_first_energy_are_left_out() -> None:
    scans = scan({50.0: [7], 150.0: [8]}, energy=series({100.0: [6500.0]}))
    assert scans.slots.tolist() == [8]


@pytest.mark.parametrize(
    ("energy_gev", "kept"),
    [(400.0, False), (400.1, True), (499.9, True), (500.0, False), (6400.0, False),
     (6400.1, True), (6599.9, True), (6600.0, False), (6650.0, False)],
)  # fmt: skip
def test_the_bands_of_energy_have_open_ends(energy_gev: float, kept: bool) -> None:
    energy = series({0.0: [6500.0], 100.0: [energy_gev]})
    scans = scan({50.0: [7], 150.0: [8]}, energy=energy)
    assert scans.slots.tolist() == ([7, 8] if kept else [7])


def test_an_energy_without_calibration_is_named() -> None:
    with pytest.raises(BadInputError, match=r"no BSRT calibration of beam 1 at 6800 GeV"):
        scan({50.0: [7]}, energy=series({0.0: [6800.0]}))


def test_without_a_row_of_energy_the_file_is_named() -> None:
    with pytest.raises(BadInputError, match=r"energy in data\.csv has no row"):
        scan({50.0: [7]}, energy=series({}, "energy"))


def test_no_measurement_at_a_calibrated_energy_is_no_data() -> None:
    told = r"GATE in data\.csv: no measurement at a calibrated energy; is this the right fill\?$"
    with pytest.raises(NoDataError, match=told):
        scan({50.0: [7]}, energy=series({0.0: [3000.0]}))


# --- BSRT: channels that do not fit together


def test_a_size_too_many_in_a_record_is_refused() -> None:
    gates = {100.0: [7, 7], 110.0: [7, 7]}
    sizes = {100.0: [1.0, 1.0], 110.0: [1.0, 1.0, 1.0]}
    with pytest.raises(
        BadInputError,
        match=r"V in data\.csv does not match GATE: record 2 has 3 values for 2 gates",
    ):
        scan(gates, size_v=sizes)


@pytest.mark.parametrize("channel", ["H", "V"])
def test_a_size_too_few_in_a_record_is_refused(channel: str) -> None:
    gates = {100.0: [7, 7], 110.0: [7, 7]}
    few = {100.0: [1.0, 1.0], 110.0: [1.0]}
    told = rf"^{channel} in data\.csv does not match GATE: record 2 has 1 values for 2 gates; "
    with pytest.raises(BadInputError, match=told + "download the file again$"):
        scan(gates, few if channel == "H" else None, few if channel == "V" else None)


def test_a_channel_with_fewer_records_is_refused() -> None:
    gates = {100.0: [7], 110.0: [7]}
    told = r"data\.csv have different numbers of records \(GATE 2, H 1, V 2\); "
    with pytest.raises(BadInputError, match=told + "download the file again$"):
        scan(gates, size_h={100.0: [1.0]})


def test_a_record_that_a_channel_lost_to_an_empty_value_is_left_out_of_all() -> None:
    gates = {100.0: [7, 7], 110.0: [8], 120.0: [9]}
    scans = scan(gates, size_h={100.0: [1.0, 1.0], 120.0: [1.0]}, dropped=(0, 1, 0))
    assert scans.slots.tolist() == [7, 9]
    assert scans.time_s == pytest.approx([100.0005, 120.0])


def test_records_that_each_channel_lost_are_all_left_out() -> None:
    full = {float(t): [t] for t in (1, 2, 3, 4)}
    gates = {t: row for t, row in full.items() if t != 1}
    size_h = {t: [1.0] for t in full if t != 2}
    size_v = {t: [1.0] for t in full if t != 3}
    scans = scan(gates, size_h, size_v, dropped=(1, 1, 1))
    assert scans.slots.tolist() == [4]


def test_no_record_in_common_is_no_data() -> None:
    with pytest.raises(NoDataError):
        scan({1.0: [7]}, {2.0: [1.0]}, {1.0: [1.0]}, dropped=(1, 1, 1))


def test_records_without_a_value_are_no_data() -> None:
    with pytest.raises(NoDataError):
        scan({1.0: [], 2.0: []})


def test_no_record_at_all_is_no_data() -> None:
    with pytest.raises(NoDataError, match=r"GATE in data\.csv has no row"):
        scan({})


@pytest.mark.parametrize("gate", [-1, 3564, 40000])
def test_a_gate_that_is_no_slot_is_named(gate: int) -> None:
    told = rf"gate {gate} is not a slot \(0 to 3563\); download the file again$"
    with pytest.raises(BadInputError, match=told):
        scan({100.0: [0, 7, gate]})


def test_the_last_slot_is_a_slot() -> None:
    assert scan({100.0: [0, 3563]}).slots.tolist() == [0, 3563]


# --- selecting


def example() -> Scans:
    return scan({100.0: [7, 8], 110.0: [8, 9], 120.0: [7]})


def test_selected_samples_keep_their_slots_even_if_none_is_left() -> None:
    scans = example()
    late = scans.select(scans.time_s > 115)
    assert late.slots.tolist() == [7, 8, 9]
    assert late.start.tolist() == [0, 1, 1, 1]
    assert late.time_s.tolist() == [120.0]


def test_some_slots_of_the_scans_have_their_own_samples() -> None:
    scans = example().of(np.array([7, 9]))
    assert scans.start.tolist() == [0, 2, 3]
    assert np.floor(scans.time_s).tolist() == [100, 120, 110]


def test_no_slot_of_the_scans_has_no_sample() -> None:
    scans = example().of(np.empty(0, np.int64))
    assert scans.start.tolist() == [0]
    assert scans.emit_um.shape == (0, 2)


# --- BQM


def lengths_of(
    buckets: dict[float, Sequence[float]],
    lengths: dict[float, Sequence[float]],
    slots: Sequence[int],
) -> tuple[Any, list[str]]:
    log = DropLog(1)
    found = bqm_lengths(series(buckets, "B"), series(lengths, "L"), np.array(slots), log)
    return found, [note.text for note in log.notes]


def test_lengths_go_to_the_filled_slots_in_their_order() -> None:
    found, notes = lengths_of({0.0: [31, 51, 1001]}, {1.0: [1e-9, 2e-9, 3e-9]}, [3, 5, 100])
    assert found.values.tolist() == [[1e-9, 2e-9, 3e-9]]
    assert found.time_s.tolist() == [1.0]
    assert notes == []


def test_lengths_of_slots_that_nobody_asked_for_are_left_out() -> None:
    found, _ = lengths_of({0.0: [31, 51, 1001]}, {1.0: [1e-9, 2e-9, 3e-9]}, [5])
    assert found.values.tolist() == [[2e-9]]


def test_a_slot_that_was_not_filled_yet_is_nan() -> None:
    buckets = {0.0: [31.0], 10.0: [31.0, 51.0]}
    found, _ = lengths_of(buckets, {1.0: [1e-9], 11.0: [1e-9, 2e-9]}, [3, 5, 8])
    expected = [[1e-9, np.nan, np.nan], [1e-9, 2e-9, np.nan]]
    assert np.array_equal(found.values, expected, equal_nan=True)


def test_lengths_belong_to_the_newest_list_of_buckets_not_after_them() -> None:
    buckets = {0.0: [31.0], 10.0: [51.0], 20.0: [71.0]}
    found, _ = lengths_of(buckets, {9.9: [1e-9], 10.0: [2e-9], 30.0: [3e-9]}, [3, 5, 7])
    assert np.argmax(np.isfinite(found.values), axis=1).tolist() == [0, 1, 2]


def test_zeros_behind_buckets_and_lengths_do_not_count() -> None:
    found, notes = lengths_of({0.0: [31, 51, 0, 0]}, {1.0: [1e-9, 2e-9, 0, 0, 0]}, [3, 5])
    assert found.values.tolist() == [[1e-9, 2e-9]]
    assert notes == []


@pytest.mark.parametrize("values", [[1e-9], [1e-9, 2e-9, 3e-9], [0.0]])
def test_an_acquisition_of_another_number_is_dropped_and_noted(values: list[float]) -> None:
    rows = {1.0: [1e-9, 2e-9], 2.0: values, 3.0: [3e-9, 4e-9]}
    found, notes = lengths_of({0.0: [31, 51]}, rows, [3, 5])
    assert found.time_s.tolist() == [1.0, 3.0]
    assert found.values.tolist() == [[1e-9, 2e-9], [3e-9, 4e-9]]
    assert notes == ["L: 1 acquisitions whose number of lengths is not that of B dropped (33.33%)"]


def test_lengths_before_the_first_list_of_buckets_are_dropped_and_noted() -> None:
    found, notes = lengths_of({10.0: [31]}, {1.0: [1e-9], 11.0: [2e-9]}, [3])
    assert found.time_s.tolist() == [11.0]
    assert len(notes) == 1


def test_without_any_length_there_is_no_sample() -> None:
    found, notes = lengths_of({0.0: [31]}, {}, [3])
    assert found.values.shape == (0, 1)
    assert notes == ["L: no usable acquisition: bunch lengths and luminosity are NaN"]


@pytest.mark.parametrize(("bucket", "column"), [(1, 0), (10, 0), (11, 1), (35640, 2)])
def test_ten_buckets_are_a_slot(bucket: int, column: int) -> None:
    found, _ = lengths_of({0.0: [bucket]}, {1.0: [1e-9]}, [0, 1, 3563])
    assert np.flatnonzero(np.isfinite(found.values[0])).tolist() == [column]


def test_a_bucket_beyond_the_ring_is_named() -> None:
    told = "bucket 35641 is beyond the ring; download the file again$"
    with pytest.raises(BadInputError, match=told):
        lengths_of({0.0: [31, 35641]}, {1.0: [1e-9, 2e-9]}, [3])


# --- from files


def write(path: Path, variables: dict[str, dict[float, Sequence[float]]]) -> Path:
    """Write a file of the logging service; times are seconds after 2017-07-01 UTC."""
    start = np.datetime64("2017-07-01T00:00:00.000")
    blocks = []
    for name, rows in variables.items():
        lines = [f"VARIABLE: {name}", "", "Timestamp (UTC_TIME),Value"]
        for t, row in rows.items():
            stamp = str(start + np.timedelta64(round(1000 * t), "ms")).replace("T", " ")
            lines.append(",".join([stamp, *map(str, row)]))
        blocks.append("\n".join(lines))
    path.write_text("\n\n".join(blocks) + "\n")
    return path


START_S = 1_498_867_200.0
BBB: dict[str, dict[float, Sequence[float]]] = {
    "LHC.BCTFR.A6R4.B1:BUNCH_INTENSITY": {1.0: [0, 0, 1e11, 2e11], 2.0: [0, 0, 3e11, 4e11]},
    "LHC.BCTFR.B6R4.B1:BUNCH_INTENSITY": {1.5: [0, 0, 5e11, 6e11]},
    "LHC.BQM.B1:FILLED_BUCKETS": {0.0: [21, 31]},
    "LHC.BQM.B1:BUNCH_LENGTHS": {1.0: [1e-9, 2e-9]},
    "LHC.BSRT.5R4.B1:GATE_DELAY": {1.0: [2, 2, 3, 3], 2.0: [2, 2, 3, 3]},
    "LHC.BSRT.5R4.B1:FIT_SIGMA_H": {1.0: [1, 1, 1, 1], 2.0: [1, 1, 1, 1]},
    "LHC.BSRT.5R4.B1:FIT_SIGMA_V": {1.0: [1, 1, 1, 1], 2.0: [1, 1, 1, 1]},
}
BASIC = {"LHC.BSRA.US45.B1:ABORT_GAP_ENERGY": {0.0: [6500.0]}}
A, B = list(BBB)[:2]


def measure(
    tmp_path: Path,
    fill: int = 5845,
    stable_s: tuple[float, float] | None = None,
    **changes: dict[float, Sequence[float]] | None,
) -> BeamMeasurements:
    """Return the measurements of beam 1; `changes` replace or remove the variables that end so."""
    variables = dict(BBB)
    for end, rows in changes.items():
        name = next(n for n in BBB if n.endswith(end) or n.split(":")[0].endswith(f"{end}6R4.B1"))
        if rows is None:
            del variables[name]
        else:
            variables[name] = rows
    basic, bbb = write(tmp_path / "basic.csv", BASIC), write(tmp_path / "bbb.csv", variables)
    return read_beam(basic, bbb, all_names(fill), lambda: CALIBRATION, stable_s)


def read_beam(*args: Any) -> BeamMeasurements:
    """Return the measurements of beam 1; the files of most tests have no other."""
    return read_beams(*args, beams=(1,))[1]


def of_beam_2(name: str) -> str:
    return name.replace("B1:", "B2:").replace("BSRT.5R4", "BSRT.5L4")


def test_both_beams_are_read_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bunches, energies = dict(BBB), dict(BASIC)
    for name, rows in BBB.items():
        factor = 3 if "INTENSITY" in name else 1
        bunches[of_beam_2(name)] = {t: [factor * v for v in row] for t, row in rows.items()}
    energies["LHC.BSRA.US45.B2:ABORT_GAP_ENERGY"] = {0.0: [6499.0]}
    basic, bbb = write(tmp_path / "basic.csv", energies), write(tmp_path / "bbb.csv", bunches)
    passes = []
    plain = measurements.read_first

    def counted(path: Path, *args: Any, **options: Any) -> Any:
        passes.append(path)
        return plain(path, *args, **options)

    monkeypatch.setattr(measurements, "read_first", counted)
    beams = read_beams(basic, bbb, all_names(5845), lambda: CALIBRATION)
    assert passes == [basic, bbb]
    assert [(b, measured.beam) for b, measured in beams.items()] == [(1, 1), (2, 2)]
    assert [measured.highest_energy_gev for measured in beams.values()] == [6500.0, 6499.0]
    one, two = (measured.intensity_ppb.values for measured in beams.values())
    assert one.tolist() == [[1e11, 2e11], [3e11, 4e11]]
    assert two.tolist() == (3 * one).tolist()


def test_everything_of_a_beam_is_read_in_the_order_of_its_slots(tmp_path: Path) -> None:
    beam = measure(tmp_path)
    assert beam.scans.slots.tolist() == [2, 3]
    assert beam.scans.time_s[0] == pytest.approx(START_S + 1.00025, abs=1e-6)
    assert beam.intensity_ppb.values.tolist() == [[1e11, 2e11], [3e11, 4e11]]
    assert beam.length_4s_s.values.tolist() == [[1e-9, 2e-9]]
    assert beam.notes == ()


def test_without_system_a_intensities_are_those_of_system_b(tmp_path: Path) -> None:
    beam = measure(tmp_path, A=None)
    assert beam.intensity_ppb.values.tolist() == [[5e11, 6e11]]
    assert beam.intensity_ppb.time_s.tolist() == [START_S + 1.5]
    assert [note.kind for note in beam.notes] == ["replaced"]
    assert f"{A} is not in" in beam.notes[0].text


@pytest.mark.parametrize("ns", [0.05, 2.6])
def test_bunch_lengths_that_fit_in_no_bucket_are_dropped(tmp_path: Path, ns: float) -> None:
    rows = {1.0: [1e-9, 2e-9], 2.0: [ns * 1e-9, 2e-9]}
    beam = measure(tmp_path, BUNCH_LENGTHS=rows)
    assert np.isnan(beam.length_4s_s.values).tolist() == [[False, False], [True, False]]
    (note,) = beam.notes
    assert (
        note.text
        == "LHC.BQM.B1:BUNCH_LENGTHS: 1 bunch lengths outside 0.1 to 2.5 ns dropped (25.00%)"
    )
    assert note.numbers == {"dropped": 1, "of": 4}


def test_energies_that_the_machine_cannot_have_are_dropped(tmp_path: Path) -> None:
    rows: dict[float, Sequence[float]] = {0.0: [6500.0], 1.5: [7864.0], 1.6: [-1.0], 1.7: [6500.0]}
    basic = write(tmp_path / "b.csv", {"LHC.BSRA.US45.B1:ABORT_GAP_ENERGY": rows})
    bbb = write(tmp_path / "bbb.csv", BBB)
    beam = read_beam(basic, bbb, all_names(5845), lambda: CALIBRATION)
    assert beam.highest_energy_gev == 6500.0
    assert beam.dropped == {"energy": 2}
    assert "2 energies outside 0 to 7500 GeV dropped (50.00%)" in beam.notes[0].text


def test_the_ramp_has_ended_when_the_highest_energy_is_reached(tmp_path: Path) -> None:
    rows = {0.0: [450.0], 10.0: [1000.0], 20.0: [2509.0], 30.0: [2510.0], 90.0: [450.0]}
    basic = write(tmp_path / "b.csv", {"LHC.BSRA.US45.B1:ABORT_GAP_ENERGY": rows})
    bbb = write(tmp_path / "bbb.csv", BBB)
    beam = read_beam(basic, bbb, all_names(5845), lambda: CALIBRATION)
    assert beam.top_since_s == START_S + 20


@pytest.mark.parametrize("size", [0.0, -1.0])
def test_sizes_that_are_not_positive_are_dropped_and_counted(size: float) -> None:
    scans = scan({100.0: [7, 8], 110.0: [7, 8]}, size_v={100.0: [1.0, size], 110.0: [1.0, 1.0]})
    assert scans.start.tolist() == [0, 2, 3]
    assert scans.n_dropped == 1


def test_planes_of_different_times_are_dropped_and_counted() -> None:
    gates = {100.0: [7], 110.0: [7], 120.0: [7]}
    scans = scan(gates, size_v={100.0: [1.0], 111.0: [1.0], 120.0: [1.0]})
    assert scans.time_s.tolist() == [100.0, 120.0]
    assert scans.n_dropped == 1


def test_planes_without_a_common_time_are_no_data() -> None:
    with pytest.raises(NoDataError, match="GATE, H, V have no time in common"):
        scan({100.0: [7]}, size_v={101.0: [1.0]})


def test_less_than_one_per_cent_dropped_is_kept_but_not_told(tmp_path: Path) -> None:
    sizes: dict[float, list[float]] = {float(t): [1, 1, 1, 1] for t in range(100)}
    few, many = {**sizes, 5.0: [1, 1, 0, 0]}, {**sizes, 5.0: [0, 0, 0, 0], 6.0: [0, 0, 0, 0]}
    gates = {t: [2, 2, 3, 3] for t in sizes}
    for rows, n, quiet in ((few, 1, True), (many, 4, False)):
        beam = measure(tmp_path, GATE_DELAY=gates, FIT_SIGMA_H=sizes, FIT_SIGMA_V=rows)
        (note,) = beam.notes
        assert note.numbers == {"dropped": n, "of": 200}
        assert note.quiet == quiet


def minutes(values: Sequence[float], *spans: tuple[int, int]) -> dict[float, Sequence[float]]:
    """Return a row each minute of the spans, in minutes."""
    return {60.0 * m: values for span in spans for m in range(*span)}


def read_stable(
    tmp_path: Path, stable_min: tuple[int, int] = (0, 240), **changes: dict[float, Sequence[float]]
) -> BeamMeasurements:
    start, end = (START_S + 60.0 * m for m in stable_min)
    return measure(tmp_path, stable_s=(start, end), **changes)


def test_where_system_a_stops_system_b_steps_in(tmp_path: Path) -> None:
    beam = read_stable(
        tmp_path,
        A=minutes([0, 0, 1e11, 2e11], (0, 60), (180, 240)),
        B=minutes([0, 0, 5e11, 6e11], (0, 300)),
    )
    minute = np.round((beam.intensity_ppb.time_s - START_S) / 60)
    assert minute.tolist() == list(range(240))
    by_b = beam.intensity_ppb.values[:, 0] == 5e11
    assert minute[by_b].tolist() == list(range(60, 180))
    (note,) = beam.notes
    assert (note.kind, note.quantity, note.beam) == ("replaced", "bunch intensity", 1)
    assert note.numbers["minutes"] == 121
    assert note.span_s == (START_S + 59 * 60, START_S + 180 * 60)


def test_where_system_a_measures_system_b_is_left_alone(tmp_path: Path) -> None:
    beam = read_stable(
        tmp_path,
        A=minutes([0, 0, 1e11, 2e11], (0, 240)),
        B=minutes([0, 0, 5e11, 6e11], (0, 300)),
    )
    assert set(beam.intensity_ppb.values[:, 0]) == {1e11}
    assert beam.notes == ()


def test_without_either_system_both_are_named(tmp_path: Path) -> None:
    message = rf"^{A} or {B} not in .*bbb\.csv; download it again: python .*Utilities.getData"
    with pytest.raises(MissingInputError, match=message):
        measure(tmp_path, A=None, B=None)


def test_too_few_columns_of_intensities_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has 3 columns, but the BSRT measured slot 3"):
        measure(tmp_path, A={1.0: [0, 0, 1e11]})


def test_rows_of_intensities_that_end_early_are_dropped_and_noted(tmp_path: Path) -> None:
    beam = measure(tmp_path, A={1.0: [0, 0, 1e11, 2e11], 2.0: [0, 0, 3e11]})
    assert beam.intensity_ppb.values.tolist() == [[1e11, 2e11]]
    assert beam.intensity_ppb.time_s.tolist() == [START_S + 1.0]
    assert [n.text for n in beam.notes] == [f"{A}: 1 rows that end before slot 3 dropped (50.00%)"]
    assert beam.dropped == {"bunch intensity": 1}


def test_intensities_without_a_row_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=rf"{A} in .*bbb\.csv has no row"):
        measure(tmp_path, A={})


def test_a_row_with_an_empty_value_is_dropped_and_noted(tmp_path: Path) -> None:
    beam = measure(tmp_path, A={1.0: [0, 0, "", 2e11], 2.0: [0, 0, 3e11, 4e11]})  # type: ignore[list-item]
    assert beam.intensity_ppb.values.tolist() == [[3e11, 4e11]]
    assert [n.text for n in beam.notes] == [f"{A}: 1 rows with an empty value dropped (50.00%)"]


def test_a_record_lost_to_an_empty_size_is_noted(tmp_path: Path) -> None:
    beam = measure(tmp_path, FIT_SIGMA_V={1.0: [1, "", 1, 1], 2.0: [1, 1, 1, 1]})  # type: ignore[list-item]
    assert beam.scans.start.tolist() == [0, 1, 2]
    assert "FIT_SIGMA_V: 1 rows with an empty value dropped" in beam.notes[0].text


@pytest.mark.parametrize("name", ["GATE_DELAY", "FIT_SIGMA_H", "FILLED_BUCKETS", "BUNCH_LENGTHS"])
def test_a_missing_variable_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingInputError, match=rf"{name} not in .*bbb\.csv"):
        measure(tmp_path, **{name: None})


def test_a_missing_energy_is_named(tmp_path: Path) -> None:
    basic = write(tmp_path / "basic.csv", {"OTHER": {0.0: [1.0]}})
    bbb = write(tmp_path / "bbb.csv", BBB)
    name = re.escape("LHC.BSRA.US45.B1:ABORT_GAP_ENERGY")
    with pytest.raises(MissingInputError, match=rf"{name} not in .*basic\.csv"):
        read_beam(basic, bbb, all_names(5845), lambda: CALIBRATION)


def test_what_was_dropped_is_told_with_the_fill(
    golden_config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read(*_: object, **__: object) -> dict[int, BeamMeasurements]:
        none: Any = None
        quiet = Note("dropped", "1 row", quiet=True)
        notes = {b: (Note("dropped", f"B{b}: 3 rows dropped"), quiet) for b in (1, 2)}
        return {b: BeamMeasurements(b, none, none, none, notes[b]) for b in (1, 2)}

    monkeypatch.setattr("lumimod.steps.context.read_beams", read)
    assert set(context(golden_config).beams) == {1, 2}
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [("WARNING", f"fill 5845: B{beam}: 3 rows dropped") for beam in (1, 2)]


# --- emittances that are given directly

EMIT_H, EMIT_V = "LHC.BSRT.5R4.B1:BUNCH_EMITTANCE_H", "LHC.BSRT.5R4.B1:BUNCH_EMITTANCE_V"
nan = float("nan")


def emittances(
    emit_h: dict[float, Sequence[float]],
    emit_v: dict[float, Sequence[float]],
    energy: Series = TOP,
) -> Scans:
    return emittance_scans(series(emit_h, "H"), series(emit_v, "V"), energy)


def test_every_slot_with_both_emittances_is_a_sample() -> None:
    scans = emittances(
        {10.0: [0, 2.0, nan, 3.0], 20.0: [0, 2.1, 4.0, 3.1]},
        {10.0: [0, 1.0, 1.0, 1.5], 20.0: [0, 1.1, 0, 1.6]},
    )
    assert scans.slots.tolist() == [1, 3]
    assert scans.start.tolist() == [0, 2, 4]
    assert scans.time_s.tolist() == [10.0, 20.0, 10.0, 20.0]
    assert scans.emit_um.tolist() == [[2.0, 1.0], [2.1, 1.1], [3.0, 1.5], [3.1, 1.6]]


def test_the_samples_of_a_slot_are_a_slice() -> None:
    rows = {0.0: [0, 0, 2.0, 3.0], 10.0: [0, 0, 2.5, 3.5]}
    found = emittance_scans(series(rows, "H"), series(rows, "V"), TOP)
    first, last = (found.emit_um[found.start[j] : found.start[j + 1], 0] for j in (0, 1))
    assert (first.tolist(), last.tolist()) == ([2.0, 2.5], [3.0, 3.5])


def test_acquisitions_may_end_at_their_last_bunch() -> None:
    scans = emittances({10.0: [2.0], 20.0: [2.1, 3.0]}, {10.0: [1.0], 20.0: [1.1, 1.5]})
    assert scans.slots.tolist() == [0, 1]
    assert scans.time_s.tolist() == [10.0, 20.0, 20.0]


@pytest.mark.parametrize(
    ("gev", "counts"),
    [
        (400, 0),
        (450, 1),
        (500, 0),
        (3000, 0),
        (6400, 0),
        (6500, 1),
        (6799, 1),
        (6900, 0),
        (7000, 0),
    ],
)
def test_emittances_of_the_ramp_are_left_out(gev: float, counts: int) -> None:
    energy = series({0.0: [gev], 15.0: [6800.0]}, "energy")
    scans = emittances({10.0: [2.0], 20.0: [2.1]}, {10.0: [1.0], 20.0: [1.1]}, energy)
    assert scans.time_s.tolist() == [10.0, 20.0][1 - counts :]


def test_emittances_at_no_known_energy_are_no_data() -> None:
    energy = series({0.0: [3000.0]}, "energy")
    told = r"H in data\.csv: no emittance at a known energy; is this the right fill\?$"
    with pytest.raises(NoDataError, match=told):
        emittances({10.0: [2.0]}, {10.0: [1.0]}, energy)


def test_an_emittance_below_one_counts_if_both_planes_have_one() -> None:
    scans = emittances({10.0: [0.5, 0, 0.5]}, {10.0: [0.5, 0.5, 0]})
    assert scans.slots.tolist() == [0]
    assert scans.emit_um.tolist() == [[0.5, 0.5]]


def test_slots_that_one_plane_lacks_are_left_out() -> None:
    scans = emittances({10.0: [2.0, 3.0, 4.0]}, {10.0: [1.0, 1.5]})
    assert scans.slots.tolist() == [0, 1]


def test_the_last_slot_may_have_an_emittance() -> None:
    full = [2.0] * 3564
    assert emittances({10.0: full}, {10.0: full}).slots[-1] == 3563


def test_more_emittances_than_slots_are_refused() -> None:
    with pytest.raises(BadInputError, match="H in .* has 3565 values a row, but there are 3564"):
        emittances({10.0: [2.0] * 3565}, {10.0: [1.0]})


BUNCHES_OF_RUN_3 = {name: rows for name, rows in BBB.items() if "BSRT" not in name}
LOGGED = {
    EMIT_H: {1.0: [0, 0, 2.0, 3.0], 2.0: [0, 0, 2.1, 3.1]},
    EMIT_V: {1.0: [0, 0, 1.0, 1.5], 2.0: [0, 0, 1.1, 1.6]},
}


def run_3(tmp_path: Path, **changes: dict[float, Sequence[float]]) -> BeamMeasurements:
    """Return the measurements of beam 1 in a fill of Run 3 without any beam size."""
    variables = {**BUNCHES_OF_RUN_3, **LOGGED, **changes}
    basic = write(tmp_path / "basic.csv", {"LHC.BCCM.B1.A:BEAM_ENERGY": {0.0: [6799.0]}})
    bbb = write(tmp_path / "bbb.csv", {name: rows for name, rows in variables.items() if rows})

    def calibration() -> BsrtCalibration:
        raise MissingInputError("no calibration")

    return read_beam(basic, bbb, all_names(8000), calibration)


def test_logged_emittances_need_no_sizes_and_no_calibration(tmp_path: Path) -> None:
    beam = run_3(tmp_path)
    assert beam.scans.slots.tolist() == [2, 3]
    assert beam.scans.emit_um[:, 0].tolist() == [2.0, 2.1, 3.0, 3.1]
    assert beam.intensity_ppb.values.tolist() == [[1e11, 2e11], [3e11, 4e11]]
    assert beam.highest_energy_gev == 6799.0


@pytest.mark.parametrize("lost", [EMIT_H, EMIT_V])
def test_without_logged_emittances_the_sizes_are_calibrated(tmp_path: Path, lost: str) -> None:
    sizes = {name: rows for name, rows in BBB.items() if "BSRT" in name}
    with pytest.raises(MissingInputError, match="no calibration"):
        run_3(tmp_path, **{lost: {}}, **sizes)


def test_one_beam_may_have_logged_emittances_and_the_other_sizes(tmp_path: Path) -> None:
    sizes = {of_beam_2(name): rows for name, rows in BBB.items() if "BSRT" in name}
    others = {of_beam_2(name): rows for name, rows in BUNCHES_OF_RUN_3.items()}
    energies = {f"LHC.BCCM.B{beam}.A:BEAM_ENERGY": {0.0: [6500.0]} for beam in (1, 2)}
    basic = write(tmp_path / "basic.csv", energies)
    bbb = write(tmp_path / "bbb.csv", {**BUNCHES_OF_RUN_3, **LOGGED, **others, **sizes})
    beams = read_beams(basic, bbb, all_names(8000), lambda: CALIBRATION)
    assert beams[1].scans.emit_um[:, 0].tolist() == [2.0, 2.1, 3.0, 3.1]
    assert beams[2].scans.emit_um[:, 0] == pytest.approx([emit(1.0, beam=2)] * 4)


def test_without_emittances_and_sizes_the_sizes_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"GATE_DELAY; .*FIT_SIGMA_H; .* not in .*bbb\.csv"):
        run_3(tmp_path, **{EMIT_H: {}})


def test_in_run_2_sizes_are_calibrated_even_if_emittances_are_logged(tmp_path: Path) -> None:
    logged = {EMIT_H: {1.0: [0, 0, 9.0, 9.0]}, EMIT_V: {1.0: [0, 0, 9.0, 9.0]}}
    basic, bbb = write(tmp_path / "a.csv", BASIC), write(tmp_path / "b.csv", {**BBB, **logged})
    beam = read_beam(basic, bbb, all_names(5845), lambda: CALIBRATION)
    assert beam.scans.emit_um[0, 0] == pytest.approx(emit(1.0))


# --- notes, in whole


def test_the_note_of_a_beam_without_lengths_names_quantity_and_beam() -> None:
    log = DropLog(2)
    bqm_lengths(series({0.0: [31]}, "B"), series({}, "L"), np.array([3]), log)
    text = "L: no usable acquisition: bunch lengths and luminosity are NaN"
    assert log.notes == [Note("lacking", text, "bunch length", 2)]


def test_the_note_of_what_was_dropped_names_quantity_and_beam() -> None:
    log = DropLog(2)
    log.drop("emittance", 0, 10, "{} of none")
    log.drop("emittance", 1, 100, "{} of a hundred")
    log.drop("emittance", 2, 100, "{} of a hundred")
    one, two = ({"dropped": n, "of": 100} for n in (1, 2))
    assert log.notes == [
        Note("dropped", "1 of a hundred dropped (1.00%)", "emittance", 2, None, one, quiet=True),
        Note("dropped", "2 of a hundred dropped (2.00%)", "emittance", 2, None, two),
    ]
    assert log.counts == {"emittance": 3}


def test_rows_with_an_empty_value_count_for_their_quantity(tmp_path: Path) -> None:
    sizes = {1.0: [1, 1, 1, 1], 2.0: [1, 1, "", 1]}
    beam = measure(tmp_path, FIT_SIGMA_H=sizes)  # type: ignore[arg-type]
    assert {note.quantity for note in beam.notes} == {"emittance"}
    assert set(beam.dropped) == {"emittance"}


def test_where_system_b_steps_in_the_note_names_it(tmp_path: Path) -> None:
    beam = read_stable(
        tmp_path,
        A=minutes([0, 0, 1e11, 2e11], (0, 60), (180, 240)),
        B=minutes([0, 0, 5e11, 6e11], (0, 300)),
    )
    (note,) = beam.notes
    assert note.text == (
        "bunch intensity of beam 1: no measurement for 121 min from 00:59 to 03:00 UTC: "
        f"{B} steps in"
    )
    assert note.numbers == {
        "minutes": 121, "from": START_S + 59 * 60, "to": START_S + 180 * 60,
    }  # fmt: skip


@pytest.mark.parametrize("rows", [{}, {1.5: [0, 0, 5e11]}])
def test_a_system_b_that_lacks_the_bunches_does_not_step_in(
    tmp_path: Path, rows: dict[float, Sequence[float]]
) -> None:
    beam = read_stable(tmp_path, A=minutes([0, 0, 1e11, 2e11], (0, 60)), B=rows)
    assert set(beam.intensity_ppb.values[:, 0]) == {1e11}
    assert beam.notes == ()


def test_a_gap_in_which_system_b_did_not_measure_either_has_no_note(tmp_path: Path) -> None:
    beam = read_stable(
        tmp_path,
        A=minutes([0, 0, 1e11, 2e11], (0, 60), (90, 150), (180, 240)),
        B=minutes([0, 0, 5e11, 6e11], (60, 90)),
    )
    (note,) = beam.notes
    assert note.span_s == (START_S + 59 * 60, START_S + 90 * 60)


def test_intensities_without_a_row_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=f"has no row; {re.escape(download(tmp_path / 'bbb.csv'))}"
    ):
        measure(tmp_path, A={})


def test_the_note_of_a_calibration_is_told_once_for_both_beams() -> None:
    noted = dataclasses.replace(CALIBRATION, note="of another year")
    gates = {0.0: [2.0]}
    channels = {
        what: series(rows, what)
        for what, rows in (("gates", gates), ("h", sizes_of(gates)), ("v", sizes_of(gates)))
    }
    of = dict(zip(measurements.SIZES, channels.values()))
    told = []
    for beam in (1, 2):
        log = DropLog(beam)
        measurements._scans(of, TOP, lambda: noted, log)
        told += log.notes
    assert told == [Note("calibration", "of another year", "emittance", 1)]


@pytest.mark.parametrize(("gev", "dropped"), [(-0.5, 1), (0.0, 0), (0.5, 0), (7500.0, 0), (7e6, 1)])
def test_energies_from_zero_on_are_possible(gev: float, dropped: int) -> None:
    log = DropLog(1)
    energy = measurements._possible_energies(series({0.0: [6500.0], 1.0: [gev]}, "E"), log)
    assert energy.time_s.size == 2 - dropped
    assert log.counts == ({"energy": 1} if dropped else {})


def test_energies_that_are_all_impossible_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"E in data\.csv: all energies are outside 0 to"):
        measurements._possible_energies(series({0.0: [-1.0], 1.0: [7e6]}, "E"), DropLog(1))


def test_channels_of_different_files_are_told_with_the_first() -> None:
    gates = series({100.0: [7], 110.0: [7]}, "GATE")
    sizes = dataclasses.replace(series({100.0: [1.0]}, "H"), origin=Path("other.csv"))
    text = "BSRT channels in data.csv have different numbers of records (GATE 2, H 1, H 1); "
    with pytest.raises(BadInputError, match=re.escape(text) + "download the file again$"):
        bsrt_scans(gates, sizes, sizes, TOP, 1, CALIBRATION)


def test_emittances_that_are_infinite_do_not_count_and_raise_no_warning() -> None:
    h, v = series({0.0: [np.inf, 2.0]}, "H"), series({0.0: [-np.inf, 1.5]}, "V")
    assert emittance_scans(h, v, TOP).slots.tolist() == [1]


def test_system_b_steps_in_for_every_gap_of_system_a(tmp_path: Path) -> None:
    beam = read_stable(
        tmp_path,
        A=minutes([0, 0, 1e11, 2e11], (0, 60), (90, 120), (180, 240)),
        B=minutes([0, 0, 5e11, 6e11], (0, 300)),
    )
    minute = np.round((beam.intensity_ppb.time_s - START_S) / 60).astype(int)
    of_b = minute[beam.intensity_ppb.values[:, 0] == 5e11]
    gaps = [*range(60, 90), *range(120, 180)]
    assert [m for m in of_b.tolist() if m < 180] == gaps
    assert [note.kind for note in beam.notes][:2] == ["replaced", "replaced"]


def test_without_system_b_the_gaps_of_system_a_are_left(tmp_path: Path) -> None:
    beam = read_stable(tmp_path, A=minutes([0, 0, 1e11, 2e11], (0, 60), (180, 240)), B=None)  # type: ignore[arg-type]
    assert set(beam.intensity_ppb.values[:, 0]) == {1e11}
    assert beam.notes == ()


def test_the_scans_of_some_slots_are_of_these() -> None:
    assert example().of(np.array([9])).slots.tolist() == [9]


def test_what_is_wrong_with_intensities_is_told_with_the_command_of_the_fill() -> None:
    path, log = Path("basic_data_fill_5845.csv"), DropLog(1)
    for rows, text in (
        ({}, "has no row"),
        ({1.0: [0, 1e11]}, "has 2 columns, but the BSRT measured slot 3"),
    ):
        one = dataclasses.replace(series(rows, "I"), origin=path)  # type: ignore[arg-type]
        with pytest.raises(BadInputError) as caught:
            fbct_intensities(one, np.array([1, 3]), log)
        assert str(caught.value) == f"I in {path} {text}; {download(path)}"
    assert "--fill 5845" in download(path)


def test_lengths_at_the_limits_of_a_bucket_are_possible_and_others_are_noted() -> None:
    values = np.array([[0.1e-9, 2.5e-9], [0.099e-9, np.nan], [1e-9, 2.501e-9]])
    log = DropLog(2)
    found = possible_lengths(BunchSamples(np.array([1.0, 2.0, 3.0]), values), "L", log)
    expected = [[0.1e-9, 2.5e-9], [np.nan, np.nan], [1e-9, np.nan]]
    np.testing.assert_array_equal(found.values, expected)
    assert found.time_s.tolist() == [1.0, 2.0, 3.0]
    text = "L: 2 bunch lengths outside 0.1 to 2.5 ns dropped (40.00%)"
    assert log.notes == [Note("dropped", text, "bunch length", 2, None, {"dropped": 2, "of": 5})]


def test_dropped_acquisitions_of_lengths_count_for_their_quantity() -> None:
    log = DropLog(1)
    rows = {1.0: [1e-9, 2e-9], 2.0: [1e-9]}
    bqm_lengths(series({0.0: [31, 51]}, "B"), series(rows, "L"), np.array([3, 5]), log)
    assert log.counts == {"bunch length": 1}
    assert [note.quantity for note in log.notes] == ["bunch length"]


def test_a_factor_of_lengths_changes_lengths_alone(tmp_path: Path) -> None:
    beam = measure(tmp_path)
    assert beam.with_length_factor(1) is beam
    twice = beam.with_length_factor(2.0)
    assert twice.length_4s_s.values.tolist() == [[2e-9, 4e-9]]
    assert twice.length_4s_s.time_s.tolist() == [START_S + 1.0]
    assert dataclasses.replace(twice, length_4s_s=beam.length_4s_s) == beam


def test_the_note_of_intensities_by_system_b_alone_is_whole(tmp_path: Path) -> None:
    text = f"{A} is not in {tmp_path / 'bbb.csv'}: bunch intensities of beam 1 are of {B}"
    assert measure(tmp_path, A=None).notes == (Note("replaced", text, "bunch intensity", 1),)


def test_the_ramp_has_ended_at_98_per_cent_of_the_highest_energy(tmp_path: Path) -> None:
    rows = {0.0: [450.0], 10.0: [2449.0], 20.0: [2450.0], 30.0: [2500.0]}
    basic = write(tmp_path / "b.csv", {"LHC.BSRA.US45.B1:ABORT_GAP_ENERGY": rows})
    bbb = write(tmp_path / "bbb.csv", BBB)
    beam = read_beam(basic, bbb, all_names(5845), lambda: CALIBRATION)
    assert beam.top_since_s == START_S + 20


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_records_are_counted_by_the_channel_that_has_most(whole: int) -> None:
    sizes = [{t: [7.0] for t in (1.0, 2.0, 3.0)} for _ in range(3)]
    for channel, rows in enumerate(sizes):
        if channel != whole:
            del rows[2.0]
    lost = tuple(int(channel != whole) for channel in range(3))
    scans = scan(*sizes, dropped=lost)  # type: ignore[arg-type]
    assert scans.time_s.tolist() == [1.0, 3.0]
    assert scans.n_dropped == 1


def test_channels_that_have_the_same_times_fit_together_whatever_they_lost() -> None:
    assert scan({1.0: [7], 2.0: [7]}, dropped=(1, 0, 0)).time_s.tolist() == [1.0, 2.0]


def test_energies_without_a_row_are_told_with_the_command_of_the_fill() -> None:
    path = Path("basic_data_fill_5845.csv")
    none = dataclasses.replace(series({}, "E"), origin=path)
    with pytest.raises(BadInputError) as caught:
        scan({50.0: [7]}, energy=none)
    assert str(caught.value) == f"E in {path} has no row; {download(path)}"


def test_a_time_with_two_records_of_which_a_channel_lost_one_is_left_out() -> None:
    def channel(name: str, times: list[float], n_dropped: int) -> Series:
        one = series(dict.fromkeys(map(float, range(len(times))), (1.0, 2.0)), name, n_dropped)
        return dataclasses.replace(one, time_s=np.array(times))

    energy = series({0.0: [6500.0]}, "energy")
    whole, short = channel("h", [1.0, 1.0, 2.0], 0), channel("v", [1.0, 2.0], 1)
    assert emittance_scans(whole, short, energy).time_s.tolist() == [2.0, 2.0]
    gates = channel("gates", [1.0, 1.0, 2.0], 0)
    scans = bsrt_scans(gates, whole, short, energy, 1, CALIBRATION)
    assert (scans.slots.tolist(), scans.start.tolist(), scans.n_dropped) == ([1, 2], [0, 1, 2], 2)
