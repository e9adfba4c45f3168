"""Simulated LHC: data folders as logged in 2017 or 2023, with the truth beside them.

In: fill numbers, `FillSettings` and a seed.
Out: the same files as of a real fill, and `truth/`; the same input gives the same bytes.
May import: errors, arrays, atomic, physics, readers, tables, writers.
To add an instrument: its samples in instruments.py, its file in files.py.

There are two truths. The simple one evolves the bunches by the pipeline's own formulas (growth.py):
what is tested on it is that nothing is lost on the way. The full one (full.py, with collider.py,
overlap.py, scattering.py and noise.py) has formulas of its own, and imports none of the models'.
"""

from lumimod.simulate.fills import FillFiles, simulate_fills
from lumimod.simulate.full_settings import FullPhysics
from lumimod.simulate.settings import FillSettings

__all__ = ["FillFiles", "FillSettings", "FullPhysics", "simulate_fills"]
