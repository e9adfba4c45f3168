"""Wall time, CPU time and peak memory of every step, at several numbers of bunches.

    python benchmarks/run.py                      0.25x, 0.5x and 1x of a full machine
    python benchmarks/run.py --scale 1 --repeat 3 the full machine alone, best of three

A full machine is 2,548 bunches a beam, 12 h of stable beams sampled every 60 s, five models and
two cases. Steps are run one by one with --doOnly, each reading what it needs; the line "all" is
one run of everything, as users run it. CPU time and memory (proportional set size) are summed
over all processes of a run, read from /proc: Linux only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from lumimod.simulate import FillSettings, simulate_fills  # noqa: E402 - from the checkout
from lumimod.steps import TITLES  # noqa: E402

FILL = 6000
FULL_COLLIDING, FULL_NONCOLLIDING = 2544, 4
SAMPLE_S = 0.02
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

CONFIG = """\
data_folder = {data!r}
working_folder = {work!r}
doSBModel = True
cases = [1, 2]
correction_factor_1h = [1.0, 0.9]
correction_factor_2h = [1.0, 0.95]
correction_factor_1v = [1.0, 1.1]
correction_factor_2v = [1.0, 1.05]
"""


@dataclass(frozen=True)
class Cost:
    """What a run took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def measure(command: list[str]) -> Cost:
    """Run a command in a session of its own and add up its processes.

    Modules are compiled once, as for users, and not in each run.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True, env=env, **quiet)
    cpu_ticks: dict[int, int] = {}
    peak_kb, ended = 0, False
    while not ended:  # the last look is after its end, before it is waited for
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        used_kb = 0
        for pid, ticks in _session(process.pid).items():
            cpu_ticks[pid] = ticks
            used_kb += _memory_kb(pid)
        peak_kb = max(peak_kb, used_kb)
        time.sleep(0 if ended else SAMPLE_S)
    process.wait()
    wall_s = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"failed, run it again to see why: {' '.join(command)}")
    return Cost(wall_s, sum(cpu_ticks.values()) / TICKS_PER_S, peak_kb / 1024)


def _session(leader: int) -> dict[int, int]:
    """Return the CPU ticks of every process of a session."""
    out = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue  # it has ended meanwhile
        if int(fields[3]) == leader:
            out[int(folder.name)] = int(fields[11]) + int(fields[12])
    return out


def _memory_kb(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(x.split()[1]) for x in rollup.splitlines() if x.startswith("Pss:")), 0)


def simulate(
    folder: Path,
    scale: float,
    *,
    hours: float = 12.0,
    bunches: int | None = None,
    fills: Sequence[int] = (FILL,),
) -> float:
    """Write fills with a fraction of the full machine's bunches; return their size in MB.

    Those with a number of `bunches` are as `simulate_fills.py` writes them, not full-size.
    """
    # The BSRT scans bunch by bunch at a fixed pace: fewer bunches, fewer records.
    settings = FillSettings.full_size(
        n_colliding=round(FULL_COLLIDING * scale),
        n_noncolliding=max(1, round(FULL_NONCOLLIDING * scale)),
        bsrt_period_s=FillSettings.full_size().bsrt_period_s / scale,
        hours=hours,
    )
    if bunches is not None:
        settings = FillSettings(n_colliding=bunches, hours=hours)
    made = simulate_fills(folder, list(fills), settings, seed=1)
    inputs = [path for f in made for path in (f.basic, f.bunches, f.crossing)]
    return sum(path.stat().st_size for path in inputs) / 1e6


def best(command: list[str], repeat: int) -> Cost:
    """Return the least of several runs: what the machine does when left alone."""
    return min((measure(command) for _ in range(repeat)), key=lambda cost: cost.wall_s)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", type=float, nargs="+", default=[0.25, 0.5, 1.0])
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, the best counts")
    args = parser.parse_args()
    header = f"{'bunches':>8} {'CSV/MB':>7} {'step':>9} {'wall/s':>7} {'CPU/s':>7} {'peak/MB':>8}"
    print(header, flush=True)
    for scale in args.scale:
        with tempfile.TemporaryDirectory(prefix="lumimod-bench-") as name:
            folder = Path(name)
            size_mb = simulate(folder / "data", scale)
            config = folder / "config.py"
            config.write_text(CONFIG.format(data=f"{folder}/data/", work=f"{folder}/"))
            driver = [sys.executable, str(CHECKOUT / "lumimod.py"), "--config", str(config)]
            everything = best([*driver, "--fill", str(FILL), "--force", "all"], args.repeat)
            costs = {
                step: best([*driver, "--fill", str(FILL), "--doOnly", step], args.repeat)
                for step in TITLES
            }
            costs["all"] = everything
            n_bunches = round(FULL_COLLIDING * scale) + max(1, round(FULL_NONCOLLIDING * scale))
            for step, cost in costs.items():
                print(
                    f"{n_bunches:8d} {size_mb:7.0f} {step:>9} {cost.wall_s:7.2f}"
                    f" {cost.cpu_s:7.2f} {cost.peak_mb:8.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
