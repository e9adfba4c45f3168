"""The Massi database: the original's files, and which archives have been read."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from lumimod.errors import BadInputError, OutputError
from lumimod.parallel import process_context
from lumimod.steps import massi_db
from lumimod.steps.massi_db import Archive

NUMBERS = (6000, 6100, 6200, 6300)

ORIGINAL = """\
2016:
  ATLAS: {}
  CMS: {'5000.tgz': !!timestamp '2016-06-06 10:00:00'}
2017:
  ATLAS: {5698.tgz: !!timestamp '2017-05-24 12:44:46',
    '5704.tgz': !!timestamp '2017-05-27 09:00:01.250000', 5722.zip: 2017-06-02 08:15:30}
  CMS: {"5698.tgz": !!timestamp '2017-05-24 12:44:46.000123'}
"""


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Return a database in the form in which the original writes it."""
    path = tmp_path / "fill_db.yaml"
    path.write_text(ORIGINAL)
    return path


def archive_at(path: Path, when: datetime) -> Archive:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (when.timestamp(), when.timestamp()))
    return Archive.at(path)


# --- reading


def test_a_database_of_the_original_is_read(original: Path) -> None:
    data = massi_db.load_database(original)
    assert data[2017]["ATLAS"] == {
        "5698.tgz": datetime(2017, 5, 24, 12, 44, 46),
        "5704.tgz": datetime(2017, 5, 27, 9, 0, 1, 250000),
        "5722.zip": datetime(2017, 6, 2, 8, 15, 30),
    }
    assert data[2017]["CMS"] == {"5698.tgz": datetime(2017, 5, 24, 12, 44, 46, 123)}
    assert data[2016]["ATLAS"] == {}


@pytest.mark.parametrize(
    "text", ["", "text", "- 1\n- 2\n", "2017: [1]\n", "2017: 5\n", "2017: {ATLAS: 5}", "next: {}"]
)
def test_what_is_no_database_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"fill_db\.yaml is not a Massi database.*remove it"):
        massi_db.load_database(path)


@pytest.mark.parametrize(
    "text", ["2017: {ATLAS: {a.tgz: 1", "2017: !!python/object/apply:os.getcwd []", "a: b: c"]
)
def test_broken_yaml_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"fill_db\.yaml cannot be read.*remove it") as caught:
        massi_db.load_database(path)
    assert "\n" not in str(caught.value)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_bytes(b"\x1f\x8b\xff\xfe")
    with pytest.raises(BadInputError, match="cannot be read"):
        massi_db.load_database(path)


def test_a_date_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text("2017: {ATLAS: {5698.tgz: 2017-02-30 12:00:00}}\n")
    with pytest.raises(BadInputError, match="cannot be read"):
        massi_db.load_database(path)


STRANGE = {
    "infinite year": ".inf: {}",
    "empty integer": "2017: !!int ''",
    "no boolean": "2017: !!bool maybe",
    "no timestamp": "2017: !!timestamp noon",
    "zone of 99 hours": "2017: {ATLAS: {5698.tgz: 2017-02-03 12:00:00 +99:00}}",
    "nested": "[" * 20_000,
    "key that is a list": "? [1]\n: {}",
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_a_strange_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"fill_db\.yaml .*remove it"):
        massi_db.load_database(path)


@pytest.mark.parametrize("zone", ["+02:00", "Z", "-12:00"])
def test_an_archive_of_the_year_1_is_told_or_not_current(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(f"2017: {{ATLAS: {{5698.tgz: 0001-01-01 00:00:00 {zone}}}}}\n")
    assert not massi_db.is_current(
        massi_db.load_database(path), 2017, "ATLAS", Archive("5698.tgz", WHEN)
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_pipes_are_not_waited_for(original: Path, caplog: pytest.LogCaptureFixture) -> None:
    entered(original, "5800.tgz")
    os.mkfifo(original.parent / "fill_db.d" / "2017_5801.yaml")
    assert "5800.tgz" in fills_of(original)
    assert "2017_5801.yaml is not a plain file" in caplog.text
    original.unlink()
    os.mkfifo(original)
    with pytest.raises(BadInputError, match="not a plain file; remove it"):
        massi_db.load_database(original)


def test_archives_that_cannot_be_looked_at_are_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = {exp: tmp_path / exp for exp in ("ATLAS", "CMS")}
    archive_at(folders["ATLAS"] / "5698.tgz", datetime(2017, 5, 24, tzinfo=timezone.utc))
    (folders["ATLAS"] / "5699.tgz").symlink_to("nowhere")
    (folders["ATLAS"] / "5700.tgz").mkdir()
    folders["CMS"].write_text("")
    data = massi_db.create({2017: folders})
    assert list(data[2017]["ATLAS"]) == ["5698.tgz"]
    assert data[2017]["CMS"] == {}
    atlas, cms = folders.values()
    assert caplog.messages == [
        f"Massi archive {atlas}/5699.tgz cannot be looked at (No such file or directory); copy it "
        "again; left out of the database",
        f"Massi archive {atlas}/5700.tgz is not a plain file; remove it; left out of the database",
        f"Massi folder {cms} cannot be read (Not a directory); check its access",
    ]


@pytest.mark.parametrize(
    ("exc", "said"),
    [
        (PermissionError(13, "Permission denied", "5698.tgz"), "Permission denied"),
        (OSError("no reply\n of the server"), "no reply of the server"),
        (ValueError("year\n 0"), "year 0"),
        (OverflowError(), "OverflowError"),
    ],
    ids=["its own", "of two lines", "of another kind", "none"],
)
def test_the_reason_of_an_error_is_said_in_one_line(exc: Exception, said: str) -> None:
    assert massi_db._reason(exc) == said


def test_temporary_files_of_a_day_ago_are_removed(original: Path) -> None:
    entered(original, "5800.tgz")
    folder = original.parent / "fill_db.d"
    left = [original.parent / ".fill_db.yaml.1.tmp", folder / ".2017_5.yaml.2.tmp"]
    for path in left:
        path.write_text("half")
        os.utime(path, (1.0, 1.0))
    massi_db.publish(original)
    assert not any(path.exists() for path in left)
    assert "5800.tgz" in fills_of(original)


# --- making


def test_a_new_database_holds_every_archive_there_is(tmp_path: Path) -> None:
    when = datetime(2017, 5, 24, 10, 44, 46, tzinfo=timezone.utc)
    folders = {exp: tmp_path / exp for exp in ("ATLAS", "CMS")}
    for name in ("5698.tgz", "5700.zip", "5701.tar.gz", "notes.txt", "list.tgz", "5702.tgz.part"):
        archive_at(folders["ATLAS"] / name, when)
    archive_at(folders["CMS"] / "5698.tgz", when + timedelta(hours=1))
    data = massi_db.create({2017: folders})
    noon = datetime(2017, 5, 24, 12, 44, 46)
    assert data == {
        2017: {
            "ATLAS": {"5698.tgz": noon, "5700.zip": noon, "5701.tar.gz": noon},
            "CMS": {"5698.tgz": noon + timedelta(hours=1)},
        }
    }


def test_a_folder_that_is_not_there_has_no_archive_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folders = {exp: tmp_path / exp for exp in ("ATLAS", "CMS")}
    folders["ATLAS"].mkdir()
    assert massi_db.create({2017: folders}) == {2017: {"ATLAS": {}, "CMS": {}}}
    assert [record.getMessage() for record in caplog.records] == [
        f"no Massi folder {folders['CMS']}"
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_database_that_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    data = {
        2017: {
            "ATLAS": {"5698.tgz": datetime(2017, 5, 24, 12, 44, 46, 123456)},
            "CMS": {"5698.tgz": datetime(2017, 5, 24, 12, 44, 46)},
        }
    }
    massi_db.save_database(path, data)
    assert massi_db.load_database(path) == data
    # As other programs read it, and people.
    assert yaml.safe_load(path.read_text()) == data
    assert path.read_text() == (
        "2017:\n  ATLAS:\n    5698.tgz: 2017-05-24 12:44:46.123456\n"
        "  CMS:\n    5698.tgz: 2017-05-24 12:44:46\n"
    )


# --- times


@pytest.mark.parametrize(
    ("utc", "zurich"),
    [
        (datetime(2017, 7, 1, 12, 0), datetime(2017, 7, 1, 14, 0)),
        (datetime(2017, 1, 1, 12, 0), datetime(2017, 1, 1, 13, 0)),
        (datetime(2017, 10, 29, 0, 30), datetime(2017, 10, 29, 2, 30)),
        (datetime(2017, 10, 29, 1, 30), datetime(2017, 10, 29, 2, 30)),
        (datetime(2017, 3, 26, 1, 0), datetime(2017, 3, 26, 3, 0)),
    ],
)
def test_archives_are_dated_by_the_clocks_of_zurich(
    tmp_path: Path, utc: datetime, zurich: datetime
) -> None:
    archive = archive_at(tmp_path / "5698.tgz", utc.replace(tzinfo=timezone.utc))
    assert archive == Archive("5698.tgz", zurich)


# --- which version was read

WHEN = datetime(2017, 5, 24, 12, 44, 46)


@pytest.mark.parametrize(
    ("later_s", "current"),
    [(0, True), (0.9, True), (1, True), (-0.9, True), (1.1, False), (-60, False)],
)
def test_an_archive_is_current_if_its_time_is_within_a_second(
    original: Path, later_s: float, current: bool
) -> None:
    archive = Archive("5698.tgz", WHEN + timedelta(seconds=later_s))
    assert massi_db.is_current(massi_db.load_database(original), 2017, "ATLAS", archive) is current


@pytest.mark.parametrize(
    "database",
    [
        {},
        {2016: {"ATLAS": {"5698.tgz": WHEN}}},
        {2017: {}},
        {2017: {"ATLAS": {}}},
        {2017: {"CMS": {"5698.tgz": WHEN}}},
        {2017: {"ATLAS": {"5698.zip": WHEN}}},
    ],
    ids=repr,
)
def test_an_archive_that_is_not_listed_is_not_current(database: massi_db.Database) -> None:
    assert not massi_db.is_current(database, 2017, "ATLAS", Archive("5698.tgz", WHEN))


@pytest.mark.parametrize("value", ["", "yesterday", "2017-05-24", "5"])
def test_an_archive_without_a_time_is_told_and_not_current(
    tmp_path: Path, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(f"2017: {{ATLAS: {{5698.tgz: {value}, 5699.tgz: 2017-05-24 12:44:46}}}}\n")
    data = massi_db.load_database(path)
    assert data == {2017: {"ATLAS": {"5699.tgz": WHEN}}}
    assert f"{path}: ATLAS: 5698.tgz: " in caplog.text
    assert "is not a time: the archive is read again" in caplog.text


def test_empty_parts_of_a_file_are_read_as_no_archives(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text("2016: {}\n2017: {ATLAS: , CMS: {}}\n")
    assert massi_db.load_database(path) == {2016: {}, 2017: {"ATLAS": {}, "CMS": {}}}


@pytest.mark.parametrize(
    "known",
    [
        datetime(2017, 5, 24, 10, 44, 46, tzinfo=timezone.utc),
        datetime(2017, 5, 24, 5, 44, 46, tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_a_time_with_a_zone_is_read_as_the_clocks_of_zurich_show_it(
    tmp_path: Path, known: datetime
) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(yaml.safe_dump({2017: {"ATLAS": {"5698.tgz": known}}}))
    assert massi_db.load_database(path) == {2017: {"ATLAS": {"5698.tgz": WHEN}}}


# --- recording


def test_recording_keeps_every_other_entry(original: Path) -> None:
    before = massi_db.load_database(original)
    new = datetime(2017, 6, 1, 8, 0)
    massi_db.record(original, 2017, [("ATLAS", Archive("5698.tgz", new))])
    after = massi_db.load_database(original)
    assert after[2017]["ATLAS"].pop("5698.tgz") == new
    del before[2017]["ATLAS"]["5698.tgz"]
    assert after == before


def test_recording_sees_what_another_run_wrote_meanwhile(original: Path) -> None:
    mine, theirs = Archive("5800.tgz", WHEN), Archive("5801.tgz", WHEN)
    massi_db.load_database(original)
    massi_db.record(original, 2017, [("ATLAS", theirs)])
    massi_db.record(original, 2017, [("ATLAS", mine)])
    assert {"5800.tgz", "5801.tgz"} <= set(massi_db.load_database(original)[2017]["ATLAS"])


def test_recording_makes_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    massi_db.record(path, 2018, [("ATLAS", Archive("6500.tgz", WHEN))])
    assert massi_db.load_database(path) == {2018: {"ATLAS": {"6500.tgz": WHEN}}}


@pytest.mark.parametrize("text", ["2017: {ATLAS: , CMS: {}}\n", "2017: {}\n"])
def test_recording_fills_empty_parts(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text(text)
    massi_db.record(path, 2017, [("ATLAS", Archive("5698.tgz", WHEN))])
    assert massi_db.load_database(path)[2017]["ATLAS"] == {"5698.tgz": WHEN}


def test_recording_beside_a_broken_database_leaves_that_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    path.write_text("2017: {")
    massi_db.record(path, 2017, [("ATLAS", Archive("5698.tgz", WHEN))])
    assert path.read_text() == "2017: {"
    with pytest.raises(BadInputError):
        massi_db.load_database(path)
    path.unlink()
    assert massi_db.load_database(path)[2017]["ATLAS"] == {"5698.tgz": WHEN}


def test_what_was_recorded_is_current(tmp_path: Path) -> None:
    path = tmp_path / "fill_db.yaml"
    archive = archive_at(tmp_path / "5698.tgz", datetime.now(timezone.utc))
    massi_db.record(path, 2017, [("CMS", archive)])
    assert massi_db.is_current(massi_db.load_database(path), 2017, "CMS", archive)


# --- many writers


def fills_of(path: Path) -> set[str]:
    return set(massi_db.load_database(path)[2017]["ATLAS"])


def entered(path: Path, *names: str) -> None:
    for name in names:
        massi_db.record(path, 2017, [("ATLAS", Archive(name, WHEN))])


def writes(path: Path, fills: range) -> None:
    """Stand in for a job: it enters its fills and brings the YAML file up to date each time."""
    for fill in fills:
        entered(path, f"{fill}.tgz")
        massi_db.publish(path)


def test_no_entry_is_lost_where_many_processes_write_at_once(original: Path) -> None:
    before = fills_of(original)
    context = process_context()
    jobs = [context.Process(target=writes, args=(original, range(n, n + 8))) for n in NUMBERS]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * len(jobs)
    assert fills_of(original) == before | {f"{n + i}.tgz" for n in NUMBERS for i in range(8)}
    massi_db.publish(original)
    assert set(yaml.safe_load(original.read_text())[2017]["ATLAS"]) == fills_of(original)


def test_entry_that_another_run_wrote_over_in_the_yaml_file_is_not_lost(original: Path) -> None:
    entered(original, "5799.tgz")
    massi_db.publish(original)
    stale = original.read_bytes()  # what one run is going to write ...
    entered(original, "5800.tgz")
    massi_db.publish(original)  # ... while another one publishes
    original.write_bytes(stale)
    assert "5800.tgz" not in original.read_text()
    assert "5800.tgz" in fills_of(original)


def test_publishing_leaves_a_file_that_is_up_to_date_alone(original: Path) -> None:
    entered(original, "5800.tgz")
    massi_db.publish(original)
    before = original.stat()
    massi_db.publish(original)
    assert original.stat() == before


def test_publishing_makes_no_file(tmp_path: Path) -> None:
    entered(tmp_path / "fill_db.yaml", "5800.tgz")
    massi_db.publish(tmp_path / "fill_db.yaml")
    assert not (tmp_path / "fill_db.yaml").exists()


@pytest.mark.parametrize("publish_first", [True, False])
def test_what_someone_writes_into_the_yaml_file_counts_before_older_entries(
    original: Path, publish_first: bool
) -> None:
    entered(original, "5800.tgz", "5801.tgz")
    massi_db.publish(original)
    past = original.stat().st_mtime - 10
    for entry in (original.parent / "fill_db.d").iterdir():
        os.utime(entry, (past, past))
    edited = yaml.safe_load(original.read_text())
    del edited[2017]["ATLAS"]["5800.tgz"]
    original.write_text(yaml.safe_dump(edited))
    if publish_first:
        massi_db.publish(original)
    assert "5800.tgz" not in fills_of(original)
    assert "5801.tgz" in fills_of(original)


def test_database_that_is_made_anew_counts_before_older_entries(original: Path) -> None:
    massi_db.record(original, 2017, [("ATLAS", Archive("5800.tgz", WHEN))])
    (entry,) = (original.parent / "fill_db.d").iterdir()
    os.utime(entry, (1.0, 1.0))
    now = WHEN + timedelta(days=1)
    massi_db.save_database(original, {2017: {"ATLAS": {"5800.tgz": now}}})
    massi_db.publish(original)
    assert massi_db.load_database(original) == {2017: {"ATLAS": {"5800.tgz": now}}}


def test_entry_made_after_someone_edited_the_yaml_file_counts(original: Path) -> None:
    past = original.stat().st_mtime - 10
    os.utime(original, (past, past))
    entered(original, "5800.tgz")
    massi_db.publish(original)
    assert "5800.tgz" in fills_of(original)


@pytest.mark.parametrize("text", [b"2017: {", b"\xff", b"words"])
def test_broken_entry_is_left_out_with_a_warning(
    original: Path, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    entered(original, "5800.tgz", "5801.tgz")
    (original.parent / "fill_db.d" / "2017_5800.yaml").write_bytes(text)
    found = fills_of(original)
    assert "5801.tgz" in found
    assert "5800.tgz" not in found
    assert "2017_5800.yaml" in caplog.text
    assert "is read again" in caplog.text


def test_database_that_another_run_makes_first_is_kept(original: Path) -> None:
    before = original.read_bytes()
    massi_db.save_new(original, {2017: {}})
    assert original.read_bytes() == before
    assert [p.name for p in original.parent.iterdir()] == ["fill_db.yaml"]


def test_database_is_made_where_the_file_system_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", unable)
    path = tmp_path / "fill_db.yaml"
    massi_db.save_new(path, {2017: {"ATLAS": {"5698.tgz": WHEN}}})
    massi_db.save_new(path, {})
    assert massi_db.load_database(path) == {2017: {"ATLAS": {"5698.tgz": WHEN}}}


def test_folder_of_entries_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "fill_db.d").write_text("")
    with pytest.raises(OutputError, match=r"fill_db\.d cannot be created"):
        entered(tmp_path / "fill_db.yaml", "5800.tgz")


def fail(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied", "fill_db.yaml")


def test_a_database_that_cannot_be_looked_at_is_told(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(massi_db, "_folder", fail)
    original.unlink()
    with pytest.raises(BadInputError, match="Permission denied"):
        massi_db.load_database(original)


def test_a_database_that_cannot_be_read_is_told(
    original: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(massi_db, "_content", fail)
    with pytest.raises(BadInputError, match="Permission denied"):
        massi_db.load_database(original)


def test_an_entry_that_goes_while_the_others_are_read_is_left_out(original: Path) -> None:
    folder = original.with_suffix(".d")
    folder.mkdir()
    (folder / "2017_1.yaml").symlink_to("gone")
    assert massi_db.entries(original) == {}
