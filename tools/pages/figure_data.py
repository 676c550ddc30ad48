"""One archive per page with the data of its figures, linked at its foot."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from pathlib import Path

from cplib._base.words import translated as _

TABLE = re.compile(
    r'<a download="([^"]+)\.csv" href="data:text/csv;base64,([A-Za-z0-9+/=\s]+)"'
)
LINKS = re.compile(r'(<p class="run-it">.*?)(</p>)', re.S)
FOLDER = "_downloads"
DATE = (1980, 1, 1, 0, 0, 0)  # same data, same file


def bundle(text: str, page: Path, html: Path) -> str:
    """Add to the `text` of `page` a link to its archive, which is written to `html`.

    A page without figures, or without links at its foot, is returned unchanged. The
    files in the archive are numbered in the order of the figures.
    """
    tables = TABLE.findall(text)
    if not tables or not LINKS.search(text):
        return text
    folder = html / FOLDER
    folder.mkdir(exist_ok=True)
    name = f"{page.stem}-data.zip"
    (folder / name).write_bytes(_archive(tables))
    address = "../" * (len(page.relative_to(html).parts) - 1) + f"{FOLDER}/{name}"
    link = f' <a href="{address}" download>{_("Data of the figures (CSV)")}</a>'
    return LINKS.sub(lambda line: line[1] + link + line[2], text, count=1)


def _archive(tables: list[tuple[str, str]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, payload) in enumerate(tables, start=1):
            entry = zipfile.ZipInfo(f"{number:02}-{name}.csv", DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, base64.b64decode(payload))
    return buffer.getvalue()
