"""The built book as one ZIP file, to be carried on a stick and opened by double click.

python tools/make_zip.py _build/html _build/critical-periods.zip
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from pathlib import Path

import accessible

CODE = Path(__file__).resolve().parents[1]
TOP = "critical-periods"
DOOR = "Open the book.html"  # the only page at the top, beside the folder
FOLDER = "pages"
LICENCES = ("LICENSE", "LICENSE-text")


def make_zip(html: Path, target: Path) -> Path:
    """Pack the book built in `html` into `target`; returns `target`.

    The same pages give the same bytes.

    Raises:
        FileNotFoundError: there is no book in `html`.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"No book in {html}: run make book first.")
    door = accessible.redirect_html(f"{FOLDER}/index.html", "Critical Learning Periods")
    unfinished = target.with_name(target.name + ".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, DOOR, door.encode())
        for name in LICENCES:
            _add(archive, name, (CODE / name).read_bytes())
        for path in sorted(html.rglob("*")):
            name = path.relative_to(html)
            if path.is_file() and not name.name.startswith("."):
                _add(archive, f"{FOLDER}/{name.as_posix()}", path.read_bytes())
    os.replace(unfinished, target)
    return target


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"{TOP}/{name}")  # dated 1980, whatever the day
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def main() -> None:
    """Pack, and say how large the file is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, help="folder of the built pages")
    parser.add_argument("target", type=Path, help="the file to write")
    arguments = parser.parse_args()
    try:
        made = make_zip(arguments.html, arguments.target)
    except OSError as error:
        sys.exit(f"The book was not packed: {error}")
    print(f"{made}   ({made.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    main()
