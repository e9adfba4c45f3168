"""Which measured luminosity counts, for the steps and for the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lumimod.config.settings import load_config
from lumimod.errors import MissingStepError
from lumimod.paths import FillPaths
from lumimod.records import BEAMS, EXPERIMENTS, BunchFamily, MeasuredLumi, StableBeams, store
from lumimod.records.measured import measured_lumi

N_TIMES, N_SLOTS = 4, 3
MASSI, LOGGED = 8e34, 7e34


def stable_beams() -> StableBeams:
    values = np.ones((N_TIMES, N_SLOTS))
    bunches = BunchFamily(np.arange(N_SLOTS), *[values] * 6)
    angles = {1: np.zeros(N_TIMES), 5: np.zeros(N_TIMES)}
    coll = {(beam, "coll"): bunches for beam in BEAMS}
    return StableBeams(np.arange(4.0), coll, angles, dict.fromkeys(BEAMS, values[1:]))


def lumi_of(value: float, n_slots: int = N_SLOTS) -> MeasuredLumi:
    return MeasuredLumi({exp: np.full((N_TIMES, n_slots), value) for exp in EXPERIMENTS})


@pytest.fixture
def paths(tmp_path: Path, write_config: Any) -> FillPaths:
    found = FillPaths(load_config(write_config(tmp_path)), 5845)
    found.make_folder()
    return found


def found_at(paths: FillPaths) -> float | None:
    """Return the luminosity that counts, None if there is none."""
    lumi = measured_lumi(paths, stable_beams())
    return None if lumi is None else float(lumi.bunch_lumi["CMS"][0, 0])


def test_massi_counts_before_the_logging_service(paths: FillPaths) -> None:
    assert found_at(paths) is None
    store.save(paths.lumi_meas_timber, lumi_of(LOGGED))
    assert found_at(paths) == LOGGED
    store.save(paths.lumi_meas, lumi_of(MASSI))
    assert found_at(paths) == MASSI


@pytest.mark.parametrize("name", ["lumi_meas", "lumi_meas_timber"])
def test_luminosity_of_other_bunches_is_refused_with_the_cure(paths: FillPaths, name: str) -> None:
    store.save(getattr(paths, name), lumi_of(MASSI, N_SLOTS + 1))
    with pytest.raises(MissingStepError) as error:
        found_at(paths)
    assert str(error.value) == (
        f"{getattr(paths, name)} has other times or bunches than {paths.sb}; run with --force massi"
    )
