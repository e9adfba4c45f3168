"""Saving and loading: the same comes back, whole or not at all, and NumPy alone can read it."""

from __future__ import annotations

import errno
import gzip
import os
import pickle
import pickletools
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lumimod
from lumimod.atomic import replacing
from lumimod.errors import MissingStepError, OutputError
from lumimod.records import CalculatedLumi, MeasuredLumi, store
from lumimod.records import dated as dated_results

DTYPES = st.sampled_from(["<f8", "<f4", ">f8", "<i8", "<i2", "<u4", "|u1", "|b1"])
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


def transformed(array: np.ndarray, how: str) -> np.ndarray:
    """Return an array of the same values, otherwise laid out."""
    if how == "fortran":
        return np.asfortranarray(array)
    if how == "view":
        return array[..., ::-2] if array.ndim else array
    if how == "transposed":
        return array.T
    if how == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


LAYOUTS = st.sampled_from(["plain", "fortran", "view", "transposed", "read-only"])
LEAVES = (
    st.builds(transformed, ARRAYS, LAYOUTS)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
)
KEYS = st.text(max_size=5) | st.integers(-5, 5)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=8,
)


def assert_same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(b, np.ndarray):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        # Compared by their bytes: NaN equals NaN, and -0.0 is not 0.0.
        assert a.tobytes() == b.tobytes()
    elif isinstance(b, dict):
        assert list(a) == list(b)
        for key in b:
            assert_same(a[key], b[key])
    elif isinstance(b, list):
        assert len(a) == len(b)
        for one, other in zip(a, b):
            assert_same(one, other)
    else:
        assert a == b


@pytest.mark.slow
@given(TREES)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_comes_back(tmp_path: Path, tree: Any) -> None:
    path = tmp_path / "result.pkl.gz"
    store.save_object(path, tree)
    assert_same(lumimod.load(path), tree)


def test_loaded_arrays_can_be_written_to(tmp_path: Path) -> None:
    frozen = np.arange(4.0)
    frozen.flags.writeable = False
    path = tmp_path / "result.pkl.gz"
    store.save_object(path, {"ours": np.arange(3), "frozen": frozen, "empty": np.empty((0, 3))})
    loaded = lumimod.load(path)
    assert all(array.flags.writeable for array in loaded.values())
    loaded["frozen"][0] = 7.0


def test_writing_to_a_loaded_array_leaves_its_neighbour_alone(tmp_path: Path) -> None:
    path = tmp_path / "result.pkl.gz"
    store.save_object(path, [np.zeros(3), np.zeros(3)])
    one, other = lumimod.load(path)
    one += 1
    assert other.tolist() == [0, 0, 0]


def test_an_object_named_twice_is_stored_once(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random(50_000)
    once, twice = tmp_path / "once.pkl.gz", tmp_path / "twice.pkl.gz"
    store.save_object(once, {"a": values})
    store.save_object(twice, {"a": values, "b": values})
    assert twice.stat().st_size < once.stat().st_size + 1000
    loaded = lumimod.load(twice)
    assert loaded["a"] is loaded["b"]


@pytest.mark.slow
@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        np.zeros(1_000_000),
        np.frombuffer(np.random.default_rng(2).bytes(7_000_001), np.uint8),
        np.concatenate([np.zeros(600_000), np.random.default_rng(3).random(600_000)]),
    ],
    ids=["compressible", "incompressible", "both"],
)
def test_large_arrays_come_back(tmp_path: Path, values: np.ndarray, pack: bool) -> None:
    path = tmp_path / "result.pkl.gz"
    tree = {"first": values, "word": "x" * 100, "rows": [np.arange(10)] * 3, "last": values[:-1]}
    store.save_object(path, tree, pack=pack)
    assert_same(lumimod.load(path), tree)
    with gzip.open(path) as stream:
        assert_same(pickle.load(stream), tree)


def test_results_are_stored_and_tables_packed(tmp_path: Path) -> None:
    slots = np.repeat(np.arange(1000.0), 1000)
    store.save_object(tmp_path / "stored", slots)
    store.save_object(tmp_path / "packed", slots, pack=True)
    assert slots.nbytes < (tmp_path / "stored").stat().st_size < 1.001 * slots.nbytes + 300
    assert (tmp_path / "packed").stat().st_size < 0.2 * slots.nbytes


# --- read by others


def global_names(path: Path) -> set[str]:
    """Return what a pickle names, in words that `pickletools` finds."""
    names, strings = set(), []
    for opcode, argument, _ in pickletools.genops(gzip.decompress(path.read_bytes())):
        if opcode.name in ("GLOBAL", "INST"):
            names.add(argument.replace(" ", "."))
        elif "UNICODE" in opcode.name:
            strings.append(argument)
        elif opcode.name == "MEMOIZE":
            continue
        elif opcode.name == "STACK_GLOBAL":
            names.add(f"{strings[-2]}.{strings[-1]}")
    return names


def test_the_pickle_names_numpy_ndarray_and_builtins_alone(tmp_path: Path) -> None:
    path = tmp_path / "result.pkl.gz"
    frozen = np.arange(3)
    frozen.flags.writeable = False
    arrays = [np.zeros((2, 2)), np.asfortranarray(np.ones((3, 2))), frozen, np.empty(0)]
    store.save_object(path, {"arrays": arrays, "flags": np.array([True]), "n": 3, "x": None})
    names = global_names(path)
    assert "numpy.ndarray" in names
    assert {n for n in names if not n.startswith("builtins.")} == {"numpy.ndarray"}


def test_results_of_the_chain_name_numpy_ndarray_alone(golden_run: Any) -> None:
    for path in golden_run.folder.glob("*.pkl.gz"):
        names = {n for n in global_names(path) if not n.startswith("builtins.")}
        assert names == {"numpy.ndarray"}, path.name


READ_WITHOUT_LUMIMOD = """
import gzip, pickle, sys
import numpy as np
data = pickle.load(gzip.open(sys.argv[1]))
assert "lumimod" not in sys.modules
assert data["lumi"].shape == (2, 3) and data["lumi"].flags.writeable
assert np.isnan(data["lumi"][0, 0]) and data["lumi"][1, 2] == 5.0
assert data[1]["slots"].dtype == np.int64 and data[1]["slots"].size == 300_000
print("read")
"""


def test_a_result_loads_where_there_is_no_lumimod(tmp_path: Path) -> None:
    path = tmp_path / "result.pkl.gz"
    lumi = np.array([[np.nan, 1, 2], [3, 4, 5.0]])
    store.save_object(path, {"lumi": np.asfortranarray(lumi), 1: {"slots": np.arange(300_000)}})
    # -I: neither the current folder nor PYTHONPATH is searched.
    command = [sys.executable, "-I", "-c", READ_WITHOUT_LUMIMOD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.stdout, done.stderr) == ("read\n", "")


def test_a_record_is_saved_as_its_dict(tmp_path: Path) -> None:
    record = MeasuredLumi({"ATLAS": np.ones((2, 1)), "CMS": np.zeros((2, 1))})
    path = tmp_path / "result.pkl.gz"
    store.save(path, record)
    assert_same(lumimod.load(path), record.to_dict())
    assert_same(store.load(path, MeasuredLumi).to_dict(), record.to_dict())
    assert_same(store.load(str(path), MeasuredLumi).to_dict(), record.to_dict())


# --- loading what cannot be loaded


def test_a_missing_result_asks_for_its_step(tmp_path: Path) -> None:
    with pytest.raises(MissingStepError, match=r"gone\.pkl\.gz is missing; run the step"):
        store.load(tmp_path / "gone.pkl.gz", MeasuredLumi)


def test_a_truncated_result_asks_to_force_its_step(tmp_path: Path) -> None:
    path = tmp_path / "result.pkl.gz"
    store.save(path, MeasuredLumi({"ATLAS": np.ones((9, 9)), "CMS": np.ones((9, 9))}))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MissingStepError, match=r"result\.pkl\.gz.*force the step"):
        store.load(path, MeasuredLumi)


def result(tmp_path: Path) -> tuple[Path, MeasuredLumi]:
    """Return a result as it is saved, and its file."""
    lumi = np.random.default_rng(1).random((20, 30))
    path, record = tmp_path / "result.pkl.gz", MeasuredLumi({"ATLAS": lumi, "CMS": lumi + 1})
    store.save(path, record)
    return path, record


def original(path: Path, record: MeasuredLumi) -> None:
    """Save a result as the original does."""
    with gzip.open(path, "wb") as stream:
        pickle.dump(record.to_dict(), stream, protocol=2)


@pytest.mark.slow
def test_no_flipped_bit_in_a_result_gives_other_numbers(tmp_path: Path) -> None:
    path, record = result(tmp_path)
    expected, rng = record.to_dict(), np.random.default_rng(2)
    for save in (store.save, original):
        save(path, record)
        whole, n_found = path.read_bytes(), 0
        for bit in [*range(300), *rng.integers(300, 8 * len(whole), 400).tolist()]:
            flipped = bytearray(whole)
            flipped[bit // 8] ^= 1 << bit % 8
            path.write_bytes(flipped)
            try:
                assert_same(store.load(path, MeasuredLumi).to_dict(), expected)
            except MissingStepError:
                n_found += 1
        # The others are name and time in the header of gzip, and its fill bits.
        assert n_found >= 400 + 300 - 8 * len(path.name) - 70


@pytest.mark.parametrize("save", [store.save, original])
def test_a_result_that_is_cut_zero_filled_or_followed_by_something_is_refused(
    tmp_path: Path, save: Any
) -> None:
    path, record = result(tmp_path)
    save(path, record)
    whole = path.read_bytes()
    damaged = [whole[:kept] for kept in [*range(0, len(whole), 211), *range(-40, 0)]]
    damaged += [whole[:at] + bytes(len(whole) - at) for at in range(0, len(whole) - 8, 503)]
    damaged += [bytes(at) + whole[at:] for at in range(1, len(whole), 503)]
    damaged += [whole + behind for behind in (b"\0", bytes(4096), b"x", whole)]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(MissingStepError, match=r"result\.pkl\.gz.*force the step"):
            store.load(path, MeasuredLumi)


def test_a_result_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "result.pkl.gz"
    store.save(path, MeasuredLumi({"ATLAS": np.ones((1, 1)), "CMS": np.ones((1, 1))}))
    with pytest.raises(MissingStepError, match=r"result\.pkl\.gz: not a CalculatedLumi result"):
        store.load(path, CalculatedLumi)


# --- failures in the middle of writing


class Unpicklable:
    def __reduce__(self) -> Any:
        raise RuntimeError("cannot be pickled")


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".tmp"))


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """Return a result, which must be as it was at the end, with nothing beside it."""
    path = tmp_path / "result.pkl.gz"
    store.save_object(path, {"old": np.arange(5)})
    before = path.read_bytes()
    yield path
    assert path.read_bytes() == before
    assert leftovers(path.parent) == []


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["small", "several blocks"])
def test_an_object_that_cannot_be_pickled_leaves_the_old_result(old: Path, size: int) -> None:
    with pytest.raises(RuntimeError, match="cannot be pickled"):
        store.save_object(old, [np.random.default_rng(1).random(size), Unpicklable()])


@pytest.mark.parametrize("size", [10, 2_000_000], ids=["at the end", "on the way"])
def test_a_full_disk_leaves_the_old_result_and_says_so(
    old: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    class FullDisk:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> FullDisk:
            return self

        def __exit__(self, *exc: object) -> None:
            self._file.close()

        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda *a, **k: FullDisk(opened(*a, **k)))
    values = np.random.default_rng(1).random(size)
    with pytest.raises(OutputError, match=r"result\.pkl\.gz cannot be written .*the disk is full"):
        store.save_object(old, values)
    monkeypatch.undo()


def test_a_run_that_is_interrupted_leaves_the_old_result(old: Path) -> None:
    class Interrupting:
        def __reduce__(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.save_object(old, [np.zeros(10), Interrupting()])


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full_leaves_the_old_result(tiny_disk: Path) -> None:
    path = tiny_disk / "result.pkl.gz"
    store.save_object(path, np.arange(100))
    before = path.read_bytes()
    with pytest.raises(OutputError, match="the disk is full: make room and run again"):
        store.save_object(path, np.random.default_rng(1).random(500_000))
    assert path.read_bytes() == before
    assert leftovers(tiny_disk) == []
    store.save_object(path, np.arange(200))  # there is room again


def test_a_full_quota_is_named(old: Path) -> None:
    with pytest.raises(OutputError, match="the quota is used up"), replacing(old):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_a_missing_folder_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder does not exist: create it or set makedirs"):
        store.save_object(tmp_path / "no" / "result.pkl.gz", 1)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "no").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written \(Not a directory\)"):
        store.save_object(tmp_path / "no" / "result.pkl.gz", 1)


AS_NOBODY = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from lumimod.records import store
from lumimod.errors import OutputError
if os.getuid() == 0:
    os.setuid(65534)  # rights do not bind root
try:
    store.save_object(Path(sys.argv[1]), 1)
except OutputError as exc:
    print(exc)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders have other rights there")
def test_a_folder_without_the_right_to_write_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    # From inside the folder, as nobody may not come through those above it.
    command = [sys.executable, "-c", AS_NOBODY, "result.pkl.gz", *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert "result.pkl.gz cannot be written (Permission denied); no permission" in done.stdout
    assert list(folder.iterdir()) == []


def test_an_abandoned_temporary_of_yesterday_is_removed_and_a_young_one_kept(
    tmp_path: Path,
) -> None:
    path = tmp_path / "result.pkl.gz"
    yesterday, today = time.time() - 25 * 3600, time.time() - 23 * 3600
    others = tmp_path / ".other.pkl.gz.1.tmp"
    ages: Mapping[Path, float] = {
        tmp_path / ".result.pkl.gz.old.tmp": yesterday,
        tmp_path / ".result.pkl.gz.young.tmp": today,
        others: yesterday,  # of another result: its own next writing sees to it
    }
    for leftover, when in ages.items():
        leftover.write_bytes(b"half")
        os.utime(leftover, (when, when))
    store.save_object(path, 1)
    assert leftovers(tmp_path) == [others.name, ".result.pkl.gz.young.tmp"]


def test_a_leftover_that_another_run_removes_first_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / ".result.pkl.gz.old.tmp"
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone]))
    store.save_object(tmp_path / "result.pkl.gz", 1)
    assert lumimod.load(tmp_path / "result.pkl.gz") == 1


def test_the_same_object_gives_the_same_bytes(tmp_path: Path) -> None:
    tree = {"a": np.random.default_rng(1).random(400_000), "b": {"c": 1}}
    store.save_object(tmp_path / "one", tree)
    store.save_object(tmp_path / "two", tree)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


# --- dated copies


def dated(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*_2*"))


TODAY = f"fill_1_lumi_meas_{datetime.now():%Y%m%d}"


@pytest.fixture
def replaced(tmp_path: Path) -> Path:
    """Return a result of an old archive."""
    path = tmp_path / "fill_1_lumi_meas.pkl.gz"
    store.save_object(path, "old")
    return path


def test_a_result_that_is_replaced_stays_under_its_date(replaced: Path) -> None:
    old = replaced.read_bytes()
    store.save_object(replaced, "new", keep_old=True)
    assert store.load_pickle(replaced) == "new"
    assert dated(replaced.parent) == [f"{TODAY}.pkl.gz"]
    assert (replaced.parent / f"{TODAY}.pkl.gz").read_bytes() == old


def test_dated_copies_do_not_replace_each_other(replaced: Path) -> None:
    for content in ("second", "third", "fourth"):
        store.save_object(replaced, content, keep_old=True)
    assert dated(replaced.parent) == [f"{TODAY}{tag}.pkl.gz" for tag in ("", "_2", "_3")]


def test_a_run_that_is_killed_after_the_copy_makes_no_second_one(
    replaced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(dated_results, "keep_dated_copy", copy_and_die(dated_results.keep_dated_copy))
        with pytest.raises(KeyboardInterrupt):
            store.save_object(replaced, "new", keep_old=True)
    assert store.load_pickle(replaced) == "old"
    store.save_object(replaced, "new", keep_old=True)
    assert len(dated(replaced.parent)) == 1


def copy_and_die(copy: Callable[..., None]) -> Callable[..., None]:
    def dies(*args: Any) -> None:
        copy(*args)
        raise KeyboardInterrupt

    return dies


def test_a_run_that_is_killed_after_the_new_result_makes_no_second_copy(replaced: Path) -> None:
    for _ in range(3):
        store.save_object(replaced, "new", keep_old=True)
    assert len(dated(replaced.parent)) == 1


def test_without_a_result_there_is_no_dated_copy(tmp_path: Path) -> None:
    store.save_object(tmp_path / "fill_1_lumi_meas.pkl.gz", "new", keep_old=True)
    assert dated(tmp_path) == []
