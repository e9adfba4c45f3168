"""Files that are none: pipes, sockets and devices, which would let a run wait for ever."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.errors import BadInputError
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.compressed import looks_whole
from lumimod.readers.locate import existing_file, opened
from lumimod.readers.massi import find_archive, read_massi
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import list_variables, read_variables

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.fixture
def socket_at() -> Iterator[Callable[[Path], None]]:
    with socket.socket(socket.AF_UNIX) as listener:
        yield lambda path: listener.bind(str(path))


READERS: dict[str, Callable[[Path], Any]] = {
    "basic_data_fill_1.csv": lambda path: read_variables(path, ["X"]),
    "basic_data_fill_1.csv.gz": lambda path: read_variables(path, ["X"]),
    "basic_data_fill_1.h5": lambda path: read_variables(path, ["X"]),
    "basic_data_fill_1.parquet": list_variables,
    "fills_and_bmodes.pkl": read_bmodes,
    "fill_1.pkl.gz": load_pickle,
    "1.tgz": lambda path: read_massi(path, 1, "ATLAS", np.array([1])),
    "1.zip": lambda path: read_massi(path, 1, "ATLAS", np.array([1])),
}


@pytest.mark.parametrize(
    ("make", "kind"), [(make_pipe, "named pipe"), (make_device, "device")], ids=["pipe", "device"]
)
@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_what_is_no_file_without_waiting(
    tmp_path: Path, name: str, make: Callable[[Path], None], kind: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(BadInputError, match=rf"{name}: is a {kind}, not a file; put the file"):
        READERS[name](path)
    assert not looks_whole(path)


def test_a_socket_is_no_file(tmp_path: Path, socket_at: Callable[[Path], None]) -> None:
    socket_at(tmp_path / "s")
    with pytest.raises(BadInputError, match="is a socket, not a file"):
        opened(tmp_path / "s")


def test_a_pipe_beside_a_file_in_another_format_is_passed_over(tmp_path: Path) -> None:
    make_pipe(tmp_path / "basic_data_fill_1.csv")
    other = tmp_path / "basic_data_fill_1.h5"
    other.write_bytes(b"x")
    assert existing_file(tmp_path / "basic_data_fill_1.csv") == other


def test_a_pipe_in_place_of_an_archive_is_none(tmp_path: Path) -> None:
    make_pipe(tmp_path / "1.tgz")
    assert find_archive(tmp_path, 1) is None
