"""A Sphinx extension with the one repair that our pages need.

jupyter-book always loads sphinx-thebe, whose scripts declare the same constant twice
(an error in the console of every page) and fetch thebe from a CDN. We offer no live
cells in the page, so they go.
"""

from __future__ import annotations

from typing import Any


def prune(
    app: Any, pagename: str, templatename: str, context: dict, doctree: Any
) -> None:
    """Drop thebe's scripts from the page's list."""
    context["script_files"][:] = [
        script for script in context["script_files"] if not _is_thebe(script)
    ]


def _is_thebe(script: Any) -> bool:
    body = (getattr(script, "attributes", None) or {}).get("body") or ""
    return "THEBE_JS_URL" in body or "sphinx-thebe" in str(
        getattr(script, "filename", script)
    )


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry point."""
    app.connect("html-page-context", prune, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
