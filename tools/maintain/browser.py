"""Find and start Chromium, and watch what it loads: for tests, audits and the PDF."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# The last five stop the browser's own requests during a test.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# For `page.evaluate` after `page.goto`: wait for the fonts. (Playwright's wait for
# "networkidle" timed out on pages opened as files.)
SETTLED = "async () => { await document.fonts.ready; }"


def executable() -> Path | None:
    """Path of Chromium: `$CHROMIUM`, or the first found in PATH; None if missing."""
    named = os.environ.get("CHROMIUM")
    found = map(shutil.which, [named] if named else NAMES)
    return next(map(Path, filter(None, found)), None)


def required() -> Path:
    """Path of Chromium; exit with a sentence if it is missing."""
    path = executable()
    if path is None:
        named = os.environ.get("CHROMIUM")
        missing = f"CHROMIUM={named} is not a program" if named else "No Chromium found"
        sys.exit(f"{missing}: install one, or name it in CHROMIUM.")
    return path


@contextmanager
def running(path: Path) -> Iterator[Browser]:
    """Start the browser at `path`, and close it at the end.

    About once in a hundred starts on a busy machine, Chromium died while opening its
    first page; it is then started again.
    """
    with sync_playwright() as playwright:
        for attempts_left in (2, 1, 0):
            opened = playwright.chromium.launch(
                executable_path=path, args=list(ARGUMENTS)
            )
            try:
                opened.new_context().close()
                break
            except Error:
                if not attempts_left:
                    raise
        yield opened
        opened.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print no line for each request."""


@contextmanager
def serving(html: Path) -> Iterator[str]:
    """Serve the folder `html` on this machine, and yield its address."""
    handler = functools.partial(_Quiet, directory=html)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def watch(context: BrowserContext, base: str, problems: list[str]) -> None:
    """Add errors and requests outside `base` to `problems`; block these requests."""

    def gate(route):
        if route.request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            problems.append(f"request to {route.request.url}")
            route.abort()

    def heard(message):
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def answered(response):
        if response.status >= 400:
            problems.append(f"{response.status} for {response.url}")

    context.route("**/*", gate)
    context.on("weberror", lambda raised: problems.append(f"error: {raised.error}"))
    context.on("console", heard)
    context.on("response", answered)
