"""Sphinx extension: MathML, links at the foot of pages, light and accessible pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.pages import (
    accessible,
    buttons,
    edition,
    figure_data,
    inline,
    lighten,
    mathml,
)

ICON = "_static/favicon.svg"


def finish(app: Any, error: Exception | None) -> None:
    """Post-process the built pages, unless the build failed."""
    if error or app.builder.name != "html":
        return
    html = Path(app.outdir)
    texts = []
    for page in lighten.pages(html):
        text = accessible.repair(page.read_text(encoding="utf-8"))
        name = page.relative_to(html).with_suffix("").as_posix()
        text = edition.signed(text, name, app.config)
        text = inline.inlined(figure_data.bundle(text, page, html))
        texts.append(lighten.lightened(text, page, html))
        page.write_text(texts[-1], encoding="utf-8")
    lighten.prune(html / "_static", texts)
    front = f"{app.config.root_doc}.html"
    if front != "index.html":
        page = accessible.redirect_html(front, app.config.html_title, ICON)
        page = page.replace('lang="en"', f'lang="{app.config.language}"')
        (html / "index.html").write_text(page, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.add_html_math_renderer(
        mathml.NAME, (mathml.visit_inline, None), (mathml.visit_block, None)
    )
    app.connect("config-inited", buttons.hide_placeholder)
    # after the theme, which makes the buttons
    app.connect("html-page-context", buttons.add_line, priority=900)
    # after sphinx-external-toc, which writes index.html
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
