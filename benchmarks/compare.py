"""Compare two checkouts: CPU time and memory of the same runs, in alternation.

    python benchmarks/compare.py ../before .                    a full-size fill
    python benchmarks/compare.py ../before . --hours 48         a long one
    python benchmarks/compare.py ../before . --fills 50 --bunches 36

On a shared machine the same work may take twice the time an hour later. Runs of both checkouts
therefore alternate, and the ratio of each pair counts: its median is printed, and the least and the
largest. CPU time is that of all processes of a run, memory their proportional set size: Linux only.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from run import CONFIG, Cost, measure, simulate

FIRST_FILL = 6000


def main() -> None:
    """Print a line for each pair of runs, and the ratios."""
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="lumimod-compare-") as name:
        folder = Path(name)
        fills = [FIRST_FILL + n for n in range(args.fills)]
        size_mb = simulate(
            folder / "data", args.scale, hours=args.hours, bunches=args.bunches, fills=fills
        )
        print(f"{args.fills} fills, {args.hours:g} h, {size_mb:.0f} MB of CSV", flush=True)
        print(f"{'':4} {'CPU/s':>15} {'wall/s':>15} {'peak/MB':>15}   CPU ratio")
        pairs = []
        for pair in _pairs(args, folder, fills):
            pairs.append(pair)
            print(_line(str(len(pairs)), *pair), flush=True)
    for what in ("cpu_s", "wall_s", "peak_mb"):
        ratios = [getattr(head, what) / getattr(base, what) for base, head in pairs]
        middle = statistics.median(ratios)
        print(f"{what:8} {middle:.2f} of before ({min(ratios):.2f} to {max(ratios):.2f})")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("base", type=Path, help="checkout of before")
    parser.add_argument("head", type=Path, help="checkout of now")
    parser.add_argument("--scale", type=float, default=1.0, help="of a full machine's bunches")
    parser.add_argument("--bunches", type=int, help="colliding bunches, in place of --scale")
    parser.add_argument("--hours", type=float, default=12.0, help="of stable beams")
    parser.add_argument("--fills", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3, help="pairs of runs")
    parser.add_argument("--more", nargs="*", default=[], help="more options of lumimod.py")
    return parser.parse_args()


def _pairs(args: argparse.Namespace, folder: Path, fills: list[int]) -> Iterator[tuple[Cost, Cost]]:
    """Yield what a run of each checkout took, one after the other."""
    commands = []
    for side, checkout in (("base", args.base), ("head", args.head)):
        config = folder / f"config_{side}.py"
        config.write_text(CONFIG.format(data=f"{folder}/data/", work=f"{folder}/{side}/"))
        (folder / side).mkdir()
        command = [sys.executable, str(checkout / "lumimod.py"), "--config", str(config)]
        commands.append([*command, "--fill", *map(str, fills), "--force", "all", *args.more])
    for _ in range(args.repeat):
        base, head = map(measure, commands)
        yield base, head


def _line(number: str, base: Cost, head: Cost) -> str:
    def both(what: str, form: str) -> str:
        return f"{getattr(base, what):{form}} {getattr(head, what):{form}}"

    return (
        f"{number:4} {both('cpu_s', '7.2f')} {both('wall_s', '7.2f')} {both('peak_mb', '7.0f')}"
        f"   {head.cpu_s / base.cpu_s:.2f}"
    )


if __name__ == "__main__":
    main()
