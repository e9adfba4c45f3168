"""Files compressed with gzip or not, with isal and without."""

from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lumimod.readers import compressed
from lumimod.readers.compressed import (
    GZIP_DAMAGE,
    decompressed,
    ends_with,
    gzip_writer,
    looks_whole,
)

TEXT = b"VARIABLE: X\n" * 10_000
NOISE = np.random.default_rng(1).bytes(300_000)


@pytest.fixture(params=["isal", "gzip"], autouse=True)
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run each test with isal, where it is installed, and without."""
    if request.param == "gzip":
        monkeypatch.setattr(compressed, "igzip", None)
    elif compressed.igzip is None:
        pytest.skip("isal is not installed")
    return str(request.param)


def write(path: Path, contents: bytes, level: int) -> Path:
    with path.open("wb") as file, gzip_writer(file, level) as stream:
        stream.write(contents)
    return path


def read(path: Path) -> bytes:
    with decompressed(path) as stream:
        return stream.read()


@pytest.mark.parametrize(
    "contents", [b"", b"\n", TEXT, NOISE], ids=["empty", "short", "text", "noise"]
)
@pytest.mark.parametrize("level", [0, 1])
def test_what_is_written_comes_back(tmp_path: Path, contents: bytes, level: int) -> None:
    path = write(tmp_path / "a", contents, level)
    assert read(path) == contents
    assert gzip.decompress(path.read_bytes()) == contents


@pytest.mark.parametrize("contents", [b"", b"\x1f", TEXT])
def test_file_that_is_not_gzip_is_read_as_it_is(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(contents)
    assert read(path) == contents


def test_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(NOISE) + gzip.compress(b"end"))
    assert read(path) == TEXT + NOISE + b"end"


def test_level_0_stores_and_level_1_compresses(tmp_path: Path) -> None:
    sizes = [write(tmp_path / str(level), TEXT, level).stat().st_size for level in (0, 1)]
    assert len(TEXT) < sizes[0] < 1.001 * len(TEXT) + 100
    assert sizes[1] < 0.1 * len(TEXT)


@pytest.mark.parametrize("level", [0, 1])
def test_same_contents_give_the_same_bytes_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    first = write(tmp_path / "a", TEXT, level)
    monkeypatch.setattr("time.time", lambda: 1e9)
    assert write(tmp_path / "b", TEXT, level).read_bytes() == first.read_bytes()


def damaged(packed: bytes, how: str) -> bytes:
    middle = len(packed) // 2
    return {
        "cut in the middle": packed[:middle],
        "cut in the header": packed[:5],
        "cut in the checksum": packed[:-4],
        "other bytes": packed[:middle] + b"\xff" * 8 + packed[middle + 8 :],
        "other checksum": packed[:-8] + bytes(8),
        "something after it": packed + b"something",
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "cut in the middle",
        "cut in the header",
        "cut in the checksum",
        "other bytes",
        "other checksum",
        "something after it",
    ],
)
@pytest.mark.parametrize("contents", [TEXT, NOISE], ids=["text", "noise"])
@pytest.mark.parametrize("level", [0, 6])
def test_damage_is_one_of_the_errors_of_damage(
    tmp_path: Path, contents: bytes, how: str, level: int
) -> None:
    path = tmp_path / "a"
    path.write_bytes(damaged(gzip.compress(contents, level), how))
    with pytest.raises(GZIP_DAMAGE):
        read(path)


def test_package_runs_where_isal_is_not_installed(tmp_path: Path) -> None:
    write(tmp_path / "a", TEXT, 1)
    code = (
        "import sys; sys.modules['isal'] = None\n"
        "from pathlib import Path; from lumimod.readers.compressed import decompressed, igzip\n"
        f"with decompressed(Path({str(tmp_path / 'a')!r})) as stream:\n"
        "    print(len(stream.read()), igzip)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(len(TEXT)), "None"]


# --- where a file ends


def of_kind(kind: str) -> bytes:
    """Return the pickle of an array as lumimod, older versions of it and gzip itself store it."""
    text = pickle.dumps({"a": np.random.default_rng(1).random(5000)})
    if kind == "stored":
        stream = io.BytesIO()
        with gzip_writer(stream, 0) as packed:
            packed.write(text)
        return stream.getvalue()
    if kind == "members":
        return gzip.compress(text[:20_000], mtime=0) + gzip.compress(text[20_000:], mtime=0)
    return {"packed": gzip.compress(text), "plain": text}[kind]


KINDS = ("stored", "members", "packed", "plain")


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_file_ends_with_its_last_member(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(of_kind(kind))
    assert ends_with(path, len(read(path)))


@pytest.mark.parametrize("n_zeros", [1, 4, 18, 100_000])
@pytest.mark.parametrize("kind", KINDS[:3])
def test_zeros_behind_the_last_member_are_found(tmp_path: Path, kind: str, n_zeros: int) -> None:
    path = tmp_path / "a"
    path.write_bytes(of_kind(kind) + bytes(n_zeros))
    assert not ends_with(path, len(read(path)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_pickle_looks_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(of_kind(kind))
    assert looks_whole(path)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_or_zero_filled_pickle_does_not_look_whole(tmp_path: Path, kind: str) -> None:
    path, whole = tmp_path / "a", of_kind(kind)
    for n_zeros in (12, 512, len(whole) - 1, len(whole)):
        for zeroed in (bytes(n_zeros) + whole[n_zeros:], whole[:-n_zeros] + bytes(n_zeros)):
            path.write_bytes(zeroed)
            assert not looks_whole(path)
    path.write_bytes(b"")
    assert not looks_whole(path)


@pytest.mark.parametrize(("kind", "share"), [*zip(KINDS, (0, 0.05, 0.05, 0.02))])
def test_hardly_any_cut_pickle_looks_whole(tmp_path: Path, kind: str, share: float) -> None:
    path, whole = tmp_path / "a", of_kind(kind)
    cuts = range(1, len(whole), 97)
    n_seem = 0
    for kept in cuts:
        path.write_bytes(whole[:kept])
        n_seem += looks_whole(path)
    assert n_seem <= share * len(cuts)


def test_what_is_no_file_does_not_look_whole(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("gone")
    for name in ("gone", ".", "dangling"):
        assert not looks_whole(tmp_path / name)


def test_a_pickle_that_may_not_be_read_counts_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").write_bytes(b"")
    monkeypatch.setattr(Path, "open", refuse)
    assert looks_whole(tmp_path / "a")


def test_a_stored_stream_that_is_closed_again_is_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "data.gz"
    with path.open("wb") as file:
        stream = gzip_writer(file, 0)
        stream.write(b"some text")
        stream.close()
        stream.close()
    assert gzip.decompress(path.read_bytes()) == b"some text"


@pytest.mark.parametrize(
    ("content", "is_whole"),
    [(b"PAR1" + b"x" * 10 + b"PAR1", True), (b"PAR1" + b"x" * 10, False), (b"PAR1PAR1", False)],
)
def test_parquet_looks_whole_if_its_mark_is_at_both_ends(
    tmp_path: Path, content: bytes, is_whole: bool
) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(content)
    assert looks_whole(path) == is_whole
