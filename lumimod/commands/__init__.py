"""The commands beside `lumimod.py`: one module each, which a script of Utilities/ calls.

In: the command line and config.py. Out: files, lines on standard output, an exit status.
May import every room. To add a command: a module here, and a script in Utilities/ that calls it.
"""
