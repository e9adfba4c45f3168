"""Make growth rates of intra-beam scattering from a lattice, for `ibs_rates_file` of config.py.

python Utilities/build_ibs_rates.py lhc.json --line lhcb1 --energy 6800 --volts 13 --out my.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.atomic import replacing
from lumimod.commands.shell import Parser, exit_status
from lumimod.errors import BadInputError, MissingInputError, UsageError
from lumimod.physics.constants import PROTON_MASS_GEV, SPEED_OF_LIGHT_M_S
from lumimod.physics.effects import S_PER_H
from lumimod.physics.ibs_fit import (
    REFERENCE_PPB,
    FitPoint,
    FittedRate,
    fit_points,
    fitted_rate,
    matched_spread,
)
from lumimod.tables.ibs_rates_xy import joined_sets

LARGEST_DEVIATION_PERCENT = 2.0
"""Of the fit from a rate: beyond it the lattice or its energy is none of the LHC."""
ABOUT = (
    "IBS growth rates made by Utilities/build_ibs_rates.py: d(ln emit_h)/dt and d(ln bl4s)/dt in "
    "1/h = N/1e11 * exp(c0 + c1 u + c2 v + c3 w + c4 u^2 + c5 v^2 + c6 w^2 + c7 uv + c8 uw + "
    "c9 vw), u = ln(emit_h/um), v = ln(emit_v/um), w = ln(4-sigma length/ns)."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Make a set of rates; return the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    return exit_status(parser.prog, lambda: _build(args), kept="the file is as it was")


def _build(args: argparse.Namespace) -> bool:
    points = fit_points()
    optics = _optics(args.lattice, args.line, args.energy)
    per_h = np.array([_rates(optics, args, point) for point in points])
    fits = [_fit(points, rates, args.lattice) for rates in per_h.T]
    one = {
        "energy_GeV": args.energy,
        "V_RF_MV": args.volts,
        "emit_h": list(fits[0].coefficients),
        "bl4s": list(fits[1].coefficients),
        "fit_rms_percent": [fit.rms_percent for fit in fits],
        "fit_max_percent": [fit.max_percent for fit in fits],
        "lattice": args.lattice.name,
        "slip_factor": float(optics.twiss.slip_factor),
    }
    _write(args.out, joined_sets(args.out, one))
    for name, fit in zip(("emittance", "length"), fits):
        sys.stdout.write(
            f"{args.energy:g} GeV, {args.volts:g} MV: growth of the {name} fitted within "
            f"{fit.rms_percent:.2f} % rms, {fit.max_percent:.2f} % at most\n"
        )
    sys.stdout.write(f"{args.out}: name it in ibs_rates_file of config.py\n")
    return True


class _Optics(NamedTuple):
    """Optics of a ring."""

    twiss: Any
    """Table of Xtrack."""
    circumference_m: float


def _optics(lattice: Path, name: str, energy_gev: float) -> _Optics:
    """Return the optics of a line, at an energy.

    Raises
    ------
    UsageError
        Xsuite is not installed, or the file has several lines and none is named.
    MissingInputError, BadInputError
        There is no such file, or it holds no lattice, or its optics are not stable.
    """
    try:
        import xtrack
    except ImportError as exc:
        raise UsageError(
            "lattices need the library xsuite, which is not installed: pip install 'lumimod[ibs]'"
        ) from exc
    if not lattice.is_file():
        raise MissingInputError(f"{lattice} is missing: give a lattice of Xtrack (JSON)")
    try:
        loaded = xtrack.load(str(lattice))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadInputError(f"{lattice} cannot be read as a lattice of Xtrack: {exc!r}") from exc
    line = _line_of(loaded, lattice, name)
    line.particle_ref = xtrack.Particles(
        p0c=np.sqrt(energy_gev**2 - PROTON_MASS_GEV**2) * 1e9, mass0=PROTON_MASS_GEV * 1e9, q0=1
    )
    try:
        return _Optics(line.twiss4d(), float(line.get_length()))
    except (ValueError, RuntimeError) as exc:
        raise BadInputError(f"{lattice}: its optics cannot be computed: {exc}") from exc


def _line_of(loaded: Any, lattice: Path, name: str) -> Any:
    """Return the line of that name in what was loaded."""
    lines = getattr(loaded, "lines", None)
    if lines is None:
        return loaded
    if name in lines:
        return lines[name]
    if not name and len(lines) == 1:
        return next(iter(lines.values()))
    raise UsageError(f"{lattice} holds the lines {', '.join(lines)}: name one with --line")


def _rates(optics: _Optics, args: argparse.Namespace, point: FitPoint) -> tuple[float, float]:
    """Return the growth rates of emittance and length at a point, per hour."""
    length_m = point.bl4s_ns * 1e-9 / 4 * SPEED_OF_LIGHT_M_S
    spread = matched_spread(
        length_m,
        energy_ev=args.energy * 1e9,
        v_rf_v=args.volts * 1e6,
        slip_factor=float(optics.twiss.slip_factor),
        circumference_m=optics.circumference_m,
        harmonic=args.harmonic,
        mass_ev=PROTON_MASS_GEV * 1e9,
    )
    amplitudes = optics.twiss.get_ibs_growth_rates(
        formalism="nagaitsev",
        total_beam_intensity=int(REFERENCE_PPB),
        nemitt_x=point.emit_h_um * 1e-6,
        nemitt_y=point.emit_v_um * 1e-6,
        sigma_delta=spread,
        bunch_length=length_m,
        bunched=True,
    )
    by_h, _, by_length = amplitudes.as_tuple()
    return 2 * by_h * S_PER_H, by_length * S_PER_H  # an emittance is the square of an amplitude


def _fit(points: list[FitPoint], rates_per_h: FloatArray, lattice: Path) -> FittedRate:
    try:
        fit = fitted_rate(points, rates_per_h)
    except ValueError as exc:
        raise BadInputError(f"{lattice}: {exc}; is it above transition?") from exc
    if fit.max_percent > LARGEST_DEVIATION_PERCENT:
        raise BadInputError(
            f"{lattice}: the polynomial is off by up to {fit.max_percent:.1f} %, where at most "
            f"{LARGEST_DEVIATION_PERCENT:g} % is allowed: the rates are not like those of the LHC"
        )
    return fit


def _write(path: Path, sets: list[dict[str, Any]]) -> None:
    text = json.dumps({"about": ABOUT, "sets": sets}, indent=1) + "\n"
    with replacing(path) as file:
        file.write(text.encode())


def _number_above(low: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low < value < np.inf:
            raise argparse.ArgumentTypeError(f"{text} is not above {low:g}")
        return value

    return number


def _parser() -> Parser:
    parser = Parser(
        description=__doc__,
        epilog="exit status: 0 made, 1 something failed, 2 the command line is wrong.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("lattice", type=Path, help="line or environment of Xtrack (JSON), optics matched, flat")
    add("--line", default="", metavar="NAME", help="which line, if the file has several")
    energy, volts = _number_above(PROTON_MASS_GEV), _number_above(0)
    add("--energy", type=energy, required=True, metavar="GEV", help="beam energy [GeV]")
    add("--volts", type=volts, required=True, metavar="MV", help="RF voltage [MV]")
    add(
        "--harmonic",
        type=int,
        default=35640,
        metavar="H",
        help="harmonic number (default: 35640, the LHC)",
    )
    add("--out", type=Path, required=True, help="file (JSON), to which the set is added")
    return parser
