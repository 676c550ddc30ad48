"""As many workers as there is room for, on machines made of a few files."""

import os

import loky
import pytest

from cplib.engine import cgroups, memory, workers


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes the files from which a machine's memory and limits are read."""
    monkeypatch.setattr(cgroups, "SYSTEM", tmp_path)
    monkeypatch.setattr(loky, "cpu_count", lambda: 8)
    memory.room.cache_clear()

    def make(available=None, files=()):
        files = dict(files)
        if available is not None:
            text = f"MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable: {available} kB"
            files["proc/meminfo"] = text
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    yield make
    memory.room.cache_clear()


def group(name, limit, used=0, files=0):
    """A memory group of version 2."""
    stat = f"anon 1\ninactive_file {files}\nactive_file 7"
    folder = f"sys/fs/cgroup/{name}".rstrip("/")
    return {f"{folder}/memory.max": limit, f"{folder}/memory.current": used,
            f"{folder}/memory.stat": stat}  # fmt: skip


def old_group(name, limit, used=0, files=0):
    """A memory group of version 1, which also says what it holds without its inner."""
    stat = f"inactive_file 3\ntotal_inactive_file {files}\ntotal_active_file 7"
    folder = f"sys/fs/cgroup/memory/{name}".rstrip("/")
    return {f"{folder}/memory.limit_in_bytes": limit,
            f"{folder}/memory.usage_in_bytes": used,
            f"{folder}/memory.stat": stat}  # fmt: skip


GB = 10**9
NONE = 2**63 - 4096  # how version 1 says that there is no limit
SLURM = {"proc/self/cgroup": "0::/slurm/job_7/step_0"}
OLD = {"proc/self/cgroup": "9:name=systemd:/x\n4:hugetlb,memory:/slurm/job_7\n0::/x"}


@pytest.mark.parametrize(
    ("available", "files", "wanted"),
    [
        (5_000_000, {}, 5),
        (5_000_000, group("", "max"), 5),
        (64_000_000, group("", 4_500_000_000, GB), 3),  # a container, large machine
        (300_000, {}, 1),
        # below the root: the tightest counts, wherever it is
        (64_000_000, SLURM | group("slurm/job_7/step_0", 3 * GB, GB), 2),
        (64_000_000, SLURM | group("slurm/job_7/step_0", "max")
         | group("slurm/job_7", 9 * GB, 3 * GB) | group("slurm", 90 * GB, 2 * GB), 6),
        (64_000_000, SLURM | group("slurm/job_7/step_0", 50 * GB, 0)
         | group("slurm", 90 * GB, 86 * GB), 4),
        (64_000_000, SLURM | group("slurm/job_7", GB, 2 * GB), 1),
        # what was read from files can be given up
        (64_000_000, SLURM | group("slurm/job_7", 9 * GB, 8 * GB, files=5 * GB), 6),
        # it is slowed down above `high`
        (64_000_000, SLURM | group("slurm", 9 * GB)
         | {"sys/fs/cgroup/slurm/memory.high": 2 * GB}, 2),
        # another's limit is none of ours
        (64_000_000, SLURM | group("slurm/job_8", GB), 65),
        (64_000_000, {"proc/self/cgroup": "0::/../../x"} | group("slurm", GB), 65),
        # version 1, where a controller has a tree of its own
        (64_000_000, OLD | old_group("slurm/job_7", 5 * GB, 2 * GB, files=GB), 4),
        (64_000_000, OLD | old_group("slurm/job_7", NONE, GB)
         | old_group("slurm", 3 * GB, 0) | old_group("", NONE, 99 * GB), 3),
        (64_000_000, OLD | old_group("", 7 * GB, 0), 7),  # its root is the container's
        (64_000_000, {"proc/self/cgroup": "what is this?"} | group("", 2 * GB), 2),
    ],
)  # fmt: skip
def test_room_is_what_is_free_and_allowed(machine, available, files, wanted):
    machine(available, files)
    assert memory.room() == wanted


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, 8),
        ({"sys/fs/cgroup/slurm/job_7/cpu.max": "max 100000"}, 8),
        ({"sys/fs/cgroup/slurm/job_7/cpu.max": "250000 100000"}, 3),
        ({"sys/fs/cgroup/slurm/job_7/cpu.max": "400000 100000",
          "sys/fs/cgroup/slurm/cpu.max": "50000 100000"}, 1),
        ({"proc/self/cgroup": "2:cpu,cpuacct:/a/b",
          "sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us": -1,
          "sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us": 100_000,
          "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": 200_000,
          "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": 100_000}, 2),
    ],
)  # fmt: skip
def test_no_more_workers_than_processors_allowed(machine, files, wanted):
    machine(64_000_000, SLURM | files)
    assert workers._cores() == wanted


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

    def get(**options):
        given.update(options)
        return workers.InProcess()

    monkeypatch.setattr(loky, "get_reusable_executor", get)
    machine(3_600_000)
    _, count = workers.pool(asked, "cpu", tasks)
    assert count == given["max_workers"] == wanted


def test_a_pool_that_is_kept_does_not_count_against_itself(machine, tmp_path):
    machine(4_000_000)
    assert memory.room() == 4
    (tmp_path / "proc/meminfo").write_text("MemAvailable: 1000000 kB")
    assert memory.room() == 4
