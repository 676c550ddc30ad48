"""Published animal data with their sources, and curves clearly marked as schematic.

The measurements behind Figures 1 and 4 C (Giffin and Mitchell 1978; Mitchell 1988;
Olson and Freeman 1980; Rakic et al. 1986) could not be obtained. Instead there are

- **anchors**, numbers and statements as abstracts (or a legend) print them, with one
  source per row; `nan` means that the source gives no number, and none is filled in;
- **schematics**, curves drawn for the eye beside the anchors (`HOW_DRAWN` says how):
  they are not data, and a fit of them would only recover the drawing;
- **your own points**: `load_csv` reads points digitised from a printed figure.
"""

import io
import math
from importlib import resources
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import yaml
from scipy.interpolate import PchipInterpolator as Pchip

from .._base.plain import choose, whole
from ..errors import InputError
from .fits import double_exponential

DATA = yaml.safe_load((resources.files(__package__) / "animals.yml").read_text("utf-8"))
HOW_DRAWN: dict[str, str] = DATA["how_drawn"]
MONTH, YEAR = 365.25 / 12, 365.25  # days


def anchors(name: str) -> pd.DataFrame:
    """The rows called `name` in animals.yml, with their source, doi and url.

    `kitten_acuity`: acuity in c/deg by age in days; `low` and `high` where a range is
    printed (its middle is not). Recovered acuity is what the deprived eye reached weeks
    after it was opened, not that at eye opening, which the paper's Figure 1 names.
    `kitten_sensitivity`: when closing one eye harms a kitten, in words: abstracts print
    ages, not heights. `macaque_synapses`: density in V1, all layers, by age from
    birth; F140 is printed as three times F90. The paper's panel is of another species.
    """
    choose("table of animals", name, DATA.keys() - {"sources", "how_drawn"})
    frame = pd.DataFrame(DATA[name]["rows"], columns=DATA[name]["columns"])
    cited = frame["key"].map(DATA["sources"])
    frame["source"], address = cited.str[0], cited.str[1]
    frame["doi"] = address.where(address.str.startswith("10."), "")
    frame["url"] = address.where(frame["doi"] == "", "https://doi.org/" + address)
    return frame


_ACUITY = Pchip([14, 35, 41, 70, 120], [5 / 16, 2.6, 2.9, 5.0, 5.0])
_DECAY = math.log(5.5 / 2.5) / (4 * MONTH - 45)  # per day
_MACAQUE = anchors("macaque_synapses")
_AGES = [*_MACAQUE["age_days"], _MACAQUE["age_end_days"].iloc[-1]]
_SYNAPSES = Pchip(_AGES, _MACAQUE["synapses_per_100um2"].iloc[[0, 1, 2, 3, 3]])
_PEAK = double_exponential(14 + math.log(40 / 15) / (1 / 15 - 1 / 40), d=14)
_DRAWN = {  # name: first age, last age, curve
    "kitten_acuity": (14, 120, _ACUITY),
    "missing_acuity": (14, 120, lambda age: 100 * (1 - _ACUITY(age) / 5.0)),
    "kitten_recovery": (45, YEAR, lambda age: 5.5 * np.exp(-_DECAY * (age - 45))),
    "kitten_sensitivity": (14, 240, lambda age: double_exponential(age, d=14) / _PEAK),
    "macaque_synapses": (_AGES[0], _AGES[-1], _SYNAPSES),
}


def schematic(name: str, age_days=None) -> pd.DataFrame:
    """A curve drawn for the eye: no data, no fit; `HOW_DRAWN[name]` says how.

    Returns `age_days` as given, (n,), or 300 ages over the range drawn; `value` in
    c/deg, percent, peaks or synapses per 100 um^2, nan outside that range; and `kind`,
    always "schematic". A name that is no key of `HOW_DRAWN` raises `InputError`.
    """
    choose("schematic", name, _DRAWN)
    first, last, curve = _DRAWN[name]
    age = np.linspace(first, last, 300) if age_days is None else np.asarray(age_days)
    value = np.where((first <= age) & (age <= last), curve(age), np.nan)
    return pd.DataFrame({"age_days": age, "value": value, "kind": "schematic"})


def load_csv(path: str | Path | IO, *, min_rows: int = 5) -> pd.DataFrame:
    """Digitised points, for `fit_double_exponential(t, y, sigma=error)`.

    `path` is a file, or an open file or buffer of text or bytes. Its first line names
    `age_days` (or `age_weeks`), `value` and, if known, `error`; other columns and what
    follows a # are skipped. Commas, semicolons or tabs separate columns; with
    semicolons and tabs, decimal commas are read too.

    Returns:
        `age_days`, `value`, `error` if given, and `kind` ("digitised"), sorted by age.

    Raises:
        InputError: no such file, not text, under `min_rows` rows, a column missing, a
            cell that is no number, an age below 0, an error not above 0.
    """
    min_rows = whole("min_rows", min_rows, 0)
    name, table = _cells(path)
    header, rows = [c.lower() for c in table[:1].to_numpy().ravel()], table[1:]
    age = "age_days" if "age_days" in header else "age_weeks"
    wanted = [c for c in (age, "value", "error") if c in header]
    if wanted[:2] != [age, "value"] or any(header.count(c) > 1 for c in wanted):
        asked = "a first line that names age_days (or age_weeks), value and maybe error"
        raise InputError(f"{name} needs {asked}, once each; it has {header}.")
    if len(rows) < min_rows:
        raise InputError(f"{name} has {len(rows)} data rows: give at least {min_rows}.")
    cells = rows.set_axis(header, axis=1)[wanted]
    frame = cells.apply(pd.to_numeric, errors="coerce").astype(float)
    least = {age: 0, "value": -np.inf, "error": np.nextafter(0, 1)}
    bad = ~(np.isfinite(frame) & (frame >= pd.Series(least)[wanted]))
    for row, column in np.argwhere(bad.to_numpy())[:1]:
        rule = "must be a number (no negative age, positive error): correct or drop it."
        cell = f"{wanted[column]} {cells.iloc[row, column]!r}"
        raise InputError(f"{name}, data row {row + 1}: {cell} {rule}")
    frame = frame.sort_values(age, ignore_index=True)
    if age == "age_weeks":
        frame.insert(0, "age_days", 7 * frame.pop(age))
    return frame.assign(kind="digitised")


def _cells(path) -> tuple[str, pd.DataFrame]:
    """The name for messages, and the cells as text, including the first line."""
    name, text = _text(path)
    lines = (x for x in text.splitlines() if x.strip(" ,;\t") and x.lstrip()[0] != "#")
    mark = max(";\t,", key=next(lines, "").count)
    text = text if mark == "," else text.replace(",", ".")  # a decimal comma
    options = {"header": None, "comment": "#", "dtype": str, "keep_default_na": False}
    try:
        table = pd.read_csv(io.StringIO(text), sep=mark, **options).fillna("")
    except pd.errors.EmptyDataError:
        return name, pd.DataFrame()
    except pd.errors.ParserError:
        trouble = f"{name} has a row with more cells than the first line has names"
        raise InputError(f"{trouble}: for decimal commas, split cells by ;.") from None
    table = table.apply(lambda column: column.str.strip())
    return name, table[(table != "").any(axis=1)]


def _text(path) -> tuple[str, str]:
    """The name for messages, and the text: UTF-8, marked UTF-16, or near enough."""
    name = str(getattr(path, "name", path if isinstance(path, str) else "the CSV"))
    try:
        raw = path.read() if hasattr(path, "read") else Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}: check folder and name.") from None
    if isinstance(raw, bytes):
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        # of other encodings only labels suffer: the numbers are ASCII
        raw = raw.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    if "\0" in raw or raw.startswith("PK\3"):
        raise InputError(f"{name} is not plain text: save the sheet as CSV (UTF-8).")
    return name, raw
