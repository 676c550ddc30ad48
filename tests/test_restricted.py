"""Where something is missing: a stderr, semaphores, processes, MD5, permissions."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import loky
import numpy as np
import pytest

from cplib import results, studies
from cplib.__main__ import main
from cplib._base import console
from cplib.data import download, published
from cplib.engine import workers

ROOT = Path(__file__).parents[1]
STUDY = studies.get("1TL", "smoke")
PATIENCE = 600  # seconds, on a busy machine


def compute(cache, **options):
    return results.compute(STUDY, [0], cache=cache, workers=1, **options)


# -- streams


class OnlyWrites:
    """As some servers replace stderr."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


class Gone(io.StringIO):
    """A pipe whose reader has ended."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.fixture(params=[lambda: None, closed, OnlyWrites, Gone])
def odd(request):
    return request.param()


def test_training_needs_neither_stdout_nor_stderr(tmp_path, monkeypatch, odd):
    monkeypatch.setattr(sys, "stderr", odd)
    monkeypatch.setattr(sys, "stdout", odd)
    result = compute(tmp_path, progress=True)
    assert (sys.stderr, sys.stdout) == (odd, odd)
    monkeypatch.undo()
    assert len(result.table)


def test_downloading_needs_no_stderr(tmp_path, monkeypatch, odd):
    source = tmp_path / "there"
    source.write_bytes(b"x" * 100)
    digest = hashlib.md5(b"x" * 100, usedforsecurity=False).hexdigest()
    archive = download.Archive(source.name, digest, (f"{source.parent.as_uri()}/",))
    monkeypatch.setattr(sys, "stderr", odd)
    path = download.fetch(archive, tmp_path / "kept")
    console.say("Done.")
    monkeypatch.undo()
    assert path.read_bytes() == b"x" * 100


def test_a_command_that_fails_needs_no_stderr(monkeypatch, odd):
    monkeypatch.setattr(sys, "stderr", odd)
    status = main(["run", "1TX"])
    monkeypatch.undo()
    assert status == 2


def test_what_is_for_stderr_never_goes_to_stdout(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stderr", None)
    compute(tmp_path, progress=True)
    console.say("For those who watch.")
    assert capsys.readouterr().out == ""


def test_streams_that_work_are_left_alone(capsys):
    before = sys.stdout, sys.stderr
    with console.present():
        assert (sys.stdout, sys.stderr) == before
        console.say("So it is.")
    assert capsys.readouterr().err == "So it is.\n"


SWEEP = """
import sys
from pathlib import Path
from cplib import engine, studies
study = studies.get("timing", "smoke")
cache, seeds = Path(sys.argv[1]), range(int(sys.argv[2]))
engine.run(study.setup, study.runs, seeds, workers=2, cache=cache)
(cache / "finished").touch()
"""


def sweep(tmp_path, before="", streams="", seeds=1, **options):
    """A script that trains with two workers, started by a shell."""
    script = tmp_path / "script.py"
    script.write_text(before + SWEEP)
    return subprocess.Popen(
        ["sh", "-c", f'exec "$0" "$@" {streams}', sys.executable, str(script),
         str(tmp_path), str(seeds)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, **options,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="closes descriptors, as POSIX has them")
@pytest.mark.parametrize("streams", ["2>&-", "<&- >&- 2>&-"])
def test_workers_need_no_open_descriptors(tmp_path, streams):
    process = sweep(tmp_path, streams=streams)
    assert process.wait(timeout=PATIENCE) == 0
    assert (tmp_path / "finished").exists()


# -- processes


REFUSALS = [
    OSError(30, "Read-only file system"),
    OSError(28, "No space left on device"),
    ImportError("This platform lacks a functioning sem_open implementation"),
    NotImplementedError("system provides too few semaphores"),
    RuntimeError("can't start new thread"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_without_a_pool_this_process_trains(monkeypatch, error):
    def refuse(**_):
        raise error

    monkeypatch.setattr(loky, "get_reusable_executor", refuse)
    words = error.args[-1]
    with pytest.warns(UserWarning, match=rf"No worker.*\({words}\).*in this process"):
        executor, count = workers.pool(2, "cpu", 9)
    assert (type(executor), count) == (workers.InProcess, 1)


def test_a_pool_that_cannot_be_filled_is_given_up(monkeypatch):
    """Its first process is there, the second cannot be started."""
    first = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def submit(_):
        raise OSError(11, "Resource temporarily unavailable")

    def shutdown(**_):
        stopped.append(True)

    stopped = []
    pool = types.SimpleNamespace(
        submit=submit, shutdown=shutdown, _processes={first.pid: first}
    )
    monkeypatch.setattr(loky, "get_reusable_executor", lambda **_: pool)
    try:
        with pytest.warns(UserWarning, match="temporarily unavailable"):
            executor, _ = workers.pool(2, "cpu", 9)
        assert isinstance(executor, workers.InProcess) and stopped
        assert first.wait(timeout=60)
    finally:
        first.kill()
        first.communicate()


WITHOUT_SEMAPHORES = """
import loky.backend.synchronize

def refuse(*_):
    raise OSError(30, "Read-only file system")

loky.backend.synchronize._SemLock = refuse
"""


@pytest.mark.slow
def test_a_sweep_without_semaphores_ends_well(tmp_path):
    process = sweep(tmp_path, WITHOUT_SEMAPHORES, stderr=subprocess.PIPE)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and (tmp_path / "finished").exists()
    assert said.count("No worker processes can be started here (Read-only") == 1
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="semaphores with names are POSIX's")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_that_is_ended_from_outside_leaves_no_semaphore_and_no_word(
    tmp_path, ending
):
    """As batch systems do at the end of the time, and systems short of memory."""
    process = sweep(tmp_path, seeds=40, stderr=subprocess.PIPE)
    until = time.monotonic() + PATIENCE
    while not list(tmp_path.glob("states/*/*.state")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(ending)
    _, said = process.communicate(timeout=PATIENCE)  # until what it started has ended
    assert process.returncode == -ending
    assert "leaked" not in said and "resource_tracker" not in said
    assert not list(Path("/dev/shm").glob(f"*loky-{process.pid}-*"))


def test_warnings_that_the_user_chose_are_kept():
    code = "import os, cplib.engine; print(os.environ['PYTHONWARNINGS'])"
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
    for chosen in ({}, {"PYTHONWARNINGS": "error::DeprecationWarning"}):
        done = subprocess.run(
            [sys.executable, "-c", code], env=kept | chosen, capture_output=True,
            text=True,
        )  # fmt: skip
        wanted = chosen.get("PYTHONWARNINGS", "ignore:resource_tracker")
        assert done.stdout.strip() == wanted


# -- checksums and permissions


@pytest.fixture
def fips(monkeypatch):
    """As where OpenSSL allows approved methods alone, unless it is not for security."""
    for name in ("md5", "sha1", "blake2b", "new"):
        known = getattr(hashlib, name)

        def strict(*args, known=known, usedforsecurity=True, **options):
            if usedforsecurity and args[:1] != ("sha256",):
                raise ValueError("[digital envelope routines] unsupported")
            return known(*args, usedforsecurity=usedforsecurity, **options)

        monkeypatch.setattr(hashlib, name, strict)


def test_a_machine_that_forbids_md5_can_check_what_it_downloads(tmp_path, fips):
    source = tmp_path / "there"
    source.write_bytes(b"abc")
    digest = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321
    archive = download.Archive(source.name, digest, (f"{source.parent.as_uri()}/",))
    assert download.fetch(archive, tmp_path / "kept").read_bytes() == b"abc"


def test_and_can_find_the_images_of_a_scale(fips):
    found = published.image_hashes(np.arange(6, dtype=np.uint8).reshape(2, 3))
    # of bytes 0 1 2 and of 3 4 5, as `b2sum --length=64` prints them
    assert found.tobytes().hex() == "e879c20168a0a436" + "542548a0afcd60e9"
