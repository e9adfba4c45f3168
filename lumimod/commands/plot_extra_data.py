"""The command Utilities/plot_extra_data.py: pictures of the extra data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lumimod.commands.shell import Parser, add_config, exit_status, print_error
from lumimod.config.settings import Config, load_config
from lumimod.errors import LumimodError
from lumimod.fetch.groups import extra_choices
from lumimod.fetch.run import relocated
from lumimod.paths import FillPaths
from lumimod.plots.extra import EXTRA_PICTURE
from lumimod.plots.extra_panels import ExtraData
from lumimod.plots.gallery import picture_path
from lumimod.plots.save import save_figure
from lumimod.plots.style import Style
from lumimod.readers.bmodes import BeamModes, FillModes, read_bmodes
from lumimod.readers.variables import read_first


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the extra data of fills; return the exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    return exit_status(
        parser.prog, lambda: _draw_all(args, parser.prog), kept="pictures that are drawn are kept"
    )


def _draw_all(args: argparse.Namespace, program: str) -> bool:
    cfg = relocated(load_config(args.config), args.data_folder)
    modes = read_bmodes(cfg.files.bmodes)
    good = True
    for fill in args.fill:
        try:
            sys.stdout.write(f"{draw_fill(cfg, modes, fill, args.out)}\n")
        except LumimodError as exc:
            print_error(program, f"fill {fill}: {exc}")
            good = False
    return good


def draw_fill(cfg: Config, modes: BeamModes, fill: int, folder: Path | None) -> Path:
    """Draw the extra data of a fill; return the file of the picture.

    Raises
    ------
    MissingInputError
        The fill is not in the beam-mode file, or it has no file of extra data.
    BadInputError, OutputError
        The file is damaged, or the picture cannot be written.
    """
    of_fill = modes[fill]
    paths = FillPaths(cfg, fill)
    data = read_extra(cfg, of_fill, paths.extra_data)
    if folder is None:
        paths.make_plot_folder()
    else:
        folder.mkdir(parents=True, exist_ok=True)
    path = picture_path(paths, EXTRA_PICTURE.name, folder)
    style = Style.of_config(cfg.plots)
    save_figure(EXTRA_PICTURE.draw(data, style), path, style)
    return path


def read_extra(cfg: Config, modes: FillModes, path: Path) -> ExtraData:
    """Return the extra variables in a file; errors as of `read_variables`."""
    choices = extra_choices(modes.fill, time_s=modes.t_startfill_s, overrides=cfg.variable_names)
    series = read_first(path, choices, optional=choices)
    return ExtraData(modes.fill, modes, series, path.name)


def _parser() -> Parser:
    p = Parser(
        description="Draw tunes and trims, BBQ frequencies and amplitudes, total luminosities, "
        "beta* and the number of bunches of a whole fill, with its beam modes shaded.",
        epilog="exit status: 0 all is drawn, 1 something failed, 2 the command line or config.py "
        "is wrong.",
    )
    p.add_argument("-n", "--fill", type=int, nargs="+", required=True, metavar="FILL")
    add_config(p)
    p.add_argument(
        "--data-folder", type=Path, metavar="PATH",
        help="where the data are, instead of data_folder of config.py",
    )  # fmt: skip
    p.add_argument(
        "--out", type=Path, metavar="PATH",
        help="folder of the picture (default: with the other plots of the fill)",
    )  # fmt: skip
    return p
