"""The season: its table brought up to date after a run, or by itself."""

from __future__ import annotations

from lumimod.config.settings import Config
from lumimod.readers.bmodes import read_bmodes
from lumimod.summary.season import update_season


def summarise(cfg: Config) -> str:
    """Bring the season table up to date; return what it holds and where, in a line."""
    modes = read_bmodes(cfg.files.bmodes)
    rows = update_season(cfg, modes, sorted(modes))
    folder = cfg.files.stable_beams_folder
    if not rows:
        return f"no fill has results in {folder}; run lumimod first\n"
    return f"{folder / 'season.csv'}: {len(rows)} fill{'s' * (len(rows) != 1)}\n"
