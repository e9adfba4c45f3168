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
_SPANS = {"start": "at the start (t_fit_length)", "full": "of the whole fill"}
_HELD = {
    "meas": "after the last time of the analysis (at most t_step_sec)",
    "calc": "after the last time of the analysis (at most t_step_sec)",
    "model": "after the last time of the model (at most 2 t_step_sec)",
}


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
            words = f"growth of emittance {plane}, beam {beam}, {when}"
            yield Column(f"{name}_um", "um", words)
            if part != "ramp":
                yield Column(f"{name}_model_um", "um", f"{words}, as modelled")
        for part in BEYOND_PARTS:
            words = f"growth of emittance {plane}, beam {beam}, beyond the model, {PARTS[part]}"
            yield Column(f"b{beam}_beyond_{plane}_{part}_um_h", "um/h", words)
    for span in _SPANS:
        name = f"b{beam}_tau_intensity_{span}_h"
        yield Column(name, "h", f"intensity lifetime, beam {beam}, {_SPANS[span]}")
    words = (
        f"lifetime by losses beyond burn-off, colliding bunches of beam {beam}: that of the median "
        "rate in time, into which losses of a short time, as at the start, hardly enter; empty "
        "where that rate is no loss"
    )
    yield Column(f"b{beam}_tau_no_burnoff_h", "h", words)
    words = (
        f"median rate of those losses of beam {beam}, negative of a growth; empty without measured "
        "luminosity"
    )
    yield Column(f"b{beam}_rate_no_burnoff_per_h", "1/h", words)
    yield Column(f"b{beam}_sigma_eff_mb", "mb", f"effective cross-section of beam {beam}")
    yield Column(f"b{beam}_sigma_eff_error_mb", "mb", f"standard error of that of beam {beam}")


def _luminosity() -> Iterator[Column]:
    for exp in (e.lower() for e in EXPERIMENTS):
        for kind, words in KINDS.items():
            of = f"{words} luminosity of {exp.upper()}"
            yield Column(f"lumi_start_{kind}_{exp}_e34", "1e34/(cm^2 s)", f"{of} at the start")
            yield Column(f"lumi_peak_{kind}_{exp}_e34", "1e34/(cm^2 s)", f"{of}, largest")
            until = f"{of}, integrated to the end of stable beams; held {_HELD[kind]}"
            yield Column(f"lumi_int_{kind}_{exp}_pb", "1/pb", until)
        of = f"integrated luminosity of {exp.upper()}"
        text = f"measured over calculated {of}, of times with both, not levelled"
        yield Column(f"ratio_meas_calc_{exp}", "", text)
        text = f"modelled over measured {of}, of the times that the model has"
        yield Column(f"ratio_model_meas_{exp}", "", text)
        for kind in ("meas", "calc"):
            for span in _SPANS:
                text = (
                    f"lifetime of the {KINDS[kind]} luminosity of {exp.upper()} {_SPANS[span]}, "
                    "mean over bunches"
                )
                yield Column(f"tau_lumi_{kind}_{span}_{exp}_h", "h", text)
        yield Column(
            f"pileup_start_{exp}",
            "",
            f"inelastic collisions a crossing in {exp.upper()}, start, mean",
        )


SEASON_COLUMNS: tuple[Column, ...] = tuple(_columns())
"""In the order of the table."""
COLUMN_OF = {column.name: column for column in SEASON_COLUMNS}
