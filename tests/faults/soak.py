"""`make soak`: trials of every kind for some minutes, and a table of what became of them."""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.trials import TRIALS, Bench, Count

AT_ONCE = {"one bit of a result changed": 50}
"""Trials that are quick, made so many in a row."""


def main() -> int:
    """Make trials with one seed after the other until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--number", type=int, help="of trials of each kind, instead of minutes")
    parser.add_argument("--kind", nargs="+", choices=TRIALS, default=[*TRIALS])
    parser.add_argument("--seed", type=int, default=1000, help="of the first trial")
    args = parser.parse_args()
    counts = {kind: Count() for kind in args.kind}
    folder = Path(tempfile.mkdtemp(prefix="soak"))
    try:
        bench = Bench.make(folder)
        stop = time.monotonic() + 60 * args.minutes
        seeds = itertools.count(args.seed)
        for n_rounds in itertools.count():
            if time.monotonic() > stop if args.number is None else n_rounds == args.number:
                break
            for kind in args.kind:
                for _ in range(1 if args.number else AT_ONCE.get(kind, 1)):
                    _try(kind, bench, folder, next(seeds), counts[kind])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(table(counts))
    return 0 if all(count.is_clean for count in counts.values()) else 1


def _try(kind: str, bench: Bench, folder: Path, seed: int, count: Count) -> None:
    place = bench.place(folder / "trial")
    try:
        outcome = TRIALS[kind](bench, place, random.Random(seed))
    except PermissionError as exc:
        sys.stderr.write(f"{kind}: left out, {exc}\n")
        return
    finally:
        log = (place / "log").read_text() if (place / "log").exists() else ""
        shutil.rmtree(place)
    count.add(outcome)
    if outcome:
        sys.stderr.write(f"{kind}, seed {seed}: {outcome}\n{log}\n")


def table(counts: dict[str, Count]) -> str:
    """Return the counts as a table in Markdown."""
    lines = [
        "| Trial | Tried | Lost | Wrong unnoticed | Hung |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kind, c in counts.items():
        lines.append(f"| {kind} | {c.tried} | {c.lost} | {c.wrong} | {c.hung} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
