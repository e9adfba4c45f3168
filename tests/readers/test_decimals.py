"""Numbers in text, with simdjson and without."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumimod.readers import decimals
from lumimod.readers.decimals import to_floats


@pytest.fixture(params=["simdjson", "pandas"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run each test with simdjson, where it is installed, and without."""
    if request.param == "pandas":
        monkeypatch.setattr(decimals, "simdjson", None)
    elif decimals.simdjson is None:
        pytest.skip("simdjson is not installed")
    return str(request.param)


def read(*numbers: str) -> list[str] | None:
    """Return the numbers that are read as Python writes them, None if one is refused."""
    values = to_floats("".join(f"{number}," for number in numbers).encode(), len(numbers))
    return None if values is None else [repr(float(value)) for value in values]


def test_number_is_the_nearest_that_there_is() -> None:
    numbers = [
        *("0", "0.1", "-2.5", "1e5", "1.5E-07", "123456789012345678", "9007199254740993"),
        *("0.30000000000000004", "2.2250738585072011e-308", "5e-324", "1.7976931348623157e308"),
        *("8.5e22", "0.000000000000000000000000000123", "18446744073709551615"),
    ]
    assert read(*numbers) == [repr(float(number)) for number in numbers]


@pytest.mark.parametrize("number", ["-0", "-0 ", " -0", "-0\r", "-0.0", "-0e5"])
def test_zero_keeps_its_sign(number: str) -> None:
    assert read("1.5", number, "2") == ["1.5", "-0.0", "2.0"]
    assert read(number) == ["-0.0"]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@pytest.mark.parametrize("form", ["{!r}", "{:.6f}", "{:.5e}", " {:.3g} "])
def test_any_numbers_are_read_as_python_reads_them(form: str, values: list[float]) -> None:
    numbers = [form.format(value) for value in values]
    found = to_floats("".join(f"{number}," for number in numbers).encode(), len(numbers))
    np.testing.assert_array_equal(found, [float(number) for number in numbers])


@pytest.mark.parametrize(
    "number",
    ["nan", "NaN", "1.", ".5", "+1", "01", "1e400", "-inf", "1" * 20, "-9223372036854775809"],
)
def test_what_is_no_json_is_a_number_all_the_same(number: str) -> None:
    assert read("1", number, "2.5") == ["1.0", repr(float(number)), "2.5"]


@pytest.mark.parametrize(
    "number",
    ["x", "1 2", "[1]", "[[1]]", "{}", '"1"', "true", "FALSE", "null", "1_0", "0x1", "-", "1\0"],
)
def test_what_is_no_number_is_refused(number: str) -> None:
    assert read("1", number, "2.5") is None
    assert read(number) is None


@pytest.mark.parametrize("text", [b"1,2,", b"1,2,3,4,", b"1,[2,3],"])
def test_another_count_of_numbers_is_refused(text: bytes) -> None:
    assert to_floats(text, 3) is None


def test_no_numbers_are_an_empty_array() -> None:
    values = to_floats(b"", 0)
    assert values is not None
    assert values.shape == (0,)


@pytest.mark.parametrize("number", ["0.0012345678901234567", "-0.011241402149844591"])
@pytest.mark.parametrize("row", ["{},", "1,{},"])
def test_leading_zeros_cost_no_digits_under_any_pandas(
    number: str, row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def read_csv(*args: Any, float_precision: str | None = None, **options: Any) -> pd.DataFrame:
        asked.append(float_precision)
        return real_read_csv(*args, **options)

    real_read_csv = pd.read_csv
    monkeypatch.setattr(decimals, "simdjson", None)
    monkeypatch.setattr(decimals, "pandas_is_exact", lambda: False)
    monkeypatch.setattr(pd, "read_csv", read_csv)
    to_floats(row.format(number).encode(), row.count(","))
    to_floats(f"{row.format('0.5')}1.2345678901234567,".encode(), row.count(",") + 1)
    assert asked == ["round_trip", None]


def test_package_reads_where_simdjson_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['simdjson'] = None\n"
        "from lumimod.readers.decimals import simdjson, to_floats\n"
        "print(simdjson, *to_floats(b'1.5,2,', 2))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["None", "1.5", "2.0"]
