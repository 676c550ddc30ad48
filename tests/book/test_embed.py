"""Parts of the book as single files, in a frame of another page."""

import html
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from alone import PHONE, flaws
from handmade import GRID, handmade
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cplib.widgets import explore, front_page, laboratory
from tools.build import embed
from tools.pages.edition import edition

CONFIG = 'title: The & book\nhtml:\n  baseurl: "{}"\n'
TOC = (
    "format: jb-book\nroot: book/one\nchapters:\n- file: book/two\n- file: book/gone\n"
)
STATES = {  # of each part: the state asked for, and what it then says
    "front-page": ("#blur-until=40", "Blurred until epoch 40"),
    "explorer-timing-demo": (
        "#timing-demo=noise/0/15/1/control", "noise from epoch 0 to 15"
    ),
    "laboratory": (
        "#lab=2;train=128;test=100;width=4;epochs=2;A=noise@0-1", "An experiment"
    ),
}  # fmt: skip


def chapter(path, title, *parts):
    """A notebook, executed, that shows `parts`, each under a heading."""
    cells = [new_markdown_cell(f"# {title}")]
    for number, part in enumerate(parts):
        data = {"text/html": part}
        output = new_output("display_data", data)
        cells += [new_markdown_cell(f"Words.\n\n## Part {number}\n\nWords."),
                  new_code_cell(outputs=[output])]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A book of two chapters, executed at scale demo; a third was not executed."""
    root = tmp_path_factory.mktemp("root")
    explorer = explore(handmade("timing", "demo", grid=GRID)).html
    tried = explore(handmade("timing", "smoke")).html
    front = front_page(handmade("1TL", "laptop"))._repr_html_()
    chapter(root / "demo/book/one.ipynb", "One", front, "<p>Text.</p>", explorer, tried)
    chapter(root / "demo/book/two.ipynb", "Two", explorer, laboratory()._repr_html_())
    (root / "_toc.yml").write_text(TOC)
    (root / "_config.yml").write_text(CONFIG.format(""))
    shutil.copytree(root / "demo/book", root / "book")
    (root / "book/gone.md").write_text("# Gone\n")
    return root


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    return embed.make(root / "demo", tmp_path_factory.mktemp("made"), root)


def frames(made):
    """The lines to copy, from the list of all parts."""
    page = made[-1].read_text(encoding="utf-8")
    lines = re.findall(r"<pre[^>]*>(.*?)</pre>", page)
    return dict(zip(STATES, map(html.unescape, lines), strict=True))


def test_each_part_is_there_once_and_listed(made):
    assert [path.stem for path in made] == [*STATES, "index"]
    for name, line in frames(made).items():
        assert f'src="{name}.html"' in line
    titles = re.findall(r'title="([^"]*)"', "".join(frames(made).values()))
    assert titles == ["One: Part 0", "One: Part 2", "Two: Part 1"]
    listed = made[-1].read_text(encoding="utf-8")
    for path in made[:-1]:
        assert f"{path.stat().st_size / 1e3:.0f} kB" in listed


@pytest.mark.parametrize("address", ["", "https://example.org/book/"])
def test_the_foot_names_book_edition_and_address(root, tmp_path, address):
    config = root / "_config.yml"
    config.write_text(CONFIG.format(address))
    for path in embed.make(root / "demo", tmp_path, root):
        foot = re.search(r"<footer>.*</footer>", path.read_text(encoding="utf-8"))[0]
        assert "The &amp; book" in foot and edition()[1] in foot
        assert re.findall(r'href="([^"]*)"', foot) == [address] * bool(address)
    config.write_text(CONFIG.format(""))


def test_without_a_book_it_says_so(tmp_path, capsys):
    assert embed.main([str(tmp_path)]) == 1
    assert "run make book first" in capsys.readouterr().err


def test_sizes_are_printed(tmp_path, capsys):
    part = laboratory()._repr_html_()
    chapter(tmp_path / "executed/demo/book/laboratory.ipynb", "Laboratory", part)
    assert embed.main([str(tmp_path), "--scale", "demo"]) == 0
    for line in capsys.readouterr().out.splitlines():
        path, size = re.fullmatch(r"(.+\.html)   \((\d+) kB\)", line).groups()
        assert int(size) == round(Path(path).stat().st_size / 1e3)


def test_the_book_has_such_parts(smoke):
    names = [part.name for part in embed.found(smoke.output / "executed" / "smoke")]
    assert names[:2] == ["front-page", "laboratory"]
    assert any(name.startswith("explorer-timing-") for name in names)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_parts_work_in_frames_of_another_page(opened, made, scheme):
    """From files, with their states, on a phone; nothing else is loaded."""
    lines = [
        line.replace(".html", f".html{STATES[name][0]}").replace(' loading="lazy"', "")
        for name, line in frames(made).items()
    ]
    host = made[0].with_name("host.html")
    host.write_text(f'<meta name="color-scheme" content="light dark">{"".join(lines)}')
    page = opened("about:blank", PHONE, color_scheme=scheme)
    asked = []
    page.on("request", lambda request: asked.append(request.url.split("#")[0]))
    page.goto(host.as_uri())
    for name, (_, words) in STATES.items():
        frame = page.frame_locator(f'iframe[src^="{name}"]')
        frame.get_by_text(words).first.wait_for()
        inside = frame.locator("html")
        assert inside.evaluate("e => e.scrollWidth - e.clientWidth") <= 0
        assert inside.evaluate("getComputedStyle(document.body).color") == (
            "rgb(0, 0, 0)" if scheme == "light" else "rgb(255, 255, 255)"
        )
    own = [path.as_uri() for path in (host, *made[:-1])]
    assert {url for url in asked if url.startswith("file:")} == set(own)
    lab = page.frame_locator('iframe[src^="laboratory"]')
    lab.get_by_role("button", name="Train", exact=True).click()
    lab.get_by_text("Done: 2 epochs").wait_for(timeout=120_000)
    slider = page.frame_locator('iframe[src^="front"]').get_by_label("Blur ends at")
    slider.press("ArrowLeft")
    assert page.frames[1].url.endswith("#blur-until=20")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_they_are_accessible(opened, made, scheme):
    for path in made:
        page = opened(path.as_uri(), PHONE, color_scheme=scheme)
        assert not flaws(page), path


@pytest.mark.browser
def test_a_line_is_copied_by_keyboard(opened, made):
    allowed = ["clipboard-read", "clipboard-write"]
    page = opened(made[-1].as_uri(), permissions=allowed)
    page.get_by_role("button").nth(1).press("Enter")
    page.get_by_text("Copied.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == frames(made)["explorer-timing-demo"]
