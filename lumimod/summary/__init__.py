"""What a fill comes to: one row of facts, for a screen and for the table of a season.

In: the results and beam modes of fills.
Out: plain numbers by name, the tables `season.csv`, `.pkl.gz` and `.parquet`, lines of text.
May import: errors, arrays, atomic, config, paths, physics, readers, records, steps,
tables.
To add a column: its line in `columns`, and its number in `facts` or a module beside it.
"""
