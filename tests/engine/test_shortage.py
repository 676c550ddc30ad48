"""Whether memory ran out, on machines made of a few files."""

import os

import pytest

from cplib.engine import cgroups, shortage


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that writes a counter file; `own` names the process's groups."""
    monkeypatch.setattr(cgroups, "SYSTEM", tmp_path / "root")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # where no dmesg is

    def write(path, count):
        file = tmp_path / "root/sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"low 0\noom 7\noom_kill {count}\noom_group_kill 0\n")

    def own(*lines):
        file = tmp_path / "root/proc/self/cgroup"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines))

    write.own = own
    return write


NEW = ("0::/user.slice/job", "user.slice/job/memory.events", "user.slice/memory.events")
OLD = ("4:memory:/slurm/job", "memory/slurm/job/memory.oom_control",
       "memory/slurm/memory.oom_control")  # fmt: skip


@pytest.mark.parametrize(("line", "own", "above"), [NEW, OLD])
def test_a_kill_in_the_own_group_or_above_is_seen(machine, line, own, above):
    machine.own("12:cpu,cpuacct:/elsewhere", line)
    for path in (own, above, own.replace("job", "other")):
        machine(path, 3)
    watch = shortage.Watch()
    assert watch.short() is False
    machine(own.replace("job", "other"), 4)
    assert watch.short() is False
    for path in (own, above):
        machine(path, 4)
        assert watch.short() is True
        machine(path, 3)


def test_a_container_sees_its_own_group_at_the_top(machine):
    """Its path is the host's, and not to be found inside."""
    machine.own("0::/docker/0123")
    machine("memory.events", 0)
    watch = shortage.Watch()
    machine("memory.events", 1)
    assert watch.short() is True


def test_where_nothing_is_counted_it_is_not_known(machine):
    assert shortage.Watch().short() is None
    machine.own("0::/")
    assert shortage.Watch().short(os.getpid()) is None


@pytest.mark.skipif(os.name == "nt", reason="a script for a shell")
def test_the_messages_of_the_system_name_the_process(machine, tmp_path):
    script = tmp_path / "bin" / "dmesg"
    script.parent.mkdir()
    words = "[7.1] Out of memory: Killed process 4242 (python3) total-vm:9kB"
    script.write_text(f"#!/bin/sh\necho '{words}'\n")
    script.chmod(0o755)
    watch = shortage.Watch()
    assert watch.short(4242) is True
    assert watch.short(424) is False
