"""Tables that come with the package: names of variables, BSRT calibrations, IBS growth rates.

In: a fill, a quantity or an energy.
Out: the entry of the JSON file beside the module.
May import: errors, physics, readers.
To add a table: its JSON file here, a module that reads it, and a test of its entries.
"""
