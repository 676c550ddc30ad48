"""A study on Dask's workers, and on GPUs that do not exist."""

import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from cplib import engine, studies
from cplib.__main__ import main
from cplib.engine import segment as segments
from cplib.engine import workers
from cplib.errors import CplibError, InputError
from cplib.studies import plan

STUDY = studies.get("timing", "smoke")
TREE = plan.make_plan(STUDY.setup, STUDY.runs, [0])


def train(cache, **options):
    return engine.run(
        STUDY.setup, STUDY.runs, [0], progress=False, cache=cache, **options
    )


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """What this process makes of the study."""
    return train(tmp_path_factory.mktemp("local"), workers=1)


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
            while not list(tmp_path.glob("states/.epochs")):
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


def test_a_worker_that_is_not_like_the_planner_is_rejected(tmp_path, monkeypatch):
    segment = next(iter(TREE.segments.values()))
    monkeypatch.setattr(torch, "__version__", "1.0")
    with pytest.raises(CplibError, match=r"PyTorch 1\.0.*install the same"):
        segments.train_segment(segment, tmp_path, "cpu", print)
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


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
@pytest.mark.parametrize("asked", [None, 8])
def test_a_gpu_is_used_from_this_process_alone_and_chosen_by_the_user(
    monkeypatch, tmp_path, device, asked
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-ab,7")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = dict(os.environ)
    executor, count = workers.pool(asked, device, tasks=9)
    assert (type(executor), count) == (workers.InProcess, 1)
    assert dict(os.environ) == before
    assert not list(tmp_path.iterdir())  # nothing that a second user could meet
