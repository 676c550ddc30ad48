"""Pack the built book, or its data, into one ZIP file.

python -m tools.build.zip _build/html _build/critical-periods.zip
python -m tools.build.zip data _build
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import zipfile
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
TOP = "critical-periods"
DOOR = "Open the book.html"  # the only page at the top level
FOLDER = "pages"
LICENCES = ("LICENSE", "LICENSE-text")
# an edition's data: what the book's numbers are computed from, and how
DATA = ("book/results/*", "book/benchmarks/*.jsonl", "book/*.yml", "CITATION.cff",
        "CHANGELOG.md", *LICENCES)  # fmt: skip
# Windows opens a page inside a ZIP file by unpacking that page alone. Then this style
# sheet is missing, and the page says what to do instead of linking to missing pages.
SIGN = "door.css"
SIGN_CSS = ".packed { display: none; }\n.unpacked { display: block; }\n"
DOOR_HTML = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Critical Learning Periods</title>
<link rel="icon" href="data:,">
<style>.unpacked {{ display: none; }}</style>
<link rel="stylesheet" href="{FOLDER}/{SIGN}"
  onload="location.replace('{FOLDER}/index.html')">
</head>
<body><main>
<h1>Critical Learning Periods</h1>
<p class="unpacked"><a href="{FOLDER}/index.html">Open the book</a></p>
<p class="packed">The other pages are not beside this one. If you opened it inside the
ZIP file, unpack the file first (in Windows: click it with the right button, then
<em>Extract all</em>), and open <em>{DOOR}</em> in the new folder.</p>
</main></body>
</html>
"""


def make_zip(html: Path, target: Path) -> Path:
    """Pack the book built in `html` into `target`, and return `target`.

    The same pages give the same bytes.

    Raises:
        FileNotFoundError: there is no book in `html`.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"No book in {html}: run make book first.")
    files = {DOOR: DOOR_HTML.encode(), f"{FOLDER}/{SIGN}": SIGN_CSS.encode()}
    files |= {name: (CODE / name).read_bytes() for name in LICENCES}
    for path in sorted(html.rglob("*")):
        name = path.relative_to(html)
        if path.is_file() and not name.name.startswith("."):
            files[f"{FOLDER}/{name.as_posix()}"] = path.read_bytes()
    return _pack(files, TOP, target)


def make_data(folder: Path, root: Path = CODE) -> Path:
    """Pack an edition's results, claims and records, ready for a repository of data.

    Returns the path of the archive. Its SHA-256 is written beside it, in the format of
    `sha256sum`; inside, MANIFEST has that of each file. The same data give the same
    bytes.
    """
    from cplib import __version__  # not above: packing the book needs no packages

    found = sorted({path for pattern in DATA for path in root.glob(pattern)})
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in found}
    sums = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in files]
    files["MANIFEST"] = "".join(sums).encode()
    name = f"{TOP}-data-{__version__}"
    folder.mkdir(parents=True, exist_ok=True)
    target = _pack(files, name, folder / f"{name}.zip")
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_suffix(".zip.sha256").write_text(f"{digest}  {target.name}\n")
    return target


def _pack(files: dict[str, bytes], top: str, target: Path) -> Path:
    """Write `files`, under the folder `top`, to the archive `target`."""
    unfinished = target.with_name(target.name + ".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{top}/{name}")  # dated 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    os.replace(unfinished, target)
    return target


def main() -> None:
    """Pack the book or its data, and print the size of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, help="folder of the built pages, or: data")
    parser.add_argument("target", type=Path, help="file to write; for data its folder")
    arguments = parser.parse_args()
    try:
        if str(arguments.html) == "data":
            made = make_data(arguments.target)
        else:
            made = make_zip(arguments.html, arguments.target)
    except OSError as error:
        sys.exit(f"The book was not packed: {error}")
    print(f"{made}   ({made.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
