"""Disks that are small, full or read-only: tmpfs, mounted where the tests are root."""

import contextlib
import os
import subprocess

import pytest


@contextlib.contextmanager
def disk(folder, size="64m"):
    """`folder` is a disk of `size` within; where none can be had, skip."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={size}", "cplib-test", str(folder)]
    if os.name != "posix" or os.geteuid() or not mount(*options):
        pytest.skip("mounting a small disk takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True).returncode == 0


def change(folder, option):
    """Mount again with another option: "size=8m", "ro", "rw"."""
    assert mount("-o", f"remount,{option}", str(folder))


def fill(folder):
    """Leave no byte free; returns the file that takes them."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler
