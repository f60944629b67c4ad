"""One run at a time in a folder of results."""

import os
import signal
import subprocess
import sys

import pytest

from linvae.jobs.lock import LockedError, lock

HOLD = """
import sys, time
from linvae.jobs.lock import lock
held = lock(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_one_is_told_who_holds_it(tmp_path, holder):
    with pytest.raises(LockedError, match=rf"\.lock is held by process {holder.pid} on ") as caught:
        lock(tmp_path)
    assert "\n" not in str(caught.value)
    assert f"in {os.getcwd()}, since 20" in str(caught.value)


def test_it_goes_with_the_process_however_that_ends(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with lock(tmp_path):
        assert f"process {os.getpid()} on" in (tmp_path / ".lock").read_text()


def test_a_lock_that_cannot_be_opened_is_one_line(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(LockedError, match=r"\.lock cannot be opened \(Is a directory\)"):
        lock(tmp_path)


def test_it_is_given_back(tmp_path):
    lock(tmp_path / "results").close()
    lock(tmp_path / "results").close()
