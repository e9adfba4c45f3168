"""Learn the growth of emittances beyond the model from fills, for `extra_growth` of config.py.

python Utilities/learn_growth.py --fill 6100-6300 --out extra_growth.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lumimod.atomic import replacing
from lumimod.commands.arguments import FILLS, Fills, positive_number
from lumimod.commands.shell import Parser, add_config, exit_status
from lumimod.config.kinds.physics import BEAM_PLANES
from lumimod.config.settings import Config, load_config
from lumimod.errors import NoDataError
from lumimod.readers.bmodes import read_bmodes
from lumimod.run.choice import FillChoice
from lumimod.summary.season import update_season

_PHASES = {"injection": "injection", "flat_top": "flat top", "stable": "stable beams"}
FEWEST = 3
"""Fewer fills teach nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print, or write, the growth that the models lack; return the exit status."""
    parser = Parser(
        description="Learn the growth of emittances that the models lack, the median over fills, "
        "for extra_growth of config.py.",
        epilog="What config.py has in extra_growth already is added: results of models that took "
        "it show only the rest. exit status: 0 done, 1 it failed, 2 the command line or config.py "
        "is wrong.",
    )
    parser.add_argument(
        "-n", "--fill", nargs="+", action=Fills, metavar="FILL", help=f"of these fills: {FILLS}"
    )
    parser.add_argument("--last", type=positive_number, metavar="N", help="of the last N fills")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it to this file (JSON)")
    add_config(parser)
    args = parser.parse_args(argv)
    return exit_status(parser.prog, lambda: _learn(args), kept="nothing was changed")


def _learn(args: argparse.Namespace) -> bool:
    cfg = load_config(args.config)
    modes = read_bmodes(cfg.files.bmodes)
    fills = FillChoice(tuple(args.fill or ()), args.last).fills(modes, cfg)
    rows = update_season(cfg, modes, sorted(modes))
    found = learned([rows[fill].facts for fill in fills if fill in rows], _in_use(cfg))
    text = json.dumps({phase: of["growth"] for phase, of in found.items()}, indent=1)
    for phase, of in found.items():
        each = ", ".join(
            f"{plane} {of['growth'][plane]:.3f} +- {of['error'][plane]:.3f}"
            for plane in BEAM_PLANES
        )
        sys.stdout.write(f"{phase}: {each} um/h, from {of['fills']} fills\n")
    if args.out is None:
        sys.stdout.write(f"extra_growth = {text}\n")
    else:
        with replacing(args.out) as file:
            file.write(text.encode())
        sys.stdout.write(f"{args.out} written; set extra_growth = {str(args.out)!r} in config.py\n")
    return True


def _in_use(cfg: Config) -> Mapping[str, Mapping[str, float]]:
    return cfg.physics.extra_growth


def learned(
    facts: Sequence[Mapping[str, Any]], in_use: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    """Return by phase the median growth beyond the model in um/h, its error and how many fills.

    Parameters
    ----------
    facts
        Of each fill, as the season table has them.
    in_use
        Growth that the models took already, which is added.

    Raises
    ------
    NoDataError
        No phase has `FEWEST` fills.
    """
    out: dict[str, dict[str, Any]] = {}
    for part, phase in _PHASES.items():
        names = {bp: f"b{bp[0]}_beyond_{bp[1]}_{part}_um_h" for bp in BEAM_PLANES}
        known = [f for f in facts if all(name in f for name in names.values())]
        if len(known) < FEWEST:
            continue
        values = {bp: np.array([f[name] for f in known]) for bp, name in names.items()}
        before = in_use.get(phase, {})
        growth = {
            bp: round(float(np.median(v)) + before.get(bp, 0.0), 5) for bp, v in values.items()
        }
        # Of the median: 1.25 times that of the mean, for a normal distribution.
        error = {bp: 1.2533 * float(v.std(ddof=1)) / len(v) ** 0.5 for bp, v in values.items()}
        out[phase] = {"growth": growth, "error": error, "fills": len(known)}
    if not out:
        raise NoDataError(
            f"fewer than {FEWEST} fills have growth beyond the model; run lumimod with the steps "
            "cycle and growth first"
        )
    return out
