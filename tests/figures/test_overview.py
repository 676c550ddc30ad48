"""Figures of the whole paper show what the tables hold."""

import numpy as np
import pytest
from handmade import STORED, bare, handmade, stored

from cplib import figures, studies
from cplib.analysis import claims
from cplib.errors import InputError
from cplib.figures import overview, palette
from cplib.figures.poster import LAYOUT

pytestmark = pytest.mark.usefixtures("books_results")


def final(table, kind, onset, removal, end):
    """Mean over seeds of the last five epochs until `end`, in %."""
    rows = table[
        (table.metric == "test_accuracy") & (table.deficit == kind)
        & (table.onset == onset) & (table.removal == removal)
        & (table.epoch > end - 5) & (table.epoch <= end)
    ]  # fmt: skip
    return 100 * rows.groupby("seed").value.mean().mean()


def test_the_triangles_cells_are_the_points_lost_at_the_same_age():
    result = stored("timing")
    panel = figures.triangles(result, stored("2L"))
    table, clean = bare(STORED / "timing-laptop.csv.gz"), result.study.clean_epochs
    cells = panel.table[panel.table.tile == "blur"]
    assert len(cells) == len(result.study.runs) - 1
    for row in cells.itertuples():
        end = row.removal + clean
        lost = final(table, "none", 0, 0, end)
        lost -= final(table, "blur", row.onset, row.removal, end)
        assert row[4] == pytest.approx(lost)


def test_a_run_in_several_studies_counts_once_in_the_triangles():
    """The first window of 1BL is a removal of 1TL: the same networks."""
    one, other = stored("1TL"), stored("1BL")
    table = figures.triangles(one, other).table.set_index(["onset", "removal"])
    assert table.loc[(0, 40), "seeds"] == len({*one.seeds, *other.seeds})
    by_itself = figures.triangles(one).table.set_index(["onset", "removal"])
    shared = table.loc[(0, 40), "points lost"], by_itself.loc[(0, 40), "points lost"]
    assert one.seeds != other.seeds or shared[0] == pytest.approx(shared[1])


def test_the_triangles_share_one_scale():
    panel = figures.triangles(stored("timing"), stored("2L"))
    for axes, (_, cells) in zip(
        panel.figure.axes, panel.table.groupby("tile", sort=False), strict=False
    ):
        drawn = [patch.get_alpha() for patch in axes.patches]
        lost = cells["points lost"].to_numpy()
        wanted = palette.DEEPEST * np.sqrt(np.minimum(1, np.abs(lost) / 15))
        np.testing.assert_allclose(drawn, wanted)


def test_each_triangle_leads_to_its_chapter():
    panel = figures.triangles(stored("timing"), stored("2L"))
    assert [address for address, _ in panel.links] == [
        "blur.html#explorer", "high-level.html"
    ]  # fmt: skip
    assert panel.image_html().count("<a href=") == 2
    assert all("points lost" in words for _, words in panel.links)


def test_worth_is_the_end_minus_the_same_clean_training():
    panel = figures.worth(stored("worth"), epochs=40)
    clean = stored("worth").study.clean_epochs
    gained = panel.table.set_index("epochs spent")["points gained"]
    table = bare(STORED / "worth-laptop.csv.gz")
    for name, kind in (("blurred", "blur"), ("fixed noise", "noise")):
        wanted = final(table, kind, 0, 40, 40 + clean) - final(
            table, "none", 0, 0, clean
        )
        assert gained[name] == pytest.approx(wanted, abs=0.006)
    later = final(table, "none", 0, 0, 40 + clean) - final(table, "none", 0, 0, clean)
    assert gained["clean"] == pytest.approx(later, abs=0.006)
    assert gained["left out"] == 0


def test_worth_draws_the_study_of_that_name():
    panel = figures.worth(handmade("worth"), epochs=studies.SCALES["smoke"].length)
    assert set(panel.table["epochs spent"]) == {*overview.SPENT.values(), "left out"}


@pytest.fixture(scope="module")
def shown():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CPLIB_RESULTS", str(STORED))
        return figures.poster(claims.scorecard())


def test_the_poster_has_the_papers_21_panels_and_all_its_claims(shown):
    panels = " ".join(row for rows in LAYOUT.values() for row in rows).split()
    assert len(panels) == len(set(panels)) == 21 and set(panels) == set(
        shown.thumbnails
    )
    placed = [f.claim.id for panel in panels for f in shown.findings(panel)]
    assert sorted(placed) == sorted(f.claim.id for f in shown.card.only(False).findings)


def test_the_posters_frames_are_the_verdicts(shown):
    page = shown._repr_html_()
    for panel in shown.thumbnails:
        verdicts = [f.verdict for f in shown.findings(panel)]
        frame = shown.frame(panel)
        alike = {0: "no claim", 1: verdicts and verdicts[0]}
        assert frame == alike.get(len(set(verdicts)), "mixed")
        part = page.partition(f">{panel.replace('-', ' ')}</a>")
        assert part[0].rstrip().rpartition('data-verdict="')[2].startswith(f'{frame}"')
        for verdict in set(verdicts):
            count = f"{verdicts.count(verdict)} " * (len(verdicts) > 1)
            assert f"{count}{verdict}" in part[2].partition("</div>")[0], panel


def test_the_poster_is_light_and_leads_to_rows_and_chapters(shown):
    page = shown._repr_html_()
    images, _, table = page.partition("<details>")
    assert len(images.encode()) < 60_000
    for panel in shown.thumbnails:
        for finding in shown.findings(panel)[:1]:
            assert f'href="#{finding.claim.id}"' in images
            assert f'id="{finding.claim.id}"' in table
    assert images.count("aria-label") == 21


def test_ours_beside_the_papers_words():
    page = figures.beside_paper(stored("1TL"))._repr_html_()
    assert page.count("<img ") == 2 and "not from its data" in page
    assert (
        figures.figure_1(stored("1TL"), stored("1BL"))._repr_html_().count("<img ") == 4
    )
    with pytest.raises(InputError, match="'3TL': choose one of 1TL"):
        figures.paper.described("3TL")
