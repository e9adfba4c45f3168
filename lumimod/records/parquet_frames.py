"""DataFrames in Parquet, with their attributes in the metadata of the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lumimod.errors import BadInputError, MissingInputError, OutputError
from lumimod.records.dated import replacing_result

if TYPE_CHECKING:
    import pandas as pd

_ATTRS = b"lumimod"
"""Key of the metadata under which the attributes stand, as JSON."""
_NEEDED = "pyarrow, which Parquet needs, is not installed; pip install 'lumimod[parquet]'"


def save_parquet(path: Path, frame: pd.DataFrame, *, keep_old: bool = False) -> None:
    """Save a DataFrame, atomically.

    With `keep_old` another one that was there stays, under its date.

    Raises
    ------
    OutputError
        It cannot be written, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as exc:
        raise OutputError(f"{path}: {_NEEDED}, or set savePandas = True") from exc
    table = pa.Table.from_pandas(frame, preserve_index=False)
    attrs = {_ATTRS: json.dumps(frame.attrs, default=str).encode()}
    with replacing_result(path, keep_old=keep_old) as file:
        parquet.write_table(
            table.replace_schema_metadata({**(table.schema.metadata or {}), **attrs}), file
        )


def load_parquet(path: Path) -> pd.DataFrame:
    """Return a DataFrame with its attributes.

    Raises
    ------
    MissingInputError, BadInputError
        It is missing, or cannot be read.
    """
    attrs = parquet_attrs(path)
    import pandas as pd

    frame = pd.read_parquet(path)
    frame.attrs.update(attrs)
    return frame


def parquet_attrs(path: Path) -> Mapping[str, Any]:
    """Return the attributes of a DataFrame, without reading it; empty if it has none.

    Raises
    ------
    MissingInputError, BadInputError
        It is missing, or cannot be read.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as exc:
        raise BadInputError(f"{path}: {_NEEDED}") from exc
    try:
        metadata = parquet.read_schema(path).metadata or {}
        attrs = json.loads(metadata.get(_ATTRS, b"{}"))
    except FileNotFoundError as exc:
        raise MissingInputError(f"{path}: no such file") from exc
    except (OSError, ValueError, ArrowException) as exc:
        reason = " ".join(str(exc).split())[:100]
        raise BadInputError(f"{path}: damaged, or no Parquet ({reason})") from exc
    return attrs if isinstance(attrs, dict) else {}
