"""Convert data files: Timber CSV, HDF5, Parquet, and the Parquet tree of Run 3.

python Utilities/convert_data.py data --to parquet             # all files, beside the old ones
python Utilities/convert_data.py data --to h5 --out packed     # into another data folder
python Utilities/convert_data.py a_fill_5845.csv --to csv.gz
python Utilities/convert_data.py HX:FILLN=8000 --to parquet    # a fill of Run 3 into one file
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lumimod.commands.shell import Parser, exit_status, print_error, status_of
from lumimod.errors import LumimodError
from lumimod.readers.bmodes import table_in
from lumimod.readers.variables import files_of
from lumimod.writers.convert import (
    FORMATS,
    TREE,
    convert,
    convert_to_tree,
    converted_path,
    data_files,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert data files; return the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    errors: list[LumimodError] = []
    work = partial(_convert_all, args, parser.prog, errors)
    status = exit_status(parser.prog, work, kept="files that are converted are kept")
    return max([status, *map(status_of, errors)])


def _convert_all(args: argparse.Namespace, program: str, errors: list[LumimodError]) -> bool:
    """Convert every file; one that cannot be converted does not stop the others."""
    for source in args.source:
        try:
            files = data_files(source)
        except LumimodError as exc:
            errors.append(exc)
            print_error(program, exc)
            continue
        for path in files:
            try:
                _convert(path, source, args)
            except LumimodError as exc:
                errors.append(exc)
                print_error(program, exc)
    return not errors


def _convert(path: Path, source: Path, args: argparse.Namespace) -> None:
    folder = args.out
    if folder is not None and source != path and args.to != TREE:
        folder = folder / path.parent.relative_to(source)
    target = converted_path(path, args.to, folder)
    if target == path:
        return
    if args.to != TREE and target.exists() and not args.force:
        sys.stdout.write(f"{target} exists already (--force replaces it)\n")
        return
    start_s = time.perf_counter()
    target.parent.mkdir(parents=True, exist_ok=True)
    if args.to == TREE:
        convert_to_tree(path, target, args.bmodes or table_in(source))
    else:
        convert(path, target)
    sizes = [sum(f.stat().st_size for f in files_of(p)) / 1e6 for p in (path, target)]
    seconds = time.perf_counter() - start_s
    sys.stdout.write(
        f"{path} ({sizes[0]:.2f} MB) -> {target} ({sizes[1]:.2f} MB) in {seconds:.1f} s\n"
    )


def _parser() -> Parser:
    parser = Parser(
        description=__doc__,
        epilog="exit status: 0 all converted, 1 something failed, 2 the command line is wrong.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        type=Path,
        nargs="+",
        help="a file, a folder of files, or the tree of a fill (HX:FILLN=N)",
    )
    parser.add_argument("--to", choices=FORMATS, required=True, help="format to convert to")
    parser.add_argument(
        "--out", type=Path, help="folder to write to, with the same subfolders; default: beside"
    )
    parser.add_argument(
        "--bmodes",
        type=Path,
        help="beam modes for --to tree; default: fills_and_bmodes.pkl (or .json) in the source",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    return parser
