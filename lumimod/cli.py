"""The command line: options to a run, a run to an exit status."""

from __future__ import annotations

import argparse
import logging
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lumimod import __version__
from lumimod.commands.shell import Parser, add_config, exit_status
from lumimod.errors import UsageError
from lumimod.plots.families import PICTURE_FAMILIES
from lumimod.steps import TITLES

if TYPE_CHECKING:
    from lumimod.config.settings import Config
    from lumimod.run.plan import Pictures, Selection

log = logging.getLogger(__name__)


_EPILOG = """\
{steps}

{families}

Without --fill, the fills of the beam-mode file are taken that have stable beams of at least
min_time_SB and lie between first_fill and last_fill of config.py. Steps whose results exist are
skipped, so that this may run every hour.

On HTCondor: --submit writes a folder lumimod_JOB_... and submits it, --split says in jobs of how
many fills; --status, --wait and --resubmit take that folder.

exit status: 0 all went well, 1 some fill failed or the Massi database cannot be read (the table at
the end says why), 2 the command line or config.py is wrong. Fills that another run is at are left
to it, which is no failure.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    titles_of_families = {name: family.title for name, family in PICTURE_FAMILIES.items()}
    p = Parser(
        prog="lumimod",
        description="Luminosity follow-up of the LHC, fill by fill and bunch by bunch.",
        epilog=_EPILOG.format(
            steps=_in_words("steps", TITLES),
            families=_in_words("families of pictures", titles_of_families),
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    steps = ("all", *TITLES)
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
        "--plots", nargs="*", choices=("all", *PICTURE_FAMILIES), metavar="FAMILY",
        help="make pictures of results that are there and run no step: all (default), "
        + ", ".join(PICTURE_FAMILIES) + "; with --force all also those that are up to date",
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
    add_config(p)
    p.add_argument(
        "--check-config", action="store_true",
        help="check the configuration file, list what it changes, and run nothing",
    )  # fmt: skip
    p.add_argument(
        "--why", nargs="+", choices=steps, default=[], metavar="STEP",
        help="with --fill: show what the results of these steps were made from and what is "
        "different now, and run nothing",
    )  # fmt: skip
    p.add_argument(
        "--dry-run", action="store_true",
        help="show what would run, and run nothing; with --submit or --resubmit: write "
        "the job folder, and submit nothing",
    )  # fmt: skip
    p.add_argument(
        "--report", type=Path, metavar="FILE",
        help="also write what became of each fill to this file, as JSON, after each fill",
    )  # fmt: skip
    p.add_argument("-v", "--verbose", action="store_true", help="log every detail")
    p.add_argument(
        "-ll", "--loglevel", type=_positive, metavar="NUM",
        help="log from this level on: 10 debug, 20 info, 30 warning, 40 error, 50 fatal",
    )  # fmt: skip
    _add_condor(p)
    p.add_argument("--version", action="version", version=f"lumimod {__version__}")
    return p


def _in_words(what: str, titles: Mapping[str, str]) -> str:
    words = ", ".join(f"{name} ({title})" for name, title in titles.items())
    return textwrap.fill(f"{what}: {words}.", 98, break_on_hyphens=False)


def _add_condor(p: argparse.ArgumentParser) -> None:
    p.add_argument("-s", "--submit", action="store_true", help="run on HTCondor")
    p.add_argument(
        "-b", "--split", type=_positive, metavar="N",
        help="with --submit: N fills per job, a few more where the list does not divide; "
        "without it one job runs all",
    )  # fmt: skip
    p.add_argument(
        "--status", nargs="?", type=Path, const=True, metavar="JOBFOLDER",
        help="show how the fills of a submission are doing (default: the newest one)",
    )  # fmt: skip
    p.add_argument(
        "--wait", action="store_true",
        help="follow the jobs until they have ended: of the newest submission, or with --submit, "
        "--status or --resubmit of that one",
    )  # fmt: skip
    p.add_argument(
        "--resubmit", type=Path, metavar="JOBFOLDER",
        help="submit the fills again that failed, were held or removed, or never finished",
    )  # fmt: skip


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Run lumimod with command-line arguments; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(arguments)

    def work() -> bool:
        _check(args)
        return _do(args, arguments)

    return exit_status("lumimod", work, kept="finished results are kept")


def _do(args: argparse.Namespace, arguments: Sequence[str]) -> bool:
    if args.check_config:
        from lumimod.config.report import check_config

        return check_config(args.config, sys.stdout)
    if args.why:
        return _why(args)
    if args.status is not None or args.resubmit is not None or (args.wait and not args.submit):
        return _afterwards(args, arguments)
    return _run(args, arguments)


def _why(args: argparse.Namespace) -> bool:
    from lumimod.config.settings import load_config
    from lumimod.run.why import why

    chosen = chosen_steps(args.why)
    names = [name for name in TITLES if name in chosen]
    sys.stdout.write(why(load_config(args.config), args.fill, names))
    return True


def _run(args: argparse.Namespace, arguments: Sequence[str]) -> bool:
    # Imported only now: --help and wrong usage answer at once.
    from lumimod.config.settings import load_config
    from lumimod.plots.gallery import families_of
    from lumimod.run.plan import Pictures, Selection
    from lumimod.run.reporting import Display
    from lumimod.run.session import run

    cfg = load_config(args.config)
    selection = Selection(chosen_steps(args.force), chosen_steps(args.doOnly), args.cascade)
    if args.plots is None:
        pictures = Pictures(frozenset() if args.no_plots else families_of(cfg.plots))
    else:
        families = set(args.plots or ["all"])
        names = PICTURE_FAMILIES if "all" in families else families
        pictures = Pictures(frozenset(names), only=True, force=bool(args.force))
    with Display(cfg.log_format, _level(args)) as display:
        _say(cfg)
        if args.submit:
            return _submit(args, arguments, cfg, selection, pictures)
        options = {"n_jobs": args.jobs, "dry_run": args.dry_run, "pictures": pictures}
        options["report_path"] = args.report
        return run(cfg, args.fill, selection, display, **options)


def _say(cfg: Config) -> None:
    """Log what config.py sets and does not mean, a line each."""
    for line in cfg.warnings:
        log.warning("%s: %s", cfg.path, line)
    for line in cfg.remarks:
        log.info("%s: %s", cfg.path, line)
    if cfg.ignored_names:
        log.info("%s: names without a meaning here: %s", cfg.path, ", ".join(cfg.ignored_names))


def _level(args: argparse.Namespace) -> int | None:
    return logging.DEBUG if args.verbose else args.loglevel


# --- on HTCondor


def _submit(
    args: argparse.Namespace,
    arguments: Sequence[str],
    cfg: Config,
    selection: Selection,
    pictures: Pictures,
) -> bool:
    from lumimod.condor import actions
    from lumimod.run.session import prepare

    batch = prepare(cfg, args.fill, selection, pictures, write=not args.dry_run)
    # Fills that were asked for by number are all submitted, others only if there is work.
    fills = [job.fill for job in batch.jobs if args.fill is not None or job.has_work]
    if not fills:
        if not batch.unknown:
            sys.stdout.write(f"{len(batch.jobs)} fills: nothing to do\n")
        return batch.is_sound
    only = ("plots",) if pictures.only else tuple(sorted(selection.only))
    request = actions.Request(_job_options(args), _typed(arguments), args.split, only)
    jobs = actions.submit_fills(cfg, fills, request, dry_run=args.dry_run)
    if not args.wait:
        return batch.is_sound
    actions.wait(jobs)
    return actions.show(jobs) and batch.is_sound


def _afterwards(args: argparse.Namespace, arguments: Sequence[str]) -> bool:
    from lumimod.condor import actions
    from lumimod.config.settings import load_config, setting
    from lumimod.run.reporting import Display

    wanted = args.resubmit or (args.status if isinstance(args.status, Path) else None)
    parent, log_format = Path(), setting("FORMAT").default
    if wanted is None:  # config.py tells where job folders are
        cfg = load_config(args.config)
        parent, log_format = cfg.condor.folder, cfg.log_format
    with Display(log_format, _level(args)):
        jobs = actions.find(parent, wanted)
        if args.resubmit:
            options = {"size": args.split, "dry_run": args.dry_run}
            again = actions.resubmit(jobs, _typed(arguments), **options)
            if not (again and args.wait):
                return True
        if args.wait:
            actions.wait(jobs)
        return actions.show(jobs)


def _typed(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the whole command as it was typed."""
    return (sys.executable, sys.argv[0] or "lumimod", *arguments)


def _job_options(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the options that the jobs take over."""
    options: list[str] = []
    for name in ("force", "doOnly"):
        if getattr(args, name):
            options += [f"--{name}", *getattr(args, name)]
    if args.plots is not None:
        options += ["--plots", *args.plots]
    for name in ("no_plots", "cascade", "verbose"):
        if getattr(args, name):
            options.append("--" + name.replace("_", "-"))
    if args.jobs != 1:
        options += ["--jobs", str(args.jobs)]
    if args.loglevel is not None:
        options += ["--loglevel", str(args.loglevel)]
    return tuple(options)


def _check(args: argparse.Namespace) -> None:
    if args.check_config:
        _check_alone(args, "check_config")
    if args.why:
        _check_alone(args, "why", "fill")
        if not args.fill:
            raise UsageError("--why goes with --fill: say of which fills")
    if args.force and args.doOnly:
        raise UsageError("--force and --doOnly exclude each other: --doOnly already forces")
    if args.plots is not None and (args.doOnly or args.no_plots):
        raise UsageError("--plots makes pictures alone: leave --doOnly and --no-plots out")
    asked = [n for n in ("submit", "status", "resubmit") if getattr(args, n) not in (None, False)]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} exclude each other")
    if args.split is not None and not {"submit", "resubmit"} & set(asked):
        raise UsageError(
            "--split goes with --submit or --resubmit: it says how many fills a job has"
        )
    if args.wait and args.dry_run:
        raise UsageError("--wait and --dry-run exclude each other: nothing is submitted")
    if args.report is not None and (asked or args.wait or args.dry_run):
        raise UsageError(
            "--report goes with a run on this machine; jobs on HTCondor write a report each, "
            "which --status reads"
        )
    if "submit" not in asked and (asked or args.wait):
        given = [n for n in ("fill", "force", "doOnly") if getattr(args, n)]
        given += ["plots"] if args.plots is not None else []
        if given:
            raise UsageError(
                f"--{given[0]} does not go with --{(asked or ['wait'])[0]}, which takes the fills "
                "and steps of the submission"
            )


def _check_alone(args: argparse.Namespace, *together: str) -> None:
    """Refuse options that would do nothing beside the first of `together`."""
    usual = vars(parser().parse_args([]))
    allowed = (*together, "config", "verbose", "loglevel")
    for name, value in vars(args).items():
        if value != usual[name] and name not in allowed:
            alone, option = (f"--{n.replace('_', '-')}" for n in (together[0], name))
            raise UsageError(f"{alone} runs nothing: leave {option} out")


def chosen_steps(names: Sequence[str]) -> frozenset[str]:
    """Return the steps of a --force or --doOnly, `all` meaning every one."""
    return frozenset(TITLES if "all" in names else names)
