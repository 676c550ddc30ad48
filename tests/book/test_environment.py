"""Setting up: what is missing is said in a sentence."""

from __future__ import annotations

import subprocess
import sys

import environment
import pytest
from build_book import CODE


def test_old_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(environment.Refusal, match=r"needs Python 3\.11 .* Python 3\.9"):
        environment.check_python()


def test_missing_venv_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(environment.Refusal, match="apt install python3-venv"):
        environment.check_python()


def test_failing_command_leaves_no_stamp(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "call", lambda command, **_: 1)
    stamp = tmp_path / "stamp"
    with pytest.raises(environment.Refusal, match=r"Making .* failed"):
        environment.install(str(tmp_path / "venv"), "requirements.txt", str(stamp))
    assert not stamp.exists()


def test_bare_make_lists_the_commands():
    done = subprocess.run(
        ["make"], cwd=CODE, capture_output=True, text=True, check=True
    )
    for name in ("book", "test", "serve", "results", "bench", "clean"):
        assert f"make {name} " in done.stdout
