"""The pictures by family, with what each of them shows."""

from __future__ import annotations

from lumimod.plots import gallery

OF_MODEL = tuple(f"sbmodel_M_{what}_caseC" for what in (*gallery.OF_A_MODEL,))
FAMILIES = {
    "sb": gallery.SB,
    "cycle": gallery.CYCLE,
    "cycle_model": gallery.CYCLE_MODEL,
    "model": (*OF_MODEL, "sbmodel_modelComp_luminosity_caseC"),
}
TITLES = {
    "sb": ("Stable beams", "doSBPlots", ""),
    "cycle": (
        "Cycle",
        "doCyclePlots",
        "Four instants: the first and the last measurement at injection and at flat top.",
    ),
    "cycle_model": (
        "Cycle model",
        "doCycleModelPlots",
        "`INJ` is injection, `FT` flat top. Measured and modelled values at the end of the "
        "interval, and their difference.",
    ),
    "model": ("Models of stable beams", "doSBModelPlots", "For each model M and each case C."),
}
"""Title, setting of config.py, and what all pictures of the family have in common."""
EMITTANCES = "horizontal and vertical emittance of beam {}"
WORDS = {
    "crossingAngle": "full crossing angle at ATLAS and CMS; the right axis has its half",
    "b1Emittances": f"{EMITTANCES.format(1)}, smoothed: evolution, and bunch by bunch",
    "b2Emittances": f"{EMITTANCES.format(2)}, smoothed",
    "b1RawEmittances": f"{EMITTANCES.format(1)} as measured",
    "b2RawEmittances": f"{EMITTANCES.format(2)} as measured",
    "bunchIntensity": "bunch intensities of both beams: evolution, and bunch by bunch",
    "bunchLength": "bunch lengths (4 sigma) of both beams",
    "calcLumi": "calculated luminosity of each bunch pair at ATLAS and CMS",
    "measLumi": "measured luminosity of each bunch pair",
    "totalLumi": "total luminosity at ATLAS and CMS, calculated and measured, and their ratio",
    "bbbIntensityTau": "fitted intensity lifetime of each bunch, from the long and the short fit",
    "bbbLifetime": "intensity lifetime against time, as measured and beyond burn-off",
    "bbbLosses": "losses per luminosity (effective cross-section) of colliding bunches",
    "TotalLumiLifetime": "fitted luminosity lifetime of each bunch pair, over all stable beams",
    "FitLumiLifetime": "the same over the first `t_fit_length`",
    "cycle_emittancesbbb_b1": "emittances of each bunch of beam 1 at the four instants",
    "cycle_emittancesbbb_b2": "emittances of each bunch of beam 2",
    "cycle_intensitiesbbb": "intensity of each bunch",
    "cycle_brightnessbbb": "brightness (intensity over mean emittance) of each bunch",
    "cycle_blengthbbb": "length of each bunch",
    "cycle_timebbb": "time of each bunch at injection, through the ramp, and at flat top",
    "cycle_histos": "histograms over bunches of emittances, intensity and brightness",
    "cycle_model_emittances_b1_INJ": "emittances of beam 1 at the end of injection",
    "cycle_model_emittances_b2_INJ": "emittances of beam 2 at the end of injection",
    "cycle_model_bunchLength_INJ": "bunch lengths at the end of injection",
    "cycle_model_emittances_b1_FT": "emittances of beam 1 at the end of flat top",
    "cycle_model_emittances_b2_FT": "emittances of beam 2 at the end of flat top",
    "cycle_model_bunchLength_FT": "bunch lengths at the end of flat top",
    "sbmodel_M_luminosity_caseC": "total luminosity of the model, measured and calculated",
    "sbmodel_M_emittanceColliding_caseC": "emittances of colliding bunches, modelled and measured",
    "sbmodel_M_emittanceNonColliding_caseC": "emittances of the other bunches",
    "sbmodel_M_intens_blength_Colliding_caseC": "intensity and length of colliding bunches",
    "sbmodel_M_intens_blength_NonColliding_caseC": "intensity and length of the other bunches",
    "sbmodel_modelComp_luminosity_caseC": "luminosity of all models, measured and calculated",
}
"""What each picture shows."""


def markdown() -> str:
    """Return a section for each family."""
    return "\n".join(_section(family, names) for family, names in FAMILIES.items())


def _section(family: str, names: tuple[str, ...]) -> str:
    title, setting, words = TITLES[family]
    lines = [f"## {title}", "", f"Family `{family}`, setting `{setting}`. {words}".rstrip(), ""]
    lines += ["| name | shows |", "|---|---|"]
    lines += [f"| `{name}` | {WORDS[name]} |" for name in names]
    return "\n".join(lines) + "\n"
