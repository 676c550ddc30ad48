"""Execute notebooks with papermill, unless their inputs are unchanged."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import (
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode
from traitlets.config import Config

from cplib._base.files import named
from tools.build import autopsy
from tools.build.memory import Watch
from tools.build.stamp import RUN, run_of

CODE = Path(__file__).resolve().parents[2]  # the checkout whose cplib is imported
KEY = "cplib_inputs"  # notebook metadata: hash of everything that outputs depend on
# without it, ipykernel 7 writes a warning to the terminal for every notebook
ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK_LINES = 6
DEAD = "Kernel died"  # start of the message of nbclient and jupyter_client


class BookError(Exception):
    """The book cannot be built; the message says what to fix."""


@dataclass(frozen=True)
class Job:
    """One notebook to execute.

    Attributes:
        source: the committed notebook.
        target: where the executed copy goes.
        name: its name in messages.
        cwd: working folder of its kernel.
        parameters: for papermill; those that the notebook does not declare are ignored.
        key: hash of the inputs.
        verbose: show what the notebook writes to stderr (progress bars).
    """

    source: Path
    target: Path
    name: str
    cwd: Path
    parameters: dict[str, str | int]
    key: str
    verbose: bool = False


def input_key(source: Path, parameters: dict[str, str | int], results: Path) -> str:
    """SHA-256 of everything that the outputs of `source` depend on."""
    files = [
        source,
        CODE / "requirements.txt",
        *(CODE / "book" / f"{name}.yml" for name in ("claims", "outcomes")),
        *_files(CODE / "cplib"),
        *_files(CODE / "book" / "benchmarks"),
        *_files(results),
        *filter(None, [named("CPLIB_MESSAGES")]),
    ]
    parts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    parts += [str(path.name) for path in files]
    parts += [platform.python_version(), importlib.metadata.version("torch")]
    return hashlib.sha256(json.dumps([parts, parameters]).encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def is_done(job: Job) -> bool:
    """Whether `job.target` was executed with the same inputs."""
    try:
        return nbformat.read(job.target, as_version=4).metadata.get(KEY) == job.key
    except Exception:  # absent, half-written or of another format: execute again
        return False


def execute_all(jobs: Iterable[Job], workers: int) -> Iterator[tuple[Job, float]]:
    """Execute `jobs`, `workers` at a time.

    Yields:
        Each job, in order, with the seconds it took.

    Raises:
        BookError: for the first notebook, in order, that fails; those not started yet
            are then cancelled.
    """
    watch = Watch()
    with _pool(workers) as pool:
        futures: dict[Future, Job] = {pool.submit(_execute, job): job for job in jobs}
        try:
            for future, job in futures.items():
                seconds, problem = future.result()
                if problem:
                    raise BookError(problem)
                yield job, seconds
        except BrokenProcessPool as error:
            killed = autopsy.Death(-9, "", watch.short(), job.target)
            raise BookError(
                f"The process that executes {job.name} died: {killed.remedy}."
            ) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _pool(workers: int) -> Executor:
    """Processes, or one thread if no process can be started (no semaphores)."""
    # spawned, since papermill starts an event loop and threads in each process
    context = multiprocessing.get_context("spawn")
    try:
        return ProcessPoolExecutor(workers, mp_context=context)
    except (OSError, ImportError, NotImplementedError) as error:
        print(
            f"No processes can be started here ({error}): the notebooks are executed "
            "one after the other.",
            file=sys.stderr,
        )
        return ThreadPoolExecutor(1)


def _execute(job: Job) -> tuple[float, str | None]:
    """Execute `job`; return seconds, and a sentence if it failed.

    A notebook whose kernel crashed, or found its port taken, is tried once more.
    """
    began = time.perf_counter()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(CODE), os.environ.get("PYTHONPATH")])
    )
    os.environ["JUPYTER_PREFER_ENV_PATH"] = (
        "1"  # this environment's kernel, not a user's
    )
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a warning of the debugger
    problem, death = _attempt(job)
    if death and death.chance:
        lost = f"lost its kernel ({death.cause})"
        print(f"  {job.name} {lost}; trying again ...", file=sys.stderr, flush=True)
        problem, _ = _attempt(job)
        if problem:
            problem += f"\n  This was the second try; the first {lost}."
    return time.perf_counter() - began, problem


def _attempt(job: Job) -> tuple[str | None, autopsy.Death | None]:
    """Execute `job`; return a sentence if it failed, and how its kernel died, if so."""
    began = time.perf_counter()
    job.target.parent.mkdir(parents=True, exist_ok=True)
    partial = job.target.with_suffix(".partial.ipynb")
    partial.unlink(missing_ok=True)
    kernel = autopsy.watched(job.target.with_suffix(".log"))
    try:
        papermill.execute_notebook(
            job.source,
            partial,
            parameters=changed(job.source, job.parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            stderr_file=sys.stderr if job.verbose else None,
            cwd=job.cwd,
            config=ENCRYPTED,
            kernel_manager_class=kernel,
        )
        notebook = nbformat.read(partial, as_version=4)
        notebook.metadata[KEY] = job.key
        seconds = time.perf_counter() - began
        notebook.metadata[RUN] = run_of(CODE, job.parameters, seconds)
        nbformat.write(notebook, partial)
        os.replace(partial, job.target)
    except Exception as error:
        died = isinstance(error, RuntimeError) and DEAD in str(error)
        death = autopsy.death(kernel) if died else None
        return explain(job.name, partial, error, death), death
    kernel.record.unlink(missing_ok=True)
    return None, None


def changed(source: Path, parameters: dict[str, str | int]) -> dict[str, str | int]:
    """The `parameters` that `source` declares with other values.

    Without any, papermill injects no cell, and the page shows the notebook as written.
    """
    declared = papermill.inspect_notebook(source)
    return {
        name: value
        for name, value in parameters.items()
        if name in declared and _literal(declared[name]["default"]) != value
    }


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def explain(
    name: str, executed: Path, error: Exception, death: autopsy.Death | None = None
) -> str:
    """Describe a failure of notebook `name`: cell, exception, last lines."""
    try:
        number, outputs = stopped_at(nbformat.read(executed, as_version=4))
    except (OSError, LookupError):  # no cell was run
        why = f"its kernel did not start {death}" if death else f"{_kind(error)}"
        return f"{name} could not be executed: {why}"
    failure = next((o for o in outputs if o.output_type == "error"), None)
    if death:
        reason = f"lost its kernel {death}"
    elif failure is None:
        reason = f"stopped: {_kind(error)}"
    else:
        trace = "\n".join(failure.traceback).splitlines()[-TRACEBACK_LINES:]
        lines = "\n".join(f"    {COLOURS.sub('', line)}" for line in trace)
        reason = f"raised {failure.ename}: {failure.evalue}\n{lines}"
    return f"{name}, code cell {number}, {reason}\n  executed copy: {executed}"


def _kind(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def stopped_at(notebook: NotebookNode) -> tuple[int, list[NotebookNode]]:
    """Number and outputs of the code cell that was started last.

    Cells are counted from 1, as in the source, without those that papermill added.
    """
    own = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    started = [
        (number, cell.outputs)
        for number, cell in enumerate(own, 1)
        if cell.metadata.get("papermill", {}).get("start_time")
    ]
    return started[-1]
