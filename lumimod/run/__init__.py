"""A run over fills: what has to be done, doing it side by side, and the report.

In: a `Config`, fill numbers and the options of the command line.
Out: results of the steps, pictures, a table of what became of each fill.
May import: errors, arrays, atomic, parallel, config, paths, readers, records, tables, summary,
steps, plots.
To add a column to the report: reporting.py; a new step or picture changes nothing here.
"""
