"""Step massi: luminosity that the experiments measured."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

import lumimod
from lumimod.errors import BadInputError, MissingInputError, MissingStepError, Note, OutputError
from lumimod.readers import massi as readers_massi
from lumimod.records import MeasuredLumi
from lumimod.records.store import load
from lumimod.steps import massi, massi_db
from lumimod.steps.context import FillContext
from lumimod.steps.step import Outdated

from .conftest import FILL, T0, fill_modes, put, stable_beams

MakeFill = Callable[..., FillContext]
SLOTS = (10, 20, 30)


@pytest.fixture
def ctx(fill: MakeFill) -> FillContext:
    """Return a fill with stable beams of three colliding slots, 13 times 300 s."""
    ctx = fill()
    put(ctx.paths.sb, stable_beams(coll=SLOTS))
    return ctx


def members(experiment: str, slots: Sequence[int] = SLOTS) -> dict[str, str]:
    """Return texts of an archive: at T0 slot/10 Hz/ub, then falling by a tenth of it an hour."""
    texts = {}
    for slot in slots:
        rows = [f"{T0 + t:.0f} 1 {slot / 10 * (1 - t / 36_000)} 0 1 0" for t in (-300, 9000)]
        texts[f"{FILL}/{FILL}_lumi_{10 * slot + 1}_{experiment}.txt"] = "\n".join(rows) + "\n"
    return texts


def archive(ctx: FillContext, experiment: str, suffix: str = ".tgz", **changes: object) -> Path:
    return pack(ctx, experiment, members(experiment, **changes), suffix)  # type: ignore[arg-type]


def pack(ctx: FillContext, experiment: str, texts: dict[str, str], suffix: str = ".tgz") -> Path:
    path = ctx.paths.massi_folder(experiment) / f"{FILL}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as bundle:
            for name, text in texts.items():
                bundle.writestr(name, text)
        return path
    with tarfile.open(path, "w:gz") as tar:
        for name, text in texts.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


def expected(slots: Sequence[int] = SLOTS) -> np.ndarray:
    t = np.arange(13) * 300.0
    return np.array(slots) / 10 * (1 - t[:, None] / 36_000) * 1e34


def logged(ctx: FillContext, n_columns: int = 40, experiments: str = "ATLAS CMS") -> Path:
    """Write the luminosities of the logging service: column j holds j/5 Hz/ub."""
    path = ctx.paths.bbb_lumi
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ""
    for experiment in experiments.split():
        text += f"VARIABLE: {experiment}:BUNCH_LUMI_INST\n\nTimestamp (UTC_TIME),Array Values\n"
        for t in (-300, 9000):
            stamp = str(np.datetime64(int(T0 + t), "s")).replace("T", " ") + ".000"
            text += ",".join([stamp, *(str(j / 5) for j in range(n_columns))]) + "\n"
        text += "\n"
    path.write_text(text)
    return path


# --- archives


@pytest.mark.parametrize("suffix", [".tgz", ".zip", ".tar.gz"])
def test_luminosity_is_interpolated_on_the_times_of_stable_beams(
    ctx: FillContext, suffix: str
) -> None:
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment, suffix)
    massi.run(ctx)
    found = load(ctx.paths.lumi_meas, MeasuredLumi)
    assert found.bunch_lumi["ATLAS"] == pytest.approx(expected())
    assert found.bunch_lumi["CMS"] == pytest.approx(expected())


def test_the_scale_of_the_config_is_applied(ctx: FillContext, fill: MakeFill) -> None:
    other = fill(massi_bunch_lumi_scale=2.0)
    for experiment in ("ATLAS", "CMS"):
        archive(other, experiment)
    massi.run(other)
    found = load(other.paths.lumi_meas, MeasuredLumi)
    assert found.bunch_lumi["CMS"] == pytest.approx(expected() / 1e34 * 2)


def test_a_slot_that_an_archive_lacks_is_nan_and_told(
    ctx: FillContext, caplog: pytest.LogCaptureFixture
) -> None:
    archive(ctx, "ATLAS", slots=(10, 30))
    path = archive(ctx, "CMS")
    massi.run(ctx)
    found = load(ctx.paths.lumi_meas, MeasuredLumi)
    assert np.isnan(found.bunch_lumi["ATLAS"][:, 1]).all()
    assert found.bunch_lumi["ATLAS"][:, [0, 2]] == pytest.approx(expected((10, 30)))
    assert found.bunch_lumi["CMS"] == pytest.approx(expected())
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert "no ATLAS luminosity of 1 colliding slots (20): NaN" in record.getMessage()
    assert str(path) not in record.getMessage()


def test_many_missing_slots_are_told_in_short(
    fill: MakeFill, caplog: pytest.LogCaptureFixture
) -> None:
    ctx = fill()
    put(ctx.paths.sb, stable_beams(coll=range(100, 112)))
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment, slots=(100,))
    massi.run(ctx)
    assert "of 11 colliding slots (101, 102, 103, 104, 105, 106, 107, 108, ...)" in caplog.text


@pytest.mark.parametrize(("n", "end"), [(8, "108)"), (9, "108, ...)")])
def test_up_to_eight_missing_slots_are_told_one_by_one(
    fill: MakeFill, caplog: pytest.LogCaptureFixture, n: int, end: str
) -> None:
    ctx = fill()
    put(ctx.paths.sb, stable_beams(coll=range(100, 101 + n)))
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment, slots=(100,))
    massi.run(ctx)
    assert f"of {n} colliding slots (101, 102, 103, 104, 105, 106, 107, {end}" in caplog.text


def test_rows_outside_of_the_fill_and_bunches_with_one_row_count_for_nothing_and_are_noted(
    ctx: FillContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[Note] = []
    monkeypatch.setattr(FillContext, "note", lambda _, note: notes.append(note))
    texts = members("ATLAS")
    of_20 = f"{FILL}/{FILL}_lumi_201_ATLAS.txt"
    texts[of_20] = texts[of_20].splitlines()[0] + "\n"
    # Before the fill and after it, 100 times what was measured within.
    texts[f"{FILL}/{FILL}_lumi_101_ATLAS.txt"] += f"{T0 - 9000:.0f} 1 100 0 1 0\n"
    texts[f"{FILL}/{FILL}_lumi_101_ATLAS.txt"] += f"{T0 + 21_000:.0f} 1 100 0 1 0\n"
    pack(ctx, "ATLAS", texts)
    archive(ctx, "CMS")
    massi.run(ctx)
    found = load(ctx.paths.lumi_meas, MeasuredLumi).bunch_lumi
    assert found["ATLAS"][:, [0, 2]] == pytest.approx(expected((10, 30)))
    assert np.isnan(found["ATLAS"][:, 1]).all()
    assert found["CMS"] == pytest.approx(expected())
    outside, few, missing = notes
    assert "2 of 7 rows dropped" in outside.text
    assert "1 bunches, that in slot 20 the first, have fewer than 2 rows" in few.text
    assert missing == Note(
        "missing",
        "5845.tgz has no ATLAS luminosity of 1 colliding slots (20): NaN for these; get the "
        "archive again if it should have them",
        "luminosity",
        numbers={"slots": 1},
    )


BEGIN_S, END_S = T0 - 8000, T0 + 20_000


@pytest.mark.parametrize(
    ("changes", "span_s"),
    [
        ({}, (BEGIN_S, END_S)),
        ({"t_startfill_s": np.nan}, (-np.inf, END_S)),
        ({"t_endfill_s": np.nan}, (BEGIN_S, np.inf)),
        ({"complete": False}, (BEGIN_S, np.inf)),  # it was recorded while it lasted
    ],
)
def test_rows_are_of_the_fill_from_its_begin_to_its_end_as_far_as_they_are_known(
    changes: dict[str, object], span_s: tuple[float, float]
) -> None:
    assert massi._span_s(replace(fill_modes(), **changes)) == span_s  # type: ignore[arg-type]


def test_an_archive_without_any_of_the_slots_is_an_error(ctx: FillContext) -> None:
    archive(ctx, "ATLAS")
    archive(ctx, "CMS", slots=(500,))
    with pytest.raises(BadInputError, match=r"5845\.tgz: no data of the 3 bunches"):
        massi.run(ctx)
    assert not ctx.paths.lumi_meas.exists()


def test_a_damaged_archive_is_an_error_that_names_it(ctx: FillContext) -> None:
    archive(ctx, "ATLAS")
    path = archive(ctx, "CMS")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BadInputError, match=str(path)):
        massi.run(ctx)
    assert not ctx.paths.lumi_meas.exists()


def test_the_archives_that_were_read_enter_the_database_afterwards(ctx: FillContext) -> None:
    for n, experiment in enumerate(("ATLAS", "CMS")):
        path = archive(ctx, experiment)
        os.utime(path, (T0 + n, T0 + n))
    left = massi.run(ctx)
    assert not massi_db.entries(ctx.cfg.massi.database)
    assert left is not None
    left()
    zurich = datetime(2017, 7, 14, 4, 40, 0)
    assert massi_db.entries(ctx.cfg.massi.database) == {
        2017: {"ATLAS": {"5845.tgz": zurich}, "CMS": {"5845.tgz": zurich.replace(second=1)}}
    }


# --- a changed archive


def test_the_result_of_an_older_archive_is_kept_under_its_date(ctx: FillContext) -> None:
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment)
    put(ctx.paths.lumi_meas, MeasuredLumi({e: np.zeros((1, 1)) for e in ("ATLAS", "CMS")}))
    massi.renew(ctx)
    copy = ctx.paths.folder / f"fill_5845_lumi_meas_{datetime.now():%Y%m%d}.pkl.gz"
    assert lumimod.load(copy)["ATLAS"]["bunch_lumi"].shape == (1, 1)
    assert lumimod.load(ctx.paths.lumi_meas)["ATLAS"]["bunch_lumi"].shape == (13, 3)


def test_if_no_archive_changed_nothing_is_kept(ctx: FillContext) -> None:
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment)
    put(ctx.paths.lumi_meas, MeasuredLumi({e: np.zeros((1, 1)) for e in ("ATLAS", "CMS")}))
    massi.run(ctx)
    names = {path.name for path in ctx.paths.folder.iterdir()}
    assert names == {"fill_5845.pkl.gz", "fill_5845_lumi_meas.pkl.gz"}


def test_a_changed_archive_that_cannot_be_read_leaves_everything(ctx: FillContext) -> None:
    archive(ctx, "ATLAS")
    archive(ctx, "CMS").write_bytes(b"")
    put(ctx.paths.lumi_meas, MeasuredLumi({e: np.zeros((1, 1)) for e in ("ATLAS", "CMS")}))
    before = ctx.paths.lumi_meas.read_bytes()
    with pytest.raises(BadInputError):
        massi.renew(ctx)
    assert ctx.paths.lumi_meas.read_bytes() == before
    assert not list(ctx.paths.folder.glob("*_2*"))


# --- without archives


@pytest.mark.parametrize("there", [(), ("ATLAS",)])
def test_without_both_archives_logged_luminosity_is_taken(
    ctx: FillContext, there: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for experiment in there:
        archive(ctx, experiment)
    path = logged(ctx)
    assert massi.run(ctx) is None
    assert not ctx.paths.lumi_meas.exists()
    assert ctx.paths.lumi_meas_timber.name == "fill_5845_lumi_timber_meas.pkl.gz"
    found = load(ctx.paths.lumi_meas_timber, MeasuredLumi)
    for values in found.bunch_lumi.values():
        assert values == pytest.approx(np.tile(np.array(SLOTS) / 5 * 1e34, (13, 1)))
    assert caplog.messages == [f"fill 5845: no Massi archive; taking {path.name}"]


def test_logged_luminosity_that_is_taken_again_replaces_the_old_result(ctx: FillContext) -> None:
    logged(ctx)
    put(ctx.paths.lumi_meas_timber, MeasuredLumi({e: np.zeros((1, 1)) for e in ("ATLAS", "CMS")}))
    massi.run(ctx)
    names = {path.name for path in ctx.paths.folder.iterdir()}
    assert names == {"fill_5845.pkl.gz", "fill_5845_lumi_timber_meas.pkl.gz"}


def test_archives_are_preferred_to_logged_luminosity(ctx: FillContext) -> None:
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment)
    logged(ctx)
    massi.run(ctx)
    assert ctx.paths.lumi_meas.exists()
    assert not ctx.paths.lumi_meas_timber.exists()


def test_logged_luminosity_of_one_experiment_alone_is_an_error(ctx: FillContext) -> None:
    logged(ctx, experiments="ATLAS")
    with pytest.raises(MissingInputError, match="CMS:BUNCH_LUMI_INST not in"):
        massi.run(ctx)


def test_too_few_columns_of_logged_luminosity_are_an_error(ctx: FillContext) -> None:
    logged(ctx, n_columns=30)
    message = "has 30 columns and 2 rows, too few for slot 30; download it again"
    with pytest.raises(BadInputError, match=message):
        massi.run(ctx)
    assert not ctx.paths.lumi_meas_timber.exists()


def test_no_luminosity_at_all_is_an_error_that_names_both_archives(ctx: FillContext) -> None:
    with pytest.raises(MissingInputError) as caught:
        massi.run(ctx)
    atlas, cms = (ctx.paths.massi_folder(experiment) for experiment in ("ATLAS", "CMS"))
    assert str(caught.value) == (
        f"no Massi archive {atlas}/5845.tgz, {cms}/5845.tgz (nor .zip) and no "
        f"{ctx.paths.bbb_lumi}: check massi_afs_path and massi_year in config.py, or wait until "
        "it is posted"
    )


def test_only_the_archive_that_is_absent_is_named(ctx: FillContext) -> None:
    archive(ctx, "ATLAS")
    with pytest.raises(MissingInputError) as caught:
        massi.run(ctx)
    assert str(ctx.paths.massi_folder("ATLAS")) not in str(caught.value)


def test_without_stable_beams_there_is_nothing_to_measure(fill: MakeFill) -> None:
    with pytest.raises(MissingStepError):
        massi.run(fill())


# --- archives that cannot be looked at


@pytest.fixture
def refused(ctx: FillContext, monkeypatch: pytest.MonkeyPatch) -> FillContext:
    """Return a fill whose folders of archives refuse to be read; it was logged, too."""

    def refuse(folder: Path, _: int) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    logged(ctx)
    monkeypatch.setattr(readers_massi, "find_archive", refuse)
    return ctx


def test_folders_that_cannot_be_read_are_an_error_that_names_them(refused: FillContext) -> None:
    folder = refused.paths.massi_folder("ATLAS")
    why = f"Massi archive {folder} cannot be looked at (Permission denied); check its access"
    with pytest.raises(BadInputError) as caught:
        massi.run(refused)
    assert str(caught.value) == why
    assert massi.STEP.lacks(refused.paths) == why
    assert not refused.paths.lumi_meas_timber.exists()


def test_planning_takes_folders_that_cannot_be_read_for_empty_ones(refused: FillContext) -> None:
    assert list(massi.STEP.watches(refused.paths)) == []
    assert list(massi.STEP.optional(refused.paths)) == [refused.paths.bbb_lumi]
    assert list(massi.STEP.expects(refused.paths)) == [refused.paths.lumi_meas]
    put(refused.paths.lumi_meas_timber, MeasuredLumi({}))
    assert list(massi.STEP.expects(refused.paths)) == [refused.paths.lumi_meas_timber]


def test_a_fill_without_any_luminosity_lacks_its_archive(ctx: FillContext) -> None:
    assert massi.STEP.lacks(ctx.paths) == "no Massi archive of fill 5845"
    logged(ctx)
    assert massi.STEP.lacks(ctx.paths) == ""


# --- before and after a run


def begun(ctx: FillContext, *, write: bool) -> Outdated:
    assert massi.STEP.begin_run is not None
    outdated = massi.STEP.begin_run(ctx.cfg, write)
    assert outdated is not None
    return outdated


@pytest.mark.parametrize("write", [True, False])
def test_a_first_run_makes_the_database_of_what_is_there(
    ctx: FillContext, write: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment)
    assert begun(ctx, write=write)(ctx.paths) == ""
    assert ctx.cfg.massi.database.exists() == write
    told = f"no Massi database yet: making {ctx.cfg.massi.database}"
    assert (told in caplog.messages) == write


def test_an_archive_that_is_posted_again_is_told(ctx: FillContext) -> None:
    archive(ctx, "ATLAS")
    path = archive(ctx, "CMS")
    begun(ctx, write=True)
    os.utime(path, (T0, T0))
    assert begun(ctx, write=True)(ctx.paths) == massi.NEW_ARCHIVE


def test_an_archive_that_goes_between_two_looks_leaves_its_result(
    ctx: FillContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for experiment in ("ATLAS", "CMS"):
        archive(ctx, experiment)
    outdated = begun(ctx, write=True)
    gone = ctx.paths.massi_folder("CMS") / "gone.tgz"
    monkeypatch.setattr(readers_massi, "find_archive", lambda *_: gone)
    assert outdated(ctx.paths) == ""
    assert caplog.messages[-1].startswith("fill 5845: massi: ")
    assert caplog.messages[-1].endswith("; its result is kept")
    assert str(gone) in caplog.text
    assert "its result is kept" in caplog.text


def test_a_database_that_is_none_says_what_goes_unnoticed(ctx: FillContext) -> None:
    ctx.cfg.massi.database.write_text("[1, 2]")
    with pytest.raises(BadInputError, match="archives that are posted again go unnoticed"):
        begun(ctx, write=True)


def test_a_database_that_cannot_be_written_costs_no_run(
    fill: MakeFill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("")
    ctx = fill(massi_file_database=f"{tmp_path}/a file/below/fill_db.yaml")
    assert begun(ctx, write=True)(ctx.paths) == ""
    assert caplog.messages == [
        f"Massi database: {tmp_path}/a file/below cannot be created (Not a directory); check "
        "massi_file_database and stableBeams_folder in config.py"
    ]


def test_folders_for_the_database_are_made(fill: MakeFill, tmp_path: Path) -> None:
    ctx = fill(massi_file_database=f"{tmp_path}/not/yet/there/fill_db.yaml")
    assert begun(ctx, write=True)(ctx.paths) == ""
    assert ctx.cfg.massi.database.is_file()


def test_without_makedirs_no_folder_is_made_for_the_database(
    fill: MakeFill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "results").mkdir()
    ctx = fill(massi_file_database=f"{tmp_path}/absent/fill_db.yaml")
    ctx = replace(ctx, cfg=replace(ctx.cfg, files=replace(ctx.cfg.files, makedirs=False)))
    assert begun(ctx, write=True)(ctx.paths) == ""
    assert not (tmp_path / "absent").exists()
    assert "Massi database: " in caplog.text


def test_a_database_that_cannot_be_brought_up_to_date_is_told_and_its_entries_count(
    ctx: FillContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise OutputError(f"{path} cannot be written")

    monkeypatch.setattr(massi_db, "publish", refuse)
    assert massi.STEP.end_run is not None
    massi.STEP.end_run(ctx.cfg)
    assert caplog.messages == [
        f"{ctx.cfg.massi.database} cannot be written; the entries beside it count"
    ]
