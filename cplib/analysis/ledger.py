"""The paper's claims, registered before the runs, and the rule for verdicts.

`book/claims.yml` has one entry per claim: what is claimed, which statistic of which
studies tests it, and the expected value. It has no result and no verdict: these are
computed from the results at hand (`cplib.analysis.claims`).
"""

from dataclasses import dataclass
from math import inf
from pathlib import Path

import yaml

from .._base import files
from .._base.plain import choose
from .._base.words import translated as _
from ..errors import DataError, InputError
from .claim_statistics import STATISTICS

VERDICTS = ("reproduced", "undecided", "contradicted", "not testable")
REPRODUCED, UNDECIDED, CONTRADICTED, UNTESTABLE = VERDICTS
EXPECTED = {
    "above": _("above {threshold:g}"),
    "below": _("below {threshold:g}"),
    "within": _("within ±{threshold:g}"),
}


@dataclass(frozen=True)
class Claim:
    """One entry of the ledger; see the head of `claims.yml`."""

    id: str  # short name, used in chapters
    claim: str  # what the paper says, in a sentence
    panel: str  # of the paper's figures
    chapter: str  # file of the book, without suffix
    paper: str = ""  # the paper's value, where it is quoted
    statistic: str = ""  # a name in `claim_statistics.STATISTICS`
    studies: tuple[str, ...] = ()  # whose results the statistic takes
    # keyword arguments of the statistic; `against` is, for those of final accuracy,
    # "baseline", "control" or (default) "harder", the less favourable one by the mean
    options: tuple[tuple[str, str], ...] = ()
    measured: str = ""  # the statistic in words
    unit: str = ""  # of the statistic and the threshold
    expected: str = "above"  # or "below" the threshold, or "within" plus or minus it
    threshold: float = 0.0
    scale: str = "laptop"  # at which the book tests it; see `where`
    untestable: str = ""  # why it is not tested
    about: str = ""  # of a hypothesis of the book: the paper's claim that it explains
    says: tuple[tuple[str, str], ...] = ()  # sentence by verdict; see `outcomes.yml`

    def __post_init__(self):
        if self.untestable:
            return
        choose(f"statistic in claim {self.id},", self.statistic, STATISTICS)
        choose(f"expectation in claim {self.id},", self.expected, EXPECTED)

    def where(self, scale: str | None) -> str:
        """The scale of its runs: `scale`, but gratings for a claim about gratings."""
        if self.scale == "demo":
            return "smoke" if scale == "smoke" else "demo"
        return scale or self.scale

    @property
    def expectation(self) -> str:
        """What the statistic should be if the claim holds, in words."""
        if self.untestable:
            return ""
        words = EXPECTED[self.expected].format(threshold=self.threshold)
        return f"{words} {_(self.unit)}".strip().replace("-", "\N{MINUS SIGN}")

    def verdict(
        self, low: float, high: float, narrow: tuple[float, float] | None = None
    ) -> str:
        """The verdict on the 95 % interval of the statistic (NaN where there is none).

        "reproduced": the whole interval is where the claim puts the statistic;
        "contradicted": the whole interval is elsewhere; else "undecided". A claim of
        equivalence ("within") is reproduced if the 90 % interval `narrow` (default:
        the same) is within: two one-sided tests at 5 % (Methods).
        """
        inner = (narrow or (low, high)) if self.expected == "within" else (low, high)
        bottom, top = self.region
        if bottom < inner[0] and inner[1] < top:
            return REPRODUCED
        return CONTRADICTED if high < bottom or low > top else UNDECIDED

    @property
    def region(self) -> tuple[float, float]:
        """Where the claim puts the statistic: the lowest and the highest value."""
        bottom = {"above": self.threshold, "within": -self.threshold}
        top = {"below": self.threshold, "within": self.threshold}
        return bottom.get(self.expected, -inf), top.get(self.expected, inf)

    def depth(self, mean: float) -> float:
        """Distance of `mean` from the edge of the claim's region; outside, negative."""
        bottom, top = self.region
        return min(mean - bottom, top - mean)


def path() -> Path:
    """The ledger's file: `$CPLIB_CLAIMS`, else `claims.yml` of the book."""
    return files.named("CPLIB_CLAIMS") or files.book_folder() / "claims.yml"


def ledger() -> dict[str, Claim]:
    """All claims by id, in the order of the file.

    Raises:
        DataError: the file is missing or not a list of entries.
        InputError: an entry has an unknown field, statistic or expectation, or its id
            occurs twice.
    """
    file, claims = path(), {}
    sentences = _read(files.book_folder() / "outcomes.yml")
    for entry in _read(file):
        claim = _claim({"says": sentences.get(entry.get("id"), {})} | entry, file)
        if claim.id in claims:
            raise InputError(f"{file}: the id {claim.id!r} occurs twice; rename one.")
        claims[claim.id] = claim
    return claims


def _read(file: Path) -> list | dict:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{file} cannot be read ({error.strerror}): name the ledger in "
            "CPLIB_CLAIMS, or install cplib again."
        ) from error
    except yaml.YAMLError as error:
        raise DataError(f"{file} is not valid YAML, correct it: {error}") from error


def _claim(entry: dict, file: Path) -> Claim:
    given = dict(entry)
    given["studies"] = tuple(given.get("studies", ()))
    for name in ("options", "says"):
        given[name] = tuple(sorted(given.get(name, {}).items()))
    given |= {name: _(given[name]) for name in ("claim", "measured") if name in given}
    try:
        return Claim(**given)
    except TypeError as error:
        raise InputError(f"{file}: entry {entry.get('id')!r}: {error}.") from error


def registered(name: str) -> Claim:
    """The claim whose id is `name`."""
    choose("claim", name, claims := ledger())
    return claims[name]
