"""Forks equal runs from scratch, bit for bit, however and wherever they are trained."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cplib import data, engine, results, studies, training
from cplib._base import console, device, files
from cplib.deficits import KINDS, deficit
from cplib.engine import segment as segments  # fmt: skip
from cplib.engine import workers
from cplib.errors import CplibError, InputError, StorageError
from cplib.studies import Run, plan

SETUP = studies.get("1TL", "smoke").setup
RUNS = [
    Run([], 4),
    Run([(deficit("blur"), 0, 2)], 4),  # a removal
    Run([(deficit("blur"), 1, 2)], 4),  # windows
    Run([(deficit("blur"), 1, 3)], 4),
    *(Run([(deficit(kind), 1, 2)], 3) for kind in KINDS),
]
FOLDER = Path(__file__).parents[2]


def weights_hash(state):
    """SHA-256 of all weights, buffers and momenta."""
    digest = hashlib.sha256()
    for tensor in state.net.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    for parameter in state.net.parameters():
        buffer = state.optimizer.state[parameter]["momentum_buffer"]
        digest.update(buffer.numpy().tobytes())
    return digest.hexdigest()


def from_scratch(run, seed):
    """One uninterrupted loop over epochs, with no tree and no file."""
    dataset = data.load(SETUP.data)
    with device.deterministic("cpu"):
        state = training.start(SETUP, seed, dataset)
        for epoch in range(run.epochs):
            training.advance(
                state, SETUP, seed, dataset, [(run.sees(epoch), epoch + 1)]
            )
    return weights_hash(state), state.log


def final_state(cache, seed, run):
    tree = plan.make_plan(SETUP, RUNS, [seed])
    path = segments.state_path(cache / "states", tree.ends[seed, run])
    payload = files.read_checked(path)
    return training.restore(payload, SETUP, seed, data.load(SETUP.data))


@pytest.fixture(scope="module")
def references():
    return {run: from_scratch(run, 5) for run in RUNS}


@pytest.mark.parametrize("count", [1, 2])
def test_forks_equal_runs_from_scratch(tmp_path, references, count):
    trained = engine.run(
        SETUP, RUNS, [5], workers=count, cache=tmp_path, progress=False
    )
    for run in RUNS:
        wanted, log = references[run]
        assert weights_hash(final_state(tmp_path, 5, run)) == wanted
        np.testing.assert_array_equal(trained[5, run].log, log)


def test_any_executor_will_do(tmp_path, references):
    with ThreadPoolExecutor(1) as executor:
        trained = engine.run(
            SETUP, RUNS[:3], [5], executor=executor, cache=tmp_path, progress=False
        )
    for run in RUNS[:3]:
        np.testing.assert_array_equal(trained[5, run].log, references[run][1])


def count_training(monkeypatch):
    calls = []
    original = segments.train_segment

    def counted(segment, *arguments):
        calls.append(segment.key)
        return original(segment, *arguments)

    monkeypatch.setattr(segments, "train_segment", counted)
    return calls


def run_here(cache, runs=RUNS):
    return engine.run(SETUP, runs, [5], workers=1, cache=cache, progress=False)


def test_nothing_is_trained_twice(tmp_path, monkeypatch):
    calls = count_training(monkeypatch)
    run_here(tmp_path)
    assert (
        len(calls) == len(set(calls)) == len(plan.make_plan(SETUP, RUNS, [5]).segments)
    )
    run_here(tmp_path)
    run_here(tmp_path, RUNS[2:4])  # another study, the same runs
    assert len(calls) == len(set(calls))


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied", "another's"])
def test_damaged_checkpoints_are_quarantined_and_trained_again(
    tmp_path, monkeypatch, references, how
):
    run_here(tmp_path)
    states = sorted((tmp_path / "states").glob("*/*.state"))
    for path in states:
        content = path.read_bytes()
        path.write_bytes(
            {
                "truncated": content[: len(content) // 2],
                "flipped": content[:500] + bytes([content[500] ^ 1]) + content[501:],
                "emptied": b"",
                "another's": b"cplib-checked-1 0\n" + content,
            }[how]
        )
    calls = count_training(monkeypatch)
    with pytest.warns(UserWarning, match="quarantined"):
        trained = run_here(tmp_path)
    assert len(set(calls)) == len(states)
    for run in RUNS:
        np.testing.assert_array_equal(trained[5, run].log, references[run][1])
    assert list((tmp_path / "states").glob("*/*.damaged-1"))


def test_a_lost_ancestor_is_only_trained_again_if_needed(tmp_path, monkeypatch):
    run_here(tmp_path)
    tree = plan.make_plan(SETUP, RUNS, [5])
    parents = {s.parent for s in tree.segments.values()} - {None}
    inner = next(iter(parents - set(tree.ends.values())))
    segments.state_path(tmp_path / "states", inner).unlink()
    calls = count_training(monkeypatch)
    run_here(tmp_path)
    assert calls == []  # the ends are all there
    children = [key for key, s in tree.segments.items() if s.parent == inner]
    segments.state_path(tmp_path / "states", children[0]).unlink()
    run_here(tmp_path)
    assert set(calls) == {inner, children[0]}


HOLDER = """
import sys
from pathlib import Path
from cplib import engine, studies
from cplib._base import device
from cplib.engine import scheduler
study = studies.get("timing", "smoke")
train = scheduler.segments.train_segment
left = [2]

def pausing(*arguments):
    if not left[0]:
        print("holding", flush=True)
        sys.stdin.readline()
    left[0] -= 1
    train(*arguments)

scheduler.segments.train_segment = pausing
engine.run(study.setup, study.runs, [0], workers=1, progress=False,
           cache=Path(sys.argv[1]))
"""


@pytest.mark.parametrize("ending", ["finishes", "dies"])
def test_a_second_sweep_waits_and_trains_only_what_is_missing(
    tmp_path, monkeypatch, ending
):
    """The first, another process, has trained two segments when the second starts."""
    study = studies.get("timing", "smoke")
    arguments = study.setup, study.runs, [0]
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert first.stdout.readline() == "holding\n"
    calls, said = count_training(monkeypatch), threading.Event()

    def end(words):
        assert str(tmp_path) in words and "Another sweep is training" in words
        first.kill() if ending == "dies" else first.stdin.write("\n" * 99)
        first.stdin.close()
        said.set()

    monkeypatch.setattr(console, "say", end)
    options = {"workers": 1, "progress": False}
    trained = engine.run(*arguments, cache=tmp_path, **options)
    first.wait()
    assert said.is_set()
    segments_ = plan.make_plan(*arguments).segments
    missing = len(segments_) - 2 if ending == "dies" else 0
    assert len(calls) == len(set(calls)) == missing
    wanted = engine.run(*arguments, cache=tmp_path / "other", **options)
    for key, outcome in wanted.items():
        np.testing.assert_array_equal(trained[key].log, outcome.log)


def test_what_is_trained_already_is_read_while_another_trains(tmp_path):
    run_here(tmp_path)
    with files.hold(tmp_path / "states" / ".lock"):
        assert len(run_here(tmp_path, RUNS[2:4])) == 2


SCRIPT = """
    import sys
    from pathlib import Path
    from cplib import engine, studies
    study = studies.get("timing", "smoke")
    engine.run(study.setup, study.runs, [0, 1], workers={workers},
               cache=Path(sys.argv[1]), progress=False)
    print("finished")
"""


def script(tmp_path, workers):
    """A script as people write it, without a `__main__` guard."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT.format(workers=workers)))
    return [sys.executable, str(path), str(tmp_path / "cache")]


def environment():
    return {**os.environ, "PYTHONPATH": str(FOLDER)}


def test_a_script_without_a_main_guard_neither_hangs_nor_repeats(tmp_path):
    done = subprocess.run(
        script(tmp_path, 2), env=environment(), capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["finished"]


def test_killed_and_restarted_it_goes_on(tmp_path):
    """SIGKILL in the middle: the rest is trained, what was finished is not again."""
    study = studies.get("timing", "smoke")
    states = tmp_path / "cache" / "states"
    process = subprocess.Popen(
        script(tmp_path, 1), env=environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 120
    while len(list(states.glob("*/*.state"))) < 4 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = {p: p.stat().st_mtime_ns for p in states.glob("*/*.state")}
    tree = plan.make_plan(study.setup, study.runs, [0, 1])
    assert 4 <= len(finished) < len(tree.segments)
    cache = tmp_path / "cache"
    options = {"workers": 1, "progress": False}
    trained = engine.run(study.setup, study.runs, [0, 1], cache=cache, **options)
    assert finished == {p: p.stat().st_mtime_ns for p in finished}
    undisturbed = engine.run(
        study.setup, study.runs, [0, 1], cache=tmp_path / "other", **options
    )
    for key, outcome in undisturbed.items():
        np.testing.assert_array_equal(trained[key].log, outcome.log)


def test_interrupted_by_hand_it_says_so_and_stops(tmp_path):
    """Ctrl-C with two workers: one sentence, no traceback, finished work kept."""
    command = [sys.executable, "-m", "cplib", "run", "timing", "--scale", "smoke"]
    process = subprocess.Popen(
        [*command, "--seeds", "40", "--workers", "2"], env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a shell that runs the tests in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    states = files.cache_folder() / "states"
    until = time.monotonic() + 120
    while not list(states.glob("*/*.state")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = ""
    while "interrupted" not in said and (line := process.stderr.readline()):
        said += line
    process.send_signal(signal.SIGINT)  # and once more, for good measure
    said += process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted; finished segments are kept" in said
    assert "Traceback" not in said
    assert list(states.glob("*/*.state"))


def test_a_worker_that_is_killed_is_reported_with_the_remedy(tmp_path, monkeypatch):
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(2)
    pool.submit(os.getpid).result()

    def kill_first(segment, *arguments):
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(segments, "train_segment", kill_first)
    with pytest.raises(CplibError, match="memory.*workers=1.*kept"):
        engine.run(SETUP, RUNS, [5], executor=pool, cache=tmp_path, progress=False)
    pool.shutdown(kill_workers=True)


class Broken(Executor):
    """All of whose workers die, in loky's words."""

    def submit(self, *_):
        future = Future()
        future.set_exception(BrokenExecutor("The exit codes are {SIGSEGV(-11)}"))
        return future


@pytest.mark.parametrize("ours", [True, False])
def test_it_is_said_how_a_worker_died(tmp_path, monkeypatch, ours):
    monkeypatch.setattr(workers, "pool", lambda *_: (Broken(), 2))
    options = {"executor": None if ours else Broken(), "cache": tmp_path}
    with pytest.raises(CplibError, match=r"killed \(SIGSEGV\(-11\)\), perhaps .* run "):
        engine.run(SETUP, RUNS, [5], **options, workers=2, progress=False)


def test_a_pool_that_says_so_at_the_next_task_is_reported_likewise(tmp_path):
    class Broken(workers.InProcess):
        def submit(self, fn, /, *args, **kwargs):
            raise BrokenExecutor("A worker process was terminated")

    with pytest.raises(CplibError, match="memory.*workers=1.*kept"):
        engine.run(SETUP, RUNS, [5], executor=Broken(), cache=tmp_path, progress=False)


def test_the_bar_counts_every_epoch(tmp_path, capsys):
    run_here_visibly = engine.run(SETUP, RUNS, [5], workers=1, cache=tmp_path)
    shown = capsys.readouterr().err
    total = plan.make_plan(SETUP, RUNS, [5]).epochs
    assert f"{total} epochs to train" in shown
    assert "about" in shown
    assert f"{total}/{total}" in shown
    assert len(run_here_visibly) == len(RUNS)


def test_the_bar_counts_what_other_workers_train(tmp_path, capsys, monkeypatch):
    """By a file, which is gone afterwards; it is there after the first epoch."""
    sizes, original = [], segments.train_segment

    def watched(*arguments):
        original(*arguments)
        sizes.append((tmp_path / "states" / ".epochs").stat().st_size)

    monkeypatch.setattr(segments, "train_segment", watched)
    tree = plan.make_plan(SETUP, RUNS, [5])
    with ThreadPoolExecutor(1) as executor:
        engine.run(SETUP, RUNS, [5], executor=executor, cache=tmp_path)
    assert f"{tree.epochs}/{tree.epochs}" in capsys.readouterr().err
    assert len(sizes) == len(tree.segments) and sizes[-1] == tree.epochs
    assert sizes == sorted(set(sizes))
    assert not (tmp_path / "states" / ".epochs").exists()


def test_provenance_travels_with_the_checkpoint(tmp_path):
    trained = run_here(tmp_path)
    for (_, run), outcome in trained.items():
        assert sum(int(note["epochs"]) for note in outcome.notes) == run.epochs
        for note in outcome.notes:
            assert float(note["seconds"]) > 0
            assert note["threads"] == "1"
            assert note["torch"] and note["device"] and note["date"].endswith("Z")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seeds": [-1]}, ["-1", "0 or more"]),
        ({"seeds": []}, ["at least one"]),
        ({"seeds": [1.5]}, ["1.5"]),
        ({"workers": 0}, ["workers=0", "1 or more"]),
        ({"device": "gpu"}, ["'gpu'", "cpu"]),
    ],
)
def test_bad_input_is_named(tmp_path, options, words):
    with pytest.raises(InputError) as error:
        engine.run(SETUP, RUNS, **{"seeds": [0], "cache": tmp_path, **options})
    assert all(word in str(error.value) for word in words)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_cache_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="CPLIB_CACHE"):
        run_here(tmp_path / "file" / "cache")


def test_the_network_of_a_run_after_any_epoch():
    """Trained where it must be; its accuracy is the one that was logged."""
    study = studies.get("1TL", "smoke")
    run, dataset = study.runs[-1], data.load(study.setup.data)
    log = results.compute(study, [1], progress=False, workers=1).curve(run)[1]
    for epoch in (0, 1, None):
        net = results.network(study, run, 1, epoch, device="cpu", progress=False)
        _, found = training.evaluate(net, dataset.test_images, dataset.test_labels)
        assert not net.training
        wanted = log.loc[run.epochs if epoch is None else epoch]
        assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    "run, seed, epoch, words",
    [
        (Run([], 99), 0, None, "no deficit is not a run of study 1TL at scale smoke"),
        ("blur", 0, None, "'blur' is not a run"),
        (studies.get("1TL", "smoke").runs[0], -1, None, "seed=-1"),
        (studies.get("1TL", "smoke").runs[0], 0, 99, "epoch=99 must be .* 0 to 4"),
    ],
)
def test_a_network_that_no_run_has_is_refused(run, seed, epoch, words):
    with pytest.raises(InputError, match=words):
        results.network(studies.get("1TL", "smoke"), run, seed, epoch)
