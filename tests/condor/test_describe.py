"""The submit description and the scripts: templates, attributes, and odd paths and arguments."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_test
from hypothesis import strategies as st

from lumimod.condor.chunks import Chunk
from lumimod.condor.describe import description, script
from lumimod.config.kinds.base import FrozenMap
from lumimod.config.sections.output import HTCONDOR_SUB
from lumimod.config.settings import CondorSettings
from lumimod.errors import CondorError

CHUNKS = [Chunk(1, (5845, 5846, 5847)), Chunk(2, (5848, 5849))]
JOBS = Path("/srv/jobs")
LINE = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r\n"), max_size=30
)


def settings(template: str = HTCONDOR_SUB, **attributes: Any) -> CondorSettings:
    pairs = FrozenMap(tuple((n.replace("MY_", "MY."), v) for n, v in attributes.items()))
    return CondorSettings(template, Path(), None, "", pairs, "auto")


def described(template: str = HTCONDOR_SUB, folder: Path = JOBS, **attributes: Any) -> str:
    return description(settings(template, **attributes), folder, CHUNKS, ["--config", "c.py"])


def commands(text: str) -> Mapping[str, str]:
    """Return the commands of a description as HTCondor takes them: the last one of a name wins."""
    pairs = (line.partition("=") for line in text.partition("queue chunk")[0].splitlines())
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def test_default_template_becomes_one_cluster_with_a_job_for_each_chunk() -> None:
    text = described()
    found = commands(text)
    assert found["executable"] == "/srv/jobs/chunk_$(chunk).sh"
    assert found["output"] == "chunk_$(chunk).out"
    assert found["error"] == "chunk_$(chunk).err"
    assert found["log"] == "/srv/jobs/lumimod.log"
    assert found["initialdir"] == "/srv/jobs"
    assert found["getenv"] == "True"
    assert found["submit_event_notes"] == "lumimod chunk $(chunk): fills $(fills)"
    assert text.endswith("queue chunk, fills from (\n1, 5845 5846 5847\n2, 5848 5849\n)\n")
    assert len(re.findall("^queue", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("queue", ["queue", "Queue 1", "  queue 3", "queue fills in (1 2)", ""])
def test_any_queue_of_the_template_gives_way(queue: str) -> None:
    text = described(f"executable = <EXE>\n{queue}\n")
    assert len(re.findall(r"^\s*queue", text, re.MULTILINE | re.IGNORECASE)) == 1


def test_every_mark_is_put_in() -> None:
    text = described("executable = <EXE>\narguments = <ARGS>\nbatch_name = x_<CHUNK>\n+F = <FILLS>")
    found = commands(text)
    report = "--report /srv/jobs/chunk_$(chunk).json"
    assert found["arguments"] == f'"--config c.py {report} --fill $(fills)"'
    assert found["batch_name"] == "x_$(chunk)"
    assert found["+F"] == "$(fills)"
    assert not re.search("<[A-Z]+>", text)


def test_job_killed_by_a_signal_is_started_again_unless_the_template_says_otherwise() -> None:
    assert "on_exit_remove" in commands(described())
    for own in ("max_retries = 2", "  ON_EXIT_REMOVE = True"):
        assert "ExitBySignal" not in described(f"executable = <EXE>\n{own}\n")


@pytest.mark.parametrize(
    ("killed", "n_starts", "leaves_queue"),
    [
        (False, 1, True), (False, 3, True),
        (True, 1, False), (True, 2, False), (True, 3, True), (True, 4, True),
    ],
)  # fmt: skip
def test_job_that_is_killed_each_time_is_started_three_times(
    killed: bool, n_starts: int, leaves_queue: bool
) -> None:
    expression = commands(described())["on_exit_remove"].replace("||", "or").replace("&&", "and")
    attributes = {"ExitBySignal": killed, "NumJobStarts": n_starts}
    assert eval(expression, {}, attributes) is leaves_queue


def test_attributes_come_after_the_template_and_are_written_by_their_kind() -> None:
    text = described(
        "executable = <EXE>\nrequest_cpus = 8\n",
        MY_JobFlavour="workday", MY_SendCredential=True, MY_MaxRuntime=7200, request_cpus=2,
        request_memory="4 GB", accounting_group="$x", MY_Comment='say "a\\b" $(x)',
    )  # fmt: skip
    found = commands(text)
    assert found["MY.JobFlavour"] == '"workday"'
    assert found["MY.SendCredential"] == "True"
    assert found["MY.MaxRuntime"] == "7200"
    assert found["request_cpus"] == "2"
    assert found["request_memory"] == "4 GB"
    assert found["accounting_group"] == "$(DOLLAR)x"
    assert found["MY.Comment"] == r'"say \"a\\b\" $(DOLLAR)(x)"'


def test_dollar_in_a_path_is_no_macro() -> None:
    found = commands(described(folder=Path("/srv/$(HOME) $x")))
    assert found["log"] == "/srv/$(DOLLAR)(HOME) $(DOLLAR)x/lumimod.log"


@pytest.mark.parametrize("name", ["a\nb", "a\rb"])
def test_line_break_in_a_path_is_refused(name: str) -> None:
    with pytest.raises(CondorError, match="holds a line break.*rename the folder"):
        described(folder=Path("/srv") / name)


def unquoted(line: str) -> list[str]:
    """Return the arguments as the manual of HTCondor's condor_submit says they are read."""
    assert line[0] == line[-1] == '"'
    inner = line[1:-1].replace('""', "\0")
    assert '"' not in inner
    inner = inner.replace("\0", '"').replace("$(DOLLAR)", "$")
    words: list[str] = []
    at, word, begun = 0, "", False
    while at < len(inner):
        if inner[at] == "'":
            begun = True
            at += 1
            while not (inner[at] == "'" and inner[at + 1 : at + 2] != "'"):
                at += inner[at] == "'"
                word += inner[at]
                at += 1
        elif inner[at].isspace():
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word, begun = word + inner[at], True
        at += 1
    return [*words, word] if begun else words


@settings_of_test(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(LINE, max_size=4))
def test_any_argument_comes_back_as_it_was(arguments: list[str]) -> None:
    template = settings("executable = <EXE>\narguments = <ARGS>")
    text = description(template, Path("/srv/a b's"), CHUNKS, arguments)
    (line,) = re.findall(r"^arguments = (.*?)$", text.replace("\n", "\0"), re.MULTILINE) or [
        text.partition("arguments = ")[2].partition("\n")[0]
    ]
    line = line.partition("\0")[0]
    report = "/srv/a b's/chunk_$(chunk).json"
    assert unquoted(line) == [*arguments, "--report", report, "--fill", "$(fills)"]


# --- scripts


def test_script_sets_up_goes_to_the_folder_and_runs_the_command(tmp_path: Path) -> None:
    text = script(
        Chunk(3, (7, 8)), ["echo", "run"], cwd=tmp_path, setup="export X=1\necho setup",
        environment={"LUMIMOD_JOB": "a b"},
    )  # fmt: skip
    assert text.startswith("#!/bin/bash\n# chunk 3: fills 7 8\nexport X=1\n")
    assert ran(tmp_path, text + "# never here").stdout == "setup\nrun --fill 7 8\n"


def test_script_without_its_folder_fails(tmp_path: Path) -> None:
    text = script(Chunk(3, (7,)), ["echo"], cwd=tmp_path / "no", setup="", environment={})
    done = ran(tmp_path, text)
    assert done.returncode == 1
    assert str(tmp_path / "no") in done.stderr


@pytest.mark.parametrize(
    "odd", ["a b", "it's", 'say "x"', "$(id) `id` $HOME", "a;b&c|d", "\u00e9\\n#", "-x", "*?"]
)
def test_odd_words_and_folders_reach_the_command_as_they_are(tmp_path: Path, odd: str) -> None:
    cwd = tmp_path / odd
    cwd.mkdir()
    command = ["/bin/sh", "-c", 'pwd -P; printf "%s\\n" "$1" "$JOB"', "sh", odd]
    text = script(Chunk(1, (7,)), command, cwd=cwd, setup="", environment={"JOB": odd})
    assert ran(tmp_path, text).stdout == f"{cwd.resolve()}\n{odd}\n{odd}\n"


def ran(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    path = folder / "script.sh"
    path.write_text(text)
    return subprocess.run(["bash", str(path)], capture_output=True, text=True, check=False)
