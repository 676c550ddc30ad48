"""Make the folder of a virtual environment and install the book's requirements in it.

    python tools/environment.py .venv requirements.txt STAMP

`make` calls this with whatever Python it finds, so the file must parse on old ones: it
is there to say in a sentence what is missing, before pip says it in fifty lines.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)


class Refusal(Exception):
    """Something that the reader has to mend first; the message says how."""


def check_python():
    """`Refusal` unless this Python can build the book."""
    have = "Python {}.{} ({})".format(*sys.version_info[:2], sys.executable)
    if sys.version_info[:2] < OLDEST:
        raise Refusal(
            "The book needs Python {}.{} or newer, and this is {}. ".format(
                *OLDEST, have
            )
            + "Install a newer one and name it: make book PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise Refusal(
            have + " comes without the modules venv and ensurepip. "
            "On Debian and Ubuntu: sudo apt install python3-venv"
        ) from None


def call(what, *command):
    """Run `command`; `Refusal` naming `what` when it fails."""
    if subprocess.call(command) != 0:
        raise Refusal(
            what + " failed; the lines above say why. This once, a network is "
            "needed, and up to 7 GB of disk (on Linux torch brings CUDA along). "
            "Then run the same make command again."
        )


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
        call("Making " + folder, sys.executable, "-m", "venv", "--clear", folder)
    print("Installing {} (minutes, once)".format(requirements), flush=True)
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "-qq")
    call("Installing " + requirements, *pip, "-r", requirements, "-e", ".")
    with open(stamp, "w"):
        pass


if __name__ == "__main__":
    try:
        install(*sys.argv[1:])
    except Refusal as refusal:
        sys.exit("make stopped: {}".format(refusal))
