"""The columns of the season table: name, unit, meaning, in their order.

Names end with the unit. `b1` and `b2` are the beams, `h` and `v` the planes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lumimod.tables.lhc import EXPERIMENTS, IP_OF, PLANES

INSTANTS = {
    "inj": "at injection",
    "ramp_start": "at the start of the ramp",
    "ramp_end": "at the end of the ramp",
    "sb_start": "at the start of stable beams",
    "sb_end": "at the end of stable beams",
}
PARTS = {
    "injection": "at injection, from the first to the last measurement",
    "ramp": "in the ramp",
    "flat_top": "at flat top before stable beams",
    "stable": "in stable beams",
}
BEYOND_PARTS = ("injection", "flat_top", "stable")
"""Parts of which the model says how much emittances grow."""
QUANTITIES = {
    "emit_h_um": ("um", "horizontal emittance"),
    "emit_v_um": ("um", "vertical emittance"),
    "intensity_ppb": ("p/b", "bunch intensity"),
    "length_ns": ("ns", "bunch length, 4 sigma"),
    "brightness_ppb_um": ("p/b/um", "brightness, intensity/sqrt(emit_h*emit_v)"),
}
KINDS = {"meas": "measured", "calc": "calculated", "model": "modelled (IBSBOff)"}
BEAM_NUMBERS = (1, 2)


GOES_ON = "in progress"
"""How stable beams ended of a fill that goes on."""


class Column(NamedTuple):
    """One column of the season table."""

    name: str
    unit: str
    """Empty for numbers without unit and for text."""
    words: str


def _columns() -> Iterator[Column]:
    yield from (
        Column("fill", "", "number of the fill"),
        Column("start_utc", "", "start of stable beams, UTC"),
        Column("hours", "h", "length of stable beams, until now of a fill in progress"),
        Column("turnaround_h", "h", "from the end of stable beams before to the start of these"),
        Column("energy_gev", "GeV", "energy of a beam, from gammaFT"),
        Column("ended", "", "how stable beams ended: programmed, dumped, or in progress"),
        Column("next_mode", "", "beam mode after stable beams"),
        Column("levelled", "", "whether the luminosity was levelled, from `leveling`"),
    )
    yield from _machine()
    for beam in BEAM_NUMBERS:
        yield from _beam(beam)
    yield from _luminosity()
    yield Column("notes", "", "notes of the results: gaps, dropped samples, values held")
    yield Column("missing", "", "steps without a result")


def _machine() -> Iterator[Column]:
    for ip in IP_OF.values():
        yield Column(f"betastar_ip{ip}_m", "m", f"beta* at IP{ip} at the start")
        yield Column(f"xing_ip{ip}_start_urad", "urad", f"full crossing angle at IP{ip}, start")
        yield Column(f"xing_ip{ip}_end_urad", "urad", f"full crossing angle at IP{ip}, end")
    for beam in BEAM_NUMBERS:
        yield Column(f"b{beam}_bunches", "", f"bunches of beam {beam}")
    for points in ("ip15", "ip2", "ip8"):
        yield Column(f"colliding_{points}", "", f"bunches of beam 1 colliding at {points.upper()}")
    yield Column("longest_train", "", "bunches of the longest train of beam 1")


def _beam(beam: int) -> Iterator[Column]:
    for quantity, (unit, words) in QUANTITIES.items():
        for instant, when in INSTANTS.items():
            name = f"b{beam}_{quantity.rpartition('_')[0]}_{instant}_{quantity.rpartition('_')[2]}"
            if quantity == "brightness_ppb_um":
                name = f"b{beam}_brightness_{instant}_ppb_um"
            yield Column(name, unit, f"{words} of beam {beam} {when}, mean over bunches")
            yield Column(f"{name}_rms", unit, "its spread over bunches")
    for plane in PLANES:
        for part, when in PARTS.items():
            name = f"b{beam}_growth_{plane}_{part}"
            yield Column(f"{name}_um", "um", f"growth of emittance {plane}, beam {beam}, {when}")
            if part != "ramp":
                yield Column(f"{name}_model_um", "um", "the same as modelled")
        for part in BEYOND_PARTS:
            words = f"growth of emittance {plane}, beam {beam}, beyond the model, {PARTS[part]}"
            yield Column(f"b{beam}_beyond_{plane}_{part}_um_h", "um/h", words)
    for span in ("start", "full"):
        words = "at the start (t_fit_length)" if span == "start" else "of the whole fill"
        name = f"b{beam}_tau_intensity_{span}_h"
        yield Column(name, "h", f"intensity lifetime, beam {beam}, {words}")
    words = (
        f"lifetime by losses beyond burn-off, colliding bunches of beam {beam}: that of the median "
        "rate in time, into which losses of a short time, as at the start, hardly enter"
    )
    yield Column(f"b{beam}_tau_no_burnoff_h", "h", words)
    yield Column(f"b{beam}_sigma_eff_mb", "mb", f"effective cross-section of beam {beam}")
    yield Column(f"b{beam}_sigma_eff_error_mb", "mb", "its standard error")


def _luminosity() -> Iterator[Column]:
    for exp in (e.lower() for e in EXPERIMENTS):
        for kind, words in KINDS.items():
            of = f"{words} luminosity of {exp.upper()}"
            yield Column(f"lumi_start_{kind}_{exp}_e34", "1e34/(cm^2 s)", f"{of} at the start")
            yield Column(f"lumi_peak_{kind}_{exp}_e34", "1e34/(cm^2 s)", f"{of}, largest")
            yield Column(f"lumi_int_{kind}_{exp}_pb", "1/pb", f"{of}, integrated")
        text = "measured over calculated integrated luminosity, of times with both, not levelled"
        yield Column(f"ratio_meas_calc_{exp}", "", text)
        text = "modelled over measured integrated luminosity, of the times that the model has"
        yield Column(f"ratio_model_meas_{exp}", "", text)
        for kind in ("meas", "calc"):
            for span in ("start", "full"):
                yield Column(f"tau_lumi_{kind}_{span}_{exp}_h", "h", "luminosity lifetime, mean")
        yield Column(f"pileup_start_{exp}", "", "inelastic collisions a crossing, start, mean")


SEASON_COLUMNS: tuple[Column, ...] = tuple(_columns())
"""In the order of the table."""
COLUMN_OF = {column.name: column for column in SEASON_COLUMNS}
