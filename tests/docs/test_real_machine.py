"""The comparison with the real machine runs, and the documentation shows what it says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks.machine_data import Table
from benchmarks.real_machine import main, markdown, tables
from tests.docs.conftest import ROOT

pytestmark = pytest.mark.slow  # whole fills, together some seconds

NUMBER = re.compile(r"(?<=\| )-?\d+\.\d+(?= \|)")


@pytest.fixture(scope="module")
def compared() -> dict[str, Table]:
    return {table.title: table for table in tables()}


def section(title: str) -> str:
    """Return what the documentation says below a title, up to the next one."""
    text = (ROOT / "docs" / "real-machine.md").read_text(encoding="utf-8")
    [found] = [part for part in text.split("\n## ") if part.startswith(title)]
    return found


def test_the_documentation_has_the_numbers_of_the_comparison(compared: dict[str, Table]) -> None:
    assert len(compared) == 5
    for title, table in compared.items():
        now, shown = markdown(table), section(title)
        assert NUMBER.sub("", f"## {shown}").strip() == NUMBER.sub("", now).strip()
        last_digit = 1.1 * 10.0 ** -min(len(n.partition(".")[2]) for n in NUMBER.findall(now))
        numbers = (np.array(NUMBER.findall(text), float) for text in (now, shown))
        np.testing.assert_allclose(*numbers, atol=last_digit)


def test_rates_are_those_of_first_principles(compared: dict[str, Table]) -> None:
    rows = compared["Growth by intra-beam scattering, round beams"].rows
    worst = [row for row in rows if "largest error" in row.what]
    assert len(worst) == 6
    assert all(row.full < 0.3 < row.original for row in worst)


def test_the_formula_of_the_luminosity_lacks_the_hourglass_effect(
    compared: dict[str, Table],
) -> None:
    title = "Overlap of two bunches: geometric reduction of the luminosity"
    head_on = [row for row in compared[title].rows if "offset" not in row.what]
    assert all(-0.0005 < row.full / row.reference - 1 < 0.0045 for row in head_on)


def test_bunches_shrink_with_radiation_as_they_did(compared: dict[str, Table]) -> None:
    [table] = [table for title, table in compared.items() if "bunch length" in title]
    twelve = [row for row in table.rows if "12 MV" in row.what]
    assert len(twelve) == 5
    for row in twelve:
        assert row.reference < 0
        assert row.full == pytest.approx(row.reference, rel=0.2)


def test_it_prints_every_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], compared: dict[str, Table]
) -> None:
    monkeypatch.setattr("sys.argv", ["real_machine.py"])
    assert main() == 0
    printed = capsys.readouterr().out
    for table in compared.values():
        assert all(row.what in printed for row in table.rows)
