"""What pictures say of a fill beside its data: facts, gaps of instruments, steps of the optics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray
from lumimod.paths import FillPaths
from lumimod.physics.constants import PROTON_MASS_GEV
from lumimod.readers.stamps import ZURICH
from lumimod.records import BEAMS, FAMILIES, CalculatedLumi, FillLosses, StableBeams
from lumimod.records.diary import Diary
from lumimod.records.made import MODES_INPUT, Made
from lumimod.summary.optics import betastar_in_use

BY_BSRT, BY_FBCT, BY_BQM = "emittance", "bunch intensity", "bunch length"
INSTRUMENT = {BY_BSRT: "BSRT", BY_FBCT: "FBCT", BY_BQM: "BQM"}
"""What measures each quantity, by its name in the notes of a result."""
OF_CALCULATED = (BY_BSRT, BY_FBCT, BY_BQM)
"""What the calculated luminosity follows from."""


class Unmeasured(NamedTuple):
    """A time in which a quantity of a beam was not measured, Unix seconds."""

    quantity: str
    beam: int | None
    start_s: float
    end_s: float

    def hides(self, time_s: FloatArray) -> BoolArray:
        """Return at which times nothing was measured, (n_times,)."""
        end_s = self.end_s if self.end_s < time_s[-1] else np.inf
        hidden: BoolArray = (time_s > self.start_s) & (time_s < end_s)
        return hidden

    def words(self, last_s: float) -> str:
        """Return what a panel says of it, with the time of day in Zurich."""
        start, end = (
            f"{datetime.fromtimestamp(at, ZURICH):%H:%M}" for at in (self.start_s, self.end_s)
        )
        when = f"after {start}" if self.end_s >= last_s else f"from {start} to {end}"
        return f"no {INSTRUMENT.get(self.quantity, self.quantity)} {when}"


@dataclass(frozen=True)
class About:
    """What is known of a fill beside the arrays that a picture shows."""

    facts: tuple[str, ...] = ()
    """For the header of every picture."""
    in_progress: bool = False
    """The fill was not over when its results were made."""
    gaps: tuple[Unmeasured, ...] = ()
    betastar: str = ""
    """Of the calculated luminosity, and where it is from."""
    measured_by: str = ""
    """Where measured luminosity comes from."""
    fit_length_s: float | None = None
    """Length of the short fits."""
    betastar_m: Mapping[int, FloatArray] | None = None
    """In use for the calculated luminosity at IP 1 and 5, (n_times,); empty if it is not known."""
    logged_betastar_m: Mapping[int, FloatArray] | None = None
    """At IP 1 and 5, (n_times,), where the calculated luminosity is with another."""

    def gaps_of(self, quantities: Iterable[str], beams: Iterable[int] = BEAMS) -> list[Unmeasured]:
        """Return the gaps of some quantities of some beams."""
        wanted, of = set(quantities), {None, *beams}
        return [gap for gap in self.gaps if gap.quantity in wanted and gap.beam in of]


NOTHING_KNOWN = About()


def without_gaps(values: FloatArray, time_s: FloatArray, gaps: Iterable[Unmeasured]) -> FloatArray:
    """Return values, (n_times,) or (n_times, n_slots), as NaN where nothing was measured.

    `values` may end before `time_s`.
    """
    hidden = np.zeros(time_s.size, bool)
    for gap in gaps:
        hidden |= gap.hides(time_s)
    if not hidden.any():
        return values
    hidden = hidden[: len(values)]
    return np.where(hidden if values.ndim == 1 else hidden[:, None], np.nan, values)


def about_fill(
    paths: FillPaths, sb: StableBeams, calc: CalculatedLumi | None, losses: FillLosses | None
) -> About:
    """Return what results and config.py say of a fill."""
    made = Diary(paths.folder).made(paths.sb)
    energy_tev = paths.cfg.machine.gamma_ft * PROTON_MASS_GEV / 1e3
    betastar_m = betastar_in_use(paths, calc, sb.time_s)
    betastar = both_points({ip: 100 * of for ip, of in betastar_m.items()}, "cm")
    by_config = calc is None or calc.betastar_m is None
    origin = "of config.py" if by_config else "as logged"
    logged_m = None if losses is None else losses.betastar_logged_m
    if logged_m is not None and by_config:
        text = both_points({ip: 100 * of for ip, of in logged_m.items()}, "cm")
        origin += ", as logged" if text == betastar else f" (logged: {text})"
    return About(
        facts=header_facts(sb, energy_tev, betastar, length_s=length_s(made, sb)),
        in_progress=made is not None and made.in_progress,
        gaps=gaps_in(made),
        betastar=f"β* {betastar} {origin}" if betastar else "",
        measured_by=_source(paths),
        fit_length_s=paths.cfg.analysis.t_fit_length_s,
        betastar_m=betastar_m,
        logged_betastar_m=logged_m,
    )


def _source(paths: FillPaths) -> str:
    return "Massi files" if paths.lumi_meas.exists() else "logging service"


def gaps_in(made: Made | None) -> tuple[Unmeasured, ...]:
    """Return the gaps that a result knows of."""
    notes = () if made is None else made.notes
    return tuple(
        Unmeasured(str(note.get("quantity", "")), note.get("beam"), *map(float, note["span_s"]))
        for note in notes
        if note.get("kind") == "gap" and "span_s" in note
    )


def length_s(made: Made | None, sb: StableBeams) -> float:
    """Return how long stable beams were, by the beam modes; the last time is up to a step earlier.

    Without them, of a fill in progress too, it is up to the last time.
    """
    modes = {} if made is None or made.in_progress else made.inputs.get(MODES_INPUT, {})
    start_s, stop_s = (modes.get(f"t_{end}_STABLE") for end in ("start", "stop"))
    if start_s is not None and stop_s is not None and np.isfinite(stop_s - start_s):
        return float(stop_s - start_s)
    return float(sb.time_s[-1] - sb.time_s[0])


def header_facts(
    sb: StableBeams, energy_tev: float, betastar: str, *, length_s: float | None = None
) -> tuple[str, ...]:
    """Return energy, length, bunches, beta* and crossing angle in words.

    Without a length it is that of the times of the record.
    """
    seconds = float(sb.time_s[-1] - sb.time_s[0]) if length_s is None else length_s
    counts = [sum(sb.bunches[b, f].slots.size for f in FAMILIES) for b in BEAMS]
    bunches = " / ".join(f"{n:,}" for n in dict.fromkeys(counts))
    bunches += " bunch" if counts == [1, 1] else " bunches"
    colliding = sb.bunches[1, "coll"].slots.size
    angles = both_points({ip: 1e6 * a for ip, a in sb.xing_angle_rad.items()}, "µrad")
    found = (
        f"{energy_tev:.3g} TeV",
        length_text(seconds),
        f"{bunches}, {colliding:,} colliding",
        betastar and f"β* {betastar}",
        angles and f"full crossing angle {angles}",
    )
    return tuple(text for text in found if text)


def length_text(seconds: float) -> str:
    """Return a length of time in hours, of less than one hour in minutes."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def both_points(values: Mapping[int, FloatArray], unit: str) -> str:
    """Return first and last value at IP1 and IP5, once if they are equal; empty without values."""
    ends = []
    for of in values.values():
        known = of[np.isfinite(of)]
        if known.size:
            first, last = f"{known[0]:.4g}", f"{known[-1]:.4g}"
            ends.append(first if first == last else f"{first} → {last}")
    return f"{' / '.join(dict.fromkeys(ends))} {unit}" if ends else ""
