"""The steps themselves, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from lumimod.steps import TITLES
from lumimod.steps.step import Step

STEPS: Mapping[str, Step] = {name: import_module(f"lumimod.steps.{name}").STEP for name in TITLES}
