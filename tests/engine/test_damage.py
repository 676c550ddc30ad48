"""Files that are damaged, disks that are full: said, survived, and made good."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from disks import change, disk, fill
from handmade import handmade

from cplib import engine, studies
from cplib._base import files
from cplib.engine import segment as segments
from cplib.errors import StorageError
from cplib.results import library, store
from cplib.results.result import COLUMNS
from cplib.studies import plan

STUDY = studies.get("1TL", "smoke")
TREE = plan.make_plan(STUDY.setup, STUDY.runs, [0])
NOBODY = 65534


def train(cache):
    return engine.run(
        STUDY.setup, STUDY.runs, [0], workers=1, progress=False, cache=cache
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A whole cache, and what it was made of."""
    cache = tmp_path_factory.mktemp("undisturbed")
    return cache, train(cache)


@pytest.fixture
def cache(undisturbed, tmp_path):
    """A copy of the whole cache."""
    return shutil.copytree(undisturbed[0], tmp_path / "copy")


def assert_equal(trained, undisturbed):
    assert trained.keys() == undisturbed[1].keys()
    for key, outcome in trained.items():
        np.testing.assert_array_equal(outcome.log, undisturbed[1][key].log)


def truncate(path, _):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path, _):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)


def empty(path, _):
    path.write_bytes(b"")


def replace(path, another):
    path.write_bytes(another.read_bytes())


def hide(path, _):
    path.unlink()
    path.mkdir()  # no one can read it as a file, not even root


DAMAGES = (truncate, flip, empty, replace, hide)


def descendants(key):
    below = {key}
    for name, segment in TREE.segments.items():
        if segment.parent in below:
            below.add(name)
    return below - {key}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_checkpoint_in_turn(cache, undisturbed, damage):
    """Damaged ones are named and quarantined; they and no others are trained again."""
    states = {key: segments.state_path(cache / "states", key) for key in TREE.segments}
    for key, path in states.items():
        another = next(p for k, p in states.items() if k != key)
        damage(path, another)
        for below in descendants(key):  # else nobody asks for an inner one
            states[below].unlink()
        rest = set(states) - {key} - descendants(key)
        before = {states[k]: states[k].stat().st_mtime_ns for k in rest}
        with pytest.warns(UserWarning, match=rf"{path.name} is damaged.*quarantined"):
            trained = train(cache)
        assert_equal(trained, undisturbed)
        assert path.with_name(f"{path.name}.damaged-1").exists()
        assert before == {p: p.stat().st_mtime_ns for p in before}
        aside = path.with_name(f"{path.name}.damaged-1")
        aside.rmdir() if aside.is_dir() else aside.unlink()


def test_a_checkpoint_under_anothers_name_is_said_to_be_one(cache):
    one, other = list(TREE.ends.values())[:2]
    path = segments.state_path(cache / "states", one)
    path.write_bytes(segments.state_path(cache / "states", other).read_bytes())
    with pytest.warns(UserWarning, match=rf"{one}.*another state, {other}"):
        train(cache)


def test_a_checkpoint_damaged_while_it_is_in_use(cache, undisturbed, monkeypatch):
    """Found by the worker that starts from it, not by the look before."""
    inner = next(s.parent for s in TREE.segments.values() if s.parent)
    for below in descendants(inner):
        segments.state_path(cache / "states", below).unlink()
    original, done = segments.train_segment, []

    def damaging(*arguments):
        if not done:
            flip(segments.state_path(cache / "states", inner), None)
            done.append(True)
        return original(*arguments)

    monkeypatch.setattr(segments, "train_segment", damaging)
    with pytest.warns(UserWarning, match=rf"{inner}.*quarantined"):
        assert_equal(train(cache), undisturbed)


# -- results


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result(tmp_path, damage):
    another, good = library.save(handmade("demo")), handmade("1TL")
    path = library.save(good)
    damage(path, another)
    words = r"1TL-smoke\.csv\.gz is damaged.*quarantined"
    if damage is replace:
        words = "demo at scale smoke.*quarantined"
    with pytest.warns(UserWarning, match=words):
        assert library.stored(good.study) is None
    assert library.stored(handmade("demo").study) is not None
    library.save(good)
    assert_same(library.stored(good.study), good)


def test_a_damaged_result_is_replaced_by_the_next(tmp_path):
    path = library.save(handmade("1TL", seeds=(0,)))
    flip(path, None)
    with pytest.warns(UserWarning, match="quarantined"):
        library.save(handmade("1TL", seeds=(1,)))
    assert library.stored(STUDY).seeds == [1]


def assert_same(got, wanted):
    order = list(COLUMNS)
    pd.testing.assert_frame_equal(
        got.table.sort_values(order, ignore_index=True),
        wanted.table.sort_values(order, ignore_index=True),
        check_dtype=False, check_exact=True,
    )  # fmt: skip
    assert got.provenance == wanted.provenance


class Killed(BaseException):
    """In place of SIGKILL: nothing of the program runs after it."""


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("old", [(), (0, 1)], ids=["first", "merged"])
def test_a_kill_before_or_after_the_file_is_renamed(monkeypatch, renamed, old):
    """The old seeds are there, or all; nothing is damaged."""
    before, all_ = handmade("1TL", seeds=old), handmade("1TL", seeds=(*old, 2))
    if old:
        library.save(before)
    rename = os.replace

    def killing(*arguments):
        if renamed:
            rename(*arguments)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", killing)
        library.save(handmade("1TL", seeds=(2,)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = library.stored(STUDY)
        if renamed or old:
            assert_same(found, all_ if renamed else before)
        else:
            assert found is None
        library.save(handmade("1TL", seeds=(2,)))
        assert_same(library.stored(STUDY), all_)


def test_processes_that_save_at_once_lose_no_seed():
    fork = multiprocessing.get_context("fork")
    savers = [
        fork.Process(target=lambda s=s: library.save(handmade("1TL", seeds=(s,))))
        for s in range(6)
    ]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join(120)
        assert saver.exitcode == 0
    assert_same(library.stored(STUDY), handmade("1TL", seeds=range(6)))
    assert not list(library.folder().glob("*damaged*"))


# -- disks


def test_a_full_disk_is_said_and_costs_nothing(tmp_path, undisturbed):
    states = (undisturbed[0] / "states").glob("*/*.state")
    room = sum(path.stat().st_size for path in states) // 2048  # half of it, in KiB
    with disk(tmp_path / "disk", f"{room}k") as cache:
        with pytest.raises(StorageError, match=r"disk.*full.*CPLIB_CACHE.*intact"):
            train(cache)
        kept = [key for key in TREE.segments if whole(cache, key)]
        assert 1 <= len(kept) < len(TREE.segments)
        assert not list(cache.rglob(".part-*"))
        change(cache, "size=64m")
        assert_equal(train(cache), undisturbed)


def whole(cache, key):
    with contextlib.suppress(FileNotFoundError):
        return bool(segments.read_state(cache / "states", key))


def test_results_on_a_full_disk(tmp_path, monkeypatch):
    with disk(tmp_path / "disk", "2m") as folder:
        monkeypatch.setenv("CPLIB_RESULTS", str(folder))
        old = handmade("1TL", seeds=(0,))
        library.save(old)
        filler = fill(folder)
        with pytest.raises(StorageError, match=r"disk.*full.*CPLIB_RESULTS.*intact"):
            library.save(handmade("1TL", seeds=(1,)))
        assert_same(library.stored(STUDY), old)
        filler.unlink()
        library.save(handmade("1TL", seeds=(1,)))
        assert library.stored(STUDY).seeds == [0, 1]
        assert sorted(p.name for p in folder.iterdir()) == [
            ".lock", "1TL-smoke.csv.gz",
        ]  # fmt: skip


def test_a_read_only_cache_is_read_and_not_written(tmp_path, undisturbed):
    with disk(tmp_path / "disk") as folder:
        cache = shutil.copytree(undisturbed[0], folder / "cache")
        change(folder, "ro")
        assert_equal(train(cache), undisturbed)
        change(folder, "rw")
        segments.state_path(cache / "states", next(iter(TREE.ends.values()))).unlink()
        change(folder, "ro")
        with pytest.raises(StorageError, match=r"Cannot write.*Read-only.*CPLIB_CACHE"):
            train(cache)
        change(folder, "rw")
        assert_equal(train(cache), undisturbed)


def test_read_only_results_are_read_and_not_written(tmp_path, monkeypatch):
    with disk(tmp_path / "disk") as folder:
        monkeypatch.setenv("CPLIB_RESULTS", str(folder))
        old = handmade("1TL", seeds=(0,))
        library.save(old)
        change(folder, "ro")
        assert_same(library.stored(STUDY), old)
        with pytest.raises(StorageError, match=r"Read-only.*CPLIB_RESULTS"):
            library.save(handmade("1TL", seeds=(1,)))
        assert_same(library.stored(STUDY), old)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="becoming another user takes root"
)
def test_what_another_user_may_not_read_is_quarantined(monkeypatch):
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        monkeypatch.setenv("CPLIB_RESULTS", name)
        path = library.save(handmade("1TL"))
        path.chmod(0)
        for place in (folder, *folder.iterdir()):
            os.chown(place, NOBODY + (place == path), -1)
        os.seteuid(NOBODY)
        try:
            with pytest.warns(UserWarning, match="Permission denied.*quarantined"):
                assert library.stored(STUDY) is None
            library.save(handmade("1TL"))
            assert_same(library.stored(STUDY), handmade("1TL"))
        finally:
            os.seteuid(0)


# -- the system ends a worker


@pytest.mark.slow
def test_a_worker_ended_by_the_system_is_one_sentence(tmp_path):
    """As the out-of-memory killer does it: SIGKILL from outside, loky's own pool."""
    words = ["run", "timing", "--scale", "smoke", "--seeds", "40", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "cplib", *words], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    states = tmp_path / "cache" / "states"
    until = time.monotonic() + 300
    while not list(states.glob("*/*.state")) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    errors = [line for line in said.splitlines() if line.startswith("cplib:")]
    assert len(errors) == 1 and "Traceback" not in said
    for word in ("killed", "memory", "--workers 1", "kept"):
        assert word in errors[0]


def workers_of(parent):
    """Its children that are loky's workers (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            its_parent = int(stat.read_text().rpartition(")")[2].split()[1])
            words = stat.with_name("cmdline").read_text()
            if its_parent == parent and "LokyProcess" in words:
                found.append(int(stat.parent.name))
    return found


def test_locks_of_results_are_not_committed():
    """A store leaves its lock file; in a checkout git does not see it."""
    ignored = Path(__file__).parents[2] / ".gitignore"
    assert "book/results/.lock" in ignored.read_text().splitlines()
    with files.hold(library.folder() / store.LOCK):
        assert (library.folder() / ".lock").exists()
