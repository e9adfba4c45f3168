"""Write data folders of simulated LHC fills, with the truth beside them.

python Utilities/simulate_fills.py --folder data --fill 5845 5846 --hours 6
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from lumimod.commands.shell import Parser, exit_status
from lumimod.commands.times import parse_time
from lumimod.errors import UsageError
from lumimod.simulate import FillFiles, FillSettings, FullPhysics, simulate_fills
from lumimod.simulate.batches import BATCHES
from lumimod.simulate.season import season_fills
from lumimod.writers.clock import set_clock

DEFAULT = FillSettings()
DEFAULT_FILLS = (5845, 5846)


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate fills; return the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    return exit_status(parser.prog, lambda: _simulate(args), kept="fills that are written are kept")


def _simulate(args: argparse.Namespace) -> bool:
    now_s = None if args.now is None else parse_time(args.now, time.time())
    n_fills = 0
    for fill, settings in _chosen(args, now_s):
        start_s = time.perf_counter()
        for files in simulate_fills(args.folder, [fill], settings, args.seed):
            _report(files, time.perf_counter() - start_s)
        n_fills += 1
    if args.season and n_fills:
        set_clock(args.folder, now_s)
    return True


def _chosen(args: argparse.Namespace, now_s: float | None) -> Iterator[tuple[int, FillSettings]]:
    """Yield numbers and settings of the fills that were asked for."""
    if args.season is None:
        if args.now is not None:
            raise UsageError("--now is one of --season")
        yield from ((fill, _settings(args)) for fill in args.fill or DEFAULT_FILLS)
        return
    if args.fill:
        raise UsageError("--season numbers its fills itself: leave --fill out")
    args.physics = "full"
    if args.scheme:
        raise UsageError("--season has schemes of its own: leave --scheme out")
    yield from season_fills(args.season, _settings(args), args.seed, now_s)


def _settings(args: argparse.Namespace) -> FillSettings:
    """Return the settings: the default or the full machine, with the options given."""
    given = vars(args)
    names = [field.name for field in dataclasses.fields(DEFAULT) if field.name in given]
    asked = {name: given[name] for name in names if given[name] is not None}
    if args.physics == "full":
        asked.update(full=FullPhysics(scheme=args.scheme or "48b"), extra_data=True)
    elif args.scheme:
        raise UsageError("--scheme is one of --physics full")
    return FillSettings.full_size(**asked) if args.full_size else FillSettings(**asked)


def _report(files: FillFiles, seconds: float) -> None:
    sys.stdout.write(f"fill {files.fill}: {seconds:.1f} s\n")
    for path in files.all():
        sys.stdout.write(f"  {path} ({path.stat().st_size / 1e6:.2f} MB)\n")


def steps(text: str) -> tuple[tuple[float, float], ...]:
    """Return the pairs (hours, value) of a text such as 2:140,4:130."""
    try:
        pairs = [tuple(float(part) for part in step.split(":")) for step in text.split(",")]
        return tuple((hours, value) for hours, value in pairs)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form hours:value,hours:value, such as 2:140,4:130"
        ) from None


def _parser() -> Parser:
    parser = Parser(
        description="Write simulated LHC fills as a data folder: Timber CSV, beam modes, Massi "
        "archives, and the truth in truth/. The same seed gives the same bytes.",
        epilog="exit status: 0 all written, 1 something failed, 2 the command line is wrong.",
    )
    add = parser.add_argument
    add("--folder", type=Path, default=Path("data"), help="where to write (default: ./data)")
    add("--fill", type=int, nargs="+", metavar="N",
        help="fill numbers (default: 5845 5846)")  # fmt: skip
    add("--seed", type=int, default=1, help="seed of everything random (default: 1)")
    add("--run", type=int, choices=(2, 3),
        help="2: as in 2017 (default); 3: as in 2023: 6.8 TeV, emittances logged")  # fmt: skip
    add("--physics", choices=("simple", "full"), default="simple",
        help="simple: bunches evolve by the formulas of the pipeline (default); full: by formulas "
        "of their own, with noise, coupling, early losses, electron cloud, LHCb and a wrong scale "
        "of the BSRT")  # fmt: skip
    add("--scheme", choices=tuple(BATCHES),
        help="bunches of an injection, with --physics full (default: 48b)")  # fmt: skip
    add("--season", type=int, metavar="N",
        help="N fills of a season, as different as those of 2017: lengths, ends, turn-around, "
        "number of bunches, schemes, archives; --physics full")  # fmt: skip
    add("--now", metavar="TIME",
        help="the present of --season: the fill in progress ends there, later ones and archives "
        "that are not posted yet are missing, and lumimod.py goes by this time (now.txt); such as "
        '"2017-05-14 08:00"')  # fmt: skip
    add("--full-size", action="store_true",
        help="the full machine: 2544 colliding and 4 other bunches in each beam (with --physics "
        "full as many as the scheme has), 12 h of stable beams, about 200 MB of CSV; other "
        "options change it further")  # fmt: skip
    _add_beams(parser.add_argument_group("beams"))
    _add_files(parser.add_argument_group("files"))
    return parser


def _add_beams(group: argparse._ArgumentGroup) -> None:
    def number(option: str, name: str, unit: str, text: str) -> None:
        kind = type(getattr(DEFAULT, name))
        group.add_argument(
            option, dest=name, type=kind, metavar=unit,
            help=f"{text} (default: {getattr(DEFAULT, name):g})",
        )  # fmt: skip

    number("--bunches", "n_colliding", "N", "colliding bunches in each beam")
    number("--noncolliding", "n_noncolliding", "N", "non-colliding bunches in each beam")
    number("--hours", "hours", "H", "length of stable beams, hours")
    number("--intensity", "intensity_ppb", "PPB", "mean protons per bunch at injection")
    number("--emit-h", "emit_h_um", "UM", "horizontal emittance at injection, um")
    number("--emit-v", "emit_v_um", "UM", "vertical emittance at injection, um")
    number("--growth-h", "growth_h_um_per_h", "UM/H",
           "horizontal growth at top energy besides IBS and scattering, um/h")  # fmt: skip
    number("--growth-v", "growth_v_um_per_h", "UM/H",
           "vertical growth at top energy besides scattering, um/h")  # fmt: skip
    number("--extra-loss", "extra_loss", "PART",
           "fraction of each bunch lost in stable beams besides burn-off")  # fmt: skip
    number("--betastar", "betastar_m", "M", "beta* at the start, m")
    number("--half-crossing", "half_crossing_urad", "URAD",
           "half crossing angle at the start, microrad")  # fmt: skip
    group.add_argument(
        "--xing-steps", dest="crossing_steps", type=steps, metavar="H:URAD,...",
        help="later half crossing angles: hours after the start of stable beams and microrad, "
        "such as 2:140,4:130 (default: none)",
    )  # fmt: skip
    group.add_argument(
        "--betastar-steps", dest="betastar_steps", type=steps, metavar="H:M,...",
        help="later beta*: hours after the start of stable beams and m (default: none)",
    )  # fmt: skip
    group.add_argument(
        "--level", dest="level_total", type=float, metavar="L",
        help="level each experiment at this luminosity, 1/(m^2 s) (default: not levelled)",
    )  # fmt: skip


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--sample-s", type=float, metavar="S",
        help=f"interval of bunch intensities and lengths, s (default: {DEFAULT.sample_s:g})",
    )  # fmt: skip
    group.add_argument(
        "--bsrt-period-s", type=float, metavar="S",
        help=f"interval of BSRT records, s (default: {DEFAULT.bsrt_period_s:g}; full size "
        f"{FillSettings.full_size().bsrt_period_s:g})",
    )  # fmt: skip
    _add_flag(group, "--gzip", "gzip", True, "write .csv.gz instead of .csv")
    _add_flag(group, "--no-massi", "massi", False, "no Massi archives")
    _add_flag(group, "--bbb-lumi", "bbb_lumi", True, "also write bunch-by-bunch luminosity CSV")
    _add_flag(group, "--extra", "extra_data", True,
        "also write tunes, BBQ, total luminosities, beta* and number of bunches")  # fmt: skip


def _add_flag(
    group: argparse._ArgumentGroup, option: str, name: str, value: bool, text: str
) -> None:
    # None if it is not given: then the default or the full machine decides.
    group.add_argument(option, dest=name, action="store_const", const=value, help=text)
