"""The tables of the result files: every key with its shape, its unit and what it is.

Keys and shapes come from the dict that a small example of the record saves. The array behind a key
is also a field of the record: its name tells the unit, its docstring what it is.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Callable

import numpy as np

from docs.generate import examples
from lumimod.physics.expfit import ExpFit
from lumimod.records.frames import to_frame
from lumimod.records.made import KEY, Made

UNITS = {
    "um": "um",
    "um_h": "um/h",
    "ppb_um": "protons/um",
    "ppb_s": "protons/s",
    "ppb": "protons",
    "m2s": "1/(m^2 s)",
    "m2": "m^2",
    "m": "m",
    "s": "s",
    "rad": "rad",
}
"""By the end of a name; the longest that fits counts."""
OTHER_UNITS = {"bunch_lumi": "1/(m^2 s)", "init": "of the quantity"}
FIT_WORDS = {"tau_s": "Time constant of the fit", "init": "Value of the fit at the first time"}
OTHER_SHAPES = {"float": "number", "int": "number", "str": "text", "list": "list", "NoneType": ""}
BY_POINT = ("xing_angle", "betastar", "crossing_plane")
"""Keys whose 1 and 5 are interaction points, where other keys have beams 1 and 2."""
SYMBOLS = {
    examples.N_TIMES: "T",
    examples.N_TIMES - 1: "T-1",
    examples.N_COLL: "S",
    examples.N_NONCOLL: "S",
    examples.N_COLL + examples.N_NONCOLL: "A",
    examples.N_WINDOWS: "W",
}
PLACEHOLDERS = (
    (r"^[12]$", "B"),
    (r"^beam_[12]$", "beam_B"),
    (r"^(ATLAS|CMS)$", "EXP"),
    (r"^(Injection|he_before_SB)$", "INTERVAL"),
    (r"^at_(start|end)$", "WHEN"),
    (r"^(IBS|Empirical)\w+$", "MODEL"),
    (r"^case_\w+$", "case_C"),
    (r"^(growth|summed)_[hv](?=_|$)", r"\1_P"),
    (r"^(coll|noncoll)$", "F"),
    (r"_(coll|noncoll)(?=_|$)", "_F"),
    (r"^((?:err_)?(?:tau|init)|chi2|lag1)_(emit_?h|emit_?v|bl|inten)_", r"\1_X_"),
    (r"^((?:err_)?(?:tau|init)|chi2|lag1)_lumi_(calc|meas)_", r"\1_lumi_K_"),
    (r"^tau_empirical_[hv][12]_", "tau_empirical_PB_"),
    (r"^cor_fact_[12][hv]$", "cor_fact_BP"),
)
"""What stands for several keys of one pattern."""


@dataclass(frozen=True)
class File:
    """One result file."""

    name: str
    step: str
    record: Callable[[], Any]
    words: str
    """In Markdown, below the title."""


FILES = (
    File("fill_N.pkl.gz", "sb", examples.stable_beams,
         "Every bunch in stable beams, on one time base. `X` is `emit_h`, `emit_v`, `bl` (bunch "
         "length) or `inten` (intensity). Fits are of init\\*exp(t/tau) over the first "
         "`t_fit_length`, those with `_full` over all times; tau is negative for a decay. "
         "`crossing_plane` is absent where the plane is vertical at IP 1 and horizontal at IP 5."),
    File("fill_N_cycle.pkl.gz", "cycle", examples.cycle,
         "Every bunch at injection and at flat top, as measured. `INTERVAL` is `Injection` or "
         "`he_before_SB` (flat top), `WHEN` is `at_start` or `at_end`."),
    File("fill_N_cycle_model.pkl.gz", "cycle", lambda: examples.cycle(measured=False),
         "The same as predicted by the model of intra-beam scattering, each interval from its "
         "measured start. `fill_N_cycle_model_Inj2SB.pkl.gz` has the same keys; in it flat top "
         "starts from the modelled end of injection."),
    File("fill_N_lumi_calc.pkl.gz", "lumi", examples.calculated_lumi,
         "Luminosity calculated from the beam parameters, for the colliding slots of "
         "`fill_N.pkl.gz`. `betastar` is there only if it was measured."),
    File("fill_N_lumi_meas.pkl.gz", "massi", examples.measured_lumi,
         "Luminosity measured by the experiments, at the times and for the colliding slots of "
         "`fill_N.pkl.gz`. `fill_N_lumi_timber_meas.pkl.gz`, from the logging service, has the "
         "same keys."),
    File("fill_N_fits.pkl.gz", "fits", examples.fits,
         "Exponential fits init\\*exp(t/tau) of each bunch over the first `t_fit_length`, those "
         "with `_full` over all times; tau is negative for a decay. `X` is `emith`, `emitv`, `bl` "
         "(bunch length) or `inten` (intensity), `K` is `calc` or `meas`. Luminosities of "
         "non-colliding bunches are empty; without measured luminosity the keys with `meas` are "
         "absent. Files of earlier versions have no errors (`err_`, `chi2_`, `lag1_`)."),
    File("fill_N_lifetime.pkl.gz", "lifetime", examples.lifetime,
         "Lifetimes and losses of the colliding bunches between successive times; `_tot` is of the "
         "sum over all bunches. L is the measured luminosity of ATLAS and CMS together; without it "
         "the keys with `Boff` and `dndtL` are absent."),
    File("fill_N_losses.pkl.gz", "losses", examples.losses,
         "Protons lost for each unit of integrated luminosity, from a straight line through N "
         "against the integral: in windows of `cross_section_window_s` (`_fill`: over all of "
         "stable beams), of each bunch (`_bbb`) and of the beam (`_tot`), with errors (`_err`). "
         "The relative error `systematic` is common to all of them. `families` is of all bunches "
         "of the beam, colliding or not. "
         "See [Model](../model.md#effective-cross-section-by-regression)."),
    File("fill_N_lumi_emittance.pkl.gz", "emittance", examples.lumi_emittance,
         "The emittances for which ATLAS and CMS have the luminosities that they measured, mean of "
         "both beams; NaN where one of them was levelled. `separation` is there for fills in "
         "`leveling`. See [Model](../model.md#emittances-from-luminosity)."),
    File("fill_N_sbmodel_caseC.pkl.gz", "model", examples.model,
         "All models of stable beams, one file for each case C. `MODEL` is the name of the "
         "[model](../model.md#models-of-stable-beams). `time_range` has one time more than the "
         "models. In `settings`, `BOff` is 1 where the intensity burns off, `emitBU` and "
         "`blengthBU` are `Model` or `EmpiricalBlowup`, and `tau_empirical_PB_F` (P is `h` or `v`) "
         "is the fitted growth time of the emittance where it is taken from the data. `case` lists "
         "all cases and their correction factors (`cor_fact_BP`)."),
    File("fill_N_growth.pkl.gz", "growth", examples.growth,
         "Emittance growth of each bunch beyond that of the model in plane `P` (`h` or `v`), by "
         "case. See [Model](../model.md#growth-beyond-the-model)."),
)  # fmt: skip


def markdown() -> str:
    """Return a section for each file, one for what all files have, and one for the DataFrames."""
    return "\n".join([*map(_section, FILES), _made(), _frames()])


def _section(file: File) -> str:
    lines = [f"## {file.name}", "", f"Step `{file.step}`. {file.words}", ""]
    lines += ["| key | shape | unit | |", "|---|---|---|---|"]
    lines += [
        f"| `{row.key}` | {row.shape} | {row.unit} | {row.words} |" for row in rows(file.record())
    ]
    return "\n".join(lines) + "\n"


# --- keys


@dataclass(frozen=True)
class Row:
    """One pattern of keys of a file."""

    key: str
    shape: str
    unit: str
    words: str


def rows(record: Any) -> list[Row]:
    """Return the patterns of keys that a record saves, in their order."""
    field_of = dict(_fields_of(record))
    found: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}
    for path, value in _leaves(record.to_dict()):
        kind, name = field_of.get(id(value), (None, ""))
        entry = (_shape(value), unit_of(name), _words(kind, name) if kind else "")
        found.setdefault(_pattern(path), []).append(entry)
    return [_row(pattern, entries) for pattern, entries in found.items()]


def _row(pattern: tuple[str, ...], entries: list[tuple[str, str, str]]) -> Row:
    shape, unit, words = (next(filter(None, column), "") for column in zip(*entries))
    return Row(pattern[0] + "".join(f"[{part}]" for part in pattern[1:]), shape, unit, words)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    else:
        yield path, value


def _pattern(path: tuple[Any, ...]) -> tuple[str, ...]:
    """Return a path with what stands for beams, families, experiments and the like."""
    if path[0] in BY_POINT:
        return (path[0], "IP")
    return tuple(_placeholder(str(part)) for part in path)


def _placeholder(text: str) -> str:
    for pattern, placeholder in PLACEHOLDERS:
        text = re.sub(pattern, placeholder, text)
    return text


def _shape(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return " x ".join(SYMBOLS.get(n, "0") for n in value.shape)
    return OTHER_SHAPES[type(value).__name__]


def unit_of(name: str) -> str:
    """Return the unit that a field's name ends in, nothing if it is dimensionless."""
    ends = [end for end in UNITS if name.endswith(f"_{end}")]
    return OTHER_UNITS.get(name) or (UNITS[max(ends, key=len)] if ends else "")


# --- fields


def _fields_of(value: Any) -> Iterator[tuple[int, tuple[type, str]]]:
    """Yield class and field of every array of a record, by the array's identity."""
    if is_dataclass(value):
        names = [field.name for field in fields(value)]
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _fields_of(below)
        return
    else:
        names = list(getattr(value, "_fields", ()))
    for name in names:
        below = getattr(value, name)
        yield from _fields_of(below)
        arrays = below.values() if isinstance(below, Mapping) else (below,)
        yield from ((id(array), (type(value), name)) for array in arrays if array is not None)


def _words(kind: type, name: str) -> str:
    """Return what a field is, without the shape and unit that other columns have."""
    if kind is ExpFit:
        return FIT_WORDS[name]
    text = re.sub(r", (\(n_[^)]*\)|in 1/\(m\^2 s\)|Unix seconds)", "", field_words(kind)[name])
    return text.replace("; None ", "; absent ").replace("|", r"\|")


@cache
def field_words(kind: type) -> dict[str, str]:
    """Return the docstring of each field of a class."""
    [definition] = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: " ".join(ast.literal_eval(said.value).split()).rstrip(".")
        for field, said in zip(definition.body, definition.body[1:])
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(said, ast.Expr)
    }


# --- what all files have

MADE = """\
## made

Every file also has the key `made`, and every DataFrame an entry `made` in its `attrs`: what it
was made from ([Reliability](../reliability.md#results-say-what-they-were-made-from)).

| key | |
|---|---|
"""


def _made() -> str:
    """Return the entries of the key `made`."""
    words = field_words(Made)
    return MADE + "".join(f"| `{KEY}[{key}]` | {words.get(key, '')} |\n" for key in words)


# --- DataFrames

FRAMES = """\
## DataFrames

With `savePandas = True` each file has a sibling that ends in `_df.pkl.gz`: one row for each time,
beam (or experiment) and slot, with the columns below; their names end in their unit.

| file | columns |
|---|---|
"""


def _frames() -> str:
    """Return the columns of each DataFrame."""
    sb, text = examples.stable_beams(), FRAMES
    for file in FILES:
        columns = ", ".join(f"`{column}`" for column in to_frame(file.record(), sb).columns)
        text += f"| `{file.name.replace('.pkl', '_df.pkl')}` | {columns} |\n"
    return text
