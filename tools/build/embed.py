"""Write explorers and laboratory as single files, for a page of one's own.

    python -m tools.build.embed _build --scale laptop

They are taken from the executed notebooks of the book, so that numbers and states are
the book's: a state in the address (`#…`) is the same here and there.
"""

from __future__ import annotations

import argparse
import functools
import html
import re
import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml

from tools.build.book import pages
from tools.build.execute import CODE
from tools.pages.edition import edition

FOLDER = "embed"
STYLES = CODE / "book" / "static" / "book.css"
SIGN = re.compile(r"^\.cplib-origin[^}]*\}", re.M)  # that of the folds, as in the book
PAGE, LIST = (
    string.Template(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    for name in ("embed.html", "embed_list.html")
)
PART = re.compile(r'<div class="cplib-(front-page|explorer|laboratory)">')
NAME = re.compile(r'<script type="application/json">\{"name":"([^"]+)"')
HEADING = re.compile(r"^#+ (.+)$", re.M)
HEIGHTS = {"front-page": 800, "explorer": 1100, "laboratory": 1100}  # in pixels
TRIED = "-smoke"  # runs that show that the code works, and nothing else


@dataclass(frozen=True)
class Part:
    """A part of the book that works alone.

    Attributes:
        name: of its file, without suffix.
        title: chapter and section.
        body: its HTML.
        height: of its frame, in pixels.
    """

    name: str
    title: str
    body: str
    height: int

    @property
    def frame(self) -> str:
        """The line that shows it on another page."""
        return (
            f'<iframe src="{self.name}.html" title="{html.escape(self.title)}" '
            f'width="100%" height="{self.height}" style="border: 0" loading="lazy" '
            'allow="clipboard-write"></iframe>'
        )


def make(executed: Path, target: Path, root: Path = CODE) -> list[Path]:
    """Write the parts of the book in the folder `executed` to the folder `target`.

    Returns:
        The files, the list of all last.

    Raises:
        FileNotFoundError: no book was executed there.
    """
    parts = found(executed, root)
    if not parts:
        raise FileNotFoundError(f"No book in {executed}: run make book first.")
    target.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    page = functools.partial(_page, config)
    made = [_written(target / f"{part.name}.html", page(part.title, part.body))
            for part in parts]  # fmt: skip
    rows = "".join(_row(*pair) for pair in zip(parts, made, strict=True))
    body = LIST.substitute(rows=rows)
    return [*made, _written(target / "index.html", page("Parts to embed", body))]


def found(executed: Path, root: Path = CODE) -> list[Part]:
    """The parts in the notebooks of `executed`, in the book's order, each once."""
    parts: dict[str, Part] = {}
    for source in pages(root):
        path = executed / source.relative_to(root)
        for part in _parts(path) if source.suffix == ".ipynb" and path.exists() else ():
            if not part.name.endswith(TRIED) or executed.name == TRIED[1:]:
                parts.setdefault(part.name, part)
    return list(parts.values())


def _parts(path: Path) -> Iterator[Part]:
    headings: list[str] = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            headings += HEADING.findall(cell.source)
        for output in cell.get("outputs", []):
            body = output.get("data", {}).get("text/html", "")
            if kind := PART.match(body):
                named = "-".join([kind[1], *NAME.findall(body)])
                title = ": ".join(dict.fromkeys([headings[0], headings[-1]]))
                yield Part(named, title, body, HEIGHTS[kind[1]])


def _page(config: dict, title: str, body: str) -> str:
    """A page with this body; its foot names book, edition and, if known, address."""
    address = config["html"].get("baseurl")
    link = f' <a href="{address}" target="_top">{address}</a>' if address else ""
    return PAGE.substitute(
        title=html.escape(title),
        body=body,
        signs="\n".join(SIGN.findall(STYLES.read_text(encoding="utf-8"))),
        book=html.escape(config["title"]),
        edition=edition()[1],
        address=link,
    )


def _row(part: Part, file: Path) -> str:
    title, size = html.escape(part.title), f"{file.stat().st_size / 1e3:.0f} kB"
    return (
        f'<li><a href="{file.name}">{title}</a>, {size}'
        f"<pre>{html.escape(part.frame)}</pre>"
        f'<button type="button" aria-label="Copy the line of {title}">Copy</button> '
        '<span role="status"></span></li>\n'
    )


def _written(path: Path, page: str) -> Path:
    path.write_text(page, encoding="utf-8")
    return path


def main(argv: Sequence[str] | None = None) -> int:
    """Write the parts, print their sizes; return 0, or 1 with a sentence on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder in which the book was built")
    parser.add_argument("--scale", default="laptop", help="of the built book")
    chosen = parser.parse_args(argv)
    try:
        made = make(chosen.output / "executed" / chosen.scale, chosen.output / FOLDER)
    except OSError as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 1
    for path in made:
        print(f"{path}   ({path.stat().st_size / 1e3:.0f} kB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
