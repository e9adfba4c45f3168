"""The facts of a fill as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable

from lumimod.summary.loss_words import beyond_burn_off
from lumimod.tables.lhc import EXPERIMENTS

_WHEN = {
    "inj": "injection",
    "ramp_start": "ramp start",
    "ramp_end": "ramp end",
    "sb_start": "stable start",
    "sb_end": "stable end",
}
_ROWS = (
    ("emittance H [um]", "emit_h_{}_um", 1.0, ".2f"),
    ("emittance V [um]", "emit_v_{}_um", 1.0, ".2f"),
    ("intensity [1e11 p/b]", "intensity_{}_ppb", 1e-11, ".3f"),
    ("bunch length [ns]", "length_{}_ns", 1.0, ".3f"),
)
_KINDS = {
    "meas": ("measured", "", ""),
    "calc": ("calculated", "meas_calc", "measured/calculated"),
    "model": ("IBSBOff", "model_meas", "model/measured"),
}

_RATIOS = "ratio of integrals, times with both"
"""The integrals beside it are until the end of stable beams."""


def fact_lines(
    facts: Mapping[str, Any], said: Callable[[Iterable[str]], list[str]] = list
) -> list[str]:
    """Return what a fill was, its beams, luminosities and losses; a dash for what is not known.

    `said` may put other signs for those of a terminal, before columns are aligned.
    """
    if "start_utc" not in facts and not any(name.startswith(("b1_", "b2_")) for name in facts):
        return said(head_lines(facts))
    tables = (beam_table(facts), luminosity_table(facts))
    beams, luminosity = (aligned([said(row) for row in table]) for table in tables)
    parts = (said(head_lines(facts)), beams, luminosity, said(loss_lines(facts)))
    return [line for part in parts for line in (*part, "")][:-1]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]


def shown_number(value: Any, form: str, unit: str = "") -> str:
    """Return a number in a format, and its unit; a dash where it is not known."""
    return "-" if value is None else format(value, form) + unit


def head_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines of what the fill was: when, energy, optics, bunches."""
    if "start_utc" not in facts:
        yield f"fill {facts['fill']}: no stable beams"
        return
    hours, next_mode = facts.get("hours"), facts.get("next_mode")
    parts = [f"{facts['start_utc']} UTC"]
    parts += [] if hours is None else [f"{hours:.1f} h"]
    parts += [facts["ended"] + (f" ({next_mode})" if next_mode else "")]
    yield f"fill {facts['fill']}: stable beams " + ", ".join(parts)
    yield f"{facts['energy_gev']:.0f} GeV; " + "; ".join(_point(facts, ip) for ip in (1, 5))
    bunches = "/".join(shown_number(facts.get(f"b{beam}_bunches"), "d") for beam in (1, 2))
    at = ", ".join(
        f"{shown_number(facts.get(f'colliding_{ip}'), 'd')} at {name}"
        for ip, name in (("ip15", "IP1/5"), ("ip2", "IP2"), ("ip8", "IP8"))
    )
    levelled = "; levelled" if facts.get("levelled") else ""
    train = shown_number(facts.get("longest_train"), "d")
    yield f"bunches {bunches}, colliding {at}; longest train {train}{levelled}"


def _point(facts: Mapping[str, Any], ip: int) -> str:
    start, end = (shown_number(facts.get(f"xing_ip{ip}_{w}_urad"), ".0f") for w in ("start", "end"))
    angle = start if start == end else f"{start} to {end}"
    betastar = shown_number(facts.get(f"betastar_ip{ip}_m"), ".2f")
    return f"IP{ip} beta* {betastar} m, full crossing angle {angle} urad"


def beam_table(facts: Mapping[str, Any]) -> list[list[str]]:
    """Return rows of the beams at each instant, headings first: mean and spread over bunches."""
    rows = [["mean +- spread over bunches", "", *_WHEN.values()]]
    for words, name, scale, form in _ROWS:
        for beam in (1, 2):
            cells = [_mean(facts, f"b{beam}_{name.format(when)}", scale, form) for when in _WHEN]
            rows.append([words if beam == 1 else "", f"B{beam}", *cells])
    return rows


def _mean(facts: Mapping[str, Any], name: str, scale: float, form: str) -> str:
    mean, spread = facts.get(name), facts.get(f"{name}_rms")
    if mean is None or spread is None:
        return "-"
    return f"{mean * scale:{form}} +- {spread * scale:{form}}"


def luminosity_table(facts: Mapping[str, Any]) -> list[list[str]]:
    """Return rows of the luminosities of each experiment, headings first."""
    head = ["luminosity", "start [1e34]", "peak [1e34]", "integrated [1/pb]", "lifetime [h]"]
    rows = [[*head, _RATIOS]]
    for exp in EXPERIMENTS:
        for kind, (words, ratio, over) in _KINDS.items():
            of = f"{kind}_{exp.lower()}"
            value = facts.get(f"ratio_{ratio}_{exp.lower()}")
            cells = [
                shown_number(facts.get(f"lumi_start_{of}_e34"), ".4g"),
                shown_number(facts.get(f"lumi_peak_{of}_e34"), ".4g"),
                shown_number(facts.get(f"lumi_int_{of}_pb"), ".5g"),
                shown_number(facts.get(f"tau_lumi_{kind}_full_{exp.lower()}_h"), ".1f"),
                "" if value is None else f"{over} {value:.3f}",
            ]
            rows.append([f"{exp} {words}", *cells])
    return rows


def loss_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines of lifetimes, effective cross-sections and pile-up."""
    for beam in (1, 2):
        tau_h = facts.get(f"b{beam}_tau_intensity_full_h")
        sigma, error = (facts.get(f"b{beam}_sigma_eff{of}_mb") for of in ("", "_error"))
        cross = "-" if sigma is None else f"{sigma:.2f} +- {shown_number(error, '.2f')} mb"
        yield (
            f"B{beam}: intensity lifetime {shown_number(tau_h, '.1f', ' h')}, "
            f"{beyond_burn_off(facts, beam)}, effective cross-section {cross}"
        )
    of_each = (
        f"{exp} {shown_number(facts.get(f'pileup_start_{exp.lower()}'), '.1f')}"
        for exp in EXPERIMENTS
    )
    yield f"pile-up at the start: {', '.join(of_each)}"
