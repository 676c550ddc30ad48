"""An edition's data: one archive, with checksums."""

import hashlib
import zipfile

import cplib
from tools.build.book import CODE as ROOT
from tools.build.zip import make_data


def test_the_archive_holds_what_the_numbers_come_from(tmp_path):
    made = make_data(tmp_path / "a")
    assert made.read_bytes() == make_data(tmp_path / "b").read_bytes()
    said, name = made.with_suffix(".zip.sha256").read_text().split()
    assert name == made.name == f"critical-periods-data-{cplib.__version__}.zip"
    assert said == hashlib.sha256(made.read_bytes()).hexdigest()
    with zipfile.ZipFile(made) as archive:
        top = name.removesuffix(".zip")
        lines = archive.read(f"{top}/MANIFEST").decode().splitlines()
        sums = dict(line.split("  ")[::-1] for line in lines)
        assert len(archive.namelist()) == len(sums) + 1
        for file, digest in sums.items():
            assert digest == hashlib.sha256(archive.read(f"{top}/{file}")).hexdigest()
    stored = {f"book/results/{p.name}" for p in (ROOT / "book/results").iterdir()}
    assert {*stored, "book/claims.yml", "LICENSE-text"} <= sums.keys()
