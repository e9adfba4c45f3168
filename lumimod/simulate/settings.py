"""Settings of a simulated fill."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lumimod.errors import UsageError
from lumimod.simulate.full_settings import FullPhysics
from lumimod.simulate.place import FillPlace
from lumimod.simulate.scheme import check_bunches, n_places

Steps = tuple[tuple[float, float], ...]
"""Pairs of (hours after the start of stable beams, value from then on)."""

STEP_S = 60
"""Step of the evolution; beam modes last whole numbers of steps."""

ABOVE_ZERO = frozenset(
    ("n_colliding", "hours", "sample_s", "massi_s", "bsrt_period_s", "energy_s", "slow_s")
    + ("truth_s", "intensity_ppb", "emit_h_um", "emit_v_um", "bl_injected_s", "bl_flattop_s")
    + ("betastar_m", "sigma_boff_m2", "extra_loss_tau_h", "bsrt_record", "bsrt_repeats")
)
ANY_SIGN = frozenset(("growth_h_um_per_h", "growth_v_um_per_h", "ramp_growth_um"))


@dataclass(frozen=True)
class FillSettings:
    """Machine, beams and instruments of a simulated fill; the default is a small fill."""

    run: int = 2
    """2: machine and variables of 2017; 3: those of 2023, with emittances logged."""
    n_colliding: int = 60
    """Colliding bunches in each beam."""
    n_noncolliding: int = 4
    """Bunches of each beam in slots that are empty in the other beam."""
    hours: float = 4.0
    """Length of stable beams [h]."""
    to_next_fill_s: float = 3000.0
    """Time from the dump to the start of the next fill [s]."""

    intensity_ppb: float = 1.15e11
    """Mean intensity at injection [protons]."""
    intensity_spread: float = 0.03
    """Relative spread over bunches (rms)."""
    emit_h_um: float = 1.6
    """Mean normalised horizontal emittance at injection [um]."""
    emit_v_um: float = 1.5
    """Mean normalised vertical emittance at injection [um]."""
    emit_spread: float = 0.05
    """Relative spread over bunches (rms)."""
    bl_injected_s: float = 1.15e-9
    """Mean bunch length at injection, 4 sigma [s]."""
    bl_flattop_s: float = 1.10e-9
    """Mean bunch length at the end of the ramp, 4 sigma [s]."""
    bl_spread: float = 0.01
    """Relative spread over bunches (rms)."""

    growth_h_um_per_h: float = 0.04
    """Horizontal growth at top energy besides IBS, damping and elastic scattering [um/h]."""
    growth_v_um_per_h: float = 0.07
    """Vertical growth at top energy besides damping and elastic scattering [um/h]."""
    growth_spread: float = 0.1
    """Relative spread of both growths over bunches (rms)."""
    ramp_growth_um: float = 0.1
    """Growth of both emittances in the ramp [um]."""
    ramp_loss: float = 0.005
    """Fraction of each bunch lost in the ramp."""
    extra_loss: float = 0.0
    """Fraction of each bunch lost in stable beams besides burn-off, most of it at the start."""
    extra_loss_tau_h: float = 0.5
    """Time constant of `extra_loss` [h]."""

    half_crossing_urad: float = 150.0
    """Half crossing angle at the start, at both experiments [microrad]."""
    crossing_steps: Steps = ()
    """Later angles: (hours after the start of stable beams, half angle in microrad)."""
    ip1_plane: str = "v"
    """Crossing plane at ATLAS, "h" or "v"; CMS has the other one."""
    level_total: float | None = None
    """Luminosity at which each experiment is levelled [1/(m^2 s)]; None: no levelling."""
    betastar_m: float = 0.30
    """beta* at the start, at both experiments [m]."""
    betastar_steps: Steps = ()
    """Later beta*: (hours after the start of stable beams, beta* in m)."""
    sigma_boff_m2: float = 80e-31
    """Burn-off cross-section [m^2]."""
    sigma_el_m2: float = 29.7e-31
    """Cross-section of elastic scattering, which makes emittances grow [m^2]."""

    sample_s: float = 60.0
    """Interval of bunch intensities and lengths [s]."""
    slow_s: float = 60.0
    """Interval of beam intensities and crossing angles [s]."""
    energy_s: float = 10.0
    """Interval of the logged energy [s]."""
    bsrt_period_s: float = 10.0
    """Interval of the records of the BSRT [s]."""
    bsrt_record: int = 30
    """Values in a record of the BSRT."""
    bsrt_repeats: int = 3
    """Measurements of a bunch before the BSRT goes on to the next."""
    massi_s: float = 60.0
    """Interval of the luminosities in the Massi archives [s]."""
    truth_s: float = 300.0
    """Interval of the truth arrays [s], a multiple of 60 s."""
    fbct_noise: float = 0.001
    """Relative noise of a bunch intensity (rms)."""
    dcct_noise: float = 2e-5
    """Relative noise of a beam intensity (rms)."""
    bqm_noise: float = 0.004
    """Relative noise of a bunch length (rms)."""
    bsrt_noise: float = 0.012
    """Relative noise of a single beam size (rms)."""
    massi_noise: float = 0.004
    """Relative noise of a bunch luminosity (rms)."""
    massi_scale_error: float = 0.01
    """Largest relative error of an experiment's luminosity scale; errors are uniform."""

    gzip: bool = False
    """Write .csv.gz instead of .csv."""
    gzip_level: int = 3
    """Compression level of .csv.gz and of the Massi archives, 1 to 9."""
    massi: bool = True
    """Write the Massi archives."""
    bbb_lumi: bool = False
    """Write the bunch-by-bunch luminosities as CSV."""
    extra_data: bool = False
    """Write the extra data: tunes, BBQ, total luminosities, beta*, number of bunches."""

    full: FullPhysics | None = None
    """None: the simple truth, of the formulas that the pipeline has. Else the full truth, which is
    independent of them."""

    place: FillPlace | None = None
    """Place in a season; None: fills of one length follow each other."""

    @property
    def scheme(self) -> str | None:
        """Return the name of the filling scheme; None for that of the simple truth."""
        return None if self.full is None else self.full.scheme

    def __post_init__(self) -> None:
        check_bunches(self.n_colliding, self.n_noncolliding, self.scheme)
        _check_numbers(self)
        if self.bsrt_record % self.bsrt_repeats:
            raise UsageError("bsrt_record must be a multiple of bsrt_repeats")
        if self.ramp_loss >= 1 or self.extra_loss >= 1:
            raise UsageError("ramp_loss and extra_loss are fractions of a bunch, below 1")
        if self.truth_s % STEP_S:
            raise UsageError(f"truth_s must be a multiple of {STEP_S} s")
        if self.to_next_fill_s < 600:
            raise UsageError("to_next_fill_s must be at least 600 s, for dump and ramp down")
        if not 1 <= self.gzip_level <= 9:
            raise UsageError("gzip_level must be 1 to 9")
        if any(hours < 0 or angle < 0 for hours, angle in self.crossing_steps):
            raise UsageError("crossing_steps: hours and angles must not be negative")
        if any(hours < 0 or beta_m <= 0 for hours, beta_m in self.betastar_steps):
            raise UsageError("betastar_steps: hours must not be negative, beta* above 0")
        if self.run not in (2, 3) or self.ip1_plane not in ("h", "v"):
            raise UsageError("run must be 2 or 3, ip1_plane h or v")

    @classmethod
    def independent(cls, full: FullPhysics | None = None, **changes: object) -> FillSettings:
        """Return a fill of the full truth, with the luminosities of all experiments logged."""
        preset: dict[str, object] = {"full": full or FullPhysics(), "extra_data": True}
        return cls(**{**preset, **changes})  # type: ignore[arg-type]

    @classmethod
    def full_size(cls, **changes: object) -> FillSettings:
        """Return a fill of the full machine: 2,548 bunches, 12 h, about 220 MB of CSV.

        With the full truth it has as many bunches as its scheme has places.
        """
        preset: dict[str, object] = {
            "n_colliding": 2544,
            "n_noncolliding": 4,
            "hours": 12.0,
            "bsrt_period_s": 1.95,
        }
        if isinstance(full := changes.get("full"), FullPhysics):
            preset["n_colliding"] = min(2544, n_places(full.scheme) - 8)
        return cls(**{**preset, **changes})  # type: ignore[arg-type]


def _check_numbers(settings: FillSettings) -> None:
    for name, value in vars(settings).items():
        if not isinstance(value, (int, float)):
            continue
        if not math.isfinite(value):
            raise UsageError(f"{name} = {value}: must be a number")
        if value <= 0 and name in ABOVE_ZERO:
            raise UsageError(f"{name} = {value}: must be above 0")
        if value < 0 and name not in ANY_SIGN:
            raise UsageError(f"{name} = {value}: must not be negative")
