"""A study on Dask's workers, and on several GPUs that are not there."""

import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import loky
import numpy as np
import pytest
import torch

from cplib import engine, plan, segments, studies, workers
from cplib.__main__ import main
from cplib.errors import CplibError, InputError

STUDY = studies.get("timing", "smoke")
TREE = plan.make_plan(STUDY.setup, STUDY.runs, [0])


def train(cache, **options):
    return engine.run(
        STUDY.setup, STUDY.runs, [0], progress=False, cache=cache, **options
    )


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """What this process makes of the study."""
    return train(tmp_path_factory.mktemp("local"), max_workers=1)


def assert_equal(trained, local):
    assert trained.keys() == local.keys()
    for key, outcome in trained.items():
        np.testing.assert_array_equal(outcome.log, local[key].log)


@contextlib.contextmanager
def two_workers():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=300)
        yield client


@pytest.mark.slow
def test_two_dask_workers_one_of_them_killed_mid_run(tmp_path, local):
    """Separate processes that share a folder; results equal the local ones."""
    with two_workers() as client:
        pids = list(client.run(os.getpid).values())
        assert len(set(pids)) == 2 and os.getpid() not in pids

        def kill_one():
            while not list(tmp_path.glob("states/*/*.progress")):
                time.sleep(0.01)
            os.kill(pids[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        trained = train(tmp_path, executor=client.get_executor())
        killer.join()
        assert pids[0] not in client.run(os.getpid).values()
        assert main(["run", "1TL", "--scale", "smoke", "--seeds", "1",
                     "--cluster", client.scheduler.address]) == 0  # fmt: skip
    assert_equal(trained, local)


def test_threads_of_one_process_take_turns(tmp_path, local):
    """The number of threads, on which bits depend, is the process's."""
    before = torch.get_num_threads()
    with ThreadPoolExecutor(3) as executor:
        assert_equal(train(tmp_path, executor=executor), local)
    assert torch.get_num_threads() == before


def test_a_worker_that_is_not_like_the_planner_is_turned_down(tmp_path, monkeypatch):
    segment = next(iter(TREE.segments.values()))
    monkeypatch.setattr(torch, "__version__", "1.0")
    with pytest.raises(CplibError, match=r"PyTorch 1\.0.*install the same"):
        segments.train_segment(segment, tmp_path, "cpu")
    assert not list(tmp_path.rglob("*.state"))


class KilledWorker(Exception):
    """As `distributed` raises it."""


def test_a_worker_that_dask_gives_up_on_is_reported_with_the_remedy(
    tmp_path, monkeypatch
):
    def give_up(*_):
        raise KilledWorker

    monkeypatch.setattr(segments, "train_segment", give_up)
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(CplibError, match="memory.*kept"),
    ):
        train(tmp_path, executor=executor)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_a_cluster_that_is_not_there_is_named(address, monkeypatch):
    import distributed

    client = distributed.Client
    monkeypatch.setattr(
        distributed, "Client", lambda address, timeout: client(address, timeout=1)
    )
    said = pytest.raises(InputError, match=rf"{address}.*dask scheduler")
    with said, workers.cluster(address):
        pass


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    said = pytest.raises(InputError, match=r"cplib\[cluster\]")
    with said, workers.cluster("tcp://x:1"):
        pass


# -- several GPUs, of which only the number is ever asked


@pytest.fixture
def three_gpus(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the workers' too


def visible(seconds):
    time.sleep(seconds)  # so that each worker has its turn
    return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"]


@pytest.mark.slow
def test_each_worker_has_a_gpu_of_its_own(three_gpus):
    executor, count = workers.pool(None, "cuda", tasks=10)
    assert count == 3
    seen, until = {}, time.monotonic() + 300
    try:
        while len(seen) < 3 and time.monotonic() < until:  # until all have started
            seen |= dict(executor.map(visible, [0.5] * 6))
    finally:
        workers.stop(executor)
    assert sorted(seen.values()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("device", "asked", "tasks", "wanted"),
    [("cuda", 2, 9, 2), ("cuda", 8, 9, 3), ("cuda", None, 2, 2), ("cuda", 1, 9, 1),
     ("cuda:1", None, 9, 1), ("cuda", None, 1, 1)],
)  # fmt: skip
def test_never_more_workers_than_gpus(
    three_gpus, monkeypatch, device, asked, tasks, wanted
):
    given = {}
    monkeypatch.setattr(loky, "get_reusable_executor", lambda **kw: given.update(kw))
    executor, count = workers.pool(asked, device, tasks)
    assert count == wanted
    assert isinstance(executor, workers.InProcess) == (wanted == 1)
    if wanted > 1:
        assert given["max_workers"] == wanted
        assert given["initargs"] == (os.getpid(), ["0", "1", "2"])


def test_a_claim_ends_with_its_worker_and_respects_what_was_given(
    three_gpus, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-ab,7")
    names = workers._gpus()
    assert names == ["5", "GPU-ab", "7"]
    claims = []
    for _ in range(4):
        monkeypatch.setattr(workers, "_claimed", contextlib.ExitStack())
        claims.append(workers._claimed)
        workers.claim(names)
        claims[-1].gpu = os.environ["CUDA_VISIBLE_DEVICES"]
    assert [claim.gpu for claim in claims[:3]] == names
    assert claims[3].gpu in names  # all taken: one is shared
    claims[1].close()  # that worker ends
    monkeypatch.setattr(workers, "_claimed", contextlib.ExitStack())
    workers.claim(names)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-ab"
