"""Exception classes: one base, one class per kind of fault.

A message is one line that names the fill, the file and the quantity, and what to do. The loop over
fills catches `LumimodError`, reports it with fill and step, and goes on with the next fill.
"""


class LumimodError(Exception):
    """Base of every error that a user can put right."""


class ConfigError(LumimodError):
    """config.py is missing, cannot be run, or sets a value that is not allowed."""


class UsageError(LumimodError):
    """The command line asks for something that cannot be done."""


class MissingInputError(LumimodError):
    """An input file, or a variable in it, is missing."""


class BadInputError(LumimodError):
    """An input file is truncated, damaged, malformed or of another format."""


class MissingStepError(LumimodError):
    """The result of another step is missing, or cannot be read."""


class NoDataError(LumimodError):
    """The fill has nothing to analyse: no stable beams, no bunch above threshold."""


class OutputError(LumimodError):
    """A result cannot be written: disk full, folder missing or not writable."""


class SourceError(LumimodError):
    """A source of data cannot be used, or does not answer, even when asked again."""


class CondorError(LumimodError):
    """HTCondor is not installed or refuses, or a job folder cannot be used."""


DOWNLOAD = "download it again with the script in Utilities/"
"""What to do about a file of logged data that is missing or damaged."""
