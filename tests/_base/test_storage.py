import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from disks import change, disk

from cplib._base import files
from cplib.errors import StorageError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "file.bin"


def test_what_is_written_is_read(path):
    files.write_checked(path, b"\x00payload\n")
    assert files.read_checked(path) == b"\x00payload\n"
    with pytest.raises(FileNotFoundError):
        files.read_checked(path.with_name("other"))


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_files_can_be_read_by_whoever_the_umask_lets(path):
    old = os.umask(0o022)
    try:
        files.write_atomic(path, b"x")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("place", [0, 20, 85, -1])
def test_any_flipped_bit_is_noticed(path, place):
    files.write_checked(path, b"0123456789" * 10)
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(files.Damaged, match=r"file\.bin is damaged"):
        files.read_checked(path)


@pytest.mark.parametrize("length", [0, 10, 60, 100])
def test_truncation_is_noticed(path, length):
    files.write_checked(path, b"0123456789" * 10)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(files.Damaged):
        files.read_checked(path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_no_litter(path, monkeypatch, step):
    files.write_atomic(path, b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(StorageError, match="full.*intact"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]


def test_what_killed_writers_left_is_swept_away_when_it_is_old(path):
    files.write_atomic(path, b"x")
    old, new = (path.with_name(f".part-{name}") for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    os.utime(path, (0, 0))
    files.remove_leftovers(path.parents[1])
    assert sorted(p.name for p in path.parent.iterdir()) == [".part-new", "file.bin"]


def test_damaged_files_are_kept_under_another_name(path):
    for number in (1, 2):
        files.write_atomic(path, b"bad")
        with pytest.warns(UserWarning, match="quarantined as"):
            aside = files.quarantine(files.Damaged(path, "why"))
        assert aside.name == f"file.bin.damaged-{number}"
        assert aside.read_bytes() == b"bad"
        assert not path.exists()


def test_folders_follow_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("CPLIB_CACHE", str(tmp_path / "c"))
    monkeypatch.delenv("CPLIB_DATA")
    assert files.data_folder() == tmp_path / "c" / "data"
    monkeypatch.setenv("CPLIB_DATA", str(tmp_path / "d"))
    assert files.data_folder() == tmp_path / "d"
    monkeypatch.delenv("CPLIB_CACHE")
    assert files.cache_folder().name == "cplib"


def test_a_checkout_reads_and_writes_the_book_beside_the_package(monkeypatch):
    monkeypatch.delenv("CPLIB_RESULTS")
    book = Path(files.__file__).parents[2] / "book"
    assert files.book_folder() == book
    assert files.results_folders() == [book / "results"]


def test_an_installed_package_reads_its_own_results_and_writes_elsewhere(
    monkeypatch, tmp_path
):
    inside = tmp_path / "site-packages" / "cplib" / "book"
    inside.mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(inside.parent / "_base" / "files.py"))
    monkeypatch.setattr(files, "_start", lambda: tmp_path)
    assert files.results_folders() == [tmp_path / "results"]  # CPLIB_RESULTS alone
    monkeypatch.setenv("CPLIB_RESULTS", "")
    assert files.book_folder() == inside
    assert files.results_folders() == [tmp_path / "results", inside / "results"]


# -- where a relative path of the environment leads

FOLDERS = {
    "CACHE": files.cache_folder,
    "DATA": files.data_folder,
    "RESULTS": lambda: files.results_folders()[0],
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_relative_folder_stays_where_it_was_when_first_seen(
    name, monkeypatch, tmp_path
):
    monkeypatch.setenv(f"CPLIB_{name}", os.path.join("mine", "..", "ours"))
    monkeypatch.chdir(tmp_path)
    assert FOLDERS[name]() == tmp_path / "ours"
    monkeypatch.chdir("/")
    assert FOLDERS[name]() == tmp_path / "ours"
    assert os.environ[f"CPLIB_{name}"] == str(tmp_path / "ours")  # for what it starts


def test_a_notebook_that_goes_elsewhere_takes_nothing_along(tmp_path):
    """Set before the import, and used only after `%cd`; so also in its workers."""
    code = (
        "import os, subprocess, sys\n"
        "from cplib._base import files\n"
        "os.chdir('/')\n"
        "print(files.cache_folder(), flush=True)\n"
        "line = 'from cplib._base import files; print(files.cache_folder())'\n"
        "subprocess.run([sys.executable, '-c', line], check=True)"
    )
    root = str(Path(files.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": root, "CPLIB_CACHE": "mine"},
    )  # fmt: skip
    assert done.stdout.splitlines() == [str(tmp_path / "mine")] * 2, done.stderr


def test_home_and_addresses_are_not_taken_for_relative(monkeypatch):
    monkeypatch.setenv("CPLIB_DATA", os.path.join("~", "sets"))
    assert files.data_folder() == Path.home() / "sets"
    monkeypatch.setenv("CPLIB_MIRROR", "https://example.org/sets")
    assert files.named("CPLIB_MIRROR") is None
    assert os.environ["CPLIB_MIRROR"] == "https://example.org/sets"


# -- asked before the work whether its outcome can be written


def test_what_can_be_written_is_left_as_it_is(path):
    files.write_atomic(path, b"old")
    files.check_file(path, "name another file")
    files.check_file(path.with_name("new"), "name another file")
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_what_cannot_be_written_is_named_with_the_remedy(path):
    """Below a file, which stops root too, and where a folder is."""
    files.write_atomic(path, b"old")
    with pytest.raises(StorageError, match=r"file\.bin.*or name another file\."):
        files.check_file(path / "x.svg", "name another file")
    with pytest.raises(StorageError, match=r"folder .*or name another file\."):
        files.check_file(path.parent, "name another file")
    with pytest.raises(StorageError, match=r"file\.bin.*CPLIB_RESULTS"):
        files.check_folder(path / "results")


def test_a_read_only_disk_is_noticed_in_time(tmp_path):
    with disk(tmp_path / "disk") as folder:
        change(folder, "ro")
        with pytest.raises(StorageError, match="Read-only file system"):
            files.check_file(folder / "demo.svg", "name another file")
