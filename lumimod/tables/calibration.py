"""Calibrations of the BSRT, by fill.

The packaged sets are those of the machine, 2016 to 2018 and one of Run 3, each with the fills for
which it holds (bsrt_calibration.json; published with PyCOMPLETE/LHC_followup_analysis_scripts).
The original used one set of 2017 for all fills (bsrt_calibration_2017.json), right for those from
6054 to 6308.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lumimod.errors import BadInputError, MissingInputError
from lumimod.physics.emittance import MonitorOptics
from lumimod.readers.json_file import load_json
from lumimod.tables.lhc import PLANES
from lumimod.tables.packaged import packaged_path

ORIGINAL = Path("original")
"""Stands in config.py for the one set that the original used for all fills."""


@dataclass(frozen=True)
class BsrtCalibration:
    """Optics of both monitors by beam, energy band and plane."""

    source: str
    optics: Mapping[tuple[int, int, str], MonitorOptics]
    """By (beam, nominal energy in GeV, plane)."""
    note: str = ""
    """What to know before its emittances are believed; empty: nothing."""

    def at(self, beam: int, energy_gev: int) -> tuple[MonitorOptics, MonitorOptics]:
        """Return the horizontal and vertical optics of a beam's monitor.

        Raises
        ------
        BadInputError
            The calibration has no such energy.
        """
        try:
            return self.optics[beam, energy_gev, "h"], self.optics[beam, energy_gev, "v"]
        except KeyError:
            have = ", ".join(str(e) for e in sorted({key[1] for key in self.optics}))
            raise BadInputError(
                f"no BSRT calibration of beam {beam} at {energy_gev} GeV in {self.source} "
                f"(it has {have} GeV); set bsrt_calibration_file in config.py"
            ) from None


def bsrt_calibration(
    fill: int, path: Path | None = None, rescale_to: str | None = None
) -> BsrtCalibration:
    """Return the calibration that holds for a fill.

    Parameters
    ----------
    fill
        Chooses among the sets by their `first_fill` and `last_fill`.
    path
        A calibration file, which must have a set for the fill. None: the packaged sets; a fill
        outside all of them takes the nearest one, which the calibration's note says. `ORIGINAL`:
        the set of 2017 for every fill from 5691 on.
    rescale_to
        Period to which measured sizes are rescaled by factors that a set gives by period. A plain
        factor belongs to its set and always counts.

    Raises
    ------
    MissingInputError
        There is no such file, or no set in it for the fill.
    BadInputError
        It is no calibration file.
    """
    packaged = path is None
    if path is None or path == ORIGINAL:
        path = packaged_path(f"bsrt_calibration{'' if packaged else '_2017'}.json")
    sets = _sets(path)
    try:
        entry = _set_of(fill, sets)
        nearest = _nearest(fill, sets) if packaged and entry is None else None
    except (AttributeError, TypeError) as exc:
        raise BadInputError(f"{path}: BSRT calibration is malformed: {exc}") from exc
    if nearest is not None:
        first, last = nearest["first_fill"], nearest["last_fill"]
        return _calibration(
            nearest, str(path), rescale_to,
            f"BSRT: no calibration for fill {fill}; taking the nearest set, of fills {first} to "
            f"{last}: emittances may be wrong by tens of per cent; name a file with a set for this "
            "fill by bsrt_calibration_file in config.py",
        )  # fmt: skip
    if entry is None:
        raise MissingInputError(
            f"{path} has no BSRT calibration for fill {fill}; add one to it, or name another file "
            "by bsrt_calibration_file in config.py"
        )
    return _calibration(entry, str(path), rescale_to)


def _sets(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        return load_json(path).get("sets", ())
    except FileNotFoundError as exc:
        raise MissingInputError(f"{path} not found; check bsrt_calibration_file") from exc
    except (OSError, ValueError) as exc:
        raise BadInputError(f"{path} cannot be read as a BSRT calibration: {exc}") from exc
    except AttributeError as exc:
        raise BadInputError(f"{path}: BSRT calibration is malformed: {exc}") from exc


def _set_of(fill: int, sets: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first set whose fills include this one, if any."""
    for entry in sets:
        if entry.get("first_fill", 0) <= fill <= entry.get("last_fill", fill):
            return entry
    return None


def _nearest(fill: int, sets: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the set whose fills are the nearest to one that no set holds."""
    return min(
        (entry for entry in sets if "last_fill" in entry or entry["first_fill"] > fill),
        key=lambda entry: max(entry["first_fill"] - fill, fill - entry.get("last_fill", fill)),
    )


def _calibration(
    table: Mapping[str, Any], source: str, to: str | None, note: str = ""
) -> BsrtCalibration:
    optics = {}
    try:
        for beam, by_energy in table["beam"].items():
            for energy, c in by_energy.items():
                for plane in PLANES:
                    optics[int(beam), int(energy), plane] = MonitorOptics(
                        betaf_m=float(c[f"betaf_{plane}"]),
                        sigma_corr_mm=float(c[f"sigma_corr_{plane}"]),
                        rescale=_rescale(c[f"rescale_sigma_{plane}"], to),
                        gamma=float(table["gamma"][energy]),
                    )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise BadInputError(f"{source}: BSRT calibration is malformed at {exc}") from exc
    return BsrtCalibration(source, optics, note)


def _rescale(factor: Any, to: str | None) -> float:
    """Return the factor on sizes: a number that always counts, or one per target period."""
    if isinstance(factor, dict):
        return 1.0 if to is None else float(factor.get(to, 1.0))
    return float(factor)
