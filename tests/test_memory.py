"""As many workers as memory has room for, on machines made of two files."""

import os

import loky
import pytest

from cplib import memory, workers


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes the files from which a machine's memory is read."""
    monkeypatch.setattr(memory, "SYSTEM", tmp_path)
    monkeypatch.setattr(loky, "cpu_count", lambda: 8)
    memory.room.cache_clear()

    def make(available=None, limit=None):
        if available is not None:
            (tmp_path / "proc").mkdir()
            text = f"MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n"
            (tmp_path / "proc/meminfo").write_text(text)
        if limit is not None:
            (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
            (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{limit}\n")

    yield make
    memory.room.cache_clear()


@pytest.mark.parametrize(
    ("available", "limit", "wanted"),
    [
        (5_000_000, None, 5),
        (5_000_000, "max", 5),
        (64_000_000, 4_500_000_000, 3),  # a container on a large machine
        (300_000, None, 1),
    ],
)
def test_room_is_what_is_free_and_allowed(machine, available, limit, wanted):
    machine(available, limit)
    assert memory.room() == wanted


def test_a_mac_has_room_in_half_of_its_memory(machine, monkeypatch):
    pages = {"SC_PHYS_PAGES": 2**19, "SC_PAGE_SIZE": 2**14}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    assert memory.room() == 4  # of 8.6 GB


def test_where_memory_is_not_known_nothing_is_held_back(machine, monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    assert memory.room() is None
    assert workers._cores() == 8


@pytest.mark.parametrize(
    ("asked", "tasks", "wanted"), [(None, 9, 3), (None, 2, 2), (6, 9, 6), (8, 4, 4)]
)
def test_only_the_default_is_held_back(machine, monkeypatch, asked, tasks, wanted):
    given = {}
    monkeypatch.setattr(loky, "get_reusable_executor", lambda **kw: given.update(kw))
    machine(3_600_000)
    _, count = workers.pool(asked, "cpu", tasks)
    assert count == given["max_workers"] == wanted


def test_a_pool_that_is_kept_does_not_count_against_itself(machine, tmp_path):
    machine(4_000_000)
    assert memory.room() == 4
    (tmp_path / "proc/meminfo").write_text("MemAvailable: 1000000 kB")
    assert memory.room() == 4
