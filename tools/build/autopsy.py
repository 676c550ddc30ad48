"""Explain a kernel's death: exit status, last output, whether memory ran out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jupyter_client import AsyncKernelManager

from tools.build.memory import Watch

LINES = 6  # of a stack, at most
WINDOWS = 0xC0000000  # exit codes of Windows' own errors start here
DUMP = re.compile(r"^(?:Fatal Python error|Windows fatal exception): .*$", re.M)
STACK = re.compile(
    r"^Current thread 0x.*\(most recent call first\):\n((?:  .*\n)+)", re.M
)
# the caller of a cell
SHELL = re.compile(r"interactiveshell\.py\", line \d+ in run_code$")
CELL = re.compile(r'File "[^"]*ipykernel_\d+[^"]*"')
NO_MEMORY = ("bad_alloc", "Cannot allocate memory")
NO_PORT = ("Address already in use", "Address in use")  # the second on Windows

MEMORY = (
    "memory ran out; end other programs, or choose a smaller scale, as in make book "
    "SCALE=demo"
)
LIBRARY = (
    "a compiled library failed; set ONEDNN_MAX_CPU_ISA=SSE41 and "
    "ATEN_CPU_CAPABILITY=default, so that it uses simpler code, or report this"
)
OUTSIDE = (
    "it was ended from outside, by a time limit, a scheduler or a person; raise the "
    "limit and run the same command again"
)
PERHAPS = (
    "memory ran out (this system does not say), or it was ended from outside, by a "
    "time limit, a scheduler or a person; end other programs, or raise the limit"
)
PORT = (
    "another program took a port that was free a moment before; run the same command "
    "again"
)
EXITED = "a cell, or a library that it calls, exited Python; remove that call"
REMEDIES = {
    **dict.fromkeys(("SIGABRT", "SIGSEGV", "SIGFPE"), LIBRARY),
    "SIGILL": f"this processor lacks an instruction, or {LIBRARY}",
    "SIGBUS": "a file in use was truncated, or the disk or /dev/shm is full; "
    "free some space there",
    "SIGXCPU": "it used up its limit of processor time; raise ulimit -t",
}


@dataclass(frozen=True)
class Death:
    """The unexpected end of a process.

    Attributes:
        code: exit status as in `subprocess`: minus the signal, if any.
        said: output of the process and its libraries, with Python's stack.
        short: whether memory ran out; None where the system does not say.
        record: the file with what it `said`.
    """

    code: int
    said: str
    short: bool | None
    record: Path

    @property
    def crashed(self) -> bool:
        """Whether it was ended by a signal or, on Windows, by a system error."""
        return self.code < 0 or self.code >= WINDOWS

    @property
    def outrun(self) -> bool:
        """Whether another program took its port between the choice and the start."""
        return any(words in self.said for words in NO_PORT)

    @property
    def chance(self) -> bool:
        """Whether a second try may well succeed."""
        return self.crashed or self.outrun

    @property
    def name(self) -> str:
        """Name of the signal that ended it; empty if none did."""
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
        """The likely cause, and what to do."""
        if self.short or any(words in self.said for words in NO_MEMORY):
            return MEMORY
        if not self.name:
            return LIBRARY if self.crashed else PORT if self.outrun else EXITED
        unknown = self.name == "SIGKILL" and self.short is None
        return REMEDIES.get(self.name, PERHAPS if unknown else OUTSIDE)

    def evidence(self) -> list[str]:
        """The Python frames in which it died, innermost last, and its last message."""
        *before, rest = DUMP.split(self.said)
        words = before[-1] if before else rest
        return [*frames(rest), *words.strip().splitlines()[-1:]]

    def __str__(self) -> str:
        lines = "".join(f"\n    {line}" for line in self.evidence())
        return f"({self.cause}): {self.remedy}.{lines}\n  log: {self.record}"


def frames(dump: str) -> list[str]:
    """Stack of the failed thread, from the cell inwards; [] if unknown."""
    found = STACK.search(dump)
    lines = [line.strip() for line in found[1].splitlines()] if found else []
    shell = (number for number, line in enumerate(lines) if SHELL.search(line))
    inner = lines[: next(shell, len(lines))][:LINES]
    return [CELL.sub("a cell", line) for line in reversed(inner)]


class Kernel(AsyncKernelManager):
    """Manager of a kernel whose death can be explained.

    The output of the kernel's process goes to a file: Python's stack when it crashes,
    and a library's last message. (By default, ipykernel reads it from a pipe, in a
    thread that dies with the kernel.)
    """

    record: Path  # set by `watched`
    process: subprocess.Popen | None = None
    watch: Watch

    async def start_kernel(self, *, extra_arguments=(), env=None, **options) -> None:
        """Start the kernel, with its output in `record`."""
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
    """A subclass of `Kernel` for one kernel, whose output goes to `record`."""
    return type("Watched", (Kernel,), {"record": record})


def death(kernel: type[Kernel]) -> Death | None:
    """How the kernel ended; None if it is running or was never started."""
    code = kernel.process.poll() if kernel.process else None
    if code is None:
        return None
    said = kernel.record.read_text(encoding="utf-8", errors="replace")
    short = kernel.watch.short()
    return Death(code, said, short, kernel.record)
