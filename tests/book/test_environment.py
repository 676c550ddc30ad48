"""Setting up: one sentence says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile

import pytest

from tools.build import environment
from tools.build.book import CODE


@pytest.mark.parametrize("minor", [9, 10, 15])
def test_a_python_without_packages_is_refused(monkeypatch, minor):
    monkeypatch.setattr(sys, "version_info", (3, minor, 0, "alpha", 1))
    said = rf"needs Python 3\.11 to 3\.14, and this is Python 3\.{minor} .*python3\.13"
    with pytest.raises(environment.Refusal, match=said):
        environment.check_python()


@pytest.mark.parametrize("minor", [11, 14])
def test_a_suitable_python_is_accepted(monkeypatch, minor):
    monkeypatch.setattr(sys, "version_info", (3, minor, 0, "final", 0))
    environment.check_python()


def test_pages_name_the_same_pythons():
    for name in ("README.md", "requirements.txt", "book/teaching.md"):
        text = (CODE / name).read_text(encoding="utf-8")
        assert environment.PYTHONS in text, name


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """A function that has pip install missing packages, without a network."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    log = tmp_path / "pip.log"

    def install(*words):
        command = [sys.executable, "-m", "pip", "--log", str(log), "install", "-qq"]
        command += ["--retries", "0", "--target", str(tmp_path / "there"), *words]
        environment.call("Installing", command, str(log))

    return install


def offer(folder, name, *needs):
    """Write an empty wheel of `name`, version 1.0, that requires `needs`."""
    info = f"{name}-1.0.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(lines))
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_missing_network_is_distinguished_from_missing_packages(pip, tmp_path):
    """By pip's own log."""
    offer(tmp_path, "one", "two==2.0")
    offer(tmp_path, "two")
    here = ("--no-index", "--find-links", str(tmp_path))
    packages = r"some packages are not available .*Python 3\.11 to 3\.14"
    for words in (("one",), ("two==2.0",), ("three",)):
        with pytest.raises(environment.Refusal, match=packages):
            pip(*here, *words)
    with pytest.raises(environment.Refusal, match="a network is needed"):
        pip("--index-url", "http://127.0.0.1:9/simple", "one")


def test_other_failures_are_named(pip, tmp_path):
    with pytest.raises(environment.Refusal, match="the lines above say why"):
        pip("--no-such-option")
    full = "ERROR: Could not install: [Errno 28] No space left on device: '/x'"
    assert "disk is full" in environment.reason(full)
    with pytest.raises(environment.Refusal, match="ended by signal 9.*lack of memory"):
        code = "import os; os.kill(os.getpid(), 9)"
        environment.call("Installing", [sys.executable, "-c", code])


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
