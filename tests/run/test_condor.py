"""The driver and HTCondor, without a pool: what is written, what is asked of the commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lumimod.condor import actions, submit
from lumimod.condor.folder import JobFolder, create_job_folder
from lumimod.condor.status import State, read_status
from lumimod.errors import CondorError, OutputError
from lumimod.run.report import FillReport
from lumimod.run.report_file import ReportFile, load_report
from lumimod.steps.registry import STEPS
from tests import forks

if TYPE_CHECKING:
    from tests.run.conftest import Outcome, Site

FILL, OTHER = 5845, 5848
NO_BEAMS = {"t_start_STABLE": -1.0, "t_stop_STABLE": -1.0, "flag_complete": True}
TOLD = f"fill {FILL}: no stable beams: nothing to follow up\n"
WHEN = "2026-11-25 03:55:53"


@pytest.fixture(autouse=True)
def no_pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide an HTCondor that this machine may have."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("CONDOR_CONFIG", raising=False)
    monkeypatch.setitem(sys.modules, "htcondor2", None)
    monkeypatch.setattr(actions, "POLL_S", 0.01)


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """Put commands of HTCondor in place that note how they were called; return their notes."""
    notes = tmp_path / "calls"
    for name, says in (("condor_submit", "7.0 - 7.1"), ("condor_rm", "all marked")):
        path = tmp_path / "bin" / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> "{notes}"\necho "{says}"\n')
        path.chmod(0o755)
    return lambda: notes.read_text().splitlines() if notes.exists() else []


def job_folder(outcome: Outcome) -> JobFolder:
    found = re.search(r", in (/.*)$", outcome.out, re.MULTILINE)
    assert found, outcome.out + outcome.err
    return JobFolder(Path(found[1]))


def happens(jobs: JobFolder, *events: tuple[int, int, str]) -> None:
    """Add events to the log: number, process of cluster 7, text."""
    with jobs.log.open("a") as log:
        for number, proc, text in events:
            log.write(f"{number:03} (007.{proc:03}.000) {WHEN} {text}\n...\n")


def submitted(proc: int, chunk: int) -> tuple[int, int, str]:
    return 0, proc, f"Job submitted from host: <x>\n    lumimod chunk {chunk}: fills ..."


def started(proc: int) -> tuple[int, int, str]:
    return 1, proc, "Job executing on host: <x>"


def ended(proc: int, status: int = 0) -> tuple[int, int, str]:
    return 5, proc, f"Job terminated.\n\t(1) Normal termination (return value {status})"


def reports(jobs: JobFolder, *fills: FillReport, left: Mapping[int, str] | None = None) -> None:
    """Write the report of job 1."""
    ReportFile(jobs.path / "chunk_1.json", fills, left or {})


def run_job(jobs: JobFolder) -> int:
    """Run what the script of job 1 runs; return its exit status."""
    command = (jobs.path / "chunk_1.sh").read_text().splitlines()[-1].split()
    return forks.run(*command[command.index("--config") :], cwd=jobs.path).returncode


def states(jobs: JobFolder) -> dict[int, tuple[State, str]]:
    return {f.fill: (f.state, f.why) for f in read_status(jobs).fills}


# --- submitting


def test_submission_is_one_call_of_condor_submit(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    outcome = site.run("-n", OTHER, FILL, "-s", "-b", 1, "-f", "model")
    assert outcome.status == 0
    jobs = job_folder(outcome)
    assert calls() == [f"condor_submit -terse {jobs.path}/lumimod.sub"]
    assert re.fullmatch(
        rf"lumimod_JOB_{OTHER}_{FILL}_\d{{8}}-\d{{6}}_[0-9a-f]{{6}}", jobs.path.name
    )
    assert jobs.path.parent == site.root
    assert outcome.out == f"cluster 7: 2 jobs, in {jobs.path}\n"
    assert {p.name for p in jobs.path.iterdir()} == {
        "lumimod.sub", "chunk_1.sh", "chunk_2.sh", "config.py", "command.sh", "job.json",
    }  # fmt: skip
    assert jobs.config.read_bytes() == site.config.read_bytes()
    assert f"\n1, {OTHER}\n2, {FILL}\n)" in (jobs.path / "lumimod.sub").read_text()
    (submission,) = jobs.load().submissions
    assert submission.cluster == 7
    assert submission.command[2:] == (
        "--config", str(site.config), *f"-n {OTHER} {FILL} -s -b 1 -f model".split(),
    )  # fmt: skip


def test_without_split_one_job_runs_all(site: Site, calls: Callable[[], list[str]]) -> None:
    outcome = site.run("--submit")
    assert "cluster 7: 1 job, in" in outcome.out
    assert [c.fills for c in job_folder(outcome).load().chunks] == [(FILL, OTHER)]
    assert len(calls()) == 1


def test_fills_without_stable_beams_and_unknown_ones_are_not_submitted(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    site.edit_modes(FILL, **NO_BEAMS)
    outcome = site.run("--submit", "--fill", FILL)
    assert (outcome.status, outcome.out, calls()) == (0, TOLD, [])
    outcome = site.run("--submit", "--fill", FILL, OTHER)
    assert (outcome.status, outcome.out.startswith(TOLD)) == (0, True)
    assert [c.fills for c in job_folder(outcome).load().chunks] == [(OTHER,)]
    outcome = site.run("--submit", "--fill", 9999)
    assert outcome.status == 1
    assert outcome.lines("ERROR", "fill 9999: not in the beam modes")
    assert len(calls()) == 1


@pytest.mark.slow
def test_a_job_whose_fill_ends_without_stable_beams_is_well(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit", "--fill", FILL))
    site.edit_modes(FILL, **NO_BEAMS)
    assert run_job(jobs) == 0
    happens(jobs, submitted(0, 1), ended(0))
    assert states(jobs) == {FILL: (State.NO_BEAMS, "")}
    outcome = site.run("--status", jobs.path)
    assert outcome.status == 0
    assert outcome.out.endswith(f"no stable beams  {FILL}\n1 fill: 1 no stable beams\n")
    assert "nothing to submit again" in site.run("--resubmit", jobs.path).out


def test_dry_run_writes_all_and_submits_nothing(site: Site, calls: Callable[[], list[str]]) -> None:
    outcome = site.run("--submit", "--split", 1, "--dry-run")
    assert outcome.status == 0
    jobs = job_folder(outcome)
    assert calls() == []
    assert "2 jobs not submitted" in outcome.out
    assert f"to submit: condor_submit {jobs.path / 'lumimod.sub'}" in outcome.out
    assert (jobs.path / "chunk_2.sh").exists()
    assert set(states(jobs).values()) == {(State.UNSUBMITTED, "")}
    assert not site.results.exists()
    said = site.run("--status", jobs.path, "--wait")
    assert said.status == 1
    assert "was written but not submitted; to submit it: condor_submit" in said.err
    out = site.run("--status", jobs.path).out
    assert out.splitlines()[-2:] == [
        "2 fills: 2 not submitted", f"to submit: condor_submit {jobs.path}/lumimod.sub",
    ]  # fmt: skip


def test_dry_run_needs_no_htcondor(site: Site) -> None:
    assert site.run("--submit", "--dry-run").status == 0


@pytest.mark.slow
def test_script_of_a_chunk_run_by_hand_makes_the_results(site: Site, tiny_results: Path) -> None:
    options = ["--force", "lumi", "--loglevel", 40, "--no-plots", "--jobs", 2, "--cascade"]
    jobs = job_folder(site.run("--submit", "--split", 1, "--dry-run", *options))
    text = (jobs.path / "chunk_1.sh").read_text()
    options_of_job = "--force lumi --no-plots --cascade --jobs 2 --loglevel 40"
    report = f"--report {jobs.path}/chunk_1.json"
    assert text.endswith(f"--config {jobs.config} {options_of_job} {report} --fill 5845\n")
    assert f"\nexport LUMIMOD_JOB={jobs.path.name}\n" in text
    assert "submit" not in text
    done = subprocess.run(
        [str(jobs.path / "chunk_1.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    whole = {p.name: p.read_bytes() for p in (tiny_results / f"fill_{FILL}").glob("*.pkl.gz")}
    assert site.contents(FILL) == whole
    assert site.made(OTHER) == []
    report = load_report(jobs.path / "chunk_1.json")
    assert report is not None
    assert list(report.fills[FILL].done) == list(STEPS)
    assert states(jobs) == {FILL: (State.DONE, ""), OTHER: (State.UNSUBMITTED, "")}


def test_config_of_the_jobs_is_the_copy_unless_it_depends_on_its_folder(site: Site) -> None:
    jobs = job_folder(site.run("--submit", "--dry-run"))
    assert jobs.load().config == str(jobs.config)
    with site.config.open("a") as file:
        file.write("import os\nmassi_afs_path = os.path.dirname(__file__) + '/massi/<YEAR>/'\n")
    outcome = site.run("--submit", "--dry-run")
    assert job_folder(outcome).load().config == str(site.config)
    assert outcome.lines("WARNING", str(site.config), "do not change it until they have ended")


def test_config_that_imports_its_neighbour_is_read_where_it_is(site: Site) -> None:
    (site.root / "settings_of_2017.py").write_text("STEP = 300\n")
    with site.config.open("a") as file:
        file.write("from settings_of_2017 import STEP\nt_step_sec = STEP\n")
    try:
        jobs = job_folder(site.run("--submit", "--dry-run"))
    finally:
        sys.modules.pop("settings_of_2017", None)
    assert jobs.load().config == str(site.config)


@pytest.mark.parametrize(
    ("line", "copied"),
    [
        ("import neighbour", False),
        ("from neighbour.part import STEP", False),
        ("try:\n    import package\nexcept ImportError:\n    pass", False),
        ("import json, os.path", True),
        ("import lumimod", True),
        ("STEP = 'import neighbour'", True),
    ],
)
def test_any_import_from_its_folder_keeps_config_where_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, line: str, copied: bool
) -> None:
    (site.root / "package").mkdir()
    (site.root / "lumimod").mkdir()
    (site.root / "neighbour.py").touch()
    # Imported before, as where the program is started in this folder: the copy can be read too.
    module = types.ModuleType("neighbour")
    module.__path__ = []  # type: ignore[attr-defined]
    part = types.ModuleType("neighbour.part")
    part.STEP = 300  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "neighbour", module)
    monkeypatch.setitem(sys.modules, "neighbour.part", part)
    with site.config.open("a") as file:
        file.write(f"{line}\n")
    jobs = job_folder(site.run("--submit", "--dry-run"))
    assert jobs.load().config == str(jobs.config if copied else site.config)


def test_other_interpreter_setup_and_folder_are_used(site: Site) -> None:
    site.configure(
        condor_python="python3.99", condor_setup=["source /view/setup.sh", "export X=1"],
        condor_folder=str(site.root / "jobs here"),
    )  # fmt: skip
    jobs = job_folder(site.run("--submit", "--dry-run"))
    assert jobs.path.parent == site.root / "jobs here"
    text = (jobs.path / "chunk_1.sh").read_text()
    assert "source /view/setup.sh\nexport X=1\n" in text
    assert "exec python3.99 " in text


def test_jobs_run_the_installed_package_where_there_is_no_checkout(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions.lumimod, "__file__", str(site.root / "lib/lumimod/__init__.py"))
    jobs = job_folder(site.run("--submit", "--dry-run"))
    assert jobs.load().driver == (sys.executable, "-m", "lumimod")
    assert f"exec {sys.executable} -m lumimod --config" in (jobs.path / "chunk_1.sh").read_text()


def test_fills_without_work_are_submitted_only_by_number(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    finished.remove("lumi", fill=OTHER)
    assert [c.fills for c in job_folder(finished.run("-s")).load().chunks] == [(OTHER,)]
    both = finished.run("-s", "-n", FILL, OTHER)
    assert [c.fills for c in job_folder(both).load().chunks] == [(FILL, OTHER)]
    finished.run()
    assert finished.run("-s").out == "2 fills: nothing to do\n"
    assert len(calls()) == 2


def test_unknown_fill_is_told_and_the_others_are_submitted(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    outcome = site.run("-s", "-n", FILL, 1234)
    assert outcome.status == 1
    assert outcome.lines("ERROR", "fill 1234", "not in the beam modes")
    assert [c.fills for c in job_folder(outcome).load().chunks] == [(FILL,)]
    assert site.run("-s", "-n", 1234).status == 1
    assert len(calls()) == 1


def test_job_folder_on_eos_is_warned_of(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert actions.is_on_eos(Path("/eos/user/m/me/followup"))
    assert not actions.is_on_eos(Path("/afs/cern.ch/work/m/me/eos"))
    monkeypatch.setattr(actions, "is_on_eos", lambda path: site.root in path.parents)
    outcome = site.run("--submit", "--dry-run")
    assert outcome.lines("WARNING", "lumimod_JOB_", "on EOS", "condor_folder")


def test_job_folder_that_cannot_be_made_is_told(site: Site) -> None:
    site.configure(condor_folder=str(site.config))
    outcome = site.run("--submit", "--dry-run")
    assert outcome.status == 1
    assert outcome.lines("job folder", "cannot be made", "condor_folder")


def test_two_submissions_at_once_get_folders_of_their_own(site: Site) -> None:
    folders = {job_folder(site.run("--submit", "--dry-run")).path for _ in range(4)}
    assert len(folders) == 4


# --- no HTCondor, or one that refuses


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("auto", ["no HTCondor on this machine", "condor_submit", "CONDOR_CONFIG", "--jobs N"]),
        ("command", ["no command condor_submit", "lxplus", "--jobs N"]),
        ("bindings", ["htcondor2 cannot be imported", "pip install htcondor", "--jobs N"]),
    ],
)
def test_machine_without_htcondor_is_told_what_to_do(site: Site, way: str, said: list[str]) -> None:
    site.configure(condor_submit_with=way)
    outcome = site.run("--submit")
    assert outcome.status == 1
    assert outcome.lines(*said)
    assert not list(site.root.glob("lumimod_JOB_*"))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'ERROR: no schedd' >&2; exit 1", "condor_submit failed: ERROR: no schedd"),
        ("exit 3", "condor_submit failed: exit status 3"),
        ("echo welcome", "condor_submit printed 'welcome' instead of one cluster"),
    ],
)
def test_condor_submit_that_fails_is_quoted(
    site: Site, calls: Callable[[], list[str]], script: str, said: str
) -> None:
    (site.root / "bin/condor_submit").write_text(f"#!/bin/sh\n{script}\n")
    outcome = site.run("--submit")
    assert outcome.status == 1
    assert outcome.lines(said, "nothing was submitted; the files for it are in")


def test_condor_submit_that_does_not_run_is_told(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    (site.root / "bin/condor_submit").write_text("#!/nowhere\n")
    assert site.run("--submit").lines("condor_submit could not be run", "try again")


def test_condor_submit_that_does_not_end_is_told(
    site: Site, calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (site.root / "bin/condor_submit").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(submit, "_TIMEOUT_S", 0.2)
    assert site.run("--submit").lines("condor_submit could not be run", "timed out", "try again")


class Bindings(types.ModuleType):
    """Stands in for htcondor2."""

    class HTCondorException(Exception):  # noqa: N818 - its name there
        pass

    def __init__(self, pool: str = "here", error: Exception | None = None) -> None:
        super().__init__("htcondor2")
        self.param = {"COLLECTOR_HOST": pool}
        self.calls: list[Any] = []
        self.CredType = types.SimpleNamespace(Kerberos="Kerberos")
        self.JobAction = types.SimpleNamespace(Remove="Remove")
        self.DaemonType = types.SimpleNamespace(Schedd="schedd")
        self.jobs: list[dict[str, str]] = []
        self.error = error

    def Submit(self, text: str) -> str:
        return text

    def Credd(self) -> Bindings:
        return self

    def Schedd(self, location: object = None) -> Bindings:
        if location is not None:
            self.calls.append(("at", location))
        return self

    def Collector(self) -> Bindings:
        return self

    def locate(self, kind: str, name: str) -> str:
        return f"the {kind} {name}"

    def query(self, constraint: str, projection: list[str]) -> list[dict[str, str]]:
        return self.jobs

    def add_user_cred(self, *what: object) -> None:
        self.calls.append(what)

    def submit(self, text: str) -> Bindings:
        if self.error:
            raise self.error
        self.calls.append(text)
        return self

    def cluster(self) -> int:
        return 7

    def act(self, *what: object, reason: str) -> None:
        if self.error:
            raise self.error
        self.calls.append((*what, reason))


def test_bindings_submit_what_is_written_with_credentials(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.configure(condor_attributes={"SendCredential": True})
    bindings = Bindings()
    monkeypatch.setitem(sys.modules, "htcondor2", bindings)
    jobs = job_folder(site.run("--submit"))
    text = (jobs.path / "lumimod.sub").read_text()
    assert bindings.calls == [("Kerberos", None), text]
    assert "\nMY.SendCredential = True\n" in text


def test_bindings_are_taken_if_config_says_so_and_without_credentials_by_default(
    site: Site, calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.configure(condor_submit_with="bindings")
    bindings = Bindings()
    monkeypatch.setitem(sys.modules, "htcondor2", bindings)
    jobs = job_folder(site.run("--submit"))
    assert bindings.calls == [(jobs.path / "lumimod.sub").read_text()]
    assert calls() == []


def test_bindings_that_fail_are_quoted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    error = Bindings.HTCondorException("no\nschedd")
    monkeypatch.setitem(sys.modules, "htcondor2", Bindings(error=error))
    outcome = site.run("--submit")
    assert outcome.status == 1
    assert outcome.lines("HTCondor did not accept", "lumimod.sub: no schedd;", "condor_submit")


@pytest.mark.parametrize("way", ["auto", "bindings"])
def test_bindings_without_a_pool_are_no_way(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setitem(sys.modules, "htcondor2", Bindings(pool=""))
    site.configure(condor_submit_with=way)
    assert site.run("--submit").lines("CONDOR_CONFIG", "--jobs N")


def test_bindings_remove_a_job(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    bindings = Bindings()
    monkeypatch.setitem(sys.modules, "htcondor2", bindings)
    submit.remove_job(site.cfg.condor, (7, 0))
    submit.remove_job(site.cfg.condor, (8, 1), "bigbird13.cern.ch")
    assert bindings.calls == [
        ("Remove", ["7.0"], "replaced by --resubmit"),
        ("at", "the schedd bigbird13.cern.ch"),
        ("Remove", ["8.1"], "replaced by --resubmit"),
    ]
    bindings.error = RuntimeError("gone")
    with pytest.raises(CondorError, match=r"did not remove 7\.0: gone"):
        submit.remove_job(site.cfg.condor, (7, 0))


# --- another schedd


LOG_AT_CERN = Path(__file__).parents[1] / "data/cases/condor_other_schedd.log"
"""In the form of HTCondor 24.12: the event of the cluster, times without a year, the alias."""


def held_at_cern(site: Site) -> JobFolder:
    """Return a job folder whose one job is held at the schedd bigbird13."""
    jobs = job_folder(site.run("--submit", "-n", FILL, "--dry-run"))
    manifest = json.loads(jobs.manifest_file.read_text())
    manifest["submissions"][0].update(cluster=15004600, submitted=WHEN)
    del manifest["submissions"][0]["schedd"]  # as an older version wrote it
    jobs.manifest_file.write_text(json.dumps(manifest))
    jobs.log.write_bytes(LOG_AT_CERN.read_bytes())
    return jobs


def test_a_held_job_is_removed_from_the_schedd_that_the_log_names(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = held_at_cern(site)
    assert "held" in site.run("--status", jobs.path).out
    assert site.run("--resubmit", jobs.path).status == 0
    at = "-name bigbird13.cern.ch"
    assert calls() == [
        f"condor_rm {at} 15004600.0", f"condor_submit -terse {at} {jobs.path}/resubmit_1.sub",
    ]  # fmt: skip
    assert jobs.load().submissions[1].schedd == "bigbird13.cern.ch"


def test_a_job_that_cannot_be_removed_is_named_and_its_fills_are_submitted_again(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = held_at_cern(site)
    (site.root / "bin/condor_rm").write_text("#!/bin/sh\necho no such job >&2; exit 1\n")
    outcome = site.run("--resubmit", jobs.path)
    assert outcome.status == 0
    assert outcome.lines(
        "WARNING", "job 15004600.0 is still held (condor_rm failed: no such job)",
        "to remove it: condor_rm -name bigbird13.cern.ch 15004600.0",
    )  # fmt: skip
    assert [c.fills for c in jobs.load().chunks] == [(FILL,), (FILL,)]


@pytest.mark.parametrize("says", ["bigbird20.cern.ch#7.0#1700000000", "", "nothing of it"])
def test_the_schedd_of_a_submission_is_noted(
    site: Site, calls: Callable[[], list[str]], says: str
) -> None:
    (site.root / "bin/condor_q").write_text(f'#!/bin/sh\necho "{says}"\n')
    (site.root / "bin/condor_q").chmod(0o755)
    jobs = job_folder(site.run("--submit", "-n", FILL))
    assert jobs.load().submissions[0].schedd == says.partition("#")[0] * ("#" in says)
    happens(jobs, submitted(0, 1), (12, 0, "Job was held.\n\tno disk"))
    site.run("--resubmit", jobs.path)
    at = "-name bigbird20.cern.ch " * ("#" in says)
    assert calls()[1:] == [
        f"condor_rm {at}7.0", f"condor_submit -terse {at}{jobs.path}/resubmit_1.sub",
    ]  # fmt: skip


def test_condor_q_that_fails_costs_no_submission(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    (site.root / "bin/condor_q").write_text("#!/bin/sh\nexit 1\n")
    (site.root / "bin/condor_q").chmod(0o755)
    assert job_folder(site.run("--submit", "-n", FILL)).load().submissions[0].schedd == ""


def test_bindings_note_the_schedd_and_go_back_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.configure(condor_submit_with="bindings")
    bindings = Bindings()
    bindings.jobs = [{"GlobalJobId": "bigbird20.cern.ch#7.0#1"}]
    monkeypatch.setitem(sys.modules, "htcondor2", bindings)
    jobs = job_folder(site.run("--submit", "-n", FILL))
    assert jobs.load().submissions[0].schedd == "bigbird20.cern.ch"
    happens(jobs, submitted(0, 1), (12, 0, "Job was held.\n\tno disk"))
    site.run("--resubmit", jobs.path)
    assert bindings.calls.count(("at", "the schedd bigbird20.cern.ch")) == 2


# --- submissions that fail


def fail_to_submit(site: Site) -> None:
    (site.root / "bin/condor_submit").write_text("#!/bin/sh\necho no schedd >&2; exit 1\n")


def test_a_failed_submission_does_not_hide_the_one_before(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit", "-n", FILL))
    fail_to_submit(site)
    assert site.run("--submit", "-n", OTHER).status == 1
    assert site.run("--status").out.startswith(f"{jobs.path}\n")


def test_fills_of_a_failed_resubmission_stay_those_of_their_job(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit", "-n", FILL))
    happens(jobs, submitted(0, 1), REMOVED)
    fail_to_submit(site)
    assert site.run("--resubmit", jobs.path).status == 1
    assert states(jobs) == {FILL: (State.REMOVED, "via x")}
    assert len(jobs.load().submissions) == 1


# --- afterwards


@pytest.fixture
def jobs(site: Site, calls: Callable[[], list[str]]) -> JobFolder:
    """Return a job folder of two chunks, of which HTCondor has said nothing yet."""
    return job_folder(site.run("--submit", "--split", 1))


def test_jobs_that_the_log_does_not_know_yet_are_idle(site: Site, jobs: JobFolder) -> None:
    assert states(jobs)[FILL] == (State.IDLE, "not in lumimod.log yet")
    outcome = site.run("--status", jobs.path)
    assert outcome.status == 0
    assert f"fill {FILL}: idle: not in lumimod.log yet; missing: {' '.join(STEPS)}\n" in outcome.out


def test_status_follows_the_log_and_the_results(site: Site, jobs: JobFolder) -> None:
    happens(jobs, submitted(0, 1), submitted(1, 2), started(0))
    assert states(jobs) == {FILL: (State.RUNNING, ""), OTHER: (State.IDLE, "")}
    site.run("--fill", FILL)
    happens(jobs, ended(0), started(1), (12, 1, "Job was held.\n\tquota exceeded\n\tCode 1"))
    outcome = site.run("--status", jobs.path)
    assert outcome.status == 1
    assert outcome.out.splitlines() == [
        str(jobs.path),
        "chunk  job  state  fills",
        f"1      7.0  done   {FILL}",
        f"2      7.1  held   {OTHER}",
        f"fill {OTHER}: held: quota exceeded; missing: {' '.join(STEPS)}",
        "2 fills: 1 held, 1 done",
        f"to continue held jobs: condor_release; to replace them: --resubmit {jobs.path}",
    ]


def test_fill_whose_job_ended_well_without_results_has_missing_steps(
    site: Site, jobs: JobFolder
) -> None:
    site.run("--fill", FILL)
    site.remove("fits", "lifetime")
    happens(jobs, submitted(0, 1), submitted(1, 2), ended(0), ended(1))
    (fill, _) = read_status(jobs).fills
    assert (fill.state, fill.missing) == (State.MISSING, ("fits", "lifetime"))
    out = site.run("--status", jobs.path).out
    assert f"fill {FILL}: missing steps: missing: fits lifetime\n" in out


@pytest.mark.slow
def test_failure_that_a_job_reported_counts_even_if_old_results_are_there(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER, "-f", "sb"))
    happens(jobs, submitted(0, 1), ended(0, 1))
    finished.paths().bbb_data.write_bytes(b"")
    assert run_job(jobs) == 1
    assert states(jobs)[OTHER] == (State.DONE, "")
    state, why = states(jobs)[FILL]
    assert state is State.FAILED
    assert why.startswith("sb: ")
    assert "the file is empty" in why


def test_error_of_two_lines_is_that_of_its_fill_alone(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER))
    happens(jobs, submitted(0, 1), ended(0, 1))
    two_lines = f"no luck\nfill {OTHER}: sb: nor here"
    reports(jobs, FillReport(FILL, failed={"sb": two_lines}), FillReport(OTHER, {"sb": 1.0}))
    assert states(jobs) == {
        FILL: (State.FAILED, f"sb: no luck fill {OTHER}: sb: nor here"),
        OTHER: (State.DONE, ""),
    }
    assert "2 fills: 1 done, 1 failed" in finished.run("--status", jobs.path).out


@pytest.mark.parametrize(
    ("events", "rest"),
    [
        ([started(0)], (State.RUNNING, "")),
        ([(4, 0, "Job was evicted.")], (State.IDLE, "Job was evicted; starts again")),
        ([(12, 0, "Job was held.\n\tno disk")], (State.HELD, "no disk")),
        (
            [started(0), (5, 0, "Job terminated.\n\t(0) Abnormal termination (signal 9)")],
            (State.FAILED, "killed by signal 9 at each of 1 starts"),
        ),
    ],
    ids=["running", "evicted", "held", "killed"],
)
def test_fill_that_a_job_had_finished_is_done_whatever_became_of_the_job(
    finished: Site,
    calls: Callable[[], list[str]],
    events: list[tuple[int, int, str]],
    rest: tuple[State, str],
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER))
    happens(jobs, submitted(0, 1), *events)
    assert set(states(jobs).values()) == {rest}
    reports(jobs, FillReport(OTHER, {"sb": 1.0}))
    assert states(jobs) == {FILL: rest, OTHER: (State.DONE, "")}


REMOVED = (9, 0, "Job was aborted.\n\tvia x")


def test_fill_whose_results_are_all_there_is_done_though_its_job_was_removed(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER))
    finished.remove("fits", fill=OTHER)
    happens(jobs, submitted(0, 1), REMOVED)
    assert states(jobs) == {FILL: (State.DONE, ""), OTHER: (State.REMOVED, "via x")}
    reports(jobs, FillReport(FILL, failed={"plots": "no luck"}))
    assert states(jobs)[FILL] == (State.FAILED, "plots: no luck")


@pytest.mark.parametrize("options", [["--force", "sb"], ["--plots"]])
def test_results_that_were_there_before_do_not_tell_that_a_removed_job_made_them(
    finished: Site, calls: Callable[[], list[str]], options: list[str]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, *options))
    happens(jobs, submitted(0, 1), REMOVED)
    assert states(jobs) == {FILL: (State.REMOVED, "via x")}


def test_fill_that_failed_in_a_job_waits_for_the_end_of_the_job(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    # Submitted again now, it would run twice at once if the job is started again.
    jobs = job_folder(site.run("--submit", "-n", FILL))
    reports(jobs, FillReport(FILL, failed={"sb": "no luck"}))
    happens(jobs, submitted(0, 1), started(0))
    assert states(jobs) == {FILL: (State.RUNNING, "")}
    happens(jobs, (9, 0, "Job was aborted.\n\tvia x"))
    assert states(jobs) == {FILL: (State.FAILED, "sb: no luck")}


def test_result_that_was_removed_since_the_report_is_missing(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER))
    happens(jobs, submitted(0, 1), ended(0, 1))
    reports(jobs, FillReport(FILL, {"sb": 1.0}), FillReport(OTHER, failed={"sb": "no luck"}))
    finished.remove("fits")
    (fill, _) = read_status(jobs).fills
    assert (fill.state, fill.why, fill.missing) == (State.MISSING, "", ("fits",))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"fills": [7], "left": {}}', "\xff"])
def test_report_that_cannot_be_read_is_told_and_the_results_count(
    finished: Site, calls: Callable[[], list[str]], text: str
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER))
    happens(jobs, submitted(0, 1), ended(0))
    finished.remove("fits", fill=OTHER)
    (jobs.path / "chunk_1.json").write_text(text, encoding="latin-1")
    outcome = finished.run("--status", jobs.path)
    assert len(outcome.lines("WARNING", f"{jobs.path}/chunk_1.json cannot be read")) == 1
    assert "2 fills: 1 done, 1 missing steps" in outcome.out


def test_job_folder_of_an_older_version_has_no_reports_and_its_results_count(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "--split", 1, "-n", FILL, OTHER))
    finished.remove("fits", fill=OTHER)
    happens(jobs, submitted(0, 1), submitted(1, 2), ended(0), ended(1))
    assert states(jobs) == {FILL: (State.DONE, ""), OTHER: (State.MISSING, "")}


def test_job_that_broke_before_its_report_failed_for_all_its_fills(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit"))
    happens(jobs, submitted(0, 1), ended(0, 2))
    (jobs.path / "chunk_1.err").write_text("Traceback\n  MemoryError\n")
    assert set(states(jobs)) == {FILL, OTHER}
    for state, why in states(jobs).values():
        assert state is State.FAILED
        assert why == (
            f"job ended with status 2 and no report of the fill: MemoryError; see "
            f"{jobs.path}/chunk_1.err"
        )
    (jobs.path / "chunk_1.err").write_text("x" * 1000)
    assert f": {'x' * 200}; see" in states(jobs)[FILL][1]
    (jobs.path / "chunk_1.err").unlink()
    assert "no report of the fill; see" in states(jobs)[FILL][1]


def test_steps_that_were_not_asked_for_are_not_missing(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit", "-n", FILL, "--doOnly", "sb"))
    site.run("-n", FILL, "--doOnly", "sb")
    happens(jobs, submitted(0, 1), ended(0))
    assert states(jobs) == {FILL: (State.DONE, "")}


def test_fill_that_a_job_left_to_another_run_says_so_until_that_has_done_it(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit", "-n", FILL))
    happens(jobs, submitted(0, 1), ended(0))
    reports(jobs, left={FILL: "process 7 on here, since 1 May 10:00"})
    left = "left to another run (process 7 on here, since 1 May 10:00)"
    assert states(jobs) == {FILL: (State.MISSING, left)}
    site.run("-n", FILL)
    assert states(jobs) == {FILL: (State.DONE, "")}


def test_pictures_alone_have_no_missing_steps(site: Site, calls: Callable[[], list[str]]) -> None:
    jobs = job_folder(site.run("--submit", "-n", FILL, "--plots", "cycle"))
    assert "--plots cycle --report" in (jobs.path / "chunk_1.sh").read_text()
    happens(jobs, submitted(0, 1), ended(0))
    assert states(jobs) == {FILL: (State.DONE, "")}


def test_log_that_was_cleared_away_leaves_the_results_to_tell(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL))
    assert states(jobs) == {FILL: (State.DONE, "")}


def test_command_to_submit_by_hand_serves_where_the_path_has_spaces(site: Site) -> None:
    site.configure(condor_folder=str(site.root / "jobs here"))
    jobs = job_folder(site.run("--submit", "--dry-run"))
    command = f"condor_submit '{jobs.path}/lumimod.sub'"
    assert command in site.run("--status", jobs.path).out
    assert command in site.run("--status", jobs.path, "--wait").err


def test_newest_job_folder_is_shown_by_default(site: Site, jobs: JobFolder) -> None:
    old = jobs.path.rename(jobs.path.with_name("lumimod_JOB_1_2_20200101-000000_abcdef"))
    newest = job_folder(site.run("--submit"))
    os.utime(old / "job.json", (2e9, 2e9))  # as by --resubmit: the submission is what counts
    (site.root / "lumimod_JOB_1_2_20990101-000000_abcdef").mkdir()  # without job.json
    outcome = site.run("--status")
    assert outcome.out.startswith(f"{newest.path}\n")
    assert outcome.lines("the newest of 2 job folders")


def test_status_can_be_asked_from_anywhere(
    site: Site, jobs: JobFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    site.config.unlink()
    assert "2 idle" in site.run("--status", jobs.path).out
    assert Path.cwd() == elsewhere
    (jobs.path / "chunk_1.json").write_text("broken")
    monkeypatch.chdir(jobs.path)
    monkeypatch.setenv("HOME", str(jobs.path.parent))
    for name in (".", f"~/{jobs.path.name}"):
        outcome = site.run("--status", name)
        assert "2 idle" in outcome.out
        assert outcome.lines("WARNING", f"{jobs.path}/chunk_1.json cannot be read")


def test_no_job_folder_at_all_is_told(site: Site) -> None:
    outcome = site.run("--status")
    assert outcome.out == "no fill has been run yet\n"
    assert outcome.lines("no job folder lumimod_JOB_... in", "--submit")
    assert site.run("--wait").status == 1


def test_folder_that_is_none_of_a_job_is_told(site: Site) -> None:
    outcome = site.run("--status", site.root)
    assert outcome.status == 1
    assert outcome.lines("is not a job folder", "job.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"submissions": [1]}', "\xff"])
def test_broken_job_folder_is_told(site: Site, jobs: JobFolder, text: str) -> None:
    jobs.manifest_file.write_text(text)
    assert site.run("--status", jobs.path).lines("job.json cannot be read")


def test_working_directory_that_is_gone_is_told(site: Site, jobs: JobFolder) -> None:
    data = json.loads(jobs.manifest_file.read_text())
    jobs.manifest_file.write_text(json.dumps({**data, "cwd": "/no/such/folder"}))
    assert site.run("--status", jobs.path).lines("/no/such/folder", "cannot be entered")


def test_waiting_ends_when_no_job_goes_on(
    site: Site, jobs: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [
        [started(0)],
        [],  # nothing new, nothing said
        [started(1), (12, 1, "Job was held.\n\tno disk")],
        [ended(0)],
    ]
    site.run("--fill", FILL)
    happens(jobs, submitted(0, 1), submitted(1, 2))
    monkeypatch.setattr(actions.time, "sleep", lambda _: happens(jobs, *steps.pop(0)))
    outcome = site.run("--status", jobs.path, "--wait")
    assert steps == []
    assert outcome.status == 1
    assert [line.rpartition(" : ")[2] for line in outcome.lines("fills: ")] == [
        "2 fills: 2 idle",
        "2 fills: 1 idle, 1 running",
        "2 fills: 1 running, 1 held",
        "2 fills: 1 held, 1 done",
    ]
    assert "2 fills: 1 held, 1 done\n" in outcome.out


def test_waiting_spares_a_slow_file_system(
    site: Site, jobs: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(jobs, submitted(0, 1), submitted(1, 2))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            happens(jobs, (9, 0, "Job was aborted."), (9, 1, "Job was aborted."))

    clock = iter(range(0, 100, 10))
    monkeypatch.setattr(actions.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(actions.time, "sleep", sleep)
    actions.wait(jobs)
    assert slept == [actions.POLL_S, 50.0]


def test_bar_counts_the_fills_that_wait_and_run_no_more(
    site: Site, jobs: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = []

    class Bar:
        n = 0

        def __init__(self, **options: object) -> None:
            shown.append(options["total"])

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *exc: object) -> None: ...

        def set_description(self, text: str) -> None:
            shown.append((self.n, text))

    happens(jobs, submitted(0, 1), submitted(1, 2))
    steps = [[(9, 0, "Job was aborted.")], [(9, 1, "Job was aborted.")]]
    monkeypatch.setattr(actions, "tqdm", Bar)
    monkeypatch.setattr(actions.time, "sleep", lambda _: happens(jobs, *steps.pop(0)))
    actions.wait(jobs)
    assert shown == [2, (0, "2 idle"), (1, "1 idle, 1 removed"), (2, "2 removed")]


def test_suspended_job_needs_no_help(site: Site, jobs: JobFolder) -> None:
    happens(jobs, submitted(0, 1), submitted(1, 2), started(0), (10, 0, "Job was suspended."))
    assert states(jobs)[FILL] == (State.SUSPENDED, "")
    assert site.run("--status", jobs.path).status == 0
    assert "nothing to submit again" in site.run("--resubmit", jobs.path).out


def test_fill_with_missing_steps_is_submitted_again(
    finished: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(finished.run("--submit", "-n", FILL, OTHER))
    happens(jobs, submitted(0, 1), ended(0))
    finished.remove("fits")
    finished.run("--resubmit", jobs.path)
    assert jobs.load().submissions[1].chunks == ((2, (FILL,)),)


def test_chunks_submitted_again_are_as_large_as_before_and_never_share_a_number(
    site: Site, jobs: JobFolder
) -> None:
    log = [submitted(0, 1), submitted(1, 2)]
    for chunks in ([(3, (FILL,)), (4, (OTHER,))], [(5, (FILL,)), (6, (OTHER,))]):
        happens(jobs, *log, (9, 0, "Job was aborted."), (9, 1, "Job was aborted."))
        site.run("--resubmit", jobs.path)
        assert list(jobs.load().submissions[-1].chunks) == chunks
        log = [submitted(0, chunks[0][0]), submitted(1, chunks[1][0])]
    happens(jobs, *log, (9, 0, "Job was aborted."), (9, 1, "Job was aborted."))
    site.run("--resubmit", jobs.path, "--split", 2)
    assert list(jobs.load().submissions[-1].chunks) == [(7, (FILL, OTHER))]


def test_dry_run_of_resubmit_removes_no_held_job(
    site: Site, jobs: JobFolder, calls: Callable[[], list[str]]
) -> None:
    happens(jobs, submitted(0, 1), submitted(1, 2), started(0), (12, 1, "Job was held."))
    site.run("--resubmit", jobs.path, "--dry-run")
    assert len(calls()) == 1


def test_only_fills_that_failed_or_never_finished_are_submitted_again(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit", "--split", 1, "-f", "lumi"))
    site.run("--fill", FILL)
    happens(jobs, submitted(0, 1), submitted(1, 2), ended(0), (9, 1, "Job was aborted.\n\tvia x"))
    assert states(jobs)[OTHER] == (State.REMOVED, "via x")
    outcome = site.run("--resubmit", jobs.path)
    assert outcome.status == 0
    assert calls()[1:] == [f"condor_submit -terse {jobs.path}/resubmit_1.sub"]
    again = jobs.load().submissions[1]
    assert [(c.number, c.fills) for c in again.chunks] == [(3, (OTHER,))]
    assert again.command[-2:] == ("--resubmit", str(jobs.path))
    text = (jobs.path / "chunk_3.sh").read_text()
    assert f"--force lumi --report {jobs.path}/chunk_3.json --fill 5848" in text
    assert states(jobs)[OTHER][0] is State.IDLE
    assert "nothing to submit again" in site.run("--resubmit", jobs.path).out
    assert len(calls()) == 2


def test_held_jobs_are_removed_before_they_are_submitted_again(
    site: Site, jobs: JobFolder, calls: Callable[[], list[str]]
) -> None:
    held = (12, 1, "Job was held.\n\tno disk")
    happens(jobs, submitted(0, 1), submitted(1, 2), started(0), held)
    site.run("--resubmit", jobs.path)
    assert calls()[1:] == ["condor_rm 7.1", f"condor_submit -terse {jobs.path}/resubmit_1.sub"]


def test_submitting_again_can_split_otherwise_and_only_write(
    site: Site, calls: Callable[[], list[str]]
) -> None:
    jobs = job_folder(site.run("--submit"))
    happens(jobs, submitted(0, 1), (9, 0, "Job was aborted."))
    outcome = site.run("--resubmit", jobs.path, "--split", 1, "--dry-run")
    assert [c.fills for c in jobs.load().submissions[1].chunks] == [(FILL,), (OTHER,)]
    assert len(calls()) == 1
    assert "to submit: condor_submit" in outcome.out
    assert "resubmit_1.sub" in site.run("--status", jobs.path).out


@pytest.mark.slow
def test_waiting_can_follow_a_submission_at_once(
    site: Site, calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: float) -> None:
        (path,) = site.root.glob("lumimod_JOB_*")
        assert run_job(JobFolder(path)) == 0
        happens(JobFolder(path), submitted(0, 1), ended(0))

    monkeypatch.setattr(actions.time, "sleep", work)
    outcome = site.run("--submit", "-n", FILL, "--wait")
    assert outcome.status == 0
    assert outcome.out.endswith("1 fill: 1 done\n")


# --- what rarely happens


@pytest.mark.parametrize(
    "error", [RuntimeError("no schedd"), OSError("gone"), KeyError("GlobalJobId")]
)
def test_a_schedd_that_cannot_be_asked_for_its_name_costs_no_submission(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    site.configure(condor_submit_with="bindings")
    bindings = Bindings()

    def fail(*_: object) -> list[dict[str, str]]:
        raise error

    monkeypatch.setattr(bindings, "query", fail)
    monkeypatch.setitem(sys.modules, "htcondor2", bindings)
    outcome = site.run("--submit", "--verbose")
    assert outcome.status == 0
    assert outcome.lines("the schedd of cluster 7 is not known")
    (submission,) = job_folder(outcome).load().submissions
    assert (submission.cluster, submission.schedd) == (7, "")


def test_config_that_is_none_in_another_folder_is_read_where_it_is(site: Site) -> None:
    with site.config.open("a") as file:
        file.write(
            "from pathlib import Path\n"
            "t_step_sec = 300 if (Path(__file__).parent / 'data').is_dir() else -1\n"
        )
    outcome = site.run("--submit", "--dry-run")
    assert job_folder(outcome).load().config == str(site.config)
    assert outcome.lines("WARNING", str(site.config), "do not change it until they have ended")


def test_a_job_folder_on_a_full_disk_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> Any:
        raise OutputError(f"{path} cannot be written (No space left on device)")

    monkeypatch.setattr(actions, "replacing", fail)
    outcome = site.run("--submit", "--dry-run")
    assert outcome.status == 1
    assert outcome.err.endswith("config.py cannot be written (No space left on device)\n")


def test_a_name_of_a_job_folder_that_is_taken_gives_way_to_another(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(["aaaaaa", "aaaaaa", "bbbbbb"])
    monkeypatch.setattr("lumimod.condor.folder.secrets.token_hex", lambda _: next(numbers))
    now = datetime(2026, 11, 25, 3, 55, 53)
    made = [create_job_folder(site.root, [FILL], now).path.name for _ in range(2)]
    stem = f"lumimod_JOB_{FILL}_{FILL}_20261125-035553"
    assert made == [f"{stem}_aaaaaa", f"{stem}_bbbbbb"]


def test_a_broken_job_folder_counts_as_the_newest_so_that_it_is_told(
    site: Site, jobs: JobFolder
) -> None:
    broken = site.root / f"lumimod_JOB_{FILL}_{FILL}_29991231-000000_ffffff"
    broken.mkdir()
    (broken / "job.json").write_text("{")
    outcome = site.run("--status")
    assert outcome.status == 1
    assert str(broken) in outcome.err


def test_resubmitting_can_wait_for_the_new_jobs(
    site: Site, calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = job_folder(site.run("--submit", "-n", FILL))
    happens(jobs, submitted(0, 1), REMOVED)

    def work(_: float) -> None:
        with jobs.log.open("a") as log:
            for number, text in (
                (0, "Job submitted from host: <x>\n    lumimod chunk 2: fills"),
                (5, "Job terminated.\n\t(1) Normal termination (return value 0)"),
            ):
                log.write(f"{number:03} (008.000.000) {WHEN} {text}\n...\n")

    monkeypatch.setattr(actions.time, "sleep", work)
    again = site.root / "bin/condor_submit"
    again.write_text(again.read_text().replace("7.0 - 7.1", "8.0 - 8.0"))
    outcome = site.run("--resubmit", jobs.path, "--wait")
    assert outcome.status == 1  # its results are missing
    assert f"fill {FILL}: missing steps" in outcome.out
