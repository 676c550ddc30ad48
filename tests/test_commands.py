import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handmade import handmade

from cplib import __main__, __version__, analysis, cli, results, studies
from cplib.__main__ import main


def call(*words):
    return main(list(words))


def test_demo_prints_a_table_and_saves_a_figure(tmp_path, capsys):
    picture = tmp_path / "demo.png"
    assert (
        call("demo", "--scale", "smoke", "--seeds", "1", "--output", str(picture)) == 0
    )
    shown, said = capsys.readouterr()
    for word in ("no deficit", "blur", "flip", "final", "same clean training"):
        assert word in shown
    assert "trained before" not in said
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_demo_says_when_it_trains_nothing_or_less(tmp_path, capsys):
    words = ("demo", "--scale", "smoke", "--output", str(tmp_path / "demo.svg"))
    assert call(*words, "--seeds", "1") == 0
    shown = capsys.readouterr().out.splitlines()[:-1]  # the last line gives the time
    assert call(*words, "--seeds", "1") == 0
    again = capsys.readouterr()
    assert again.out.splitlines()[:-1] == shown
    lines = [line for line in again.err.splitlines() if "trained before" in line]
    (total, before), folder = re.findall(r"\d+ ", lines[0]), tmp_path / "cache"
    assert len(lines) == 1 and total == before and str(folder) in lines[0]
    assert call(*words, "--seeds", "2") == 0
    assert f"Of {2 * int(total)} epochs, {before}were" in capsys.readouterr().err


def test_run_status_verify_render(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("run", "1TL", "--scale", "smoke", "--seeds", "2") == 0
    assert call("run", "1TL", "--scale", "smoke", "--seeds", "2") == 0
    assert capsys.readouterr().out.count("already stored") == 2
    assert call("status") == 0
    assert "1TL smoke: seeds 0, 1" in capsys.readouterr().out
    assert call("verify", "1TL", "--scale", "smoke", "--runs", "2") == 0
    shown = capsys.readouterr().out
    assert shown.count("ok: 1TL smoke") == 2
    assert "every number equal" in shown
    assert call("render", "1TL", "--scale", "smoke") == 0
    assert (tmp_path / "1TL-smoke.svg").read_text().lstrip().startswith("<?xml")
    words = ("verify", "1TL", "--scale", "smoke", "--runs", "9", "--seeds", "1,7")
    assert call(*words) == 0
    assert set(re.findall(r"seed \d", capsys.readouterr().out)) == {"seed 1"}
    assert call("verify", "1TL", "--scale", "smoke", "--seeds", "7,8") == 2


def test_book_is_what_the_chapters_show(capsys):
    assert call("plan", "book") == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [list(pair) for pair in studies.BOOK]
    stored = Path(results.__file__).parents[2] / "book" / "results"
    files = {path.name for path in stored.glob("*.gz")}
    assert files == {f"{name}-{scale}.csv.gz" for name, scale in studies.BOOK}


def test_verify_notices_a_false_number(capsys):
    call("run", "1TL", "--scale", "smoke", "--seeds", "1")
    study = studies.get("1TL", "smoke")
    honest = results.stored(study)
    table = honest.table.copy()
    changed = table["metric"] == "test_accuracy"
    table.loc[changed, "value"] = np.clip(table.loc[changed, "value"] + 0.4, 0, 1)
    results.save(results.Result(study, table, honest.provenance))
    assert call("verify", "1TL", "--scale", "smoke") == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_plan_prints_the_savings(capsys):
    assert call("plan", "1TL", "--scale", "laptop", "--seeds", "3") == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row == ["1TL", "laptop", "24", "234", "4680", "5940", "1.27x", "0"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "1TX"), ["'1TX'", "1TL"]),
        (("run", "../../etc", "--scale", "smoke"), ["'../../etc'"]),
        (("plan", "1TL", "--scale", "lptop"), ["'lptop'", "laptop"]),
        (("demo", "--scale", "smoke", "--seeds", "none"), ["'none'", "0,1,2"]),
        (("demo", "--scale", "smoke", "--device", "gpu"), ["'gpu'", "cpu"]),
        (("demo", "--scale", "smoke", "--workers", "0"), ["workers=0"]),
        (("run", "1TL", "--scale", "smoke", "--seeds", "-1"), ["seeds=-1"]),
        (("verify", "1TL", "--runs", "0"), ["--runs=0", "1 or more"]),
        (("verify", "1TL", "--scale", "smoke"), ["No stored results", "run 1TL"]),
        (("render", "1TL", "--scale", "smoke"), ["No stored results", "run 1TL"]),
        (
            ("demo", "--scale", "smoke", "--seeds", "1", "--output", "demo.doc"),
            ["demo.doc", "svg"],
        ),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(words, said, capsys):
    assert call(*words) == 2
    error = [x for x in capsys.readouterr().err.splitlines() if x.startswith("cplib:")]
    assert len(error) == 1
    assert all(word in error[0] for word in said)


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        call("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"cplib {__version__}\n"


DEMO = ("demo", "--scale", "smoke", "--seeds", "1")
RUN = ("run", "1TL", "--scale", "smoke", "--seeds", "1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*DEMO, "--output", "{}/file/demo.svg"), ["file does not exist"]),
        ((*DEMO, "--output", "{}/demo.doc"), ["demo.doc", "svg"]),
        ((*DEMO, "--output", "{}/folder.svg"), ["folder.svg", "name another file"]),
        (RUN, ["file/results", "CPLIB_RESULTS"]),
    ],
    ids=["folder", "suffix", "taken", "results"],
)
def test_what_cannot_be_stored_is_said_before_training(
    words, said, tmp_path, capsys, monkeypatch
):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.svg").mkdir()
    monkeypatch.setenv("CPLIB_RESULTS", str(tmp_path / "file" / "results"))
    assert call(*(word.format(tmp_path) for word in words)) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert all(word in error for word in said)
    assert not (tmp_path / "cache").exists()


# -- figures of several studies


@pytest.fixture
def two_studies(monkeypatch):
    """The book is two studies: one has a stored result."""
    results.save(handmade("1TL"))
    monkeypatch.setattr(studies, "BOOK", [("2L", "smoke"), ("1TL", "smoke")])


@pytest.mark.parametrize(
    ("output", "file"),
    [
        ("figures", "figures/1TL-smoke.svg"),
        ("figures/*.png", "figures/1TL-smoke.png"),
        ("*.pdf", "1TL-smoke.pdf"),
        ("new/book-*.svg", "new/book-1TL-smoke.svg"),
    ],
)
def test_what_can_be_drawn_is_drawn_and_the_rest_is_said(
    two_studies, tmp_path, capsys, monkeypatch, output, file
):
    monkeypatch.chdir(tmp_path)
    assert call("render", "book", "--output", output) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(said) == 1 and "2L smoke is not drawn: No stored results" in said[0]
    figures = [p for p in tmp_path.rglob("*1TL-smoke.*") if "results" not in p.parts]
    assert figures == [tmp_path / file]


def test_one_file_cannot_hold_the_figures_of_many_studies(
    two_studies, tmp_path, capsys
):
    assert call("render", "book", "--output", str(tmp_path / "all.svg")) == 2
    assert "all.svg: that is one file for 2 studies" in capsys.readouterr().err
    assert not (tmp_path / "all.svg").exists()


# -- the scorecard


def test_the_scorecard_prints_every_claim_that_stored_results_can_test(
    monkeypatch, capsys
):
    monkeypatch.delenv("CPLIB_RESULTS")  # the book's own
    assert call("scorecard") == 0
    shown, said = capsys.readouterr()
    card = analysis.scorecard()
    *rows, _ = shown.splitlines()
    papers, ours = (card.only(about) for about in (False, True))
    heads = rows.pop(0), rows.pop(len(papers.findings))
    assert heads[0] == f"Claims of the paper: {papers.summary}"
    assert heads[1] == f"Hypotheses of the book: {ours.summary}"
    table = pd.concat([papers.table, ours.table], ignore_index=True)
    assert not said and len(rows) == len(table)
    for row, (i, claim) in zip(rows, table.iterrows(), strict=True):
        word = "supported" if i >= len(papers.findings) else "reproduced"
        verdict = claim["verdict"].replace("reproduced", word)
        weak = claim["verdict"] == "reproduced" and not claim["after Holm"]
        assert row[:9].strip() == claim["panel"]
        assert row[10:36].startswith(verdict + "*" * weak)
        assert row.endswith(claim["claim"])
        if np.isfinite(claim["mean"]):
            low, high = f"{claim['low']:.2f}", f"{claim['high']:.2f}"
            assert f"{claim['mean']:+.2f} {claim['unit']} ({low} to {high})" in row


def test_the_scorecard_trains_nothing_and_says_what_is_missing(capsys):
    results.save(handmade("1TL"))
    assert call("scorecard", "--scale", "smoke", "--seeds", "0,2") == 1
    shown, said = capsys.readouterr()
    assert "Left out: No stored results of 2L at scale smoke" in said
    assert "python -m cplib run 2L --scale smoke" in said
    assert "of 1TL at" not in said
    tested = [line for line in shown.splitlines() if " to " in line[36:77]]
    assert tested and all("not testable" not in line for line in tested)


# -- help


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words):
    code = (
        "import sys\n"
        "from cplib.__main__ import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    heavy = {'torch', 'pandas', 'numpy', 'matplotlib', 'scipy', 'loky'}\n"
        "    print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_help_names_the_studies_and_scales_that_there_are():
    assert __main__.STUDIES.split(", ") == list(studies.names())
    assert __main__.SCALES.split(", ") == list(studies.SCALES)


def test_every_command_has_a_function_and_the_reverse():
    verbs = __main__.parser()._subparsers._group_actions[0].choices
    assert set(verbs) == set(cli.__all__)
