"""Exception classes: one base, one class per kind of fault.

Every message is one line that names what is wrong and what to do about it. The fill loop
(and nobody else) catches `LumimodError`; it adds fill and step in front.
"""


class LumimodError(Exception):
    """Base of every error that a user can put right."""


class ConfigError(LumimodError):
    """config.py is missing, cannot be run, or holds a value that cannot be used."""


class UsageError(LumimodError):
    """The command line asks for something that cannot be done."""


class MissingInputError(LumimodError):
    """An input file, or a variable in it, is not there."""


class BadInputError(LumimodError):
    """An input is there but cannot be what it should be: truncated, ragged, malformed."""


class MissingStepError(LumimodError):
    """A result of another step is needed and is not there, or cannot be read."""


class NoDataError(LumimodError):
    """The fill has nothing to analyse: no stable beams, no bunch above threshold."""


class OutputError(LumimodError):
    """A result cannot be written: disk full, folder missing or not writable."""


class SourceError(LumimodError):
    """A source of data cannot be used, or gives no answer although it was asked repeatedly."""


class CondorError(LumimodError):
    """HTCondor is not there, refuses, or a job folder cannot be used."""


DOWNLOAD = "download it again with the script in Utilities/"
"""What to do about a file of logged data that is missing or damaged."""
