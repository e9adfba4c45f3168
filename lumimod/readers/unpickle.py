"""Pickles, read without running code that they contain.

A pickle may call anything that Python can import. Here only the classes are admitted that numbers,
arrays, plain containers and pandas tables need, in files written by Python 2 or 3, NumPy 1 or 2 and
pandas 1.5 to 3. Full names are compared: `pandas.` as a prefix would admit `pandas.eval`.
"""

from __future__ import annotations

import pickle
from datetime import timezone
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np

from lumimod.errors import BadInputError, MissingInputError
from lumimod.readers.compressed import GZIP_DAMAGE, decompressed
from lumimod.readers.locate import unreadable


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
    "numpy: ndarray dtype",
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
# Names that came and went with versions of pandas: what to take if the first is not there.
_INSTEAD = {
    ("pandas.core.indexes.numeric", "Int64Index"): ("pandas", "Index"),
    ("pandas.core.indexes.numeric", "UInt64Index"): ("pandas", "Index"),
    ("pandas.core.indexes.numeric", "Float64Index"): ("pandas", "Index"),
    (_NATTYPE, "_nat_unpickle"): (_NATTYPE, "__nat_unpickle"),
    (_NATTYPE, "__nat_unpickle"): (_NATTYPE, "_nat_unpickle"),
}
_NUMPY_CORE = "numpy.core" if np.__version__.startswith("1.") else "numpy._core"


def _utc() -> timezone:
    """Return UTC, instead of that of pytz, on which pandas no longer depends."""
    return timezone.utc


# What `load` raises if a file is not a pickle, or a truncated or damaged one.
_DAMAGE: tuple[type[Exception], ...] = (
    pickle.PickleError,
    *GZIP_DAMAGE,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ImportError,
    OverflowError,
    NotImplementedError,
    MemoryError,
)


class SafeUnpickler(pickle.Unpickler):
    """Unpickler that admits only the names in ALLOWED; strings of Python 2 become str."""

    def __init__(self, file: BufferedIOBase, path: Path) -> None:
        super().__init__(file, encoding="latin1")
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        """Return the object of that name.

        Raises
        ------
        BadInputError
            It is not in ALLOWED.
        """
        if (module, name) not in ALLOWED:
            raise BadInputError(
                f"{self._path}: contains {module}.{name}, which no data file needs;"
                " not loaded, get the file from its source again"
            )
        if (module, name) == ("pytz", "_UTC"):
            return _utc
        for core in ("numpy.core.", "numpy._core."):
            if module.startswith(core):
                module = f"{_NUMPY_CORE}.{module[len(core) :]}"
        try:
            return super().find_class(module, name)
        except (AttributeError, ImportError):
            if (module, name) not in _INSTEAD:
                raise
            return super().find_class(*_INSTEAD[module, name])


def load_pickle(path: Path) -> Any:
    """Return the contents of a pickle, plain or gzip (told by its first bytes, not by its name).

    Raises
    ------
    MissingInputError
        The file is missing or cannot be read.
    BadInputError
        It is truncated, not a pickle, or needs a name that is not in ALLOWED.
    """
    try:
        with decompressed(path) as stream:
            return SafeUnpickler(stream, path).load()
    except FileNotFoundError as exc:
        raise MissingInputError(f"{path}: no such file; check the folders in config.py") from exc
    except _DAMAGE as exc:
        reason = " ".join(f"{type(exc).__name__}: {exc}".split())[:100]
        raise BadInputError(
            f"{path}: truncated, not a pickle, or of another pandas ({reason}); get it again"
        ) from exc
    except OSError as exc:
        raise MissingInputError(unreadable(path, exc)) from exc
