"""What the reader's kernel does with PyTorch does not reach our training."""

import contextlib
import os
import subprocess
import sys

import pytest
import torch

from cplib import data, fisher, models, studies, training
from cplib._base import device
from cplib._base.device import stream

SETUP = studies.get("1TL", "smoke").setup


@contextlib.contextmanager
def setting(change, to, back):
    change(to)
    try:
        yield
    finally:
        change(back)


MODES = {
    "no grad": torch.no_grad,
    "inference": torch.inference_mode,
    "double": lambda: setting(torch.set_default_dtype, torch.float64, torch.float32),
    "elsewhere": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "bfloat16 products": lambda: setting(
        torch.set_float32_matmul_precision, "medium", "highest"
    ),
    "two threads": lambda: setting(torch.set_num_threads, 2, 1),
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def everything(family):
    """The weights after an epoch, and the Fisher information then."""
    data.load.cache_clear()
    spec = models.ModelSpec(family, 12)
    setup = training.Setup(SETUP.data, spec, SETUP.schedule, SETUP.probe)
    dataset = data.load(setup.data)
    state = training.start(setup, 0, dataset)
    state = training.restore(state.to_bytes(), setup, 0, dataset)
    training.advance(state, setup, 0, dataset, [(None, 1)])
    found = fisher.trace(state.net, dataset.test_images[:8], stream(0, "modes"))
    weights = torch.cat([p.detach().flatten() for p in state.net.parameters()])
    return weights, torch.from_numpy(state.log), torch.from_numpy(found.trace)


@pytest.mark.parametrize("family", ["AllCNN", "MLP"])
@pytest.mark.parametrize("name", MODES)
def test_training_does_not_depend_on_the_callers_modes(family, name):
    wanted = everything(family)
    with MODES[name]():
        before = modes()
        found = everything(family)
        assert modes() == before
    for a, b in zip(found, wanted, strict=True):
        assert torch.equal(a.nan_to_num(), b.nan_to_num())
    data.load.cache_clear()


def modes():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
    )


def test_images_of_inference_mode_can_be_measured():
    dataset = data.load(SETUP.data)
    net = training.start(SETUP, 0, dataset).net
    images = dataset.test_images[:8]
    wanted = fisher.trace(net, images, stream(0, "modes")).total
    with torch.inference_mode():
        images = images + 0
    assert fisher.trace(net, images, stream(0, "modes")).total == wanted


def test_all_is_restored_when_training_fails():
    torch.set_num_threads(2)
    with pytest.raises(KeyError), torch.no_grad(), device.isolated():
        assert torch.get_num_threads() == 1 and torch.is_grad_enabled()
        raise KeyError
    assert torch.get_num_threads() == 2 and torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("given", "first", "wanted"),
    [
        ({}, "cplib", "PASSIVE None"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "cplib", "ACTIVE None"),
        ({"GOMP_SPINCOUNT": "5"}, "cplib", "None 5"),
    ],
)
def test_threads_that_wait_sleep_unless_the_user_says_otherwise(given, first, wanted):
    names = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
    code = f"import os, {first}; print(*map(os.environ.get, {names}))"
    environment = {k: v for k, v in os.environ.items() if k not in names} | given
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == wanted, done.stderr
