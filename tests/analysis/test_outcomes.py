"""What the book says about each claim: every branch of every sentence."""

import re

import numpy as np
import pytest

import cplib as cp
from cplib.analysis.findings import Finding, Said
from cplib.analysis.ledger import CONTRADICTED, REPRODUCED, UNDECIDED, ledger

pytestmark = pytest.mark.usefixtures("books_results")
TESTED = [c for c in ledger().values() if not c.untestable]
BRANCHES = (REPRODUCED, UNDECIDED, CONTRADICTED)


def values(claim, verdict):
    """Six seeds on which the verdict must be this one."""
    inside = {"above": 3.0, "below": -3.0, "within": 0.0}[claim.expected]
    inside += {"within": 0.0}.get(claim.expected, claim.threshold)
    edge = claim.threshold
    far = {"above": edge - 3, "below": edge + 3, "within": edge + 3}[claim.expected]
    middle = {REPRODUCED: inside, UNDECIDED: edge, CONTRADICTED: far}[verdict]
    width = 1e-3 if verdict != UNDECIDED else max(0.01, 2 * abs(edge))
    return middle + width * np.array([-2.0, -1, 0, 0, 1, 2])


@pytest.mark.parametrize("verdict", BRANCHES)
@pytest.mark.parametrize("claim", TESTED, ids=lambda claim: claim.id)
def test_every_branch_is_a_sentence(claim, verdict):
    seeds = values(claim, verdict)
    found = Finding(claim, seeds, "laptop", "", "control", seeds.mean())
    assert found.verdict == verdict
    sentence = found.sentence()
    assert sentence[0].isupper() and sentence.endswith(".")
    assert not re.search(r"[{}…]|nan|--|\+\d\S* \w+ (less|fewer)", sentence)
    assert sentence in str(Said((found,))) and sentence in found.said.replace(
        "&#x27;", "'"
    )
    others = [v for v in BRANCHES if v != verdict]
    assert len({sentence, *map(found.sentence, others)}) == 3
    assert not re.search(r"\d\.\d", " ".join(map(found.sentence, others)))
    page = found._repr_html_()
    assert f'data-verdict="{verdict}"' in page and "If it had come out" in page
    assert all(f"<i>{other}:</i>" in page for other in others)


@pytest.mark.parametrize("claim", TESTED, ids=lambda claim: claim.id)
def test_one_seed_decides_nothing(claim):
    found = Finding(claim, values(claim, REPRODUCED)[:1], "laptop")
    assert found.verdict == UNDECIDED and found.sure == "one seed, so no interval"
    assert found.sentence() != found.sentence(REPRODUCED)


def test_the_interval_is_in_the_measure_of_the_sentence():
    """By hand: t(0.975, 2) = 4.303, and the values' standard error is 1 / sqrt(3)."""
    lasting = Finding(ledger()["blur-lasting"], np.array([-11.0, -10, -9]), "laptop")
    assert "10.0 points less accurate" in lasting.sentence()
    assert lasting.sure == "95 % interval 7.5 to 12.5 points, three seeds"
    size = Finding(ledger()["blur-size"], np.array([-11.0, -10, -9]), "laptop", "", "x")
    assert "10.0 points" in size.sentence()
    shares = Finding(ledger()["low-layers"], np.array([-0.11, -0.1, -0.09]), "laptop")
    assert shares.sure == "90 % interval 8 to 12 %, three seeds"  # t(0.95, 2) = 2.920
    trace = Finding(ledger()["stays-raised"], np.array([1.9, 2, 2.1]), "laptop")
    assert "4.0 times" in trace.sentence()
    low, high = (2 ** (2 + side * 4.303 * 0.1 / 3**0.5) for side in (-1, 1))
    assert trace.sure == f"95 % interval {low:.1f} to {high:.1f}, three seeds"


def test_the_verdict_on_a_window_names_both_references():
    """The harder one, and the other with its mean, read off as the first is."""
    seeds, hump = np.array([-5.0, -4, -3]), ledger()["hump"]
    found = Finding(hump, seeds, "laptop", "", "baseline", -1.7)
    assert "4.0 points more than later" in found.sentence()
    assert "the same clean training, and 1.7 more compared with the same age" in (
        found.sentence()
    )
    assert found.sure == "95 % interval 1.5 to 6.5 points, three seeds"
    assert "with the same age, and … more" in Finding(
        hump, -seeds, "laptop", "", "control", 1.7
    ).sentence(CONTRADICTED)


def test_a_share_of_the_trace_is_in_per_cent():
    """Where a sentence has no number, too; and so is what is left of a peak."""
    top = Finding(ledger()["blur-top"], np.array([-0.02, 0.01, 0.0]), "laptop")
    assert top.sure == "95 % interval −4 to +3 % of the trace, three seeds"
    peak = Finding(ledger()["trace-falls"], np.array([-0.03, 0.0, 0.0]), "laptop")
    assert "99 % of its highest value" in peak.sentence()
    assert peak.sure == "95 % interval 96 to 102 %, three seeds"


def test_what_cannot_be_tested_says_why():
    found = cp.claim("kitten-curves")
    assert found.sentence() == f"Not testable: {found.claim.untestable}"
    assert "If it had" not in found._repr_html_()


def test_a_reader_s_own_claim_is_said_without_sentences(tmp_path, monkeypatch):
    entry = """
- {id: mine, claim: Blur harms., panel: 1TL, chapter: blur, statistic: change,
   studies: [1TL], measured: x, unit: points, expected: below}
"""
    (tmp_path / "mine.yml").write_text(entry)
    monkeypatch.setenv("CPLIB_CLAIMS", str(tmp_path / "mine.yml"))
    assert str(cp.say("mine", scale="laptop")).startswith("Blur harms. Reproduced. (95")


def test_several_are_a_list():
    said = cp.say("blur-lasting", "hump", scale="laptop")
    assert said._repr_html_().count("<li>") == 2
    assert len(str(said).splitlines()) == 2
