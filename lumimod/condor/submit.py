"""Submitting and removing jobs, by the commands of HTCondor or its Python bindings."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from lumimod.condor.eventlog import JobId
from lumimod.config.settings import CondorSettings
from lumimod.errors import CondorError

log = logging.getLogger(__name__)

_TIMEOUT_S = 300.0
_TERSE = re.compile(r"^\s*(\d+)\.\d+ - \1\.\d+\s*$", re.M)
_WITHOUT = "use --jobs N to run fills side by side on this machine"


class Queued(NamedTuple):
    """A cluster of jobs in the queue of a schedd."""

    cluster: int
    schedd: str
    """Name of the schedd; empty where HTCondor does not tell."""


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


def submit_description(settings: CondorSettings, description: Path, schedd: str = "") -> Queued:
    """Submit a submit description to a schedd, the default one without a name; return the cluster.

    Cluster numbers are counted by each schedd for itself, and machines of a pool differ in their
    default schedd, so that the name of the schedd belongs to the number.

    Raises
    ------
    CondorError
        HTCondor is not there or refuses.
    """
    if submit_method(settings) == "command":
        out = _run(["condor_submit", "-terse", *_at(schedd), str(description)])
        found = _TERSE.search(out)
        if not found:
            raise CondorError(
                f"condor_submit printed {' '.join(out.split())!r} instead of one cluster of jobs; "
                f"check condor_q and {description}"
            )
        return Queued(int(found[1]), schedd or _schedd_by_command(int(found[1])))
    return _submit_by_bindings(settings, description, schedd)


def remove_job(settings: CondorSettings, job: JobId, schedd: str = "") -> None:
    """Remove a job from the queue of a schedd, the default one without a name.

    Raises
    ------
    CondorError
        HTCondor is not there or refuses.
    """
    name = f"{job[0]}.{job[1]}"
    if submit_method(settings) == "command":
        _run(["condor_rm", *_at(schedd), name])
        return
    htcondor2 = _bindings()
    try:
        queue = _schedd(htcondor2, schedd)
        queue.act(htcondor2.JobAction.Remove, [name], reason="replaced by --resubmit")
    except (htcondor2.HTCondorException, RuntimeError, OSError) as exc:
        raise CondorError(f"HTCondor did not remove {name}: {_line(exc)}") from exc


def remove_command(job: JobId, schedd: str = "") -> str:
    """Return the command that removes a job by hand."""
    return " ".join(["condor_rm", *_at(schedd), f"{job[0]}.{job[1]}"])


def _at(schedd: str) -> list[str]:
    return ["-name", schedd] if schedd else []


def _schedd_by_command(cluster: int) -> str:
    """Return the schedd that has just taken a cluster; empty where condor_q does not tell."""
    if not shutil.which("condor_q"):
        return ""
    try:
        return _schedd_in(_run(["condor_q", f"{cluster}.0", "-af", "GlobalJobId"]))
    except CondorError as exc:
        log.debug("the schedd of cluster %d is not known: %s", cluster, exc)
        return ""


def _schedd_in(global_id: str) -> str:
    """Return the schedd in a GlobalJobId, SCHEDD#CLUSTER.PROC#TIME."""
    schedd, mark, _ = global_id.strip().partition("#")
    return schedd if mark else ""


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


def _schedd(htcondor2: ModuleType, name: str) -> Any:
    """Return a schedd of the pool, the default one without a name."""
    if not name:
        return htcondor2.Schedd()
    return htcondor2.Schedd(htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, name))


def _schedd_by_bindings(htcondor2: ModuleType, queue: Any, cluster: int) -> str:
    try:
        found = queue.query(f"ClusterId == {cluster} && ProcId == 0", ["GlobalJobId"])
        return _schedd_in(str(found[0]["GlobalJobId"])) if found else ""
    except (htcondor2.HTCondorException, RuntimeError, OSError, KeyError) as exc:
        log.debug("the schedd of cluster %d is not known: %s", cluster, exc)
        return ""


def _submit_by_bindings(settings: CondorSettings, description: Path, schedd: str) -> Queued:
    htcondor2 = _bindings()
    try:
        if settings.attributes.get("MY.SendCredential"):
            htcondor2.Credd().add_user_cred(htcondor2.CredType.Kerberos, None)
        request = htcondor2.Submit(description.read_text(encoding="utf-8"))
        queue = _schedd(htcondor2, schedd)
        cluster = int(queue.submit(request).cluster())
        return Queued(cluster, schedd or _schedd_by_bindings(htcondor2, queue, cluster))
    except (htcondor2.HTCondorException, RuntimeError, ValueError, OSError, TypeError) as exc:
        raise CondorError(
            f"HTCondor did not accept {description}: {_line(exc)}; correct config.py, or try "
            "condor_submit_with = 'command' in it"
        ) from exc


def _line(exc: BaseException) -> str:
    return " ".join(str(exc).split()) or type(exc).__name__
