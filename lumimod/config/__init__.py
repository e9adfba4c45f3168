"""Settings: config.py, run once and checked as a whole, as a frozen `Config`.

In: the path of config.py.
Out: a `Config`, or one error that lists every fault in the file.
May import: errors, readers, tables.
To add a setting: an `entry` in sections/ and a line in config.py. The checks, the field of Config,
the reference and --check-config come from the entry.
"""
