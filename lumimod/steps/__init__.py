"""Steps of the follow-up: each loads its inputs, computes, and saves its result.

In: a fill, the `Config`, data files and results of earlier steps.
Out: the result file of the step.
May import: errors, arrays, atomic, parallel, config, instruments, paths, physics, readers,
records, tables.
To add a step: a module here with its `Step` (see `step`), its line in TITLES, and its record.
"""

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "sb": "stable beams",
    "cycle": "injection and flat top, with the cycle model",
    "lumi": "calculated luminosity",
    "massi": "measured luminosity",
    "fits": "exponential fits",
    "lifetime": "lifetimes and losses",
    "losses": "effective cross-section, pile-up, bunch families",
    "emittance": "emittances from luminosity",
    "model": "stable-beams model",
    "growth": "emittance growth beyond the model",
}
"""The steps in the order in which they run, and what they make, for help and tables.

Each is the name of a module here. `registry` has the steps themselves: this list alone is read
for the command line, which is to answer at once.
"""
