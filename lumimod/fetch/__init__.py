"""Fetching: the data of fills from a source into the files that the steps read.

In: a `Source`, a `Config` and fill numbers.
Out: the beam-mode file, data files by group, and `saved_fills.json` with what is still missing.
May import: errors, arrays, atomic, config, readers, sources, tables, writers.
To add a group of variables: an entry in groups.py, its file in config, a script in Utilities/.
"""
