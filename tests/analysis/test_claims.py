"""Every verdict of the ledger, recomputed by other code from the bare tables.

On tables made by a formula always, and on the stored results where there are any.
"""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
import yaml
from handmade import bare as read
from handmade import handmade
from scipy import optimize, stats

from cplib import results, studies
from cplib._base.files import book_folder
from cplib.analysis import claims, ledger
from cplib.analysis.claim_statistics import STATISTICS
from cplib.errors import DataError, InputError

BOOK = book_folder()
pytestmark = pytest.mark.usefixtures("books_results")
ENTRIES = yaml.safe_load((BOOK / "claims.yml").read_text(encoding="utf-8"))
TESTED = [entry for entry in ENTRIES if "untestable" not in entry]


class Bare:
    """A table of numbers and its few facts, read without the package."""

    def __init__(self, table):
        self.table = table
        self.seeds = sorted(table.seed.unique())
        t = table[table.removal > 0]
        self.windows = sorted(set(zip(t.onset, t.removal, strict=True)))
        onset, removal = self.windows[0] if self.windows else (0, 0)
        own = table[(table.onset == onset) & (table.removal == removal)]
        self.clean_epochs = own.epoch.max() - removal

    def values(self, seed, metric, onset=0, removal=0, layer="", kind=None):
        t = self.table
        rows = t[
            (t.seed == seed) & (t.metric == metric) & (t.layer == layer)
            & (t.onset == onset) & (t.removal == removal)
        ]  # fmt: skip
        if kind is not None:
            rows = rows[rows.deficit == kind]
        return rows.set_index("epoch").value.sort_index()

    def accuracy(self, seed, onset, removal, end, kind=None):
        curve = self.values(seed, "test_accuracy", onset, removal, kind=kind)
        return 100 * curve.loc[end - 4 : end].mean()

    def loss(self, seed, onset, removal, against, kind=None):
        """Clean minus deficit, in points."""
        end = removal + self.clean_epochs
        reference = self.clean_epochs if against == "baseline" else end
        clean = self.accuracy(seed, 0, 0, reference)
        return clean - self.accuracy(seed, onset, removal, end, kind)

    def share(self, seed, epoch, removal=0, kind="none", span=1):
        """Shares of the nine layers, mean over the last `span` measurements."""
        columns = {
            str(i): self.values(seed, "trace", 0, removal, str(i), kind)
            for i in range(9)
        }
        rows = pd.DataFrame(columns).loc[:epoch]
        return rows.div(rows.sum(axis=1), axis=0).iloc[-span:].mean().to_numpy()


def by_seed(function):
    """For numbers that hang on one seed alone: an array over seeds."""

    def over_seeds(*bares, **options):
        return np.array([function(seed, *bares, **options) for seed in bares[0].seeds])

    return over_seeds


def losses(bare, against):
    return np.array(
        [[bare.loss(s, a, b, against) for a, b in bare.windows] for s in bare.seeds]
    )


def last_change(bare, against, kind=None):
    window = bare.windows[-1]
    return -np.array([bare.loss(s, *window, against, kind) for s in bare.seeds])


def mean_change(bare, against):
    return -losses(bare, against).mean(1)


def graded(bare, against):
    lost = losses(bare, against)
    return lost[:, 0] - lost[:, -1]


def parts(bare, against):
    """Losses by onset: early ones, early ones but the first, first, last."""
    onsets, lost = np.array([a for a, _ in bare.windows]), losses(bare, against)
    early = onsets <= onsets.max() / 2
    inner = early & (onsets > 0)
    return lost[:, early].mean(1), lost[:, inner].mean(1), lost[:, 0], lost[:, -1]


def early(bare, against):
    early, _, _, last = parts(bare, against)
    return early - last


def hump(bare, against):
    _, inner, first, _ = parts(bare, against)
    return inner - first


def hump_falls(bare, against):
    _, inner, _, last = parts(bare, against)
    return inner - last


def both(a, b):
    return sorted(set(a.windows) & set(b.windows))


@by_seed
def milder(seed, a, b, against):
    lost = [b.loss(seed, *w, against) - a.loss(seed, *w, against) for w in both(a, b)]
    return np.mean(lost)


@by_seed
def longer(seed, a, b, against):
    places = []
    for bare in (a, b):
        x = [0, *(removal for _, removal in both(a, b))]
        y = [0, *(bare.loss(seed, *w, against) for w in both(a, b))]
        fine = np.linspace(0, x[-1], 400_001)  # a scan
        above = np.interp(fine, x, y) >= y[-1] / 2
        places.append(fine[above.argmax()] if y[-1] > 0 else x[-1])
    return places[0] - places[1]


@by_seed
def steeper(seed, a, b, against):
    ratios = []
    for bare in (a, b):
        (onset, removal), clean = bare.windows[-1], bare.clean_epochs
        end = removal + clean
        reference = clean if against == "baseline" else end
        error = 100 - bare.accuracy(seed, onset, removal, end)
        ratios.append(error / (100 - bare.accuracy(seed, 0, 0, reference)))
    return ratios[0] - ratios[1]


def epochs_to_recover(bare, seed, removal):
    clean = bare.values(seed, "test_accuracy")
    curve = bare.values(seed, "test_accuracy", 0, removal)
    for lived in range(5, bare.clean_epochs + 1):
        now = slice(removal + lived - 4, removal + lived)
        if (clean.loc[now] - curve.loc[now]).mean() <= 0.01:
            return lived
    return bare.clean_epochs


@by_seed
def quicker(seed, a, b):
    ends = [removal for _, removal in both(a, b)]
    slow = [[epochs_to_recover(x, seed, end) for end in ends] for x in (a, b)]
    return np.mean(slow[0]) - np.mean(slow[1])


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


@by_seed
def distance(seed, tracked, windows):
    rows = sensitivity_and_trace(tracked, windows, seed)
    worst = rows.groupby("onset").s.mean().idxmax()
    return tracked.values(seed, "trace").idxmax() - worst


def vertex(x, y):
    """The top of the parabola by divided differences."""
    i = int(np.argmax(y))
    if i in (0, len(x) - 1):
        return x[i]
    (a, b, c), (p, q, r) = x[i - 1 : i + 2], y[i - 1 : i + 2]
    first, second = (q - p) / (b - a), (r - q) / (c - b)
    return (a + b) / 2 - first / 2 * (c - a) / (second - first)


@by_seed
def peak_of(seed, bare):
    curve = bare.values(seed, "trace")
    smooth = [curve.iloc[max(0, i - 2) : i + 3].mean() for i in range(len(curve))]
    return vertex(curve.index.to_numpy(float), np.array(smooth))


@by_seed
def most_sensitive(seed, tracked, windows):
    rows = sensitivity_and_trace(tracked, windows, seed).groupby("onset").s.mean()
    return vertex(rows.index.to_numpy(float), rows.to_numpy())


def gap(tracked, windows):
    return peak_of(tracked) - most_sensitive(tracked, windows)


def middle_of(windows):
    """Half of the mean length."""
    return np.mean(sorted({b - a for a, b in windows.windows})) / 2


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


@by_seed
def exponential(seed, tracked, windows):
    rows = sensitivity_and_trace(tracked, windows, seed)
    lengths = [g for _, g in rows.groupby("length")]
    return np.mean([adjusted(g.s.to_numpy(), g.f.to_numpy()) for g in lengths])


def removals(bare, kind):
    return sorted(set(bare.table[bare.table.deficit == kind].removal))


def raised(bare, at_end):
    t0 = removals(bare, "blur")[-1]
    t = bare.table[bare.table.deficit.isin(["blur", "none"])]
    under, clean = traces(Bare(t), t0), traces(bare)
    if at_end:
        end = t0 + bare.clean_epochs
        return np.log2(under.iloc[-5:].mean() / clean.loc[:end].iloc[-5:].mean())
    return np.log2(under.loc[:t0].iloc[-1] / clean.loc[:t0].iloc[-1])


@by_seed
def looked(seed, bare, metric):
    t0 = removals(bare, "blur")[-1]
    end = t0 + bare.clean_epochs
    under = bare.values(seed, metric, 0, t0, kind="blur")
    return np.log2(under.loc[end] / bare.values(seed, metric).loc[end])


@by_seed
def at_removal(seed, bare, layers=(6,)):
    t0 = removals(bare, "blur")[-1]
    more = bare.share(seed, t0, t0, "blur") - bare.share(seed, t0)
    return more[list(layers)].sum()


@by_seed
def at_end(seed, bare, layers=(6,), which=-1):
    t0 = removals(bare, "blur")[which]
    end = t0 + bare.clean_epochs
    more = bare.share(seed, end, t0, "blur", 5) - bare.share(seed, end, span=5)
    return more[list(layers)].sum()


@by_seed
def middle(seed, bare):
    return bare.share(seed, 10_000, span=5)[3:6].sum()


@by_seed
def dominance(seed, bare):
    t0 = removals(bare, "blur")[-1]
    shares = bare.share(seed, t0, t0, "blur")
    return shares[6] - np.delete(shares, 6).max()


def moved(bare):
    t0 = removals(bare, "flip")[-1]
    clean = {s: bare.share(s, t0) for s in bare.seeds}
    found = []
    for s in bare.seeds:
        by_flip = np.abs(bare.share(s, t0, t0, "flip") - clean[s]).sum() / 2
        rest = [np.abs(clean[r] - clean[s]).sum() / 2 for r in bare.seeds if r != s]
        found.append(by_flip - np.mean(rest))
    return np.array(found)


REFERENCED = {  # with `against`
    "blur-lasting": last_change,
    "blur-graded": graded,
    "blur-size": last_change,
    "peaks-early": early,
    "late-windows": last_change,
    "hump": hump,
    "hump-falls": hump_falls,
    "flip-no-loss": mean_change,
    "flip-no-harm": mean_change,
    "labels-no-loss": mean_change,
    "labels-no-harm": mean_change,
    "noise-loss": last_change,
    "noise-milder": milder,
    "noise-longer": longer,
    "resnet-critical": last_change,
    "resnet-sharper": steeper,
    "mlp-critical": last_change,
    "fixed-rate-critical": last_change,
    "fixed-rate-longer": longer,
    "depth-grows": steeper,
    "moving-noise": milder,
    "moving-noise-blur": milder,
    "unmirrored-flip": lambda b, against: last_change(b, against, "flip"),
    "worth-grey": lambda b, against: last_change(b, against, "grey"),
    "clock-decay": longer,
    "clock-batch": longer,
    "clock-same": longer,
    "cyclic-lasting": last_change,
    "permanent-blur": lambda b, against: last_change(b, against, "blur"),
}
INDEPENDENT = {
    "flip-quick": quicker,
    "trace-rises": lambda b: np.log2(peak_values(traces(b)) / traces(b).iloc[0]),
    "trace-falls": fall,
    "trace-halves": fall,
    "peaks-together": distance,
    "peaks-close": gap,
    "peak-inside": lambda t, w: gap(t, w) - middle_of(w),
    "peak-rate": lambda fast, usual: peak_of(fast) - peak_of(usual),
    "exponential-fit": exponential,
    "deficit-raises-trace": lambda b: raised(b, False),
    "stays-raised": lambda b: raised(b, True),
    "cnn-raises-trace": lambda b: raised(b, False),
    "cnn-stays-raised": lambda b: raised(b, True),
    "middle-layers": middle,
    "blur-top": dominance,
    "blur-upwards": at_removal,
    "late-stays": lambda b: at_end(b) - at_removal(b),
    "late-excess": at_end,
    "low-layers": lambda b: at_end(b, layers=(0, 1, 2)),
    "early-returns": lambda b: at_end(b) - at_end(b, which=0),
    "flip-same-layers": moved,
    "matched-not-raised": lambda b: looked(b, metric="trace_matched"),
    "test-images-raised": lambda b: looked(b, metric="trace_test"),
    "same-images": lambda b: looked(b, metric="trace_test"),
    "same-images-matched": lambda b: looked(b, metric="trace_matched"),
    "restart-lasting": lambda b: last_change(b, "baseline"),
    "nothing-lasting": lambda b: last_change(b, "baseline"),
    "nothing-blur": lambda a, b: milder(a, b, against="baseline"),
    "nothing-noise": lambda a, b: milder(a, b, against="baseline"),
    "nothing-moving": lambda a, b: milder(a, b, against="baseline"),
    "restart-milder": lambda a, b: milder(a, b, against="baseline"),
    "patching-milder": lambda b: np.subtract(
        *(-losses(b, "control")[:, place] for place in (-1, 0))
    ),
    "shrink-lasting": lambda b: last_change(b, "baseline"),
    "shrink-milder": lambda a, b: milder(a, b, against="baseline"),
    "worth-blur": lambda b: last_change(b, "baseline", "blur"),
}


def favour(entry, values):
    """How much the mean is in favour of the claim."""
    mean, bound = np.mean(values), entry.get("threshold", 0)
    return {"above": mean, "below": -mean, "within": bound - abs(mean)}[
        entry["expected"]
    ]


def recomputed(entry, bares):
    """Values by seed, and the reference they were taken with."""
    if entry["id"] in INDEPENDENT:
        return np.asarray(INDEPENDENT[entry["id"]](*bares)), ""
    by = {
        against: REFERENCED[entry["id"]](*bares, against=against)
        for against in ("baseline", "control")
    }
    worse = favour(entry, by["control"]) < favour(entry, by["baseline"]) - 1e-9
    worst = "control" if worse else "baseline"
    return by[worst], worst


def verdict_of(entry, values):
    """The rule as the ledger states it."""
    test = stats.ttest_1samp(values, 0)
    low, high = test.confidence_interval(0.95)
    bound = entry.get("threshold", 0)
    if entry["expected"] == "within":
        first = stats.ttest_1samp(values, -bound, alternative="greater").pvalue
        second = stats.ttest_1samp(values, bound, alternative="less").pvalue
        agrees, outside = max(first, second) < 0.05, low > bound or high < -bound
    elif entry["expected"] == "above":
        agrees, outside = low > bound, high < bound
    else:
        agrees, outside = high < bound, low > bound
    if agrees:
        return "reproduced"
    return "contradicted" if outside else "undecided"


def registered(name):
    return ledger.ledger()[name]


def check(entry, finding, bares):
    values, against = recomputed(entry, bares)
    assert finding.values.shape == values.shape
    tolerance = 1e-3 if entry["statistic"] == "longer" else 1e-5
    np.testing.assert_allclose(finding.values, values, rtol=1e-5, atol=tolerance)
    assert finding.against == entry.get("options", {}).get("against", against)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose((finding.low, finding.high), (low, high), atol=1e-2)
    assert finding.verdict == verdict_of(entry, finding.values)
    assert f"Verdict: {finding.worded}" in str(finding)


def traced(name):
    """A result by a formula, with a trace of nine layers after every second epoch."""
    result = handmade(name, "laptop")
    end = result.table[result.table.metric == "test_accuracy"].query("epoch % 2 == 1")
    random = np.random.default_rng(5)
    layers = 1 + random.random((len(end), 9)) + np.arange(9) % 4
    age = end["epoch"].to_numpy() / end["epoch"].max()
    layers *= (end["value"].to_numpy() * np.exp(-age))[:, None]
    layers[:, 6] *= 1 + end["removal"].to_numpy() / max(1, end["removal"].max())
    named = {str(i): layer for i, layer in enumerate(layers.T)} | {"": layers.sum(1)}
    rows = [end.assign(metric="trace", layer=n, value=v) for n, v in named.items()]
    every = result.table[result.table.metric == "test_accuracy"]
    for metric, power in (("trace_matched", 0.5), ("trace_test", 1.2)):
        rows.append(every.assign(metric=metric, value=every["value"] ** power))
    return dataclasses.replace(result, table=pd.concat([result.table, *rows]))


def test_each_tested_claim_is_recomputed_here():
    assert {entry["id"] for entry in TESTED} == {*REFERENCED, *INDEPENDENT}
    assert {entry["statistic"] for entry in TESTED} == set(STATISTICS)


@pytest.mark.parametrize("entry", TESTED, ids=lambda entry: entry["id"])
def test_verdicts_follow_from_tables_made_by_a_formula(entry):
    found = [traced(name) for name in entry["studies"]]
    finding = claims.judge(registered(entry["id"]), found)
    check(entry, finding, [Bare(result.table) for result in found])


@pytest.mark.parametrize("entry", TESTED, ids=lambda entry: entry["id"])
def test_verdicts_follow_from_the_stored_tables(entry):
    claim = registered(entry["id"])
    found = [results.stored(studies.get(s, claim.scale)) for s in entry["studies"]]
    if any(result is None for result in found):
        pytest.skip("not all of its studies are stored")
    named = [f"{result.study.name}-{result.study.scale}" for result in found]
    tables = [read(BOOK / "results" / f"{name}.csv.gz") for name in named]
    seeds = sorted(set.intersection(*(set(table.seed) for table in tables)))
    finding = claims.judge(claim, found)
    check(entry, finding, [Bare(table[table.seed.isin(seeds)]) for table in tables])


def test_studies_are_compared_for_the_seeds_that_all_of_them_have():
    claim = registered("noise-longer")
    one, other = (traced(name) for name in claim.studies)
    finding = claims.judge(claim, [one.only([0, 2]), other.only([1, 2])])
    assert list(finding.values) == list(
        claims.judge(claim, [one.only([2]), other.only([2])]).values
    )
    none = claims.judge(claim, [one.only([0]), other.only([1])])
    assert none.verdict == ledger.UNTESTABLE and "no seed is left" in str(none)


def test_a_scale_that_does_not_measure_it_cannot_test_the_claim():
    """Such as smoke, at which the whole book is tested."""
    claim = registered("matched-not-raised")
    found = claims.judge(claim, [handmade(name, "smoke") for name in claim.studies])
    assert found.verdict == ledger.UNTESTABLE and not len(found.values)
    assert found.sentence().startswith("Not testable: Study 3TL at scale smoke has no")


@pytest.fixture(scope="module")
def card():
    """Every claim, judged on tables made by a formula."""
    made = {s: traced(s) for s in {s for e in TESTED for s in e["studies"]}}
    findings = []
    for claim in ledger.ledger().values():
        found = [made[study] for study in claim.studies]
        if claim.untestable:
            findings.append(claims.Finding(claim, np.array([]), "laptop"))
        else:
            findings.append(claims.judge(claim, found))
    return claims.Scorecard(tuple(findings))


def test_the_scorecard_shows_every_claim_with_its_verdict(card):
    assert list(card.table["id"]) == [entry["id"] for entry in ENTRIES]
    assert sum(card.counts().values()) == len(ENTRIES)
    page = card._repr_html_()
    for finding, firm in zip(card.findings, card.table["after Holm"], strict=True):
        row = page.split(f'<tr id="{finding.claim.id}">')[1].split("</tr>")[0]
        assert finding.worded in row
        digits = {"epochs": 0, "of the whole": 3, "as a difference of ratios": 3}
        digits = digits.get(finding.claim.unit, 2)
        shown = f"{round(finding.mean, digits) + 0.0:+.{digits}f}".replace("-", "−")
        assert finding.claim.untestable or shown in row
        weak = finding.verdict == "reproduced" and not firm
        assert ("not after Holm" in row) == weak
    given = card.table["verdict"].value_counts().to_dict()
    assert {v: n for v, n in card.counts().items() if n} == given
    for verdict, number in card.counts().items():
        assert f"{verdict}: {number}" in page
    sides = card.table["leans"].value_counts()
    words = f"({sides.get('for', 0)} leaning for, {sides.get('against', 0)} against)"
    assert words in page
    hypotheses = card.only(ours=True)
    assert "supported: " in hypotheses.summary
    assert "reproduced" not in hypotheses._repr_html_()


def test_the_tally_counts_the_papers_claims_and_the_firm_ones(card):
    paper = card.table[[not finding.claim.about for finding in card.findings]]
    given = paper["verdict"].value_counts()
    for verdict, word in (("reproduced", "reproduce"), ("contradicted", "contradict")):
        assert f"{word} {given[verdict]}" in card.tally
    assert f"the paper's {len(paper)} claims" in card.tally
    firm = sum(row[-1] for row in paper.itertuples())
    assert f"Of the {given['reproduced']}, {firm} are reproduced" in card.tally


def test_the_two_families_are_corrected_apart(card):
    """By the definition: the least p that a stepwise rejection lets through."""
    table = card.table.set_index("id")
    for ours in (False, True):
        ids = [f.claim.id for f in card.only(ours).findings if not f.claim.untestable]
        p = table.loc[ids, "p"]
        for level in (0.001, 0.01, 0.05, 0.2, 0.9):
            left, rejected = sorted(ids, key=p.get), set()
            while left and p[left[0]] * len(left) <= level:
                rejected.add(left.pop(0))
            passed = set(table.loc[ids].index[table.loc[ids, "p (Holm)"] <= level])
            assert passed == rejected
    firm = (table["verdict"] == "reproduced") & (table["p (Holm)"] <= 0.05)
    assert (firm == table["after Holm"]).all()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_holm_is_the_closed_test_by_bonferroni(n):
    """The greatest, over all sets of hypotheses that hold it, of size times least p."""
    p = np.random.default_rng(n).random(n) / 3
    sets = [s for r in range(1, n + 1) for s in itertools.combinations(range(n), r)]
    wanted = [
        min(1, max(len(s) * min(p[list(s)]) for s in sets if i in s)) for i in range(n)
    ]
    np.testing.assert_allclose(claims.holm(p), wanted)
    assert claims.holm([*p, np.nan])[-1] == 1


def found_with(values, expected, threshold, **fields):
    claim = ledger.Claim(
        "x", "X.", "1TL", "blur", statistic="change", expected=expected,
        threshold=threshold, **fields,
    )  # fmt: skip
    return claims.Finding(claim, np.array(values, dtype=float), "laptop")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("expected", ["above", "below", "within"])
def test_p_values_are_scipys(expected, seed):
    random = np.random.default_rng(seed)
    values = random.normal(random.normal(0, 2), 1, 6)
    finding = found_with(values, expected, 1.5)
    lower = stats.ttest_1samp(values, 1.5, alternative="less").pvalue
    upper = stats.ttest_1samp(values, 1.5, alternative="greater").pvalue
    both = max(stats.ttest_1samp(values, -1.5, alternative="greater").pvalue, lower)
    wanted = {"above": upper, "below": lower, "within": both}[expected]
    assert finding.p == pytest.approx(wanted, rel=1e-9)
    level = 0.05 if expected == "within" else 0.025
    assert (finding.verdict == "reproduced") == (finding.p < level)


def test_claims_name_studies_and_chapters_that_exist():
    known = ledger.ledger()
    for claim in known.values():
        assert (BOOK / f"{claim.chapter}.ipynb").exists(), claim.id
        assert claim.scale in studies.SCALES, claim.id
        assert set(claim.studies) <= set(studies.names()), claim.id
        assert not claim.about or not known[claim.about].about, claim.id


@pytest.mark.parametrize(
    ("expected", "values", "verdict", "lean"),
    [
        ("below", [-3, -4, -5], "reproduced", ""),
        ("below", [-3, -9, 2], "undecided", "for"),
        ("below", [3, -2, 2], "undecided", "against"),
        ("below", [3, 4, 5], "contradicted", ""),
        ("below", [-3], "undecided", "for"),
        ("above", [3, 4, 5], "undecided", "for"),
        ("above", [4, 4.1, 4.2], "reproduced", ""),
        ("above", [0, 1, 4], "undecided", "against"),
        ("above", [0, 0.1, 0.2], "contradicted", ""),
        ("above", [2, 2, 2], "undecided", "against"),
        ("within", [0, 1, -1], "reproduced", ""),
        ("within", [0, 1.13, -1.13], "reproduced", ""),  # by 90 %, not by 95 %
        ("within", [0, 1.3, -1.3], "undecided", "for"),
        ("within", [0, 3, 4], "undecided", "against"),
        ("within", [-3, -3.1, -3.2], "contradicted", ""),
        ("within", [3, 3.1, 3.2], "contradicted", ""),
    ],
)
def test_the_rule(expected, values, verdict, lean):
    threshold = {"below": 0, "above": 2, "within": 2}[expected]
    finding = found_with(values, expected, threshold)
    assert (finding.verdict, finding.lean) == (verdict, lean)
    assert finding.worded == (f"undecided (leans {lean})" if lean else verdict)
    ours = found_with(values, expected, threshold, about="y")
    assert ours.worded == finding.worded.replace("reproduced", "supported")


def test_the_harder_reference_is_chosen_by_the_mean():
    result = traced("2L")
    plain = ledger.ledger()["flip-no-loss"]
    means = {}
    for against in ("baseline", "control"):
        options = (("against", against), ("of", "all"))
        one = claims.judge(dataclasses.replace(plain, options=options), [result])
        assert one.against == against
        means[against] = one.mean
    assert means["baseline"] != means["control"]
    for expected, pick in (("above", min), ("below", max)):
        claim = dataclasses.replace(plain, expected=expected)
        found = claims.judge(claim, [result])
        assert found.mean == pick(means.values()) == means[found.against]
        assert f"against the {found.against})" in found.ours


def test_statistics_refuse_what_they_cannot_read():
    with pytest.raises(InputError, match="share no window"):
        STATISTICS["milder"](handmade("1BL"), handmade("3TR", "laptop"))
    with pytest.raises(InputError, match="reference 'twin'"):
        STATISTICS["change"](handmade("1TL"), against="twin")
    with pytest.raises(InputError, match="no run with 'blur'"):
        STATISTICS["top_dominance"](handmade("2L"), top=6)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            "- {id: a, claim: A, panel: 1, chapter: b, statistic: mood}",
            InputError,
            "mood",
        ),
        (
            "- {id: a, claim: A, panel: 1, chapter: b, statistic: trace, expected: up}",
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
