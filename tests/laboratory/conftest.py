"""The engine, compiled once for all tests of the laboratory."""

from __future__ import annotations

import importlib.util
import os

import pytest

from tools.build import laboratory


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """The native build; without its compiler tests are skipped, but fail in CI."""
    if importlib.util.find_spec("ziglang") is None:
        message = "No ziglang: python -m pip install -r requirements-dev.txt."
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(message)
        pytest.skip(message)
    return laboratory.native(tmp_path_factory.mktemp("engine"))
