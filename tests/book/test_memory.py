"""Whether memory ran out, from the files of machines that are made up."""

import pytest

from tools.build import memory


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A function that writes the files from which it is read."""
    monkeypatch.setattr(memory, "SYSTEM", tmp_path)

    def write(texts=()):
        for name, text in dict(texts).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    return write


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
    watch = memory.Watch()
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
    watch = memory.Watch()
    files(counter("memory.events", 1))
    assert watch.short() is True


def test_where_nothing_is_counted_it_is_not_known(files):
    files()
    assert memory.Watch().short() is None
    files({"proc/self/cgroup": "0::/"})
    assert memory.Watch().short() is None
