"""Bad input: one line says fill, file, variable and what to do; all else goes on.

Every test runs a good fill beside the bad one; its results must be those of an undisturbed run.
One step of it is left to do, which takes a tenth of the time of all; tests in which the fills share
more than the run, such as a disk, begin with `nothing_done`.
"""

from __future__ import annotations

import datetime
import gzip
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import pytest

from lumimod.records import diary
from lumimod.simulate import FillSettings, simulate_fills
from lumimod.steps.registry import STEPS
from tests.conftest import Tree
from tests.run.conftest import know_copies

if TYPE_CHECKING:
    from tests.run.conftest import Outcome, ReplaceRun, Site

pytestmark = pytest.mark.slow  # whole runs, together many seconds

FILL, OTHER = 5845, 5848
ALL = list(STEPS)
READS_BEAMS = ("sb", "cycle")
DOWNLOAD = "download it again"
GOOD = Mapping[str, bytes]


# --- what holds of every bad input


@pytest.fixture(scope="session")
def good_tree(tiny_results: Path) -> Tree:
    """Return the results of the good fill."""
    return Tree(tiny_results / f"fill_{OTHER}")


@pytest.fixture
def site(site: Site, good_tree: Tree) -> Site:
    """Return the place with nothing done of the bad fill, and all but one step of the good one."""
    folder = site.paths(OTHER).folder
    good_tree.lay_out(folder)
    know_copies(folder / diary.NAME)
    site.remove("lifetime", fill=OTHER)
    return site


@pytest.fixture
def nothing_done(site: Site) -> None:
    """Leave all steps of the good fill to do."""
    shutil.rmtree(site.results)


def assert_told(outcome: Outcome, steps: str | Sequence[str], *pieces: str) -> None:
    """Assert that one line of the log, and one of the table a step, say what is wrong.

    Of steps that fail for the same reason the log names the first.
    """
    first, *others = (steps,) if isinstance(steps, str) else steps
    told = [line for step in (first, *others) for line in outcome.lines(f"fill {FILL}: {step}: ")]
    for lines in (told, *(table_lines(outcome, step) for step in (first, *others))):
        assert len(lines) == 1, outcome.err + outcome.out
        assert all(piece in lines[0] for piece in pieces), lines[0]
    assert f"fill {FILL}: {first}: " in told[0]
    assert outcome.status == 1
    assert "Traceback" not in outcome.err
    assert "internal error" not in outcome.err


def table_lines(outcome: Outcome, step: str) -> list[str]:
    return [line for line in outcome.out.splitlines() if line.startswith(f"fill {FILL}: {step}: ")]


def assert_unharmed(site: Site, good: GOOD, *, made: Sequence[str] | None = None) -> None:
    """Assert that the good fill is done, nothing temporary stays and `made` alone was made."""
    assert site.contents(OTHER) == good
    assert site.leftovers() == []
    if made is not None:
        assert site.made() == list(made)
        whole = {path.name for step in made for path in site.written(step)}
        assert {path.name for path in site.paths().folder.glob("*.pkl.gz")} == whole


def blocks_of(path: Path) -> dict[str, list[str]]:
    """Return the rows of each variable."""
    text = path.read_text()
    return {
        block.split("\n", 1)[0].strip(): block.rstrip("\n").split("\n")[3:]
        for block in text.split("VARIABLE: ")[1:]
    }


def write_blocks(path: Path, blocks: Mapping[str, Sequence[str]]) -> None:
    path.write_text(
        "".join(
            f"VARIABLE: {name}\n\nTimestamp (UTC_TIME),Array Values\n" + "\n".join(rows) + "\n\n"
            for name, rows in blocks.items()
        )
    )


def edit(path: Path, name: str, change: Callable[[list[str]], Sequence[str] | None]) -> None:
    """Change the rows of a variable; None takes it out."""
    blocks: dict[str, Sequence[str]] = dict(blocks_of(path))
    rows = change(list(blocks.pop(name)))
    write_blocks(path, blocks if rows is None else {**blocks, name: rows})


def columns(row: str, n: int) -> str:
    """Return a row with no more than `n` values."""
    return ",".join(row.split(",")[: n + 1])


# --- CSV files


@pytest.mark.parametrize("name", ["basic_data", "bbb_data"])
@pytest.mark.usefixtures("nothing_done")
def test_missing_csv(site: Site, good_results: GOOD, name: str) -> None:
    path: Path = getattr(site.paths(), name)
    path.unlink()
    outcome = site.run()
    assert_told(outcome, READS_BEAMS, str(path), "no such file", "download it", "config.py")
    assert_unharmed(site, good_results, made=[])


NEEDED = {
    "basic_data": [f"LHC.BSRA.US45.B{beam}:ABORT_GAP_ENERGY" for beam in (1, 2)],
    "bbb_data": [
        *(f"LHC.BQM.B{beam}:{x}" for beam in (1, 2) for x in ("FILLED_BUCKETS", "BUNCH_LENGTHS")),
        *(
            f"{device}:{x}"
            for device in ("LHC.BSRT.5R4.B1", "LHC.BSRT.5L4.B2")
            for x in ("GATE_DELAY", "FIT_SIGMA_H", "FIT_SIGMA_V")
        ),
    ],
}


@pytest.mark.parametrize(("name", "variable"), [(n, v) for n, of in NEEDED.items() for v in of])
def test_missing_variable(site: Site, good_results: GOOD, name: str, variable: str) -> None:
    path: Path = getattr(site.paths(), name)
    edit(path, variable, lambda rows: None)
    outcome = site.run()
    assert_told(outcome, READS_BEAMS, variable, str(path), DOWNLOAD)
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize("beam", [1, 2])
def test_intensities_of_neither_system(site: Site, good_results: GOOD, beam: int) -> None:
    path = site.paths().bbb_data
    names = [f"LHC.BCTFR.{system}6R4.B{beam}:BUNCH_INTENSITY" for system in "AB"]
    for name in names:
        edit(path, name, lambda rows: None)
    outcome = site.run()
    assert_told(outcome, "sb", *names, str(path), DOWNLOAD)
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize("beam", [1, 2])
def test_intensities_of_the_second_system_do_for_want_of_the_first(site: Site, beam: int) -> None:
    edit(site.paths().bbb_data, f"LHC.BCTFR.A6R4.B{beam}:BUNCH_INTENSITY", lambda rows: None)
    assert site.run("--fill", FILL).status == 0


WITHOUT_ROWS = [v for of in NEEDED.values() for v in of if "BQM" not in v]


@pytest.mark.parametrize(
    "variable", [*WITHOUT_ROWS, *(f"LHC.BCTFR.A6R4.B{beam}:BUNCH_INTENSITY" for beam in (1, 2))]
)
def test_variable_without_rows(site: Site, good_results: GOOD, variable: str) -> None:
    path = site.paths().basic_data if "BSRA" in variable else site.paths().bbb_data
    edit(path, variable, lambda rows: [])
    outcome = site.run()
    assert_told(outcome, "sb", variable.split(":")[0], str(path))
    assert_unharmed(site, good_results)


@pytest.mark.parametrize("beam", [1, 2])
def test_bunch_lengths_without_filled_buckets_are_dropped_and_counted(
    site: Site, good_results: GOOD, beam: int
) -> None:
    names = [f"LHC.BQM.B{beam}:{x}" for x in ("FILLED_BUCKETS", "BUNCH_LENGTHS")]
    edit(site.paths().bbb_data, names[0], lambda rows: [])
    outcome = site.run()
    assert len(outcome.lines("WARNING", f"fill {FILL}: ", *names, "dropped")) == 1
    assert_unharmed(site, good_results)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.97])
@pytest.mark.parametrize("at_line_end", [False, True])
def test_truncated_csv(site: Site, good_results: GOOD, part: float, at_line_end: bool) -> None:
    path = site.paths().bbb_data
    text = path.read_bytes()
    cut = int(len(text) * part)
    path.write_bytes(text[: text.rindex(b"\n", 0, cut) + 1] if at_line_end else text[:cut])
    outcome = site.run()
    assert_told(outcome, "sb", str(path), "download")
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize("name", ["basic_data", "bbb_data", "crossing"])
@pytest.mark.parametrize("kept", [0.01, 0.5, 0.999])
def test_truncated_gz(site: Site, good_results: GOOD, name: str, kept: float) -> None:
    path: Path = getattr(site.paths(), name)
    packed = gzip.compress(path.read_bytes(), 1)
    path.unlink()
    path = path.with_name(path.name + ".gz")
    path.write_bytes(packed[: int(len(packed) * kept)])
    outcome = site.run()
    assert_told(outcome, "sb", str(path), "truncated", DOWNLOAD)
    assert_unharmed(site, good_results, made=["cycle"] if name == "crossing" else [])


@pytest.mark.parametrize("name", ["basic_data", "bbb_data", "crossing"])
@pytest.mark.parametrize("content", [b"", b"404 Not Found\n", bytes(range(256)) * 8])
def test_file_that_is_no_timber_export(
    site: Site, good_results: GOOD, name: str, content: bytes
) -> None:
    path: Path = getattr(site.paths(), name)
    path.write_bytes(content)
    outcome = site.run()
    assert_told(outcome, "sb", str(path), DOWNLOAD)
    assert_unharmed(site, good_results, made=["cycle"] if name == "crossing" else [])


@pytest.mark.parametrize("beam", [1, 2])
def test_intensities_with_too_few_columns(site: Site, good_results: GOOD, beam: int) -> None:
    path, name = site.paths().bbb_data, f"LHC.BCTFR.A6R4.B{beam}:BUNCH_INTENSITY"
    edit(path, name, lambda rows: [columns(row, 10) for row in rows])
    outcome = site.run()
    assert_told(outcome, READS_BEAMS, name, str(path), "10 columns", DOWNLOAD)
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("basic_data", "LHC.BSRA.US45.B1:ABORT_GAP_ENERGY"),
        ("basic_data", "LHC.BSRA.US45.B2:ABORT_GAP_ENERGY"),
        ("crossing", "LHC.RUNCONFIG:IP1-XING-V-MURAD"),
        ("crossing", "LHC.RUNCONFIG:IP5-XING-H-MURAD"),
    ],
)
def test_scalar_with_several_values(
    site: Site, good_results: GOOD, name: str, variable: str
) -> None:
    path: Path = getattr(site.paths(), name)
    edit(path, variable, lambda rows: [rows[0], f"{rows[1]},7", *rows[2:]])
    outcome = site.run()
    assert_told(outcome, "sb", variable, str(path), "row 2", "2 values", DOWNLOAD)
    assert_unharmed(site, good_results)


@pytest.mark.parametrize("channel", ["GATE_DELAY", "FIT_SIGMA_H", "FIT_SIGMA_V"])
def test_bsrt_channels_with_rows_of_different_length(
    site: Site, good_results: GOOD, channel: str
) -> None:
    path, name = site.paths().bbb_data, f"LHC.BSRT.5L4.B2:{channel}"
    edit(path, name, lambda rows: [*rows[:4], columns(rows[4], 3), *rows[5:]])
    outcome = site.run()
    assert_told(
        outcome, READS_BEAMS, "LHC.BSRT.5L4.B2:GATE_DELAY", str(path), "record 5", "download"
    )
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize("channel", ["GATE_DELAY", "FIT_SIGMA_H", "FIT_SIGMA_V"])
def test_bsrt_channels_of_different_length(site: Site, good_results: GOOD, channel: str) -> None:
    path, name = site.paths().bbb_data, f"LHC.BSRT.5R4.B1:{channel}"
    edit(path, name, lambda rows: rows[:-3])
    outcome = site.run()
    assert_told(outcome, READS_BEAMS, name, str(path), "different numbers of records", "download")
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize("gate", ["9999", "-1"])
def test_gate_that_is_no_slot(site: Site, good_results: GOOD, gate: str) -> None:
    path, name = site.paths().bbb_data, "LHC.BSRT.5R4.B1:GATE_DELAY"
    edit(path, name, lambda rows: [re.sub(r",\d+$", f",{gate}", row) for row in rows])
    assert_told(site.run(), "sb", name, str(path), gate, "download")
    assert_unharmed(site, good_results, made=[])


@pytest.mark.parametrize("word", ["abc", "1.2.3"])
def test_value_that_is_no_number(site: Site, good_results: GOOD, word: str) -> None:
    path, name = site.paths().basic_data, "LHC.BSRA.US45.B1:ABORT_GAP_ENERGY"
    edit(path, name, lambda rows: [f"{rows[0].split(',')[0]},{word}", *rows[1:]])
    assert_told(site.run(), "sb", name, str(path), word, DOWNLOAD)
    assert_unharmed(site, good_results, made=[])


# --- nothing to analyse


def test_no_bunch_above_threshold(site: Site, good_results: GOOD) -> None:
    weak = FillSettings(
        n_colliding=6, n_noncolliding=1, hours=0.7, sample_s=240.0, bsrt_period_s=30.0,
        intensity_ppb=1e9,
    )  # fmt: skip
    simulate_fills(site.data, [FILL], weak, seed=3)
    outcome = site.run()
    assert_told(outcome, "sb", "no bunch reaches 3e+10", "intensity_threshold", "config.py")
    assert_unharmed(site, good_results, made=["cycle"])


@pytest.mark.usefixtures("nothing_done")
def test_no_colliding_bunch(site: Site, good_results: GOOD, tiny_results: Path) -> None:
    path = tiny_results / f"fill_{FILL}" / f"fill_{FILL}.pkl.gz"
    sb = pickle.loads(gzip.decompress(path.read_bytes()))  # noqa: S301 - made by the test
    gone = set(sb["slots_filled_coll"][1].tolist())

    def emptied(rows: list[str]) -> list[str]:
        cells = [row.split(",") for row in rows]
        return [",".join("0" if i - 1 in gone else c for i, c in enumerate(r)) for r in cells]

    edit(site.paths().bbb_data, "LHC.BCTFR.A6R4.B1:BUNCH_INTENSITY", emptied)
    outcome = site.run()
    assert_told(outcome, "sb", "no slot is filled in both beams", "leave it out")
    assert_unharmed(site, good_results, made=["cycle"])


@pytest.mark.usefixtures("nothing_done")
def test_no_stable_beams(site: Site, good_results: GOOD) -> None:
    site.edit_modes(t_start_STABLE=-1, t_stop_STABLE=-1)
    outcome = site.run("--fill", FILL, OTHER)
    assert outcome.status == 0
    assert outcome.out.splitlines()[2:] == [f"fill {FILL}: no stable beams: nothing to follow up"]
    assert_unharmed(site, good_results, made=[])


@pytest.mark.usefixtures("nothing_done")
def test_a_start_of_stable_beams_that_was_not_logged(site: Site, good_results: GOOD) -> None:
    site.edit_modes(t_start_STABLE=-1)
    outcome = site.run("--fill", FILL, OTHER)
    assert_told(outcome, "sb", "no stable beams", "leave it out")
    assert_told(outcome, "cycle", "beam modes", "leave the step out")
    assert_unharmed(site, good_results, made=[])


def test_stable_beams_shorter_than_two_steps(site: Site, good_results: GOOD) -> None:
    start = site.modes()[FILL]["t_start_STABLE"]
    site.edit_modes(t_stop_STABLE=start + 300)
    outcome = site.run()
    assert_told(
        outcome, "sb", "300 s, less than two steps of 300 s", "t_step_sec", "leave the fill"
    )
    assert_unharmed(site, good_results, made=["cycle"])


def test_stable_beams_without_an_end(site: Site, good_results: GOOD) -> None:
    site.edit_modes(t_stop_STABLE=-1, t_endfill=-1)
    outcome = site.run("--fill", FILL, OTHER)
    assert_told(outcome, "sb", "beam modes", "ended", "Utilities/getData.py --fill")
    assert_unharmed(site, good_results, made=["cycle"])


@pytest.mark.parametrize("mode", ["t_start_INJPHYS", "t_stop_PRERAMP", "t_start_FLATTOP"])
def test_cycle_that_was_not_complete(site: Site, good_results: GOOD, mode: str) -> None:
    site.edit_modes(**{mode: -1})
    outcome = site.run()
    assert_told(outcome, "cycle", "beam modes do not tell", "leave the step out")
    assert_unharmed(site, good_results, made=[step for step in ALL if step != "cycle"])


# --- beam modes


@pytest.mark.usefixtures("nothing_done")
def test_fill_that_is_not_in_the_beam_modes(site: Site, good_results: GOOD) -> None:
    outcome = site.run("--fill", 9999, OTHER)
    (line,) = outcome.lines("ERROR", "fill 9999: ")
    for piece in (
        str(site.cfg.files.bmodes),
        "not in the beam modes",
        "Utilities/getData.py --fill 9999",
    ):
        assert piece in line
    assert outcome.status == 1
    assert "fill 9999: all: not in the beam modes" in outcome.out
    assert_unharmed(site, good_results)


class Malicious:
    """Runs a command when it is unpickled by anyone less careful."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def assert_run_ended(outcome: Outcome, *pieces: str) -> None:
    """Assert that one line says why nothing could run."""
    assert outcome.status == 1
    assert outcome.err.count("\n") == 1, outcome.err
    assert outcome.err.startswith("lumimod: ")
    assert all(piece in outcome.err for piece in pieces), outcome.err


def test_missing_beam_modes(site: Site) -> None:
    site.cfg.files.bmodes.unlink()
    assert_run_ended(site.run(), str(site.cfg.files.bmodes), "no such file", "config.py")


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"\x80\x04", b"\x1f\x8b\x08", pickle.dumps([1, 2]), pickle.dumps({1: 2})],
)
def test_beam_modes_that_are_none(site: Site, content: bytes) -> None:
    path = site.cfg.files.bmodes
    path.write_bytes(content)
    assert_run_ended(site.run(), str(path), "again")


def test_truncated_beam_modes(site: Site) -> None:
    path = site.cfg.files.bmodes
    path.write_bytes(path.read_bytes()[:-200])
    assert_run_ended(site.run(), str(path), "truncated", "again")


def test_malicious_beam_modes_are_refused_by_name_and_not_run(site: Site) -> None:
    path, proof = site.cfg.files.bmodes, site.root / "proof"
    path.write_bytes(pickle.dumps({FILL: Malicious(f"touch {proof}")}))
    assert_run_ended(site.run(), str(path), "system", "not loaded")
    assert not proof.exists()


# --- machine


def test_crossing_angle_neither_measured_nor_configured(site: Site, good_results: GOOD) -> None:
    site.configure(XingAngle={(OTHER, OTHER + 1): 300e-6})
    path = site.paths().crossing
    path.unlink()
    outcome = site.run()
    assert_told(outcome, "sb", "no crossing angle", str(path), "XingAngle", "config.py")
    assert_unharmed(site, good_results, made=["cycle"])


@pytest.mark.parametrize("ip", ["IP1-XING-V", "IP5-XING-H"])
def test_crossing_file_without_an_angle_gives_way_to_config(site: Site, ip: str) -> None:
    path = site.paths().crossing
    edit(path, f"LHC.RUNCONFIG:{ip}-MURAD", lambda rows: None)
    outcome = site.run("--fill", FILL)
    assert outcome.status == 0
    assert len(outcome.lines("WARNING", str(path), "lacks a crossing angle", "XingAngle")) == 1


@pytest.mark.parametrize(
    ("names", "said", "failing"),
    [
        ({"VRF_FT": 11e6}, "6500 GeV with 11 MV", ["cycle", "model"]),
        ({"gammaFT": 5000.0}, "4691 GeV with 12 MV", ["cycle", "model"]),
        ({"VRF_FB": 8e6}, "450 GeV with 8 MV", ["cycle"]),
        ({"gammaFB": 600.0}, "563 GeV with 6 MV", ["cycle"]),
    ],
)
def test_energy_or_voltage_without_ibs_coefficients(
    site: Site, names: dict[str, float], said: str, failing: list[str]
) -> None:
    site.configure(**names)
    outcome = site.run("--fill", FILL)
    assert_told(outcome, failing, said, "there are 6500 GeV with 12 MV", "VRF_FT", "config.py")
    blocked = ["growth"] if "model" in failing else []
    assert site.made() == [step for step in ALL if step not in failing + blocked]
    assert site.leftovers() == []


def test_bsrt_calibration_that_is_missing(site: Site) -> None:
    path = site.root / "calibration.json"
    site.configure(bsrt_calibration_file=str(path))
    assert_told(site.run("--fill", FILL), "sb", str(path), "bsrt_calibration_file")


# --- Massi archives

WITHOUT_MASSI = [step for step in ALL if step not in ("massi", "emittance")]


def repack(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Change the members of an archive; None takes one out."""
    with tarfile.open(path) as tar:
        members = [(info, tar.extractfile(info)) for info in tar.getmembers() if info.isfile()]
        texts = [(info.name, stream.read()) for info, stream in members if stream is not None]
    with tarfile.open(path, "w:gz") as tar:
        for name, text in texts:
            changed = change(name, text)
            if changed is not None:
                info = tarfile.TarInfo(name)
                info.size = len(changed)
                tar.addfile(info, io.BytesIO(changed))


def buckets(path: Path) -> list[int]:
    with tarfile.open(path) as tar:
        return [int(name.split("_lumi_")[1].split("_")[0]) for name in tar.getnames()]


@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_missing_archive(site: Site, good_results: GOOD, experiment: str) -> None:
    path = site.archive(experiment)
    path.unlink()
    outcome = site.run()
    assert_told(outcome, "massi", "no Massi archive", str(path), "massi_afs_path", "config.py")
    assert str(site.archive("ATLAS" if experiment == "CMS" else "CMS")) not in outcome.err
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_truncated_archive(site: Site, good_results: GOOD, kept: float) -> None:
    path = site.archive("CMS")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    assert_told(site.run(), "massi", str(path), "truncated", "copy the archive again")
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


@pytest.mark.usefixtures("nothing_done")
def test_archive_without_any_slot(site: Site, good_results: GOOD) -> None:
    path = site.archive("ATLAS")
    repack(path, lambda name, text: None)
    assert_told(
        site.run(), "massi", str(path), "no data of the 6 bunches", "copy the archive again"
    )
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


@pytest.mark.parametrize("text", [None, b""])
@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_archive_without_a_slot_gives_nan_and_one_warning(
    site: Site, good_results: GOOD, experiment: str, text: bytes | None
) -> None:
    path = site.archive(experiment)
    bucket = buckets(path)[1]
    repack(path, lambda name, whole: text if f"_{bucket}_" in name else whole)
    outcome = site.run()
    assert outcome.status == 0
    (line,) = outcome.lines("WARNING", f"fill {FILL}: massi: ")
    for piece in (path.name, experiment, "1 colliding slots", f"({bucket // 10})", "NaN"):
        assert piece in line
    assert len(outcome.lines("WARNING", f"fill {FILL}", "massi")) == 1
    assert_unharmed(site, good_results, made=ALL)

    lumi = pickle.loads(gzip.decompress(site.paths().lumi_meas.read_bytes()))  # noqa: S301
    sb = pickle.loads(gzip.decompress(site.paths().sb.read_bytes()))  # noqa: S301
    gone = sb["slots_filled_coll"][1] == bucket // 10
    assert gone.sum() == 1
    values = lumi[experiment]["bunch_lumi"]
    assert np.isnan(values[:, gone]).all()
    assert np.isfinite(values[:, ~gone]).all()
    other = {"ATLAS": "CMS", "CMS": "ATLAS"}[experiment]
    assert np.isfinite(lumi[other]["bunch_lumi"]).all()


@pytest.mark.parametrize(
    "row",
    ["{t} 1 nan 0.1 5 0.1", "{t} 1", "nan 1 2.5 0.1 5 0.1", "{t} 1 inf 0 0 0", "<html> 1 2"],
)
def test_bad_row_in_an_archive(site: Site, good_results: GOOD, row: str) -> None:
    path = site.archive("ATLAS")
    bucket = buckets(path)[2]

    def spoilt(name: str, text: bytes) -> bytes:
        lines = text.decode().splitlines()
        if f"_{bucket}_" in name:
            lines[3] = row.format(t=lines[3].split()[0])
        return "\n".join(lines).encode() + b"\n"

    repack(path, spoilt)
    outcome = site.run()
    assert_told(outcome, "massi", str(path), f"_{bucket}_ATLAS.txt", "row 4", "copy the archive")
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


def test_archive_with_two_columns(site: Site, good_results: GOOD) -> None:
    path = site.archive("ATLAS")

    def two(name: str, text: bytes) -> bytes:
        return b"".join(b" ".join(line.split()[:2]) + b"\n" for line in text.splitlines())

    repack(path, two)
    assert_told(site.run(), "massi", str(path), "row 1", "copy the archive again")
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


def test_logged_luminosity_that_is_truncated(site: Site, good_results: GOOD) -> None:
    site.archive("ATLAS").unlink()
    site.add_logged_lumi()
    path = site.paths().bbb_lumi
    path.write_bytes(path.read_bytes()[:5000])
    assert_told(site.run(), "massi", str(path), "download it again")
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_logged_luminosity_with_too_few_columns(
    site: Site, good_results: GOOD, experiment: str
) -> None:
    site.archive("ATLAS").unlink()
    site.add_logged_lumi()
    path, name = site.paths().bbb_lumi, f"{experiment}:BUNCH_LUMI_INST"
    edit(path, name, lambda rows: [columns(row, 5) for row in rows])
    assert_told(site.run(), "massi", name, str(path), "5 columns", DOWNLOAD)
    assert_unharmed(site, good_results, made=WITHOUT_MASSI)


@pytest.mark.parametrize("content", ["garbage: [", "- 1\n", "", "\x00"])
def test_massi_database_that_is_none(finished: Site, content: str) -> None:
    path = finished.results / "fill_db.yaml"
    path.write_text(content)
    finished.remove("fits", "lifetime")
    outcome = finished.run()
    assert outcome.lines("ERROR", str(path), "Massi database", "remove it, it is made again")
    assert outcome.out.splitlines()[-1].startswith("massi: ")
    assert outcome.status == 1
    assert finished.run("--dry-run").status == 1
    assert outcome.rows()[FILL][:2] == ["fits", "lifetime"]


def test_unreadable_time_in_the_database_reads_the_archive_again(finished: Site) -> None:
    path = finished.results / "fill_db.yaml"
    path.write_text("2017:\n  ATLAS:\n    5845.tgz: yesterday\n")
    assert finished.run().status == 0
    assert finished.run().out == "2 fills: nothing to do\n"


# --- results of other steps

NEEDS = {
    "lumi": "sb",
    "massi": "sb",
    "fits": "lumi_calc",
    "lifetime": "lumi_meas",
    "losses": "lumi_meas",
    "emittance": "lumi_meas",
    "model": "sb",
}
SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "no pickle": lambda whole: gzip.compress(b"something else"),
    "other content": lambda whole: gzip.compress(pickle.dumps({"a": 1})),
    "no dictionary": lambda whole: gzip.compress(pickle.dumps([1.0, 2.0])),
    "foreign class": lambda whole: gzip.compress(pickle.dumps(datetime.time(1))),
    "malicious": lambda whole: gzip.compress(pickle.dumps(Malicious("touch proof"))),
}


@pytest.mark.parametrize("damage", SPOILT)
@pytest.mark.parametrize("step", NEEDS)
def test_result_of_another_step_that_cannot_be_used(
    finished: Site, good_results: GOOD, step: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.root)
    path: Path = getattr(finished.paths(), NEEDS[step])
    path.write_bytes(SPOILT[damage](path.read_bytes()))
    before = finished.contents()
    outcome = finished.run("--doOnly", step)
    assert_told(outcome, step, str(path), "force the step that makes it")
    if damage in ("foreign class", "malicious"):
        assert_told(
            outcome, step, {"foreign class": "datetime.time", "malicious": "system"}[damage]
        )
    assert not Path("proof").exists()
    assert finished.contents() == before
    assert_unharmed(finished, good_results)


@pytest.mark.parametrize("damage", ["empty", "truncated"])
def test_result_that_is_not_whole_is_made_again(finished: Site, damage: str) -> None:
    before = finished.contents()
    path = finished.paths().lifetime
    path.write_bytes(SPOILT[damage](path.read_bytes()))
    outcome = finished.run()
    assert outcome.status == 0
    assert outcome.lines("INFO", f"lifetime: {path} ({path.name}: empty, cut or damaged)")
    assert finished.contents() == before


def test_result_that_cannot_be_used_is_made_anew_by_forcing_its_step(finished: Site) -> None:
    before = finished.contents()
    finished.paths().sb.write_bytes(b"half of it")
    assert finished.run("--force", "sb", "lumi").status == 0
    assert finished.contents() == before


def test_measured_luminosity_of_other_times_is_not_mixed_in(finished: Site) -> None:
    finished.configure(t_step_sec=240)
    finished.run("--force", "sb", "--fill", FILL)
    outcome = finished.run("--doOnly", "fits", "--fill", FILL)
    assert_told(outcome, "fits", str(finished.paths().lumi_meas), "--force massi")


# --- the disk


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[Path, str], None]]:
    """Return `mount(folder, options)`, which puts a memory disk there; the test is skipped if not.

    Only root may mount, and not in every container.
    """
    folders: list[Path] = []

    def mount(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        program = shutil.which("mount")
        if program is None or os.geteuid() != 0:
            pytest.skip("needs root to mount a small disk")
        call = [program, "-t", "tmpfs", "-o", options, "none", str(folder)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        folders.append(folder)

    yield mount
    for folder in folders:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607


@pytest.mark.usefixtures("nothing_done")
def test_full_disk(site: Site, good_results: GOOD, mounted: Callable[[Path, str], None]) -> None:
    mounted(site.paths().folder, "size=16k")
    outcome = site.run()
    full = [line for step in ALL for line in table_lines(outcome, step) if "disk is full" in line]
    assert full
    for line in full:
        assert str(site.paths().folder) in line
        assert "make room and run again" in line
    (step,) = {line.split(": ")[1] for line in full[:1]}
    assert_told(outcome, step, "cannot be written", "No space left")
    assert_unharmed(site, good_results)
    whole = {path for step in site.made() for path in site.written(step)}
    for path in site.paths().folder.iterdir():  # cycle has several files: some may be whole
        pickle.loads(gzip.decompress(path.read_bytes()))  # noqa: S301 - made by the test
    assert whole <= set(site.paths().folder.iterdir())


@pytest.mark.usefixtures("nothing_done")
def test_run_after_a_full_disk_completes_the_fill(
    site: Site, tiny_results: Path, mounted: Callable[[Path, str], None]
) -> None:
    mounted(site.paths().folder, "size=16k")
    assert site.run("--fill", FILL).status == 1
    subprocess.run(  # noqa: S603
        ["mount", "-o", "remount,size=10m", str(site.paths().folder)],  # noqa: S607
        check=True,
    )
    assert site.run("--fill", FILL).status == 0
    whole = {p.name: p.read_bytes() for p in (tiny_results / f"fill_{FILL}").glob("*.pkl.gz")}
    assert site.contents(FILL) == whole


@pytest.mark.usefixtures("nothing_done")
def test_read_only_disk(
    site: Site, good_results: GOOD, mounted: Callable[[Path, str], None]
) -> None:
    mounted(site.paths().folder, "ro")
    outcome = site.run()
    said = ("Read-only file system", "stableBeams_folder", "config.py")
    for step in READS_BEAMS:  # each cannot write a file of its own
        assert len(outcome.lines("ERROR", f"fill {FILL}: {step}: ", *said)) == 1
    assert_unharmed(site, good_results, made=[])


@pytest.mark.usefixtures("nothing_done")
def test_result_folder_that_is_a_file(site: Site, good_results: GOOD) -> None:
    folder = site.paths().folder
    folder.parent.mkdir()
    folder.write_text("")
    outcome = site.run()
    assert_told(outcome, READS_BEAMS, str(folder), "cannot be created", "stableBeams_folder")
    assert_unharmed(site, good_results)


@pytest.mark.usefixtures("nothing_done")
def test_folder_of_all_results_that_is_a_file(site: Site) -> None:
    site.results.write_text("")
    outcome = site.run()
    assert_told(outcome, READS_BEAMS, str(site.paths().folder), "cannot be created", "config.py")
    assert len(outcome.lines("Massi database", str(site.results), "massi_file_database")) == 1
    assert site.leftovers() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.usefixtures("nothing_done")
def test_folder_without_permission(site: Site, good_results: GOOD) -> None:
    folder = site.paths().folder
    folder.mkdir(parents=True)
    folder.chmod(0o555)
    outcome = site.run()
    folder.chmod(0o755)
    assert_told(outcome, "sb", "Permission denied", "stableBeams_folder", "config.py")
    assert_unharmed(site, good_results)


@pytest.mark.usefixtures("nothing_done")
def test_missing_folder_is_not_created_against_config(site: Site, good_results: GOOD) -> None:
    site.configure(makedirs=False)
    site.paths(OTHER).folder.mkdir(parents=True)
    outcome = site.run()
    folder = str(site.paths().folder)
    assert_told(outcome, READS_BEAMS, folder, "does not exist", "makedirs = True")
    assert not site.paths().folder.exists()
    assert_unharmed(site, good_results)


@pytest.mark.usefixtures("nothing_done")
def test_no_folder_at_all_is_created_against_config(site: Site) -> None:
    site.configure(makedirs=False)
    outcome = site.run()
    assert_told(outcome, "sb", str(site.paths().folder), "does not exist", "makedirs = True")
    assert not site.results.exists()


# --- config


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"saveDict": False, "savePandas": False}, ["saveDict", "savePandas", "True"]),
        ({"t_step_sec": 0}, ["t_step_sec = 0"]),
        ({"intensity_threshold": "3e10"}, ["intensity_threshold"]),
        ({"massi_exp_folders": ["ATLAS/lumi/"]}, ["massi_exp_folders"]),
        ({"cases": [1, 2], "correction_factor_1h": [1.0]}, ["correction_factor_1h"]),
        ({"models": ["IBS"]}, ["models"]),
        ({"first_fill": 6000, "last_fill": 5000}, ["last_fill"]),
    ],
)
@pytest.mark.usefixtures("nothing_done")
def test_config_that_cannot_be_used_ends_with_2_before_anything_runs(
    site: Site, names: dict[str, Any], said: list[str]
) -> None:
    site.configure(**names)
    outcome = site.run()
    assert outcome.status == 2
    assert all(piece in outcome.err for piece in [str(site.config), *said]), outcome.err
    assert "Traceback" not in outcome.err
    assert not site.results.exists()


# --- bugs


@pytest.mark.usefixtures("nothing_done")
def test_internal_error_is_loud_but_the_other_fills_go_on(
    site: Site, good_results: GOOD, replace_run: ReplaceRun
) -> None:
    plain = STEPS["lumi"].run

    def broken(ctx: Any) -> None:
        if ctx.fill == FILL:
            raise ZeroDivisionError("by chance")
        plain(ctx)

    replace_run("lumi", broken)
    outcome = site.run()
    assert outcome.status == 1
    assert "Traceback" in outcome.err
    (line,) = table_lines(outcome, "lumi")
    assert "internal error, please report it: ZeroDivisionError: by chance" in line
    assert site.contents(OTHER) == good_results


# --- beam modes


@pytest.mark.parametrize("value", ["noon", 10**400, [1.0], True, "nan"])
def test_bad_time_in_the_beam_modes_costs_that_fill_alone(
    site: Site, good_results: GOOD, value: object
) -> None:
    path = site.cfg.files.bmodes
    table = pickle.loads(path.read_bytes())  # noqa: S301 - made by the test
    table[FILL]["t_start_RAMP"] = value
    path.write_bytes(pickle.dumps(table))
    outcome = site.run()
    assert outcome.status == 1
    assert "Traceback" not in outcome.err
    (line,) = table_lines(outcome, "all")
    assert f"fill {FILL}: t_start_RAMP is" in line
    assert "make the file again" in line
    assert site.contents(OTHER) == good_results


@pytest.mark.usefixtures("nothing_done")
def test_json_in_place_of_the_pickle_of_beam_modes_gives_the_same(
    site: Site, good_results: GOOD
) -> None:
    path = site.cfg.files.bmodes
    table = pickle.loads(path.read_bytes())  # noqa: S301 - made by the test
    occurred = {
        str(fill): {name: value for name, value in entry.items() if value != -1}
        for fill, entry in table.items()
    }
    path.unlink()
    path.with_suffix(".json").write_text(json.dumps(occurred, default=float))
    site.configure(fills_bmodes_file=str(path.with_suffix(".json")))
    assert site.run("--fill", OTHER).status == 0
    assert site.contents(OTHER) == good_results
