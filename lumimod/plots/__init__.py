"""Pictures: from saved results to figures; no physics is computed here.

In: a record and a `Style`.
Out: a figure, saved by save.py.
May import: errors, arrays, atomic, parallel, config, paths, physics, readers, records, summary,
tables.
To add a picture: a function `draw_...` in a module here, and its line in that module's pictures.
"""
