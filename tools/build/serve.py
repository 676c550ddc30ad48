"""Serve the built book, on this machine or to phones on its network.

python -m tools.build.serve _build/html --host 0.0.0.0 --port 8000
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Server(ThreadingHTTPServer):
    allow_reuse_address = os.name != "nt"  # on Windows, it would share a port in use


def server(html: Path, host: str, port: int) -> Server:
    """A server for the book in `html`, not yet running.

    Raises:
        FileNotFoundError: there is no book in `html`.
        OSError: `port` is in use or privileged, or `host` is not this machine.
        OverflowError: `port` is not from 0 to 65535.
    """
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"No book in {html} yet: run make book first.")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=html)
    return Server((host, port), handler)


def main() -> None:
    """Serve until Control-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, help="folder of the built pages")
    parser.add_argument(
        "--host", default="localhost", help="name or address (localhost)"
    )
    parser.add_argument("--port", type=int, default=8000, help="8000; 0: any free one")
    chosen = parser.parse_args()
    try:
        running = server(chosen.html, chosen.host, chosen.port)
    except FileNotFoundError as error:
        sys.exit(str(error))
    except (OSError, OverflowError) as error:
        sys.exit(
            f"Cannot serve at {chosen.host}, port {chosen.port} ({error}): choose "
            "others, as in make serve HOST=localhost PORT=8001."
        )
    with running:
        print(f"http://{chosen.host}:{running.server_port}   (Control-C ends it)")
        sys.stdout.flush()
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
