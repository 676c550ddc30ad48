"""What the runs say about one claim: statistic, interval, verdict, in words."""

import html
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .effects import interval, signed
from .ledger import REPRODUCED, UNDECIDED, UNTESTABLE, VERDICTS, Claim

SIGNS = dict(zip(VERDICTS, "●◐×–", strict=True))
DIGITS = {"epochs": 0, "of the whole": 3}  # after the point, by unit; else 2
LEVEL = 0.05  # of the tests: one-sided, and over a family of claims after Holm


@dataclass(frozen=True)
class Finding:
    """A claim and what the runs say about it.

    Attributes:
        claim: the entry.
        values: the statistic of each seed, (seeds,); empty if untestable.
        scale: of the results.
        lost: a sentence on runs that diverged, whose seeds are left out, or "".
        against: "baseline" or "control", where the statistic has a reference.
    """

    claim: Claim
    values: np.ndarray
    scale: str
    lost: str = ""
    against: str = ""

    @property
    def mean(self) -> float:
        """Mean over seeds; NaN if untestable."""
        return float(self.values.mean()) if len(self.values) else float("nan")

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval (Student's t over seeds); NaN if one seed."""
        return interval(self.values)[0]

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return interval(self.values)[1]

    @property
    def narrow(self) -> tuple[float, float]:
        """The 90 % interval, by which equivalence is judged."""
        return interval(self.values, 1 - 2 * LEVEL)

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`; see `Claim.verdict`."""
        if self.claim.untestable:
            return UNTESTABLE
        return self.claim.verdict(self.low, self.high, self.narrow)

    @property
    def lean(self) -> str:
        """The side on which an undecided mean lies: "for" or "against"; else ""."""
        if self.verdict != UNDECIDED:
            return ""
        return "for" if self.claim.depth(self.mean) > 0 else "against"

    @property
    def p(self) -> float:
        """p-value of the one-sided t-test of the claim against its threshold.

        For "within", the larger of the two one-sided p-values. NaN with one seed.
        """
        if len(self.values) < 2:
            return float("nan")
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self.claim.depth(self.mean) / stats.sem(self.values)
        return float(stats.t.sf(t, len(self.values) - 1))

    @property
    def worded(self) -> str:
        """The verdict in words: a hypothesis is supported, and not reproduced."""
        said = f"{self.verdict} (leans {self.lean})" if self.lean else self.verdict
        return said.replace(REPRODUCED, "supported") if self.claim.about else said

    @property
    def marked(self) -> str:
        """`worded` with the verdict's sign, as HTML."""
        return f'<span aria-hidden="true">{SIGNS[self.verdict]}</span> {self.worded}'

    @property
    def ours(self) -> str:
        """The statistic with its interval, in words."""
        if self.claim.untestable:
            return "–"
        held = f"95 % {self._range(self.low, self.high)}, {len(self.values)} seeds"
        if self.claim.expected == "within":
            held = f"{held}; 90 % {self._range(*self.narrow)}"
        held = held if len(self.values) > 1 else "one seed, so no interval"
        against = f"; against the {self.against}" if self.against else ""
        value = f"{self._signed(self.mean)} {self.claim.unit}".strip()
        return f"{value} ({held}{against})"

    def _signed(self, number: float) -> str:
        return signed(number, DIGITS.get(self.claim.unit, 2))

    def _range(self, low: float, high: float) -> str:
        return f"interval {self._signed(low)} to {self._signed(high)}"

    def __str__(self) -> str:
        if self.claim.untestable:
            return f"{self.claim.claim} Not testable: {self.claim.untestable}"
        return (
            f"{self.claim.claim} We measure: {self.claim.measured}. If the claim holds "
            f"it is {self.claim.expectation}. At scale {self.scale} it is {self.ours}."
            f"{self.lost} Verdict: {self.worded}."
        )

    def _repr_html_(self) -> str:
        rest = str(self).removeprefix(self.claim.claim)
        rest, _, _ = rest.partition(" Verdict: ")
        kind = "Our hypothesis" if self.claim.about else "Claim"
        head = f"{kind} ({html.escape(self.claim.panel)}):"
        return (
            f'<p class="cplib-finding"><b>{head}</b> '
            f"{html.escape(self.claim.claim)}{html.escape(rest)} "
            f"<b>Verdict: {self.marked}.</b></p>"
        )
