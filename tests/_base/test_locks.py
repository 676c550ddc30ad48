"""A lock is given to one, and ends with whoever holds it."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from disks import change, disk

from cplib._base import locks
from cplib.errors import StorageError

fcntl = pytest.importorskip("fcntl")  # what is tested here is POSIX's

HOLDER = """
import sys, time
from pathlib import Path
from cplib._base import locks
with locks.hold(Path(sys.argv[1])) as held:
    print(held, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, which holds the lock `tmp_path / "lock"`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_holds_it_until_it_is_killed(tmp_path, holder):
    with locks.hold(tmp_path / "lock") as held:
        assert not held
    with locks.hold(tmp_path / "another") as held:
        assert held
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locks.hold(tmp_path / "lock") as held:
        assert held


def test_it_can_be_waited_for(tmp_path, holder, capsys):
    with locks.hold(tmp_path / "another", wait=True, words="Waiting.") as held:
        assert held and not capsys.readouterr().err
    threading.Timer(0.5, holder.kill).start()
    with locks.hold(tmp_path / "lock", wait=True, words="Waiting.") as held:
        assert held and holder.wait() and capsys.readouterr().err == "Waiting.\n"


def test_threads_do_not_share_it(tmp_path):
    seen = []

    def look():
        with locks.hold(tmp_path / "lock") as held:
            seen.append(held)

    with locks.hold(tmp_path / "lock") as held:
        assert held
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()
    assert seen == [False, True]


def test_an_error_within_lets_go(tmp_path):
    with pytest.raises(KeyError), locks.hold(tmp_path / "lock"):
        raise KeyError
    with locks.hold(tmp_path / "lock") as held:
        assert held


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_it_says_so_and_goes_on(tmp_path, monkeypatch, code):
    """No marker takes the lock's place: it would outlive an owner that is killed."""

    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    for _ in range(2):
        said = pytest.warns(UserWarning, match=r"has no locks.*twice")
        with said, locks.hold(tmp_path / "lock") as held:
            assert held


def test_a_read_only_folder_is_named(tmp_path):
    with disk(tmp_path / "disk") as folder:
        change(folder, "ro")
        said = pytest.raises(StorageError, match=r"disk.*Read-only.*CPLIB_CACHE")
        with said, locks.hold(folder / "lock"):
            pass
