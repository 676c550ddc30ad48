"""Kernels that die: what is said of it, and what is tried again."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.build import autopsy, execute, memory
from tools.build import book as build_book
from tools.build.autopsy import Death

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
WORDS = "double free or corruption (out)"  # as glibc writes them, past Python's stderr
ABORT = f"import os\nos.write(2, b'{WORDS}\\n')\nos.abort()"
FATAL = """\
import ctypes

def read():
    ctypes.string_at(0)

read()"""


@pytest.fixture
def enough(tmp_path, monkeypatch):
    """A machine that counts kills for want of memory, and where there was none."""
    count = tmp_path / "sys/fs/cgroup/job/memory.events"
    count.parent.mkdir(parents=True)
    count.write_text("oom 0\noom_kill 0\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/job\n")
    monkeypatch.setattr(memory, "SYSTEM", tmp_path)
    return count


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A function that makes the job of a notebook with two cells, the second given."""
    for name in ("PYTHONPATH", "JUPYTER_PREFER_ENV_PATH"):  # `_execute` sets them
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def make(source):
        cells = [new_code_cell("1 + 1"), new_code_cell(source)]
        path, target = tmp_path / "page.ipynb", tmp_path / "executed" / "page.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
        return execute.Job(path, target, "book/page.ipynb", tmp_path, {}, "key")

    return make


@pytest.mark.notebooks
@posix
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (ABORT, r"\(aborted, SIGABRT\).*library"),
        (FATAL, r"\(segmentation fault, SIGSEGV\).*library"),
        ("import os\nos.kill(os.getpid(), 9)", r"\(killed, SIGKILL\).*from outside"),
        ("import os\nos._exit(3)", r"\(exit code 3\).*exited Python"),
    ],
    ids=["abort", "segmentation fault", "kill", "exit"],
)
def test_a_kernel_that_dies_is_told_by_its_signal(enough, job, source, said):
    problem, death = execute._attempt(job(source))
    assert re.search(f"^book/page.ipynb, code cell 2, lost its kernel {said}", problem)
    assert "memory" not in problem
    assert death.crashed == ("exit" not in source)
    frames = [line.strip() for line in problem.splitlines() if ", line " in line]
    if source == FATAL:
        assert frames[:2] == ["a cell, line 6 in <module>", "a cell, line 4 in read"]
        assert frames[2].endswith("in string_at") and len(frames) == 3
    else:
        assert frames == ["a cell, line 3 in <module>"] * (source == ABORT)
    assert (f"    {WORDS}\n" in problem) == (source == ABORT)
    assert f"log: {death.record}" in problem


@pytest.mark.notebooks
@posix
def test_memory_is_blamed_where_it_ran_out(enough, job):
    """As the system does it: first it counts, then it kills."""
    source = f"open({str(enough)!r}, 'w').write('oom_kill 1')\n"
    source += "import os\nos.kill(os.getpid(), 9)"
    problem, _ = execute._attempt(job(source))
    assert "lost its kernel (killed, SIGKILL): memory ran out; end other" in problem


@pytest.mark.notebooks
@posix
def test_the_second_death_says_that_it_was_the_second(enough, job, capfd):
    _, problem = execute._execute(
        job("import os, signal\nos.kill(os.getpid(), signal.SIGBUS)")
    )
    words = "lost its kernel (bus error, SIGBUS)"
    assert problem.count(words) == 2
    assert f"This was the second try; the first {words}." in problem
    assert f"book/page.ipynb {words}; trying again" in capfd.readouterr().err


@pytest.mark.notebooks
@posix
def test_a_death_that_does_not_come_back_is_survived(enough, job, tmp_path):
    mark = str(tmp_path / "mark")
    source = f"import os\nif not os.path.exists({mark!r}):\n    os.mkdir({mark!r})\n"
    task = job(source + "    os.abort()")
    _, problem = execute._execute(task)
    assert problem is None and execute.is_done(task)
    assert [path.name for path in task.target.parent.iterdir()] == ["page.ipynb"]


@pytest.mark.notebooks
def test_an_exit_is_not_tried_again(enough, job, tmp_path):
    source = (
        f"import os\nopen({str(tmp_path / 'tries')!r}, 'a').write('x')\nos._exit(3)"
    )
    _, problem = execute._execute(job(source))
    assert "exit code 3" in problem and "second" not in problem
    assert (tmp_path / "tries").read_text() == "x"


@pytest.mark.notebooks
@pytest.mark.parametrize("tries", [1, 2])
def test_a_kernel_whose_port_was_taken_is_started_again(
    enough, job, capfd, monkeypatch, tries
):
    """By another program, between the choice of the port and the kernel's start."""
    starts = []

    async def start(self, **options):
        starts.append(self.record)
        if len(starts) <= tries:
            self.cache_ports, self.shell_port = False, taken.getsockname()[1]
        await plain(self, **options)

    plain = autopsy.Kernel.start_kernel
    monkeypatch.setattr(autopsy.Kernel, "start_kernel", start)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        _, problem = execute._execute(job("print(1)"))
    assert len(starts) == 2
    assert "book/page.ipynb lost its kernel (exit code 1)" in capfd.readouterr().err
    if tries == 1:
        assert problem is None
    else:
        assert "did not start (exit code 1): another program took a port" in problem


@pytest.mark.notebooks
def test_an_exception_that_speaks_of_death_is_an_exception(enough, job):
    problem, death = execute._attempt(job("raise RuntimeError('Kernel died')"))
    assert death is None
    assert "code cell 2, raised RuntimeError: Kernel died" in problem


@pytest.mark.notebooks
@posix
def test_the_death_of_what_executes_is_a_sentence(job):
    """It is a process too; here the kernel kills it."""
    task = job("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    with pytest.raises(execute.BookError, match=r"executes book/page.ipynb died: "):
        list(execute.execute_all([task], 1))


@posix
def test_the_death_of_jupyter_book_is_told(enough, tmp_path, monkeypatch):
    monkeypatch.setattr(
        build_book, "JUPYTER_BOOK", "import os; os.kill(os.getpid(), 9)"
    )
    with pytest.raises(build_book.BookError, match=r"died \(killed, SIGKILL\): it was"):
        build_book.build_pages(tmp_path, tmp_path)


# -- what a status and a few words tell


def death(code, said="", short=False):
    return Death(code, said, short, Path("page.log"))


@posix
@pytest.mark.parametrize("name", ["ABRT", "SEGV", "KILL", "BUS", "ILL", "FPE", "TERM"])
def test_each_signal_has_its_name_and_a_remedy(name):
    """Against the status of a process that has died so."""
    code = f"import os, signal; os.kill(os.getpid(), signal.SIG{name})"
    status = subprocess.run([sys.executable, "-c", code], check=False).returncode
    found = death(status)
    assert found.crashed and found.cause.endswith(f", SIG{name}")
    assert "memory" not in found.remedy and ";" in found.remedy


def test_where_there_are_no_signals_the_code_is_told():
    found = death(0xC0000005)  # access violation, on Windows
    assert found.crashed and found.cause == "exit code 3221225477 (0xC0000005)"
    assert found.remedy == autopsy.LIBRARY
    assert not death(1).chance and death(1).cause == "exit code 1"


@posix
def test_memory_is_a_guess_only_where_nothing_can_be_known():
    assert death(-9, short=True).remedy == autopsy.MEMORY
    assert death(-9, short=False).remedy == autopsy.OUTSIDE
    assert "memory ran out (this system does not say), or" in death(-9, "", None).remedy
    assert death(-11, short=None).remedy == autopsy.LIBRARY
    said = "terminate called after throwing an instance of 'std::bad_alloc'\n"
    assert death(-6, said).remedy == autopsy.MEMORY


def test_frames_are_those_of_the_thread_that_failed():
    """Of faulthandler's own dump, taken while another thread runs."""
    code = (
        "import faulthandler, sys, threading\n"
        "def inner(): faulthandler._sigsegv()\n"
        "def outer(): inner()\n"
        "def idle(): threading.Event().wait()\n"
        "threading.Thread(target=idle, daemon=True).start()\n"
        "sys.stderr.write('last words\\n')\n"
        "sys.stderr.flush()\n"
        "outer()\n"
    )
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    lines = ["line 8 in <module>", "line 3 in outer", "line 2 in inner"]
    wanted = [f'File "<string>", {line}' for line in lines]
    assert death(-11, said).evidence() == [*wanted, "last words"]
