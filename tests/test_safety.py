"""Nothing is executed from a file of data, and no name leads out of a folder."""

import ast
import dataclasses
import gzip
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from handmade import handmade

from cplib import engine, results, studies
from cplib._base import files
from cplib.data import Raw, published
from cplib.engine import segment
from cplib.errors import InputError
from cplib.studies import plan

FOLDER = Path(__file__).parents[1]
SOURCES = sorted([*FOLDER.glob("cplib/**/*.py"), *FOLDER.glob("tools/**/*.py")])
STUDY = studies.get("1TL", "smoke")


class Bomb:
    """Ends the test run when it is unpickled."""

    def __reduce__(self):
        return os._exit, (77,)


BOMB = pickle.dumps(Bomb())
LOADERS = {"load", "loads", "safe_load", "unsafe_load", "full_load", "load_all"}


def calls(path):
    """Every call of something named as loaders are, as (dotted name, keywords)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            loader = name.split(".")[-1] in LOADERS | {"read_pickle"}
            if loader or name in ("eval", "exec"):
                yield name, {k.arg: ast.unparse(k.value) for k in node.keywords}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_loader_that_could_execute_anything(path):
    harmless = {"json.load", "json.loads", "yaml.safe_load", "tomllib.load"}
    harmless |= {"tomllib.loads"}
    for name, keywords in calls(path):
        if name == "np.load":
            assert keywords.get("allow_pickle") == "False", path
        elif name not in ("data.load", "self.load", "source.load"):  # a data set's
            assert name in harmless, f"{path}: {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_checksum_that_strict_machines_forbid(path):
    """FIPS: MD5 and the like only where it is said that it is not for security."""
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"hashlib\.(?!sha256|file_digest)\w+\(?", line):
            assert "usedforsecurity=False" in line, f"{path}: {line}"
    assert not re.search(r"file_digest\([^)]*['\"](?!sha256)", text), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_module_knows_of_pickles(path):
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not imported & {"pickle", "cloudpickle", "joblib", "shelve", "marshal"}


def test_a_checkpoint_that_is_a_pickle_is_quarantined(tmp_path):
    """Even one with a right checksum."""
    tree = plan.make_plan(STUDY.setup, STUDY.runs, [0])
    for key in tree.segments:
        path = segment.state_path(tmp_path / "states", key)
        files.write_checked(path, BOMB)
    with pytest.warns(UserWarning, match="holds no state.*quarantined"):
        trained = engine.run(
            STUDY.setup, STUDY.runs, [0], workers=1, cache=tmp_path, progress=False
        )
    assert len(trained) == len(STUDY.runs)


@pytest.mark.parametrize("packed", [False, True])
def test_a_result_that_is_a_pickle_is_quarantined(packed):
    path = results.save(handmade("1TL"))
    path.write_bytes(gzip.compress(BOMB) if packed else BOMB)
    with pytest.warns(UserWarning, match="quarantined"):
        assert results.stored(STUDY) is None


def object_array(path, names):
    arrays = {name: np.array([Bomb()], dtype=object) for name in names}
    np.savez(path, **arrays)


def test_a_data_set_with_pickled_objects_is_refused(tmp_path):
    object_array(tmp_path / "mnist.npz", Raw._fields)
    with pytest.raises(files.Damaged, match="allow_pickle"):
        published.read(tmp_path / "mnist.npz", published.MNIST)


OUTSIDE = ["../x", "..", "/etc/x", "a/b", "a\\b", "C:x", ".hidden", "", "a\0b", "x\n"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("part", ["name", "scale"])
def test_no_study_leads_out_of_the_folder(name, part):
    with pytest.raises(InputError, match="cannot be a file's name"):
        dataclasses.replace(STUDY, **{part: name})


@pytest.mark.parametrize("value", OUTSIDE)
def test_no_parameter_of_a_notebook_does(value):
    """`scale` and `seeds` as papermill passes them on; `device` goes to torch."""
    with pytest.raises(InputError):
        studies.get("1TL", value)
    with pytest.raises(InputError):
        studies.get(value, "smoke")
    with pytest.raises(InputError):
        results.parse_seeds(value)
    with pytest.raises(InputError):
        results.get(STUDY, seeds=1, device=value)
    with pytest.raises(InputError):
        dataclasses.replace(STUDY.setup.data, name=value)


def test_whatever_a_key_is_made_of_it_is_hexadecimal():
    tree = plan.make_plan(STUDY.setup, STUDY.runs, [0])
    for key in tree.segments:
        assert len(key) == 32 and set(key) <= set("0123456789abcdef")
