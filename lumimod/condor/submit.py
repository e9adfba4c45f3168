"""Submitting and removing jobs, by the commands of HTCondor or its Python bindings."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from lumimod.condor.eventlog import JobId
from lumimod.config.settings import CondorSettings
from lumimod.errors import CondorError

_TIMEOUT_S = 300.0
_TERSE = re.compile(r"^\s*(\d+)\.\d+ - \1\.\d+\s*$", re.M)
_WITHOUT = "use --jobs N to run fills side by side on this machine"


def submit_method(settings: CondorSettings) -> str:
    """Return how jobs are submitted from this machine: by `command` or by `bindings`.

    Raises
    ------
    CondorError
        This machine has neither.
    """
    wanted = settings.submit_with
    if wanted in ("auto", "command") and shutil.which("condor_submit"):
        return "command"
    if wanted == "command":
        raise CondorError(
            "no command condor_submit on this machine: submit from a machine of the pool (at CERN "
            f"lxplus), set condor_submit_with = 'auto' in config.py, or {_WITHOUT}"
        )
    try:
        _bindings()
    except CondorError as exc:
        if wanted == "bindings":
            raise
        raise CondorError(
            "no HTCondor on this machine: neither the command condor_submit, nor the bindings "
            "htcondor2 with the configuration of a pool. Submit from a machine of the pool (at "
            f"CERN lxplus), install HTCondor and set CONDOR_CONFIG, or {_WITHOUT}"
        ) from exc
    return "bindings"


def submit_description(settings: CondorSettings, description: Path) -> int:
    """Submit a submit description; return the number of the cluster.

    Raises
    ------
    CondorError
        HTCondor is not there or refuses.
    """
    if submit_method(settings) == "command":
        out = _run(["condor_submit", "-terse", str(description)])
        found = _TERSE.search(out)
        if not found:
            raise CondorError(
                f"condor_submit printed {' '.join(out.split())!r} instead of one cluster of jobs; "
                f"check condor_q and {description}"
            )
        return int(found[1])
    return _submit_by_bindings(settings, description)


def remove_jobs(settings: CondorSettings, jobs: Sequence[JobId]) -> None:
    """Remove jobs from the queue.

    Raises
    ------
    CondorError
        HTCondor is not there or refuses.
    """
    names = [f"{cluster}.{proc}" for cluster, proc in jobs]
    if not names:
        return
    if submit_method(settings) == "command":
        _run(["condor_rm", *names])
        return
    htcondor2 = _bindings()
    try:
        htcondor2.Schedd().act(htcondor2.JobAction.Remove, names, reason="replaced by --resubmit")
    except (htcondor2.HTCondorException, RuntimeError, OSError) as exc:
        raise CondorError(f"HTCondor did not remove {' '.join(names)}: {_line(exc)}") from exc


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise CondorError(f"{command[0]} could not be run ({_line(exc)}); try again") from exc
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise CondorError(f"{command[0]} failed: {said or f'exit status {done.returncode}'}")
    return done.stdout


# --- bindings


def _bindings() -> ModuleType:
    """Return the module htcondor2.

    Raises
    ------
    CondorError
        It is not installed, or no pool is configured.
    """
    try:
        import htcondor2
    except ImportError as exc:
        raise CondorError(
            f"the bindings htcondor2 cannot be imported ({exc}): pip install htcondor, set "
            f"condor_submit_with = 'auto' in config.py, or {_WITHOUT}"
        ) from exc
    if not htcondor2.param.get("COLLECTOR_HOST"):
        raise CondorError(
            "the bindings htcondor2 find no configuration of HTCondor: submit from a machine of "
            f"the pool (at CERN lxplus) or set CONDOR_CONFIG, or {_WITHOUT}"
        )
    return htcondor2


def _submit_by_bindings(settings: CondorSettings, description: Path) -> int:
    htcondor2 = _bindings()
    try:
        if settings.attributes.get("MY.SendCredential"):
            htcondor2.Credd().add_user_cred(htcondor2.CredType.Kerberos, None)
        request = htcondor2.Submit(description.read_text(encoding="utf-8"))
        return int(htcondor2.Schedd().submit(request).cluster())
    except (htcondor2.HTCondorException, RuntimeError, ValueError, OSError, TypeError) as exc:
        raise CondorError(
            f"HTCondor did not accept {description}: {_line(exc)}; correct config.py, or try "
            "condor_submit_with = 'command' in it"
        ) from exc


def _line(exc: BaseException) -> str:
    return " ".join(str(exc).split()) or type(exc).__name__
