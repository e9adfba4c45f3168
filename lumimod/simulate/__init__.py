"""Simulated LHC: data folders as logged in 2017 or 2023, with the truth beside them.

In: fill numbers, `FillSettings` and a seed.
Out: the same files as of a real fill, and `truth/`; the same input gives the same bytes.
May import: errors, arrays, atomic, physics, readers, tables, writers.
To add an instrument: its samples in instruments.py, its file in files.py.
"""

from lumimod.simulate.fills import FillFiles, simulate_fills
from lumimod.simulate.settings import FillSettings

__all__ = ["FillFiles", "FillSettings", "simulate_fills"]
