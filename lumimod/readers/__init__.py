"""Readers: data files of every format, as arrays.

In: the path of a file, and the names of the variables wanted.
Out: a `Series` for each variable, or an error that names the file, the variable and what to do.
May import: errors, arrays, atomic.
To add a format: a module with `read_...` and `..._names`, and its suffix in variables.py.
"""
