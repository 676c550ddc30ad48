"""Addresses derived from the repository's entry in `_config.yml`.

They are the links to Colab, the archive that the set-up cell installs, and the address
in CITATION.cff. Sphinx makes the buttons of the pages from the
same entry; `tests/book/test_launch.py` compares.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

COLAB = "https://colab.research.google.com"
LINK = re.compile(rf"{re.escape(COLAB)}/github/\S+?/(book/[^\s)\"']+)")
CITED = re.compile(r"^repository-code: .*$", re.M)
SHAPE = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)/?")


class AddressError(Exception):
    """An address of the wrong form; the message names it and the right form."""


@dataclass(frozen=True)
class Repository:
    """Where the book's sources are published.

    Attributes:
        owner, name, branch: as in https://github.com/OWNER/NAME/tree/BRANCH.
    """

    owner: str
    name: str
    branch: str

    @property
    def url(self) -> str:
        return f"https://github.com/{self.owner}/{self.name}"

    @property
    def archive(self) -> str:
        """What pip installs: the branch as a zip, so that no git is needed."""
        return f"{self.url}/archive/refs/heads/{self.branch}.zip"

    def colab(self, path: str) -> str:
        """Colab's address of the notebook at `path` in the repository."""
        place = f"{self.owner}/{self.name}/blob/{self.branch}/{path}"
        return f"{COLAB}/github/{place}"

    def updated(self, text: str) -> str:
        """`text` with its links to Colab and its citation for this repository."""
        text = LINK.sub(lambda found: self.colab(found[1]), text)
        return CITED.sub(f"repository-code: {self.url}", text)


def repository(root: Path) -> Repository:
    """The repository in `_config.yml` of `root`.

    Raises:
        AddressError: it is not of the form https://github.com/OWNER/NAME, or has no
            branch.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    entry = config.get("repository") or {}
    url, branch = str(entry.get("url", "")), str(entry.get("branch") or "")
    shape = SHAPE.fullmatch(url)
    if shape is None or not re.fullmatch(r"[\w./-]+", branch):
        raise AddressError(
            f"_config.yml: repository url {url!r} and branch {branch!r} are not of the "
            "form https://github.com/OWNER/NAME and main."
        )
    return Repository(shape[1], shape[2], branch)
