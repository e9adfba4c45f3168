"""Massi archives: the luminosity per bunch, and what makes an archive unusable."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers import massi
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
