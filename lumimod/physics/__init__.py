"""Physics: formulas and fits, from arrays to arrays.

In: arrays and numbers, in the units that end their names.
Out: arrays, NaN where there is no value; no file, setting or fill number is known here.
May import: arrays.
To add a formula: a function with its source, and a test against values computed by hand.
"""
