"""What the runs say about the paper's claims: statistic, interval, verdict."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import signature

import numpy as np
import pandas as pd
from scipy import stats

from .. import results
from ..errors import InputError
from .claim_statistics import STATISTICS
from .effects import interval, left_out
from .ledger import REPRODUCED, UNDECIDED, UNTESTABLE, VERDICTS, Claim, ledger

__all__ = ["Finding", "Scorecard", "claim", "holm", "judge", "scorecard"]

SIGNS = dict(zip(VERDICTS, "●◐×–", strict=True))
LEVEL = 0.05  # of the tests: one-sided, and over a family of claims after Holm
REFERENCES = ("baseline", "control")


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
    def ours(self) -> str:
        """The statistic with its interval, in words."""
        if self.claim.untestable:
            return ""
        held = f"95 % interval {self.range}, {len(self.values)} seeds"
        held = held if len(self.values) > 1 else "one seed, so no interval"
        against = f"; against the {self.against}" if self.against else ""
        return f"{self.value} ({held}{against})"

    @property
    def value(self) -> str:
        """The mean with its unit."""
        return f"{_signed(self.mean)} {self.claim.unit}".strip()

    @property
    def range(self) -> str:
        """The interval, as 'low to high'; '–' with one seed.

        For equivalence the 90 % interval follows.
        """
        if len(self.values) < 2:
            return "–"
        said = f"{_signed(self.low)} to {_signed(self.high)}"
        if self.claim.expected != "within":
            return said
        return f"{said}; 90 %: {' to '.join(map(_signed, self.narrow))}"

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
            f"<b>Verdict: {_marked(self)}.</b></p>"
        )


@dataclass(frozen=True)
class Scorecard:
    """All findings, as a table that shows itself in a notebook."""

    findings: tuple[Finding, ...]

    @cached_property
    def corrected(self) -> dict[str, float]:
        """Holm's p-value of each tested claim, by id.

        The paper's claims are one family, the hypotheses of the book another.
        """
        found: dict[str, float] = {}
        for ours in (False, True):
            family = [f for f in self.only(ours).findings if not f.claim.untestable]
            adjusted = holm([f.p for f in family])
            found |= {f.claim.id: p for f, p in zip(family, adjusted, strict=True)}
        return found

    def survives(self, finding: Finding) -> bool:
        """Whether it is reproduced after Holm's correction too."""
        corrected = self.corrected.get(finding.claim.id, 1.0)
        return finding.verdict == REPRODUCED and corrected <= LEVEL

    @property
    def table(self) -> pd.DataFrame:
        """One row for each claim."""
        corrected = self.corrected
        rows = [
            {
                "id": f.claim.id,
                "panel": f.claim.panel,
                "claim": f.claim.claim,
                "paper": f.claim.paper,
                "measured": f.claim.measured,
                "expected": f.claim.expectation,
                "against": f.against,
                "mean": f.mean,
                "low": f.low,
                "high": f.high,
                "unit": f.claim.unit,
                "seeds": len(f.values),
                "scale": f.scale,
                "verdict": f.verdict,
                "leans": f.lean,
                "p": f.p,
                "p (Holm)": corrected.get(f.claim.id, float("nan")),
                "after Holm": self.survives(f),
            }
            for f in self.findings
        ]
        return pd.DataFrame(rows)

    def only(self, ours: bool) -> Scorecard:
        """The paper's claims, or the hypotheses of the book."""
        kept = (f for f in self.findings if bool(f.claim.about) == ours)
        return Scorecard(tuple(kept))

    def counts(self) -> dict[str, int]:
        """Number of claims with each verdict."""
        given = [finding.verdict for finding in self.findings]
        return {verdict: given.count(verdict) for verdict in VERDICTS}

    @property
    def summary(self) -> str:
        """The counts in words, with the lean of the undecided."""
        said = []
        for verdict, number in self.counts().items():
            held = [f for f in self.findings if f.verdict == verdict]
            ours = verdict == REPRODUCED and all(f.claim.about for f in held) and held
            words = f"{SIGNS[verdict]} {'supported' if ours else verdict}: {number}"
            if verdict == REPRODUCED:
                words += f" ({sum(map(self.survives, held))} after Holm's correction)"
            if verdict == UNDECIDED and held:
                sides = [f.lean for f in held]
                sides = [f"{s}: {sides.count(s)}" for s in ("for", "against")]
                words += f" (leaning {', '.join(sides)})"
            said.append(words)
        return "; ".join(said)

    def _repr_html_(self) -> str:
        rows = "".join(map(self._row, self.findings))
        return (
            '<figure class="cplib-figure"><div class="cplib-table cplib-scorecard" '
            'tabindex="0" role="region" aria-label="Claims and verdicts"><table>'
            "<thead><tr><th>Panel</th><th>Claim</th><th>What we measure</th>"
            "<th>Ours</th><th>Verdict</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
            f"<figcaption>{self.summary}. Small print: 95 % interval over seeds. "
            f"{self._runs()}</figcaption></figure>"
        )

    def _runs(self) -> str:
        """Scale and seeds behind the findings, in words."""
        tested = [f for f in self.findings if not f.claim.untestable]
        scales = ", ".join(sorted({f.scale for f in tested}))
        seeds = sorted({len(f.values) for f in tested})
        count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        return f"Scale {scales}, {count} seeds." if tested else ""

    def _row(self, finding: Finding) -> str:
        claim = finding.claim
        said, given = html.escape(claim.claim), _marked(finding)
        if claim.paper:
            said += f" <small>Paper: {html.escape(claim.paper)}.</small>"
        if finding.verdict == REPRODUCED and not self.survives(finding):
            given += " <small>not after Holm's correction</small>"
        measured = f"{claim.measured}; expected {claim.expectation}"
        measured = html.escape(claim.untestable or measured)
        small = f"<br><small>{finding.range} {html.escape(finding.lost)}</small>"
        ours = "–" if claim.untestable else html.escape(finding.value) + small
        link = f'<a href="{claim.chapter}.html">{html.escape(claim.panel)}</a>'
        return (
            f'<tr id="{claim.id}"><th scope="row">{link}</th><td>{said}</td>'
            f"<td>{measured}</td><td>{ours}</td><td>{given}</td></tr>"
        )


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's p-values of a family of tests: (n,) -> (n,); NaN counts as 1.

    The smallest is multiplied by n, the next by n - 1, and so on; none may be less
    than that of a smaller one, or above 1.
    """
    given = np.nan_to_num(np.asarray(p, dtype=float), nan=1.0)
    order = np.argsort(given, kind="stable")
    steps = given[order] * np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _signed(number: float) -> str:
    """Two decimals and a sign, which is a minus sign and no hyphen."""
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")


def _marked(finding: Finding) -> str:
    sign = f'<span aria-hidden="true">{SIGNS[finding.verdict]}</span>'
    return f"{sign} {finding.worded}"


def claim(
    name: str,
    scale: str | None = None,
    seeds: int | str | Iterable[int] = 3,
    *,
    device: str = "auto",
) -> Finding:
    """What the runs say about one claim.

    Args:
        name: id of the claim.
        scale: of the runs; default: the one at which the book tests it.
        seeds, device: as for `results.get`; what is not stored is computed now.
    """
    entries = ledger()
    if name not in entries:
        raise InputError(f"Unknown claim {name!r}: choose one of {', '.join(entries)}.")
    entry = entries[name]
    scale = scale or entry.scale
    if entry.untestable:
        return Finding(entry, np.array([]), scale)
    found = [results.get(s, scale, seeds, device=device) for s in entry.studies]
    return judge(entry, found)


def judge(claim: Claim, found: list[results.Result]) -> Finding:
    """The finding on `claim` from the results of its studies, in its order.

    Seeds with a run that diverged are left out.
    """
    lost = "".join(dict.fromkeys(map(left_out, found)))
    gone = {seed for result in found for seed in result.diverged["seed"]}
    found = [r.only(seed for seed in r.seeds if seed not in gone) for r in found]
    scale = found[0].study.scale
    if not all(result.seeds for result in found):
        untested = replace(claim, untestable=f"no seed is left.{lost}")
        return Finding(untested, np.array([]), scale)
    values, against = _measure(claim, found)
    return Finding(claim, values, scale, lost, against)


def _measure(claim: Claim, found: list[results.Result]) -> tuple[np.ndarray, str]:
    """The statistic by seed, and the reference with which it was taken, if any."""
    statistic, options = STATISTICS[claim.statistic], dict(claim.options)
    if "against" not in signature(statistic).parameters:
        return np.asarray(statistic(*found, **options)), ""
    asked = options.pop("against", "harder")
    by = {
        against: np.asarray(statistic(*found, against=against, **options))
        for against in (REFERENCES if asked == "harder" else (asked,))
    }
    chosen = min(by, key=lambda against: round(claim.depth(by[against].mean()), 9))
    return by[chosen], chosen


def scorecard(
    scale: str | None = None,
    seeds: int | str | Iterable[int] = 3,
    *,
    device: str = "auto",
) -> Scorecard:
    """Every claim of the ledger, evaluated; arguments as for `claim`."""
    return Scorecard(
        tuple(claim(name, scale, seeds, device=device) for name in ledger())
    )
