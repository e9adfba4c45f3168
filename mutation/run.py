"""Change the code in small ways, one at a time, and list the changes that no test notices.

`make mutants` does it for the numbers: physics, instruments and steps. mutmut makes the changes and
finds the tests that reach each; its results stay in mutants/, so a run that is stopped goes on
where it was. A change that cannot matter has its reason in mutation/reasons.yaml, in the words that
are printed here, and is not listed again.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
REASONS = Path(__file__).with_name("reasons.yaml")
ROOMS = ("physics", "instruments", "steps")

NOTICED = ("killed", "timeout", "segfault")
LEFT = "survived"
EXCUSED = "cannot matter"
OPEN = "not checked"
TESTS = Path("mutants", "mutmut-stats.json")
"""Which tests reach each function, as mutmut found it."""
OF_A_CLASS = "\u01c1"
"""mutmut writes x_name, and for methods x, Class and name with this between."""


@dataclass(frozen=True)
class Mutant:
    """A change of one function."""

    name: str
    """That of mutmut, which `mutmut show` takes; its number changes with the code."""
    path: str
    status: str

    @property
    def room(self) -> str:
        """Return the part of the package that it is in."""
        return self.name.split(".")[1]

    @property
    def function(self) -> str:
        """Return the name of the function, such as physics.lowess._bisquare."""
        module, _, rest = self.name.partition("lumimod.")[2].rpartition(".")
        function = rest.partition("__mutmut_")[0]
        return f"{module}.{function[2:].replace(OF_A_CLASS, '.')}"


MEMORY_BYTES = 4 << 30
"""A mutant may never end and gather results for ever."""

Change = tuple[str, str]
"""The function, and `old line -> new line`."""
Reasons = Mapping[Change, str]


# --- what there is


def mutants_of(rooms: Collection[str]) -> list[Mutant]:
    """Return every mutant of these rooms, with what is known of it from earlier runs."""
    return [mutant for path in _modules(rooms) for mutant in _mutants_in(path)]


def _modules(rooms: Collection[str]) -> Iterator[Path]:
    from mutmut.configuration import config

    for room in rooms:
        for path in sorted(Path("lumimod", room).glob("*.py")):
            if config().should_mutate(path):
                yield path


def _mutants_in(path: Path) -> Iterator[Mutant]:
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.stats import status_by_exit_code
    from mutmut.utils.format_utils import get_mutant_name

    made = mutate_file_contents(str(path), path.read_text(encoding="utf-8"))
    known = SourceFileMutationData(path=path)
    known.load()
    for own_name in made.mutant_names:
        function = own_name.partition("__mutmut_")[0]
        same = made.hash_by_function_name[function] == known.hash_by_function_name.get(function)
        name = get_mutant_name(path, own_name)
        code = known.exit_code_by_key.get(name) if same else None
        yield Mutant(name, str(path), status_by_exit_code[code])


def change_of(mutant: Mutant) -> Change:
    """Return what a mutant changes."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    return mutant.function, described(get_diff_for_mutant(mutant.name, path=mutant.path))


def described(diff: str) -> str:
    """Return a unified diff of one change as `old line -> new line`."""
    lines = diff.splitlines()[3:]
    old, new = (" ".join(line[1:] for line in lines if line.startswith(sign)) for sign in "-+")
    return f"{_plain(old)} -> {_plain(new)}"


def _plain(text: str) -> str:
    return " ".join(text.split())


def read_reasons(text: str) -> Reasons:
    """Return the reason of each change that cannot matter.

    The file is a list of `why` and `changes`, which holds the changes by function.
    """
    return {
        (function, _plain(change)): _plain(entry["why"])
        for entry in yaml.safe_load(text) or ()
        for function, changes in entry["changes"].items()
        for change in changes
    }


# --- running


def to_run(mutants: Iterable[Mutant], sample: int | None, seed: int) -> list[Mutant]:
    """Return the mutants to try: all or a random sample, without those that tests noticed."""
    chosen = list(mutants)
    if sample is not None and sample < len(chosen):
        chosen = random.Random(seed).sample(chosen, sample)
    return [mutant for mutant in chosen if mutant.status not in NOTICED]


def run(mutants: Sequence[Mutant], jobs: int, minutes: float | None) -> None:
    """Let mutmut try these mutants, for some minutes at most.

    Which tests reach them is found anew: of tests that were there before mutmut takes it as it was,
    and it cannot name every new one to pytest.

    Raises
    ------
    RuntimeError
        It ends with an error, as where a test fails without any change; its last lines say which.
    """
    TESTS.unlink(missing_ok=True)
    call = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs)]
    call += [mutant.name for mutant in mutants]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(call, stdout=said, stderr=subprocess.STDOUT) as tool:
            try:
                status = tool.wait(None if minutes is None else 60 * minutes)
            except subprocess.TimeoutExpired:
                status = 0
                tool.send_signal(signal.SIGINT)
        if status:
            said.seek(0)
            last = "".join(said.read().replace("\r", "\n").splitlines(keepends=True)[-30:])
            raise RuntimeError(f"mutmut ended with status {status}:\n{last}")


# --- telling


def report(mutants: Sequence[Mutant], changes: Mapping[str, Change], reasons: Reasons) -> str:
    """Return a table of the rooms, and every change that no test noticed and that has no reason.

    `changes` are those of the mutants that survived, by name.
    """
    excused = {name for name, change in changes.items() if change in reasons}
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        status = EXCUSED if mutant.name in excused else mutant.status
        counts.setdefault(mutant.room, Counter())[status] += 1
    left = sorted(change for name, change in changes.items() if name not in excused)
    lines = [f"{function}: {change}" for function, change in left]
    return "\n".join([*_table(counts), "", *lines]) + "\n"


def _table(counts: Mapping[str, Counter[str]]) -> Iterator[str]:
    columns = ("killed", "timeout", LEFT, EXCUSED, "no tests", OPEN)
    yield "".join([f"{'':12}", f"{'mutants':>9}", *(f"{name:>15}" for name in columns)])
    for room, count in counts.items():
        row = [f"{room:12}", f"{sum(count.values()):9}", *(f"{count[name]:15}" for name in columns)]
        yield "".join(row)


def main(argv: Sequence[str] | None = None) -> int:
    """Run mutants and tell which survived; return 1 if any did without a reason."""
    p = argparse.ArgumentParser(description="Which changes of the code does no test notice?")
    p.add_argument("rooms", nargs="*", default=ROOMS, metavar="ROOM", help=" ".join(ROOMS))
    p.add_argument("--sample", type=int, metavar="N", help="N mutants at random, not all")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--minutes", type=float, help="stop then; the next run goes on")
    p.add_argument("--report", action="store_true", help="run none, tell what is known")
    args = p.parse_args(argv)

    if not args.report:
        pending = to_run(mutants_of(args.rooms), args.sample, args.seed)
        reasons = read_reasons(REASONS.read_text(encoding="utf-8"))
        known = {m.name for m in pending if m.status == LEFT and change_of(m) in reasons}
        run([m for m in pending if m.name not in known], args.jobs, args.minutes)
    mutants = mutants_of(args.rooms)
    changes = {m.name: change_of(m) for m in mutants if m.status in (LEFT, "no tests")}
    reasons = read_reasons(REASONS.read_text(encoding="utf-8"))
    sys.stdout.write(report(mutants, changes, reasons))
    return int(any(change not in reasons for change in changes.values()))


if __name__ == "__main__":
    sys.exit(main())
