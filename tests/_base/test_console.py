"""Terminals that know few characters, readers that leave, keys that stop."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cplib.analysis.effects import Effect

ROOT = Path(__file__).parents[2]
TEXT = "−4.2 points ± 1, 3 × 3, ≥ 2 µs, T₀ – é 漢"
ASCII = "-4.2 points +/- 1, 3 x 3, >= 2 us, T0 - e ?"


def python(code, *words, **environment):
    """What `code` writes to stdout and to stderr, as bytes, and its status."""
    kept = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LANG")}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0", **environment},
        capture_output=True, check=False,
    )  # fmt: skip


PRINT = f"import sys, cplib; text = {TEXT!a}; print(text); print(text, file=sys.stderr)"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", ASCII),
        ("cp1252", "-4.2 points ± 1, 3 × 3, >= 2 µs, T0 – é ?"),
        ("cp437", "-4.2 points ± 1, 3 x 3, ≥ 2 µs, T0 - é ?"),
        ("utf-8", TEXT),
    ],
)
def test_what_a_console_lacks_is_replaced_by_the_nearest(encoding, shown):
    done = python(PRINT, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    for written in (done.stdout, done.stderr):
        assert written.decode(encoding).rstrip("\r\n") == shown


@pytest.mark.skipif(os.name == "nt", reason="a locale of POSIX")
def test_the_plainest_locale_will_do():
    done = python(PRINT, LC_ALL="C", PYTHONCOERCECLOCALE="0")
    assert (done.returncode, done.stdout.decode("ascii")) == (0, f"{ASCII}\n")


def test_a_stream_that_was_told_what_to_do_is_left_alone():
    done = python(
        "import cplib; print('−4')", PYTHONIOENCODING="ascii:xmlcharrefreplace"
    )
    assert done.stdout.rstrip() == b"&#8722;4"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_name_that_is_no_text_is_printed_as_its_bytes(encoding):
    done = python("import cplib; print('a\\udcffb')", PYTHONIOENCODING=encoding)
    assert done.stdout.rstrip() == b"a\xffb"


def test_the_handler_does_no_other_work():
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", errors="cplib.nearest")


def test_an_effect_keeps_its_sign():
    found = Effect("blur", 60.0, 64.2, "baseline", -4.2, -5.0, 3.0, 3, 0.95)
    shown = str(found).encode("cp1252", errors="cplib.nearest")
    assert (
        b"a change of -4.2 points (95 % interval over 3 seeds: -5.0 to +3.0)" in shown
    )


# -- what ends a program from outside


def main(body):
    head = "from cplib import errors\nfrom cplib._base import console\n"
    return f"{head}def main():\n    {body}\nconsole.run(main)"


@pytest.mark.parametrize(
    "body",
    [
        "[print('x' * 99, flush=True) for _ in range(10**5)]",
        "[print('x' * 99) for _ in range(10**5)]",
        "[print('x' * 99) for _ in range(10**5)]; raise SystemExit(0)",
    ],
    ids=["flushed", "buffered", "exit"],
)
def test_a_reader_that_leaves_is_met_with_silence(body):
    process = subprocess.Popen(
        [sys.executable, "-c", main(body)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("return 3", 3, ""),
        ("pass", 0, ""),
        ("raise KeyboardInterrupt", 130, "Interrupted."),
        ("raise errors.InputError('seeds=0: give more.')", 2, "seeds=0: give more."),
        ("open('/no/x')", 1, "/no/x cannot be used (No such file or directory): name"),
    ],
)
def test_what_ends_a_program_is_a_sentence_and_a_status(body, status, said):
    done = python(main(body))
    assert (done.returncode, done.stdout) == (status, b"")
    lines = done.stderr.decode().splitlines()
    assert len(lines) == (1 if said else 0) and "".join(lines).startswith(said)


def test_what_is_wrong_with_the_program_itself_is_told_in_full():
    done = python(main("{}['key']"))
    assert done.returncode == 1 and b"Traceback" in done.stderr


def test_without_a_terminal_there_is_nothing_to_print_to():
    """As in Windows' pythonw."""
    code = "import sys; sys.stdout = sys.stderr = None\n" + main("print('x'); return 4")
    assert python(code).returncode == 4
