"""Training and measuring on a device that is not the CPU: everything happens there."""

import pytest
import torch
from elsewhere import FAMILIES, Elsewhere, NoDouble, prepared, small, trained_elsewhere

from cplib import deficits, fisher, training
from cplib._base.device import stream


@pytest.mark.parametrize("family", FAMILIES)
def test_an_epoch_of_each_network_stays_on_its_device(family):
    state, seen, _ = trained_elsewhere(small(family), [(None, 1)])
    assert {t.device.type for t in state.net.state_dict().values()} == {"meta"}
    momenta = state.optimizer.state_dict()["state"].values()
    assert {s["momentum_buffer"].device.type for s in momenta} == {"meta"}
    assert seen.ops["aten.convolution_backward.default"] or family == "MLP"
    assert seen.ops["aten._fused_sgd_.default"] == 2


@pytest.mark.parametrize("kind", [*deficits.KINDS, *deficits.CONTROLS])
def test_each_deficit_gives_back_what_is_on_the_device(kind):
    deficit = deficits.deficit(kind)
    with Elsewhere():
        dataset = prepared(small())
        images = deficit.images(dataset.train_images, 0)
        labels = deficit.labels(dataset.train_labels, 0)
    assert images.device.type == labels.device.type == "meta"
    assert images.shape == dataset.train_images.shape
    trained_elsewhere(small(), [(deficit, 1), (None, 2)])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("labels", ["signs", "sampled"])
def test_the_trace_is_measured_on_the_device(family, labels):
    setup = small(family)
    with Elsewhere() as seen:
        dataset = prepared(setup)
        net = training.start(setup, 0, dataset).net
        before = seen.read
        found = fisher.trace(
            net, dataset.train_images, stream(0, "fisher"), labels=labels
        )
    assert found.trace.shape == (len(fisher.layers(net)),)
    assert seen.read == before + 1


@pytest.mark.parametrize("shared", [True, False])
def test_the_noisy_landscape_too_and_not_in_double_precision(shared):
    """Apple's GPUs have none."""
    setup = small()
    with Elsewhere(), NoDouble():
        dataset = prepared(setup)
        net = training.start(setup, 0, dataset).net
        images, labels = dataset.train_images, dataset.train_labels
        for answers in (None, labels):
            fisher.noise_injection(
                net, images, stream(0, "fisher"),
                labels=answers, steps=16, shared=shared,
            )  # fmt: skip


def test_single_backward_too():
    setup = small()
    with Elsewhere(), NoDouble():
        dataset = prepared(setup)
        net = training.start(setup, 0, dataset).net
        fisher.single_backward(net, dataset.train_images, stream(0, "fisher"))


def test_a_tensor_left_on_the_cpu_is_noticed():
    """This file's own instrument."""
    here, there = torch.ones(3), torch.ones(3, device="meta")
    with Elsewhere(), pytest.raises(AssertionError, match="mixes"):
        here + there
    with Elsewhere(), pytest.raises(AssertionError, match="mixes"):
        there[torch.tensor([0, 1])]


def test_the_host_waits_for_an_epoch_not_for_its_steps():
    """Each wait costs more than a step does: as many with 2 steps as with 16."""
    waits, sends = {}, {}
    for batch in (4, 32):
        _, seen, waits[batch] = trained_elsewhere(small(batch=batch), [(None, 1)])
        sends[batch] = seen.sent
    assert waits[4] == waits[32] == 4  # loss and accuracy, of training and of test
    assert sends[4] - sends[32] <= 2 * 14  # the augmentation's indices, step by step


# -- no operation for which CUDA has no deterministic way; PyTorch's documentation lists
# them under `torch.use_deterministic_algorithms`

UNREPEATABLE = (
    "adaptive_avg_pool2d_backward adaptive_max_pool2d_backward avg_pool3d_backward "
    "upsample_linear upsample_bicubic upsample_trilinear grid_sampler "
    "upsample_bilinear2d_backward _upsample_bilinear2d_aa_backward "
    "reflection_pad nll_loss2d ctc_loss histc bincount median put_ max_unpool "
    "scatter_reduce fractional_max_pool embedding_bag kthvalue"
).split()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_step_uses_what_cuda_cannot_repeat(family):
    probe = fisher.Probe(images=32)
    _, seen, _ = trained_elsewhere(small(family), [(deficits.Blur(), 1)], probe)
    used = {op.split(".")[1] for op in seen.ops}
    assert {"native_batch_norm_backward", "_log_softmax"} & used
    assert not [op for op in used for bad in UNREPEATABLE if op.startswith(bad)]
