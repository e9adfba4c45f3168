"""The command line: options to a run, a run to an exit status."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from lumimod import __version__
from lumimod.errors import ConfigError, LumimodError, UsageError

log = logging.getLogger(__name__)

STEP_NAMES = ("sb", "cycle", "lumi", "massi", "fits", "lifetime", "model")
FAMILY_NAMES = ("sb", "cycle", "cycle_model", "model")
EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_EPILOG = """\
steps: sb (stable beams), cycle (injection and flat top, with the cycle model), lumi (calculated
luminosity), massi (measured luminosity), fits (exponential fits), lifetime (lifetimes and
losses), model (stable-beams model).

Without --fill, the fills of the beam-mode file are taken that have stable beams of at least
min_time_SB and lie between first_fill and last_fill of config.py. Steps whose results exist are
skipped, so that this may run every hour.

exit status: 0 all went well, 1 some fill failed (the table at the end says why), 2 the command
line or config.py is wrong.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    p = argparse.ArgumentParser(
        prog="lumimod",
        description="Luminosity follow-up of the LHC, fill by fill and bunch by bunch.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = ("all", *STEP_NAMES)
    p.add_argument("-n", "--fill", type=int, nargs="+", metavar="FILL", help="only these fills")
    p.add_argument(
        "-f", "--force", nargs="+", choices=steps, default=[], metavar="STEP",
        help="run these steps even if their results exist, besides what is missing: "
        + ", ".join(steps),
    )  # fmt: skip
    p.add_argument(
        "-d", "--doOnly", nargs="+", choices=steps, default=[], metavar="STEP",
        help="run these steps and nothing else",
    )  # fmt: skip
    p.add_argument(
        "--plots", nargs="*", choices=("all", *FAMILY_NAMES), metavar="FAMILY",
        help="make pictures of results that are there and run no step: all (default), "
        + ", ".join(FAMILY_NAMES) + "; with --force all also those that are up to date",
    )  # fmt: skip
    p.add_argument(
        "--no-plots", action="store_true", help="make no pictures, whatever config.py says"
    )
    p.add_argument(
        "--cascade", action="store_true",
        help="also run what depends on a step that runs, and what is older than its inputs",
    )  # fmt: skip
    p.add_argument(
        "-j", "--jobs", type=_positive, default=1, metavar="N",
        help="fills side by side on this machine (default 1: one fill uses all cores)",
    )  # fmt: skip
    p.add_argument(
        "--config", type=Path, default=Path("config.py"), metavar="PATH",
        help="configuration file (default ./config.py)",
    )  # fmt: skip
    p.add_argument("--dry-run", action="store_true", help="show what would run, and run nothing")
    p.add_argument("-v", "--verbose", action="store_true", help="log every detail")
    p.add_argument(
        "-ll", "--loglevel", type=_positive, metavar="NUM",
        help="log from this level on: 10 debug, 20 info, 30 warning, 40 error, 50 fatal",
    )  # fmt: skip
    p.add_argument("-s", "--submit", action="store_true", help="run on HTCondor")
    p.add_argument(
        "-b", "--split", type=_positive, metavar="N", help="with --submit: N fills per job"
    )
    p.add_argument("--version", action="version", version=f"lumimod {__version__}")
    return p


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Run lumimod with command-line arguments; return the exit status."""
    args = parser().parse_args(argv)
    try:
        _check(args)
        return EXIT_DONE if _run(args) else EXIT_FAILED
    except (UsageError, ConfigError) as exc:
        sys.stderr.write(f"lumimod: {exc}\n")
        return EXIT_USAGE
    except LumimodError as exc:
        sys.stderr.write(f"lumimod: {exc}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        sys.stderr.write("lumimod: interrupted; finished results are kept\n")
        return 130


def _run(args: argparse.Namespace) -> bool:
    # Imported only now: --help and wrong usage answer at once.
    from lumimod.pipeline import Pictures, Selection
    from lumimod.plots.gallery import families_of
    from lumimod.reporting import Display
    from lumimod.session import run
    from lumimod.settings import load_config

    cfg = load_config(args.config)
    level = logging.DEBUG if args.verbose else args.loglevel
    selection = Selection(chosen_steps(args.force), chosen_steps(args.doOnly), args.cascade)
    if args.plots is None:
        pictures = Pictures(frozenset() if args.no_plots else families_of(cfg.plots))
    else:
        families = set(args.plots or ["all"])
        names = FAMILY_NAMES if "all" in families else families
        pictures = Pictures(frozenset(names), only=True, force=bool(args.force))
    with Display(cfg.log_format, level) as display:
        if cfg.ignored_names:
            log.info("%s: names without a meaning here: %s", cfg.path, ", ".join(cfg.ignored_names))
        options = {"n_jobs": args.jobs, "dry_run": args.dry_run, "pictures": pictures}
        return run(cfg, args.fill, selection, display, **options)


def _check(args: argparse.Namespace) -> None:
    if args.force and args.doOnly:
        raise UsageError("--force and --doOnly exclude each other: --doOnly already forces")
    if args.plots is not None and (args.doOnly or args.no_plots):
        raise UsageError("--plots makes pictures alone: leave --doOnly and --no-plots out")
    if args.submit:
        raise UsageError(
            "--submit: running on HTCondor is not part of this version yet; "
            "use --jobs N to run fills side by side on this machine"
        )
    if args.split is not None:
        raise UsageError("--split goes with --submit, which is not part of this version yet")


def chosen_steps(names: Sequence[str]) -> frozenset[str]:
    """Return the steps of a --force or --doOnly, `all` meaning every one."""
    return frozenset(STEP_NAMES if "all" in names else names)
