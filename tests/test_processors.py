"""The same gradients on every kind of processor.

With `CPLIB_PROCESSORS=all` every network of `gradients.py` under every cap, an hour's
work for one core; without, those up to width 8 under the caps of most machines.
"""

import os
import subprocess
import sys
from pathlib import Path

import caps
import gradients
import pytest
import torch
from torch import nn

from cplib import models

ALL = ["all"] if os.environ.get("CPLIB_PROCESSORS") == "all" else []
KINDS = [k for k in caps.kinds() if ALL or k in (caps.WEAKEST, "AVX2", "as it is")]
LIMIT = 3600 if ALL else 900  # seconds; wrong code may also hang


def run(what, file, kind):
    command = [sys.executable, gradients.__file__, what, str(file), *ALL]
    environment = caps.environment(kind)
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    try:
        return subprocess.run(
            command, env=environment, timeout=LIMIT, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = (error.output or b"").decode()[-300:]
        pytest.fail(f"{what} on {kind} did not end within {LIMIT} s; last: {said}")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Everything in double precision, which oneDNN leaves to PyTorch's own code."""
    file = tmp_path_factory.mktemp("gradients") / "double.safetensors"
    done = run("double", file, "as it is")
    assert done.returncode == 0, done.stdout
    return file


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_agrees_with_double(reference, kind):
    done = run("single", reference, kind)
    assert done.returncode == 0, f"exit status {done.returncode}: {done.stdout[-2000:]}"


def test_the_caps_are_what_pytorch_listens_to():
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    for kind in caps.kinds()[:-1]:
        command, environment = [sys.executable, "-c", code], caps.environment(kind)
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.stdout.strip().lower() == caps.KINDS[kind][1]


def test_a_wrong_gradient_would_be_seen():
    case = ("ResNet18", 4, 16, 7)
    right = gradients.gradients(*case, torch.float64)
    reference = gradients.named(case, right)
    single = gradients.gradients(*case, torch.float32)
    # ReLU is whatever it is here; only one of the two numbers is to differ
    assert gradients.differences(reference, case, right)[0] == 0
    name = "blocks.3.shortcut.0.weight"
    wrong = right | {name: 1.02 * right[name]}
    error, where = gradients.differences(reference, case, wrong)
    assert error > gradients.TOLERANCE and where.endswith(name)
    wrong = right | {name: single[name] * float("nan")}
    assert gradients.differences(reference, case, wrong)[0] > gradients.TOLERANCE


@pytest.mark.parametrize("family", models.FAMILIES)
def test_no_network_has_a_strided_1x1_convolution(family):
    spec = models.ModelSpec(family, 4, 3 if family == "DepthCNN" else None)
    net = models.build(spec, channels=3, size=16, seed=0)
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            assert module.stride == (1, 1)


def test_the_shortcut_is_the_strided_convolution_that_it_replaces():
    block = models.BasicBlock(3, 5, stride=2).double().eval()
    x = torch.randn(2, 3, 9, 8, dtype=torch.float64)
    convolution, normalisation = block.shortcut
    strided = nn.functional.conv2d(x, convolution.weight, stride=2)
    wanted = torch.relu(block.second(block.first(x)) + normalisation(strided))
    torch.testing.assert_close(block(x), wanted)
