"""Every test keeps its checkpoints, data and results in folders of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Point the package's folders at the test's temporary folder."""
    for name in ("CACHE", "DATA", "RESULTS"):
        monkeypatch.setenv(f"CPLIB_{name}", str(tmp_path / name.lower()))
    return tmp_path
