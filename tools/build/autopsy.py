"""Why a kernel died: how its process ended, its last words, whether memory ran out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jupyter_client import AsyncKernelManager

from cplib.engine.machine import Watch

LINES = 6  # of a stack, at most
WINDOWS = 0xC0000000  # where Windows has no signals, its own errors begin
DUMP = re.compile(r"^(?:Fatal Python error|Windows fatal exception): .*$", re.M)
STACK = re.compile(
    r"^Current thread 0x.*\(most recent call first\):\n((?:  .*\n)+)", re.M
)
OURS = re.compile(r"interactiveshell\.py\", line \d+ in run_code$")  # what calls a cell
CELL = re.compile(r'File "[^"]*ipykernel_\d+[^"]*"')
NO_MEMORY = ("bad_alloc", "Cannot allocate memory")

MEMORY = (
    "memory ran out; end other programs, or choose a smaller scale, as in make book "
    "SCALE=demo"
)
LIBRARY = (
    "a compiled library failed; set ONEDNN_MAX_CPU_ISA=SSE41 and "
    "ATEN_CPU_CAPABILITY=default, with which it takes plainer ways, or report this"
)
OUTSIDE = (
    "it was ended from outside, by a time limit, a scheduler or a person; raise the "
    "limit, and run the same command again"
)
PERHAPS = (
    "memory ran out (this system does not tell), or it was ended from outside, by a "
    "time limit, a scheduler or a person; end other programs, or raise the limit"
)
EXITED = "a cell, or a library that it calls, ended Python; remove that call"
REMEDIES = {
    **dict.fromkeys(("SIGABRT", "SIGSEGV", "SIGFPE"), LIBRARY),
    "SIGILL": f"this processor lacks an instruction, or {LIBRARY}",
    "SIGBUS": "a file that it used became shorter, or the disk or /dev/shm is full; "
    "free some room there",
    "SIGXCPU": "it used up the processor time that it may have; raise ulimit -t",
}


@dataclass(frozen=True)
class Death:
    """The end of a kernel that nobody had asked for.

    Attributes:
        code: status of its process, as `subprocess` has it: minus the signal, if any.
        said: what the process and its libraries wrote, Python's stack included.
        short: whether memory ran out; None where the system does not tell.
        record: the file that holds what it `said`.
    """

    code: int
    said: str
    short: bool | None
    record: Path

    @property
    def crashed(self) -> bool:
        """Whether a signal ended it, or on Windows one of the system's errors."""
        return self.code < 0 or self.code >= WINDOWS

    @property
    def name(self) -> str:
        """Name of the signal that ended it; empty where none did."""
        known = {number.value: number.name for number in signal.Signals}
        return known.get(-self.code, "") if self.code < 0 else ""

    @property
    def cause(self) -> str:
        """How it ended, as in "segmentation fault, SIGSEGV" or "exit code 3"."""
        if self.name:
            words = signal.strsignal(-self.code) or "ended"
            return f"{words.partition(':')[0].lower()}, {self.name}"
        if self.code < 0:
            return f"signal {-self.code}"
        exact = f" (0x{self.code:X})" if self.crashed else ""
        return f"exit code {self.code}{exact}"

    @property
    def remedy(self) -> str:
        """What was behind it, as far as one can tell, and what to do."""
        if self.short or any(words in self.said for words in NO_MEMORY):
            return MEMORY
        if not self.name:
            return LIBRARY if self.crashed else EXITED
        unknown = self.name == "SIGKILL" and self.short is None
        return REMEDIES.get(self.name, PERHAPS if unknown else OUTSIDE)

    def evidence(self) -> list[str]:
        """The Python frames that it died in, innermost last, and its last words."""
        *before, rest = DUMP.split(self.said)
        words = before[-1] if before else rest
        return [*frames(rest), *words.strip().splitlines()[-1:]]

    def __str__(self) -> str:
        lines = "".join(f"\n    {line}" for line in self.evidence())
        return f"({self.cause}): {self.remedy}.{lines}\n  log: {self.record}"


def frames(dump: str) -> list[str]:
    """The stack of the thread that failed, from the cell inwards; [] if unknown."""
    found = STACK.search(dump)
    lines = [line.strip() for line in found[1].splitlines()] if found else []
    shell = (number for number, line in enumerate(lines) if OURS.search(line))
    inner = lines[: next(shell, len(lines))][:LINES]
    return [CELL.sub("a cell", line) for line in reversed(inner)]


class Kernel(AsyncKernelManager):
    """Starts kernels whose death can be explained.

    What a kernel's process writes by itself goes to a file: Python's stack when it
    crashes, and the words with which a library gives up. (Left to itself, ipykernel
    would read them from a pipe, in a thread that dies along.)
    """

    record: Path  # set by `watched`
    process: subprocess.Popen | None = None
    watch: Watch

    async def start_kernel(self, *, extra_arguments=(), env=None, **options) -> None:
        """As its parent does it."""
        kind = type(self)
        kind.watch = Watch()
        options["env"] = {**os.environ, **(env or {}), "PYTHONFAULTHANDLER": "1"}
        quiet = "--IPKernelApp.capture_fd_output=False"
        options["extra_arguments"] = [*extra_arguments, quiet]
        with open(self.record, "wb") as file:
            options |= {"stdout": file, "stderr": subprocess.STDOUT}
            await super().start_kernel(**options)
        kind.process = self.provisioner.process


def watched(record: Path) -> type[Kernel]:
    """A kind of `Kernel` for one kernel, which writes into the file `record`."""
    return type("Watched", (Kernel,), {"record": record})


def death(kernel: type[Kernel]) -> Death | None:
    """How the kernel ended; None where it is running still, or was never started."""
    code = kernel.process.poll() if kernel.process else None
    if code is None:
        return None
    said = kernel.record.read_text(encoding="utf-8", errors="replace")
    short = kernel.watch.short()
    return Death(code, said, short, kernel.record)
