"""Exercises both ways: stubs fail, solutions pass, known mistakes get their hints."""

from __future__ import annotations

import math
import re

import nbformat
import numpy as np
import pytest
import torch
from scipy import optimize, stats

from cplib.analysis.ledger import Claim
from cplib.errors import InputError
from cplib.exercises import CHAPTERS, EXERCISES, check
from cplib.exercises.checker import Exercise, examine
from tools.build.book import CODE as ROOT

NAMES = [chapter.replace("_", "-") for chapter in CHAPTERS]
BOOK = {
    name: nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4) for name in NAMES
}
MISTAKES = [
    pytest.param(exercise.name, hint, id=f"{exercise.name}-{number}")
    for exercise in EXERCISES.values()
    for number, hint in enumerate(exercise.mistakes, 1)
]
every_exercise = pytest.mark.parametrize("name", EXERCISES)
every_chapter = pytest.mark.parametrize("chapter", NAMES)


def tagged(tag):
    """All cells of the book with this tag, each with the name of its chapter."""
    return [
        (chapter, cell.source)
        for chapter, notebook in BOOK.items()
        for cell in notebook.cells
        if tag in cell.metadata.get("tags", [])
    ]


def prose(chapter):
    cells = BOOK[chapter].cells
    return "\n\n".join(c.source for c in cells if c.cell_type == "markdown")


def run(chapter, *sources):
    """The outcome of the last of `sources`, after the chapter's imports alone."""
    imports = [c.source for c in BOOK[chapter].cells if c.get("id") == "imports"]
    code, last = "\n".join([*imports, *sources]).rstrip().rsplit("\n", 1)
    assert last.startswith("cp.check("), "an exercise's cell ends with its check"
    namespace = {}
    exec(code, namespace)
    return eval(last, namespace)


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@every_exercise
def test_the_stub_is_not_yet_answered(name):
    (found,) = tagged(f"exercise-{name}")
    outcome = run(*found)
    assert outcome.state == "unanswered"
    assert outcome.state != "passed"
    assert f'check("{name}", ' in found[1]
    assert re.search(r"^    return \.\.\.  #", found[1], re.M)


@every_exercise
def test_the_solution_passes(name):
    (stub,), (found,) = tagged(f"exercise-{name}"), tagged(f"solution-{name}")
    assert stub[0] == found[0]
    assert run(found[0], stub[1], found[1]).state == "passed"
    asked, solved = (re.search(r"^def .*?\)", s, re.M)[0] for _, s in (stub, found))
    assert asked == solved


@every_exercise
def test_the_solution_is_hidden_and_the_stub_is_not(name):
    (where,) = {chapter for chapter, _ in tagged(f"exercise-{name}")}
    assert name.startswith(f"{where}-")
    order = [
        next(iter({f"exercise-{name}", f"solution-{name}"} & set(tags)), None)
        or re.findall(
            rf"(?:exercise-start}}.*?:label: ex-{name}\n|{{exercise-end}}"
            rf"|solution-start}} ex-{name}\n(?=.*?:class: dropdown)|{{solution-end}})",
            cell.source,
            re.S,
        )
        for cell in BOOK[where].cells
        for tags in [cell.metadata.get("tags", [])]
    ]
    flat = [x for part in order for x in ([part] if isinstance(part, str) else part)]
    at = flat.index(f"exercise-{name}")
    assert flat[at - 1].startswith("exercise-start")
    assert flat[at + 1] == "{exercise-end}"
    assert flat[at + 2].startswith("solution-start")
    assert flat[at + 3] == f"solution-{name}"
    assert flat[at + 4] == "{solution-end}"


# -- right answers, found in another way than by the references


def by_loops(x):
    """Means of squares of 4 x 4 pixels."""
    values = x.double().numpy()
    blurred = np.empty_like(values)
    for n, c, i, j in np.ndindex(*values.shape):
        rows, columns = (slice(k - k % 4, k - k % 4 + 4) for k in (i, j))
        blurred[n, c, i, j] = values[n, c, rows, columns].mean()
    return torch.from_numpy(blurred)


def distinct_states(removals, clean):
    """How many different histories there are, each the last of one trained epoch."""
    runs = [[1] * removal + [0] * clean for removal in removals]
    runs.append([0] * (max(removals) + clean))
    return len({tuple(run[:n]) for run in runs for n in range(1, len(run) + 1)})


def by_errors(final, baseline, control):
    """Errors in points first, seed by seed."""
    errors = [[100 - 100 * value for value in values] for values in (final, control)]
    return math.fsum(f - c for f, c in zip(*errors, strict=True)) / len(final)


def highest(d, tau1, tau2, k):
    """The age at which the curve is highest, by search."""

    def depth(t):
        return k * math.exp(-(t - d) / tau2) - math.exp(-(t - d) / tau1)

    bounds = (d - 10 * tau1, d + 10 * tau1)
    return optimize.minimize_scalar(depth, bounds=bounds, options={"xatol": 1e-7}).x


def by_time(accuracy, removal, goal):
    for clean, value in enumerate(accuracy[removal:]):
        if value >= goal:
            return clean
    return math.nan


def by_steps(rate, images, batch):
    """Time summed step by step, temperature as the time that one image brings."""
    time = math.fsum(rate for _ in range(images // batch))
    return time, time / images


def by_vectors(w2, g2, rate):
    """The step, taken by two vectors in a plane that are perpendicular."""
    w, g = np.array([math.sqrt(w2), 0]), np.array([0, math.sqrt(g2)])
    return np.linalg.norm(w - rate * g) ** 2


def by_tracing(kernels, strides):
    """Pixels from the first to the last that one unit reaches, layer by layer down."""
    reached = {0}
    for kernel, stride in zip(kernels[::-1], strides[::-1], strict=True):
        reached = {unit * stride + k for unit in reached for k in range(kernel)}
    return max(reached) - min(reached) + 1


def not_rejected(values):
    """The means that a t test at 5 % would not reject."""

    def excess(mean):
        return stats.ttest_1samp(values, mean).pvalue - 0.05

    centre, far = values.mean(), 20 * np.ptp(values)
    ends = [(centre - far, centre), (centre, centre + far)]
    exact = {"xtol": 1e-7, "rtol": 1e-7}
    low, high = (optimize.brentq(excess, *pair, **exact) for pair in ends)
    return low, high


def by_autograd(weights, x, labels):
    """Every image with every label: squared gradients weighted by probability."""
    weights = weights.double().requires_grad_()
    total = 0.0
    for image in x.double():
        log_p = (weights @ image).log_softmax(0)
        for each in log_p:
            (found,) = torch.autograd.grad(each, weights, retain_graph=True)
            total += each.exp().item() * found.square().sum().item()
    return total / len(x)


def by_root(p, signs):
    """The symmetric root of diag p - p p^T, times the signs: another v of this kind."""
    values, vectors = torch.linalg.eigh(p.diag() - p[:, None] * p)
    return vectors @ (values.clamp(min=0).sqrt() * (vectors.T @ signs))


def of_the_card(mean, low, high, threshold):
    claim = Claim("", "", "", "", statistic="change", threshold=threshold)
    return claim.verdict(low, high)


def over_all_numbers(n, level):
    """Mean and probability, summed over all possible numbers of misses."""
    chance = [stats.binom.pmf(misses, n, 1 - level) for misses in range(n + 1)]
    mean = math.fsum(misses * p for misses, p in enumerate(chance))
    return mean, math.fsum(chance[1:])


DERIVED = {
    "experiment-blur": by_loops,
    "experiment-tree": distinct_states,
    "blur-sum": by_errors,
    "blur-fit": highest,
    "high-level-long": by_time,
    # the number of ways to label the set, as a whole number
    "deprivation-bits": lambda images, classes: math.log2(classes**images),
    "architecture-time": by_steps,
    "architecture-norm": by_vectors,
    "depth-sees": by_tracing,
    "depth-measure": not_rejected,
    "fisher-trace": by_autograd,
    "fisher-signs": by_root,
    "scorecard-verdict": of_the_card,
    "scorecard-misses": over_all_numbers,
}


@pytest.mark.parametrize("name", DERIVED)
def test_another_derivation_passes(name):
    assert examine(EXERCISES[name], DERIVED[name]).state == "passed"


@every_exercise
def test_the_reference_passes(name):
    exercise = EXERCISES[name]
    assert examine(exercise, exercise.reference).state == "passed"
    assert len(exercise.mistakes) >= 3


@pytest.mark.parametrize(("name", "hint"), MISTAKES)
def test_a_mistake_gets_its_own_hint(name, hint):
    outcome = check(name, EXERCISES[name].mistakes[hint])
    assert outcome.state == "wrong"
    assert outcome.message == hint


# The same mistakes as others would write them: what counts is what an answer does.
AS_WRITTEN = {
    "experiment-window": (
        lambda epoch, onset, removal: epoch in range(onset, removal + 1),
        "an epoch too long",
    ),
    "experiment-blur": (
        lambda x: torch.nn.functional.interpolate(
            torch.nn.functional.interpolate(x, scale_factor=0.25), scale_factor=4
        ),
        "sampling without averaging",
    ),
    "blur-sum": (
        lambda final, baseline, control: np.mean(100 * baseline - 100 * final),
        "compare with the baseline",
    ),
    "blur-fit": (
        lambda d, tau1, tau2, k: (
            d + np.log(tau2 / tau1 / k) * tau1 * tau2 / (tau1 - tau2)
        ),
        "the wrong way round",
    ),
    "high-level-flip": (
        lambda x: torch.stack([p.flip(-2) if torch.rand(()) < 0.5 else p for p in x]),
        "some images are turned",
    ),
    "high-level-rename": (
        lambda labels, seed: torch.tensor(
            np.random.default_rng(seed).permutation(labels.numpy())
        ),
        "shuffle labels over the images",
    ),
    "deprivation-noise": (
        lambda x, seed: np.random.standard_normal(x.shape),
        "new each time",
    ),
    "depth-measure": (
        lambda values: stats.norm.interval(0.95, values.mean(), stats.sem(values)),
        "1.96",
    ),
    "fisher-trace": (
        lambda weights, x, labels: sum(
            torch.autograd.functional.jacobian(
                lambda w, i=i: torch.nn.functional.cross_entropy(w @ x[i], labels[i]),
                weights,
            ).square().sum()
            for i in range(len(x))
        ) / len(x),
        "empirical Fisher",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_a_mistake_is_known_however_it_is_written(name):
    answer, words = AS_WRITTEN[name]
    assert words in check(name, answer).message


@pytest.mark.parametrize("sides", [(8, 1), (1, 8), (1, 1), (4, 4)])
def test_noise_in_stripes_or_patches_is_known(sides):
    def answer(x, seed):
        random = torch.Generator().manual_seed(seed)
        few = torch.randn((*x.shape[:2], *sides), generator=random)
        return torch.nn.functional.interpolate(few, x.shape[2:])

    assert "stripes or patches" in check("deprivation-noise", answer).message


def test_a_verdict_is_one_of_three_words():
    for answer in (lambda *given: "Reproduced", lambda *given: 1.0):
        assert "none of the words" in check("scorecard-verdict", answer).message


def test_a_verdict_that_is_missing_for_some_findings_is_told():
    def answer(mean, low, high, threshold):
        if low > threshold:
            return "reproduced"

    assert "None, which is none of" in check("scorecard-verdict", answer).message


@every_chapter
def test_a_chapter_has_enough_exercises(chapter):
    text = prose(chapter)
    labels = re.findall(r"^:label: ex-(\S+)$", text, re.M)
    solved = re.findall(r"\{solution(?:-start)?\} ex-(\S+)$", text, re.M)
    assert len(labels) >= 3
    assert sorted(labels) == sorted(solved)
    assert sum(label in EXERCISES for label in labels) >= 2
    titles = re.findall(r"\{exercise(?:-start)?\} (.*)", text)
    assert len(titles) == len(labels)
    assert "open-ended" in titles[-1].lower()


def test_no_cell_asks_for_an_exercise_that_there_is_not():
    known = {
        f"{kind}-{name}" for kind in ("exercise", "solution") for name in EXERCISES
    }
    for notebook in BOOK.values():
        for cell in notebook.cells:
            tags = cell.metadata.get("tags", [])
            assert {t for t in tags if re.match("exercise-|solution-", t)} <= known


# The machinery, on an exercise of its own.

DOUBLE = Exercise(
    "double",
    reference=lambda x: x + x,
    cases=((1.0,), (2.0,), (np.ones(3),)),
    wrong=lambda x: {"you square.": x**2},
)


def test_a_right_answer_in_any_form_passes():
    for answer in (
        lambda x: 2 * x,
        lambda x: torch.as_tensor(x) * 2,
        lambda x: (2 * x).tolist() if isinstance(x, np.ndarray) else int(2 * x),
    ):
        outcome = examine(DOUBLE, answer)
        assert outcome.state == "passed"
        assert repr(outcome) == "Passed: right in all 3 checks."


def test_an_unknown_mistake_is_described_without_the_answer():
    outcome = examine(DOUBLE, lambda x: x + 1)
    assert outcome.state == "wrong"
    assert outcome.message == "with x = 2 it gives 3. (1 of 3 checks differ.)"


def test_an_answer_of_another_shape_is_described():
    outcome = examine(DOUBLE, lambda x: np.sum(2 * x))
    assert "a single number in place of an array of shape (3,)" in outcome.message


@pytest.mark.parametrize("answer", [None, ..., lambda x: None, lambda x: ...])
def test_a_stub_is_no_mistake(answer):
    assert examine(DOUBLE, answer).state == "unanswered"


def test_a_way_without_return_is_told():
    outcome = examine(DOUBLE, lambda x: 2 * x if np.ndim(x) == 0 else None)
    assert outcome.state == "wrong"
    assert "NoneType" in outcome.message


def test_values_and_words_are_refused_in_a_sentence():
    assert "without brackets" in examine(DOUBLE, 4.0).message
    assert "a str where numbers" in examine(DOUBLE, lambda x: "4").message
    assert "a dict where numbers" in examine(DOUBLE, lambda x: {"x": 4}).message


def test_an_error_is_caught_and_its_line_is_shown():
    def answer(x):
        y = x - 1
        return 1 / y if isinstance(y, np.ndarray) else [][int(y)]

    outcome = examine(DOUBLE, answer)
    assert outcome.state == "wrong"
    line = answer.__code__.co_firstlineno + 2
    assert f"stopped in line {line}, `return 1 / y" in outcome.message
    assert "IndexError: list index out of range" in outcome.message


def test_a_wrong_number_of_arguments_is_told():
    outcome = examine(DOUBLE, lambda: 1)
    assert outcome.message.startswith("your code stopped with TypeError")


def test_answers_cannot_change_the_inputs():
    def answer(x):
        x *= 2
        return x

    assert examine(DOUBLE, answer).state == "passed"
    assert examine(DOUBLE, answer).state == "passed"


def test_the_outcome_is_a_line_with_a_role_and_escapes():
    outcome = examine(DOUBLE, lambda x: 1 / 0 if x < 3 else "<b>")
    shown = outcome._repr_html_()
    assert shown.startswith('<p class="cplib-check" role="status" data-state="wrong">')
    assert "<strong>Not right yet:</strong>" in shown
    assert "<b>" not in shown
    assert "\n" not in shown + repr(outcome)
    stub = examine(DOUBLE, None)
    assert "<code>...</code>" in stub._repr_html_()


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match="'double'.*experiment-window"):
        check("double", len)
