"""Massi archives: the luminosity per bunch, and what makes an archive unusable."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers import archives, massi, massi_rows
from lumimod.readers.massi import BunchLumi, find_archive, read_massi

GOLDEN = Path(__file__).parents[1] / "golden" / "input" / "massi" / "2017" / "measurements"
T0 = 1_498_807_320
ROWS = f"{T0} 0 0.5 0.01 5 0.1\n{T0 + 60} 1 0.25 0.01 5 0.1\n"


def member(slot: int, experiment: str = "ATLAS") -> str:
    return f"5845/5845_lumi_{10 * slot + 1}_{experiment}.txt"


def write_tgz(path: Path, members: Mapping[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        folder = tarfile.TarInfo("5845")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in members.items():
            bundle.writestr(name, text)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "5845.tgz"


def read(archive: Path, texts: Mapping[int, str | bytes], *slots: int) -> BunchLumi:
    encoded = {member(s): t if isinstance(t, bytes) else t.encode() for s, t in texts.items()}
    write_tgz(archive, encoded)
    return read_massi(archive, 5845, "ATLAS", np.array(slots or sorted(texts)))


def samples(lumi: BunchLumi, column: int = 0) -> list[tuple[float, float]]:
    return list(zip(lumi.time_s[column].tolist(), lumi.lumi_hz_ub[column].tolist()))


# ----- what comes out -----


@pytest.mark.parametrize("batch_bytes", [1, 3000, massi.BATCH_BYTES])
@pytest.mark.parametrize("experiment", ["ATLAS", "CMS"])
def test_golden_archive_reads_as_line_by_line(
    experiment: str, batch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(massi, "BATCH_BYTES", batch_bytes)
    path = GOLDEN / experiment / "lumi" / "5845.tgz"
    with tarfile.open(path) as tar:
        for slot in (10, 11, 60):
            lines = tar.extractfile(member(slot, experiment)).read().split(b"\n")  # type: ignore[union-attr]
            rows = [[float(field) for field in line.split()] for line in lines if line]
            lumi = read_massi(path, 5845, experiment, np.array([slot]))
            assert samples(lumi) == [(row[0], row[2]) for row in rows]


@pytest.mark.parametrize(("write", "suffix"), [(write_tgz, "tgz"), (write_zip, "zip")])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_either_kind_of_archive_is_read(
    tmp_path: Path, write: Callable[..., None], suffix: str, prefix: str
) -> None:
    path = tmp_path / f"5845.{suffix}"
    write(path, {prefix + member(3): ROWS.encode(), "5845/5845_lumi_ATLAS.txt": b"x"})
    lumi = read_massi(path, 5845, "ATLAS", np.array([3]))
    assert samples(lumi) == [(T0, 0.5), (T0 + 60, 0.25)]


def test_archive_may_be_padded_at_its_end(archive: Path) -> None:
    write_tgz(archive, {member(3): ROWS.encode()})
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()) + bytes(200_000)))
    assert read_massi(archive, 5845, "ATLAS", np.array([3])).time_s[0].size == 2


def test_slots_come_in_the_order_asked_for(archive: Path) -> None:
    texts = {slot: f"{T0} 1 {slot}.5\n" for slot in (1, 2, 3)}
    lumi = read(archive, texts, 3, 1)
    assert lumi.slots.tolist() == [3, 1]
    assert [values.tolist() for values in lumi.lumi_hz_ub] == [[3.5], [1.5]]


def test_member_of_another_experiment_is_not_taken(archive: Path) -> None:
    write_tgz(archive, {member(3, "CMS"): b"rubbish", member(3): ROWS.encode()})
    assert read_massi(archive, 5845, "ATLAS", np.array([3])).time_s[0].size == 2


def test_slots_without_member_or_rows_are_listed_as_missing(archive: Path) -> None:
    lumi = read(archive, {1: ROWS, 2: "", 3: "# no stable beams\n"}, 1, 2, 3, 4)
    assert lumi.missing.tolist() == [2, 3, 4]
    assert [times.size for times in lumi.time_s] == [2, 0, 0, 0]


def test_no_slots_asked_for_gives_no_columns(archive: Path) -> None:
    write_tgz(archive, {member(1): ROWS.encode()})
    lumi = read_massi(archive, 5845, "ATLAS", np.array([], int))
    assert lumi.interpolate(np.array([1.0, 2.0])).shape == (2, 0)
    assert lumi.missing.size == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{T0}.0\t0\t0.5\n{T0 + 60}\t1.0\t0.25\n",
        f"  {T0}   0   0.5\n\n{T0 + 60} 0 0.25\n\n",
        f"#time flag lumi\n{T0} 0 0.5\n  # a note\n{T0 + 60} 0 0.25",
        f"{T0} 0 0.5\r\n{T0 + 60} 0 0.25\r\n",
        f"{T0} 0 5e-1 1 2 3\n{T0 + 60} 0 2.5E-01 1 2 3 4\n",
        f"{T0 + 60} 0 0.25\n{T0} 0 0.5\n",
    ],
    ids=["tabs", "blank lines", "comments", "crlf", "ragged", "out of order"],
)
def test_quirk_of_the_writer_does_not_change_what_is_read(archive: Path, text: str) -> None:
    lumi = read(archive, {1: ROWS, 2: text, 3: ROWS})
    for column in range(3):
        assert samples(lumi, column) == [(T0, 0.5), (T0 + 60, 0.25)]


def test_rows_are_used_whatever_their_stable_beams_flag(archive: Path) -> None:
    lumi = read(archive, {1: f"{T0} 0 1\n{T0 + 1} 1 2\n{T0 + 2} 0.4 3\n"})
    assert lumi.lumi_hz_ub[0].tolist() == [1, 2, 3]


def test_interpolation_is_linear_and_holds_the_end_values(archive: Path) -> None:
    lumi = read(archive, {1: ROWS})
    found = lumi.interpolate(np.array([T0 - 10.0, T0 + 30, T0 + 90]))
    assert found[:, 0].tolist() == [0.5, 0.375, 0.25]


def test_interpolation_of_a_missing_slot_is_nan(archive: Path) -> None:
    found = read(archive, {1: ROWS}, 2, 1).interpolate(np.array([float(T0)]))
    np.testing.assert_array_equal(found, [[np.nan, 0.5]])


@pytest.mark.parametrize("name", ["5845.tgz", "5845.tar.gz", "5845.zip"])
def test_archive_is_found_by_its_fill(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert find_archive(tmp_path, 5845) == tmp_path / name


def test_no_archive_is_none(tmp_path: Path) -> None:
    (tmp_path / "5846.tgz").touch()
    assert find_archive(tmp_path, 5845) is None
    assert find_archive(tmp_path / "absent", 5845) is None


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 3563),
        st.lists(st.floats(0, 10).map(lambda value: round(value, 6)), min_size=1, max_size=5),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 400),
)
def test_what_was_written_is_read_whatever_the_batches(
    archive: Path, lumis: dict[int, list[float]], batch_bytes: int
) -> None:
    texts = {
        slot: "".join(f"{T0 + i} 1 {value:.6f} 0 0 0\n" for i, value in enumerate(values))
        for slot, values in lumis.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(massi, "BATCH_BYTES", batch_bytes)
        lumi = read(archive, texts)
    for slot, values in zip(lumi.slots.tolist(), lumi.lumi_hz_ub):
        assert values.tolist() == lumis[slot]


# ----- faults -----


@pytest.mark.parametrize(
    "row",
    [f"{T0} 1", "abc 1 0.5", f"{T0} 1 0.5x", f"{T0} 1 nan", f"{T0} 1 inf", "nan 1 0.5",
     "12345 1 0.5", "237000000 1 0.5", "1498807320000 1 0.5", f"{T0} 1 \xff"],
)  # fmt: skip
def test_bad_row_is_reported_with_its_member(archive: Path, row: str) -> None:
    text = (ROWS + row + "\n").encode("latin1")
    expected = r"5845.tgz: 5845_lumi_21_ATLAS.txt: row 3 .* is not Unix time, flag, luminosity"
    with pytest.raises(BadInputError, match=expected):
        read(archive, {1: ROWS, 2: text})


def test_archive_without_any_of_the_slots_is_reported(archive: Path) -> None:
    expected = r"no data of the 2 bunches asked for, expected members like 5845/5845_lumi_51_ATLAS"
    with pytest.raises(BadInputError, match=expected):
        read(archive, {1: ROWS}, 5, 6)


def test_missing_archive_is_reported(archive: Path) -> None:
    with pytest.raises(MissingInputError, match=r"5845.tgz: no such file; check massi_afs_path"):
        read_massi(archive, 5845, "ATLAS", np.array([1]))


def test_unreadable_archive_is_reported(archive: Path) -> None:
    archive.mkdir()
    with pytest.raises(MissingInputError, match="cannot be read"):
        read_massi(archive, 5845, "ATLAS", np.array([1]))


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.7, 0.999])
@pytest.mark.parametrize(("write", "suffix"), [(write_tgz, "tgz"), (write_zip, "zip")])
def test_truncated_archive_is_reported(
    tmp_path: Path, write: Callable[..., None], suffix: str, kept: float
) -> None:
    path = tmp_path / f"5845.{suffix}"
    rng = np.random.default_rng(1)
    rows = [f"{T0 + i} 1 {lumi}\n" for i, lumi in enumerate(rng.random(500))]
    write(path, {member(slot): "".join(rows).encode() for slot in range(20)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(BadInputError, match=f"5845.{suffix}: truncated or damaged"):
        read_massi(path, 5845, "ATLAS", np.arange(20))


def test_altered_archive_is_reported(archive: Path) -> None:
    write_tgz(archive, {member(1): ROWS.encode()})
    altered = bytearray(archive.read_bytes())
    altered[-6] ^= 0xFF  # its checksum
    archive.write_bytes(bytes(altered))
    with pytest.raises(BadInputError, match="truncated or damaged"):
        read_massi(archive, 5845, "ATLAS", np.array([1]))


@pytest.mark.parametrize("name", ["5845.tgz", "5845.zip"])
def test_file_that_is_no_archive_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<html>404 Not Found</html>")
    with pytest.raises(BadInputError, match="truncated or damaged"):
        read_massi(tmp_path / name, 5845, "ATLAS", np.array([1]))


# ----- rows that cannot be right -----

GOOD = [f"{T0 + 60 * i} 1 0.{i + 1} 0.01 5 0.1" for i in range(4)]
DROPPED: dict[str, tuple[str, str]] = {
    "blank flag": (f"{T0 + 30}  7.5 0.01 5 0.1", "a field missing"),
    "blank luminosity": (f"{T0 + 30} 1  0.01 5 0.1", "a field missing"),
    "no last fields": (f"{T0 + 30} 1 7.5", "a field missing"),
    "odd flag": (f"{T0 + 30} 7.5 0.01 5 0.1 0", "a stable-beams flag that is not 0 to 1"),
    "text as flag": (f"{T0 + 30} yes 7.5 5 0.1 0", "a stable-beams flag that is not 0 to 1"),
    "negative": (f"{T0 + 30} 1 -0.001 0.01 5 0.1", "a negative luminosity"),
    "too early": (f"{T0 - 86_400} 1 7.5 0.01 5 0.1", "a time outside the fill"),
    "too late": (f"{T0 + 86_400} 1 7.5 0.01 5 0.1", "a time outside the fill"),
}


def read_rows(
    archive: Path, rows: Mapping[int, list[str]], slots: list[int], fewest_rows: int = 1
) -> BunchLumi:
    write_tgz(
        archive, {member(s): "".join(f"{r}\n" for r in of).encode() for s, of in rows.items()}
    )
    span_s = (T0 - 3600.0, T0 + 3600.0)
    return read_massi(
        archive, 5845, "ATLAS", np.array(slots), span_s=span_s, fewest_rows=fewest_rows
    )


@pytest.mark.parametrize("comment", [[], ["# a comment"]])
@pytest.mark.parametrize(("row", "why"), DROPPED.values(), ids=DROPPED)
def test_row_that_cannot_be_right_is_dropped_and_told(
    archive: Path, row: str, why: str, comment: list[str]
) -> None:
    lumi = read_rows(archive, {1: GOOD, 2: [*comment, *GOOD[:2], row, *GOOD[2:]]}, [1, 2])
    expected = [(T0 + 60.0 * i, (i + 1) / 10) for i in range(4)]
    assert samples(lumi, 0) == samples(lumi, 1) == expected
    (note,) = lumi.notes
    assert (note.kind, note.quantity) == ("dropped", "luminosity")
    assert note.numbers == {"dropped": 1, "rows": 9}
    assert note.text.startswith(
        f"5845.tgz: 1 of 9 rows dropped that have {why}, the first in 5845_lumi_21_ATLAS.txt, row 3"
    )


def test_rows_dropped_for_several_reasons_have_a_note_each(archive: Path) -> None:
    rows = {1: GOOD, 2: [*GOOD, *(row for row, _ in DROPPED.values())]}
    lumi = read_rows(archive, rows, [1, 2])
    assert {note.text.partition("have ")[2].partition(",")[0]: note.numbers["dropped"]
            for note in lumi.notes} == {
        "a field missing": 3, "a stable-beams flag that is not 0 to 1": 2,
        "a negative luminosity": 1, "a time outside the fill": 2,
    }  # fmt: skip
    assert lumi.lumi_hz_ub[1].tolist() == [0.1, 0.2, 0.3, 0.4]


def test_good_archive_has_no_notes_and_its_rows_may_have_three_fields(archive: Path) -> None:
    lumi = read_rows(archive, {1: GOOD, 2: [" ".join(r.split()[:3]) for r in GOOD]}, [1, 2])
    assert lumi.notes == ()
    assert lumi.lumi_hz_ub[0].tolist() == lumi.lumi_hz_ub[1].tolist()


def test_member_whose_every_row_lacks_a_field_is_dropped(archive: Path) -> None:
    lacking = [" ".join(row.split()[:1] + row.split()[2:]) for row in GOOD]
    lumi = read_rows(archive, {1: GOOD, 2: lacking}, [1, 2])
    assert lumi.missing.tolist() == [2]
    assert lumi.notes[0].numbers == {"dropped": 4, "rows": 8}


@pytest.mark.parametrize("shift_s", [-86_400, 86_400])
def test_archive_of_another_fill_is_refused(archive: Path, shift_s: int) -> None:
    rows = [f"{T0 + shift_s + 60 * i} 1 0.5 0.01 5 0.1" for i in range(3)]
    expected = r"none of its 3 rows can be used \(3 with a time outside the fill\): damaged or of"
    with pytest.raises(BadInputError, match=expected):
        read_rows(archive, {1: rows}, [1])


def test_bunch_of_one_row_counts_as_not_measured_where_two_are_asked_for(archive: Path) -> None:
    rows = {1: GOOD, 2: GOOD[:1], 3: [GOOD[0], DROPPED["negative"][0]]}
    lumi = read_rows(archive, rows, [1, 2, 3], fewest_rows=2)
    assert lumi.missing.tolist() == [2, 3]
    assert np.isnan(lumi.interpolate(np.array([T0 + 30.0]))).tolist() == [[False, True, True]]
    assert lumi.notes[-1].text.startswith(
        "5845.tgz: 2 bunches, that in slot 2 the first, have fewer than 2 rows and count as not"
    )
    assert lumi.notes[-1].numbers == {"slots": 2}


# ----- archives that are not what they announce -----


def test_member_larger_than_any_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBER_BYTES", 1000)
    for write, path in ((write_tgz, archive), (write_zip, archive.with_suffix(".zip"))):
        write(path, {member(1): ROWS.encode() * 100})
        with pytest.raises(BadInputError, match="lumi_11_ATLAS.txt announces .* more than any"):
            read_massi(path, 5845, "ATLAS", np.array([1]))


def test_sparse_member_is_refused(archive: Path) -> None:
    plain = archive.with_suffix(".tar")
    info = tarfile.TarInfo(member(1))
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 512)
    header[483:495] = b"%011o\0" % 10**9  # its size with holes
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    plain.write_bytes(bytes(header) + bytes(512) + bytes(1024))
    archive.write_bytes(gzip.compress(plain.read_bytes()))
    with pytest.raises(BadInputError, match="announces .* with holes, more than any bunch has"):
        read_massi(archive, 5845, "ATLAS", np.array([1]))


@pytest.mark.parametrize("suffix", ["tgz", "zip"])
def test_archive_that_unpacks_to_far_more_than_data_have_is_refused(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "ARCHIVE_BYTES", 1 << 20)
    path = tmp_path / f"5845.{suffix}"
    write = write_tgz if suffix == "tgz" else write_zip
    write(path, {member(slot): b"#" * (1 << 19) + b"\n" for slot in range(20)})
    with pytest.raises(BadInputError, match=f"5845.{suffix}: unpacks to far more than data have"):
        read_massi(path, 5845, "ATLAS", np.arange(20))


def test_encrypted_zip_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "5845.zip"
    write_zip(path, {member(1): ROWS.encode()})
    whole = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(magic) + offset] |= 1  # the flag of encryption
    path.write_bytes(whole)
    with pytest.raises(BadInputError, match="5845.zip: 5845_lumi_11_ATLAS.txt is encrypted"):
        read_massi(path, 5845, "ATLAS", np.array([1]))


def test_zip_packed_in_an_unknown_way_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "5845.zip"
    write_zip(path, {member(1): ROWS.encode()})
    whole = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        whole[whole.index(magic) + offset] = 97
    path.write_bytes(whole)
    with pytest.raises(BadInputError, match="5845.zip: truncated or damaged .*compression"):
        read_massi(path, 5845, "ATLAS", np.array([1]))


def test_bad_header_of_a_tar_file_is_reported(archive: Path) -> None:
    info = tarfile.TarInfo(member(1))
    info.size = 0
    info.pax_headers = {"GNU.sparse.size": "many", "GNU.sparse.map": "x"}
    raw = info.tobuf(tarfile.PAX_FORMAT)
    archive.write_bytes(gzip.compress(raw + bytes(1024)))
    with pytest.raises(BadInputError, match="5845.tgz"):
        read_massi(archive, 5845, "ATLAS", np.array([1]))


# ----- the fast ways read what the careful ones read -----


def carefully(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(massi_rows, "_parse_alike", lambda *_: None)
    monkeypatch.setattr(massi_rows, "_parse_together", lambda *_: None)


@pytest.mark.parametrize(
    "text",
    [
        f"{T0} 0 7.04431e-01 1.41e-02\n{T0 + 60} 1 6.98651e-01 1.40e-02\n",
        f"{T0}\t0  7.04431e-01\n{T0 + 60}\t1  6.98651e-01\n",
        f"  {T0} 0 12345678901234567890\n  {T0 + 60} 1 98765432109876543210\n",
        f"{T0}.5 0 0.5 nonsense\n{T0 + 60}.5 1 0.7 \xff\xfe\xfd~~~\n",
        f"{T0} 0 0.25 1.41e-02\n{T0 + 60} 0.25 1 1.41e-02\n",  # as wide, blanks elsewhere
        f"{T0} 0 0.5\n{T0 + 60} 1 0.25 0.1\n",
        f"{T0} x 0.5\n{T0 + 60} 1 0.7\n",
    ],
)
def test_rows_are_read_as_one_by_one_whether_alike_or_not(
    archive: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = read(archive, {3: text.encode("latin-1")})
    carefully(monkeypatch)
    slow = read(archive, {3: text.encode("latin-1")})
    assert (samples(fast), fast.notes) == (samples(slow), slow.notes)


@pytest.mark.parametrize(
    "line",
    [
        f'{T0} 0 "0.5\n',
        f"{T0} 0 nan\n",
        f"{T0} 0 0x1\n",
        f"{T0} 0 true\n",
        f"{T0} 0 false 1\n {T0} 0 false\n",
        f"{T0} 0 0.\0\n",
        f"{T0}\r0 0.5\n",
        "99 0 0.5\n",
        f"{T0} 0\n",
    ],
)
def test_rows_that_are_alike_and_wrong_are_reported(archive: Path, line: str) -> None:
    with pytest.raises(BadInputError, match=r"lumi_31_ATLAS.txt: row 1 .* is not Unix time"):
        read(archive, {3: line * 2})


@pytest.mark.parametrize("n_rows", [1, 2, 63, 64, 65, 128, 200])
def test_many_rows_that_are_alike_are_read_as_one_by_one(
    archive: Path, n_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last row has another digit than all others in each of the columns.
    rows = [f"{T0 + i} 0 12345 {i:05d}\n" for i in range(n_rows - 1)]
    rows.append(f"{T0 + 987_654_321} 1 98760 12345\n")
    text = "".join(rows).encode()

    def unused(*_: object) -> None:
        raise AssertionError("not needed")

    with monkeypatch.context() as patch:
        patch.setattr(massi_rows, "_parse_together", unused)
        fast = read(archive, {3: text})
    carefully(monkeypatch)
    slow = read(archive, {3: text})
    assert (samples(fast), fast.notes) == (samples(slow), slow.notes)
    assert samples(fast)[-1] == (T0 + 987_654_321, 98760.0)


@pytest.mark.parametrize("row", [0, 70, 99])
@pytest.mark.parametrize(("at", "text"), [(3, b"x"), (10, b"x"), (10, b"\t"), (11, b" ")])
def test_one_odd_character_among_many_rows_is_seen(
    archive: Path, row: int, at: int, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = bytearray(b"%d 0 12345\n" % T0 * 100)
    rows[row * 19 + at : row * 19 + at + 1] = text
    asked = []
    monkeypatch.setattr(massi_rows, "_parse_together", lambda *_: asked.append(1))
    monkeypatch.setattr(massi_rows, "_parse_one_by_one", lambda *_: asked.append(2))
    with pytest.raises(AttributeError):  # neither of them gives anything
        read(archive, {3: bytes(rows)})
    assert asked == [1, 2]


def odd_tar(tar: tarfile.TarFile, names: list[str]) -> None:
    """Fill an archive with what is not a plain file among the members."""
    for number, name in enumerate(names):
        link = tarfile.TarInfo(f"5845/link_{number}")
        link.type, link.linkname = tarfile.SYMTYPE, name
        long = tarfile.TarInfo("5845/" + "long" * 60 + f"_{number}")
        long.size = 700
        for info, text in ((link, b""), (long, bytes(700)), (tarfile.TarInfo(name), ROWS.encode())):
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_is_no_plain_file_hides_no_member_behind_it(archive: Path, form: int) -> None:
    slots = [1, 2, 3]
    with tarfile.open(archive, "w:gz", format=form) as tar:
        if form == tarfile.USTAR_FORMAT:  # it has no long names
            for slot in slots:
                info = tarfile.TarInfo("x" * 120 + "/" + member(slot))
                info.size = len(ROWS)
                tar.addfile(info, io.BytesIO(ROWS.encode()))
        else:
            odd_tar(tar, [member(slot) for slot in slots])
    lumi = read_massi(archive, 5845, "ATLAS", np.array(slots))
    assert not lumi.missing.size
    assert all(samples(lumi, k) == [(T0, 0.5), (T0 + 60, 0.25)] for k in range(3))


def tar_of(*slots: int) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for slot in slots:
            info = tarfile.TarInfo(member(slot))
            info.size = len(ROWS)
            tar.addfile(info, io.BytesIO(ROWS.encode()))
    return plain.getvalue()[: 1024 * len(slots)]


@pytest.mark.parametrize("end", [b"", b"no header".ljust(512, b"!") + bytes(1024)])
def test_archive_may_end_after_a_member_in_any_way(archive: Path, end: bytes) -> None:
    archive.write_bytes(gzip.compress(tar_of(1, 2) + end))
    assert read_massi(archive, 5845, "ATLAS", np.array([1, 2, 3])).missing.tolist() == [3]


@pytest.mark.parametrize("n_bytes", [1024 + 512, 1024 + 512 + 20, 2047])
def test_archive_cut_within_a_member_is_reported(archive: Path, n_bytes: int) -> None:
    archive.write_bytes(gzip.compress(tar_of(1, 2)[:n_bytes]))
    with pytest.raises(BadInputError, match="truncated or damaged .*; copy the archive again"):
        read_massi(archive, 5845, "ATLAS", np.array([1, 2]))


def test_member_after_an_odd_one_is_read_with_all_that_follows(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tgz(archive, {member(3): ROWS.encode()})
    expected = samples(read_massi(archive, 5845, "ATLAS", np.array([3])))
    text = gzip.decompress(archive.read_bytes())
    archive.write_bytes(gzip.compress(text + bytes(5 * archives.PIECE_BYTES)))
    assert samples(read_massi(archive, 5845, "ATLAS", np.array([3]))) == expected


def test_member_that_is_larger_than_its_archive_and_not_wanted_is_reported(archive: Path) -> None:
    info = tarfile.TarInfo("other.txt")
    info.size = archives.MEMBER_BYTES + 1
    archive.write_bytes(gzip.compress(info.tobuf() + b"x" * 512))
    with pytest.raises(BadInputError, match=r"truncated|damaged"):
        read_massi(archive, 5845, "ATLAS", np.array([3]))


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.CONTTYPE, b"Z"])
def test_member_of_any_size_that_is_not_there_takes_no_time(archive: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("other.txt")
    info.size, info.type = 1 << 62, kind
    endless = info.tobuf(tarfile.GNU_FORMAT)
    archive.write_bytes(gzip.compress(tar_of(1)[:1024] + endless + bytes(512)))
    with pytest.raises(BadInputError, match=r"truncated or damaged \(unexpected end of data\)"):
        read_massi(archive, 5845, "ATLAS", np.array([1]))


# --- headers, as tarfile reads them


def tar_header(name: str, form: int = tarfile.USTAR_FORMAT, **fields: Any) -> bytes:
    """Return the last header block of a member."""
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info.tobuf(form)[-512:]


def with_checksum(header: bytes) -> bytes:
    """Return a header with the checksum that belongs to it."""
    total = sum(header) - sum(header[148:156]) + 8 * 32
    return header[:148] + b"%06o\0 " % total + header[156:]


def put(header: bytes, at: int, field: bytes) -> bytes:
    return with_checksum(header[:at] + field + header[at + len(field) :])


PLAIN = tar_header("5845/5845_lumi_11_CMS.txt", size=700)
HEADERS = {
    "plain": PLAIN,
    "without folder": tar_header("a.txt", size=1),
    "empty": tar_header("5845/a.txt"),
    "as long as fits": tar_header("x" * 100, size=5),
    "long folder in the prefix": tar_header("y" * 120 + "/" + "a.txt", size=5),
    "name in the prefix alone": put(put(PLAIN, 0, bytes(100)), 345, b"5845/a.txt"),
    "not ASCII": tar_header("5845/\xe4\u0119.txt", size=3),
    "no text": put(PLAIN, 5, b"\xff\xfe"),
    "end of the name within": put(PLAIN, 10, b"\0"),
    "slash at the end": put(PLAIN, 0, b"5845/a/\0"),
    "point at the end": put(PLAIN, 0, b"5845/a/.\0"),
    "folder": tar_header("5845", type=tarfile.DIRTYPE),
    "link": tar_header("5845/a", type=tarfile.SYMTYPE, linkname="b"),
    "hard link": tar_header("5845/a", type=tarfile.LNKTYPE, linkname="b"),
    "old kind of file": put(PLAIN, 156, b"\0"),
    "old kind of folder": put(put(PLAIN, 156, b"\0"), 0, b"5845/\0"),
    "sparse": put(PLAIN, 156, b"S"),
    "size in octal with blanks": put(PLAIN, 124, b"      1274 \0"),
    "no size": put(PLAIN, 124, bytes(12)),
    "size of more than 8 GB": tar_header("5845/a", tarfile.GNU_FORMAT, size=9 << 30),
    "size below zero": put(PLAIN, 124, b"-0000000001\0"),
    "no number as size": put(PLAIN, 124, b"0000000128x\0"),
    "wrong checksum": PLAIN[:20] + b"9" + PLAIN[21:],
    "no checksum": PLAIN[:148] + bytes(8) + PLAIN[156:],
    "zeros": bytes(512),
    "cut": PLAIN[:300],
    "none": b"",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_say_what_they_say_to_tarfile(header: bytes) -> None:
    try:
        member = tarfile.TarInfo.frombuf(header, tarfile.ENCODING, "surrogateescape")
    except tarfile.HeaderError:
        assert archives._plain_member(header) is None
        return
    if member.type == tarfile.DIRTYPE:
        assert archives._plain_member(header) == ("", 0)
    elif member.type == tarfile.REGTYPE:
        name = PurePosixPath(member.name).name
        assert archives._plain_member(header) == (name, member.size)
    else:
        assert archives._plain_member(header) is None


def test_usual_headers_are_not_left_to_tarfile(monkeypatch: pytest.MonkeyPatch) -> None:
    # It takes 30 us for each, a third of what a whole archive takes.
    monkeypatch.delattr(tarfile.TarInfo, "frombuf")
    assert archives._plain_member(PLAIN) == ("5845_lumi_11_CMS.txt", 700)
