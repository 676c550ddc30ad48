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
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator as Pchip

from .._base.plain import whole
from ..errors import InputError
from .fits import double_exponential

NAN = math.nan
MONTH, YEAR = 365.25 / 12, 365.25  # days
# Foetal ages are counted back from birth at day 170, a convention within the 162-186
# days reported for Macaca nemestrina; only the two foetal anchors move with it.
F90, F140 = 90.0 - 170.0, 140.0 - 170.0

SOURCES = {  # key of references.bib: citation | doi or address
    "cynader1980": "Cynader, Timney & Mitchell 1980, Brain Research 191 | ",
    "giffin1978": "Giffin & Mitchell 1978, J. Physiology 274 | "
    "https://pubmed.ncbi.nlm.nih.gov/625006/",
    "mitchell1977": "Mitchell, Cynader & Movshon 1977, J. Comp. Neurology 176 | "
    "https://nyuscholars.nyu.edu/en/publications/"
    "recovery-from-the-effects-of-monocular-deprivation-in-kittens",
    "mitchell1988": "Mitchell 1988, J. Physiology 395 | 10.1113/jphysiol.1988.sp016939",
    "mitchell1998": "Mitchell & Gingras 1998, Current Biology 8, legend of Figure 1 | "
    "10.1016/S0960-9822(07)00556-8",
    "olson1980": "Olson & Freeman 1980, Exp. Brain Research 39 | 10.1007/bf00237065",
    "pacific1987": "Behavioral assessment of visual acuity in kittens, Pacific "
    "University 1987 | "
    "https://commons.pacificu.edu/work/sc/c99fb50f-bb9c-4d59-9eb0-7e3a2cd1c69c",
    "sireteanu1985": "Sireteanu 1985, Vision Research 25 | "
    "https://pubmed.ncbi.nlm.nih.gov/4024476/",
    "timney1990": "Timney 1990, Visual Neuroscience 5 | 10.1017/s0952523800000341",
    "zielinski1992": "Zielinski & Hendrickson 1992, Visual Neuroscience 8 | "
    "https://www.cambridge.org/core/journals/visual-neuroscience/article/development-"
    "of-synapses-in-macaque-monkey-striate-cortex/1CF51D738C4AC1B3A51F80A8CE98CFFF",
}


def _table(columns: str, rows: list[tuple]) -> pd.DataFrame:
    """Rows with the source's key last, as a tidy table with source, doi and url."""
    frame = pd.DataFrame(rows, columns=[*columns.split(), "key"])
    cited = frame["key"].map(SOURCES).str.split(" | ", regex=False)
    frame["source"], address = cited.str[0], cited.str[1]
    frame["doi"] = address.where(address.str.startswith("10."), "")
    frame["url"] = address.where(frame["doi"] == "", "https://doi.org/" + address)
    return frame


def kitten_acuity() -> pd.DataFrame:
    """Grating acuity of kittens, in cycles/degree (Fig. 1 top right).

    Columns: `age_days` (`age_is` says which age), `acuity_cpd`, `low` and `high` where
    a range is printed (its middle is not, so `acuity_cpd` is nan), `condition`, `note`,
    `key` (references.bib), `source`, `doi`, `url`.

    Recovered acuity is what the deprived eye reached weeks after it was opened. It is
    not the acuity at eye opening that the caption of the paper's figure names: for
    that, the abstract of Giffin and Mitchell has a temporary blindness and no number.
    """
    test, ended = "at test", "when deprivation from near birth ended"
    blind = "deprived from birth, at eye opening"
    back = "recovered after early deprivation"
    before, during = "one kitten, C791", "its open eye, the other closed for 6 days"
    fold = "no acuity, but a 16-fold rise from week 2 to 10 (preferential looking)"
    year = "2 of 6 deprived for longer saw again; decline roughly exponential"
    rows = [
        (35, 2.6, NAN, NAN, "normal", test, before, "mitchell1998"),
        (41, 2.9, NAN, NAN, "normal", test, during, "mitchell1998"),
        (NAN, 5.0, NAN, NAN, "normal", "not stated", "trained average", "pacific1987"),
        (70, NAN, NAN, NAN, "normal", test, fold, "sireteanu1985"),
        (NAN, NAN, NAN, NAN, blind, "various", "temporary blindness", "giffin1978"),
        (45, NAN, 5.0, 6.0, back, ended, "called nearly normal", "mitchell1977"),
        (60, NAN, 4.0, 5.0, back, ended, "lasting deficit", "mitchell1977"),
        (4 * MONTH, 2.5, NAN, NAN, back, ended, "4 months", "giffin1978"),
        (YEAR, NAN, NAN, NAN, back, ended, year, "mitchell1988"),
    ]
    return _table("age_days acuity_cpd low high condition age_is note", rows)


def kitten_sensitivity() -> pd.DataFrame:
    """Published statements on when closing one eye harms a kitten (Fig. 1, bottom).

    Columns: `age_start`, `age_end` (days, nan: open-ended), `level` (a word: abstracts
    print ages, not heights), `measure`, `note`, `key`, `source`, `doi`, `url`.
    """
    v1, stereo, acuity = "V1 cells lost to the closed eye", "stereopsis", "acuity"
    rows = [
        (NAN, 28, "rising", v1, "13 kittens, one eye shut 10-12 days", "olson1980"),
        (28, 48, "high", v1, "remains high through day 48", "olson1980"),
        (48, 4 * MONTH, "subsiding", v1, "probably beyond 4 months", "olson1980"),
        (4 * MONTH, 6 * MONTH, "present", v1, "3 months' closure", "cynader1980"),
        (7 * MONTH, 8 * MONTH, "none", v1, "about normal cells", "cynader1980"),
        (NAN, 30, "slight", stereo, "closed at birth, open by day 30", "timney1990"),
        (35, 45, "peak", stereo, "closures of 5 or 10 days", "timney1990"),
        (90, NAN, "none", stereo, "closure begun at day 90", "timney1990"),
        (42, 42, "severe", acuity, "apparent blindness at first", "giffin1978"),
        (84, 84, "slight", acuity, "only a small loss", "giffin1978"),
    ]
    return _table("age_start age_end level measure note", rows)


def macaque_synapses() -> pd.DataFrame:
    """Synapses per 100 um^2 of macaque V1, mean of all layers (Fig. 4 centre).

    Columns: `stage` as printed, `age_days` and `age_end_days` (from birth, foetal ages
    negative), `synapses_per_100um2`, `origin` ("stated", or "derived": F140 is printed
    as three times F90), `key`, `source`, `doi`, `url`. The species is M. nemestrina;
    the paper's own panel is after Rakic et al. (1986).
    """
    rows = [
        ("foetal day 90", F90, F90, 3.6, "derived", "zielinski1992"),
        ("foetal day 140", F140, F140, 10.9, "stated", "zielinski1992"),
        ("12 weeks", 84.0, 84.0, 63.0, "stated", "zielinski1992"),
        ("2-6 years", 2 * YEAR, 6 * YEAR, 37.7, "stated", "zielinski1992"),
    ]
    return _table("stage age_days age_end_days synapses_per_100um2 origin", rows)


HOW_DRAWN = {
    "kitten_acuity": "Schematic: monotone (PCHIP) curve by 2.6 c/deg at day 35 and "
    "2.9 at day 41, a plateau of 5.0 (the trained kittens' average) put at week 10 by "
    "choice, and a sixteenth of it at week 2; three methods are mixed.",
    "missing_acuity": "Schematic: 100 (1 - a / 5.0) percent, a: the acuity schematic.",
    "kitten_recovery": "Schematic: exponential decay, as reported by Mitchell (1988), "
    "through 5.5 c/deg (middle of 5-6) at day 45 and 2.5 at 4 months.",
    "kitten_sensitivity": "Schematic: double exponential, d = 14, tau1 = 40, tau2 = 15 "
    "days, k = 1, peak set to 1; chosen by hand: it rises before day 28, is high to 48 "
    "and lasts beyond 4 months; its heights are our choice.",
    "macaque_synapses": "Schematic: monotone (PCHIP) curve through the four published "
    "densities, level between 2 and 6 years.",
}
_ACUITY = Pchip([14, 35, 41, 70, 120], [5 / 16, 2.6, 2.9, 5.0, 5.0])
_DECAY = math.log(5.5 / 2.5) / (4 * MONTH - 45)  # per day
_SYNAPSES = Pchip([F90, F140, 84, 2 * YEAR, 6 * YEAR], [3.6, 10.9, 63, 37.7, 37.7])
_PEAK = double_exponential(14 + math.log(40 / 15) / (1 / 15 - 1 / 40), d=14)
_DRAWN = {  # name: first age, last age, curve
    "kitten_acuity": (14, 120, _ACUITY),
    "missing_acuity": (14, 120, lambda age: 100 * (1 - _ACUITY(age) / 5.0)),
    "kitten_recovery": (45, YEAR, lambda age: 5.5 * np.exp(-_DECAY * (age - 45))),
    "kitten_sensitivity": (14, 240, lambda age: double_exponential(age, d=14) / _PEAK),
    "macaque_synapses": (F90, 6 * YEAR, _SYNAPSES),
}


def schematic(name: str, age_days=None) -> pd.DataFrame:
    """A curve drawn for the eye: no data, no fit; `HOW_DRAWN[name]` says how.

    Returns `age_days` as given, (n,), or 300 ages over the range drawn; `value` in
    c/deg, percent, peaks or synapses per 100 um^2, nan outside that range; and `kind`,
    always "schematic". A name that is no key of `HOW_DRAWN` raises `InputError`.
    """
    if name not in _DRAWN:
        raise InputError(f"No schematic {name!r}: choose one of {', '.join(_DRAWN)}.")
    first, last, curve = _DRAWN[name]
    age = np.linspace(first, last, 300) if age_days is None else np.asarray(age_days)
    value = np.where((first <= age) & (age <= last), curve(age), NAN)
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
    """The name for messages, and the text: UTF-8, marked UTF-16 or old Windows."""
    name = str(getattr(path, "name", path if isinstance(path, str) else "the CSV"))
    try:
        raw = path.read() if hasattr(path, "read") else Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}: check folder and name.") from None
    if isinstance(raw, bytes):
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        try:
            raw = raw.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError:  # only labels suffer: the numbers are ASCII
            raw = raw.decode("cp1252", errors="replace")
    if "\0" in raw or raw.startswith("PK\3"):
        raise InputError(f"{name} is not plain text: save the sheet as CSV (UTF-8).")
    return name, raw
