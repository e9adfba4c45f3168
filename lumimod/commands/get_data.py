"""The commands Utilities/000_get_fills.py, 001a to 001e and getData.py: getting data."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Callable

from lumimod.commands.shell import Parser, add_config, exit_status
from lumimod.commands.times import parse_time
from lumimod.config.sections.files import SOURCES
from lumimod.config.settings import Config, load_config
from lumimod.errors import LumimodError, UsageError, called_with_config
from lumimod.fetch.groups import GROUPS
from lumimod.fetch.modes import read_table, update_by_time, update_fills
from lumimod.fetch.run import Outcome, fetch, relocated
from lumimod.readers import clock
from lumimod.readers.bmodes import read_bmodes
from lumimod.readers.checksums import enter_sums
from lumimod.run.reporting import Display
from lumimod.sources import Source, open_source
from lumimod.writers.clock import set_clock

DAY_S = 86_400.0
SINCE_LAST = "last"

_TIMES = """\
times: YYYY-MM-DD HH:MM:SS in Europe/Zurich, or with UTC at the end in UTC (underscores or a T as
separators, and no seconds, are allowed); "now"; "7 days ago"; "last": the end of the beam-mode
file, or 7 days ago if there is none.

"""
_EXIT = """\
What was fetched is kept: after a failure run the same command again.

exit status: 0 all went well (a variable that is not logged is reported, but not a failure), 1
something failed, 2 the command line or config.py is wrong.
"""


# --- commands


def get_fills(t_start_string: str, t_stop_string: str, argv: Sequence[str] | None = None) -> int:
    """Get the beam modes of all fills between two times; return the exit status."""
    parser = _parser("Get the beam modes of all fills between two times.", _TIMES)
    _add_times(parser, t_start_string, t_stop_string)
    return _run(parser, argv, lambda args, cfg, source: not _get_modes(args, cfg, source))


def get_group(group: str, argv: Sequence[str] | None = None) -> int:
    """Get the file of a group for every fill of the beam-mode file; return the exit status."""
    title = GROUPS[group].title
    parser = _parser(f"Get the data of fills: {title}. Complete files are not fetched again.")
    _add_force(parser)

    def work(args: argparse.Namespace, cfg: Config, source: Source) -> bool:
        return _get_data(args, cfg, source, [group], args.fill or ())

    return _run(parser, argv, work)


def get_all(
    t_start_string: str = SINCE_LAST, t_stop_string: str = "now", argv: Sequence[str] | None = None
) -> int:
    """Get the beam modes, then all groups of data; return the exit status."""
    parser = _parser("Get the beam modes, then all data of the fills. Made for cron.", _TIMES)
    _add_times(parser, t_start_string, t_stop_string)
    _add_force(parser)

    def work(args: argparse.Namespace, cfg: Config, source: Source) -> bool:
        unknown = _get_modes(args, cfg, source)
        # That they are not known has been told; for each file it would be told again.
        fills = [fill for fill in args.fill or () if fill not in unknown]
        is_done = bool(unknown and not fills) or _get_data(args, cfg, source, list(GROUPS), fills)
        return is_done and not unknown

    return _run(parser, argv, work)


def _get_modes(args: argparse.Namespace, cfg: Config, source: Source) -> Sequence[int]:
    """Get beam modes; return which fills of --fill the source does not know."""
    path, now_s = cfg.files.bmodes, _now_s(args, cfg)
    if args.fill:
        changed = update_fills(path, source, args.fill, now_s=now_s)
        known = read_table(path)
        unknown = [fill for fill in args.fill if fill not in known]
    else:
        start_s, stop_s = (_time_s(text, path, now_s) for text in (args.t_start, args.t_stop))
        if not start_s < stop_s:
            raise UsageError(f"--t-start {args.t_start} is not before --t-stop {args.t_stop}")
        changed = update_by_time(path, source, start_s, stop_s, now_s=now_s)
        unknown = []
    enter_sums(cfg.files.data_folder, [path])
    sys.stdout.write(f"{path}: {_count(changed)} new or changed{_numbers(changed)}\n")
    for fill in unknown:
        sys.stdout.write(f"fill {fill}: not known to {source.name}\n")
    return unknown


def _get_data(
    args: argparse.Namespace,
    cfg: Config,
    source: Source,
    groups: Sequence[str],
    wanted: Sequence[int],
) -> bool:
    modes = read_bmodes(cfg.files.bmodes)
    fills = list(dict.fromkeys(wanted)) or sorted([*modes, *modes.faults])
    named = bool(wanted)
    outcomes = fetch(
        cfg, source, groups, modes, fills, force=args.force, named=named, every=args.all
    )
    copies, faults = [], []
    for fill in fills if set(groups) == set(GROUPS) else ():
        if source.has_late_archives or any(o.fill == fill and not o.idle for o in outcomes):
            try:
                copies += source.copy_archives(fill, cfg.files.data_folder)
            except LumimodError as exc:
                faults.append(f"fill {fill}: archives: {exc}")
    written = [o.path for o in outcomes if not (o.idle or o.failed)]
    enter_sums(cfg.files.data_folder, [cfg.files.bmodes, *written, *copies])
    sys.stdout.write(_report(outcomes) + "".join(f"{line}\n" for line in [*copies, *faults]))
    return all(outcome.is_good for outcome in outcomes) and not faults


def _report(outcomes: Sequence[Outcome]) -> str:
    idle = [o for o in outcomes if o.idle and not o.missing]
    lines = [f"{outcome}\n" for outcome in outcomes if outcome not in idle]
    busy = {o.fill for o in outcomes if o not in idle}
    n_idle = len({outcome.fill for outcome in idle} - busy)
    if n_idle or not outcomes:
        lines.append(f"{n_idle} fill{'' if n_idle == 1 else 's'}: nothing to do\n")
    if left := {outcome.fill for outcome in outcomes if outcome.left_out}:
        lines.append(
            f"{_count(sorted(left))} without stable beams: data of bunches left out (--all)\n"
        )
    return "".join(lines)


def _count(fills: Sequence[int]) -> str:
    return f"{len(fills)} fill{'' if len(fills) == 1 else 's'}"


def _numbers(fills: Sequence[int]) -> str:
    return f" ({', '.join(map(str, fills))})" if 0 < len(fills) <= 10 else ""


# --- times


def _now_s(args: argparse.Namespace, cfg: Config) -> float:
    """Return the present: that of --now, or of the data if they are those of a season, or now.

    Raises
    ------
    UsageError
        --now is no time, or the source is another.
    BadInputError
        The clock of the data cannot be read.
    """
    if (args.source or cfg.files.source) != "season":
        if args.now is not None:
            raise UsageError("--now goes with --source season: others know what time it is")
        return time.time()
    if args.now is None:
        return clock.now_s(cfg.files.data_folder)
    return parse_time(args.now, time.time())


def _time_s(text: str, bmodes: Path, now_s: float) -> float:
    """Return a time of the command line; "last" is the end of the last fill that is over."""
    if text != SINCE_LAST:
        return parse_time(text, now_s)
    modes = read_bmodes(bmodes).values() if bmodes.exists() else ()
    ends = [m.t_endfill_s for m in modes if m.complete is not False and isfinite(m.t_endfill_s)]
    return max(ends, default=now_s - 7 * DAY_S)


# --- command line


def _parser(description: str, epilog: str = "") -> Parser:
    p = Parser(
        description=description,
        epilog=epilog + _EXIT,
    )
    p.add_argument(
        "-n", "--fill", type=int, nargs="+", metavar="FILL",
        help="only these fills (default: all of the beam-mode file)",
    )  # fmt: skip
    add_config(p)
    p.add_argument(
        "--data-folder", type=Path, metavar="PATH",
        help="write here instead of data_folder of config.py",
    )  # fmt: skip
    p.add_argument(
        "--source", choices=SOURCES,
        help="source of the data: pytimber (NXCALS), folder (existing files), simulated (equal "
        "fills), season (as different as those of a year; default: data_source of config.py)",
    )  # fmt: skip
    p.add_argument(
        "--now", metavar="TIME",
        help="the present of --source season, such as '2017-07-01 08:00'; kept in now.txt beside "
        "the data, by which lumimod.py goes too (default: what that says, or now)",
    )  # fmt: skip
    p.add_argument(
        "--source-folder", type=Path, metavar="PATH",
        help="files for --source folder (default: data_source_folder of config.py)",
    )  # fmt: skip
    p.add_argument("-v", "--verbose", action="store_true", help="log every query")
    return p


def _add_times(parser: argparse.ArgumentParser, start: str, stop: str) -> None:
    parser.add_argument("--t-start", default=start, metavar="TIME", help=f"default: {start}")
    parser.add_argument("--t-stop", default=stop, metavar="TIME", help=f"default: {stop}")


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", action="store_true",
        help="also data of bunches of fills without stable beams (which --fill fetches anyway)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="fetch again what was fetched already")


def _run(
    parser: Parser,
    argv: Sequence[str] | None,
    work: Callable[[argparse.Namespace, Config, Source], bool],
) -> int:
    args = parser.parse_args(argv)
    called_with_config(args.config)

    def with_source() -> bool:
        cfg = relocated(load_config(args.config), args.data_folder)
        with Display(cfg.log_format, logging.DEBUG if args.verbose else logging.INFO):
            folder = args.source_folder or cfg.files.source_folder
            present_s = _now_s(args, cfg)
            with open_source(args.source or cfg.files.source, folder, present_s) as source:
                if args.now is not None:
                    set_clock(cfg.files.data_folder, None if args.now == "now" else present_s)
                return work(args, cfg, source)

    return exit_status(parser.prog, with_source, kept="what was fetched is kept")
