"""Pictures of the season, drawn again only if the season has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lumimod.config.settings import Config, plain_values
from lumimod.plots.gallery import LOOK, seldom_collected
from lumimod.report.ledger import key_of
from lumimod.report.rendering import write_if_new
from lumimod.summary.season import Row

WORDS: Mapping[str, str] = {
    "beams": "intensity, emittances and bunch length of every fill at the start of stable beams",
    "luminosity": "peak and integrated luminosity, pile-up and measured over calculated luminosity",
    "growth": "growth of the emittances of both beams at injection, in the ramp, at flat top and "
    "in stable beams",
    "losses": "effective cross-section of both beams, and lifetimes",
    "days": "integrated luminosity of each day, and accumulated",
    "lengths": "distributions of lengths of stable beams and of turn-around",
}
"""What each picture of a season shows."""
_KEY_FILE = "drawn_from.txt"


def draw_season_pictures(cfg: Config, rows: Mapping[int, Row]) -> dict[str, str]:
    """Bring the pictures of a season up to date; return what each file shows, by its name.

    Raises
    ------
    OutputError
        One cannot be written.
    """
    folder = cfg.files.stable_beams_folder / "report" / "season"
    suffix = cfg.plots.format
    words = {f"season_{name}{suffix}": text for name, text in WORDS.items()}
    facts: dict[int, Mapping[str, Any]] = {fill: row.facts for fill, row in rows.items()}
    if not any("start_utc" in of for of in facts.values()):
        return {}
    key = key_of({"facts": facts, "look": plain_values(cfg, LOOK)}).encode()
    drawn_from = folder / _KEY_FILE
    there = all((folder / name).is_file() for name in words)
    if there and drawn_from.is_file() and drawn_from.read_bytes() == key:
        return words
    _draw(cfg, facts)
    write_if_new(drawn_from, key)
    return words


def _draw(cfg: Config, facts: Mapping[int, Mapping[str, Any]]) -> None:
    from lumimod.plots.quantities import MB_PER_M2
    from lumimod.plots.save import save_figure
    from lumimod.plots.season import season_pictures
    from lumimod.plots.season_panels import SeasonData
    from lumimod.plots.style import Style, look_of

    folder = cfg.files.stable_beams_folder / "report" / "season"
    folder.mkdir(parents=True, exist_ok=True)
    data, style = SeasonData(facts), Style.of_config(cfg.plots)
    with look_of(style), seldom_collected() as collect:
        for name, draw in season_pictures(cfg.machine.sigma_boff_m2 * MB_PER_M2).items():
            path = folder / f"season_{name}{cfg.plots.format}"
            save_figure(draw(data, style), path, style)
            collect()
