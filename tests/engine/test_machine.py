"""Limits of machines made of a few files: memory, cores, and memory that ran out."""

import types

import loky
import psutil
import pytest

from cplib.engine import machine, workers


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A function that writes the files from which limits are read."""
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    monkeypatch.setattr(loky, "cpu_count", lambda: 8)

    def write(texts=(), free=64 * GB):
        memory = types.SimpleNamespace(available=free)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
        for name, text in dict(texts).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    machine.workers.cache_clear()
    yield write
    machine.workers.cache_clear()


def group(name, limit, used=0, files=0):
    """A memory group of version 2."""
    stat = f"anon 1\ninactive_file {files}\nactive_file 7"
    folder = f"sys/fs/cgroup/{name}".rstrip("/")
    return {f"{folder}/memory.max": limit, f"{folder}/memory.current": used,
            f"{folder}/memory.stat": stat}  # fmt: skip


def old_group(name, limit, used=0, files=0):
    """A memory group of version 1, whose own numbers leave out its inner groups'."""
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
    ("free", "texts", "wanted"),
    [
        (5, {}, 5),
        (5, group("", "max"), 5),
        (64, group("", 4_500_000_000, GB), 3),  # a container on a large machine
        (0.3, {}, 1),
        # below the root: the tightest counts, wherever it is
        (64, SLURM | group("slurm/job_7/step_0", 3 * GB, GB), 2),
        (64, SLURM | group("slurm/job_7/step_0", "max")
         | group("slurm/job_7", 9 * GB, 3 * GB) | group("slurm", 90 * GB, 2 * GB), 6),
        (64, SLURM | group("slurm/job_7/step_0", 50 * GB, 0)
         | group("slurm", 90 * GB, 86 * GB), 4),
        (64, SLURM | group("slurm/job_7", GB, 2 * GB), 1),
        # cached files can be dropped
        (64, SLURM | group("slurm/job_7", 9 * GB, 8 * GB, files=5 * GB), 6),
        # processes are slowed down above `high`
        (64, SLURM | group("slurm", 9 * GB)
         | {"sys/fs/cgroup/slurm/memory.high": 2 * GB}, 2),
        # another group's limit does not matter
        (64, SLURM | group("slurm/job_8", GB), 64),
        (64, {"proc/self/cgroup": "0::/../../x"} | group("slurm", GB), 64),
        # version 1, where each controller has its own tree
        (64, OLD | old_group("slurm/job_7", 5 * GB, 2 * GB, files=GB), 4),
        (64, OLD | old_group("slurm/job_7", NONE, GB)
         | old_group("slurm", 3 * GB, 0) | old_group("", NONE, 99 * GB), 3),
        (64, OLD | old_group("", 7 * GB, 0), 7),  # its root is the container's
        (64, {"proc/self/cgroup": "what is this?"} | group("", 2 * GB), 2),
    ],
)  # fmt: skip
def test_as_many_workers_as_memory_is_free_and_allowed(files, free, texts, wanted):
    files(texts, free * GB)
    assert machine.workers() == wanted


@pytest.mark.parametrize(
    ("texts", "wanted"),
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
def test_no_more_workers_than_processors_allowed(files, texts, wanted):
    files(SLURM | texts)
    assert workers._default() == wanted


@pytest.mark.parametrize(
    ("asked", "tasks", "wanted"), [(None, 9, 3), (None, 2, 2), (6, 9, 6), (8, 4, 4)]
)
def test_only_the_default_is_limited(files, monkeypatch, asked, tasks, wanted):
    given = {}

    def get(**options):
        given.update(options)
        return workers.InProcess()

    monkeypatch.setattr(loky, "get_reusable_executor", get)
    files(free=3.6 * GB)
    _, count = workers.pool(asked, "cpu", tasks)
    assert count == given["max_workers"] == wanted


def test_a_pool_that_is_kept_does_not_count_against_itself(files):
    files(free=4 * GB)
    assert machine.workers() == 4
    files(free=GB)
    assert machine.workers() == 4


def test_this_machine_has_memory_for_a_worker():
    machine.workers.cache_clear()
    assert machine.workers() >= 1


# -- whether memory ran out


def counter(path, count):
    text = f"low 0\noom 7\noom_kill {count}\noom_group_kill 0"
    return {f"sys/fs/cgroup/{path}": text}


NEW = ("0::/user.slice/job", "user.slice/job/memory.events", "user.slice/memory.events")
V1 = ("4:memory:/slurm/job", "memory/slurm/job/memory.oom_control",
      "memory/slurm/memory.oom_control")  # fmt: skip


@pytest.mark.parametrize(("line", "own", "above"), [NEW, V1])
def test_a_kill_in_the_own_group_or_above_is_seen(files, line, own, above):
    files({"proc/self/cgroup": f"12:cpu,cpuacct:/elsewhere\n{line}"})
    other = own.replace("job", "other")
    for path in (own, above, other):
        files(counter(path, 3))
    watch = machine.Watch()
    assert watch.short() is False
    files(counter(other, 4))
    assert watch.short() is False
    for path in (own, above):
        files(counter(path, 4))
        assert watch.short() is True
        files(counter(path, 3))


def test_a_container_sees_its_own_group_at_the_top(files):
    """Its path is the host's, and cannot be found inside."""
    files({"proc/self/cgroup": "0::/docker/0123"} | counter("memory.events", 0))
    watch = machine.Watch()
    files(counter("memory.events", 1))
    assert watch.short() is True


def test_where_nothing_is_counted_it_is_not_known(files):
    files()
    assert machine.Watch().short() is None
    files({"proc/self/cgroup": "0::/"})
    assert machine.Watch().short() is None
