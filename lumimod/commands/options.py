"""The options of the command `lumimod`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lumimod import __version__
from lumimod.commands.arguments import FILLS, Fills, NameChoice, log_level, positive_number
from lumimod.commands.shell import Parser, add_config
from lumimod.plots.families import PICTURE_FAMILIES
from lumimod.steps import TITLES

_EPILOG = """\
{steps}

{families}

Without --fill, the fills of the beam-mode file are taken that have stable beams of at least
min_time_SB and lie between first_fill and last_fill of config.py; of a range (5845-5870) those in
it. Steps whose results exist are skipped, so that this may run every hour.

On HTCondor: --submit writes a folder lumimod_JOB_... and submits it, --split says in jobs of how
many fills; --status, --wait and --resubmit take that folder.

exit status: 0 all went well, 1 some fill failed or the Massi database cannot be read (the table at
the end says why), 2 the command line or config.py is wrong. Fills that another run is working on
are left to it, and steps that wait for what may still come are waited for: neither is a failure.
"""


SITE = Path()
"""Stands for a --report without a file."""


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
    )
    _add_fills(p)
    _add_steps(p)
    _add_pictures(p)
    _add_answers(p)
    _add_condor(p)
    _add_log(p)
    return p


_STEPS: dict[str, Any] = {"among": TITLES, "what": "step", "default": [], "metavar": "STEP"}


def _add_fills(p: argparse.ArgumentParser) -> None:
    of = p.add_argument_group("which fills")
    of.add_argument(
        "-n", "--fill", nargs="+", action=Fills, metavar="FILL", help=f"only these fills: {FILLS}"
    )
    of.add_argument(
        "--last", type=positive_number, metavar="N", help="only the last N of the fills there are"
    )
    of.add_argument(
        "--since", metavar="TIME",
        help="only fills whose stable beams began since then: YYYY-MM-DD, '7 days ago'",
    )  # fmt: skip
    of.add_argument("--until", metavar="TIME", help="only fills whose stable beams began before")


def _add_steps(p: argparse.ArgumentParser) -> None:
    of = p.add_argument_group("what to run")
    of.add_argument(
        "-f", "--force", nargs="+", action=NameChoice, **_STEPS,
        help="run these steps even if their results exist, besides what is missing: "
        + ", ".join(("all", *TITLES)),
    )  # fmt: skip
    of.add_argument(
        "-d", "--doOnly", nargs="+", action=NameChoice, **_STEPS,
        help="run these steps and nothing else",
    )  # fmt: skip
    of.add_argument(
        "--cascade", action="store_true",
        help="also run what depends on a step that runs, and what is older than its inputs",
    )  # fmt: skip
    of.add_argument(
        "-j", "--jobs", type=positive_number, default=1, metavar="N",
        help="fills side by side on this machine (default 1: one fill uses all cores)",
    )  # fmt: skip
    of.add_argument(
        "--dry-run", action="store_true",
        help="show what would run, and run nothing; with --submit or --resubmit: write "
        "the job folder, and submit nothing",
    )  # fmt: skip
    add_config(of)


def _add_pictures(p: argparse.ArgumentParser) -> None:
    of = p.add_argument_group("pictures")
    of.add_argument(
        "--plots", nargs="*", action=NameChoice, among=PICTURE_FAMILIES, what="family of pictures",
        metavar="FAMILY",
        help="make pictures of results that are there and run no step: all (default), "
        + ", ".join(PICTURE_FAMILIES) + "; with --force all also those that are up to date",
    )  # fmt: skip
    of.add_argument(
        "--no-plots", action="store_true", help="make no pictures, whatever config.py says"
    )


def _add_answers(p: argparse.ArgumentParser) -> None:
    of = p.add_argument_group("tables, site and PDF; these run no step")
    of.add_argument(
        "--show", nargs="+", action=Fills, metavar="FILL",
        help="show the facts of these fills, a screen each",
    )  # fmt: skip
    of.add_argument(
        "--why", nargs="+", action=NameChoice, **_STEPS,
        help="with --fill: show what the results of these steps were made from and what is "
        "different now",
    )  # fmt: skip
    of.add_argument(
        "--check-config", action="store_true",
        help="check the configuration file, list what it changes",
    )  # fmt: skip
    of.add_argument(
        "--summary", action="store_true",
        help="bring the table of all fills with results up to date, season.csv",
    )  # fmt: skip
    of.add_argument(
        "--report", nargs="?", type=Path, const=SITE, metavar="FILE",
        help="without FILE: bring the site of the season up to date, report/index.html in "
        "stableBeams_folder; with FILE: run, and write what became of each fill to "
        "this file, as JSON, after each fill",
    )  # fmt: skip
    of.add_argument(
        "--pdf", type=Path, metavar="FILE",
        help="write facts, overview and pictures of the fills to one PDF for a meeting; goes with "
        "--fill, --last, --since, --until",
    )  # fmt: skip


def _add_log(p: argparse.ArgumentParser) -> None:
    of = p.add_argument_group("log and shell")
    of.add_argument("-v", "--verbose", action="store_true", help="log every detail")
    of.add_argument(
        "-ll", "--loglevel", type=log_level, metavar="NUM",
        help="log from this level on: 10 debug, 20 info, 30 warning, 40 error, 50 fatal",
    )  # fmt: skip
    of.add_argument(
        "--log-file", type=Path, metavar="FILE",
        help="write the log to this file too (default: log_file of config.py)",
    )  # fmt: skip
    of.add_argument(
        "--completion", choices=("bash", "zsh", "fish"), metavar="SHELL",
        help="print what makes a shell complete options: bash, zsh or fish; for example "
        "lumimod --completion bash > ~/.local/share/bash-completion/completions/lumimod",
    )  # fmt: skip
    of.add_argument("--version", action="version", version=f"lumimod {__version__}")


def _add_condor(p: argparse.ArgumentParser) -> None:
    of = p.add_argument_group("HTCondor")
    of.add_argument("-s", "--submit", action="store_true", help="run on HTCondor")
    of.add_argument(
        "-b", "--split", type=positive_number, metavar="N",
        help="with --submit: N fills per job, a few more where the list does not divide; "
        "without it one job runs all",
    )  # fmt: skip
    of.add_argument(
        "--status", nargs="?", type=Path, const=True, metavar="JOBFOLDER",
        help="show how the fills of a submission are doing; without a folder: how all fills stand "
        "after the last run, and the newest submission",
    )  # fmt: skip
    of.add_argument(
        "--wait", action="store_true",
        help="follow the jobs until they have ended: of the newest submission, or with --submit, "
        "--status or --resubmit of that one",
    )  # fmt: skip
    of.add_argument(
        "--resubmit", type=Path, metavar="JOBFOLDER",
        help="submit the fills again that failed, were held or removed, or never finished",
    )  # fmt: skip


def _in_words(what: str, titles: Mapping[str, str]) -> str:
    words = ", ".join(f"{name} ({title})" for name, title in titles.items())
    return f"{what}: {words}."
