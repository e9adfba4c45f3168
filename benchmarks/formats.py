"""Time and size of a fill's bunch-by-bunch file in every format that lumimod reads.

python benchmarks/formats.py                # a full-size fill: 2,548 bunches, 12 h
python benchmarks/formats.py --scale 0.1

"read" is what the steps need of the file, both beams, in one process; "write" is converting the
CSV file, reading it included.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from lumimod.instruments.measurements import BUNCHES, SIZES  # noqa: E402
from lumimod.readers.locate import SUFFIXES  # noqa: E402
from lumimod.readers.variables import files_of, read_first  # noqa: E402
from lumimod.simulate import FillFiles, FillSettings, simulate_fills  # noqa: E402
from lumimod.tables.variables import all_names  # noqa: E402
from lumimod.writers.convert import convert, convert_to_tree  # noqa: E402

FILL = 6000


def simulate(folder: Path, scale: float) -> FillFiles:
    """Write a fill with a fraction of the full machine's bunches, and of its BSRT records."""
    full = FillSettings.full_size()
    settings = FillSettings.full_size(
        n_colliding=round(full.n_colliding * scale), bsrt_period_s=full.bsrt_period_s / scale
    )
    return simulate_fills(folder, [FILL], settings, seed=1)[0]


def read(path: Path) -> None:
    """Read what the steps need of both beams."""
    names = all_names(FILL)
    for beam in (1, 2):
        read_first(path, {what: names[f"{what}_b{beam}"] for what in (*BUNCHES, *SIZES)})


def seconds(work: Callable[[], None], repeat: int = 1) -> float:
    """Return the least time of several runs."""
    times = []
    for _ in range(repeat):
        start_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - start_s)
    return min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="part of the bunches")
    parser.add_argument("--repeat", type=int, default=3, help="readings of each, the best counts")
    args = parser.parse_args()
    print(f"{'format':>10} {'MB':>7} {'write/s':>8} {'read/s':>7} {'times CSV':>10}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lumimod-bench-") as name:
        files = simulate(Path(name), args.scale)
        csv, csv_s = files.bunches, 0.0
        for kind in (*SUFFIXES, "tree"):
            path, write_s = csv, 0.0
            if kind == "tree":
                path = Path(name) / f"HX:FILLN={FILL}"
                write_s = seconds(lambda to=path: convert_to_tree(csv, to, files.bmodes))
            elif kind != ".csv":
                path = csv.with_name(csv.name.replace(".csv", kind))
                write_s = seconds(lambda to=path: convert(csv, to))
            read_s = seconds(lambda at=path: read(at), args.repeat)
            csv_s = csv_s or read_s
            size_mb = sum(file.stat().st_size for file in files_of(path)) / 1e6
            print(
                f"{kind:>10} {size_mb:7.1f} {write_s:8.1f} {read_s:7.2f} {csv_s / read_s:10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
