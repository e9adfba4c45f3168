"""A run over fills and groups: fetches what is due, and records each file when it is written."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lumimod.config.settings import Config
from lumimod.errors import LumimodError
from lumimod.fetch.asking import NO_SAMPLE, UNKNOWN, FileRequest, LostError
from lumimod.fetch.damage import file_fault
from lumimod.fetch.fill import fetch_fill
from lumimod.fetch.groups import GROUPS, Group, wanted
from lumimod.fetch.saved import NOT_YET, FileStamp, Saved, is_due, load_saved, save_saved
from lumimod.readers.bmodes import FillModes
from lumimod.readers.locate import existing
from lumimod.sources.base import Source, UnusableError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a file of a fill."""

    fill: int
    group: str
    path: Path
    missing: Mapping[str, str] = field(default_factory=dict)
    """Variables that are missing, with the reason."""
    failed: str = ""
    """Why the file could not be fetched."""
    idle: bool = False
    """Whether there was nothing to do."""
    left_out: bool = False
    """Whether it is not worth fetching: bunches of a fill without stable beams."""

    @property
    def is_good(self) -> bool:
        """Tell whether nothing failed; a variable that is not logged is not a failure."""
        faults = set(self.missing.values()) - {UNKNOWN, NO_SAMPLE}
        return not self.failed and not faults

    def __str__(self) -> str:
        head = f"fill {self.fill}: {self.group}: "
        if self.failed:
            return head + self.failed
        reasons = sorted(set(self.missing.values()))
        text = head + ("nothing to do" if self.idle else str(self.path))
        for reason in reasons:
            names = [name for name, why in self.missing.items() if why == reason]
            text += f"\n  missing {', '.join(names)}: {reason}"
        return text


def relocated(cfg: Config, data_folder: Path | None) -> Config:
    """Return the configuration with the data in another folder, in the same subfolders."""
    if data_folder is None:
        return cfg

    def moved(path: Path) -> Path:
        try:
            return data_folder / path.relative_to(cfg.files.data_folder)
        except ValueError:  # outside data_folder: only its own folder is kept
            return data_folder / path.parent.name / path.name

    files = cfg.files
    templates: dict[str, Any] = {
        g.template: str(moved(Path(getattr(files, g.template)))) for g in GROUPS.values()
    }
    inside = files.data_folder in files.bmodes.parents
    bmodes = moved(files.bmodes) if inside else data_folder / files.bmodes.name
    changed = dataclasses.replace(files, data_folder=data_folder, bmodes=bmodes, **templates)
    return dataclasses.replace(cfg, files=changed)


def fetch(
    cfg: Config,
    source: Source,
    groups: Sequence[str],
    modes: Mapping[int, FillModes],
    fills: Iterable[int],
    *,
    force: bool = False,
    named: bool = False,
    every: bool = False,
) -> list[Outcome]:
    """Fetch what is due, fill by fill; return what became of each file.

    If the connection is lost, the run ends; what was fetched is kept, and the next run continues.
    Anything else that goes wrong costs the file of one fill.

    Parameters
    ----------
    force
        Fetch again what was fetched already.
    named
        The fills were asked for by number: their files are read to the end to see whether they are
        whole, and variables that are missing are asked for again.
    every
        Also data of bunches of fills without stable beams, as of fills that are named.

    Raises
    ------
    UnusableError
        The source cannot be used, for instance because pytimber is not installed.
    """
    outcomes = []
    for number in fills:
        for name in groups:
            group = GROUPS[name]
            path = _path(cfg, group, number)
            try:
                if not (named or every or _is_worth_it(group, modes[number])):
                    outcomes.append(Outcome(number, name, path, idle=True, left_out=True))
                    continue
                one = _fetch_one(cfg, source, group, modes[number], force=force, named=named)
                outcomes.append(one)
            except LostError as exc:
                why = str(exc).partition(f"{name}: ")[2]
                outcomes.append(Outcome(number, name, path, failed=why))
                log.error("%s", exc)
                return outcomes
            except UnusableError:
                raise
            except Exception as exc:  # noqa: BLE001 - told, and the other fills go on
                outcomes.append(Outcome(number, name, path, failed=_why(exc, number, name)))
    return outcomes


def _why(exc: Exception, fill: int, group: str) -> str:
    """Return why the file of a fill could not be fetched, and log it."""
    if isinstance(exc, LumimodError):
        why = str(exc)
    elif isinstance(exc, MemoryError):
        why = "there was not enough memory; free some and run again"
    elif isinstance(exc, OSError):
        name = f"{exc.filename}: " if exc.filename else ""
        why = f"{name}{exc.strerror or exc or type(exc).__name__}; check the file and run again"
    else:
        why = f"internal error, please report it: {type(exc).__name__}: {exc}"
        log.debug("fill %d: %s", fill, group, exc_info=exc)
    log.error("fill %d: %s: %s", fill, group, why)
    return why


def _is_worth_it(group: Group, fill: FillModes) -> bool:
    """Tell whether a file is fetched unasked: data of bunches only where beams were stable."""
    return not group.bunches or math.isfinite(fill.start("STABLE"))


def _fetch_one(
    cfg: Config, source: Source, group: Group, fill: FillModes, *, force: bool, named: bool
) -> Outcome:
    path = _path(cfg, group, fill.fill)
    saved = load_saved(path.parent)
    before = saved.get(fill.fill)
    wants = wanted(group.name, fill.fill, time_s=fill.t_startfill_s, overrides=cfg.variable_names)
    if before is not None and not force:
        names = {name for want in wants for name in want.names}
        if fault := file_fault(before, path, names, read_all=named):
            log.warning("fill %d: %s: %s; it is fetched again", fill.fill, group.name, fault)
            before = None
        elif not is_due(before, fill) and not (named and before.missing):
            if named or before.file is not None:
                _keep_stamp(path, fill.fill, before)
            return Outcome(fill.fill, group.name, path, before.missing, idle=True)
    if force and before is not None:
        # If this is interrupted, the next run continues, forced or not.
        save_saved(path.parent, {**saved, fill.fill: NOT_YET})
    now = fetch_fill(FileRequest(source, group, fill, path, wants, before, force))
    # Read again: another run may have recorded other fills meanwhile.
    save_saved(path.parent, {**load_saved(path.parent), fill.fill: now})
    log.info("fill %d: %s: %s", fill.fill, group.name, existing(path) or "no variable found")
    return Outcome(fill.fill, group.name, existing(path) or path, now.missing)


def _keep_stamp(path: Path, fill: int, before: Saved) -> None:
    """Record how a file is now that was found whole though it is not as it was written."""
    file = existing(path)
    if file is None or file.is_dir() or before.file == FileStamp.of(file):
        return
    now = dataclasses.replace(before, file=FileStamp.of(file))
    save_saved(path.parent, {**load_saved(path.parent), fill: now})


def _path(cfg: Config, group: Group, fill: int) -> Path:
    """Return the path of a file of a fill in the format of config.py."""
    template: str = getattr(cfg.files, group.template)
    return Path(template.replace("<FILLNUMBER>", str(fill)))
