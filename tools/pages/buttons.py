"""Links at the foot of each notebook's page: where to run it.

The addresses are those of the theme's own buttons, which follow `_config.yml` but are
hidden in menus.
"""

from __future__ import annotations

import html
from typing import Any

from cplib._base.words import translated as _

PLACEHOLDER = "/OWNER/"


def hide_placeholder(app: Any, config: Any) -> None:
    """Drop buttons to a repository without an address (event `config-inited`)."""
    options = config.html_theme_options
    if PLACEHOLDER in options.get("repository_url", ""):
        options["launch_buttons"] = {}
        options["use_repository_button"] = options["use_issues_button"] = False


def add_line(
    app: Any, pagename: str, templatename: str, context: dict, doctree: Any
) -> None:
    """Add the links to a page made from a notebook (event `html-page-context`)."""
    links = _links(context.get("header_buttons", []))
    shown = {
        _("Open in Colab"): links.get("Colab"),
        _("Download notebook"): links.get(".ipynb"),
    }
    line = " ".join(
        f'<a href="{html.escape(url)}"{_download(url)}>{text}</a>'
        for text, url in shown.items()
        if url
    )
    if line:
        context["body"] += f'\n<p class="run-it">{line}</p>'


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
