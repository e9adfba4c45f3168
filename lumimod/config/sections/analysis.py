"""The BSRT, the analysis of stable beams, and their model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lumimod.config.entries import Derived, entry
from lumimod.config.kinds.by_fill import leveling
from lumimod.config.kinds.lists import MODELS, case_factors, case_names, models, rescale_periods
from lumimod.config.kinds.numbers import at_least_zero, flag, positive, within
from lumimod.config.kinds.text import file_tag, optional_path


@dataclass(frozen=True)
class Bsrt:
    """BSRT (beam sizes)."""

    smooth: bool = entry("enable_smoothing_BSRT", flag, True, "smooth the emittances in time")
    smoothing_time_s: float = entry(
        "avg_time_smoothing", positive("s"), 3 * 3600.0, "window of the smoothing"
    )
    rescale: bool = entry(
        "doRescale", flag, False, "calibrate fills of one period as if of another"
    )
    rescale_periods: tuple[tuple[str, str], ...] = entry(
        "resc_period", rescale_periods, [("A", "A")], "from which period to which"
    )
    rescale_string: str = entry(
        "add_resc_string", file_tag, "", "put into the file names of rescaled results"
    )
    calibration_file: Path | None = entry(
        "bsrt_calibration_file",
        optional_path,
        None,
        "calibration (JSON); None: the sets that come with lumimod, by fill; 'original': that of "
        "2017 for all fills, as the original",
    )


@dataclass(frozen=True)
class Analysis:
    """Stable beams."""

    t_step_s: float = entry("t_step_sec", positive("s"), 300.0, "time step")
    intensity_threshold_ppb: float = entry(
        "intensity_threshold",
        at_least_zero("p/b"),
        3e10,
        "bunches that never reach this intensity are left out",
    )
    max_gap_s: float = entry(
        "max_gap_s",
        at_least_zero("s"),
        1800.0,
        "a measurement is held for this long after its instrument stopped, then it is NaN; 0: "
        "it is held for ever",
    )
    bunch_length_factor: float = entry(
        "bunch_length_factor",
        within(0.5, 1.5),
        1.0,
        "factor on the bunch lengths of the BQM, which are 4 rms lengths of a Gaussian bunch: the "
        "rms length of a binomial one is 10 to 18 % smaller",
    )
    t_fit_length_s: float = entry(
        "t_fit_length", positive("s"), 2 * 3600.0, "length of the fits at the start of stable beams"
    )
    cross_section_window_s: float = entry(
        "cross_section_window_s",
        positive("s"),
        1800.0,
        "windows in which the effective cross-section is fitted, besides that over the fill",
    )


@dataclass(frozen=True)
class Uncertainties:
    """Uncertainties common to all bunches (relative, 1 standard deviation)."""

    lumi_scale: float = entry(
        "lumi_scale_error", within(0, 1), 0.02, "scale of the measured luminosity"
    )
    dcct: float = entry("dcct_error", within(0, 1), 0.003, "scale of the intensities (DCCT)")
    emittance: float = entry(
        "emittance_error", within(0, 1), 0.10, "scale of the emittances (BSRT)"
    )
    bunch_length: float = entry(
        "bunch_length_error", within(0, 1), 0.03, "scale of the bunch lengths (BQM)"
    )
    betastar: float = entry("betastar_error", within(0, 1), 0.02, "beta* at IP1 and IP5")


@dataclass(frozen=True)
class Case:
    """Factors on the emittances from which the model starts."""

    name: int | str
    factor_1h: float
    factor_1v: float
    factor_2h: float
    factor_2v: float


_NO_CORRECTION = Derived("[1.0] * len(cases)", lambda values: [1.0] * len(values["cases"]))


@dataclass(frozen=True)
class ModelSettings:
    """Model of stable beams."""

    enabled: bool = entry("doSBModel", flag, False, "run the model")
    models: tuple[str, ...] = entry("models", models, list(MODELS), "models to run")
    case_names: tuple[int | str, ...] = entry(
        "cases",
        case_names,
        [1],
        "variants of the model, by the factors below; each has a result file",
    )
    factors_1h: tuple[float, ...] = entry(
        "correction_factor_1h",
        case_factors,
        _NO_CORRECTION,
        "factor on the initial emittance, beam 1 horizontal",
    )
    factors_1v: tuple[float, ...] = entry(
        "correction_factor_1v",
        case_factors,
        _NO_CORRECTION,
        "factor on the initial emittance, beam 1 vertical",
    )
    factors_2h: tuple[float, ...] = entry(
        "correction_factor_2h",
        case_factors,
        _NO_CORRECTION,
        "factor on the initial emittance, beam 2 horizontal",
    )
    factors_2v: tuple[float, ...] = entry(
        "correction_factor_2v",
        case_factors,
        _NO_CORRECTION,
        "factor on the initial emittance, beam 2 vertical",
    )
    leveling: Mapping[int, float] = entry(
        "leveling",
        leveling,
        {5439: 8e37, 5450: 8e37},
        "total luminosity at which a fill was levelled",
    )

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases, each with its factors."""
        factors = (self.factors_1h, self.factors_1v, self.factors_2h, self.factors_2v)
        return tuple(Case(name, *of_case) for name, *of_case in zip(self.case_names, *factors))
