"""What the runs say about the paper's claims: statistic, interval, verdict."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .. import results
from ..errors import InputError
from .claim_statistics import STATISTICS
from .effects import interval, left_out
from .ledger import VERDICTS, Claim, ledger

__all__ = ["Finding", "Scorecard", "claim", "judge", "scorecard"]

SIGNS = dict(zip(VERDICTS, "●◐○–", strict=True))


@dataclass(frozen=True)
class Finding:
    """A claim and what the runs say about it.

    Attributes:
        claim: the entry.
        values: the statistic of each seed, (seeds,); empty if untestable.
        mean: over seeds.
        low, high: 95 % interval (Student's t over seeds); NaN with one seed.
        verdict: one of `VERDICTS`.
        scale: of the results.
        lost: a sentence on runs that diverged, whose seeds are left out, or "".
    """

    claim: Claim
    values: np.ndarray
    mean: float
    low: float
    high: float
    verdict: str
    scale: str
    lost: str = ""

    @property
    def ours(self) -> str:
        """The statistic with its interval, in words."""
        if self.claim.untestable:
            return ""
        if len(self.values) < 2:
            return f"{self.value} (one seed, so no interval)"
        return f"{self.value} (95 % interval {self.range}, {len(self.values)} seeds)"

    @property
    def value(self) -> str:
        """The mean with its unit."""
        return f"{_signed(self.mean)} {self.claim.unit}".strip()

    @property
    def range(self) -> str:
        """The interval, as 'low to high'; '–' with one seed."""
        if len(self.values) < 2:
            return "–"
        return f"{_signed(self.low)} to {_signed(self.high)}"

    def __str__(self) -> str:
        if self.claim.untestable:
            return f"{self.claim.claim} Not testable: {self.claim.untestable}"
        return (
            f"{self.claim.claim} We measure: {self.claim.measured}. If the claim holds "
            f"it is {self.claim.expectation}. At scale {self.scale} it is {self.ours}."
            f"{self.lost} Verdict: {self.claim.worded(self.verdict)}."
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

    @property
    def table(self) -> pd.DataFrame:
        """One row for each claim."""
        rows = [
            {
                "id": f.claim.id,
                "panel": f.claim.panel,
                "claim": f.claim.claim,
                "paper": f.claim.paper,
                "measured": f.claim.measured,
                "expected": f.claim.expectation,
                "mean": f.mean,
                "low": f.low,
                "high": f.high,
                "unit": f.claim.unit,
                "seeds": len(f.values),
                "scale": f.scale,
                "verdict": f.verdict,
            }
            for f in self.findings
        ]
        return pd.DataFrame(rows)

    def only(self, ours: bool) -> Scorecard:
        """The paper's claims, or our hypotheses about those that did not reproduce."""
        kept = (f for f in self.findings if bool(f.claim.about) == ours)
        return Scorecard(tuple(kept))

    def counts(self) -> dict[str, int]:
        """Number of claims with each verdict."""
        given = [finding.verdict for finding in self.findings]
        return {verdict: given.count(verdict) for verdict in VERDICTS}

    def _repr_html_(self) -> str:
        by_verdict = sorted(self.findings, key=lambda f: VERDICTS.index(f.verdict))
        counts = {_marked(f): self.counts()[f.verdict] for f in by_verdict}
        total = "; ".join(f"{verdict}: {n}" for verdict, n in counts.items())
        rows = "".join(_row(finding) for finding in self.findings)
        return (
            '<figure class="cplib-figure"><div class="cplib-table cplib-scorecard" '
            'tabindex="0" role="region" aria-label="Claims and verdicts"><table>'
            "<thead><tr><th>Panel</th><th>Claim</th><th>What we measure</th>"
            "<th>Ours</th><th>Verdict</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
            f"<figcaption>{total}. Small print: 95 % interval over seeds. "
            f"{self._runs()}</figcaption></figure>"
        )

    def _runs(self) -> str:
        """Scale and seeds behind the findings, in words."""
        tested = [f for f in self.findings if not f.claim.untestable]
        scales = ", ".join(sorted({f.scale for f in tested}))
        seeds = sorted({len(f.values) for f in tested})
        count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        return f"Scale {scales}, {count} seeds." if tested else ""


def _row(finding: Finding) -> str:
    claim = finding.claim
    said = html.escape(claim.claim)
    if claim.paper:
        said += f" <small>Paper: {html.escape(claim.paper)}.</small>"
    if claim.untestable:
        measured, ours = html.escape(claim.untestable), "–"
    else:
        measured = (
            f"{html.escape(claim.measured)}; expected {html.escape(claim.expectation)}"
        )
        ours = f"{html.escape(finding.value)}<br><small>{finding.range}</small>"
        ours += f"<small>{html.escape(finding.lost)}</small>" * bool(finding.lost)
    link = f'<a href="{claim.chapter}.html">{html.escape(claim.panel)}</a>'
    return (
        f'<tr id="{claim.id}"><th scope="row">{link}</th><td>{said}</td>'
        f"<td>{measured}</td><td>{ours}</td><td>{_marked(finding)}</td>"
        "</tr>"
    )


def _signed(number: float) -> str:
    """Two decimals and a sign, which is a minus sign and no hyphen."""
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")


def _marked(finding: Finding) -> str:
    sign = f'<span aria-hidden="true">{SIGNS[finding.verdict]}</span>'
    return f"{sign} {finding.claim.worded(finding.verdict)}"


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
        return _untested(entry, scale)
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
        return _untested(replace(claim, untestable=f"no seed is left.{lost}"), scale)
    values = np.asarray(STATISTICS[claim.statistic](*found, **dict(claim.options)))
    mean = float(values.mean())
    low, high = interval(values)
    verdict = claim.verdict(mean, low, high)
    return Finding(claim, values, mean, low, high, verdict, scale, lost)


def _untested(claim: Claim, scale: str) -> Finding:
    nan = float("nan")
    return Finding(claim, np.array([]), nan, nan, nan, VERDICTS[3], scale)


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
