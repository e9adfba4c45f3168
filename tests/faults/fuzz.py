"""`python -m tests.faults.fuzz --readers 5000 --pipeline 300`: mutations, and a table of them."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.faults.mutations import FAULTS, FORMATS, OUTCOMES, try_many
from tests.faults.pipeline import Pipeline

Outcome = tuple[str, str]
"""Kind of file and what became of it."""


def main() -> int:
    """Make so many mutations; return 1 if one of them is a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=5000, metavar="N")
    parser.add_argument("--pipeline", type=int, default=300, metavar="M")
    parser.add_argument("--seed", type=int, default=0, help="of the first one")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    try:
        readers = Counter(through_readers(folder, args.seed, args.readers))
        pipeline = Counter(through_pipeline(folder, args.seed, args.pipeline))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{table('Read', readers)}\n{table('Whole pipeline', pipeline)}")
    both = readers + pipeline
    return 1 if any(n for (_, outcome), n in both.items() if outcome in FAULTS) else 0


def through_readers(folder: Path, seed: int, n_trials: int) -> Iterator[Outcome]:
    """Read so many mutated files, as many of each format."""
    for number, kind in enumerate(FORMATS):
        n_of_kind = (n_trials + number) // len(FORMATS)
        place = folder / f"format_{number}"
        place.mkdir(parents=True)
        for of, outcome, why in try_many(kind, place, range(seed, seed + n_of_kind)):
            _tell(kind, of, outcome, why)
            yield kind, outcome


def through_pipeline(folder: Path, seed: int, n_trials: int) -> Iterator[Outcome]:
    """Run the driver on so many mutated inputs."""
    if not n_trials:
        return
    bench = Pipeline.make(folder / "pipeline")
    for of in range(seed, seed + n_trials):
        place = folder / f"trial_{of}"
        kind, outcome, why = bench.try_one(place, of)
        shutil.rmtree(place)
        _tell(kind, of, outcome, why)
        yield kind, outcome


def _tell(kind: str, seed: int, outcome: str, why: str) -> None:
    if why:
        sys.stderr.write(f"{kind}, seed {seed}: {outcome}: {why}\n")


def table(title: str, counts: Counter[Outcome]) -> str:
    """Return what became of the mutations of each kind of file, as a table in Markdown."""
    heads = [title, "tried", *OUTCOMES.values()]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    kinds = list(dict.fromkeys(kind for kind, _ in counts))
    for kind in [*kinds, "all"]:
        of = Counter[str]()
        for (name, outcome), n in counts.items():
            if kind in (name, "all"):
                of[outcome] += n
        rows.append([kind, str(sum(of.values())), *(str(of[name]) for name in OUTCOMES)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
