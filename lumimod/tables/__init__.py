"""Tables that come with the package: names of variables, BSRT calibration, IBS rates.

In: a fill, an energy or a quantity. Out: what the JSON files beside these modules hold.
May import errors and physics. To add a table: its JSON file here, and a module that reads it.
"""
