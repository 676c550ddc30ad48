"""Pack the built book into one ZIP file, to be opened by double click.

python -m tools.build.zip _build/html _build/critical-periods.zip
"""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
TOP = "critical-periods"
DOOR = "Open the book.html"  # the only page at the top level
FOLDER = "pages"
LICENCES = ("LICENSE", "LICENSE-text")
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

    Same pages, same bytes.

    Raises:
        FileNotFoundError: there is no book in `html`.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"No book in {html}: run make book first.")
    unfinished = target.with_name(target.name + ".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, DOOR, DOOR_HTML.encode())
        _add(archive, f"{FOLDER}/{SIGN}", SIGN_CSS.encode())
        for name in LICENCES:
            _add(archive, name, (CODE / name).read_bytes())
        for path in sorted(html.rglob("*")):
            name = path.relative_to(html)
            if path.is_file() and not name.name.startswith("."):
                _add(archive, f"{FOLDER}/{name.as_posix()}", path.read_bytes())
    os.replace(unfinished, target)
    return target


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"{TOP}/{name}")  # dated 1980
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def main() -> None:
    """Pack the book and print the size of the file."""
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
