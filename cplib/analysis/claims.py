"""Judge claims by the runs, one by one or all on a scorecard."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import signature
from operator import attrgetter

import numpy as np
import pandas as pd

from .. import results
from .._base.plain import Seeds
from .claim_statistics import STATISTICS
from .claim_traces import Unmeasured
from .effects import REFERENCES, left_out
from .findings import LEVEL, SIGNS, Finding, Said
from .ledger import REPRODUCED, UNDECIDED, VERDICTS, Claim, ledger, registered


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
        """Whether `finding` is reproduced even after Holm's correction."""
        corrected = self.corrected.get(finding.claim.id, 1.0)
        return finding.verdict == REPRODUCED and corrected <= LEVEL

    @property
    def table(self) -> pd.DataFrame:
        """One row for each claim."""
        asked = "id panel claim paper measured expectation unit".split()
        found = "mean low high against scale verdict lean p".split()
        row = attrgetter(*(f"claim.{name}" for name in asked), *found)
        table = pd.DataFrame(map(row, self.findings), columns=[*asked, *found])
        table["seeds"] = [len(f.values) for f in self.findings]
        table["p (Holm)"] = table["id"].map(self.corrected)
        table["after Holm"] = [*map(self.survives, self.findings)]
        return table.rename(columns={"expectation": "expected", "lean": "leans"})

    def only(self, ours: bool) -> "Scorecard":
        """The hypotheses of the book if `ours`, else the paper's claims."""
        kept = (f for f in self.findings if bool(f.claim.about) == ours)
        return Scorecard(tuple(kept))

    def counts(self) -> dict[str, int]:
        """Number of claims with each verdict."""
        given = [finding.verdict for finding in self.findings]
        return {verdict: given.count(verdict) for verdict in VERDICTS}

    @property
    def summary(self) -> str:
        """The counts in words, with what survives Holm's correction, and the leans."""
        firm = sum(map(self.survives, self.findings))
        leans = [f.lean for f in self.findings]
        sides = f"{leans.count('for')} leaning for, {leans.count('against')} against"
        more = {REPRODUCED: f"{firm} after Holm's correction", UNDECIDED: sides}
        ours = all(f.claim.about for f in self.findings)
        words = {REPRODUCED: "supported"} if ours else {}
        return "; ".join(
            f"{SIGNS[verdict]} {words.get(verdict, verdict)}: {number}"
            + (f" ({more[verdict]})" if number and verdict in more else "")
            for verdict, number in self.counts().items()
        )

    @property
    def tally(self) -> str:
        """The paper's claims counted, and those that survive Holm's correction."""
        card = self.only(ours=False)
        held, unsure, refuted, untested = card.counts().values()  # as `VERDICTS`
        return (
            f"**Of the paper's {len(card.findings)} claims our runs reproduce {held}, "
            f"contradict {refuted} and leave {unsure} undecided; {untested} cannot be "
            f"tested.** Of the {held}, {sum(map(card.survives, card.findings))} are "
            "reproduced even when so many tests are allowed for (Holm's correction)."
        )

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
        said, given = html.escape(claim.claim), f"{finding.sign} {finding.worded}"
        if claim.paper:
            said += f" <small>Paper: {html.escape(claim.paper)}.</small>"
        if finding.verdict == REPRODUCED and not self.survives(finding):
            given += " <small>not after Holm's correction</small>"
        asked = f"{claim.measured}; expected {claim.expectation}"
        ours, _, held = html.escape(finding.ours + finding.lost).partition(" (")
        ours += f"<br><small>({held}</small>" if held else ""
        cells = said, html.escape(claim.untestable or asked), ours, given
        link = f'<a href="{claim.chapter}.html">{html.escape(claim.panel)}</a>'
        return (
            f'<tr id="{claim.id}"><th scope="row">{link}</th>'
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's p-values of a family of tests: (n,) -> (n,); NaN counts as 1.

    The smallest is multiplied by n, the next by n - 1, and so on; none may be less
    than that of a smaller one, or above 1.
    """
    given = pd.Series(p, dtype=float).fillna(1.0).sort_values(kind="stable")
    steps = given * np.arange(len(given), 0, -1)
    return steps.cummax().clip(upper=1.0).sort_index().to_numpy()


def claim(
    name: str, scale: str | None = None, seeds: Seeds = "all", *, device: str = "auto"
) -> Finding:
    """The finding on one claim.

    Args:
        name: id of the claim.
        scale: of the runs; default: that of the book's test (see `Claim.where`).
        seeds, device: as for `results.get`; what is not stored is computed now.
    """
    asked = registered(name)
    scale = asked.where(scale)
    if asked.untestable:
        return Finding(asked, np.array([]), scale)
    found = [results.get(s, scale, seeds, device=device) for s in asked.studies]
    return judge(asked, found)


def say(
    *names: str, scale: str | None = None, seeds: Seeds = "all", device: str = "auto"
) -> Said:
    """The findings on the claims `names`, as one sentence each.

    Args:
        names: ids of claims.
        scale, seeds, device: as for `claim`.
    """
    return Said(tuple(claim(name, scale, seeds, device=device) for name in names))


def judge(claim: Claim, found: list[results.Result]) -> Finding:
    """The finding on `claim` from the results of its studies, in its order.

    It is about the seeds that all of them have; those with a run that diverged are left
    out. It is not testable if none is left, or if the scale's runs do not measure what
    the claim is about.
    """
    lost = "".join(dict.fromkeys(map(left_out, found)))
    gone = {seed for result in found for seed in result.diverged["seed"]}
    kept = set.intersection(*(set(result.seeds) for result in found)) - gone
    found = [result.only(sorted(kept)) for result in found]
    scale = found[0].study.scale
    try:
        if not kept:
            raise Unmeasured(f"no seed is left.{lost}")
        values, *compared = _measure(claim, found)
    except Unmeasured as error:
        return Finding(replace(claim, untestable=f"{error}"), np.array([]), scale)
    return Finding(claim, values, scale, lost, *compared)


def _measure(claim: Claim, found: list[results.Result]) -> tuple:
    """The statistic by seed; of two references, the harder one and the other's mean."""
    statistic, options = STATISTICS[claim.statistic], dict(claim.options)
    if "against" not in signature(statistic).parameters:
        return (np.asarray(statistic(*found, **options)),)
    asked = options.pop("against", "harder")
    by = {
        against: np.asarray(statistic(*found, against=against, **options))
        for against in (REFERENCES if asked == "harder" else (asked,))
    }
    chosen = min(by, key=lambda against: round(claim.depth(by[against].mean()), 9))
    beside = [values.mean() for against, values in by.items() if against != chosen]
    return by[chosen], chosen, *beside


def scorecard(
    scale: str | None = None, seeds: Seeds = "all", *, device: str = "auto"
) -> Scorecard:
    """Every claim of the ledger, evaluated; arguments as for `claim`."""
    return Scorecard(say(*ledger(), scale=scale, seeds=seeds, device=device).findings)
