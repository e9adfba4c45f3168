"""Which measured luminosity of a fill counts where there are two."""

from __future__ import annotations

from lumimod.errors import MissingStepError
from lumimod.paths import FillPaths
from lumimod.records.lumi import MeasuredLumi
from lumimod.records.stable_beams import StableBeams
from lumimod.records.store import Loader, load_if_there


def measured_lumi(
    paths: FillPaths, sb: StableBeams, load: Loader = load_if_there
) -> MeasuredLumi | None:
    """Return the luminosity that the experiments measured, None if there is none.

    That of the Massi archives counts before that of the logging service.

    Parameters
    ----------
    paths
        File names of the fill.
    sb
        Its stable beams, on whose times and bunches the luminosity has to be.
    load
        Gives the records of files.

    Raises
    ------
    MissingStepError
        The luminosity is of other times or bunches than those of `sb`.
    """
    for path in (paths.lumi_meas, paths.lumi_meas_timber):
        lumi = load(path, MeasuredLumi)
        if lumi is not None:
            if lumi.total.shape != sb.bunches[1, "coll"].intensity_ppb.shape:
                raise MissingStepError(
                    f"{path} has other times or bunches than {paths.sb}; run with --force massi"
                )
            return lumi
    return None
