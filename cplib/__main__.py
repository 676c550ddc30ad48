"""The command line: python -m cplib COMMAND, where COMMAND is a function of `cli`.

`cli` is imported when there is a command, so that --help need not load PyTorch.
"""

import argparse
import signal
from collections.abc import Sequence

from . import __version__
from ._base import console
from .errors import CplibError

# for --help only; a test compares them with the studies and scales of the package
STUDIES = (
    "1TL, 1BL, 2L, 2R, 2B, 3TL, 3TR, 3BL, 3BR1, 3BR2, 3BR3, 4L, 5, 2B-moving, worth, "
    "permanent, nothing, faster, unremoved, clock-decay, clock-batch, restart, shrink, "
    "cyclic, patching, timing, demo"
)
SCALES = "smoke, demo, laptop, paper"
OPTIONS = {
    "study": dict(help=f"{STUDIES}, 'all', or 'book' (all studies used in the book)"),
    "--scale": dict(help=f"{SCALES} (%(default)s)"),
    "--seeds": dict(help="3, or 0,1,2, or 'all' (those stored) (%(default)s)"),
    "--again": dict(action="store_true", help="retrain seeds that are already stored"),
    "--cluster": dict(metavar="ADDRESS", help="Dask scheduler, e.g. tcp://host:8786"),
    "--runs": dict(type=int, help="runs to recompute per study (%(default)s)"),
    "--sample": dict(type=int, help="seed for drawing the sample (%(default)s)"),
    "--output": dict(
        help="SVG, PNG or PDF file; * is replaced by STUDY-SCALE (%(default)s); for "
        "several studies, also a folder"
    ),
    "--device": dict(help="auto, cpu, cuda or mps (%(default)s)"),
    "--workers": dict(
        type=int, help="worker processes (default: one per core, limited by memory)"
    ),
}
# by verb: what it does, and its options with their defaults
VERBS = {
    "demo": (
        "Train the study demo on gratings: print its table, save its figure.",
        "--scale=demo --seeds=2 --output=demo.svg --device=auto --workers",
    ),
    "run": (
        "Train a study and store its results.",
        "study --scale=laptop --seeds=3 --again --cluster --device=auto --workers",
    ),
    "plan": (
        "Print how many epochs a study would train, and how many its runs share.",
        "study --scale=laptop --seeds=1",
    ),
    "status": ("List stored results and the checkpoint cache.", ""),
    "scorecard": (
        "Print claims and verdicts from stored results, at their own or a given scale.",
        "--scale=book --seeds=all",
    ),
    "verify": (
        "Recompute a sample of stored results and compare.",
        "study --scale=laptop --seeds=all --runs=2 --sample=0 --device=auto --workers",
    ),
    "render": (
        "Draw the figures of stored results.",
        "study --scale=laptop --output=*.svg",
    ),
}


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m cplib",
        description="Critical learning periods: train, store, check and draw.",
    )
    top.add_argument("--version", action="version", version=f"cplib {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    for name, (words, options) in VERBS.items():
        verb = verbs.add_parser(name, help=words, description=words)
        for option in options.split():
            flag, _, default = option.partition("=")
            verb.add_argument(flag, default=default or None, **OPTIONS[flag])
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 if a check failed, 2 on an error of cplib."""
    arguments = parser().parse_args(argv)
    from . import cli

    try:
        return getattr(cli, arguments.verb)(arguments)
    except CplibError as error:
        console.say(f"cplib: {error}")
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
        console.say(
            "cplib: interrupted; finished segments are kept, so the same command "
            "continues from there."
        )
        return 130


if __name__ == "__main__":
    console.run(main)
