"""What the instruments measured, bunch by bunch: BSRT, FBCT, BQM, crossing and beta*.

In: the data files of a fill. Out: arrays in units of physics, with what was dropped.
May import readers, tables and physics. To add an instrument: a module here.
"""
