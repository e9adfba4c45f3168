"""Which fills, and where inputs and results are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lumimod.config.entries import Derived, Values, below, entry
from lumimod.config.kinds.by_fill import (
    FIRST_YEAR,
    OF_THE_FILL,
    FillRange,
    Year,
    fill_periods,
    year,
)
from lumimod.config.kinds.lists import experiments_in, massi_folders
from lumimod.config.kinds.numbers import at_least_zero, fill_number, flag, positive
from lumimod.config.kinds.text import choice, fill_template, frame_form, path, path_text
from lumimod.errors import ConfigError
from lumimod.tables.lhc import EXPERIMENTS


def _whole_selection(values: Values) -> dict[str, FillRange]:
    first: int = values["first_fill"]
    return {"A": (first, max(first, values["last_fill"] + 1))}


@dataclass(frozen=True)
class FillSelection:
    """Fills and periods."""

    first_fill: int = entry("first_fill", fill_number, 5695, "first fill to analyse")
    last_fill: int = entry("last_fill", fill_number, 7001, "last fill to analyse")
    min_time_sb_s: float = entry(
        "min_time_SB", at_least_zero("s"), 300.0, "shortest stable beams of a fill to analyse"
    )
    periods: Mapping[str, FillRange] = entry(
        "periods",
        fill_periods,
        Derived("{'A': (first_fill, last_fill + 1)}", _whole_selection),
        "periods of the year, for the rescaling of the BSRT",
    )

    def period(self, name: str) -> FillRange:
        """Return the first fill of a period and the first after it.

        Raises
        ------
        ConfigError
            There is no such period.
        """
        if name not in self.periods:
            known = ", ".join(self.periods)
            raise ConfigError(f"no period {name!r} in `periods` of config.py (it has {known})")
        return self.periods[name]


SOURCES = ("pytimber", "folder", "simulated", "season")


@dataclass(frozen=True)
class FileSettings:
    """Files and folders."""

    input_folder: Path = entry("input_folder", path, "./", "folder of the inputs")
    working_folder: Path = entry("working_folder", path, "./", "folder of the results")
    data_folder: Path = entry(
        "data_folder", path, below("input_folder", "data/"), "folder of the logged data"
    )
    stable_beams_folder: Path = entry(
        "stableBeams_folder",
        path,
        below("working_folder", "SB_analysis/"),
        "folder that holds the folders of the fills",
    )
    fill_dir: str = entry(
        "fill_dir", fill_template, "fill_<FILLNUMBER>/", "folder of a fill, in stableBeams_folder"
    )
    plot_dir: str = entry("plot_dir", path_text, "plots/", "folder of its pictures, in fill_dir")
    sb: str = entry(
        "SB_filename", fill_template, "fill_<FILLNUMBER><RESC>.pkl.gz", "stable beams (step sb)"
    )
    sb_fits: str = entry(
        "SB_fits_filename",
        fill_template,
        "fill_<FILLNUMBER>_fits<RESC>.pkl.gz",
        "exponential fits (step fits); beside it the lifetimes",
    )
    sb_model: str = entry(
        "SB_model_filename",
        fill_template,
        "fill_<FILLNUMBER>_sbmodel<RESC>.pkl.gz",
        'model of stable beams (step model); "_caseC" is put after "sbmodel"',
    )
    sb_burnoff: str = entry(
        "SB_burnoff_filename",
        fill_template,
        "fill_<FILLNUMBER>_sigma_burnoff<RESC>.pkl.gz",
        "burn-off cross section",
        no_effect="no step writes it",
    )
    cycle: str = entry(
        "Cycle_filename",
        fill_template,
        "fill_<FILLNUMBER>_cycle<RESC>.pkl.gz",
        "injection and flat top (step cycle)",
    )
    cycle_model: str = entry(
        "Cycle_model_filename",
        fill_template,
        "fill_<FILLNUMBER>_cycle_model<RESC>.pkl.gz",
        "model of injection and flat top (step cycle)",
    )
    lumi: str = entry(
        "Lumi_filename",
        fill_template,
        "fill_<FILLNUMBER>_lumi_calc<RESC>.pkl.gz",
        "calculated luminosity (step lumi)",
    )
    massi: str = entry(
        "Massi_filename",
        fill_template,
        "fill_<FILLNUMBER>_lumi_meas.pkl.gz",
        "measured luminosity (step massi)",
    )
    makedirs: bool = entry("makedirs", flag, True, "create folders that are missing")
    overwrite: bool = entry(
        "overwriteFiles",
        flag,
        False,
        "replace results that exist",
        no_effect="a step that runs always replaces its results",
    )
    fsync: bool = entry(
        "fsync",
        flag,
        True,
        "bring each result to the disk before it counts; False where that is slow: a power cut "
        "may then cost results",
    )
    save_dict: bool = entry("saveDict", flag, True, "save results as dictionaries of arrays")
    save_pandas: bool | str = entry(
        "savePandas",
        frame_form,
        False,
        "save results as pandas DataFrames too; 'parquet': in Parquet, which every later pandas "
        "reads, in place of pickles",
    )
    basic_data: str = entry(
        "BASIC_DATA_FILE",
        fill_template,
        below("data_folder", "fill_basic_data_csvs/basic_data_fill_<FILLNUMBER>.csv"),
        "energy and beam intensities",
    )
    bbb_data: str = entry(
        "BBB_DATA_FILE",
        fill_template,
        below("data_folder", "fill_bunchbybunch_data_csvs/bunchbybunch_data_fill_<FILLNUMBER>.csv"),
        "FBCT, BQM and BSRT, bunch by bunch",
    )
    crossing: str = entry(
        "BASIC_CROSSING_FILE",
        fill_template,
        below("data_folder", "fill_crossing_data_csvs/crossing_angle_fill_<FILLNUMBER>.csv"),
        "crossing angles; without it XingAngle is taken",
    )
    bbb_lumi: str = entry(
        "BBB_LUMI_DATA_FILE",
        fill_template,
        below(
            "data_folder",
            "fill_bunchbybunch_lumi_data_csvs/bunchbybunch_lumi_data_fill_<FILLNUMBER>.csv",
        ),
        "luminosity by bunch, taken where there are no Massi files",
    )
    extra_data: str = entry(
        "EXTRA_DATA_FILE",
        fill_template,
        below("data_folder", "fill_extra_data_csvs/extra_data_fill_<FILLNUMBER>.csv"),
        'tunes, beta* and more; read if betastar_m = "measured"',
    )
    bmodes: Path = entry(
        "fills_bmodes_file",
        path,
        below("data_folder", "fills_and_bmodes.pkl"),
        "beam modes of all fills",
    )
    source: str = entry(
        "data_source",
        choice(*SOURCES),
        "pytimber",
        "where the scripts in Utilities/ get data from; 'pytimber': NXCALS",
    )
    source_folder: Path = entry(
        "data_source_folder",
        path,
        below("input_folder", "incoming/"),
        "files for data_source = 'folder', at any depth",
    )


@dataclass(frozen=True)
class MassiSettings:
    """Massi files."""

    path_template: str = entry(
        "massi_afs_path",
        path_text,
        below("data_folder", "massi/<YEAR>/measurements/"),
        "folder of the archives of a year (<YEAR>)",
    )
    year: Year = entry(
        "massi_year", year, OF_THE_FILL, "year that is put in for <YEAR>; 'fill': that of the fill"
    )
    exp_folders: tuple[str, ...] = entry(
        "massi_exp_folders",
        massi_folders,
        ["ATLAS/lumi/", "CMS/lumi/"],
        "folders of the experiments, in massi_afs_path; they may hold <YEAR> too, and those of "
        "LHCb and ALICE may be added",
    )
    database: Path = entry(
        "massi_file_database",
        path,
        below("working_folder", "SB_analysis/fill_db.yaml"),
        "archives that have been read, with their dates",
    )
    grace_days: float = entry(
        "massi_grace_days",
        at_least_zero("d"),
        3.0,
        "archives that are not posted are waited for this long after the fill; then they fail",
    )
    bunch_lumi_scale: float = entry(
        "massi_bunch_lumi_scale",
        positive(),
        1e34,
        "factor on the luminosities of the archives, from Hz/ub to 1/(m^2 s)",
    )

    def year_of(self, fill_year: int | None) -> int:
        """Return the year whose archives hold a fill, given its own, None if that is not known.

        Raises
        ------
        ConfigError
            It is that of the fill, which is not known.
        """
        found = fill_year if self.year == OF_THE_FILL else self.year
        if not isinstance(found, int):
            raise ConfigError(
                "massi_year = 'fill', and the beam modes do not say when the fill was; set a year"
            )
        return found

    def folder(self, experiment: str, of_year: Year) -> Path:
        """Return the folder of an experiment's archives of a year.

        Raises
        ------
        ConfigError
            `massi_exp_folders` has none for it.
        """
        folder = self.folder_if_named(experiment, of_year)
        if folder is None:
            raise ConfigError(
                f"massi_exp_folders of config.py names no folder of {experiment}; add it"
            )
        return folder

    def folder_if_named(self, experiment: str, of_year: Year) -> Path | None:
        """Return the folder of an experiment's archives, None if `massi_exp_folders` has none."""
        for folder in self.exp_folders:
            if experiments_in(folder) == (experiment,):
                template = Path(self.path_template, folder)
                return Path(str(template).replace("<YEAR>", str(of_year)))
        return None

    def folders(self) -> dict[int, dict[str, Path]]:
        """Return the folders of the experiments by year: of the year that is set, else of all.

        All are the years in which an experiment has a folder.
        """
        years = (
            range(FIRST_YEAR, date.today().year + 1) if self.year == OF_THE_FILL else [self.year]
        )
        by_year = {int(y): {e: self.folder(e, int(y)) for e in EXPERIMENTS} for y in years}
        if self.year != OF_THE_FILL:
            return by_year
        return {y: of for y, of in by_year.items() if any(path.is_dir() for path in of.values())}
