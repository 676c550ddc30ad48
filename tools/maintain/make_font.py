"""Make the book's font for formulas from STIX Math (SIL OFL 1.1).

    python -m tools.maintain.make_font STIXMath-Regular.otf

The font is in Debian's package fonts-stix; phones have none with tables for formulas.
Letters, Greek, operators, arrows and brackets are kept, a fifth of the file, under
another name, as the licence requires. Needs `pip install fonttools brotli`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from cplib._base import console

NAME = "Book Math"
TARGET = Path(__file__).parents[2] / "book/static/vendor/stix/book-math.woff2"
# first and last character of Unicode blocks, or of their parts used in formulas
RANGES = (
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x00FF),  # Latin-1
    (0x0131, 0x0131),  # dotless i
    (0x0237, 0x0237),  # dotless j
    (0x02C6, 0x02DD),  # accents
    (0x0300, 0x0338),  # combining accents
    (0x0391, 0x03F5),  # Greek
    (0x2010, 0x2057),  # dashes, dots, primes
    (0x2061, 0x2064),  # invisible operators
    (0x20D0, 0x20EF),  # arrows above letters
    (0x2100, 0x214F),  # letterlike
    (0x2190, 0x22FF),  # arrows, operators
    (0x2300, 0x2311),  # ceilings, floors
    (0x23B0, 0x23E1),  # braces above and below
    (0x25A0, 0x25CF),  # shapes
    (0x27E6, 0x27EF),  # brackets
    (0x2A00, 0x2A0C),  # large operators
    (0x2A7D, 0x2A7E),  # slanted inequalities
    (0x1D400, 0x1D467),  # bold, italic
    (0x1D49C, 0x1D4CF),  # script
    (0x1D538, 0x1D56B),  # double-struck
    (0x1D6A4, 0x1D71B),  # Greek, bold and italic
)


def main(source: Path) -> None:
    """Write TARGET from the font at `source`."""
    font = TTFont(source)
    options = Options(hinting=False, layout_features=["*"], drop_tables=["FFTM"])
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[c for a, b in RANGES for c in range(a, b + 1)])
    subsetter.subset(font)
    names = font["name"]
    for record in list(names.names):
        if record.nameID in (1, 4, 16):
            names.setName(NAME, *_key(record))
        elif record.nameID == 6:
            names.setName(NAME.replace(" ", ""), *_key(record))
    if "CFF " in font:
        cff = font["CFF "].cff
        cff.fontNames[0] = NAME.replace(" ", "")
        cff[0].FullName = cff[0].FamilyName = NAME
    font.flavor = "woff2"
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    font.save(TARGET)


def _key(record) -> tuple[int, int, int, int]:
    return record.nameID, record.platformID, record.platEncID, record.langID


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(
            "Name the font: python -m tools.maintain.make_font STIXMath-Regular.otf"
        )
    console.run(lambda: main(Path(sys.argv[1])))
