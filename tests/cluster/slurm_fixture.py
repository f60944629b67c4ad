"""A real SLURM of one node on the loopback interface, started and stopped by a test.

Nothing is installed and no running service is touched. The daemons are children of the
test process with a munge key, ports and directories of their own; the one file outside is
``/etc/slurm/slurm.conf``, because ``srun`` inside a job forgets every ``SLURM_*`` variable
and looks nowhere else. A configuration there that this module did not write is left alone:
`unavailable` then gives the reason to skip.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Job", "OneNodeSlurm", "unavailable", "wait_for"]

CONFIGURATION = Path("/etc/slurm/slurm.conf")
MARKER = "# Written by linvae's tests/cluster/slurm_fixture.py; removed when they end."
PREFIX = "linvae-slurm-"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
# /usr/sbin is not on the path of every user, and the daemons live there.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

TEMPLATE = """{marker}
ClusterName=linvae-test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
# The counts below hold whatever slurmd detects inside a container.
SlurmdParameters=config_overrides
# 2: a node that was lost returns to service as soon as it registers again.
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
KillWait=5
# How long squeue remembers a job that has ended: the tests look at them all at the end.
MinJobAge=3600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
# A request that cannot be met is refused; pending for ever it would hang the test.
EnforcePartLimits=ALL
"""


@dataclass(frozen=True)
class Job:
    """One line of ``squeue``; `comment` names the rule and its wildcards."""

    id: str
    state: str
    memory: str
    directory: str
    comment: str


def unavailable() -> str | None:
    """Say why SLURM cannot be started here, or give None where it can."""
    if not sys.platform.startswith("linux"):
        return f"a one-node SLURM needs Linux, this is {sys.platform}"
    missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCH_PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: apt-get install slurm-wlm munge)"
    if os.geteuid() != 0:
        return "starting munged, slurmctld and slurmd needs root"
    if CONFIGURATION.exists() and not _is_ours(CONFIGURATION):
        return f"{CONFIGURATION} exists and was not written by this test: it is left alone"
    return None


def wait_for(condition: Callable[[], object], timeout: float, what: str) -> object:
    """Poll until `condition` is true and return its value; fail with `what` after `timeout` s."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.25)
    message = f"{what}: not reached within {timeout:g} s"
    raise TimeoutError(message)


@dataclass
class OneNodeSlurm:
    """munged, slurmctld and slurmd of one node, for the length of a ``with`` block."""

    directory: Path = field(init=False)
    _exit: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)

    def __enter__(self) -> OneNodeSlurm:
        with contextlib.ExitStack() as undo:
            self._start(undo)
            self._exit = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start(self, undo: contextlib.ExitStack) -> None:
        """Start the daemons; each step first says how it is undone."""
        CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(CONFIGURATION.parent, os.O_RDONLY)
        undo.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes side by side take turns
        for stale in Path("/run").glob(f"{PREFIX}*"):
            shutil.rmtree(stale, ignore_errors=True)  # of a test process that was killed
        # Not below pytest's own directory: munge wants a socket that every user can reach.
        self.directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/run"))
        undo.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.directory.chmod(0o755)
        for name in ("state", "spool"):
            (self.directory / name).mkdir()
        undo.callback(CONFIGURATION.unlink, missing_ok=True)
        _write_configuration(self.directory)
        self._daemon(undo, "munged", *_munge_options(self.directory))
        wait_for((self.directory / "munge.socket").exists, 20, "munged")
        self._daemon(undo, "slurmctld", "-D", "-c")
        self._daemon(undo, "slurmd", "-D", "-c")
        undo.callback(self._cancel_all)
        self.wait_until_idle()

    def _daemon(self, undo: contextlib.ExitStack, name: str, *options: str) -> None:
        """Start a daemon in the foreground that ends with the test process, however that ends."""
        program = shutil.which(name, path=SEARCH_PATH)
        log = undo.enter_context((self.directory / f"{name}.log").open("w"))
        command = ["setpriv", "--pdeathsig", "TERM", program, *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        undo.callback(_end, process)

    def _cancel_all(self) -> None:
        """Cancel what is left and wait for it: a job must not outlive its daemons."""
        _output("scancel", "--state=PENDING")
        _output("scancel", "--state=RUNNING")
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not self.jobs(), 30, "no job left")

    def wait_until_idle(self, timeout: float = 60) -> None:
        """Wait until the node takes jobs; on failure show what the daemons wrote."""
        try:
            wait_for(lambda: self.node_state() == "idle", timeout, "node idle")
        except TimeoutError as error:
            logs = {path.name: path.read_text()[-2000:] for path in self.directory.glob("*.log")}
            error.add_note(f"node is {self.node_state()!r}\n{logs}")
            raise

    def node_state(self) -> str:
        """State of the node as ``sinfo`` words it: idle, mixed, allocated, draining, drained."""
        return _output("sinfo", "--noheader", "--format=%T")

    def jobs(self, *states: str, directory: Path | None = None) -> list[Job]:
        """List the jobs in the given states (all unfinished ones without), newest last.

        With `directory` only those that were submitted to run there.
        """
        chosen = [f"--states={','.join(states)}"] if states else []
        layout = "--format=%A|%T|%m|%Z|%k"
        lines = _output("squeue", "--noheader", "--sort=i", layout, *chosen).splitlines()
        jobs = [Job(*line.strip().split("|", 4)) for line in lines]
        return [job for job in jobs if directory is None or Path(job.directory) == directory]

    def wait_for_job(self, state: str, directory: Path, timeout: float = 120) -> Job:
        """Wait for a job of `directory` to be in `state`, and return the first such job."""

        def found() -> Job | None:
            return next(iter(self.jobs(state, directory=directory)), None)

        return wait_for(found, timeout, f"a job of {directory} in state {state}")

    def cancel(self, job_id: str) -> None:
        """``scancel`` a job."""
        _output("scancel", job_id, check=True)

    def drain(self) -> None:
        """Take the node out of service: running jobs go on, no other starts."""
        self._set_node("State=DRAIN", "Reason=test")

    def resume(self) -> None:
        """Bring a drained node back."""
        self._set_node("State=RESUME")

    def _set_node(self, *settings: str) -> None:
        _output("scontrol", "update", f"NodeName={_host()}", *settings, check=True)


def _is_ours(path: Path) -> bool:
    return path.read_text(errors="replace").startswith(MARKER)


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _write_configuration(directory: Path) -> None:
    """Write slurm.conf, having looked again that no foreign one has come in between."""
    if CONFIGURATION.exists() and not _is_ours(CONFIGURATION):
        message = f"{CONFIGURATION} is not this test's own: refusing to overwrite it"
        raise RuntimeError(message)
    controller_port, node_port = _free_ports(2)
    text = TEMPLATE.format(
        marker=MARKER,
        host=_host(),
        directory=directory,
        controller_port=controller_port,
        node_port=node_port,
        cpus=len(os.sched_getaffinity(0)),
        # More than a small machine has: nothing enforces it, and the requests of the
        # rules must never be refused here.
        memory_mb=65536,
    )
    CONFIGURATION.write_text(text)


def _munge_options(directory: Path) -> list[str]:
    """Give munged its own key, socket and files, so that it meets no system munge."""
    key = directory / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    names = {"socket": "munge.socket", "pid-file": "munged.pid", "seed-file": "munged.seed"}
    paths = [f"--{option}={directory / name}" for option, name in names.items()]
    return ["--foreground", f"--key-file={key}", f"--log-file={directory / 'munge.log'}", *paths]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _output(*command: str, check: bool = False) -> str:
    """Run a SLURM command; unless `check`, one that fails (no controller yet) gives ''."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=check)
    return done.stdout.strip()


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
