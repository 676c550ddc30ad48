"""A lock is given to one, and ends with whoever holds it."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from disks import change, disk

from cplib._base import files
from cplib.errors import StorageError

fcntl = pytest.importorskip("fcntl")  # what is tested here is POSIX's

HOLDER = """
import sys, time
from pathlib import Path
from cplib._base import files
with files.hold(Path(sys.argv[1])):
    print("held", flush=True)
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
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_another_process_holds_it_until_it_is_killed(tmp_path, holder, capsys):
    with files.hold(tmp_path / "another", "Waiting."):
        assert not capsys.readouterr().err
    threading.Timer(0.5, holder.kill).start()
    with files.hold(tmp_path / "lock", "Waiting."):
        assert holder.wait() and capsys.readouterr().err == "Waiting.\n"


def test_threads_do_not_share_it(tmp_path):
    order = []

    def look():
        with files.hold(tmp_path / "lock"):
            order.append("second")

    thread = threading.Thread(target=look)
    with files.hold(tmp_path / "lock"):
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_an_error_within_lets_go(tmp_path):
    with pytest.raises(KeyError), files.hold(tmp_path / "lock"):
        raise KeyError
    with files.hold(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_it_says_so_and_goes_on(tmp_path, monkeypatch, code):
    """No marker takes the lock's place: it would outlive an owner that is killed."""

    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    for _ in range(2):
        with (
            pytest.warns(UserWarning, match=r"has no locks.*twice"),
            files.hold(tmp_path / "lock"),
        ):
            pass


def test_a_read_only_folder_is_named(tmp_path):
    with disk(tmp_path / "disk") as folder:
        change(folder, "ro")
        said = pytest.raises(StorageError, match=r"disk.*Read-only.*CPLIB_CACHE")
        with said, files.hold(folder / "lock"):
            pass
