"""Create a virtual environment and install the book's requirements in it.

    python -m tools.build.environment .venv requirements.txt STAMP

`make` calls this with any Python, so it must parse on old ones. It reports what is
missing in one sentence, where pip would print fifty lines.
"""

import os
import re
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # for which all of requirements.txt is available
PYTHONS = "Python {}.{} to {}.{}".format(*(OLDEST + NEWEST))
# How a sentence about a failure ends.
AGAIN = " Then run the same make command again."
SAID = "; the lines above say why." + AGAIN
DISK = (
    ": the disk is full, and 7 GB are needed (on Linux, torch includes CUDA), up to "
    "11 GB while pip fetches and unpacks them."
) + AGAIN
NETWORK = ": a network is needed, this once." + AGAIN
ELSEWHERE = (
    ": some packages are not available for this Python on this machine. They exist for "
    + PYTHONS
    + ", 64 bits, on x86-64 Linux, Windows and Apple-silicon macOS 14. With such a "
    "Python: make clean, then make book PYTHON=python3.13"
)
ENDED = " was ended by signal {}, from outside or for lack of memory." + AGAIN
# Parts of pip's log when no index could be reached, and when one was.
CUT_OFF = re.compile(
    "connection error:|connection broken by|Max retries exceeded|timed out|"
    "problem confirming the ssl certificate"
)
REACHED = re.compile("ERROR: (ResolutionImpossible|.*from versions: (?!none))")
NOT_FOUND = "ERROR: No matching distribution found"


class Refusal(Exception):
    """A problem that the reader has to fix first; the message says how."""


def check_python():
    """Raise `Refusal` unless this Python can build the book."""
    have = "Python {}.{} ({})".format(*sys.version_info[:2], sys.executable)
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise Refusal(
            "The book needs {}, and this is {}. ".format(PYTHONS, have)
            + "Install one of these and name it: make book PYTHON=python3.13"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Refusal(
            have + " comes without the modules venv and ensurepip. "
            "On Debian and Ubuntu: sudo apt install python3-venv"
        ) from None


def call(what, command, log=None):
    """Run `command`; raise `Refusal` if it fails, with the reason in its `log`."""
    if log:  # pip appends
        open(log, "w").close()
    status = subprocess.call(command)
    if status < 0:
        raise Refusal(what + ENDED.format(-status))
    if status:
        raise Refusal(what + " failed" + (reason(_read(log)) if log else SAID))


def reason(log):
    """End of the sentence about a failure, from pip's `log`."""
    if "No space left on device" in log:
        return DISK
    if REACHED.search(log):
        return ELSEWHERE
    if CUT_OFF.search(log):
        return NETWORK
    return ELSEWHERE if NOT_FOUND in log else SAID


def _read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


def python_in(folder):
    """Path of the interpreter in the environment `folder`."""
    inner = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(folder, *inner)


def works(python):
    """Whether `python` has pip; it does not if its creation was interrupted."""
    question = [python, "-c", "import pip"]
    try:
        return subprocess.call(question, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install(folder, requirements, stamp):
    """Install `requirements` in `folder`, and write `stamp` if that succeeds."""
    python = python_in(folder)
    if not works(python):
        check_python()
        print("Making the virtual environment " + folder, flush=True)
        call("Making " + folder, (sys.executable, "-m", "venv", "--clear", folder))
    print("Installing {} (minutes, once)".format(requirements), flush=True)
    log = os.path.join(folder, "pip.log")
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--log", log)
    bars = "on" if sys.stdout.isatty() else "off"  # with --log pip shows them
    pip += ("install", "-qq", "--progress-bar", bars, "-r", requirements, "-e", ".")
    call("Installing " + requirements, pip, log)
    with open(stamp, "w"):
        pass


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("Call it like make: " + __doc__.splitlines()[2].strip())
    try:
        install(*sys.argv[1:])
    except Refusal as refusal:
        sys.exit("make stopped: {}".format(refusal))
    except KeyboardInterrupt:
        sys.exit("make stopped: interrupted. The same command continues from here.")
