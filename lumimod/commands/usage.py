"""Which options of the command `lumimod` go together."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from lumimod.commands.options import SITE, parser
from lumimod.errors import UsageError
from lumimod.steps import TITLES

_OF_FILLS = ("fill", "last", "since", "until")
"""Options that choose fills."""


def chosen_steps(names: Sequence[str]) -> frozenset[str]:
    """Return the steps of a --force or --doOnly, `all` meaning every one."""
    return frozenset(TITLES if "all" in names else names)


def check_usage(args: argparse.Namespace) -> None:
    """Raise `UsageError` where options contradict each other."""
    if args.check_config:
        _check_alone(args, "check_config")
    for name in ("show", "summary"):
        if getattr(args, name):
            _check_alone(args, name)
    if args.report == SITE:
        _check_alone(args, "report")
    if args.pdf is not None:
        _check_alone(args, "pdf", *_OF_FILLS)
    if args.why:
        _check_alone(args, "why", *_OF_FILLS)
        if not any(getattr(args, name) for name in _OF_FILLS):
            raise UsageError("--why goes with --fill: say of which fills")
    if args.force and args.doOnly:
        raise UsageError("--force and --doOnly cannot be used together: --doOnly already forces")
    if args.plots is not None and (args.doOnly or args.no_plots):
        raise UsageError("--plots makes pictures alone: leave --doOnly and --no-plots out")
    asked = [n for n in ("submit", "status", "resubmit") if getattr(args, n) not in (None, False)]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} cannot be used together")
    if args.split is not None and not {"submit", "resubmit"} & set(asked):
        raise UsageError(
            "--split goes with --submit or --resubmit: it says how many fills a job has"
        )
    if args.wait and args.dry_run:
        raise UsageError("--wait and --dry-run cannot be used together: nothing is submitted")
    if args.report is not None and (asked or args.wait or args.dry_run):
        raise UsageError(
            "--report goes with a run on this machine; jobs on HTCondor write a report each, "
            "which --status reads"
        )
    if "submit" not in asked and (asked or args.wait):
        given = [n for n in (*_OF_FILLS, "force", "doOnly") if getattr(args, n)]
        given += ["plots"] if args.plots is not None else []
        if given:
            raise UsageError(
                f"--{given[0]} does not go with --{(asked or ['wait'])[0]}, which takes the fills "
                "and steps of the submission"
            )


def _check_alone(args: argparse.Namespace, *together: str) -> None:
    """Refuse options that would do nothing beside the first of `together`."""
    usual = vars(parser().parse_args([]))
    allowed = (*together, "config", "verbose", "loglevel", "log_file")
    for name, value in vars(args).items():
        if value != usual[name] and name not in allowed:
            alone, option = (f"--{n.replace('_', '-')}" for n in (together[0], name))
            raise UsageError(f"{alone} runs nothing: leave {option} out")
