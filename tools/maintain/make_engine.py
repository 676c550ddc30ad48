"""Compile the laboratory's engine: for the page, and as a library for the tests.

    python -m tools.maintain.make_engine

writes `engine.wasm` beside `engine.c`. The compiler is `ziglang` of
requirements-dev.txt, whose version decides every byte.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "cplib/widgets/static/lab"
SOURCE, MODULE = FOLDER / "engine.c", FOLDER / "engine.wasm"
SHARED = ("-O3", "-ffp-contract=off", "-fvisibility=hidden", "-nostdlib", "-s")
WASM = (
    "-target", "wasm32-freestanding", "-mcpu=generic+simd128+bulk_memory",
    "-Wl,--no-entry", "-Wl,--export-dynamic",
)  # fmt: skip
NATIVE = ("-shared", "-fPIC")
TYPES = {
    "void": None, "int": ctypes.c_int, "u32": ctypes.c_uint32,
    "float": ctypes.c_float, "double": ctypes.c_double,
    "float *": ctypes.POINTER(ctypes.c_float),
    "double *": ctypes.POINTER(ctypes.c_double),
    "u8 *": ctypes.POINTER(ctypes.c_uint8),
}  # fmt: skip


def compiled(target: Path, options: tuple[str, ...]) -> Path:
    """`target`, compiled from the engine's source with `options`."""
    command = [sys.executable, "-m", "ziglang", "cc", *SHARED, *options]
    command += ["-o", str(target.resolve()), SOURCE.name]
    subprocess.run(command, check=True, cwd=FOLDER)
    return target


def native(folder: Path) -> ctypes.CDLL:
    """The engine as a library in `folder`, with the types of its exports."""
    library = ctypes.CDLL(str(compiled(folder / "engine.so", NATIVE)))
    exports = r"^EXPORT (\w+ \*?)(\w+)\(([^)]*)\)"
    for result, name, given in re.findall(exports, SOURCE.read_text(), re.M):
        function = getattr(library, name)
        function.restype = TYPES[result.strip()]
        words = [] if given == "void" else given.split(",")
        function.argtypes = [TYPES[word.split()[0]] for word in words]
    return library


if __name__ == "__main__":
    print(f"{compiled(MODULE, WASM)}: {MODULE.stat().st_size:,} bytes")
