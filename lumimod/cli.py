"""The command line: options to a run, a run to an exit status."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lumimod.commands.options import SITE, parser
from lumimod.commands.shell import exit_status, print_error
from lumimod.commands.usage import check_usage, chosen_steps
from lumimod.errors import called_with_config
from lumimod.plots.families import PICTURE_FAMILIES
from lumimod.steps import TITLES

if TYPE_CHECKING:
    from lumimod.config.settings import Config
    from lumimod.run.choice import FillChoice
    from lumimod.run.plan import Pictures, Selection
    from lumimod.run.reporting import Display

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run lumimod with command-line arguments; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = parser().parse_args(arguments)
    called_with_config(args.config)

    def work() -> bool:
        check_usage(args)
        return _do(args, arguments)

    return exit_status("lumimod", work, kept="finished results are kept")


def _do(args: argparse.Namespace, arguments: Sequence[str]) -> bool:
    if args.completion:
        return _complete(args.completion)
    if args.check_config:
        from lumimod.config.report import check_config

        return check_config(args.config, sys.stdout)
    if args.why:
        return _why(args)
    if args.show:
        return _show(args)
    if args.summary:
        return _summary(args)
    if args.report == SITE:
        return _report(args)
    if args.pdf is not None:
        return _pdf(args)
    if args.status is not None or args.resubmit is not None or (args.wait and not args.submit):
        return _afterwards(args, arguments)
    return _run(args, arguments)


def _complete(shell: str) -> bool:
    import shtab

    sys.stdout.write(shtab.complete(parser(), shell) + "\n")
    return True


def _why(args: argparse.Namespace) -> bool:
    from lumimod.config.settings import load_config
    from lumimod.run.why import why

    chosen = chosen_steps(args.why)
    names = [name for name in TITLES if name in chosen]
    cfg = load_config(args.config)
    sys.stdout.write(why(cfg, _choice(args, cfg), names))
    return True


def _show(args: argparse.Namespace) -> bool:
    from lumimod.config.settings import load_config
    from lumimod.run.choice import FillChoice
    from lumimod.run.show import show_fills

    screens = show_fills(load_config(args.config), FillChoice(tuple(args.show)))
    sys.stdout.write(screens.text)
    for fault in screens.faults:
        print_error("lumimod", fault)
    return not screens.faults


def _summary(args: argparse.Namespace) -> bool:
    from lumimod.config.settings import load_config
    from lumimod.run.summarise import summarise

    cfg = load_config(args.config)
    with _display(args, cfg):
        sys.stdout.write(summarise(cfg))
    return True


def _report(args: argparse.Namespace) -> bool:
    from lumimod.config.settings import load_config
    from lumimod.report.site import update_site

    cfg = load_config(args.config)
    with _display(args, cfg):
        update = update_site(cfg)
    sys.stdout.write(f"{update}\n")
    return not update.faults


def _pdf(args: argparse.Namespace) -> bool:
    from lumimod.config.settings import load_config
    from lumimod.report.pdf import write_pdf

    cfg = load_config(args.config)
    with _display(args, cfg):
        report = write_pdf(cfg, _choice(args, cfg), args.pdf)
    sys.stdout.write(f"{report}\n")
    return not report.faults


def _choice(args: argparse.Namespace, cfg: Config) -> FillChoice:
    """Return the fills that the command line asks for; "7 days ago" is by the clock of the data."""
    from lumimod.commands.times import parse_time
    from lumimod.readers.clock import now_s
    from lumimod.run.choice import FillChoice

    since_s, until_s = (
        None if text is None else parse_time(text, now_s(cfg.files.data_folder))
        for text in (args.since, args.until)
    )
    return FillChoice(tuple(args.fill or ()), args.last, since_s, until_s)


def _run(args: argparse.Namespace, arguments: Sequence[str]) -> bool:
    # Imported only now: --help and wrong usage answer at once.
    from lumimod.config.settings import load_config
    from lumimod.plots.gallery import families_of
    from lumimod.run.plan import Pictures, Selection
    from lumimod.run.session import run

    cfg = load_config(args.config)
    selection = Selection(chosen_steps(args.force), chosen_steps(args.doOnly), args.cascade)
    if args.plots is None:
        pictures = Pictures(frozenset() if args.no_plots else families_of(cfg.plots))
    else:
        families = set(args.plots or ["all"])
        names = PICTURE_FAMILIES if "all" in families else families
        pictures = Pictures(frozenset(names), only=True, force=bool(args.force))
    with _display(args, cfg) as display:
        _say(cfg)
        if args.submit:
            return _submit(args, arguments, cfg, selection, pictures)
        options = {"n_jobs": args.jobs, "dry_run": args.dry_run, "pictures": pictures}
        options["report_path"] = args.report
        is_well = run(cfg, _choice(args, cfg), selection, display, **options)
        if cfg.plots.do_report and not args.dry_run:
            from lumimod.report.site import update_after_run

            update_after_run(cfg)
        return is_well


def _say(cfg: Config) -> None:
    """Log what config.py sets and does not mean, a line each."""
    for line in cfg.warnings:
        log.warning("%s: %s", cfg.path, line)
    for line in cfg.remarks:
        log.info("%s: %s", cfg.path, line)
    if cfg.ignored_names:
        log.info("%s: names without a meaning here: %s", cfg.path, ", ".join(cfg.ignored_names))


def _display(args: argparse.Namespace, cfg: Config) -> Display:
    from lumimod.run.reporting import Display

    return Display(cfg.log_format, _level(args), args.log_file or cfg.log_file)


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
    from lumimod.run.reporting import nothing_lines
    from lumimod.run.session import prepare

    batch = prepare(cfg, _choice(args, cfg), selection, pictures, write=not args.dry_run)
    # Fills that were asked for by number are all submitted, others only if there is work.
    by_number = batch.choice.is_by_number
    fills = [job.fill for job in batch.jobs if by_number or job.has_work]
    sys.stdout.write(nothing_lines(batch.unplanned))
    if not fills:
        if not batch.unplanned:
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
    from lumimod.condor.again import resubmit
    from lumimod.config.settings import load_config, setting
    from lumimod.run.reporting import Display

    wanted = args.resubmit or (args.status if isinstance(args.status, Path) else None)
    parent, log_format = Path(), setting("FORMAT").default
    if wanted is None:  # config.py tells where job folders are
        cfg = load_config(args.config)
        parent, log_format = cfg.condor.folder, cfg.log_format
    with Display(log_format, _level(args)):
        if wanted is None and not args.wait:
            from lumimod.run.recorded import states_to_show
            from lumimod.run.states import Standing, states_table

            states = states_to_show(cfg)
            sys.stdout.write(states_table(states))
            if not actions.any_folder(parent):
                if states:
                    return not any(of.worst is Standing.FAILED for of in states.values())
                sys.stdout.write("no fill has been run yet\n")
        jobs = actions.find(parent, wanted)
        if args.resubmit:
            options = {"size": args.split, "dry_run": args.dry_run}
            again = resubmit(jobs, _typed(arguments), **options)
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
