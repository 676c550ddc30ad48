"""The published anchors, the schematic curves beside them, and a teacher's CSV.

Expected numbers are typed in from PROTOCOL.md and the abstracts, not from `cplib`.
"""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cplib.analysis.biology import (
    HOW_DRAWN,
    anchors,
    load_csv,
    schematic,
)
from cplib.analysis.fits import fit_double_exponential
from cplib.errors import InputError

TABLES = ("kitten_acuity", "kitten_sensitivity", "macaque_synapses")


def at(name, *ages):
    return schematic(name, ages)["value"].to_numpy()


@pytest.mark.parametrize("table", TABLES)
def test_every_anchor_names_its_source(table):
    frame = anchors(table)
    assert frame["source"].str.contains(r"(?:19|20)\d\d").all()
    assert frame["key"].str.fullmatch(r"[a-z]+\d{4}").all()
    cited = frame[frame["doi"] != ""]
    assert cited["doi"].str.match(r"10\.\d{4,}/\S+$").all()
    assert (cited["url"] == [f"https://doi.org/{doi}" for doi in cited["doi"]]).all()
    assert not frame["url"].str.contains(" ").any()


def test_every_source_is_in_the_books_bibliography():
    book = Path(__file__).parents[2] / "book" / "references.bib"
    keys = set(re.findall(r"@\w+\{([^,\s]+)", book.read_text(encoding="utf-8")))
    for table in TABLES:
        assert set(anchors(table)["key"]) <= keys


def test_tables_are_fresh_each_time():
    mine = anchors("kitten_acuity")
    mine.loc[0, "acuity_cpd"] = 99
    assert anchors("kitten_acuity").loc[0, "acuity_cpd"] == 2.6


def test_kitten_acuity_holds_the_published_numbers_and_no_others():
    frame = anchors("kitten_acuity")
    printed = frame.dropna(subset="acuity_cpd").sort_values("acuity_cpd")
    assert printed["acuity_cpd"].tolist() == [2.5, 2.6, 2.9, 5.0]
    assert printed["age_days"].round().tolist()[:3] == [122, 35, 41]
    assert np.isnan(printed["age_days"].iloc[3])  # the source gives no age
    ranges = frame.dropna(subset="low")
    assert ranges[["age_days", "low", "high"]].values.tolist() == [
        [45, 5, 6],
        [60, 4, 5],
    ]
    assert ranges["acuity_cpd"].isna().all()  # the middle of a range is not published


def test_recovered_acuity_is_not_acuity_at_eye_opening():
    frame = anchors("kitten_acuity").set_index("condition")
    recovered = frame.loc["recovered after early deprivation"]
    assert set(recovered["age_days"].round()) == {45, 60, 122, 365}
    opening = frame.loc[["deprived from birth, at eye opening"]]
    assert opening[["acuity_cpd", "low", "high"]].isna().all(axis=None)
    assert opening["note"].str.contains("blind").all()


def test_sensitivity_holds_the_published_ages():
    frame = anchors("kitten_sensitivity")
    olson = frame[frame["doi"] == "10.1007/bf00237065"].set_index("level")
    assert olson.loc["rising", "age_end"] == 28
    assert olson.loc["high", ["age_start", "age_end"]].tolist() == [28, 48]
    assert olson.loc["subsiding", "age_end"] == pytest.approx(120, abs=3)
    peak = frame[(frame["measure"] == "stereopsis") & (frame["level"] == "peak")]
    assert peak[["age_start", "age_end"]].values.tolist() == [[35, 45]]


def test_macaque_synapses_hold_the_published_densities():
    frame = anchors("macaque_synapses").set_index("stage")
    density = frame["synapses_per_100um2"]
    assert density.to_dict() == {
        "foetal day 90": 3.6,
        "foetal day 140": 10.9,
        "12 weeks": 63,
        "2-6 years": 37.7,
    }
    assert frame.index[frame["origin"] == "derived"].tolist() == ["foetal day 90"]
    assert density["foetal day 140"] / density["foetal day 90"] == pytest.approx(
        3, abs=0.05
    )
    ages = frame["age_days"]
    assert ages["foetal day 140"] - ages["foetal day 90"] == 50
    assert ages["foetal day 140"] < 0 < ages["12 weeks"] == 84
    adult = frame.loc["2-6 years", ["age_days", "age_end_days"]] / 365.25
    assert adult.tolist() == [2, 6]


@pytest.mark.parametrize("name", HOW_DRAWN)
def test_a_schematic_says_that_it_is_one(name):
    frame = schematic(name)
    assert list(frame.columns) == ["age_days", "value", "kind"]
    assert (frame["kind"] == "schematic").all()
    assert frame["age_days"].is_monotonic_increasing
    assert np.isfinite(frame["value"]).all()
    assert (frame["value"] >= 0).all()
    assert HOW_DRAWN[name].startswith("Schematic")


def test_a_schematic_is_not_extended_beyond_its_drawing():
    values = at("kitten_acuity", 0, 35, 4000)
    assert np.isnan(values).tolist() == [True, False, True]


def test_acuity_schematic_honours_the_anchors():
    assert at("kitten_acuity", 35, 41) == pytest.approx([2.6, 2.9])
    week2, week10, later = at("kitten_acuity", 14, 70, 110)
    assert week10 / week2 == pytest.approx(16)
    assert week10 == later == pytest.approx(5.0)
    assert (np.diff(schematic("kitten_acuity")["value"]) >= -1e-12).all()


def test_missing_acuity_mirrors_the_acuity_schematic():
    # 2.6 of 5.0 is 52 %: 48 % are missing.
    assert at("missing_acuity", 35, 41, 70) == pytest.approx([48, 42, 0])


def test_recovery_schematic_honours_the_anchors():
    day45, day60, month4, year = at("kitten_recovery", 45, 60, 365.25 / 3, 365)
    assert 5 <= day45 <= 6
    assert 4 <= day60 <= 5
    assert month4 == pytest.approx(2.5)
    assert year < 0.5  # "only minimal" recovery beyond a year
    ratio = at("kitten_recovery", 100, 200, 300)
    assert ratio[0] / ratio[1] == pytest.approx(ratio[1] / ratio[2])  # exponential


def test_sensitivity_schematic_honours_the_statements():
    curve = schematic("kitten_sensitivity", np.arange(14, 241)).set_index("age_days")
    value = curve["value"]
    assert value.max() == pytest.approx(1, abs=1e-3)
    assert 35 <= value.idxmax() <= 45  # Timney's peak, within Olson and Freeman's
    assert (np.diff(value.loc[14:28]) > 0).all()
    assert value.loc[20] < 0.6 < 0.85 < value.loc[28:48].min()
    assert (np.diff(value.loc[48:]) < 0).all()
    assert 0.1 < value.loc[122] < 0.3  # still there after four months
    assert value.loc[213] < 0.05  # nearly normal cells at seven months


def test_synapse_schematic_honours_the_anchors():
    year = 365.25
    density = anchors("macaque_synapses")
    found = at("macaque_synapses", *density["age_days"])
    assert found == pytest.approx(density["synapses_per_100um2"].to_numpy())
    assert at("macaque_synapses", 3 * year, 6 * year) == pytest.approx([37.7, 37.7])
    curve = schematic("macaque_synapses", np.arange(-80, 6 * year))
    peak = curve.loc[curve["value"].idxmax()]
    assert peak["age_days"] == 84
    assert peak["value"] == pytest.approx(63)


def test_unknown_schematic_is_refused_with_the_choices():
    with pytest.raises(InputError, match=r"'puppy'.*kitten_acuity"):
        schematic("puppy")


POINTS = [(14, 0.1), (28, 0.9), (35, 1.0), (48, 0.9), (60, 0.7), (90, 0.4), (120, 0.2)]


def sheet(mark=",", point=".", head="age_days{0}value"):
    lines = [f"{a}{mark}{str(v).replace('.', point)}" for a, v in POINTS]
    return "\n".join([head.format(mark), *lines, ""])


def write(folder, text, encoding="utf-8"):
    path = folder / "digitised.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("mark", "point"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_of_many_kinds_is_understood(tmp_path, mark, point, encoding):
    text = "# digitisé d'après la figure 2\r\n" + sheet(mark, point)
    frame = load_csv(write(tmp_path, text, encoding))
    expected = pd.DataFrame(POINTS, columns=["age_days", "value"], dtype=float)
    pd.testing.assert_frame_equal(frame[["age_days", "value"]], expected)
    assert (frame["kind"] == "digitised").all()


def test_csv_order_blank_lines_other_columns_and_errors():
    text = "Value, note, ERROR, Age_Days\n\n2.5,late,0.2,90\n1e0,early,.1,14\n,,,\n"
    frame = load_csv(io.StringIO(text), min_rows=2)
    assert frame[["age_days", "value", "error"]].values.tolist() == [
        [14, 1, 0.1],
        [90, 2.5, 0.2],
    ]
    assert "note" not in frame


def test_csv_weeks_become_days():
    text = sheet(head="age_weeks{0}value")
    ages = load_csv(io.BytesIO(text.encode()))["age_days"]
    assert ages.tolist() == [7 * a for a, _ in POINTS]


def test_csv_goes_straight_into_the_fit(tmp_path):
    frame = load_csv(str(write(tmp_path, sheet())))
    fit = fit_double_exponential(frame["age_days"], frame["value"])
    assert fit.r2 > 0.98
    assert 28 < fit.peak_age < 48


HEAD = "age_days,value\n"
FIVE = "".join(f"{a},{v}\n" for a, v in POINTS[:5])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["age_days", "value", "first line"]),
        ("\n \n", ["age_days", "first line"]),
        ("age,value\n1,2\n", ["age_days", "'age'"]),
        ("age_days,acuity\n1,2\n", ["value", "'acuity'"]),
        ("age_days,value,value\n1,2,3\n", ["once"]),
        (HEAD, ["0 data rows", "at least 5"]),
        (HEAD + "1,2\n3,4\n", ["2 data rows", "at least 5"]),
        (HEAD + FIVE + "70,many\n", ["row 6", "value", "'many'", "a number"]),
        (HEAD + FIVE + "70,\n", ["row 6", "value", "''"]),
        (HEAD + FIVE + "70,nan\n", ["row 6", "'nan'"]),
        (HEAD + FIVE + "70,inf\n", ["row 6", "'inf'"]),
        (HEAD + FIVE + "1_000,2\n", ["row 6", "age_days", "'1_000'"]),
        (HEAD + '"1,2",3\n' + FIVE, ["row 1", "'1,2'"]),
        (HEAD + "-3,1\n" + FIVE, ["row 1", "-3", "negative"]),
        (HEAD + FIVE + "70\n", ["row 6", "value", "''"]),
        # Decimal commas in a comma-separated file must not shift the columns.
        (HEAD + "14,0,1\n" * 5, ["more cells", "decimal comma", ";"]),
        ("age_days;value\n" + "14;1.234,5\n" * 5, ["row 1", "a number"]),
        ("age_days,value,error\n" + "14,1,0\n" * 5, ["row 1", "error", "positive"]),
        ("age_days,value,error\n" + "14,1,\n" * 5, ["row 1", "error", "a number"]),
    ],
)
def test_bad_csv_is_refused_in_a_sentence(tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        load_csv(write(tmp_path, text))
    message = str(caught.value)
    assert "digitised.csv" in message
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"PK\x03\x04sheet.xml", b"\x89PNG\r\n\x00\x01"])
def test_a_spreadsheet_or_picture_is_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "points.xlsx"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"points\.xlsx.*save the sheet as CSV"):
        load_csv(path)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv.*check folder and name"):
        load_csv(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="folder"):
        load_csv(str(tmp_path))
