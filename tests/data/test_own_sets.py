"""A reader's own data set: from a folder of images to the results of a study."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

import cplib as cp
from cplib import data, deficits, training
from cplib.data import Raw, Source, source
from cplib.errors import DataError, InputError
from cplib.models import ModelSpec
from cplib.studies import plan
from cplib.training import Schedule, Setup

NAMES = "bars circle cross dots grid rings wave".split()


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(source, "KNOWN", {**source.KNOWN})


def image(label, number, size=24):
    """Greyscale: stripes whose number says the class, with a little noise."""
    random = np.random.default_rng([label, number])
    stripes = np.sin(np.arange(size) * (label + 1) / 3 + random.uniform(0, 6))
    pixels = 128 + 90 * stripes + random.normal(0, 10, (size, size))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def fill(root, count, names=NAMES):
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            image(label, number).save(root / name / f"{number:03}.png")
    return root


def raw(train=20, test=10, classes=7, channels=1, seed=0):
    random = np.random.default_rng(seed)
    arrays = []
    for count in (train, test):
        shape = (count, 8, 8) if channels == 1 else (count, 8, 8, channels)
        arrays.append(random.integers(0, 256, shape, dtype=np.uint8))
        arrays.append(np.arange(count) % classes)
    return Raw(*arrays)


def setup_of(name="shapes", train=64, test=32, family="AllCNN"):
    return Setup(
        data.DataSpec(name, train, test, 16), ModelSpec(family, 4),
        Schedule(shift=1, batch=16),
    )  # fmt: skip


def own(**changes):
    """A registered set of random images: 7 classes, one channel."""
    return data.register(Source("shapes", lambda: raw(**changes), 1, 7))


# --- the whole way ------------------------------------------------------------------


def test_seven_classes_and_one_channel_from_a_folder_of_images(tmp_path):
    """Trained by two workers, stored and read again."""
    fill(tmp_path / "train", 12), fill(tmp_path / "test", 5)
    data.register(data.folder("shapes", tmp_path, channels=1, size=20))
    spans = [(cp.Blur(2), 0, 1), (cp.LabelPermutation(classes=7), 0, 1)]
    base = cp.study("1TL", "smoke").vary(data=setup_of().data, width=4, batch=16)
    study = cp.windows("own-set", "mine", "Shapes", base.setup, spans, 1)
    result = cp.compute(study, [0], workers=2, progress=False)
    cp.save(result)
    again = cp.stored(study)
    loaded = cp.load(study.setup.data)
    assert loaded.train_images.shape == (64, 1, 16, 16)
    assert set(loaded.train_labels.tolist()) == set(range(7)) and loaded.classes == 7
    assert loaded.to_rgb(loaded.train_images).shape == (64, 16, 16, 3)
    for run in study.runs:
        state = cp.train(study.setup, 0, run.phases())
        assert state.net(loaded.test_images).shape == (32, 7)
        for found in (result, again):
            last = found.curve(run)[0].iloc[-1]
            assert last == pytest.approx(state.log[-1, -1], abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("family", ["AllCNN", "ResNet18", "MLP"])
def test_networks_fit_the_set(channels, family):
    many = Source("many", lambda: raw(40, 20, 13, channels), channels, classes=13)
    data.register(many)
    setup = setup_of("many", 40, 20, family)
    state = training.train(setup, 0, [(deficits.LabelPermutation(13), 1), (None, 2)])
    loaded = data.load(setup.data)
    assert state.net(loaded.test_images).shape == (20, 13)
    assert np.isfinite(state.log[1:]).all()
    assert loaded.to_rgb(loaded.train_images).shape[-1] == 3


# --- folders ------------------------------------------------------------------------


def test_a_folder_of_classes_is_split_the_same_way_everywhere(tmp_path):
    fill(tmp_path / "one", 10), fill(tmp_path / "other", 10)
    (tmp_path / "one" / "bars" / ".hidden").write_bytes(b"")
    found = [data.folder("x", tmp_path / n, size=24).all() for n in ("one", "other")]
    for here, there in zip(*found, strict=True):
        np.testing.assert_array_equal(here, there)
    train, labels, test, test_labels = found[0]
    assert train.shape == (56, 24, 24, 3) and test.shape == (14, 24, 24, 3)
    assert np.bincount(labels).tolist() == [8] * 7
    assert np.bincount(test_labels).tolist() == [2] * 7
    assert (np.diff(labels) != 0).mean() > 0.6  # the first ones are of all classes
    pixels, names = np.concatenate([train, test]), [*labels, *test_labels]
    shown = {(c, x[..., 0].tobytes()) for c, x in zip(names, pixels, strict=True)}
    assert shown == {(c, image(c, n).tobytes()) for c in range(7) for n in range(10)}


def test_images_are_cropped_to_a_square_and_colours_kept(tmp_path):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 10:30] = 255, 128, 0  # the middle
    for part in ("train", "test"):
        for name in ("a", "b"):
            (tmp_path / part / name).mkdir(parents=True)
            Image.fromarray(pixels).save(tmp_path / part / name / "x.png")
    colour = data.folder("x", tmp_path, size=10).all()
    grey = data.folder("x", tmp_path, size=20, channels=1).all()
    assert (colour.train_images[:, :, 2:-2] == (255, 128, 0)).all()
    assert grey.test_images.shape == (2, 20, 20)
    assert (grey.test_images == round(0.299 * 255 + 0.587 * 128)).all()


def test_what_is_wrong_with_a_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere holds images of 0 classes.*train/CL"):
        data.folder("x", tmp_path / "nowhere")
    fill(tmp_path / "few", 4)
    with pytest.raises(DataError, match=r"few: bars, circle.*no test images.*five"):
        data.folder("x", tmp_path / "few")
    root = tmp_path / "halves"
    fill(root / "train", 2, NAMES[:2]), fill(root / "test", 2, NAMES[:3])
    with pytest.raises(DataError, match="halves: cross has no training"):
        data.folder("x", root)
    good = data.folder("x", fill(tmp_path / "good", 5))
    broken = tmp_path / "good" / "dots" / "002.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(DataError, match=r"dots/002\.png cannot be read.*remove it"):
        data.register(good)
    Image.fromarray(np.full((24, 24), 40_000, np.uint16)).save(broken)
    with pytest.raises(DataError, match=r"002\.png.*8 bits"):
        data.register(good)


# --- what may be registered ---------------------------------------------------------

EMPTY = {"test_images": np.zeros((0, 8, 8), np.uint8), "test_labels": np.zeros(0, int)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"train_labels": np.arange(20) % 8},
            "training labels are.* 0 to 7.*0 to 6",
        ),
        ({"test_labels": np.arange(10) % 7 - 1}, "test labels are from -1.*classes=7"),
        ({"train_labels": np.arange(20) % 7 / 1}, "labels float64"),
        ({"test_labels": np.arange(9) % 7}, r"labels int64 \(9,\)"),
        ({"train_images": np.zeros((20, 8, 8))}, "float64.*must be uint8"),
        ({"test_images": np.zeros((10, 8, 8, 3), np.uint8)}, r"8, 3\).*width, 1\)"),
        ({"train_images": np.zeros((20, 64), np.uint8)}, r"\(20, 64\)"),
        (EMPTY, r"\(0, 8, 8\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(changes, words):
    arrays = raw()._replace(**changes)
    with pytest.raises(DataError, match=f"'shapes': .*{words}"):
        data.register(Source("shapes", lambda: arrays, 1, 7))
    with pytest.raises(InputError, match="Unknown data set 'shapes'.*register"):
        data.DataSpec("shapes", 1, 1, 8)


def test_other_mistakes_are_named():
    with pytest.raises(InputError, match="already has a data set 'mnist'"):
        data.register(Source("mnist", raw, 1, 7))
    with pytest.raises(InputError, match="classes=1 must be .*2 or more"):
        Source("shapes", raw, 1, classes=1)
    own()
    with pytest.raises(DataError, match="shapes was asked for 21.*20 and 10"):
        data.load(data.DataSpec("shapes", 21, 1, 8))


@pytest.mark.parametrize("classes", [2, 7, 12])
def test_labels_are_permuted_for_the_right_number_of_classes_or_not_at_all(classes):
    data.register(Source("shapes", lambda: raw(24, 12, classes), 1, classes))
    setup = setup_of(train=24, test=12)
    words = rf"10 classes.*has {classes}.*LabelPermutation\(classes={classes}\)"
    wrong, right = deficits.LabelPermutation(), deficits.LabelPermutation(classes)
    with pytest.raises(InputError, match=words):
        cp.windows("x", "mine", "", setup, [(wrong, 0, 1)], 1)
    with pytest.raises(InputError, match=words):
        training.train(setup, 0, [(wrong, 1)])
    labels = data.load(setup.data).train_labels
    told = right.labels(labels, 0)
    assert (told != labels).all() and set(told.tolist()) == set(range(classes))


# --- one content, one name ----------------------------------------------------------


def test_other_content_under_the_same_name_is_another_study():
    def study():
        return cp.windows("x", "mine", "", setup_of(train=8, test=8), [], 1)

    def key():
        return plan.state_key(study().setup, 0, (), 1, "cpu")

    own()
    first = study().hash, key(), data.load(study().setup.data)
    own()
    assert (study().hash, key()) == first[:2]
    assert data.load(study().setup.data) is first[2]
    old = study()
    own(seed=1)
    assert study().hash != first[0] and key() != first[1]
    assert data.load(study().setup.data).fingerprint != first[2].fingerprint
    assert old.hash == first[0]
    with pytest.raises(InputError, match="'shapes' was registered anew.*create"):
        data.load_raw(old.setup.data)
    data.register(Source("shapes", lambda: raw(seed=1), 1, classes=8))
    assert data.load(study().setup.data).classes == 8


def test_the_sets_of_cplib_are_described_as_ever():
    spec = data.DataSpec("gratings", 4, 2, 8, (("fine", 0.5),)).spec()
    assert spec == {
        "name": "gratings", "train": 4, "test": 2, "size": 8, "options": {"fine": 0.5}
    }  # fmt: skip
    own()
    assert len(data.DataSpec("shapes", 4, 2, 8).spec()["content"]) == 32


def test_a_set_that_has_changed_since_is_not_trained_on(tmp_path):
    data.register(data.folder("shapes", fill(tmp_path / "x", 5), channels=1))
    image(0, 99).save(tmp_path / "x" / "bars" / "000.png")
    with pytest.raises(DataError, match="'shapes' have changed.*register it again"):
        data.load(data.DataSpec("shapes", 8, 7, 8))


def test_a_specification_brings_its_set_along():
    """As to a worker process, which may have another set of that name."""
    data.register(Source("shapes", raw, 1, 7))
    sent = pickle.dumps(setup_of(train=8, test=8))
    wanted = data.load(setup_of(train=8, test=8).data)
    own(seed=1)
    received = pickle.loads(sent)
    assert torch.equal(data.load(received.data).train_images, wanted.train_images)
    assert pickle.loads(pickle.dumps(data.DataSpec("mnist", 1, 1, 8))).size == 8
