"""What a result was made from and what is different now, in words: `--why`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lumimod.config.settings import Config
from lumimod.errors import UsageError
from lumimod.paths import FillPaths
from lumimod.readers.bmodes import read_bmodes
from lumimod.records.diary import Diary
from lumimod.records.made import MODES_INPUT, Made
from lumimod.run.choice import FillChoice, none_found, without_stable_beams
from lumimod.run.plan import Selection, begin_run, plan_fill
from lumimod.run.report import NOTHING_TO_DO
from lumimod.steps.registry import STEPS

_DIGEST_SHOWN = 19  # "sha256:" and twelve digits


def why(cfg: Config, choice: FillChoice, step_names: Sequence[str]) -> str:
    """Return what the results of steps were made from, for each fill.

    Raises
    ------
    UsageError
        A fill is not among the beam modes.
    """
    modes = read_bmodes(cfg.files.bmodes)
    fills = choice.fills(modes, cfg)
    if not fills:
        raise UsageError(none_found(choice, modes, cfg))
    unknown = [str(fill) for fill in fills if fill not in modes and fill not in modes.faults]
    if unknown:
        raise UsageError(f"not in the beam modes {cfg.files.bmodes}: {', '.join(unknown)}")
    watch = begin_run(cfg, write=False)
    lines: list[str] = []
    for fill in fills:
        if without_stable_beams(modes[fill]):
            lines.append(f"fill {fill}: {NOTHING_TO_DO}")
            continue
        paths = FillPaths(cfg, fill, modes[fill].year)
        plan = plan_fill(modes[fill], cfg, Selection(), watch)
        diary = Diary(paths.folder)
        for name in step_names:
            lines.append(f"fill {fill}: {name}: {plan[name]}")
            for path in STEPS[name].results(paths):
                lines += [f"  {line}" for line in _of_result(path, diary)]
    return "".join(f"{line}\n" for line in lines)


def _of_result(path: Path, diary: Diary) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name}: not there"
        return
    made = diary.made(path)
    if made is None:
        yield f"{path.name}: unknown settings; it does not say what it was made from"
        return
    yield f"{path.name}: {_origin(made, diary.circumstances(path))}"
    if made.settings:
        yield "  settings: " + ", ".join(f"{name} = {v!r}" for name, v in made.settings.items())
    for name, of in made.inputs.items():
        yield f"  from {name}: {_input(name, of)}"
    for step, key in made.results.items():
        yield f"  from step {step}: {key[:_DIGEST_SHOWN]}"
    for note in made.notes:
        yield f"  note: {note.get('text', '')}"


def _origin(made: Made, circumstances: Mapping[str, Any]) -> str:
    by = f"lumimod {made.lumimod}, revision {made.revision} of the step"
    if not circumstances:
        return by
    where = "{when} on {host} in {seconds} s".format(
        **{k: circumstances.get(k, "?") for k in ("when", "host", "seconds")}
    )
    return f"{where}, {by}"


def _input(name: str, of: Mapping[str, Any]) -> str:
    if name == MODES_INPUT:
        return ", ".join(f"{time} = {value}" for time, value in of.items())
    return f"{of.get('size')} bytes, {str(of.get('digest'))[:_DIGEST_SHOWN]}"
