"""Processors that this machine can stand in for, and the tests on each of them.

    python tests/caps.py quick     the package's quick tests on the weakest kind
    python tests/caps.py all       every test on every kind, one after the other: hours

oneDNN and ATen choose their code by the processor's instruction set. Both can be told
to use less than there is, so that one machine tests for the others. They look when they
are loaded: a cap holds for a new process.
"""

import os
import subprocess
import sys
from pathlib import Path

# name: what oneDNN may use, what ATen may use, what the processor must have
KINDS = {
    "SSE4.1": ("SSE41", "default", "sse4_1"),
    "AVX": ("AVX", "default", "avx"),
    "AVX2": ("AVX2", "avx2", "avx2"),
    "AVX-512": ("AVX512_CORE", "avx512", "avx512bw"),
}
NAMES = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
WEAKEST = "SSE4.1"


def flags() -> set[str]:
    """Instruction sets of this processor, as Linux names them; none elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    found = (line for line in lines if line.startswith("flags"))
    return set(next(found, "").split())


def kinds() -> list[str]:
    """What this processor can stand in for; "as it is" is always among them."""
    return [name for name, kind in KINDS.items() if kind[2] in flags()] + ["as it is"]


def environment(kind: str) -> dict[str, str]:
    """The environment of a process on a processor of this `kind`."""
    rest = {name: text for name, text in os.environ.items() if name not in NAMES}
    caps = KINDS[kind][:2] if kind in KINDS else ()
    return rest | dict(zip(NAMES, caps, strict=False))


def tests(kind: str, *options: str, **more: str) -> int:
    """Run pytest with `options` on a processor of this `kind`; its exit status."""
    print(f"\nTests on a processor of kind {kind}:", flush=True)
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.call(command, env=environment(kind) | more)


def main(how: str) -> int:
    """Run what `how` says; 0 when all passed, or where no processor can be capped."""
    quick = ("-m", "not slow and not notebooks and not browser", "--ignore=tests/book")
    if how == "all":
        return max([tests(kind, CPLIB_PROCESSORS="all") for kind in kinds()])
    return tests(WEAKEST, *quick) if WEAKEST in kinds() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
