"""Settings of the analysis: config.py, run once and checked, as frozen records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lumimod.config.kinds import MEASURED, Betastar, experiments_in
from lumimod.config.names import NAMES
from lumimod.config.reading import check_names, run_config
from lumimod.errors import ConfigError


@dataclass(frozen=True)
class FillSelection:
    """Which fills are analysed, and the periods of the year."""

    first_fill: int
    last_fill: int
    min_time_sb_s: float
    periods: Mapping[str, tuple[int, int]]
    """First fill of each period, and the first after it."""

    def period(self, name: str) -> tuple[int, int]:
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


@dataclass(frozen=True)
class Files:
    """Folders, templates of file names with <FILLNUMBER> and <RESC>, and how to write."""

    input_folder: Path
    working_folder: Path
    data_folder: Path
    stable_beams_folder: Path
    fill_dir: str
    plot_dir: str
    sb: str
    sb_fits: str
    sb_model: str
    sb_burnoff: str
    cycle: str
    cycle_model: str
    lumi: str
    massi: str
    makedirs: bool
    overwrite: bool
    save_dict: bool
    save_pandas: bool
    basic_data: str
    bbb_data: str
    crossing: str
    bbb_lumi: str
    extra_data: str
    source: str
    """Where the scripts in Utilities/ get data from."""
    source_folder: Path
    bmodes: Path


@dataclass(frozen=True)
class Bsrt:
    """Smoothing and calibration of the measured emittances."""

    smooth: bool
    smoothing_time_s: float
    rescale: bool
    rescale_periods: tuple[tuple[str, str], ...]
    """Pairs (from, to) of periods."""
    rescale_string: str
    calibration_file: Path | None
    """None: the calibration of 2017 that comes with the package."""


@dataclass(frozen=True)
class Analysis:
    """Time steps and thresholds of stable beams."""

    t_step_s: float
    intensity_threshold_ppb: float
    t_fit_length_s: float


@dataclass(frozen=True)
class Case:
    """Factors on the emittances from which the model starts."""

    name: int | str
    factor_1h: float
    factor_1v: float
    factor_2h: float
    factor_2v: float


@dataclass(frozen=True)
class ModelSettings:
    """What the model of stable beams computes."""

    enabled: bool
    models: tuple[str, ...]
    cases: tuple[Case, ...]
    leveling: Mapping[int, float]
    """Total luminosity at which a fill was levelled, in 1/(m^2 s)."""


@dataclass(frozen=True)
class MassiSettings:
    """Where the experiments' luminosities are."""

    database: Path
    year: int
    path_template: str
    exp_folders: tuple[str, ...]
    bunch_lumi_scale: float

    def folder(self, experiment: str) -> Path:
        """Return the folder of an experiment's archives.

        Raises
        ------
        ConfigError
            `massi_exp_folders` has none for it.
        """
        root = Path(self.path_template.replace("<YEAR>", str(self.year)))
        for folder in self.exp_folders:
            if experiments_in(folder) == (experiment,):
                return root / folder
        raise ConfigError(f"massi_exp_folders of config.py names no folder of {experiment}; add it")


@dataclass(frozen=True)
class CrossingAngleRange:
    """Full crossing angles of first_fill <= fill < end_fill."""

    first_fill: int
    end_fill: int
    ip1_rad: float
    ip5_rad: float


@dataclass(frozen=True)
class Machine:
    """The LHC; `ft` is flat top, `fb` flat bottom (injection)."""

    f_rev_hz: float
    gamma_ft: float
    gamma_fb: float
    tau_sr_xy_ft_s: float
    tau_sr_xy_fb_s: float
    tau_sr_l_ft_s: float
    v_rf_ft_v: float
    v_rf_fb_v: float
    betastar_m: Betastar
    sigma_boff_m2: float
    sigma_el_m2: float
    crossing_planes: Mapping[int, str]
    """Plane of the crossing, "h" or "v", at the points where it is not to be found out."""
    crossing_angle_change: bool
    crossing_angles: tuple[CrossingAngleRange, ...]

    def crossing_angle(self, fill: int) -> tuple[float, float] | None:
        """Return the full angles at IP1 and IP5 in rad, None if no range holds the fill."""
        for angles in self.crossing_angles:
            if angles.first_fill <= fill < angles.end_fill:
                return angles.ip1_rad, angles.ip5_rad
        return None

    @property
    def betastar_is_measured(self) -> bool:
        """Whether beta* is taken from the logged data."""
        return self.betastar_m == MEASURED

    def betastar(self, fill: int) -> tuple[float, float]:
        """Return the configured beta* at IP1 and IP5 in m.

        Raises
        ------
        ConfigError
            No range holds the fill.
        """
        if isinstance(self.betastar_m, float):
            return self.betastar_m, self.betastar_m
        for one in self.betastar_m if isinstance(self.betastar_m, tuple) else ():
            if one.first_fill <= fill < one.end_fill:
                return one.ip1_m, one.ip5_m
        raise ConfigError("no range of betastar_m in config.py holds this fill; add one")


@dataclass(frozen=True)
class PlotSettings:
    """Which plots are made, and how they look."""

    do_all: bool
    do_cycle: bool
    do_cycle_model: bool
    do_sb: bool
    do_sb_model: bool
    do_summary: bool
    save: bool
    tarball: bool
    fig_size: tuple[float, float]
    """Width and height in inches."""
    format: str
    """Extension, dot included."""
    dpi: int
    font_size: float
    n_skip: int


@dataclass(frozen=True)
class CondorSettings:
    """How fills are run on HTCondor."""

    template: str
    """Of the submit description, with <EXE> and others to put in."""
    folder: Path
    """In which each submission makes its job folder."""
    python: str | None
    """Interpreter on the worker nodes; None: the one that submits."""
    setup: str
    """Lines of shell that run before it."""
    attributes: Mapping[str, str | int | float | bool]
    """Lines added to the template: name and value."""
    submit_with: str
    """auto, command or bindings."""


@dataclass(frozen=True)
class Config:
    """Everything that config.py says. It can be hashed, compared and pickled."""

    path: Path
    """Of config.py, absolute."""
    fills: FillSelection
    files: Files
    bsrt: Bsrt
    analysis: Analysis
    model: ModelSettings
    massi: MassiSettings
    machine: Machine
    plots: PlotSettings
    condor: CondorSettings
    log_format: str
    variable_names: Mapping[str, tuple[str, ...]]
    """Names of variables by quantity, in place of those of the package's table."""
    ignored_names: tuple[str, ...]
    """Names in config.py that mean nothing here, such as helper variables."""


def load_config(path: Path) -> Config:
    """Return the settings of a config.py, which is run once.

    Names that it does not give take their defaults.

    Raises
    ------
    ConfigError
        The file is missing or cannot be run (with its line), or values are not allowed; then
        one line for each of them.
    """
    path = Path(path).expanduser().absolute()
    values, ignored = check_names(path, run_config(path))
    return _build(path, values, ignored)


def _build(path: Path, values: Mapping[str, Any], ignored: tuple[str, ...]) -> Config:
    sections = _by_section(values)
    angles = tuple(CrossingAngleRange(*angles) for angles in values["XingAngle"])
    return Config(
        path=path,
        fills=FillSelection(**sections["fills"]),
        files=Files(**sections["files"]),
        bsrt=Bsrt(**sections["bsrt"]),
        analysis=Analysis(**sections["analysis"]),
        model=ModelSettings(cases=_cases(values), **sections["model"]),
        massi=MassiSettings(**sections["massi"]),
        machine=Machine(crossing_angles=angles, **sections["machine"]),
        plots=PlotSettings(**sections["plots"]),
        condor=CondorSettings(**sections["condor"]),
        ignored_names=ignored,
        **sections[""],
    )


def _by_section(values: Mapping[str, Any]) -> Mapping[str, dict[str, Any]]:
    """Return the fields of each section of Config; "" for those of Config itself."""
    sections: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for name in NAMES:
        section, _, field = name.where.rpartition(".")
        if field:
            sections[section][field] = values[name.name]
    return sections


def _cases(values: Mapping[str, Any]) -> tuple[Case, ...]:
    factors = (values[f"correction_factor_{plane}"] for plane in ("1h", "1v", "2h", "2v"))
    return tuple(Case(*case) for case in zip(values["cases"], *factors))
