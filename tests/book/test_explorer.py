"""The explorer as a reader meets it: a file, a browser, a keyboard, no network."""

import pytest
from alone import DESKTOP, PHONE, written
from handmade import ENDING, GRID, formula, handmade, numbers, shown

from cplib import studies
from cplib.deficits import Blur, Noise
from cplib.widgets import explore

ROUNDING = 0.0501  # one decimal is shown
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def result():
    return handmade("timing", "demo", grid=GRID)


@pytest.fixture(scope="module")
def explorer(result):
    return explore(result, removal=20)


@pytest.fixture(scope="module")
def sheet(explorer, tmp_path_factory):
    return written(tmp_path_factory.mktemp("sheet"), explorer.html)


def outputs(page):
    return page.locator(".cplib-explorer output").all_text_contents()


def lines(page):
    """What is drawn in the chart of learning curves."""
    return page.locator(".chart polyline").evaluate_all(
        "all => all.map(line => line.getAttribute('points'))"
    )


def chosen(page, name):
    return page.get_by_label(name, exact=True).locator(":checked").text_content()


def overflow(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def expected(result, kind, onset, removal, epoch):
    truth = numbers(result, kind, onset, removal)
    clean = numbers(result, "none", 0, 0)["curve"]
    pairs = [truth["curve"][epoch], clean[epoch]]
    pairs += [truth[name] for name in ENDING]
    return [pytest.approx([abs(v) for v in pair], abs=ROUNDING) for pair in pairs]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_first_state(opened, sheet, result, viewport):
    page = opened(sheet, viewport)
    for part in (".chart svg", ".images img >> nth=3", ".map svg", "figcaption"):
        assert page.locator(part).is_visible(), part
    assert page.locator("figure img").first.is_hidden()
    assert shown(" ".join(outputs(page))) == expected(result, "blur", 0, 20, 10)
    assert chosen(page, "Deficit") == "blur"
    assert overflow(page) <= 0
    scales = page.locator(".live div > svg").evaluate_all(
        "all => all.map(svg => svg.clientWidth / svg.viewBox.baseVal.width)"
    )
    assert scales == pytest.approx([1, 1, 1], abs=0.02)  # letters keep their 13 px


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_keyboard_moves_the_removal(opened, sheet, result, viewport):
    page = opened(sheet, viewport)
    slider = page.get_by_label("Removal")
    assert slider.get_attribute("aria-valuetext") == "epoch 20"
    before = lines(page), outputs(page), page.locator(".chart .window").bounding_box()
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "epoch 25"
    assert lines(page)[1] != before[0][1] and lines(page)[0] == before[0][0]
    assert all(a != b for a, b in zip(outputs(page), before[1], strict=True))
    window = page.locator(".chart .window").bounding_box()
    assert window["width"] == pytest.approx(1.25 * before[2]["width"], rel=0.01)
    assert shown(" ".join(outputs(page))) == expected(result, "blur", 0, 25, 10)
    assert overflow(page) <= 0


def test_the_page_says_what_python_says(opened, sheet, explorer):
    page, outcomes = opened(sheet), explorer.outcomes
    for deficit in outcomes.groups:
        outcome = outcomes.choose(deficit, 10, 20)
        page.get_by_label("Deficit", exact=True).select_option(outcome.run.label)
        page.get_by_label("Onset").fill("2")
        for epoch in (9, 10, 19, 20, outcome.run.epochs):
            page.get_by_label("Epoch").fill(str(epoch))
            assert outputs(page) == [
                outcomes.now(outcome, epoch), outcomes.ending(outcome)
            ]  # fmt: skip
            assert page.locator(".sight").text_content() == outcome.sight(epoch)
        page.get_by_label("Onset").fill("0")


def test_ends_never_cross(opened, sheet, result):
    page = opened(sheet)
    onset, removal = page.get_by_label("Onset"), page.get_by_label("Removal")

    def epochs():
        texts = (
            onset.get_attribute("aria-valuetext"),
            removal.get_attribute("aria-valuetext"),
        )
        return tuple(int(text.removeprefix("epoch ")) for text in texts)

    windows = {(run.onset, run.removal) for run in result.study.runs}
    for control, keys in ((onset, "End"), (removal, "Home"), (onset, "ArrowRight")):
        control.focus()
        page.keyboard.press(keys)
        assert epochs()[0] < epochs()[1] and epochs() in windows


def test_windows_of_one_length_move_as_a_whole(opened, tmp_path):
    page = opened(written(tmp_path, explore(handmade("1BL", "demo")).html))
    length = ends(page)[1] - ends(page)[0]
    for name in ("Onset", "Removal"):
        for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
            before = ends(page)
            page.get_by_label(name).press(key)
            assert ends(page) != before
            assert ends(page)[1] - ends(page)[0] == length


def test_a_shorter_run_pulls_the_cursor_back(opened, sheet):
    page = opened(sheet)
    page.get_by_label("Epoch").fill("75")
    page.get_by_label("Removal").fill("1")
    epoch = page.get_by_label("Epoch")
    assert epoch.input_value() == epoch.get_attribute("max") == "70"
    assert "Epoch 70 of 70, the end of training" in outputs(page)[0]


def test_the_slider_stays_below_its_chart(opened, sheet):
    page = opened(sheet)
    page.get_by_label("Removal").fill("0")  # a short run, so a short slider
    slider = page.get_by_label("Epoch")
    slider.fill("65")
    handle = slider.bounding_box()
    dot = page.locator(".chart circle").bounding_box()
    end = handle["x"] + handle["width"] - 8  # a handle is some 16 pixels wide
    assert end == pytest.approx(dot["x"] + dot["width"] / 2, abs=2)
    assert handle["y"] > dot["y"]


def test_images_follow_the_epoch(opened, sheet):
    page = opened(sheet)
    image = page.locator(".images img").first
    blurred, epoch = image.get_attribute("src"), page.get_by_label("Epoch")
    epoch.fill("20")
    assert image.get_attribute("src") != blurred
    assert "the network sees sharp images" in page.locator(".sight").text_content()
    page.get_by_label("Deficit", exact=True).select_option("label permutation")
    clear = image.get_attribute("src")
    epoch.fill("5")
    assert image.get_attribute("src") == clear  # it is the label that changes
    told = page.locator(".images li").first.text_content()
    assert told.split(", called ")[0] != f"class {told.split(', called ')[1]}"
    assert told in image.get_attribute("alt")


def cell(page, explorer, onset, removal):
    """The cell of the map for a window of blur."""
    windows = [(o.run.onset, o.run.removal) for o in explorer.outcomes.groups["blur"]]
    return page.locator(f'.map [data-run="{windows.index((onset, removal))}"]')


def test_pointing_at_chart_and_map(opened, sheet, explorer):
    page = opened(sheet)
    page.locator(".chart .window").click(position={"x": 1, "y": 90})
    assert page.get_by_label("Epoch").input_value() == "0"
    cell(page, explorer, 10, 30).click()
    assert "blur from epoch 10 to 30" in outputs(page)[1]


def test_the_comparison_changes_verdict_and_map(opened, sheet, explorer, result):
    page = opened(sheet)
    for words, name in (
        ("same age", "lag"), ("same clean training", "change")
    ):  # fmt: skip
        page.get_by_label("Compare with").select_option(words)
        truth = numbers(result, "blur", 0, 20)[name][0]
        told = page.locator(".verdict").text_content()
        assert float(told.split()[2]) == pytest.approx(abs(truth), abs=ROUNDING)
        for onset, removal in ((0, 20), (20, 35)):
            told = cell(page, explorer, onset, removal).text_content()
            told = told.replace("\N{MINUS SIGN}", "-")
            truth = numbers(result, "blur", onset, removal)[name][0]
            assert float(told) == pytest.approx(truth, abs=0.56)


def ends(page):
    """Onset and removal, as the sliders tell them."""
    texts = (
        page.get_by_label(name).get_attribute("aria-valuetext")
        for name in ("Onset", "Removal")
    )
    return tuple(int(text.removeprefix("epoch ")) for text in texts)


def middle(page, part):
    box = page.locator(part).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, part, pixels):
    """Press on a part of the chart, move to the right, let go."""
    page.locator(".chart").scroll_into_view_if_needed()
    x, y = middle(page, part)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 5):
        page.mouse.move(x + pixels * step / 4, y)
    page.mouse.up()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_ends_and_the_whole_window_are_dragged(opened, sheet, result, viewport):
    page = opened(sheet, viewport)
    epochs = result.study.runs[0].epochs
    per_epoch = (page.locator(".chart").bounding_box()["width"] - 36) / epochs
    drag(page, ".chart .handle >> nth=1", 20 * per_epoch)
    assert ends(page) == (0, 40)
    drag(page, ".chart .handle >> nth=0", 16 * per_epoch)
    assert ends(page) == (15, 40)  # the nearest that there is
    drag(page, ".chart .bar", -10 * per_epoch)
    assert ends(page) == (5, 30)
    drag(page, ".chart .handle >> nth=1", -40 * per_epoch)
    assert ends(page) == (0, 5)  # an end cannot pass the other
    truth = expected(
        result, "blur", 0, 5, int(page.get_by_label("Epoch").input_value())
    )
    assert shown(" ".join(outputs(page))) == truth
    before = ends(page)
    drag(page, ".chart .window", 10 * per_epoch)  # below the handles: the cursor
    assert ends(page) == before
    assert overflow(page) <= 0


def test_a_finger_drags_as_a_mouse_does(opened, sheet):
    page = opened(sheet, PHONE, has_touch=True, is_mobile=True)
    x, y = middle(page, ".chart .handle >> nth=1")
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        at = [{"x": x + dx, "y": y} for dx in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", 0)
    for pixels in range(5, 45, 5):
        touch("touchMove", pixels)
    touch("touchEnd")
    assert ends(page)[0] == 0 and ends(page)[1] >= 25


def test_two_on_a_page_are_independent(opened, explorer, result, tmp_path):
    other = explore(result, deficit="noise")
    page = opened(written(tmp_path, explorer.html + other.html))
    page.get_by_label("Removal").nth(0).fill("0")
    texts = outputs(page)
    assert "blur from epoch 0 to 5" in texts[1] and "noise from" in texts[3]
    page.get_by_label("Removal").nth(1).fill("1")
    assert outputs(page)[:2] == texts[:2] and outputs(page)[3] != texts[3]


def test_a_page_saved_by_the_browser_still_works(opened, sheet, tmp_path):
    saved = tmp_path / "saved.html"
    saved.write_text(opened(sheet).content(), encoding="utf-8")
    page = opened(saved.as_uri())
    page.get_by_label("Removal").fill("0")
    assert "blur from epoch 0 to 5" in outputs(page)[1]


def test_a_study_of_one_onset_has_nothing_to_move_there(opened, tmp_path):
    page = opened(written(tmp_path, explore(handmade("1TL", "demo")).html), PHONE)
    assert page.get_by_label("Onset").is_disabled()
    assert page.get_by_label("Deficit", exact=True).is_disabled()
    assert overflow(page) <= 0


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_runs_of_several_windows_are_chosen_from_a_list(opened, tmp_path, viewport):
    base = studies.get("1TL", "demo").setup
    spans = [[(Blur(), 0, 4), (Noise(), 8, 12)], [(Blur(), 2, 4), (Noise(), 8, 12)]]
    result = formula(studies.windows("mine", "demo", "Mine", base, spans, 5))
    page = opened(written(tmp_path, explore(result).html), viewport)
    assert chosen(page, "Windows") == "blur 0–4, noise 8–12"
    assert page.get_by_label("Onset").is_hidden()
    assert page.locator(".chart .window").count() == 2
    for epoch, words in (
        (3, "under blur"), (6, "after the blur"), (9, "under noise"),
        (13, "after the noise"), (17, "the end of training"),
    ):  # fmt: skip
        page.get_by_label("Epoch").fill(str(epoch))
        assert f"Epoch {epoch} of 17, {words}:" in outputs(page)[0]
    page.locator(".map .row").nth(1).click()
    assert chosen(page, "Windows") == "blur 2–4, noise 8–12"
    page.get_by_label("Windows").select_option("blur 0–4, noise 8–12")
    assert "blur from epoch 0 to 4 and then noise from epoch 8" in outputs(page)[1]
    drag(page, ".chart .handle >> nth=0", 2 * page.locator(
        ".chart .window >> nth=0").bounding_box()["width"] / 4)  # fmt: skip
    assert chosen(page, "Windows") == "blur 2–4, noise 8–12"
    assert overflow(page) <= 0


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_without_scripts_figure_words_and_table_stay(opened, sheet, result, viewport):
    page = opened(sheet, viewport, java_script_enabled=False)
    assert page.locator("figure img").first.is_visible()
    assert page.locator("input, select, button").count() == 0
    words = page.locator("[data-static] p").last.text_content()
    assert shown(words) == expected(result, "blur", 0, 20, 10)
    page.locator("summary").click()
    assert page.locator("table").is_visible()
    assert page.locator("tbody tr").count() == len(result.study.runs) - 1
    box = page.locator("figure").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= viewport["width"]
