"""A real HTCondor pool of one machine, for the tests: `python tests/condor/pool.py up | down`.

Debian 12 has no HTCondor package, so that of Debian 13 is unpacked into a cache, with the
libraries it needs, and its programs are told to use these: they then run outside of it and see
this machine's own files and Python. HTCondor runs no job as root: where root starts the pool it
belongs to `nobody`, and so do the jobs.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SUITE = "trixie"
REPOSITORY = Path(__file__).resolve().parents[2]
UP_TIMEOUT_S = 60.0
BUILD_TIMEOUT_S = 240.0
DOWN_TIMEOUT_S = 20.0
SETTLED_S = 0.2
PYTHON = "/usr/bin/python3"
"""Of the machine, readable by everyone: the one of the tests may lie in someone's home."""

CONFIG = """\
RELEASE_DIR = {release}/usr
BIN = $(RELEASE_DIR)/bin
SBIN = $(RELEASE_DIR)/sbin
LIB = $(RELEASE_DIR)/lib/condor
LIBEXEC = $(RELEASE_DIR)/libexec/condor
LOCAL_DIR = {folder}
LOG = $(LOCAL_DIR)/log
SPOOL = $(LOCAL_DIR)/spool
EXECUTE = $(LOCAL_DIR)/execute
LOCK = $(LOCAL_DIR)/lock
RUN = $(LOCAL_DIR)/run
LOCAL_CONFIG_FILE =
REQUIRE_LOCAL_CONFIG_FILE = False
CONDOR_IDS = {user}.{group}
SCHEDD_NAME = lumimod
CONDOR_HOST = 127.0.0.1
COLLECTOR_HOST = 127.0.0.1:{port}
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
USE_SHARED_PORT = False
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD STARTD
use SECURITY:HOST_BASED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, CLAIMTOBE
SEC_CLIENT_AUTHENTICATION_METHODS = FS, CLAIMTOBE
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_ADMINISTRATOR = *
ALLOW_CONFIG = *
ALLOW_NEGOTIATOR = *
ALLOW_DAEMON = *
ALLOW_OWNER = *
ALLOW_CLIENT = *
UID_DOMAIN = lumimod.test
TRUST_UID_DOMAIN = True
SOFT_UID_DOMAIN = True
START = True
NUM_CPUS = 4
MEMORY = 8192
NUM_SLOTS = 1
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1 = 100%
SLOT_TYPE_1_PARTITIONABLE = True
JOB_DEFAULT_REQUESTMEMORY = 512
JOB_DEFAULT_REQUESTDISK = 1024
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 5
PERIODIC_EXPR_INTERVAL = 5
JOB_START_DELAY = 0
RUNBENCHMARKS = False
ENABLE_SSH_TO_JOB = False
SCHEDD_EXPIRE_STATS_BY_OWNER = False
"""


_MASTERS: dict[int, subprocess.Popen[bytes]] = {}
"""Of pools that this process has brought up."""


class NoPoolError(Exception):
    """A pool cannot be brought up on this machine; the message says why."""


@dataclass(frozen=True)
class Pool:
    """A pool, running or not, and its folder."""

    folder: Path

    @property
    def config(self) -> Path:
        """The file for CONDOR_CONFIG."""
        return self.folder / "condor_config"

    @property
    def programs(self) -> Path:
        """Folder of HTCondor's commands alone.

        Beside them in the release are `tail`, `head` and others of another Debian, which do not run
        with the C library of this one.
        """
        return self.folder / "bin"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "master.pid"

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment to use the pool."""
        return {
            "CONDOR_CONFIG": str(self.config),
            "PATH": os.pathsep.join([str(self.programs), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            # The machines of CI may have more cores than they give.
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @property
    def runs(self) -> bool:
        """Whether its master is alive."""
        pid = self._pid
        return pid is not None and _is_master(pid, self.config)

    @property
    def _pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None

    def up(self) -> None:
        """Start the daemons and wait until the pool takes jobs."""
        if self.runs:
            return
        build()
        for name in ("log", "spool", "execute", "lock", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        user, group = ids()
        self.config.write_text(
            CONFIG.format(
                release=release(), folder=self.folder, port=_free_port(), user=user, group=group
            )
        )
        self._link_programs()
        for path in (self.folder, *self.folder.iterdir()):
            give(path)
        (self.folder / "execute").chmod(0o755)
        with (self.folder / "master.out").open("wb") as out:
            master = subprocess.Popen(
                [str(release() / "usr/sbin/condor_master"), "-f"],
                cwd=self.folder, env={**self.environment}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, **as_user(),
            )  # fmt: skip
        _MASTERS[master.pid] = master
        self._pid_file.write_text(f"{master.pid}\n")
        try:
            self._await_start(master)
        except BaseException:
            self.down()
            raise

    def _link_programs(self) -> None:
        shutil.rmtree(self.programs, ignore_errors=True)
        self.programs.mkdir()
        for folder in ("usr/sbin", "usr/bin"):
            for program in sorted((release() / folder).glob("condor_*")):
                link = self.programs / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)

    def _await_start(self, master: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + UP_TIMEOUT_S
        while time.monotonic() < limit:
            if master.poll() is not None:
                break
            slots = self.call("condor_status", "-af", "Name", check=False).stdout.split()
            queue = self.call("condor_q", "-totals", check=False)
            if slots and queue.returncode == 0:
                return
            time.sleep(0.5)
        said = (self.folder / "master.out").read_text(errors="replace")
        raise NoPoolError(f"the daemons of HTCondor did not start: {said[-500:]}")

    def down(self) -> None:
        """Stop the daemons, which takes their jobs along."""
        pid = self._pid
        if pid is None:
            return
        if _is_master(pid, self.config):
            family = [pid, *_descendants(pid)]
            os.kill(pid, signal.SIGQUIT)  # fast shutdown
            limit = time.monotonic() + DOWN_TIMEOUT_S
            while _alive(pid) and time.monotonic() < limit:
                time.sleep(SETTLED_S)
            for child in family:
                if _alive(child) and _environment_has(child, f"CONDOR_CONFIG={self.config}"):
                    os.kill(child, signal.SIGKILL)
        master = _MASTERS.pop(pid, None)
        if master is not None:
            master.wait(timeout=DOWN_TIMEOUT_S)
        self._pid_file.unlink(missing_ok=True)

    def call(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of HTCondor as the pool's user."""
        return self.run(command, check=check)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        check: bool = True,
        timeout_s: float = 120.0,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the pool's user, in its environment."""
        done = subprocess.run(
            list(command), cwd=cwd or self.folder, env={**self.environment, **environment},
            capture_output=True, text=True, timeout=timeout_s, check=False, **as_user(),
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{list(command)} ended with {done.returncode}: {done.stderr}")
        return done


# --- places and people


def cache() -> Path:
    """Return the folder for what is built once, which the pool's user must be able to read."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    readable = all(p.stat().st_mode & 0o001 for p in (home, *home.parents) if p.exists())
    return (home if readable or os.getuid() != 0 else Path("/var/cache")) / "lumimod"


def release() -> Path:
    """Return where HTCondor and its libraries are."""
    shared = Path("/var/cache/lumimod") / f"htcondor-{SUITE}"
    return shared if (shared / "complete").exists() else cache() / f"htcondor-{SUITE}"


def ids() -> tuple[int, int]:
    """Return the numbers of the pool's user and group."""
    if os.getuid() != 0:
        return os.getuid(), os.getgid()
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def as_user() -> dict[str, object]:
    """Return what starts a process as the pool's user."""
    if os.getuid() != 0:
        return {}
    user, group = ids()
    return {"user": user, "group": group, "extra_groups": []}


def give(path: Path) -> None:
    """Give a file or folder to the pool's user."""
    user = as_user()
    if user:
        os.chown(path, user["user"], user["group"])  # type: ignore[arg-type]


def give_all(folder: Path) -> None:
    """Give a folder and all in it to the pool's user."""
    for path in (folder, *folder.rglob("*")):
        give(path)


# --- building


def build() -> None:
    """Unpack HTCondor into the cache, unless it is there.

    Raises
    ------
    NoPoolError
        It cannot be done on this machine.
    """
    with _alone():
        _build(release())


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time build, what everyone can read."""
    before = os.umask(0o022)
    try:
        cache().mkdir(parents=True, exist_ok=True)
        lock = (cache() / "lock").open("w")
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as exc:
        raise NoPoolError(f"{cache()} cannot be written ({exc.strerror})") from exc
    finally:
        os.umask(before)


def _build(target: Path) -> None:
    if (target / "complete").exists():
        return
    _check_means()
    sys.stderr.write(f"unpacking HTCondor into {target}, once\n")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    target.chmod(0o755)
    mirror = _mirror()
    _must(["debootstrap", "--variant=minbase", SUITE, str(target), mirror])
    policy = target / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")  # no package starts a daemon
    policy.chmod(0o755)
    inside = ["chroot", str(target), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    _must([*inside, "update"])
    _must([*inside, "install", "-y", "--no-install-recommends", "htcondor"])
    _must([*inside, "clean"])
    _relink(target)
    for waste in ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/lib/apt/lists"):
        shutil.rmtree(target / waste, ignore_errors=True)
    (target / "complete").touch()


def _check_means() -> None:
    if sys.platform != "linux":
        raise NoPoolError("not on Linux")
    if os.getuid() != 0:
        raise NoPoolError(f"not root, and no HTCondor in {release()}")
    missing = [tool for tool in ("debootstrap", "patchelf", "chroot") if not shutil.which(tool)]
    if missing:
        raise NoPoolError(f"no {', '.join(missing)} (Debian: apt install debootstrap patchelf)")


def _mirror() -> str:
    """Return the address from which this machine gets its own Debian packages."""
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    text = "\n".join(path.read_text() for path in files if path.is_file())
    lines = (line.strip() for line in text.splitlines())
    addresses = [
        word.rstrip("/")
        for line in lines
        if re.match(r"(deb\s|URIs:)", line)
        for word in line.split()
        if "://" in word
    ]
    for address in addresses:
        if address.endswith("/debian"):
            return address
    raise NoPoolError("no mirror of Debian in /etc/apt")


def _must(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=BUILD_TIMEOUT_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NoPoolError(f"{command[0]} failed: {exc}") from exc
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()[-5:]
        raise NoPoolError(f"{command[0]} failed ({done.returncode}): {' | '.join(said)}")


def _relink(root: Path) -> None:
    """Let HTCondor's programs find their libraries in `root`, run from outside of it."""
    loader = root / "usr/lib64/ld-linux-x86-64.so.2"
    path = f"{root}/usr/lib:{root}/usr/lib/x86_64-linux-gnu"
    for binary in _elf_files(_programs(root)):
        has_loader = subprocess.run(
            ["patchelf", "--print-interpreter", str(binary)], capture_output=True, check=False
        )
        loads = ["--set-interpreter", str(loader)] if has_loader.returncode == 0 else []
        _must(["patchelf", *loads, "--force-rpath", "--set-rpath", path, str(binary)])
    for name in ("libcondor_utils*.so*", "libclassad.so*"):
        for library in _elf_files((root / "usr/lib").glob(name)):
            _must(["patchelf", "--force-rpath", "--set-rpath", path, str(library)])


def _programs(root: Path) -> Iterator[Path]:
    for folder in ("usr/sbin", "usr/bin"):
        yield from sorted((root / folder).glob("condor_*"))
    for folder in ("usr/libexec/condor", "usr/lib/condor"):
        yield from sorted((root / folder).glob("*"))


def _elf_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file() and not path.is_symlink() and path.open("rb").read(4) == b"\x7fELF":
            yield path


def interpreter() -> Path:
    """Return a Python with all that lumimod needs but itself, which everyone can read."""
    wanted = (REPOSITORY / "pyproject.toml").read_bytes() + str(Path(PYTHON).resolve()).encode()
    folder = cache() / f"python-{hashlib.sha256(wanted).hexdigest()[:12]}"
    with _alone():
        if not (folder / "complete").exists():
            _make_interpreter(folder)
    return folder / "bin/python"


def _make_interpreter(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin/python")
    _must([PYTHON, "-m", "venv", str(folder)])
    with tempfile.TemporaryDirectory() as scratch:
        source = copy_package(Path(scratch))
        _must([python, "-m", "pip", "install", "-q", str(source)])
    _must([python, "-m", "pip", "uninstall", "-q", "-y", "lumimod"])
    (folder / "complete").touch()


def copy_package(folder: Path) -> Path:
    """Copy the program into a folder, as a fresh clone has it; return where."""
    target = folder / "checkout"
    target.mkdir()
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "lumimod", target / "lumimod", ignore=unwanted)
    for name in ("lumimod.py", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


# --- processes


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _is_master(pid: int, config: Path) -> bool:
    """Tell whether a process is the master of the pool with this configuration."""
    return _alive(pid) and _environment_has(pid, f"CONDOR_CONFIG={config}")


def _environment_has(pid: int, entry: str) -> bool:
    try:
        return entry.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _descendants(pid: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(stat.parent.name)
            yield child
            yield from _descendants(child)


# --- the command


def default_pool() -> Pool:
    """Return the pool of `make pool-up`."""
    return Pool(Path(tempfile.gettempdir()) / f"lumimod-pool-{os.getuid()}")


FOR_ROOT = """\
# This pool runs its jobs as nobody. Root may submit to it, but the folder of results and jobs
# (working_folder) must be writable for nobody, and Python readable:
#   mkdir /tmp/followup && chown nobody /tmp/followup
#   condor_python = {python!r}  in config.py
"""


def to_use(pool: Pool) -> str:
    """Return lines for a shell that make the pool usable in it: eval "$(make -s pool-up)"."""
    root = FOR_ROOT.format(python=str(interpreter())) if os.getuid() == 0 else ""
    return (
        f"export CONDOR_CONFIG={shlex.quote(str(pool.config))}\n"
        f'export PATH={shlex.quote(str(pool.programs))}:"$PATH"\n{root}'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Bring the pool up or down."""
    p = argparse.ArgumentParser(description="A real HTCondor pool on this machine, for the tests.")
    p.add_argument("what", choices=("up", "down", "build"))
    what = p.parse_args(argv).what
    pool = default_pool()
    try:
        if what == "down":
            pool.down()
        elif what == "build":
            build()
            interpreter()
        else:
            pool.up()
            sys.stdout.write(to_use(pool))
    except NoPoolError as exc:
        sys.stderr.write(f"no pool: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
