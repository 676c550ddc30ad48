"""Remove unused assets from the built pages."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from tools.pages import icons

# Scripts and style sheets that no page needs, by a part of their tag: icons come from a
# font (icons.py), and there are no live cells.
UNUSED = ("scripts/fontawesome.js", "sphinx-thebe", "THEBE_JS_URL")
# Needed by the search page only, which is English: there is no search while typing.
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js", "translations.js")
# Needed by pages with cards, grids or tabs only.
DESIGN = ("sphinx-design.min.css", "design-tabs.js")
DESIGNED = re.compile(r'class="[^"]*\bsd-')
TAG = re.compile(r"[ \t]*(?:<script\b[^>]*>[^<]*</script>|<link\b[^>]*>)\n?")
# Files that no page loads: source maps, templates, translations of the theme.
DEAD = (
    "**/*.map",
    "*webpack-macros.html",
    "locales/**/*.[mp]o",
    "scripts/fontawesome.js",
    "sphinx-thebe.*",
    "play-solid.svg",
)
FIGURE = re.compile(r'src="data:image/svg\+xml;base64,([A-Za-z0-9+/=\s]+)"')
TABLE = re.compile(r'href="data:text/csv;base64,([A-Za-z0-9+/=\s]+)"')
SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"')
PIXELS = 4 / 3  # CSS pixels per point
# coordinates; not `transform`, whose factors may be small
PLACES = re.compile(r'\b(d|points|[xy][12]?|c[xy]|width|height)="([^"]*)"')
LONG = re.compile(r"-?\d+\.\d{3,}")


def lightened(text: str, page: Path, html: Path) -> str:
    """`text` of `page`, with figures and data in files and without unused tags."""
    text = without_unused(text, search=page.name == "search.html")
    text = figures_to_files(text, page, html)
    return tables_to_files(text, page, html)


def prune(static: Path, pages: list[str]) -> None:
    """Remove from the folder `static` the files that no page loads, given `pages`."""
    for pattern in DEAD:
        for path in static.glob(pattern):
            path.unlink()
    for folder in sorted(static.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    scripts = [path.read_text(encoding="utf-8") for path in static.rglob("*.js")]
    icons.keep_used(static, pages + scripts)


def pages(html: Path) -> list[Path]:
    """The pages of the book built in `html`."""
    found = sorted(html.rglob("*.html"))
    return [path for path in found if "_static" not in path.parts]


def without_unused(page: str, *, search: bool = False) -> str:
    """`page` without the tags that load unused files."""
    unused = UNUSED if search else UNUSED + SEARCH
    if not DESIGNED.search(page):
        unused += DESIGN

    def kept(tag: re.Match) -> str:
        return "" if any(part in tag[0] for part in unused) else tag[0]

    return TAG.sub(kept, page)


def figures_to_files(text: str, page: Path, html: Path) -> str:
    """Move the SVG figures in the `text` of `page` to files of their own.

    In notebooks they are base64, a third larger. Width and height reserve their place
    until the file is loaded.
    """

    def moved(source: re.Match) -> str:
        picture = minified(base64.b64decode(source[1]).decode("utf-8"))
        address = _filed(picture.encode(), ".svg", page, html)
        size = SIZE.search(picture)
        box = ""
        if size:
            width, height = (round(float(points) * PIXELS) for points in size.groups())
            box = f' width="{width}" height="{height}"'
        return f'src="{address}"{box}'

    return FIGURE.sub(moved, text)


def tables_to_files(text: str, page: Path, html: Path) -> str:
    """Move the data of figures in the `text` of `page` to files of their own.

    Only readers who save the data then download them.
    """

    def moved(link: re.Match) -> str:
        return f'href="{_filed(base64.b64decode(link[1]), ".csv", page, html)}"'

    return TABLE.sub(moved, text)


def _filed(content: bytes, suffix: str, page: Path, html: Path) -> str:
    """Write `content` to the images, named by its hash.

    Returns:
        The address relative to `page`.
    """
    folder = html / "_images"
    folder.mkdir(exist_ok=True)
    name = hashlib.sha256(content).hexdigest()[:16] + suffix
    (folder / name).write_bytes(content)
    return "../" * (len(page.relative_to(html).parts) - 1) + f"_images/{name}"


def minified(picture: str) -> str:
    """Remove the invisible parts of matplotlib's SVG.

    These are comments, metadata, space between tags, and the third and later decimals
    of coordinates (less than a hundredth of a point).
    """
    picture = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", picture, flags=re.S)
    picture = re.sub(r">\s+<", "><", picture)
    picture = re.sub(r"\s*\n\s*", " ", picture)
    return PLACES.sub(lambda p: f'{p[1]}="{LONG.sub(_rounded, p[2])}"', picture)


def _rounded(number: re.Match) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
