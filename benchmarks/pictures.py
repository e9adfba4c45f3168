"""Seconds that each picture of a full-size fill takes, and all of them as users make them.

    python benchmarks/pictures.py            simulates a fill, runs it, draws it
    python benchmarks/pictures.py --scale 0.1

The table is of one core, drawing and saving together; the last line is one run of --plots on all
cores, with the peak memory of all its processes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "benchmarks")]

from run import CONFIG, FILL, measure, simulate  # noqa: E402 - from the checkout

from lumimod.config.settings import load_config  # noqa: E402
from lumimod.paths import FillPaths  # noqa: E402
from lumimod.plots import gallery  # noqa: E402
from lumimod.plots.families import PICTURE_FAMILIES  # noqa: E402
from lumimod.records.diary import Diary  # noqa: E402


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full machine")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lumimod-bench-") as name:
        folder = Path(name)
        simulate(folder / "data", args.scale)
        config = folder / "config.py"
        config.write_text(CONFIG.format(data=f"{folder}/data/", work=f"{folder}/"))
        driver = [sys.executable, str(CHECKOUT / "lumimod.py"), "--config", str(config)]
        fill = ["--fill", str(FILL)]
        subprocess.run([*driver, *fill], check=True, capture_output=True)
        cfg = load_config(config)
        paths = FillPaths(cfg, FILL)
        paths.make_plot_folder()
        n_pictures = 0
        for job in gallery.plan(paths, PICTURE_FAMILIES, Diary(paths.folder)):
            for picture, seconds in gallery.draw_job(cfg, FILL, job).seconds.items():
                size_kb = gallery.picture_path(paths, picture).stat().st_size / 1e3
                print(f"{picture:60} {seconds:6.2f} s {size_kb:7.0f} kB", flush=True)
                n_pictures += 1
        cost = measure([*driver, *fill, "--plots", "--force", "all"])
        print(
            f"all {n_pictures}: {cost.wall_s:.1f} s wall, {cost.cpu_s:.1f} s CPU, "
            f"{cost.peak_mb:.0f} MB at peak"
        )


if __name__ == "__main__":
    main()
