"""The engine, compiled once, for all tests of the laboratory."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tools.maintain import make_engine


def missing(message):
    """Skip a test, but fail in CI, where nothing may be missing."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The native build; without its compiler tests are skipped, but fail in CI."""
    if importlib.util.find_spec("ziglang") is None:
        missing("No ziglang: python -m pip install -r requirements-dev.txt.")
    return make_engine.native(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def chromium(launched):
    """The running browser."""
    return launched
