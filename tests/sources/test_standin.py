"""The stand-in for pytimber behaves as pytimber is documented to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from tests.sources.standin import Faults, JavaError, Service, fill_data

T0 = 1_497_493_080.0  # 2017-06-15 02:18:00 UTC, 04:18:00 in Zurich
TIMES = T0 + np.arange(4) * 10.0
DATA = {
    "A:SCALAR": (TIMES, [1.0, 2.0, 3.0, 4.0]),
    "A:COUNT": (TIMES, [1, 2, 3, 4]),
    "A:VECTOR": (TIMES, [np.arange(3.0)] * 4),
    "A:RAGGED": (TIMES, [np.arange(n) * 1.0 for n in (1, 2, 2, 3)]),
}


def database(**options: Any) -> Any:
    return Service(DATA, **options).module().LoggingDB(source="nxcals")


def test_an_answer_is_a_dict_of_times_and_values() -> None:
    times, values = database().get("A:SCALAR", T0, T0 + 100)["A:SCALAR"]
    assert times.tolist() == TIMES.tolist()
    assert values.dtype == np.float64


def test_both_ends_of_the_time_belong_to_it() -> None:
    times, _ = database().get(["A:SCALAR"], TIMES[1], TIMES[2])["A:SCALAR"]
    assert times.tolist() == TIMES[1:3].tolist()


def test_whole_numbers_stay_whole() -> None:
    assert database().get(["A:COUNT"], T0, T0 + 100)["A:COUNT"][1].dtype.kind == "i"


def test_vectors_of_one_length_are_a_matrix() -> None:
    assert database().get(["A:VECTOR"], T0, T0 + 100)["A:VECTOR"][1].shape == (4, 3)


def test_vectors_of_different_lengths_are_an_array_of_arrays() -> None:
    values = database().get(["A:RAGGED"], T0, T0 + 100)["A:RAGGED"][1]
    assert values.dtype == object
    assert [len(v) for v in values] == [1, 2, 2, 3]


def test_a_time_without_samples_gives_empty_arrays() -> None:
    times, values = database().get(["A:SCALAR"], T0 - 100, T0 - 50)["A:SCALAR"]
    assert times.size == values.size == 0


def test_an_unknown_name_is_absent() -> None:
    assert database().get(["NO:SUCH"], T0, T0 + 1) == {}


def test_a_pattern_finds_names() -> None:
    assert set(database().get("A:%A%", T0, T0 + 1)) == {"A:SCALAR", "A:RAGGED"}


def test_text_is_local_time() -> None:
    times, _ = database().get(["A:SCALAR"], "2017-06-15 04:18:00.000", "2017-06-15 04:18:05.000")[
        "A:SCALAR"
    ]
    assert times.tolist() == [T0]


def test_a_naive_datetime_is_local_time() -> None:
    start = datetime(2017, 6, 15, 4, 18)
    times, _ = database().get(["A:SCALAR"], start, T0 + 5)["A:SCALAR"]
    assert times.tolist() == [T0]


def test_without_an_end_it_is_the_last_sample_before() -> None:
    times, _ = database().get(["A:SCALAR"], TIMES[2])["A:SCALAR"]
    assert times.tolist() == [TIMES[1]]


def test_fills_are_told_as_dicts() -> None:
    fills = [
        fill_data(5848, T0, T0 + 50, STABLE=(T0 + 10, T0 + 20)),
        fill_data(5849, T0 + 50, None),
    ]
    ldb = database(fills=fills)
    assert ldb.getLHCFillData(5848)["beamModes"][0]["mode"] == "STABLE"
    assert ldb.getLHCFillData(1) is None
    assert ldb.getLHCFillData()["fillNumber"] == 5848  # the last one that is over
    assert [f["fillNumber"] for f in ldb.getLHCFillsByTime(T0, T0 + 100)] == [5848, 5849]


def test_the_service_of_before_2020_is_closed() -> None:
    with pytest.raises(JavaError, match="closed"):
        Service(DATA).module().LoggingDB()


def test_vectors_of_different_lengths_raise_with_newer_numpy() -> None:
    with pytest.raises(ValueError, match="inhomogeneous"):
        database(faults=Faults(ragged_raises=True)).get(["A:RAGGED"], T0, T0 + 100)
