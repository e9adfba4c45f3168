"""Arrays that are held by differences: what is admitted, and nothing else of these functions."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from lumimod.errors import BadInputError
from lumimod.readers.unpickle import load_pickle

N_ROWS, N = 4, 70


class Call:
    """Pickled as a call of a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> Any:
        return self.function, self.args


def held(array: Any) -> Call:
    """Return an array as results hold it."""
    data = bytearray(np.ascontiguousarray(array).tobytes())
    return Call(np.ndarray, array.shape, array.dtype.str, data)


def numbers(n: int = N) -> np.ndarray:
    return 2.0 + np.arange(N_ROWS * n).reshape(N_ROWS, n) / (100 * N_ROWS * n)


def parts(n: int = N) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return low words, high words of the first row, and differences of the others."""
    words = numbers(n).view("<i4").reshape(N_ROWS, n, 2)
    return words[..., :1], words[:1, :, 1:], np.diff(words[..., 1:], axis=0).astype("<i2")


LOW, FIRST, STEPS = parts()


def high(first: Any = None, steps: Any = None, *args: Any) -> Call:
    joined = [held(FIRST) if first is None else first, held(STEPS) if steps is None else steps]
    return Call(np.cumsum, Call(np.concatenate, joined), *(args or (0, "<i4")))


def whole(low: Any = None, high_words: Any = None, axis: Any = 2, *args: Any) -> Call:
    words = [held(LOW) if low is None else low, high_words or high()]
    return Call(np.ndarray, *(args or ((N_ROWS, N), "<f8")), Call(np.concatenate, words, axis), 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.pkl"


def loaded(path: Path, value: Any) -> Any:
    path.write_bytes(pickle.dumps(value, 5))
    return load_pickle(path)


@pytest.mark.parametrize("n", [1, 63, 64, N])
def test_the_array_comes_back(path: Path, n: int) -> None:
    low, first, steps = map(held, parts(n))
    found = loaded(path, whole(low, high(first, steps), 2, (N_ROWS, n), "<f8"))
    assert found.tobytes() == numbers(n).tobytes()


CONCATENATE = {
    "first row of no words": whole(high_words=high(held(FIRST.astype("<i8")))),
    "first row of unsigned words": whole(high_words=high(held(FIRST.view("<u4")))),
    "steps of words": whole(high_words=high(steps=held(STEPS.astype("<i4")))),
    "steps of unsigned halves": whole(high_words=high(steps=held(STEPS.view("<u2")))),
    "two first rows": whole(high_words=high(held(np.concatenate([FIRST, FIRST])))),
    "steps of another length": whole(high_words=high(steps=held(STEPS[:, 1:]))),
    "rows without a third dimension": whole(
        high_words=high(held(FIRST[..., 0]), held(STEPS[..., 0]))
    ),
    "rows of pairs": whole(
        high_words=high(held(FIRST.reshape(1, -1, 2)), held(STEPS.reshape(N_ROWS - 1, -1, 2)))
    ),
    "no steps": whole(high_words=high(steps=held(STEPS[:0]))),
    "nothing in a row": whole(high_words=high(held(FIRST[:, :0]), held(STEPS[:, :0]))),
    "a list for the first row": whole(high_words=high([1, 2])),
    "bytes for the first row": whole(high_words=high(b"1234")),
    "few low words": whole(held(LOW[1:])),
    "a row of low words": whole(held(LOW[:1])),
    "low words that are halves": whole(held(STEPS), high(held(FIRST), held(STEPS[1:]))),
    "low words that are numbers": whole(held(numbers()[..., None])),
    "high words that are steps": whole(held(LOW[1:]), held(STEPS)),
    "steps along slots": Call(np.concatenate, [held(FIRST), held(STEPS)], 1),
    "low words in the order of Fortran": whole(np.asfortranarray(LOW)),
    "words along rows": whole(axis=0),
    "words along slots": whole(axis=1),
    "words along the last axis": whole(axis=-1),
    "words along an axis that is no int": whole(axis=2.0),
    "words along an axis that is an array": whole(axis=held(np.zeros(3))),
    "words along no axis": whole(axis=None),
    "a tuple": Call(np.concatenate, (held(FIRST), held(STEPS))),
    "an array": Call(np.concatenate, held(FIRST)),
    "three parts": Call(np.concatenate, [held(FIRST), held(STEPS), held(STEPS)]),
    "one part": Call(np.concatenate, [held(FIRST)]),
    "no part": Call(np.concatenate, []),
    "no argument": Call(np.concatenate),
    "room to write to": Call(np.concatenate, [held(FIRST), held(STEPS)], 0, held(LOW)),
}
CUMSUM = {
    "numbers": Call(np.cumsum, held(numbers()[..., None]), 0, "<i4"),
    "halves": Call(np.cumsum, held(STEPS), 0, "<i4"),
    "words of two dimensions": Call(np.cumsum, held(LOW[..., 0]), 0, "<i4"),
    "nothing": Call(np.cumsum, held(LOW[:0]), 0, "<i4"),
    "a list": Call(np.cumsum, [1, 2], 0, "<i4"),
    "along slots": whole(high_words=high(None, None, 1, "<i4")),
    "along an axis that is no int": whole(high_words=high(None, None, False, "<i4")),
    "along an axis that is an array": whole(high_words=high(None, None, held(LOW), "<i4")),
    "as long numbers": whole(high_words=high(None, None, 0, "<i8")),
    "as objects": whole(high_words=high(None, None, 0, "O")),
    "into other words": whole(high_words=high(None, None, 0, "<i4", held(LOW))),
    "no argument": Call(np.cumsum),
    "as a type of items": whole(high_words=high(None, None, 0, np.dtype("<i4"))),
}
NDARRAY = {
    "words as other numbers": whole(None, None, 2, (N_ROWS, N), "<i8"),
    "words as words": whole(None, None, 2, (N_ROWS, N, 2), "<i4"),
    "words as objects": whole(None, None, 2, (N_ROWS, N), "O"),
    "words as a type of items": whole(None, None, 2, (N_ROWS, N), np.dtype("<f8")),
    "high words alone": Call(np.ndarray, (N_ROWS, N // 2), "<f8", high(), 0),
    "an array": Call(np.ndarray, (N_ROWS, N), "<f8", held(numbers()), 0),
}


@pytest.mark.parametrize("attack", CONCATENATE.values(), ids=CONCATENATE)
def test_another_call_of_concatenate_is_refused(path: Path, attack: Call) -> None:
    with pytest.raises(
        BadInputError,
        match=r"contains an odd numpy\.concatenate, which no data",
    ):
        loaded(path, attack)


@pytest.mark.parametrize("attack", CUMSUM.values(), ids=CUMSUM)
def test_another_call_of_cumsum_is_refused(path: Path, attack: Call) -> None:
    with pytest.raises(BadInputError, match=r"contains an odd numpy\.cumsum, which no data"):
        loaded(path, attack)


@pytest.mark.parametrize("attack", NDARRAY.values(), ids=NDARRAY)
def test_words_are_taken_for_nothing_but_numbers(path: Path, attack: Call) -> None:
    with pytest.raises(BadInputError, match=r"contains an array without its data, which no data"):
        loaded(path, attack)


def test_an_array_that_has_its_numbers_gets_no_others(path: Path) -> None:
    a_byte = b"(K\x01K\x01\x85cnumpy\ndtype\n(U\x02u1tR\x89U\x01atb."
    for array in (held(numbers()), high(), whole()):
        path.write_bytes(pickle.dumps(array, 2)[:-1] + a_byte)
        with pytest.raises(BadInputError, match="contains contents of an object that has some"):
            load_pickle(path)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (
            b"concatenate",
            ([held(np.zeros((1, 1000, 1), "<i4")), held(np.zeros((999, 1000, 1), "<i2"))],),
        ),
        (b"cumsum", (held(np.zeros((1000, 1000, 1), "<i4")), 0, "<i4")),
    ],
)
def test_the_same_call_over_and_over_does_not_fill_memory(
    path: Path, function: bytes, args: Any
) -> None:
    once = b"cnumpy\n" + function + b"\nh\xffR"
    for times, refused in ((10, False), (200, True)):  # of 4 MB
        steps = pickle.dumps(args, 4)[:-1] + b"q\xff0](" + once * times + b"e."
        path.write_bytes(gzip.compress(steps, 1))
        if refused:
            with pytest.raises(BadInputError, match="more bytes than its size lets expect"):
                load_pickle(path)
        else:
            assert len(load_pickle(path)) == times
