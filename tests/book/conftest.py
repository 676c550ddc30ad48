"""One smoke-scale build of the whole book, and one browser, for all tests here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alone import opening

from tools.build.book import CODE
from tools.maintain import browser as chromium

LIMIT = 900  # seconds; a notebook that hangs must not hang the tests


@dataclass(frozen=True)
class Build:
    """What `tools/build/book.py` did."""

    output: Path
    returncode: int
    log: str

    @property
    def html(self) -> Path:
        return self.output / "html"


@pytest.fixture(scope="session")
def build(tmp_path_factory) -> Callable[..., Build]:
    """A function that builds a book far from the user's cache, data and results."""
    apart = tmp_path_factory.mktemp("apart")
    folders = ("CPLIB_CACHE", "CPLIB_DATA", "CPLIB_RESULTS", "IPYTHONDIR")
    environment = os.environ | {name: str(apart / name) for name in folders}

    def run(output: Path, *options: str) -> Build:
        command = [sys.executable, "-m", "tools.build.book", "--output", output]
        done = subprocess.run(
            [*command, *options],
            cwd=CODE,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return Build(output, done.returncode, done.stdout)

    return run


@pytest.fixture(scope="session")
def smoke(build, tmp_path_factory) -> Build:
    """The book at smoke scale, every notebook computed from scratch.

    `CPLIB_TEST_BOOK` names an output folder to keep and reuse while working on tests.
    """
    kept = os.environ.get("CPLIB_TEST_BOOK")
    output = Path(kept).resolve() if kept else tmp_path_factory.mktemp("book")
    return build(output, "--scale", "smoke", "--seeds", "2", "--device", "cpu")


@pytest.fixture(scope="session")
def bases(smoke):
    """Where the built pages are: on a server, and as files."""
    assert smoke.returncode == 0, smoke.log
    with chromium.serving(smoke.html) as http:
        yield {"http": http, "file": smoke.html.as_uri()}


@pytest.fixture
def visit(launched, bases):
    """A function that opens a page of the book in a fresh browser context.

    `visit("book/blur.html", scheme="file", width=360)` gives playwright's page; further
    options are those of playwright's `new_context`. When the test ends, it fails if any
    page had an error or asked for anything from elsewhere.
    """
    contexts: list[Any] = []
    problems: list[str] = []

    def open_page(page: str, *, scheme: str = "http", width: int = 1280, **options):
        size = {"width": width, "height": 800}
        context = launched.new_context(viewport=size, **options)
        contexts.append(context)
        context.set_default_timeout(90_000)  # milliseconds; machines can be busy
        chromium.watch(context, bases[scheme], problems)
        tab = context.new_page()
        tab.goto(f"{bases[scheme]}/{page}")
        tab.evaluate(chromium.SETTLED)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def opened(launched):
    """A function that opens an address in a new profile, as `alone.opening` does."""
    with opening(launched) as function:
        yield function
