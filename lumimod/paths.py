"""Every file name of a fill, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lumimod.config.kinds.text import PARQUET
from lumimod.config.settings import Case, Config
from lumimod.errors import OutputError
from lumimod.readers.locate import existing
from lumimod.tables.calibration import ORIGINAL


@dataclass(frozen=True)
class FillPaths:
    """Where a fill's inputs are and its results go."""

    cfg: Config
    fill: int
    year: int | None = None
    """Of the fill, for the folders of Massi archives."""
    tag: str | None = None
    """What <RESC> stands for; None: as config.py says."""
    _results: dict[str, Path] = field(default_factory=dict, init=False, compare=False, repr=False)
    """Results by template: a plan asks for each of them dozens of times."""

    # --- inputs

    @property
    def basic_data(self) -> Path:
        """Energy and beam current."""
        return self._input(self.cfg.files.basic_data)

    @property
    def bbb_data(self) -> Path:
        """Bunch by bunch: intensities, lengths, beam sizes."""
        return self._input(self.cfg.files.bbb_data)

    @property
    def crossing(self) -> Path:
        """Measured crossing angles; may be absent."""
        return self._input(self.cfg.files.crossing)

    @property
    def bbb_lumi(self) -> Path:
        """Bunch luminosities from the logging service; may be absent."""
        return self._input(self.cfg.files.bbb_lumi)

    @property
    def extra_data(self) -> Path:
        """Tunes, beta* and more against time; may be absent."""
        return self._input(self.cfg.files.extra_data)

    @property
    def massi_year(self) -> int:
        """The year of the folders of Massi archives."""
        return self.cfg.massi.year_of(self.year)

    def massi_folder(self, experiment: str) -> Path:
        """Return the folder of an experiment's Massi archives."""
        return self.cfg.massi.folder(experiment, self.massi_year)

    @property
    def betastar(self) -> tuple[Path, ...]:
        """The file of beta* where it is to be taken from the data, none otherwise."""
        return (self.extra_data,) if self.cfg.machine.betastar_is_measured else ()

    @property
    def ibs_rates(self) -> tuple[Path, ...]:
        """The user's own rates of intra-beam scattering, if any are taken."""
        file = self.cfg.physics.ibs_rates_file
        return (file,) if file is not None and self.cfg.physics.rates else ()

    @property
    def bsrt_calibration(self) -> tuple[Path, ...]:
        """The calibration of the BSRT where config.py names a file of its own, none otherwise."""
        file = self.cfg.bsrt.calibration_file
        return () if file is None or file == ORIGINAL else (file,)

    # --- results

    @cached_property
    def folder(self) -> Path:
        """The fill's own folder."""
        return self.cfg.files.stable_beams_folder / self._filled(self.cfg.files.fill_dir)

    @property
    def plot_folder(self) -> Path:
        """Where the fill's pictures go."""
        return self.folder / self._filled(self.cfg.files.plot_dir)

    @property
    def sb(self) -> Path:
        """Stable beams."""
        return self._result(self.cfg.files.sb)

    @property
    def cycle(self) -> Path:
        """Injection and flat top, measured."""
        return self._result(self.cfg.files.cycle)

    @property
    def cycle_model(self) -> Path:
        """Injection and flat top, each modelled from its measured start."""
        return self._result(self.cfg.files.cycle_model)

    @property
    def cycle_model_inj2sb(self) -> Path:
        """Flat top modelled from the modelled end of injection."""
        name = _insert(self.cfg.files.cycle_model, "cycle_model", "_Inj2SB")
        return self._result(name)

    @property
    def lumi_calc(self) -> Path:
        """Calculated luminosity."""
        return self._result(self.cfg.files.lumi)

    @property
    def lumi_meas(self) -> Path:
        """Luminosity from the Massi archives."""
        return self._result(self.cfg.files.massi)

    @property
    def lumi_meas_timber(self) -> Path:
        """Luminosity from the logging service, for want of Massi archives."""
        return self._result(_insert(self.cfg.files.massi, "lumi", "_timber"))

    @property
    def fits(self) -> Path:
        """Exponential fits."""
        return self._result(self.cfg.files.sb_fits)

    @property
    def lifetime(self) -> Path:
        """Lifetimes and losses."""
        name = self.cfg.files.sb_fits
        return self._result(
            name.replace("fits", "lifetime") if "fits" in name else _insert(name, "", "_lifetime")
        )

    def result(self, name: str) -> Path:
        """Return the file of a result without a name of its own in config.py: fill_N_NAME.pkl.gz.

        It is named after the stable beams (SB_filename), rescaled like them.
        """
        return self._result(_insert(self.cfg.files.sb, "", f"_{name}"))

    def model(self, case: Case) -> Path:
        """Return the file of one case of the stable-beams model."""
        return self._result(_insert(self.cfg.files.sb_model, "sbmodel", f"_case{case.name}"))

    @property
    def models(self) -> tuple[Path, ...]:
        """The model files of all cases."""
        return tuple(self.model(case) for case in self.cfg.model.cases)

    # --- helpers

    def make_folder(self) -> None:
        """Create the fill's folder."""
        self._make(self.folder)

    def make_plot_folder(self) -> None:
        """Create the folder of the fill's pictures; errors as of `make_folder`."""
        self._make(self.plot_folder)

    def _make(self, folder: Path) -> None:
        """Create a folder.

        Raises
        ------
        OutputError
            It is missing and makedirs is False, or it cannot be created.
        """
        if folder.is_dir():
            return
        if not self.cfg.files.makedirs:
            raise OutputError(
                f"{folder} does not exist; create it or set makedirs = True in config.py"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise OutputError(
                f"{folder} cannot be created ({exc.strerror}); "
                "check stableBeams_folder in config.py"
            ) from exc

    def _input(self, template: str) -> Path:
        """Return the file or its twin in another format, whichever is there."""
        path = Path(self._filled(template))
        return existing(path) or path

    def _result(self, template: str) -> Path:
        found = self._results.get(template)
        if found is None:
            found = self._results[template] = self.folder / self._filled(template)
        return found

    def _filled(self, template: str) -> str:
        return template.replace("<FILLNUMBER>", str(self.fill)).replace("<RESC>", self._rescaled)

    @cached_property
    def _rescaled(self) -> str:
        """Suffix of results whose BSRT calibration is rescaled to another period."""
        if self.tag is not None:
            return self.tag
        target = rescale_target(self.cfg, self.fill)
        return "" if target is None else f"_rescaled_{self.cfg.bsrt.rescale_string}{target}"


def rescale_target(cfg: Config, fill: int) -> str | None:
    """Return the period to which a fill's BSRT sizes are rescaled, None if they are not."""
    if not cfg.bsrt.rescale:
        return None
    for source, target in cfg.bsrt.rescale_periods:
        low, high = cfg.fills.period(source)
        if low <= fill < high:
            return target
    return None


def frame_path(path: Path, form: bool | str = True) -> Path:
    """Return the file of a result's DataFrame: fill_N_df.pkl.gz, or .parquet, beside fill_N.pkl.gz.

    `form` is what savePandas says.
    """
    name = _insert(path.name, "", "_df")
    if form == PARQUET:
        name = f"{name.partition('.')[0]}.{PARQUET}"
    return path.with_name(name)


def _insert(template: str, after: str, tag: str) -> str:
    """Put `tag` behind the word `after`; before the suffixes if the word is not there."""
    if after and after in template:
        head, tail = template.rsplit(after, 1)
        return head + after + tag + tail
    cut = template.find("<RESC>")
    cut = template.find(".", template.rfind("/") + 1) if cut < 0 else cut
    return template[:cut] + tag + template[cut:] if cut >= 0 else template + tag
