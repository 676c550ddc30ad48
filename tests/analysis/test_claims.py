"""Every verdict of the ledger, recomputed by other code from the bare tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from handmade import bare
from scipy import optimize, stats

from cplib import studies
from cplib.analysis import claims, ledger
from cplib.errors import DataError, InputError
from cplib.results import library

BOOK = Path(library.__file__).parents[2] / "book"
ENTRIES = yaml.safe_load((BOOK / "claims.yml").read_text(encoding="utf-8"))
TESTED = [entry for entry in ENTRIES if "untestable" not in entry]


class Bare:
    """A stored table and its few facts, read without the package."""

    def __init__(self, name):
        self.table = bare(BOOK / "results" / f"{name}-laptop.csv.gz")
        self.seeds = sorted(self.table.seed.unique())[:3]
        t = self.table[self.table.removal > 0]
        self.windows = sorted(set(zip(t.onset, t.removal, strict=True)))
        if not self.windows:  # trained without a deficit alone
            return
        onset, removal = self.windows[0]
        ends = t[(t.onset == onset) & (t.removal == removal)].epoch.max()
        self.clean_epochs = ends - removal

    def values(self, seed, metric, onset=0, removal=0, layer="", kind=None):
        t = self.table
        rows = t[
            (t.seed == seed) & (t.metric == metric) & (t.layer == layer)
            & (t.onset == onset) & (t.removal == removal)
        ]  # fmt: skip
        if kind is not None:
            rows = rows[rows.deficit == kind]
        return rows.set_index("epoch").value.sort_index()

    def accuracy(self, seed, onset, removal, end):
        curve = self.values(seed, "test_accuracy", onset, removal)
        return 100 * curve.loc[end - 4 : end].mean()

    def loss(self, seed, onset, removal, against):
        """Clean less deficit, in points."""
        end = removal + self.clean_epochs
        reference = self.clean_epochs if against == "baseline" else end
        clean = self.accuracy(seed, 0, 0, reference)
        return clean - self.accuracy(seed, onset, removal, end)

    def share(self, seed, epoch, removal=0, kind="none", span=1):
        """Shares of the nine layers, mean over the last `span` measurements."""
        columns = {
            str(i): self.values(seed, "trace", 0, removal, str(i), kind)
            for i in range(9)
        }
        rows = pd.DataFrame(columns).loc[:epoch]
        return rows.div(rows.sum(axis=1), axis=0).iloc[-span:].mean().to_numpy()


def last(bare):
    return bare.windows[-1][1]


def losses(bare, against="baseline"):
    return np.array(
        [[bare.loss(s, a, b, against) for a, b in bare.windows] for s in bare.seeds]
    )


def ratio(bare):
    def error(seed, removal, end):
        return 100 - bare.accuracy(seed, 0, removal, end)

    clean, t0 = bare.clean_epochs, last(bare)
    return np.array([error(s, t0, t0 + clean) / error(s, 0, clean) for s in bare.seeds])


def onset_losses(bare):
    return np.array([a for a, _ in bare.windows]), losses(bare, "control")


def early(bare):
    onsets, lost = onset_losses(bare)
    return lost[:, onsets <= onsets.max() / 2].mean(1) - lost[:, -1]


def hump(bare):
    onsets, lost = onset_losses(bare)
    inside = (onsets > 0) & (onsets <= onsets.max() / 2)
    return lost[:, inside].mean(1) - lost[:, 0]


def traces(bare, removal=0):
    return pd.DataFrame({s: bare.values(s, "trace", 0, removal) for s in bare.seeds})


def peak_values(curves):
    smooth = [curves.iloc[max(0, i - 4) : i + 1].mean() for i in range(len(curves))]
    curves = pd.DataFrame(smooth, index=curves.index)
    found = []
    for seed in curves:
        others = curves[[s for s in curves if s != seed]].mean(axis=1)
        found.append(curves.loc[others.idxmax(), seed])
    return np.array(found)


def fall(bare):
    curves = traces(bare)
    return np.log2(curves.iloc[-5:].mean() / peak_values(curves))


def sensitivity_and_trace(tracked, windows, seed):
    """Rows (length, onset, sensitivity, trace) of one seed."""
    curve = tracked.values(seed, "trace")
    rows = []
    for a, b in windows.windows:
        # between measurements: a straight line; before the first: the first
        at = np.interp(a, curve.index, curve.to_numpy())
        rows.append((b - a, a, windows.loss(seed, a, b, "baseline"), at))
    return pd.DataFrame(rows, columns=["length", "onset", "s", "f"])


def distance(tracked, windows):
    found = []
    for seed in tracked.seeds:
        rows = sensitivity_and_trace(tracked, windows, seed)
        worst = rows.groupby("onset").s.mean().idxmax()
        found.append(tracked.values(seed, "trace").idxmax() - worst)
    return np.array(found)


def adjusted(s, f):
    """Best adjusted R2 of a exp(c s) + b over a fine scan of c, signed by da/ds."""
    span = np.ptp(s)
    best = (np.inf, 0.0)

    def rest(rate):
        x = np.exp(rate * (s - (s.max() if rate > 0 else s.min())) / span)
        design = np.stack([x, np.ones_like(x)], 1)
        found, *_ = np.linalg.lstsq(design, f, rcond=None)
        return np.sum((f - design @ found) ** 2), np.sign(found[0] * rate)

    grid = np.geomspace(1e-3, 30, 400)
    for rate in np.concatenate([-grid, grid]):
        best = min(best, (rest(rate)[0], rate))
    near = optimize.minimize_scalar(
        lambda rate: rest(rate)[0],
        bounds=sorted((best[1] * 0.97, best[1] * 1.03)),
        method="bounded",
    )
    rate = near.x if 1e-3 <= abs(near.x) <= 30 and near.fun < best[0] else best[1]
    left, sign = rest(rate)
    r2 = 1 - left / np.sum((f - f.mean()) ** 2)
    return sign * (1 - (1 - r2) * (len(s) - 1) / (len(s) - 3))


def exponential(tracked, windows):
    found = []
    for seed in tracked.seeds:
        rows = sensitivity_and_trace(tracked, windows, seed)
        parts = [g for _, g in rows.groupby("length")]
        fits = [adjusted(g.s.to_numpy(), g.f.to_numpy()) for g in parts]
        found.append(np.mean(fits))
    return np.array(found)


def raised(bare, at_end):
    t0 = last(bare)
    under, clean = traces(bare, t0), traces(bare)
    if at_end:
        end = t0 + bare.clean_epochs
        return np.log2(under.iloc[-5:].mean() / clean.loc[:end].iloc[-5:].mean())
    return np.log2(under.loc[:t0].iloc[-1] / clean.loc[:t0].iloc[-1])


def ends_of(bare, kind):
    t = bare.table[bare.table.deficit == kind]
    return t.removal.min(), t.removal.max()


def excess(bare, which):
    t0 = ends_of(bare, "blur")[which]
    end = t0 + bare.clean_epochs
    return np.array(
        [
            bare.share(s, end, t0, "blur", 5)[6] - bare.share(s, end, span=5)[6]
            for s in bare.seeds
        ]
    )


def top(bare):
    t0 = ends_of(bare, "blur")[1]
    found = [bare.share(s, t0, t0, "blur") for s in bare.seeds]
    return np.array([x[6] - np.delete(x, 6).max() for x in found])


def upwards(bare):
    t0 = ends_of(bare, "blur")[1]
    return np.array(
        [bare.share(s, t0, t0, "blur")[6] - bare.share(s, t0)[6] for s in bare.seeds]
    )


def moved(bare):
    t0 = ends_of(bare, "flip")[1]
    clean = {s: bare.share(s, t0) for s in bare.seeds}
    found = []
    for s in bare.seeds:
        by_flip = np.abs(bare.share(s, t0, t0, "flip") - clean[s]).sum() / 2
        rest = [np.abs(clean[r] - clean[s]).sum() / 2 for r in bare.seeds if r != s]
        found.append(by_flip - np.mean(rest))
    return np.array(found)


def losses_of(bare, seed, window):
    return bare.loss(seed, *window, "baseline")


def shared(a, b):
    both = sorted(set(a.windows) & set(b.windows))
    return np.array(
        [
            np.mean(
                [b.loss(s, *w, "baseline") - a.loss(s, *w, "baseline") for w in both]
            )
            for s in a.seeds
        ]
    )


def last_loss(bare):
    return -losses(bare)[:, -1]


def mean_control(bare):
    return -losses(bare, "control").mean(1)


INDEPENDENT = {
    "blur-lasting": last_loss,
    "blur-graded": lambda b: losses(b)[:, 0] - losses(b)[:, -1],
    "peaks-early": early,
    "hump": hump,
    "flip-no-loss": mean_control,
    "labels-no-loss": mean_control,
    "noise-loss": last_loss,
    "noise-milder": shared,
    "moving-noise": shared,
    "moving-noise-blur": shared,
    "resnet-critical": last_loss,
    "resnet-sharper": lambda a, b: ratio(a) - ratio(b),
    "mlp-critical": last_loss,
    "fixed-rate-critical": last_loss,
    "depth-grows": lambda a, b: ratio(a) - ratio(b),
    "trace-rises": lambda b: np.log2(peak_values(traces(b)) / traces(b).iloc[0]),
    "trace-falls": fall,
    "falls-longer": fall,
    "falls-data": fall,
    "falls-few": fall,
    "falls-loose": fall,
    "peaks-together": distance,
    "exponential-fit": exponential,
    "deficit-raises-trace": lambda b: raised(b, False),
    "stays-raised": lambda b: raised(b, True),
    "few-raises": lambda b: raised(b, False),
    "few-stays": lambda b: raised(b, True),
    "middle-layers": lambda b: np.array(
        [b.share(s, 10_000, span=5)[3:6].sum() for s in b.seeds]
    ),
    "blur-top": top,
    "blur-upwards": upwards,
    "late-stays": lambda b: excess(b, 1),
    "early-returns": lambda b: excess(b, 1) - excess(b, 0),
    "flip-same-layers": moved,
}  # fmt: skip


@pytest.fixture(autouse=True)
def books_results(monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(BOOK / "results"))


def verdict_of(entry, values):
    """The rule as the Scorecard states it."""
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    mean, bound = np.mean(values), entry.get("threshold", 0)
    places = {
        "above": lambda x: x > bound,
        "below": lambda x: x < bound,
        "within": lambda x: -bound <= x <= bound,
    }
    agrees = places[entry["expected"]]
    if not agrees(mean):
        return "not reproduced", low, high
    both = agrees(low) and agrees(high)
    return ("reproduced" if both else "direction only"), low, high


def test_each_tested_claim_is_recomputed_here():
    assert {entry["id"] for entry in TESTED} == set(INDEPENDENT)


@pytest.mark.parametrize("entry", TESTED, ids=lambda entry: entry["id"])
def test_verdicts_follow_from_the_stored_tables(entry):
    values = INDEPENDENT[entry["id"]](*(Bare(name) for name in entry["studies"]))
    verdict, low, high = verdict_of(entry, np.asarray(values))
    found = claims.claim(entry["id"])
    assert len(found.values) == 3
    np.testing.assert_allclose(found.values, values, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose((found.low, found.high), (low, high), atol=1e-3)
    assert found.verdict == verdict
    assert f"Verdict: {found.claim.worded(verdict)}" in str(found)


def test_the_scorecard_shows_every_claim_with_its_verdict():
    card = claims.scorecard()
    assert list(card.table["id"]) == [entry["id"] for entry in ENTRIES]
    assert sum(card.counts().values()) == len(ENTRIES)
    page = card._repr_html_()
    for finding in card.findings:
        row = page.split(f'<tr id="{finding.claim.id}">')[1].split("</tr>")[0]
        assert finding.claim.worded(finding.verdict) in row
        shown = f"{finding.mean:+.2f}".replace("-", "−")
        assert finding.claim.untestable or shown in row


def test_claims_name_studies_and_chapters_that_exist():
    for claim in ledger.ledger().values():
        assert (BOOK / f"{claim.chapter}.ipynb").exists(), claim.id
        for study in claim.studies:
            assert (study, claim.scale) in studies.BOOK, claim.id


@pytest.mark.parametrize(
    ("expected", "interval", "verdict"),
    [
        ("below", (-3, -5, -1), "reproduced"),
        ("below", (-3, -7, 1), "direction only"),
        ("below", (1, 0, 2), "not reproduced"),
        ("below", (-3, np.nan, np.nan), "direction only"),
        ("above", (3, 2.5, 3.5), "reproduced"),
        ("above", (3, 1.5, 4.5), "direction only"),
        ("above", (1, 0, 2), "not reproduced"),
        ("within", (0, -1, 1), "reproduced"),
        ("within", (1, -3, 5), "direction only"),
        ("within", (-3, -4, -2), "not reproduced"),
    ],
)
def test_the_rule(expected, interval, verdict):
    threshold = {"below": 0, "above": 2, "within": 2}[expected]
    claim = ledger.Claim(
        "x", "X.", "1TL", "blur", statistic="change", expected=expected,
        threshold=threshold,
    )  # fmt: skip
    assert claim.verdict(*interval) == verdict


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "- {id: a, claim: A, panel: 1, chapter: b, statistic: mood}",
            InputError,
            "mood",
        ),
        (
            "- {id: a, claim: A, panel: 1, chapter: b, statistic: fall, expected: up}",
            InputError,
            "up",
        ),
        ("- {id: a, claim: A, panel: 1, chapter: b, colour: 1}", InputError, "colour"),
        (
            "- {id: a, claim: A, panel: 1, chapter: b, untestable: so}\n" * 2,
            InputError,
            "twice",
        ),
        ("- [", DataError, "YAML"),
    ],
)
def test_a_faulty_ledger_is_refused_in_a_sentence(
    tmp_path, monkeypatch, text, error, said
):
    file = tmp_path / "claims.yml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("CPLIB_CLAIMS", str(file))
    with pytest.raises(error, match=said):
        ledger.ledger()


def test_a_missing_ledger_and_an_unknown_claim_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no-such-claim"):
        claims.claim("no-such-claim")
    monkeypatch.setenv("CPLIB_CLAIMS", str(tmp_path / "none.yml"))
    with pytest.raises(DataError, match=r"none\.yml"):
        ledger.ledger()
