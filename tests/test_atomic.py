"""Files that are written whole or not at all: what reaches the disk, and what is cleaned up."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lumimod import atomic
from lumimod.atomic import remove_abandoned, replacing, replacing_nothing, use_fsync, uses_fsync
from lumimod.errors import OutputError
from lumimod.parallel import Workers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="folders have no fsync here")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    use_fsync(True)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return, in order, what is brought to the disk and what is renamed."""
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        mode = os.fstat(handle).st_mode
        done.append("folder" if stat.S_ISDIR(mode) else f"{os.fstat(handle).st_size} bytes")
        real_fsync(handle)

    def rename(self: Path, target: Path) -> Path:
        done.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    return done


def test_content_is_on_the_disk_before_the_name_and_the_name_after_it(
    tmp_path: Path, calls: list[str]
) -> None:
    with replacing(tmp_path / "result") as file:
        file.write(b"12345")
    assert calls == ["5 bytes", "rename", "folder"]


def test_a_block_that_closes_its_file_is_brought_to_the_disk_as_well(
    tmp_path: Path, calls: list[str]
) -> None:
    with replacing(tmp_path / "result") as file:
        file.write(b"12345")
        file.close()
    assert calls == ["5 bytes", "rename", "folder"]


def test_a_new_file_is_brought_to_the_disk(tmp_path: Path, calls: list[str]) -> None:
    with replacing_nothing(tmp_path / "result") as file:
        file.write(b"123")
    assert calls == ["3 bytes", "folder"]


def test_without_fsync_the_file_is_only_renamed(tmp_path: Path, calls: list[str]) -> None:
    use_fsync(False)
    with replacing(tmp_path / "result") as file:
        file.write(b"12345")
    assert calls == ["rename"]


def fail_with(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fsync(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_file_system_without_fsync_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, errno.EINVAL)
    with replacing(tmp_path / "result") as file:
        file.write(b"12345")
    assert (tmp_path / "result").read_bytes() == b"12345"


def test_a_disk_that_is_full_only_at_fsync_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "result").write_bytes(b"old")
    fail_with(monkeypatch, errno.ENOSPC)
    with pytest.raises(OutputError, match="disk is full"), replacing(tmp_path / "result") as file:
        file.write(b"12345")
    assert (tmp_path / "result").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def _fsync_there(_: int) -> bool:
    return uses_fsync()


@pytest.mark.parametrize("wanted", [True, False])
def test_worker_processes_are_told(wanted: bool) -> None:
    with Workers(2, partial(use_fsync, wanted)) as workers:
        assert workers.starmap(_fsync_there, [(1,), (2,)]) == [wanted, wanted]


def test_only_temporary_files_of_more_than_a_day_ago_are_removed(tmp_path: Path) -> None:
    old, new, other = (tmp_path / n for n in (".a.yaml.12.tmp", ".b.yaml.34.tmp", "c.tmp"))
    for path in (old, new, other):
        path.write_bytes(b"half")
    day_ago = new.stat().st_mtime - atomic._ABANDONED_S - 60
    os.utime(old, (day_ago, day_ago))
    os.utime(other, (day_ago, day_ago))
    remove_abandoned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, other.name]
