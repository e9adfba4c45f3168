"""What the page of a fill shows, as plain data for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lumimod.paths import FillPaths, frame_path
from lumimod.records.diary import Diary
from lumimod.records.made import Made
from lumimod.report.pictures import ShownFamily
from lumimod.report.words import printed, title_of
from lumimod.run.report import local_minutes
from lumimod.run.states import FillStates, Standing
from lumimod.steps import TITLES
from lumimod.steps.registry import STEPS
from lumimod.summary.columns import COLUMN_OF
from lumimod.summary.screen import beam_table, head_lines, loss_lines, luminosity_table

_DIGEST_SHOWN = 23


class ResultFile(NamedTuple):
    """A result that is there."""

    path: Path
    bytes: int
    made: Made | None
    when: str
    """When it was made, as the clocks of Zurich show it; empty if that is not known."""
    seconds: float | None
    host: str


class StepRow(NamedTuple):
    """A step of the fill: how it stands, and what it has made."""

    name: str
    title: str
    state: str
    why: str
    since: str
    results: Sequence[ResultFile]

    @property
    def when(self) -> str:
        """When its newest result was made."""
        return max((result.when for result in self.results), default="")

    @property
    def seconds(self) -> float | None:
        """How long its results took; None if that is not known."""
        return max((r.seconds for r in self.results if r.seconds is not None), default=None)


@dataclass(frozen=True)
class FillPage:
    """Everything that the page of a fill shows."""

    fill: int
    facts: Mapping[str, Any]
    states: FillStates
    steps: Sequence[StepRow]
    families: Sequence[ShownFamily]
    before: int | None
    """The fill before, if there is one."""
    after: int | None

    @property
    def state(self) -> str:
        """The state that says most of the fill."""
        return state_word(self.states, any(step.results for step in self.steps))

    @property
    def head(self) -> list[str]:
        """Lines of what the fill was."""
        if "energy_gev" not in self.facts:
            return []
        lines = printed(head_lines(self.facts))
        return [title_of(line.removeprefix(f"fill {self.fill}: ")) for line in lines]

    @property
    def beams(self) -> list[list[str]]:
        """Rows of the beams, headings first."""
        rows = [printed(row) for row in beam_table(self.facts)]
        named = [[row[0] or above[0], *row[1:]] for above, row in zip(rows, rows[1:])]
        return [["quantity", "beam", *rows[0][2:]], *named]

    @property
    def luminosity(self) -> list[list[str]]:
        """Rows of the luminosities, headings first."""
        return [printed(row) for row in luminosity_table(self.facts)]

    @property
    def losses(self) -> list[str]:
        """Lines of lifetimes and cross-sections."""
        return printed(loss_lines(self.facts))

    @property
    def notes(self) -> list[str]:
        """What to know before the numbers are believed."""
        return [note for note in str(self.facts.get("notes") or "").split("; ") if note]

    @property
    def columns(self) -> list[tuple[str, str, str, str]]:
        """All facts as the season table has them: name, value, unit, meaning."""
        found = []
        for name, value in self.facts.items():
            column = COLUMN_OF.get(name)
            if column is not None and name != "notes":
                shown = f"{value:.6g}" if isinstance(value, float) else str(value)
                found.append((name, shown, column.unit, column.words))
        return found

    @property
    def n_pictures(self) -> int:
        """How many pictures there are."""
        return sum(len(family.pictures) for family in self.families)


def state_word(states: FillStates, has_results: bool) -> str:
    """Return in a word how a fill stands; one without states may have results of an older run."""
    if states.in_progress and states.worst is not Standing.FAILED:
        return "in progress"
    if states.worst is not Standing.OFF:
        return states.worst.value
    return Standing.DONE.value if has_results else "not run"


def step_rows(paths: FillPaths, states: FillStates) -> list[StepRow]:
    """Return each step, and what else a run states of the fill, such as its pictures."""
    diary = Diary(paths.folder)
    others = {name: name for name in states.steps if name not in TITLES}
    rows = []
    for name, title in {**TITLES, **others}.items():
        of = states.steps.get(name)
        results = _results(paths, name, diary) if name in STEPS else []
        word = of.state.value if of else "done" if results else Standing.OFF.value
        since = local_minutes(of.since) if of and of.since else ""
        why = of.why if of else ""
        why = f"no result of {why}, which it needs" if why in TITLES else why
        rows.append(StepRow(name, title, word, why, since, results))
    return rows


def _results(paths: FillPaths, step: str, diary: Diary) -> list[ResultFile]:
    found = []
    for path in STEPS[step].results(paths):
        for file in (path, frame_path(path, paths.cfg.files.save_pandas)):
            try:
                size = file.stat().st_size
            except OSError:
                continue
            about = diary.circumstances(file)
            when = local_minutes(str(about["when"])) if about.get("when") else ""
            made = diary.made(file) if file == path else None
            seconds = about.get("seconds")
            found.append(ResultFile(file, size, made, when, seconds, str(about.get("host", ""))))
    return found


def origin_rows(made: Made) -> list[tuple[str, str]]:
    """Return what a result was made from, as names and values."""
    rows = [("lumimod", f"{made.lumimod}, revision {made.revision} of the step")]
    rows += [(f"setting {name}", repr(value)) for name, value in made.settings.items()]
    for name, of in made.inputs.items():
        if "digest" in of:
            what = f"{of.get('size')} bytes, {str(of['digest'])[:_DIGEST_SHOWN]}…"
        else:
            what = ", ".join(f"{key} = {value}" for key, value in of.items())
        rows.append((f"input {name}", what))
    rows += [(f"result of step {step}", key) for step, key in made.results.items()]
    return rows
