"""One direction of imports, and files that can be read in one sitting."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cplib"
# from what stands alone to what stands on everything; a module imports only from
# what comes before it
ORDER = """
    __init__ errors streams plain randomness storage locks pickles download gratings
    data deficits device augmentation models information landscape persample fisher
    training runs settings studies provenance plan atlas shelf costs speed cgroups
    memory workers segments jobs engine results measures effects verification fits
    exponential statistics ledger claims biology look panel stopwatch curves figures
    traces animals pictures scripts sketch examples timeline glimpse still explorer live
    widgets commands checking checks exercises __main__
""".split()
MODULES = sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("checks/*.py")])


def place(path):
    """The name in ORDER: all modules of a folder stand at one place."""
    return path.stem if path.parent == PACKAGE else path.parent.name


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            inside = node.level > 0 or (node.module or "").startswith("cplib")
            module = (node.module or "").removeprefix("cplib").strip(".")
            if inside and module:
                yield module.split(".")[0]
            elif inside:
                yield from (a.name for a in node.names if a.name != "__version__")


def name_of(path):
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path):
    name = place(path)
    assert name in ORDER, f"say in ORDER where {name} stands"
    before = ORDER[: ORDER.index(name)]
    assert set(imports(path)) <= set(before)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_are_small(path):
    assert len(path.read_text().splitlines()) <= 350


def test_the_project_never_refers_to_what_lies_beside_it():
    root = PACKAGE.parent
    folders = ("book", "cplib", "tests", "tools", "benchmarks")
    files = [path for name in folders for path in (root / name).rglob("*.*")]
    for path in [*files, *root.glob("*.*"), root / "Makefile"]:
        text = path.suffix in {".py", ".md", ".yml", ".toml", ".ipynb", ".js", ""}
        if text and path.is_file():
            assert "../" + "shared" not in path.read_text(encoding="utf-8"), path
