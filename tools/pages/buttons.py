"""Links under each notebook's title: where to run it.

The addresses are those of the theme's own buttons, which follow `_config.yml` but are
hidden in menus.
"""

from __future__ import annotations

import html
from typing import Any

HEADING = "</h1>"


def add_line(
    app: Any, pagename: str, templatename: str, context: dict, doctree: Any
) -> None:
    """Add the links to a page made from a notebook (event `html-page-context`)."""
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
    """Label and address of each link in the theme's buttons, at any depth."""
    found: dict[str, str] = {}
    for button in buttons:
        found |= _links(button.get("buttons", []))
        if "url" in button:
            found[button.get("text", "")] = button["url"]
    return found


def _download(url: str) -> str:
    return "" if url.startswith("https:") else " download"
