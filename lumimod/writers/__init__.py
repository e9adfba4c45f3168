"""Writers: variables to data files, in each format that the readers read.

In: a `Series` for each variable, and the path of the file.
Out: the file, whole or not at all; values read back exactly.
May import: errors, arrays, atomic, readers.
To add a format: a module with `write_...`, and its suffix in `_WRITERS`.
"""
