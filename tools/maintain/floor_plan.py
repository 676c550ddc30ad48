"""Draw the rooms of cplib and their imports, and list their public names.

    python -m tools.maintain.floor_plan

Writes `book/static/floor-plan.svg` and the table of rooms in `book/how-built.md`. The
floors are layers of `[tool.importlinter]` in pyproject.toml; the arrows are imports,
except those that a longer path implies and those of `GROUND`.
"""

from __future__ import annotations

import re
import string
import textwrap
import tomllib
from html import escape
from importlib import import_module
from pathlib import Path

import grimp

from cplib._base import console

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "book" / "static" / "floor-plan.svg"
PAGE = ROOT / "book" / "how-built.md"
TABLE = re.compile(r"^\| room \|.*?\n(?=\n)", re.M | re.S)
TEMPLATE = string.Template(Path(__file__).with_suffix(".svg").read_text("utf-8"))
GROUND = ("_base", "errors")  # nearly every room imports them
EDGE, WIDTH, GAP, LETTER = 8, 520, 28, 6.6  # pixels; LETTER is the mean of the letters


def floors() -> list[list[str]]:
    """The rooms on each floor, from the top down."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return [re.split(r"\s*[:|]\s*", layer) for layer in layers]


def arrows() -> list[tuple[str, str]]:
    """Pairs (room, room that it imports)."""
    graph = grimp.build_graph("cplib", cache_dir=None)
    rooms = [room for floor in floors() for room in floor if room not in GROUND]
    below: dict[str, list[str]] = {}
    for room in rooms:
        graph.squash_module(f"cplib.{room}")
    for room in rooms:
        found = graph.find_modules_directly_imported_by(f"cplib.{room}")
        below[room] = [r for r in rooms if r != room and f"cplib.{r}" in found]

    def implied(a: str, b: str) -> bool:
        return any(b in below[c] or implied(c, b) for c in below[a] if c != b)

    return [(a, b) for a in rooms for b in below[a] if not implied(a, b)]


def about(room: str) -> tuple[str, str, list[str]]:
    """The room's place in cplib, what it does, and its public names."""
    module = import_module(f"cplib.{room}")
    place = f"{room}/" if hasattr(module, "__path__") else f"{room}.py"
    return place, module.__doc__.splitlines()[0], getattr(module, "__all__", [])


def table() -> str:
    """The table of rooms from the top floor down, in Markdown."""
    lines = ["| room | what it does | public names |", "|---|---|---|"]
    for place, words, names in (about(room) for floor in floors() for room in floor):
        lines.append(f"| `{place}` | {words} | {', '.join(f'`{n}`' for n in names)} |")
    return "\n".join(lines) + "\n"


def picture() -> str:
    """The floors from the top down, as SVG."""
    shapes, boxes, y = [], {}, EDGE
    for floor in floors():
        wide = (WIDTH - EDGE * (len(floor) - 1)) / len(floor)
        words = [about(room)[1].replace("`", "") for room in floor]
        texts = [textwrap.wrap(line, int((wide - 16) / LETTER)) for line in words]
        tall = 30 + 16 * max(map(len, texts))
        for place, (room, text) in enumerate(zip(floor, texts, strict=True)):
            boxes[room] = (EDGE + place * (wide + EDGE), y, wide, tall)
            shapes += _room(room, text, *boxes[room])
        y += tall + GAP
    lines = [_arrow(boxes[a], boxes[b]) for a, b in arrows()]
    size = {"width": WIDTH + 2 * EDGE, "height": y - GAP + EDGE}
    return TEMPLATE.substitute(shapes="\n".join(lines + shapes), **size)


def _room(
    room: str, text: list[str], x: float, y: int, wide: float, tall: int
) -> list[str]:
    kind = "ground" if room in GROUND else "room"
    words = [
        f'<text x="{x + 8:g}" y="{y + 38 + 16 * number}">{escape(line)}</text>'
        for number, line in enumerate(text)
    ]
    return [
        f'<rect class="{kind}" x="{x:g}" y="{y}" width="{wide:g}" height="{tall}"/>',
        f'<text class="name" x="{x + 8:g}" y="{y + 20}">{about(room)[0]}</text>',
        *words,
    ]


def _arrow(above: tuple, under: tuple) -> str:
    """A line from one box to another, upright where one is above the other."""
    spans = [(x + 16, x + wide - 16) for x, _, wide, _ in (above, under)]
    middle = (max(left for left, _ in spans) + min(right for _, right in spans)) / 2
    start, end = (min(max(middle, left), right) for left, right in spans)
    y = above[1] + above[3]
    return f'<line x1="{start:g}" y1="{y}" x2="{end:g}" y2="{under[1]}"/>'


def main() -> None:
    """Bring the picture and the table up to date."""
    PICTURE.write_text(picture(), encoding="utf-8", newline="\n")
    page = TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    console.run(main)
