"""Commands beside `lumimod.py`: each is called by a script of Utilities/.

In: the arguments of the command line, and config.py.
Out: files, lines on standard output, and an exit status.
May import: everything below.
To add a command: a module here, a script in Utilities/ that calls it, and a line in its tests.
"""

from lumimod.commands.libraries import check_libraries

# Before anything else of lumimod is imported: a missing library would end in a traceback.
check_libraries()
