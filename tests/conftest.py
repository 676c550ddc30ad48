"""Every test keeps its checkpoints, data and results in folders of its own."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from handmade import STORED

# A shell lets what it starts in the background ignore Control-C, and so all that these
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(config, items):
    """Side by side (`make test`), tests of the built book share a process and the book.

    All others share one with those of their file, for the sake of its fixtures.
    """
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = "book" if "smoke" in item.fixturenames else item.path.name
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Point the package's folders at the test's temporary folder."""
    for name in ("CACHE", "DATA", "RESULTS"):
        monkeypatch.setenv(f"CPLIB_{name}", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def books_results(own_folders, monkeypatch):
    """The book's stored results, in place of a folder of the test's own."""
    monkeypatch.setenv("CPLIB_RESULTS", str(STORED))


@pytest.fixture(scope="module")
def one_thread():
    """One thread for the references that a module computes by itself."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def launched():
    """A running Chromium; without one its tests are skipped, but fail in CI."""
    from tools.maintain import browser

    path = browser.executable()
    if path is None:
        message = "No Chromium in PATH; install one, or name it in CHROMIUM."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(message)
        pytest.skip(message)
    with browser.running(path) as opened:
        yield opened
