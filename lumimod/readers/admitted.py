"""What a pickle may name: the classes that numbers, arrays and tables need, and no others.

Full names are compared: `pandas.` as a prefix would admit `pandas.eval`.
"""

from __future__ import annotations

import pickle

import numpy as np


class Refused(pickle.UnpicklingError):
    """A pickle asks for something that no data file needs."""


def _names(*lines: str) -> frozenset[tuple[str, str]]:
    """Return pairs (module, name) from lines such as 'module: name name'."""
    parts = [line.partition(":") for line in lines]
    return frozenset((module, name) for module, _, names in parts for name in names.split())


_BUILTINS = (
    "set frozenset list dict tuple slice complex bytearray int float bool str bytes"
    " long unicode"  # of Python 2
)
_PYTHON = _names(
    f"builtins: {_BUILTINS}",
    f"__builtin__: {_BUILTINS}",
    "collections: OrderedDict defaultdict",
    "datetime: datetime date timedelta timezone",
    "_codecs: encode",  # how protocol 2 of Python 3 writes bytes
)
_NUMPY = _names(
    "numpy: ndarray dtype concatenate cumsum",
    "numpy.core.multiarray: _reconstruct scalar",
    "numpy._core.multiarray: _reconstruct scalar",
    "numpy.core.numeric: _frombuffer",
    "numpy._core.numeric: _frombuffer",
    "numpy.dtypes: " + " ".join(getattr(getattr(np, "dtypes", None), "__all__", ())),
)
_PANDAS = _names(
    "pandas: DataFrame Series Index RangeIndex DatetimeIndex DatetimeTZDtype StringDtype NA",
    "pandas.arrays: DatetimeArray StringArray",
    "pandas.core.frame: DataFrame",
    "pandas.core.series: Series",
    "pandas.core.indexes.base: Index _new_Index",
    "pandas.core.indexes.range: RangeIndex",
    "pandas.core.indexes.datetimes: DatetimeIndex _new_DatetimeIndex",
    "pandas.core.indexes.numeric: Int64Index UInt64Index Float64Index",
    "pandas.core.internals.managers: BlockManager SingleBlockManager",
    "pandas.core.arrays.datetimes: DatetimeArray",
    "pandas.core.arrays.string_: StringArray StringDtype",
    "pandas.core.dtypes.dtypes: DatetimeTZDtype",
    "pandas._libs.arrays: __pyx_unpickle_NDArrayBacked",
    "pandas._libs.internals: _unpickle_block",
    "pandas._libs.missing: NA",
    "pandas._libs.tslibs.nattype: _nat_unpickle __nat_unpickle",
    "pandas._libs.tslibs.offsets: Day Hour Minute Second Milli",
    "pandas._libs.tslibs.timestamps: _unpickle_timestamp",
    "pytz: _UTC",
)
ALLOWED = _PYTHON | _NUMPY | _PANDAS

_NATTYPE = "pandas._libs.tslibs.nattype"
INSTEAD = {
    ("pandas.core.indexes.numeric", "Int64Index"): ("pandas", "Index"),
    ("pandas.core.indexes.numeric", "UInt64Index"): ("pandas", "Index"),
    ("pandas.core.indexes.numeric", "Float64Index"): ("pandas", "Index"),
    (_NATTYPE, "_nat_unpickle"): (_NATTYPE, "__nat_unpickle"),
    (_NATTYPE, "__nat_unpickle"): (_NATTYPE, "_nat_unpickle"),
}
"""Names that came and went with versions of pandas: what to take if the first is not there."""
NUMPY_CORE = "numpy.core" if np.__version__.startswith("1.") else "numpy._core"
