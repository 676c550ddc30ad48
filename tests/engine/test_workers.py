"""As many workers as there are processors and memory for."""

import types

import loky
import psutil
import pytest

from cplib.engine import workers

GB = 10**9
JOB = "slurm/job_7/step_0"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that makes up a machine: `free` memory, and control groups."""
    monkeypatch.setattr(workers, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(workers, "OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(loky, "cpu_count", lambda: 99)

    def make(free, groups=(), own=f"1:cpu:/x\n0::/{JOB}"):
        memory = types.SimpleNamespace(available=free * GB)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
        workers.OWN_CGROUP.write_text(f"{own}\n")
        for name, (limit, used, cached) in dict(groups).items():
            folder = workers.CGROUPS / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "memory.max").write_text(f"{limit}\n")
            (folder / "memory.current").write_text(f"{used * GB}\n")
            stat = f"anon 1\ninactive_file {cached * GB}\nactive_file 7\n"
            (folder / "memory.stat").write_text(stat)

    workers.in_memory.cache_clear()
    yield make
    workers.in_memory.cache_clear()


@pytest.mark.parametrize(
    ("free", "groups", "wanted"),
    [
        (5, {}, 5),
        (0.3, {}, 1),
        (5, {"": ("max", 1, 0)}, 5),
        (64, {"": (4_500_000_000, 1, 0)}, 3),  # a container on a large machine
        # below the root: the tightest counts, wherever it is
        (64, {JOB: (3 * GB, 1, 0)}, 2),
        (64, {JOB: ("max", 1, 0), "slurm/job_7": (9 * GB, 3, 0)}, 6),
        (64, {JOB: (50 * GB, 0, 0), "slurm": (90 * GB, 86, 0)}, 4),
        (64, {"slurm": (GB, 2, 0)}, 1),
        (64, {JOB: (9 * GB, 8, 5)}, 6),  # cached files can be dropped
        (64, {"slurm/job_8": (GB, 0, 0)}, 64),  # another group's
    ],
)
def test_as_many_workers_as_memory_is_free_and_allowed(machine, free, groups, wanted):
    machine(free, groups)
    assert workers.in_memory() == wanted


@pytest.mark.parametrize("own", ["0::/../../x", "what is this?", ""])
def test_the_root_group_counts_whatever_the_own_is_called(machine, own):
    machine(64, {"": (2 * GB, 0, 0)}, own)
    assert workers.in_memory() == 2


@pytest.mark.parametrize(
    ("asked", "tasks", "wanted"), [(None, 9, 3), (None, 2, 2), (6, 9, 6), (8, 4, 4)]
)
def test_only_the_default_is_limited(machine, monkeypatch, asked, tasks, wanted):
    given = {}

    def get(**options):
        given.update(options)
        return workers.InProcess()

    monkeypatch.setattr(loky, "get_reusable_executor", get)
    machine(3.6)
    _, count = workers.pool(asked, "cpu", tasks)
    assert count == given["max_workers"] == wanted


def test_a_pool_that_is_kept_does_not_count_against_itself(machine):
    machine(4)
    assert workers.in_memory() == 4
    machine(1)
    assert workers.in_memory() == 4
