"""The commands Utilities/createYamlDB.py and readYamlDB.py: the Massi database."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Callable

from lumimod.commands.shell import Parser, add_config, exit_status
from lumimod.config.settings import Config, load_config
from lumimod.errors import OutputError, UsageError
from lumimod.records import EXPERIMENTS
from lumimod.steps import massi_db


def create_database(argv: Sequence[str] | None = None) -> int:
    """Make a database of all archives that exist; return the exit status."""
    parser = _parser("Make the Massi database from the archives that exist now.")
    parser.add_argument("--year", type=int, metavar="YYYY", help="default: massi_year")
    parser.add_argument(
        "--afs-path", metavar="PATH", help="with <YEAR> in it; default: massi_afs_path"
    )
    parser.add_argument(
        "--exp-folders", nargs=2, metavar="FOLDER", help="default: massi_exp_folders"
    )
    parser.add_argument(
        "--force", action="store_true",
        help="replace an existing database; archives that changed since are not noticed",
    )  # fmt: skip
    return _run(parser, argv, _create)


def show_database(argv: Sequence[str] | None = None) -> int:
    """Show a database; return the exit status."""
    parser = _parser("Show the Massi database.")
    parser.add_argument(
        "-n", "--fill", type=int, nargs="+", metavar="FILL",
        help="show the archives of these fills (default: a summary)",
    )  # fmt: skip
    return _run(parser, argv, _show)


def _create(args: argparse.Namespace, cfg: Config, path: Path) -> bool:
    if path.exists() and not args.force:
        raise UsageError(f"{path} exists already; --force replaces it")
    given = {"year": args.year, "path_template": args.afs_path, "exp_folders": args.exp_folders}
    changes = {name: value for name, value in given.items() if value is not None}
    massi = dataclasses.replace(cfg.massi, **changes)
    folders = massi.folders()
    every = [folder for of_year in folders.values() for folder in of_year.values()]
    missing = [folder for folder in every if not folder.is_dir()]
    if len(missing) == len(every):
        sought = missing or [massi.folder(exp, "<YEAR>") for exp in EXPERIMENTS]
        raise UsageError(
            f"no folder {' nor '.join(map(str, sought))}; give --afs-path and --year or set "
            "massi_afs_path in config.py"
        )
    database = massi_db.create(folders)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(f"{path.parent} cannot be created: {exc.strerror or exc}") from exc
    massi_db.save_database(path, database)
    sys.stdout.write(f"{path}\n" + _summary(database))
    for folder in missing:
        sys.stdout.write(f"no folder {folder}\n")
    return True


def _show(args: argparse.Namespace, cfg: Config, path: Path) -> bool:
    if not path.exists():
        raise UsageError(f"{path}: no such file; make it with Utilities/createYamlDB.py")
    database = massi_db.load_database(path)
    if not args.fill:
        sys.stdout.write(_summary(database))
        return True
    found = [_of_fill(database, fill) for fill in args.fill]
    for fill, lines in zip(args.fill, found):
        sys.stdout.write("".join(lines) or f"fill {fill}: not in {path}\n")
    return all(found)


def _summary(database: Mapping[int, Mapping[str, Mapping[str, datetime] | None]]) -> str:
    lines = []
    for year, experiments in sorted(database.items()):
        for experiment, archives in sorted(experiments.items()):
            lines.append(f"{year} {experiment}: {len(archives or {})} archives")
            if archives:
                fills = sorted(int(name.split(".")[0]) for name in archives)
                newest = max(str(modified)[:19] for modified in archives.values())
                lines[-1] += f", fills {fills[0]} to {fills[-1]}, newest of {newest} (Zurich)"
    return "".join(f"{line}\n" for line in lines) or "no archives\n"


def _of_fill(
    database: Mapping[int, Mapping[str, Mapping[str, datetime] | None]], fill: int
) -> list[str]:
    return [
        f"fill {fill}: {year} {experiment}: {name} of {str(modified)[:19]} (Zurich)\n"
        for year, experiments in sorted(database.items())
        for experiment, archives in sorted(experiments.items())
        for name, modified in (archives or {}).items()
        if name.split(".")[0] == str(fill)
    ]


def _parser(description: str) -> Parser:
    p = Parser(
        description=description,
        epilog="exit status: 0 done, 1 it failed, 2 the command line or config.py is wrong.",
    )
    p.add_argument(
        "yamldb", type=Path, nargs="?", help="the database; default: massi_file_database"
    )
    add_config(p)
    return p


def _run(
    parser: Parser,
    argv: Sequence[str] | None,
    work: Callable[[argparse.Namespace, Config, Path], bool],
) -> int:
    args = parser.parse_args(argv)

    def with_config() -> bool:
        cfg = load_config(args.config)
        return work(args, cfg, args.yamldb or cfg.massi.database)

    return exit_status(parser.prog, with_config, kept="a database that was there is unchanged")
