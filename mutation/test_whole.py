"""The golden fill in one test: a mutant that changes a number of the original is found here.

Tests that share one run of the fill cannot tell: it is made before most of them begin.
"""

from __future__ import annotations

from pathlib import Path

import lumimod
from lumimod.records.compare import differences
from tests.conftest import GOLDEN, GOLDEN_SETTINGS, analyse
from tests.test_golden import D3, EXPECTED, TOLERANCE, TOLERANCE_OF_FITS


def test_the_golden_fill_has_the_numbers_of_the_original(tmp_path: Path) -> None:
    run = analyse(tmp_path, GOLDEN / "input", **GOLDEN_SETTINGS)
    assert run.report.failed == {}
    for path in EXPECTED:
        ours = lumimod.load(run.folder / path.name)
        for found in differences(ours, lumimod.load(path), ignore=frozenset({D3})):
            assert found.relative <= (TOLERANCE_OF_FITS if found.fitted else TOLERANCE), found
