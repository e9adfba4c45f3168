"""Calibrations of the BSRT, by fill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lumimod.errors import BadInputError, MissingInputError
from lumimod.physics.emittance import MonitorOptics
from lumimod.tables.lhc import PLANES
from lumimod.tables.packaged import packaged_path


@dataclass(frozen=True)
class BsrtCalibration:
    """Optics of both monitors by beam, energy band and plane."""

    source: str
    optics: Mapping[tuple[int, int, str], MonitorOptics]
    """By (beam, nominal energy in GeV, plane)."""

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
        Chooses among the sets of the file by their `first_fill` and `last_fill`.
    path
        A calibration file, default the one of 2017 that comes with the package.
    rescale_to
        Period to which measured sizes are rescaled; None takes them as they are.
    """
    path = path or packaged_path("bsrt_calibration_2017.json")
    try:
        table = json.loads(path.read_text())
    except FileNotFoundError as exc:
        raise MissingInputError(f"{path} not found; check bsrt_calibration_file") from exc
    except (OSError, ValueError) as exc:
        raise BadInputError(f"{path} cannot be read as a BSRT calibration: {exc}") from exc
    try:
        entry = _set_of(fill, table)
    except (AttributeError, TypeError) as exc:
        raise BadInputError(f"{path}: BSRT calibration is malformed: {exc}") from exc
    if entry is not None:
        return _calibration(entry, str(path), rescale_to)
    raise MissingInputError(
        f"{path} has no BSRT calibration for fill {fill}; add one to it, or name another file "
        "by bsrt_calibration_file in config.py"
    )


def _set_of(fill: int, table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the first set whose fills include this one, if any."""
    for entry in table.get("sets", ()):
        if entry.get("first_fill", 0) <= fill <= entry.get("last_fill", fill):
            return entry
    return None


def _calibration(table: Mapping[str, Any], source: str, to: str | None) -> BsrtCalibration:
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
    return BsrtCalibration(source, optics)


def _rescale(factor: Any, to: str | None) -> float:
    """Return the factor on sizes: a number, or one per target period."""
    if to is None:
        return 1.0
    return float(factor.get(to, 1.0) if isinstance(factor, dict) else factor)
