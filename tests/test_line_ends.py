"""Git on Windows turns line feeds into pairs: that must not cost a stored result."""

import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
import report

from cplib import results, studies
from cplib._base import files
from cplib.analysis import ledger
from cplib.analysis.biology import load_csv

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"


@pytest.fixture
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def git(*words, at):
    """Run git, whatever this machine's owner has set."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "user.name=x", "-c", "user.email=x", *map(str, words)]
    subprocess.run(command, cwd=at, env=own, check=True, capture_output=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """What Git for Windows makes, by default, of a repository with our files."""
    if not shutil.which("git"):
        pytest.skip("cloning takes git")
    folder = tmp_path_factory.mktemp("repository")
    for name in ("book", "cplib"):
        leave = shutil.ignore_patterns("__pycache__", ".lock")
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copy(ROOT / ".gitattributes", folder)
    git("init", at=folder)
    git("-c", "core.autocrlf=false", "add", ".", at=folder)
    git("commit", "-m", "x", at=folder)
    git("clone", "-c", "core.autocrlf=true", folder, "clone", at=folder.parent)
    yield folder.parent / "clone"


def test_a_clone_on_windows_has_the_same_bytes(clone):
    tracked = [path for path in clone.rglob("*") if path.is_file()]
    tracked = [path for path in tracked if ".git" not in path.parts]
    assert {".gz", ".json", ".npz", ".woff2"} <= {path.suffix for path in tracked}
    for path in tracked:
        assert path.read_bytes() == (ROOT / path.relative_to(clone)).read_bytes(), path


def test_its_results_are_whole(clone, monkeypatch, no_warnings):
    monkeypatch.setenv("CPLIB_RESULTS", str(clone / "book/results"))
    for name, scale in studies.BOOK:
        assert results.stored(studies.get(name, scale)).seeds
    assert not list(clone.rglob("*.damaged-*"))


def with_pairs(path, target):
    content = path.read_bytes()
    assert b"\n" in content and b"\r" not in content
    target.write_bytes(content.replace(b"\n", b"\r\n"))
    return target


def test_whatever_else_the_book_reads(tmp_path, monkeypatch):
    """The ledger, the benchmarks' records, a teacher's points."""
    claims = ledger.ledger()
    with_pairs(BOOK / "claims.yml", tmp_path / "claims.yml")
    monkeypatch.setenv("CPLIB_CLAIMS", str(tmp_path / "claims.yml"))
    assert ledger.ledger() == claims
    for path in (BOOK / "benchmarks").glob("*.json"):
        with_pairs(path, tmp_path / path.name)
    for name in report.BENCHMARKS:
        assert report.read(name, place=tmp_path) == report.read(name)
    assert report.chaos(tmp_path)[1] == report.chaos()[1]
    points = tmp_path / "points.csv"
    points.write_bytes(b"age_days,value\n" + b"".join(b"%d,1\n" % i for i in range(9)))
    wanted = load_csv(points)
    assert load_csv(with_pairs(points, points)).equals(wanted)


def test_checkpoints_have_no_line_ends_to_change(tmp_path):
    """They are never in a repository; a pair of bytes in one is not forgiven."""
    path = tmp_path / "x.state"
    files.write_checked(path, b"a\nb")
    path.write_bytes(path.read_bytes().replace(b"a\nb", b"a\r\nb"))
    with pytest.raises(files.Damaged, match="checksum mismatch"):
        files.read_checked(path)
