"""A Sphinx extension: under each notebook's title, where to run it.

The addresses are those of the theme's own buttons, which follow `_config.yml`; there
they hide in menus.
"""

from __future__ import annotations

import html
from typing import Any

HEADING = "</h1>"


def add_line(
    app: Any, pagename: str, templatename: str, context: dict, doctree: Any
) -> None:
    """Put the links under the heading of a page made from a notebook."""
    links = _links(context.get("header_buttons", []))
    if "colab.research.google.com" not in str(links.get("Colab", "")):
        return
    shown = {"Open in Colab": links["Colab"], "Download notebook": links[".ipynb"]}
    line = " ".join(
        f'<a href="{html.escape(url)}"{_download(url)}>{text}</a>'
        for text, url in shown.items()
    )
    line = f'\n<p class="run-it">{line}</p>'
    context["body"] = context["body"].replace(HEADING, HEADING + line, 1)


def _links(buttons: list[dict]) -> dict[str, str]:
    """Label and address of each link among the theme's buttons, at any depth."""
    found: dict[str, str] = {}
    for button in buttons:
        found |= _links(button.get("buttons", []))
        if "url" in button:
            found[button.get("text", "")] = button["url"]
    return found


def _download(url: str) -> str:
    return "" if url.startswith("https:") else " download"


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry point."""
    app.connect("html-page-context", add_line, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
