"""What each phase of a full-size fill takes, beside the least that it could take, on this machine.

    python benchmarks/floors.py               a full-size fill
    python benchmarks/floors.py --scale 0.25

A floor is what the libraries below must do all the same, measured in the same process just before:
unpacking and number parsing without anything around them, the sums of products without their
preparation, plain writing with fsync. CPU seconds of one process; the least of several.
"""

from __future__ import annotations

import argparse
import io
import os
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from run import FILL, simulate

from lumimod.instruments.measurements import BUNCHES, SIZES
from lumimod.physics.lowess import lowess_groups
from lumimod.readers.compressed import decompressed
from lumimod.readers.massi import read_massi
from lumimod.readers.unpickle import load_pickle
from lumimod.readers.variables import read_first
from lumimod.records.store import save_object
from lumimod.tables.variables import all_names

N_SCANS, N_ITERATIONS = 90, 10
ARRAYS, MEASURED, TIMES = 50, 6, 144
"""Arrays of a file of a model, and their times."""


def least(work: Callable[[], object], repeat: int) -> float:
    """Return the least CPU time of some work, in s."""
    times = []
    for _ in range(repeat):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def reading(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return reading of the bunch-by-bunch CSV, and parsing of its numbers alone."""
    [path] = folder.glob("fill_bunchbybunch_data_csvs/*.csv")
    names = all_names(FILL)
    keys = [f"{what}_b{beam}" for what in (*BUNCHES, *SIZES) for beam in (1, 2)]
    wanted = {key: names[key] for key in keys}
    series = list(read_first(path, wanted).values())
    columns = [b"".join(b"%.6g\n" % v for v in one.values[:200_000].tolist()) for one in series]
    parts = [one.values.size / min(one.values.size, 200_000) for one in series]

    def floor() -> None:
        for column, times in zip(columns, parts):
            for _ in range(round(times)):
                pd.read_csv(io.BytesIO(column), header=None, dtype=np.float64, na_filter=False)

    return (lambda: read_first(path, wanted)), floor


def massi(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return reading of one Massi archive, and its unpacking alone."""
    [path] = folder.glob("massi/*/measurements/ATLAS/lumi/*.tgz")
    slots = np.arange(3564)

    def unpack() -> None:
        with decompressed(path) as stream:
            while stream.read(1 << 20):
                pass

    return (lambda: read_massi(path, FILL, "ATLAS", slots)), unpack


def smoothing(scale: float) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return LOWESS of all bunches of one beam, and the sums of its products alone."""
    n_bunches = round(2548 * scale)
    rng = np.random.default_rng(1)
    time_s = np.tile(np.arange(N_SCANS) * 480.0, n_bunches) + rng.random(n_bunches * N_SCANS)
    values = rng.normal(2.5, 0.1, (time_s.size, 2))
    start = np.arange(n_bunches + 1) * N_SCANS
    frac = 0.235
    n_products = 2 * n_bunches * N_SCANS * int(frac * N_SCANS) * 5 * (N_ITERATIONS + 1)
    one, two = rng.random((2, 10_000))

    def work() -> Any:
        return lowess_groups(time_s, start, values, frac=frac, delta_s=400.0, n_iter=N_ITERATIONS)

    return work, lambda: [np.dot(one, two) for _ in range(n_products // one.size)]


def results(
    folder: Path, scale: float
) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    """Return writing and loading of a file of a model, and plain writing and unpickling."""
    rng = np.random.default_rng(1)
    shape = TIMES, round(2548 * scale)
    data = {n: rng.random(shape) for n in range(MEASURED)}
    hardly_change = np.linspace(1.0, 0.6, TIMES)[:, None]
    data |= {n: hardly_change * (1 + rng.random(shape[1:])) for n in range(MEASURED, ARRAYS)}
    path, plain = folder / "result.pkl.gz", pickle.dumps(data, protocol=5)
    contents = [values.tobytes() for values in data.values()]

    def write() -> None:
        with (folder / "plain").open("wb") as file:
            for values in contents:
                file.write(values)
            file.flush()
            os.fsync(file.fileno())

    save_object(path, data)
    return [
        ("writing a model's results", lambda: save_object(path, data), write),
        ("loading them", lambda: load_pickle(path), lambda: pickle.loads(plain)),  # noqa: S301
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of a full machine's bunches")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lumimod-floors-") as name:
        folder = Path(name)
        simulate(folder, args.scale)
        phases = [
            ("bunch-by-bunch CSV", *reading(folder)),
            ("one Massi archive", *massi(folder)),
            ("LOWESS of one beam", *smoothing(args.scale)),
            *results(folder, args.scale),
        ]
        print(f"{'phase':28} {'CPU/s':>7} {'floor/s':>8} {'ratio':>6}")
        for what, work, floor in phases:
            least_s, now_s = least(floor, args.repeat), least(work, args.repeat)
            print(f"{what:28} {now_s:7.2f} {least_s:8.2f} {now_s / least_s:6.1f}", flush=True)


if __name__ == "__main__":
    main()
