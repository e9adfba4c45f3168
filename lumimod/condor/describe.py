"""The submit description, which HTCondor reads, and the script of each job."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from lumimod.condor.chunks import Chunk
from lumimod.config.settings import CondorSettings
from lumimod.errors import CondorError

MAX_STARTS = 3
"""How many times a job is started if a signal kills it each time."""

_ADDED = f"""\
# Start a job again that was killed by a signal, but not one that ended by itself.
on_exit_remove      = (ExitBySignal == False) || (NumJobStarts >= {MAX_STARTS})
"""


# --- the submit description


def description(
    settings: CondorSettings, folder: Path, chunks: Sequence[Chunk], arguments: Sequence[str]
) -> str:
    """Return the submit description of chunks: one cluster, one log, a job for each chunk.

    Parameters
    ----------
    settings
        Template and attributes. The `queue` of the template is replaced by one over the chunks.
        The attributes come after the template, so that HTCondor takes them if both set a name.
    folder
        The job folder, absolute.
    chunks
        At least one.
    arguments
        Options that all jobs share. <ARGS> stands for these, and for the report and the fills of
        the job.

    Raises
    ------
    CondorError
        A path or an argument holds a line break.
    """
    here = _macro_free(str(folder))
    values = {
        "<EXE>": f"{here}/chunk_$(chunk).sh",
        # Relative to initialdir: HTCondor cannot transfer them to a path with ; or = in it.
        "<OUT>": "chunk_$(chunk).out",
        "<ERR>": "chunk_$(chunk).err",
        "<LOG>": f"{here}/lumimod.log",
        "<CHUNK>": "$(chunk)",
        "<FILLS>": "$(fills)",
        "<ARGS>": _arguments_of_a_chunk(arguments, folder),
    }
    lines = [line for line in settings.template.splitlines() if not _is_queue(line)]
    text = "\n".join(lines).rstrip() + "\n"
    text = re.sub("|".join(values), lambda mark: values[mark[0]], text)
    return (
        f"{_batch_name(folder)}{text}initialdir          = {here}\n"
        + ("" if re.search(r"^\s*(on_exit_remove|max_retries)\b", text, re.M | re.I) else _ADDED)
        + "submit_event_notes  = lumimod chunk $(chunk): fills $(fills)\n"
        + "".join(f"{_attribute(n, v)}\n" for n, v in settings.attributes.items())
        + "queue chunk, fills from (\n"
        + "".join(f"{c.number}, {' '.join(map(str, c.fills))}\n" for c in chunks)
        + ")\n"
    )


def _batch_name(folder: Path) -> str:
    # Before the template, so that HTCondor takes the template's if that sets one.
    return f"batch_name          = {_macro_free(folder.name)}\n"


def _is_queue(line: str) -> bool:
    return re.match(r"\s*queue\b", line, re.I) is not None


def _attribute(name: str, value: str | float | bool) -> str:
    if isinstance(value, bool):
        shown = str(value)
    elif isinstance(value, str):
        shown = _classad_string(value) if name.startswith("MY.") else _macro_free(value)
    else:
        shown = repr(value)
    return f"{name} = {shown}"


def _classad_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_macro_free(escaped)}"'


def _arguments_of_a_chunk(arguments: Sequence[str], folder: Path) -> str:
    """Return arguments in HTCondor's new syntax: double quotes around, single ones inside."""
    quoted = " ".join(_quoted_argument(a) for a in [*arguments, "--report", f"{folder}/chunk_"])
    return f'"{quoted}$(chunk).json --fill $(fills)"'


def _quoted_argument(argument: str) -> str:
    escaped = _macro_free(argument).replace('"', '""')
    if escaped and not re.search(r"[\s']", escaped):
        return escaped
    return "'" + escaped.replace("'", "''") + "'"


def _macro_free(text: str) -> str:
    """Return text with each $ escaped, so that HTCondor expands no macro in it.

    Raises
    ------
    CondorError
        It holds a line break.
    """
    if "\n" in text or "\r" in text:
        raise CondorError(
            f"{text!r} holds a line break, which a submit description cannot; rename the folder"
        )
    return text.replace("$", "$(DOLLAR)")


# --- what runs on the worker node


def script(
    chunk: Chunk,
    command: Sequence[str],
    *,
    cwd: Path,
    setup: str,
    environment: Mapping[str, str],
) -> str:
    """Return the script of a job. HTCondor runs it; it can also be run by hand.

    Parameters
    ----------
    chunk
        The fills, which come at the end of the command.
    command
        Interpreter, program and options.
    cwd
        Folder to start in, to which relative paths in config.py refer.
    setup
        Lines of shell that come first.
    environment
        Environment variables to set.
    """
    exports = "".join(f"export {n}={shlex.quote(v)}\n" for n, v in environment.items())
    line = " ".join(shlex.quote(word) for word in [*command, "--fill", *map(str, chunk.fills)])
    return (
        f"#!/bin/bash\n# {chunk}\n"
        + (f"{setup}\n" if setup else "")
        + f"{exports}cd {shlex.quote(str(cwd))} || exit 1\nexec {line}\n"
    )
