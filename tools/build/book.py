"""Execute every notebook of the book, then build its pages.

    python -m tools.build.book --scale laptop --seeds all --device auto

The sources are not changed: notebooks are executed into `_build/executed`, copied with
the text to `_build/stage`, and built there. The pages replace those in `_build/html`
only if all of this succeeds.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from cplib._base import console, files
from cplib._base.device import resolve
from cplib._base.plain import seeds as parse_seeds
from cplib.errors import CplibError
from cplib.studies.scales import scale_of
from tools.build import languages
from tools.build.anchors import add_ids
from tools.build.autopsy import Death
from tools.build.execute import (
    CODE,
    KEY,
    BookError,
    Job,
    execute_all,
    input_key,
    is_done,
)
from tools.build.memory import Watch
from tools.build.stamp import add_line

JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"  # no __main__
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
LIGHT = ("smoke",)  # two notebooks at a time, without progress bars
LIVE = ("smoke", "demo")  # scales at which results are computed, not read


def main(argv: Sequence[str] | None = None) -> int:
    """Build the book; return 0, or 1 with a sentence on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        build(
            arguments.root.resolve(),
            (arguments.output or arguments.root / "_build").resolve(),
            {name: getattr(arguments, name) for name in ("scale", "seeds", "device")},
        )
    except (BookError, CplibError) as error:
        print(f"\nThe book was not built: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the previous book is unchanged.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", default="laptop", help="smoke, demo, laptop, paper")
    parser.add_argument(
        "--seeds", default="all", type=_number, help="3, or 0,1,2, or all"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--output", type=Path, help="folder (ROOT/_build)")
    parser.add_argument(
        "--root", type=Path, default=CODE, help="folder of _config.yml and _toc.yml"
    )
    return parser


def _number(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def build(root: Path, output: Path, parameters: dict[str, str | int]) -> Path:
    """Build the book at `root` into `output`.

    Returns:
        The page to open.

    Raises:
        InputError: one of the `parameters` has an unknown value.
        BookError: a notebook failed, a page is missing, or the build gave a warning.
            The previous pages are then kept.
        StorageError: `output` cannot be written.
    """
    began = time.perf_counter()
    scale_of(parameters["scale"])
    parse_seeds(parameters["seeds"])
    resolve(parameters["device"])
    files.check_folder(output, "name another folder with --output")
    sources = pages(root)
    stage_text(root, output / "stage")
    print("Notebooks, with", *(f"{key}={text}" for key, text in parameters.items()))
    stage_notebooks(root, output, sources, parameters)
    made = build_pages(root, output)
    catalogues = languages.catalogues(root)
    for language, catalogue in catalogues.items():
        print(f"The same in {languages.name(language)}")
        own = output / language
        with languages.spoken(catalogue, own):
            sources = languages.stage(root, output / "stage", own, language)
            stage_notebooks(root, own, sources, parameters)
            languages.add(build_pages(own, own), made, language)
    if catalogues:
        languages.link(made, catalogues)
    page = replace_pages(made, output / "html")
    print(f"Book: {page}   ({time.perf_counter() - began:.0f} s in all)")
    return page


def pages(root: Path) -> list[Path]:
    """Sources of the pages listed in `_toc.yml`, in its order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    found = []
    for name in _names(toc):
        candidates = [root / name, root / f"{name}.ipynb", root / f"{name}.md"]
        source = next((path for path in candidates if path.is_file()), None)
        if source is None:
            raise BookError(
                f"_toc.yml lists {name}, but there is no {name}.ipynb or .md."
            )
        found.append(source)
    return found


def _names(entry: Any) -> Iterator[str]:
    """Values of the keys `root` and `file`, at any depth."""
    if isinstance(entry, list):
        for item in entry:
            yield from _names(item)
    elif isinstance(entry, dict):
        for key, value in entry.items():
            if key in ("root", "file"):
                yield value
            else:
                yield from _names(value)


def stage_text(root: Path, stage: Path) -> None:
    """Copy the book without its notebooks to an empty `stage`."""
    shutil.rmtree(stage, ignore_errors=True)
    drop = shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints")
    shutil.copytree(root / "book", stage / "book", ignore=drop)


def live_results(root: Path, output: Path) -> Path:
    """A folder with the explorer's results only, so that everything else is computed.

    The explorer's would take hours.
    """
    folder = output / "live-results"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in (root / "book" / "results").glob("timing-*.csv.gz"):
        shutil.copy2(path, folder)
    return folder


def stage_notebooks(
    root: Path, output: Path, sources: list[Path], parameters: dict[str, str | int]
) -> None:
    """Put executed copies of the notebooks in `sources` on the stage of `output`."""
    for copy in execute(root, output, sources, parameters).values():
        staged = output / "stage/book" / copy.name
        nbformat.write(cleaned(nbformat.read(copy, as_version=4)), staged)


def execute(
    root: Path, output: Path, sources: list[Path], parameters: dict[str, str | int]
) -> dict[Path, Path]:
    """Execute copies of the notebooks in `sources`, unless they are unchanged."""
    scale = str(parameters["scale"])
    folder = output / "executed" / re.sub(r"[^\w-]", "_", scale)
    workers = min(2, os.cpu_count() or 1) if scale in LIGHT else 1
    if scale in LIVE:
        os.environ["CPLIB_RESULTS"] = str(live_results(root, output))
    stored = files.named("CPLIB_RESULTS") or root / "book" / "results"
    jobs = []
    for source in sources:
        if source.suffix == ".ipynb":
            name = Path("book", source.name)
            key = input_key(source, parameters, stored)
            cwd = output / "stage" / name.parent
            job = Job(
                source, folder / name, str(name), cwd, parameters, key, workers == 1
            )
            jobs.append(job)
    stale = [job for job in jobs if not is_done(job)]
    if len(stale) < len(jobs):
        print(f"  {len(jobs) - len(stale)} of {len(jobs)} unchanged, not run again")
    for job, seconds in execute_all(stale, workers):
        print(f"  {job.name}: {seconds:.0f} s", flush=True)
    return {job.source: job.target for job in jobs}


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """Add the provenance line and ids of figures; remove what a page does not need.

    That is times, paths, progress bars and widget views: a live widget needs a kernel
    or a script from a CDN, and its static HTML is shown instead. A notebook executed
    twice is then the same, except for the provenance line and what its cells measure.
    """
    add_line(notebook)
    for name in ("papermill", "widgets", KEY):
        notebook.metadata.pop(name, None)
    _hide_as_the_parameters(notebook)
    for cell in notebook.cells:
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if "outputs" in cell:
            cell.outputs = _steady(cell.outputs)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        add_ids(cell)
    return notebook


def _steady(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """`outputs` with consecutive prints joined, without progress bars (stderr)."""
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.get("name") == "stderr":
            continue
        if kept and output.get("name") == kept[-1].get("name") == "stdout":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def _hide_as_the_parameters(notebook: NotebookNode) -> None:
    """Hide papermill's parameter cell as the one it replaces, and fix its id."""
    hiding: list[str] = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "parameters" in tags:
            hiding = [tag for tag in tags if tag.startswith(("hide-", "remove-"))]
        elif "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, *hiding]
            cell["id"] = "injected-parameters"  # papermill's is random


def build_pages(settings: Path, output: Path) -> Path:
    """Run jupyter-book on the stage of `output`, with `_config.yml` and `_toc.yml`.

    Returns:
        The folder of the pages.
    """
    print("Pages ...", end=" ", flush=True)
    began = time.perf_counter()
    fresh, log = output / "fresh", output / "build.log"
    shutil.rmtree(fresh, ignore_errors=True)
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(output / "stage")]
    command += ["--config", str(settings / "_config.yml")]
    command += ["--toc", str(settings / "_toc.yml")]
    command += ["--path-output", str(fresh), "-W", "--keep-going"]
    watch = Watch()
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    log.write_text(done.stdout, encoding="utf-8")
    death = Death(done.returncode, done.stdout, watch.short(), log)
    if death.crashed:
        raise BookError(f"jupyter-book died {death}")
    if done.returncode != 0:
        notable = re.findall(r"^.*(?:WARNING|ERROR|Error:).*$", done.stdout, re.M)
        shown = "\n".join(f"    {line}" for line in notable or done.stdout.splitlines())
        raise BookError(
            f"jupyter-book refused the pages.\n{shown[-3000:]}\n  log: {log}"
        )
    print(f"{time.perf_counter() - began:.0f} s")
    return fresh / "_build" / "html"


def replace_pages(made: Path, html: Path) -> Path:
    """Put the pages `made` in the place of those in `html`; return the first."""
    fresh = made.parents[1]
    if html.exists():
        os.replace(html, fresh / "previous")
    os.replace(made, html)
    shutil.rmtree(fresh, ignore_errors=True)
    return html / "index.html"


if __name__ == "__main__":
    console.run(main)
