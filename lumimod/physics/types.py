"""Array types that the physics functions share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SPEED_OF_LIGHT_M_S = 299_792_458.0
"""Exact by definition (SI)."""

PROTON_MASS_GEV = 0.93828
"""As in the IBS parametrisation, which is chosen by gamma times this mass."""
