"""One file of one fill: what an earlier run saved, what the source answers, the file itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from lumimod.arrays import Series
from lumimod.errors import BadInputError, OutputError
from lumimod.fetch.asking import NO_SAMPLE, UNKNOWN, FileRequest, ask_source
from lumimod.fetch.parts import Parts
from lumimod.fetch.saved import Saved, has_grown, is_over
from lumimod.readers.locate import existing
from lumimod.readers.variables import read_variables
from lumimod.writers.variables import write_variables

log = logging.getLogger(__name__)


def fetch_fill(request: FileRequest) -> Saved:
    """Fetch a file of a fill; return what it holds now.

    Variables that an earlier run fetched are not asked for again, unless the fill has grown.

    Raises
    ------
    LostError
        The source no longer answers. The file is not written; the answers so far are kept.
    BadInputError, OutputError
        The fill has no times, or the file cannot be written.
    """
    _check_times(request)
    target = existing(request.path) or request.path
    anew = request.force or request.saved is None or has_grown(request.saved, request.fill)
    names = [name for want in request.wanted for name in want.names]
    before = {} if anew else _in_file(target, names)
    again = request.saved.missing if request.saved is not None else {}
    asked = [name for name in names if name not in before or name in again]
    _make_folder(request.path.parent)
    parts = Parts(request.path)
    if request.force:
        parts.drop_all()
    answers = ask_source(request, asked, parts)
    series = {n: s for n, s in {**before, **answers.series}.items() if s.time_s.size}
    missing = _missing(request, series, answers.reasons)
    if anew and missing:
        old = _in_file(target, missing, may_be_damaged=True)
        series.update({n: s for n, s in old.items() if _is_longer(s, series.get(n))})
    if series:
        write_variables(target, {name: series[name] for name in names if name in series})
    parts.drop(n for n in asked if answers.reasons.get(n, UNKNOWN) in (UNKNOWN, NO_SAMPLE))
    n_tries = 1 if anew or request.saved is None else request.saved.n_tries + 1
    return Saved(is_over(request.fill), request.span[1], missing, n_tries)


def _check_times(request: FileRequest) -> None:
    start_s, stop_s = request.span
    if not start_s < stop_s:
        raise BadInputError(
            f"{request.label}: begins at {start_s} and ends at {stop_s} in the beam-mode file; "
            "get that again with Utilities/000_get_fills.py"
        )


def _is_longer(series: Series, other: Series | None) -> bool:
    return other is None or series.time_s.size > other.time_s.size


def _in_file(
    path: Path, names: Iterable[str], *, may_be_damaged: bool = False
) -> dict[str, Series]:
    """Return the variables that an earlier run wrote to the file.

    Raises
    ------
    BadInputError
        The file is damaged, and must not be.
    """
    if not path.exists():
        return {}
    try:
        return read_variables(path, [], optional=list(names))
    except BadInputError as exc:
        if not may_be_damaged:
            raise
        log.warning("%s", exc)
        return {}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(
            f"{folder} cannot be created ({exc.strerror}); check data_folder in config.py or "
            "--data-folder"
        ) from exc


def _missing(
    request: FileRequest, series: Iterable[str], reasons: Mapping[str, str]
) -> dict[str, str]:
    """Return the wanted variables that are missing, with the reason, and log them."""
    present = set(series) - reasons.keys()
    missing = {}
    for want in request.wanted:
        absent = {n: reasons.get(n, NO_SAMPLE) for n in want.names if n not in present}
        if want.every or len(absent) == len(want.names):
            missing.update(absent)
        else:
            # One of several is enough; but one that failed may be a better one.
            missing.update({n: why for n, why in absent.items() if not _is_final(why)})
            for name, why in absent.items():
                if _is_final(why):
                    log.debug("%s: %s: %s, there is another", request.label, name, why)
    for name, why in missing.items():
        if _is_final(why):  # the others were logged when they failed
            log.warning("%s: %s: %s", request.label, name, why)
    return missing


def _is_final(reason: str) -> bool:
    """Tell whether asking again would not help."""
    return reason in (UNKNOWN, NO_SAMPLE)
