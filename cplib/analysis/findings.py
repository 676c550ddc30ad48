"""The finding on one claim: statistic, interval and verdict, in words."""

import html
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .._base.words import translated as _
from .effects import REFERENCES, interval, signed
from .ledger import REPRODUCED, UNDECIDED, UNTESTABLE, VERDICTS, Claim

SIGNS = dict(zip(VERDICTS, "●◐×–", strict=True))
WHOLE = "of the whole"  # a unit, said in per cent
RATIO = "as a difference of ratios"
DIGITS = {"epochs": 0, WHOLE: 3, RATIO: 3}  # decimals by unit; else 2
SPOKEN = {"epochs": 0, "points": 1, WHOLE: 0, RATIO: 3}  # the same in sentences
WORDS = _("no one two three four five six seven eight nine ten").split()
LEVEL = 0.05  # of the tests: one-sided, and over a family of claims after Holm


@dataclass(frozen=True)
class Finding:
    """A claim and its statistic in the runs."""

    claim: Claim
    values: np.ndarray  # the statistic of each seed, (seeds,); empty if untestable
    scale: str
    lost: str = ""  # a sentence on runs that diverged, whose seeds are left out
    against: str = ""  # "baseline" or "control", where the statistic has a reference
    beside: float = float("nan")  # the mean, compared with the other of the two

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
        """The verdict in words; a hypothesis is "supported", not "reproduced"."""
        said = f"{self.verdict} (leans {self.lean})" if self.lean else self.verdict
        return _(said.replace(REPRODUCED, "supported") if self.claim.about else said)

    def sentence(self, verdict: str = "") -> str:
        """The book's sentence on the claim, or its sentence for another `verdict`.

        For another verdict, an ellipsis replaces each number.
        """
        if self.claim.untestable:
            return "" if verdict else f"Not testable: {self.claim.untestable}"
        text, shows = self._template(verdict or self.verdict), self._shows()
        numbers = {name: show(self.mean) for name, show in shows.items()}
        numbers["beside"] = shows[self._format(text)](self.beside)
        if verdict not in ("", self.verdict):
            numbers = dict.fromkeys(numbers, "…")
        own, other = map(REFERENCES.get, sorted(REFERENCES, key=self.against.__ne__))
        return text.format(**numbers, reference=own, other=other)

    def _template(self, verdict: str) -> str:
        said = f"{self.claim.claim} {verdict.capitalize()}."
        return _(dict(self.claim.says).get(verdict, said))

    def _format(self, text: str) -> str:
        """The name of the first format, in the order of `_shows`, that `text` has."""
        return next((name for name in self._shows() if f"{{{name}}}" in text), "mean")

    def _shows(self) -> dict[str, Callable[[float], str]]:
        """Formats of the statistic in sentences, by their names in `outcomes.yml`."""
        digits = SPOKEN.get(self.claim.unit, 2)
        whole = 100 if self.claim.unit == WHOLE else 1
        sign = -1 if self.mean < 0 else 1
        return {
            "mean": lambda x: signed(whole * x, digits),
            "times": lambda x: f"{2**x:.2f}",
            "share": lambda x: f"{100 * 2**x:.0f}",
            "factor": lambda x: f"{2 ** (sign * x):.1f}",
            "percent": lambda x: signed(100 * sign * x, 0).removeprefix("+"),
            "size": lambda x: signed(sign * x, digits).removeprefix("+"),
            "side": lambda x: "before" if x < 0 else "after",
            "more": lambda x: _("less") if x < 0 else _("more"),
            "later": lambda x: "earlier" if x < 0 else "later",
        }

    @property
    def sure(self) -> str:
        """Whose claim, the interval (in the unit of `sentence`), and how many seeds."""
        seeds = len(self.values)
        if seeds < 2:
            return "" if self.claim.untestable else _("one seed, so no interval")
        text, shows = self._template(self.verdict), self._shows()
        name = self._format(text)
        within = self.claim.expected == "within"
        ends = self.narrow if within else (self.low, self.high)
        turned = self.mean < 0 and name in ("factor", "percent", "size")
        low, high = map(shows[name], ends[::-1] if turned else ends)
        unit = "% of the trace" if self.claim.unit == WHOLE else self.claim.unit
        named = {"times": "times", "factor": "", "percent": "%", "share": "%"}
        level, unit = 90 if within else 95, _(named.get(name, unit))
        found = f"{_interval(level, low, high)} {unit}".strip()
        found = _("our hypothesis") + "; " + found if self.claim.about else found
        if self.against and "{reference}" not in text:
            against = REFERENCES[self.against]
            found += ", " + _("compared with the {reference}", reference=against)
        count = WORDS[seeds] if seeds < len(WORDS) else seeds
        return f"{found}, {_('{count} seeds', count=count)}"

    @property
    def sign(self) -> str:
        """The verdict's sign, as HTML."""
        return f'<span aria-hidden="true">{SIGNS[self.verdict]}</span>'

    @property
    def ours(self) -> str:
        """The statistic with its interval, in words."""
        if self.claim.untestable:
            return "–"
        held = _interval(95, *map(self._signed, (self.low, self.high)))
        held += ", " + _("{count} seeds", count=len(self.values))
        if self.claim.expected == "within":
            held = f"{held}; {_interval(90, *map(self._signed, self.narrow))}"
        held = held if len(self.values) > 1 else _("one seed, so no interval")
        against = self.against and "; " + _(f"against the {self.against}")
        value = f"{self._signed(self.mean)} {_(self.claim.unit)}".strip()
        return f"{value} ({held}{against})"

    def _signed(self, number: float) -> str:
        return signed(number, DIGITS.get(self.claim.unit, 2))

    def __str__(self) -> str:
        if self.claim.untestable:
            return f"{self.claim.claim} Not testable: {self.claim.untestable}"
        return _(
            "{claim} We measure: {measured}. If the claim holds it is {expectation}. "
            "At scale {scale} it is {ours}.{lost} Verdict: {verdict}.",
            claim=self.claim.claim, measured=self.claim.measured, ours=self.ours,
            expectation=self.claim.expectation, scale=self.scale, lost=self.lost,
            verdict=self.worded,
        )  # fmt: skip

    @property
    def said(self) -> str:
        """The sentence with the verdict's sign and the interval, as HTML."""
        sure = f" <small>({self.sure})</small>" if self.sure else ""
        return f"{self.sign} {html.escape(self.sentence())}{sure}"

    def _repr_html_(self) -> str:
        kind = _("Our hypothesis") if self.claim.about else _("Claim of the paper")
        head = f"{kind} ({html.escape(self.claim.panel)}):"
        other = [v for v in VERDICTS[:3] if v != self.verdict and self.sentence(v)]
        folds = {
            _("How this was tested"): f"<p><b>{head}</b> {html.escape(str(self))}</p>",
            _("If it had come out otherwise"): "".join(
                f"<p>{SIGNS[v]} <i>{_(v)}:</i> {html.escape(self.sentence(v))}</p>"
                for v in other
            ),
        }
        return (
            f'<div class="cplib-finding" data-verdict="{self.verdict}">'
            f"<p>{self.said}</p>"
            + "".join(
                f"<details><summary>{name}</summary>{inside}</details>"
                for name, inside in folds.items()
                if inside
            )
            + "</div>"
        )


def _interval(level: int, low: str, high: str) -> str:
    return _("{level} % interval {low} to {high}", level=level, low=low, high=high)


@dataclass(frozen=True)
class Said:
    """The book's sentences on some claims; several are shown as a list."""

    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        parts = ((f.sentence(), f.sure) for f in self.findings)
        return "\n".join(f"{text} ({sure})" if sure else text for text, sure in parts)

    def _repr_html_(self) -> str:
        said = [f.said for f in self.findings]
        if len(said) == 1:
            return f'<p class="cplib-said">{said[0]}</p>'
        return f'<ul class="cplib-said"><li>{"</li><li>".join(said)}</li></ul>'
