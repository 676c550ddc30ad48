"""Make the folder of a virtual environment and install the book's requirements in it.

    python -m tools.build.environment .venv requirements.txt STAMP

`make` calls this with whatever Python it finds, so the file must parse on old ones: it
is there to say in a sentence what is missing, before pip says it in fifty lines.
"""

import os
import re
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 14)  # for which all of requirements.txt can be had
PYTHONS = "Python {}.{} to {}.{}".format(*(OLDEST + NEWEST))
# How sentences on a failure go on.
AGAIN = " Then run the same make command again."
SAID = "; the lines above say why." + AGAIN
DISK = (
    ": the disk is full, and up to 7 GB are needed (on Linux torch brings CUDA along)."
) + AGAIN
NETWORK = ": this once, a network is needed." + AGAIN
ELSEWHERE = (
    ": not all packages can be had for this Python on this machine. They exist for "
    + PYTHONS
    + ", 64 bits, on x86-64 Linux, Windows and Apple-silicon macOS 14. With such a "
    "Python: make clean, then make book PYTHON=python3.13"
)
ENDED = " was ended by signal {}, from outside or for lack of memory." + AGAIN
# What pip's log holds when no index could be reached, and when one was.
CUT_OFF = re.compile(
    "connection error:|connection broken by|Max retries exceeded|timed out|"
    "problem confirming the ssl certificate"
)
REACHED = re.compile("ERROR: (ResolutionImpossible|.*from versions: (?!none))")
NOT_FOUND = "ERROR: No matching distribution found"


class Refusal(Exception):
    """Something that the reader has to mend first; the message says how."""


def check_python():
    """`Refusal` unless this Python can build the book."""
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
    """Run `command`; `Refusal` when it fails, saying why as far as its `log` tells."""
    if log:  # to which pip would add
        open(log, "w").close()
    status = subprocess.call(command)
    if status < 0:
        raise Refusal(what + ENDED.format(-status))
    if status:
        raise Refusal(what + " failed" + (reason(_read(log)) if log else SAID))


def reason(log):
    """How a sentence goes on that tells what pip's `log` says of its failure."""
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
    """Path of the environment's interpreter."""
    inner = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(folder, *inner)


def works(python):
    """Whether `python` has pip; not so when making it was cut short."""
    question = [python, "-c", "import pip"]
    try:
        return subprocess.call(question, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install(folder, requirements, stamp):
    """Bring `folder` up to `requirements`, and leave `stamp` when all went well."""
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
        sys.exit("Call it as make does: " + __doc__.splitlines()[2].strip())
    try:
        install(*sys.argv[1:])
    except Refusal as refusal:
        sys.exit("make stopped: {}".format(refusal))
    except KeyboardInterrupt:
        sys.exit("make stopped: interrupted. The same command goes on from here.")
