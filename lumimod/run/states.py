"""The state of every step of every fill, kept in SB_analysis/status.json from run to run.

A run states its own fills and leaves the others as they were. Two runs at once may each miss what
the other has just written; the next run states its fills again.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from lumimod import __version__
from lumimod.atomic import replacing
from lumimod.config.settings import Config
from lumimod.errors import BadInputError, OutputError
from lumimod.readers.clock import now_s
from lumimod.readers.json_file import load_json
from lumimod.run.plan import Plan, Status
from lumimod.run.report import BLOCKED_BY, FillReport, local_minutes
from lumimod.steps import TITLES

log = logging.getLogger(__name__)

STATUS_FILE = "status.json"
WHOLE_FILL = "all"
"""Stands for the steps of a fill that could not be planned."""


class Standing(Enum):
    """How a step of a fill stands after a run."""

    DONE = "done"
    UP_TO_DATE = "up to date"
    STALE = "out of date"
    WAITING = "waiting"
    FAILED = "failed"
    OFF = "off"
    NO_BEAMS = "no stable beams"

    @property
    def lasts(self) -> bool:
        """Whether it matters since when it is so."""
        return self in (Standing.STALE, Standing.WAITING, Standing.FAILED)


@dataclass(frozen=True)
class StepState:
    """Standing of one step, why and since when."""

    state: Standing
    why: str = ""
    since: str = ""
    """UTC, ISO 8601; empty where it does not matter."""

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON has it, without what is empty."""
        data = {"state": self.state.value, "why": self.why, "since": self.since}
        return {name: value for name, value in data.items() if value}


@dataclass(frozen=True)
class FillStates:
    """States of all steps of a fill."""

    steps: Mapping[str, StepState] = field(default_factory=dict)
    in_progress: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON has them."""
        steps = {name: state.to_dict() for name, state in self.steps.items()}
        return {"in_progress": self.in_progress, "steps": steps}

    @property
    def worst(self) -> Standing:
        """The state that says most of the fill: failed before waiting before out of date."""
        found = {one.state for one in self.steps.values()}
        order = (
            Standing.FAILED,
            Standing.WAITING,
            Standing.STALE,
            Standing.DONE,
            Standing.UP_TO_DATE,
            Standing.NO_BEAMS,
        )
        return next((state for state in order if state in found), Standing.OFF)


States = dict[int, FillStates]

NO_STABLE_BEAMS = FillStates({name: StepState(Standing.NO_BEAMS) for name in TITLES})
"""Of a fill that is over and had no stable beams."""


def states_file(cfg: Config) -> Path:
    """Return the path of status.json."""
    return cfg.files.stable_beams_folder / STATUS_FILE


def load_states(path: Path) -> States:
    """Return the states in a file; of a damaged one, with a warning, none."""
    try:
        data = load_json(path)
        return {int(fill): _fill_states(of) for fill, of in data["fills"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, BadInputError, ValueError, LookupError, TypeError, AttributeError) as exc:
        log.warning("%s cannot be read (%s); it is made again", path, exc)
        return {}


def _fill_states(data: Mapping[str, Any]) -> FillStates:
    steps = {
        str(name): StepState(
            Standing(of["state"]), str(of.get("why", "")), str(of.get("since", ""))
        )
        for name, of in data["steps"].items()
    }
    return FillStates(steps, bool(data["in_progress"]))


def save_states(path: Path, states: States, cfg: Config) -> None:
    """Write the states; where that is not possible the run goes on: its results matter more."""
    data = {
        "lumimod": __version__,
        "config": str(cfg.path),
        "updated": now_text(cfg),
        "fills": {str(fill): states[fill].to_dict() for fill in sorted(states)},
    }
    try:
        with replacing(path) as file:
            file.write(json.dumps(data, indent=1).encode())
    except OutputError as exc:
        log.warning("%s", exc)


def now_text(cfg: Config) -> str:
    """Return the time now where the data are, in UTC as ISO 8601, in whole seconds.

    Raises
    ------
    BadInputError
        The data have a clock that cannot be read.
    """
    now = datetime.fromtimestamp(int(now_s(cfg.files.data_folder)), timezone.utc)
    return now.isoformat(timespec="seconds")


# --- from a run


def states_of(report: FillReport, plan: Plan, before: FillStates | None, now: str) -> FillStates:
    """Return the states of a fill after a run.

    Parameters
    ----------
    report
        What became of it in the run.
    plan
        What was planned; a step that is in neither was not asked for and stays as it was.
    before
        The states after the run before, if there are any.
    now
        When the run is, as `now_text` has it.
    """
    if report.nothing:
        return NO_STABLE_BEAMS
    known = before.steps if before else {}
    steps = {name: of for name, of in known.items() if name != WHOLE_FILL}
    for name in dict.fromkeys([*plan, *report.failed, *report.done]):
        found = _state(name, report, plan)
        if found is not None:
            steps[name] = _with_since(found, known.get(name), now)
    return FillStates(steps, report.in_progress)


def _state(name: str, report: FillReport, plan: Plan) -> StepState | None:
    for of, state in (
        (report.failed, Standing.FAILED),
        (report.waiting, Standing.WAITING),
        (report.stale, Standing.STALE),
    ):
        if name in of:
            return StepState(state, of[name])
    if name in report.done:
        return StepState(Standing.DONE)
    planned = plan[name]
    if planned.status is Status.OFF:
        return None if planned.is_not_asked_for else StepState(Standing.OFF, planned.reason)
    return StepState(Standing.UP_TO_DATE)


def _with_since(found: StepState, before: StepState | None, now: str) -> StepState:
    if not found.state.lasts:
        return found
    lasts = before is not None and before.state is found.state and before.since
    return StepState(found.state, found.why, before.since if before and lasts else now)


def changes(before: States, after: States) -> Iterable[str]:
    """Yield a line for each failure that is new, and for each that is cured.

    A step that is blocked by the failure of another has no line of its own.
    """
    for fill, states in after.items():
        known = before[fill].steps if fill in before else {}
        for name, now in states.steps.items():
            had_failed = name in known and _is_cause(known[name])
            if _is_cause(now) and not had_failed:
                yield f"fill {fill}: {name} failed: {now.why}"
            elif had_failed and now.state is not Standing.FAILED:
                since = f"{local_minutes(known[name].since)} (Zurich)"
                yield f"fill {fill}: {name} is well ({now.state.value}); it failed since {since}"
        for name in known.keys() - states.steps.keys():
            if _is_cause(known[name]):
                yield f"fill {fill}: {name} no longer fails"


def _is_cause(of: StepState) -> bool:
    """Tell whether a step failed by itself."""
    return of.state is Standing.FAILED and not of.why.startswith(BLOCKED_BY)


# --- for people


def states_table(states: States) -> str:
    """Return how fills stand: counts, and a line for each that is not up to date."""
    if not states:
        return ""
    counts = Counter(of.worst for of in states.values())
    words = ", ".join(f"{counts[state]} {state.value}" for state in Standing if counts[state])
    dated = any(step.since for of in states.values() for step in of.steps.values())
    zone = " (times of Europe/Zurich)" if dated else ""
    lines = [f"{len(states)} fill{'s' * (len(states) != 1)}: {words}{zone}"]
    for fill in sorted(states):
        progress = " (in progress)" if states[fill].in_progress else ""
        lines += [
            f"fill {fill}{progress}: {name}: {_in_words(of)}"
            for name, of in states[fill].steps.items()
            if of.state.lasts
        ]
    return "".join(f"{line}\n" for line in lines)


def _in_words(of: StepState) -> str:
    since = f" since {local_minutes(of.since)}" if of.since else ""
    return f"{of.state.value}{since}: {of.why}"
