"""Mutations through the whole pipeline: one input file changed, then a run of the driver.

What it makes is compared with what a run on the whole files makes.
"""

from __future__ import annotations

import gzip
import random
import re
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lumimod import load
from lumimod.errors import BadInputError
from lumimod.parallel import process_context
from lumimod.readers.bmodes import load_table
from lumimod.readers.checksums import enter_sums
from lumimod.readers.variables import list_variables, read_variables
from lumimod.simulate import simulate_fills
from lumimod.writers.variables import write_variables
from tests.conftest import TINY
from tests.faults.mutations import LONGEST_S, MOST_MB, content, mutated

FILL = 5845
_ARCHIVE = "massi/2017/measurements/ATLAS/lumi/5845"


@dataclass(frozen=True)
class Target:
    """A file that is changed."""

    kind: str
    """Its line in the table."""
    variant: str
    """Which set of input files."""
    path: str
    """Below the trial's folder."""
    packed: bool = False


def _targets() -> list[Target]:
    """Return the files that are changed."""
    targets = [
        Target(f"logged data, {suffix}", suffix, f"data/{name}{suffix}")
        for suffix in (".csv", ".csv.gz", ".h5", ".parquet")
        for name in (
            f"fill_basic_data_csvs/basic_data_fill_{FILL}",
            f"fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_{FILL}",
            f"fill_crossing_data_csvs/crossing_angle_fill_{FILL}",
        )
    ]
    lumi = f"data/fill_bunchbybunch_lumi_data_csvs/bunchbybunch_lumi_data_fill_{FILL}.csv"
    return [
        *targets,
        Target("logged luminosity", "logged", lumi),
        Target("Massi .tgz", ".csv", f"data/{_ARCHIVE}.tgz"),
        Target("Massi .tgz, inside", ".csv", f"data/{_ARCHIVE}.tgz", packed=True),
        Target("beam modes", ".csv", "data/fills_and_bmodes.pkl"),
        Target("beam modes, JSON", "json", "data/fills_and_bmodes.json"),
        *(
            Target("result", "made", f"SB_analysis/fill_{FILL}/fill_{FILL}{name}.pkl.gz")
            for name in ("", "_cycle", "_lumi_calc", "_lumi_meas", "_fits", "_sbmodel_case1")
        ),
        Target("diary", "made", f"SB_analysis/fill_{FILL}/made.json"),
        Target("status of the fills", "made", "SB_analysis/status.json"),
        Target("Massi database", "made", "SB_analysis/fill_db.yaml"),
        Target("Massi database", "made", "SB_analysis/fill_db.d/2017_5845.yaml"),
        Target("claim", "claimed", "SB_analysis/.running/fill_5845.json"),
    ]


TARGETS = _targets()
CLAIM = b'{"host": "other", "namespace": "", "pid": 7, "since": 1500000000.0, "job": ""}'


@dataclass(frozen=True)
class Made:
    """What a run made."""

    status: int | None
    results: Mapping[str, Any]
    notes: Any
    log: str

    @property
    def said(self) -> list[str]:
        """Return what was logged beyond the usual, and what the results note."""
        lines = re.findall(r"(?:WARNING|ERROR) : (.*)", self.log)
        made_again = re.findall(r"INFO : (.*made again.*)", self.log)
        return [*lines, *made_again, repr(self.notes)]


@dataclass
class Pipeline:
    """Whole input files in every format, and what is made of them."""

    folder: Path
    variants: dict[str, dict[str, Path]] = field(default_factory=dict)
    """Files of each set, by their path below the folder of a trial."""
    good: dict[str, Made] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> Pipeline:
        """Simulate a fill, convert its files, and analyse it from all of them."""
        source = folder / "source"
        simulate_fills(source, [FILL], TINY, seed=3)
        usual = {f"data/{p.relative_to(source)}": p for p in source.rglob("*") if p.is_file()}
        usual = {name: path for name, path in usual.items() if "truth" not in name}
        bench = cls(folder)
        bench.variants[".csv"] = {n: p for n, p in usual.items() if "bunchbybunch_lumi" not in n}
        bench.variants["logged"] = {n: p for n, p in usual.items() if "massi" not in n}
        for suffix in (".csv.gz", ".h5", ".parquet"):
            bench.variants[suffix] = bench._converted(suffix)
        bench.variants["json"] = bench._with_json()
        for variant in list(bench.variants):
            place = bench._place(folder / f"good{variant}", variant)
            bench.good[variant] = drive(place)
        made = folder / "good.csv"
        results = {str(p.relative_to(made)): p for p in made.rglob("SB_analysis/**/*.*")}
        claim = folder / "claim"
        claim.write_bytes(CLAIM)
        results = {name: path for name, path in results.items() if path.is_file()}
        bench.variants["made"] = {**bench.variants[".csv"], **results}
        bench.variants["claimed"] = {
            **bench.variants["made"],
            "SB_analysis/.running/fill_5845.json": claim,
        }
        for variant in ("made", "claimed"):
            bench.good[variant] = drive(bench._place(folder / f"good{variant}", variant))
        return bench

    def _converted(self, suffix: str) -> dict[str, Path]:
        files = {}
        for name, path in self.variants[".csv"].items():
            if path.suffix == ".csv" and "_csvs" in name:
                other = self.folder / f"{path.stem}{suffix}"
                write_variables(other, read_variables(path, list_variables(path)))
                files[name.removesuffix(".csv") + suffix] = other
            else:
                files[name] = path
        return files

    def _with_json(self) -> dict[str, Path]:
        import json

        files = dict(self.variants[".csv"])
        table = load_table(files.pop("data/fills_and_bmodes.pkl"))
        path = self.folder / "fills_and_bmodes.json"
        path.write_text(json.dumps({str(fill): dict(of) for fill, of in table.items()}))
        return {**files, "data/fills_and_bmodes.json": path}

    def _place(self, place: Path, variant: str) -> Path:
        """Make a folder for a run; results are copied, as a run may replace them, data linked."""
        for name, source in self.variants[variant].items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.startswith("data/"):
                path.symlink_to(source)
            else:
                path.write_bytes(source.read_bytes())
        # As the scripts that fetch data leave it.
        enter_sums(place / "data", (place / "data").rglob("*.*"))
        settings = {
            "data_folder": f"{place}/data/",
            "working_folder": f"{place}/",
            "doSBModel": True,
            "fsync": False,
        }
        if variant == "json":
            settings["fills_bmodes_file"] = f"{place}/data/fills_and_bmodes.json"
        text = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
        (place / "config.py").write_text(text)
        return place

    def try_one(self, place: Path, seed: int) -> tuple[str, str, str]:
        """Run with one mutated file; return the kind of file, the outcome, and why if a fault."""
        rng = random.Random(f"pipeline {seed}")
        kind = rng.choice(sorted({target.kind for target in TARGETS}))
        target = rng.choice([target for target in TARGETS if target.kind == kind])
        self._place(place, target.variant)
        path = place / target.path
        whole = path.read_bytes()
        if path.is_symlink():
            path.unlink()
        inside = gzip.decompress(whole) if target.packed else whole
        changed = mutated(inside, rng)
        path.write_bytes(gzip.compress(changed, 1) if target.packed else changed)
        outcome, why = self._judged(drive(place), self.good[target.variant])
        return kind, outcome, why

    def _judged(self, made: Made, good: Made) -> tuple[str, str]:
        peak = int((re.findall(r"peak (\d+) MB", made.log) or ["0"])[-1])
        if made.status is None:
            return "hung", made.log
        if "Traceback" in made.log or "internal error" in made.log or made.status not in (0, 1, 2):
            return "traceback", f"status {made.status}\n{made.log}"
        if peak > MOST_MB:
            return "large", f"{peak} MB"
        is_equal = all(good.results.get(name) == of for name, of in made.results.items())
        if made.status != 0 and ("ERROR" in made.log or "error:" in made.log):
            return ("refused", "") if is_equal or made.said != good.said else ("other", made.log)
        if is_equal and made.results.keys() == good.results.keys():
            return "equal", ""
        return ("noted", "") if made.said != good.said else ("other", "")


def drive(place: Path) -> Made:
    """Run the driver on the fill, to its end."""
    process: Any = process_context().Process(target=_run, args=(place,))  # type: ignore[attr-defined]
    process.start()
    process.join(LONGEST_S)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
    log = (place / "log").read_text(errors="replace") if (place / "log").exists() else ""
    results, notes = dict[str, Any](), dict[str, Any]()
    for path in sorted((place / "SB_analysis").glob("fill_*/fill_*.pkl.gz")):
        try:
            data = dict(load(path))
        except BadInputError as exc:
            notes[path.name], results[path.name] = str(exc), None
            continue
        notes[path.name] = (data.pop("made", None) or {}).get("notes")
        results[path.name] = content(data)
    return Made(status, results, str(notes).replace(str(place), ""), log.replace(str(place), ""))


def _run(place: Path) -> None:
    import os

    with (place / "log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    from lumimod.cli import main

    try:
        status = main(["--config", str(place / "config.py"), "--fill", str(FILL)])
    finally:
        usage = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        sys.stderr.write(f"peak {max(of.ru_maxrss for of in usage) >> 10} MB\n")
        sys.stderr.flush()
    sys.exit(status)
