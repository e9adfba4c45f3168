"""What the comparisons with the real machine have in common: tables, data, models."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lumimod.config.settings import Config, load_config
from lumimod.physics.constants import SPEED_OF_LIGHT_M_S
from lumimod.physics.effects import Collisions
from lumimod.physics.full import advance
from lumimod.physics.sbmodel import Bunches
from lumimod.steps.effects import Acting

DATA = Path(__file__).with_name("data")
PHYSICS = ("original", "full")
NS_TO_M = 1e-9 * SPEED_OF_LIGHT_M_S / 4
STEP_S = 300.0
MB = 1e-31
PROTON_GEV = 0.93827208816


class Row(NamedTuple):
    """One comparison."""

    what: str
    reference: float
    original: float
    full: float


class Table(NamedTuple):
    """Comparisons of one kind."""

    title: str
    unit: str
    reference: str
    """What the first number is: measured, or exact."""
    assumed: str
    rows: list[Row]


def configured(physics: str, **names: Any) -> Config:
    """Return the default configuration with a choice of physics."""
    lines = [f"{name} = {value!r}" for name, value in {"physics": physics, **names}.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.py"
        path.write_text("\n".join(lines) + "\n")
        return load_config(path)


def data(name: str) -> pd.DataFrame:
    """Return a table of benchmarks/data, without its comments."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return pd.read_csv(io.StringIO("\n".join(li for li in lines if not li.startswith("#"))))


def later(acting: Acting, start: Bunches, hours: float, collisions: Collisions | None) -> Bunches:
    """Return bunches after some hours, in steps of 5 minutes."""
    now = start
    for _ in range(round(hours * 3600 / STEP_S)):
        now = advance(
            now,
            STEP_S,
            acting.effects,
            parametrised=acting.parametrised,
            collide=None if collisions is None else lambda _: collisions,
        )
        if collisions is not None:  # levelled: burn-off is in what was measured, not in question
            now = now._replace(intensity_ppb=start.intensity_ppb)
    return now
