"""Instruments: what BSRT, FBCT, BQM, crossing angles and beta* tell of each bunch of a fill.

In: the data files of a fill, and the names of its variables.
Out: arrays by time and slot, and notes of what was dropped.
May import: errors, arrays, physics, readers, tables.
To add an instrument: a module here, and its field in `BeamMeasurements`.
"""
