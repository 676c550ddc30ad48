"""The laboratory as a reader meets it: networks trained in a browser, from a file."""

import csv
import re
from statistics import fmean

import pytest
from alone import DESKTOP, PHONE, anew, opening, written
from axe_playwright_python.sync_playwright import Axe
from scipy import stats

import cplib
from cplib.data.gratings import make_gratings
from cplib.studies import Study
from cplib.widgets import Laboratory, laboratory

pytestmark = pytest.mark.browser
SMALL = "#lab=2;train=128;test=100;width=4;"
SHORT = SMALL + "epochs=8;A=blur4@0-3"
LONG = SMALL.replace("128", "512") + "epochs=200;A="  # some 15 seconds
ROUNDING = 0.0501  # one decimal is shown
NUMBER = r"(−?\d+\.\d)"
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll(".live *")]
  .filter((e) => e.textContent.trim() && e.getClientRects().length)
  .map((e) => parseFloat(getComputedStyle(e).fontSize)
    * (e.ownerSVGElement ? e.ownerSVGElement.getScreenCTM().a : 1)))"""


# Whether the chart is where it was when this was last asked: images have come.
AT_REST = """() => {
  const { top, width } = document.querySelector(".chart").getBoundingClientRect();
  const before = window.placed;
  window.placed = `${top} ${width} ${document.querySelectorAll(".chart image").length}`;
  return window.placed === before;
}"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    return written(tmp_path_factory.mktemp("sheet"), laboratory()._repr_html_())


@pytest.fixture
def visit(opened, sheet):
    """A function that opens the laboratory in a new profile, in a state."""
    return lambda state="", *rest, **options: opened(sheet + state, *rest, **options)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def said(page):
    return page.locator(".said").text_content()


def epoch(page):
    return int(re.search(r"epoch (\d+)", said(page))[1])


def reach(page, number):
    """Wait until epoch `number` or a later one; a busy browser shows few of them."""
    page.wait_for_function(
        """number => {
          const words = document.querySelector(".said").textContent;
          return parseInt(words.split("Training: epoch ")[1]) >= number
            || words.startsWith("Done");
        }""",
        arg=number,
        timeout=120_000,
    )
    assert "Training" in said(page), "a life too short to be watched: more epochs"


def trained(page, name="Train"):
    """Train, and return what is said of the ending."""
    button(page, name).click()
    page.locator(".ending p").first.wait_for(timeout=120_000)
    return page.locator(".ending").inner_text().replace("\N{NO-BREAK SPACE}", " ")


def numbers(text, *patterns):
    found = re.search("".join(patterns), text, re.S)
    assert found, text
    return [float(number.replace("\N{MINUS SIGN}", "-")) for number in found.groups()]


def exported(page):
    """Rows of the notebook's table, with accuracies by network, seed and epoch."""
    with page.expect_download() as download:
        button(page, "Export all as CSV").click()
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def final(rows, network, seed=0, end=1_000):
    accuracies = [
        float(row["test_accuracy"])
        for row in rows
        if row["network"] == network
        and int(row["seed"]) == seed
        and int(row["epoch"]) <= end
    ]
    return fmean(accuracies[-5:])


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_networks_grow_up_and_a_sentence_says_what_became(visit, viewport):
    page = visit(SHORT, viewport)
    assert page.locator(".grown").count() == 2
    box = button(page, "Train").bounding_box()
    assert box["y"] + box["height"] < viewport["height"]  # on the first screen
    ending, rows = trained(page), exported(page)
    mine, twin, lost, before = numbers(
        ending,
        f"names {NUMBER} %.*same age {NUMBER} %: {NUMBER} points (?:lost|gained)",
        rf".*sharp epochs \(5\), its twin named {NUMBER}",
    )  # fmt: skip
    assert mine == pytest.approx(final(rows, "you"), abs=ROUNDING)
    assert twin == pytest.approx(final(rows, "twin"), abs=ROUNDING)
    difference = final(rows, "twin") - final(rows, "you")
    assert lost == pytest.approx(abs(difference), abs=ROUNDING)
    assert ("lost" in ending) == (difference >= 0)
    assert before == pytest.approx(final(rows, "twin", end=5), abs=ROUNDING)
    assert "One run is one run" in ending
    deficits = [row["deficit"] for row in rows if row["network"] == "you"]
    assert deficits == ["blur4"] * 3 + ["none"] * 5
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.locator("canvas:visible").count() == 2  # filters
    assert not page.workers


def test_blur_costs_what_a_flip_does_not(visit):
    """At reduced length, for one seed; the engine gives the same numbers anywhere."""
    page = visit("#lab=2;epochs=60;A=blur4@0-30;B=flip@0-30")
    trained(page)
    rows = exported(page)
    blurred, flipped, twin = (final(rows, name) for name in ("A", "B", "twin"))
    assert twin - blurred >= 20
    assert twin - flipped < 2


def test_three_seeds_have_an_interval(visit):
    page = visit(SHORT)
    ending, rows = trained(page, "Repeat with 3 seeds"), exported(page)
    losses = [final(rows, "twin", s) - final(rows, "you", s) for s in range(3)]
    half = stats.t.ppf(0.975, 2) * stats.sem(losses)
    low, high = numbers(ending, f"Over 3 seeds.*interval {NUMBER} to {NUMBER} lost")
    middle = fmean(losses)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=ROUNDING)
    assert page.locator(".chart .faint").count() == 6
    assert page.locator(".chart .line:not(.faint)").count() == 2  # means over seeds
    drawn = " ".join(page.locator(".chart text").all_text_contents())
    last = [row for row in rows if row["epoch"] == "8"]
    for name in ("you", "twin"):
        ends = [float(row["test_accuracy"]) for row in last if row["network"] == name]
        assert numbers(drawn, f"{name} {NUMBER}") == pytest.approx(
            [fmean(ends)], abs=ROUNDING
        )
    assert page.locator(".compared .dot").count() == 3
    assert page.locator(".compared .past").count() == 0  # nothing is stored for it
    assert "stored runs" not in ending
    assert button(page, "Repeat with 3 seeds").is_disabled()


class Repeated(Laboratory):
    """The laboratory of a book that has stored what `SHORT` trains."""

    def data(self):
        setting = self.setting() | {"train": 128, "test": 100, "width": 4}
        windows = [{"key": "blur4", "onset": 0, "removal": 3}]
        runs = [[8, windows, "shrink", 0.1, 0.1, 3], [8, windows, "none", 5.2, 3.3, 3]]
        runs.append([9, windows, "none", 1.0, 2.0, 3])
        return {**super().data(), "stored": {"setting": setting, "runs": runs}}


def test_stored_runs_of_the_same_experiment_stand_beside(opened, tmp_path):
    body = Repeated(laboratory().study)._repr_html_()
    page = opened(written(tmp_path, body) + SHORT)
    ending = trained(page)
    assert "(3 seeds, in PyTorch) lost 5.2 points (95 % interval 1.9 to 8.5)" in ending
    band, dot = page.locator(".compared .past"), page.locator(".compared .dot")
    left, width = (float(band.get_attribute(name)) for name in ("x", "width"))
    share = (float(dot.get_attribute("cx")) - left) / width
    mine = final(exported(page), "twin") - final(exported(page), "you")
    assert 1.9 + share * 6.6 == pytest.approx(mine, abs=0.01)
    page.get_by_label("To epoch").fill("4")  # another experiment
    page.keyboard.press("Tab")
    assert "stored runs" not in trained(page)
    assert page.locator(".compared svg").count() == 0  # one run, and nothing beside it


def test_the_hand_switches_the_deficit_while_they_live(visit):
    page = visit(LONG)
    button(page, "Train").click()
    reach(page, 6)
    hand = page.locator(".hand")
    hand.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('.grown').textContent.includes('sees bl')"
    )
    reach(page, 20)
    assert hand.get_attribute("aria-pressed") == "true"
    hand.click()  # a short press: it stays as it then is
    page.locator(".ending p").first.wait_for(timeout=120_000)
    ends = [page.get_by_label(f"{end} epoch").input_value() for end in ("From", "To")]
    onset, removal = map(int, ends)
    assert 6 <= onset < removal < 200
    seen = [row["deficit"] for row in exported(page) if row["network"] == "you"]
    assert [e for e, key in enumerate(seen) if key == "blur4"] == [
        *range(onset, removal)
    ]
    assert page.url.endswith(f"A=blur4@{onset}-{removal}")


def test_a_press_is_held(visit):
    page = visit(LONG)
    button(page, "Train").click()
    reach(page, 4)
    box = page.locator(".hand").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.wait_for_timeout(500)
    assert page.locator(".hand").get_attribute("aria-pressed") == "true"
    page.mouse.up()
    assert page.locator(".hand").get_attribute("aria-pressed") == "false"


def test_pause_and_stop(visit):
    page = visit(LONG)
    button(page, "Train").click()
    reach(page, 2)
    assert len(page.workers) == 2
    button(page, "Pause").click()
    page.wait_for_timeout(1_000)  # what was under way
    at = epoch(page)
    page.wait_for_timeout(700)
    assert epoch(page) == at and "Paused" in said(page)
    button(page, "Resume").click()
    reach(page, at + 2)
    button(page, "Stop").click()
    assert "Stopped" in said(page)
    page.wait_for_function("!document.querySelector('.live[data-growing]')")
    for _ in range(100):  # the browser tells of a worker's end when it has time
        if page.workers:
            page.wait_for_timeout(50)
    assert not page.workers
    assert button(page, "Train").is_enabled()


def test_a_hidden_page_rests(visit):
    page = visit(LONG)
    page.locator(".chart image").first.wait_for()
    page.evaluate(HIDE, True)
    page.evaluate(HIDE, False)
    page.wait_for_timeout(100)
    assert not page.workers  # nothing begins by itself
    button(page, "Train").click()
    reach(page, 2)
    page.evaluate(HIDE, True)
    page.wait_for_timeout(1_000)
    at = epoch(page)
    page.wait_for_timeout(700)
    assert epoch(page) == at and "while the page is hidden" in said(page)
    page.evaluate(HIDE, False)
    reach(page, at + 2)


def test_a_link_opens_in_another_profile_and_trains_the_same(visit):
    page = visit(SMALL + "epochs=6;A=")
    page.locator("summary", has_text="Images, network").click()
    page.get_by_label("Stripes").fill("0.9")
    button(page, "Add a window").click()
    page.get_by_label("Deficit of your network").select_option("flip")
    page.get_by_label("To epoch").fill("4")
    page.keyboard.press("Tab")
    ending = trained(page)
    page.get_by_text("Take it with you").click()
    link = page.get_by_label("Link to this experiment").input_value()
    assert link == page.url
    other = visit(link[link.index("#") :])
    assert other.get_by_label("Stripes").input_value() == "0.9"
    assert other.get_by_label("Deficit of your network").input_value() == "flip"
    assert other.get_by_label("To epoch").input_value() == "4"
    assert trained(other) == ending


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("7;epochs=50;A=", "version 7.*reads version 2"),
        ("", "version \\?"),
        ("2;epochs=many;A=", "epochs=many is no whole number from 2 to 200"),
        ("2;epochs=500;A=", "epochs=500"),
        ("2;fine=9;A=", "fine=9 is no number from 0 to 1.5"),
        ("2;colour=red;A=", "colour=red.*no setting"),
        ("2;epochs=50;A=fog@0-3", "fog@0-3.*no window"),
        ("2;epochs=50;A=blur4@9-3", "blur4@9-3.*not in order"),
        ("2;epochs=50;A=blur4@0-60", "after the 50 epochs"),
        ("2;epochs=50;A=blur4@0-9!prayer", "prayer.*no therapy"),
        ("2;epochs=50", "names no network"),
        ("2;A=;constructor=1", "constructor=1.*no setting"),
    ],
)
def test_a_link_that_does_not_open_says_why(visit, state, words):
    page = visit(f"#lab={state}")
    assert re.search(f"does not open: .*{words}.*default", said(page)), said(page)
    assert page.get_by_label("To epoch").input_value() == "40"
    assert button(page, "Blur early").get_attribute("aria-pressed") == "true"


def test_an_address_that_changes_is_followed(visit, sheet):
    page = visit()
    page.evaluate("location.hash = 'lab=2;epochs=30;A=noise@0-7'")
    page.wait_for_function(
        "document.querySelector('[aria-label^=\"To epoch\"]').value == 7"
    )


def test_presets_ask_and_show(visit):
    page = visit()
    asked = set()
    for chip in page.locator(".presets button").all():
        chip.click()
        assert chip.get_attribute("aria-pressed") == "true"
        asked.add(page.locator(".question").text_content())
        assert page.locator(".grown").count() == page.locator(".life").count() + 1
        assert page.locator(".chart image").count() > 20
    assert len(asked) == page.locator(".presets button").count()


def test_a_link_of_the_first_version_means_what_it_did(visit):
    """Its text is silent about what version 2 has changed."""
    page = visit("#lab=1;epochs=30;A=noise@0-7")
    assert "does not open" not in said(page)
    assert "#lab=2;epochs=30;" in page.url
    for then in ("train=3000", "fine=0.6", "mirror=1", "batch=128", "decay=0.97"):
        assert f";{then};" in page.url


def test_a_window_is_drawn_moved_and_stretched(visit):
    page = visit("#lab=2;epochs=40;A=")
    page.wait_for_function(AT_REST, polling=300)
    box = page.locator(".chart").bounding_box()
    left, right = box["x"] + 38, box["x"] + box["width"] - 72

    def drag(start, end):
        for press, at in ((page.mouse.down, start), (page.mouse.up, end)):
            page.mouse.move(left + (right - left) * at / 40, box["y"] + 20, steps=4)
            press()

    def window():
        return [
            int(page.get_by_label(f"{end} epoch").input_value())
            for end in ("From", "To")
        ]

    drag(10.2, 20)
    assert window() == [10, 20]
    drag(15, 20)
    assert window() == [15, 25]
    drag(25, 30)
    assert window() == [15, 30]
    drag(15, 3)
    assert window() == [3, 30]
    assert page.url.endswith("A=blur4@3-30")


def test_the_keyboard_does_all(visit):
    page = visit(SHORT)

    def tab_to(name):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(
                """name => { const e = document.activeElement;
                return (e.ariaLabel || e.textContent).startsWith(name); }""",
                name,
            ):
                return
        raise AssertionError(f"{name} cannot be reached")

    tab_to("To epoch")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    assert page.get_by_label("To epoch").input_value() == "4"
    focus = "document.activeElement.ariaLabel"
    assert page.evaluate(focus).startswith("Remove window 1")
    page.keyboard.press("Enter")
    assert page.get_by_label("To epoch").count() == 0
    tab_to("Add a window")
    page.keyboard.press("Enter")
    assert page.get_by_label("To epoch").input_value() == "8"
    page.keyboard.press("Shift+Tab")
    tab_to("Take it with you")
    page.keyboard.press("Enter")
    assert page.get_by_label("Link to this experiment").is_visible()
    page.reload()
    tab_to("Train")
    page.keyboard.press("Space")
    page.locator(".ending p").first.wait_for(timeout=120_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_after_a_training(visit, scheme):
    page = visit(SHORT + ";B=flip@1-2", PHONE, color_scheme=scheme)
    ground = {"light": "", "dark": "color-scheme: dark"}[scheme]
    page.add_style_tag(content=f":root {{ {ground} }}")
    trained(page)
    for title in page.locator("summary").all():
        title.click()
    assert page.locator(".traces svg").is_visible()
    found = Axe().run(page).response["violations"]
    serious = [
        (rule["id"], node["html"][:120])
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert not serious
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(SMALLEST) >= 11


def test_the_notebook_keeps_compares_and_forgets(visit):
    page = visit(SHORT)
    trained(page)
    page.get_by_label("Name of the run").fill("mine")
    page.keyboard.press("Tab")
    anew(page)
    button(page, "Nothing to see").click()
    page.get_by_label("Draw mine").check()
    assert page.locator(".chart .other").count() == 1
    button(page, "Open mine").click()
    assert page.url.endswith("A=blur4@0-3") and ";epochs=8;" in page.url
    assert {row["run"] for row in exported(page)} == {"mine"}
    button(page, "Delete mine").click()
    anew(page)
    assert page.get_by_label("Name of the run").count() == 0


def test_a_challenge_has_a_score(visit):
    page = visit(SMALL + "epochs=52;challenge=most;A=blur4@0-9+blur4@10-30")
    assert "29 of 30" in said(page)
    assert "No score: 29 of 30 epochs" in trained(page)
    page.get_by_label("From epoch, your network, window 2").fill("9")
    page.keyboard.press("Tab")
    ending, rows = trained(page), exported(page)
    (score,) = numbers(ending, f"Your score: {NUMBER} points of harm, your best so far")
    second = [row for row in rows if row["run"].startswith("2")]
    lost = final(second, "twin") - final(second, "you")
    assert score == pytest.approx(lost, abs=ROUNDING)


def test_therapies_treat(visit):
    """Same seed, same blur: until it ends they are one, and then they part."""
    lives = "A=blur4@0-3;B=blur4@0-3!restart;C=blur4@0-3!shrink"
    page = visit(SMALL + f"epochs=8;{lives}")
    trained(page)
    rows = exported(page)

    def course(network, column):
        return [float(row[column]) for row in rows if row["network"] == network]

    rates = {network: course(network, "learning_rate") for network in "ABC"}
    assert rates["A"] == rates["C"] != rates["B"]
    assert rates["B"][3] == rates["B"][0] > rates["B"][4]
    for other in "BC":
        losses, same = course(other, "loss"), course("A", "loss")
        assert losses[:3] == same[:3]
        assert losses[3] != same[3] if other == "C" else losses[4] != same[4]


def test_more_epochs_are_a_therapy(visit):
    page = visit(SMALL + "epochs=5;A=blur4@0-3!more")
    trained(page)
    for network in ("you", "twin"):
        rows = [row for row in exported(page) if row["network"] == network]
        assert [int(row["epoch"]) for row in rows] == list(range(1, 26))


@pytest.mark.parametrize(
    "state",
    [
        "epochs=3;A=blur4@0-1",
        "epochs=4;mirror=1;fine=0.6;A=flip@0-1+moving-noise@2-3;B=grey@1-2",
        "epochs=4;batch=32;lr=0.1;decay=1;weight_decay=0;noise=1.5;A=blur4@0-1",
        "epochs=3;family=MLP;width=10;A=labels@0-2!restart",
        "epochs=3;A=blur4@0-2!shrink",
    ],
)
def test_the_python_trains_the_same_experiment(visit, state, monkeypatch):
    page = visit(SMALL + state)
    page.get_by_text("Take it with you").click()
    code = page.locator("pre").inner_text()
    drawn = []
    monkeypatch.setattr(cplib, "draw", drawn.append, raising=False)
    names = {}
    exec(code, names)
    study = names["study"]
    assert isinstance(study, Study) and drawn[0].study == study
    assert f"epochs={study.runs[0].epochs};" in state
    assert study.setup.data.train == 128 and study.setup.data.test == 100
    given = make_gratings.__kwdefaults__ | dict(study.setup.data.options)
    given |= vars(study.setup.schedule) | vars(study.setup.model)
    given["epochs"] = study.runs[0].epochs
    for name, value in re.findall(r"([a-z_]+)=([\d.]+);", state):
        assert given[name] == float(value), name
    wanted = re.findall(r"([a-z-]+)4?@(\d)-(\d)", state)
    windows = [w for run in study.runs for w in run.windows]
    assert [(w.deficit.kind, str(w.onset), str(w.removal)) for w in windows] == wanted
    assert (study.setup.schedule.shrink == (0.4, 0.1)) == ("shrink" in state)
    if "restart" in state:
        assert study.setup.schedule.rate == cplib.Restart()


def test_without_vectors_it_says_so(launched, sheet):
    with opening(launched) as opened:
        page = opened("about:blank")
        page.add_init_script("WebAssembly.validate = () => false")
        page.goto(sheet)
        assert "cannot train here" in said(page) and "stored runs" in said(page)
        assert button(page, "Train").is_disabled()


def test_without_scripts_it_says_so(visit):
    page = visit(java_script_enabled=False)
    assert "stored runs" in page.locator(".cplib-laboratory").inner_text()


def test_reduced_motion_keeps_the_image(visit):
    page = visit(LONG, reduced_motion="reduce")
    image = page.locator(".grown img").first
    page.wait_for_function("document.querySelector('.grown img').src")
    before = image.get_attribute("src")
    button(page, "Train").click()
    reach(page, 3)
    assert image.get_attribute("src") == before


def test_the_button_of_the_first_chapter_opens_its_study(visit):
    chapter = cplib.__path__[0] + "/../book/experiment.ipynb"
    with open(chapter, encoding="utf-8") as file:
        state = re.search(r'href=\\"laboratory\.html(#lab=[^\\]+)', file.read())[1]
    page = visit(state)
    offered = laboratory(cplib.study("demo", "demo")).state()
    assert "does not open" not in said(page)
    assert f";epochs={offered['epochs']};" in page.url
    lives = [
        "+".join(f"{w['key']}@{w['onset']}-{w['removal']}" for w in net["windows"])
        for net in offered["nets"]
    ]
    assert page.url.endswith(";A={};B={};C={}".format(*lives))
