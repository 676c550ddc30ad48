"""A figure carries its words and its data."""

import base64
import io
import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.figure import Figure

from cplib.errors import InputError
from cplib.figures.panel import Panel

TABLE = pd.DataFrame(
    {"t₀": [0, 5], "loss, points": [0.25, -1 / 3], "who": ["a,b", '"']}
)


@pytest.fixture
def panel():
    return Panel(Figure(), 'a "rising" line', "Blur until t₀ & more; 3 seeds.", TABLE)


def test_the_data_can_be_saved_as_they_are(panel):
    page = panel._repr_html_()
    name, payload = re.search(
        r'download="(.*?)" href="data:text/csv;base64,(.*?)"', page
    ).groups()
    assert name == "blur-until-t-more-3-seeds.csv"
    saved = pd.read_csv(io.BytesIO(base64.b64decode(payload)))
    pd.testing.assert_frame_equal(saved, TABLE)  # every digit of them


def test_words_stand_beside_the_picture(panel):
    page = panel._repr_html_()
    assert 'alt="a &quot;rising&quot; line"' in page
    assert "<figcaption>Blur until t₀ &amp; more; 3 seeds.</figcaption>" in page
    assert "<td>-0.333</td>" in page  # the table that unfolds is rounded


def test_numbers_of_a_table_have_the_decimals_of_the_largest(panel):
    """Three digits of it; nothing is minus zero, and what is missing is a dash."""
    table = pd.DataFrame(
        {"points": [5.741, -0.0033, math.nan], "trace": [1633.4, 99.6, 0]}
    )
    page = replace(panel, table=table).data()
    cells = re.findall("<td>(.*?)</td>", page)
    assert cells == ["5.74", "1,633", "0.00", "100", "–", "0"]


@pytest.mark.parametrize(
    ("name", "words"), [("a.jpg", "a.jpg: choose"), ("no/a.svg", "does not exist")]
)
def test_a_picture_that_cannot_be_saved_is_told(panel, tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        panel.save(tmp_path / name)
