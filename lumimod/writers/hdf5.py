"""HDF5 files in the layout of LHCMeasurementTools, see `readers.hdf5`."""

from __future__ import annotations

from collections.abc import Mapping
from io import BufferedIOBase

import numpy as np

from lumimod.arrays import Series
from lumimod.readers.hdf5 import (
    DROPPED_ATTRIBUTE,
    LENGTHS,
    TIMES,
    VALUES,
    import_h5py,
    unpadded_lengths,
)

PACKED = {"compression": "lzf", "shuffle": True, "fletcher32": True}
"""LZF, which every h5py has, with a checksum."""


CHECKED = ("v110", "v110")
"""The format of HDF5 1.10 (2016), the first whose own tables have checksums as well."""


def write_hdf5(stream: BufferedIOBase, series: Mapping[str, Series]) -> None:
    """Write the variables; shorter rows are padded with NaN."""
    with import_h5py().File(stream, "w", libver=CHECKED) as file:
        for name, one in series.items():
            rows = one.matrix()
            packed = PACKED if rows.size else {}
            file.create_dataset(name + TIMES, data=one.time_s, **packed)
            values = file.create_dataset(name + VALUES, data=rows, **packed)
            if one.n_dropped:
                values.attrs[DROPPED_ATTRIBUTE] = one.n_dropped
            if not np.array_equal(unpadded_lengths(rows), one.lengths):
                file.create_dataset(name + LENGTHS, data=one.lengths, **packed)
