"""Commands beside `lumimod.py`: each is called by a script of Utilities/.

In: the arguments of the command line, and config.py.
Out: files, lines on standard output, and an exit status.
May import: everything below.
To add a command: a module here, a script in Utilities/ that calls it, and a line in its tests.
"""
