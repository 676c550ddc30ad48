"""The command line: python -m cplib COMMAND, where COMMAND is one of `commands`."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence

from . import __version__, cli, studies
from ._base import console
from .errors import CplibError


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="python -m cplib",
        description="Critical learning periods: train, store, check and draw.",
    )
    top.add_argument("--version", action="version", version=f"cplib {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name: str, doc: str, *, study: bool = False) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=doc, description=doc)
        if study:
            known = ", ".join(studies.names())
            sub.add_argument(
                "study", help=f"{known}, all, or book: what the book shows"
            )
            scales = ", ".join(studies.SCALES)
            sub.add_argument("--scale", default="laptop", help=f"{scales} (laptop)")
        return sub

    demo = verb("demo", "Clean, blur and flip on gratings, live: a table and a figure.")
    demo.add_argument("--seeds", default="2", help="how many, or a list (2)")
    demo.add_argument("--scale", default="demo", help="demo, or smoke to try it out")
    demo.add_argument("--output", default="demo.svg", help="the figure (demo.svg)")
    _machine(demo)

    run = verb("run", "Train a study and store its results.", study=True)
    run.add_argument("--seeds", default="3", help="how many, or a list (3)")
    run.add_argument("--again", action="store_true", help="also seeds stored already")
    _machine(run)
    run.add_argument("--cluster", metavar="ADDRESS", help="of a Dask scheduler")

    plan = verb(
        "plan", "Print what a study would train, and what is shared.", study=True
    )
    plan.add_argument("--seeds", default="1", help="how many, or a list (1)")

    verb("status", "List stored results and the checkpoint cache.")

    verify = verb("verify", "Recompute a sample of stored results.", study=True)
    verify.add_argument("--runs", type=int, default=2, help="runs a study (2)")
    verify.add_argument("--sample", type=int, default=0, help="which sample (0)")
    _machine(verify)

    render = verb("render", "Draw a stored study's figure into a file.", study=True)
    render.add_argument("--output", help="SVG, PNG or PDF (STUDY-SCALE.svg)")
    return top


def _machine(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (auto)")
    sub.add_argument(
        "--workers",
        type=int,
        help="processes (one per core, or as many as memory has room for)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when all went well, 1 when a check failed, 2 on bad input."""
    arguments = parser().parse_args(argv)
    try:
        return getattr(cli, arguments.verb)(arguments)
    except CplibError as error:
        console.say(f"cplib: {error}")
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
        console.say(
            "cplib: interrupted; finished segments are kept, so the same command "
            "goes on from there."
        )
        return 130


if __name__ == "__main__":
    console.run(main)
