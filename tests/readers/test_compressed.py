"""Files compressed with gzip or not, with isal and without."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lumimod.readers import compressed
from lumimod.readers.compressed import GZIP_DAMAGE, decompressed, gzip_writer

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
