"""Downloads from a local server that can be as unkind as real ones."""

import errno
import gzip
import hashlib
import http.server
import io
import os
import socket
import struct
import subprocess
import sys
import tarfile
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from torchvision import datasets

from cplib._base import files as storage
from cplib.data import download
from cplib.data.download import Archive
from cplib.data.source import KNOWN
from cplib.errors import DataError, InputError, StorageError

BODY = np.random.default_rng(0).bytes(700_000)


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


MD5 = md5(BODY)


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; `cuts` holds after how many bytes each next answer breaks off."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cuts, self.asked = {"file.bin": BODY}, [], []
        self.folders = set()
        self.ranges, self.lengths, self.statuses, self.wait = True, True, [], 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, name = self.server, self.path.partition("?")[0].rsplit("/", 1)[-1]
        wanted = self.headers.get("Range")
        server.asked.append((name, wanted))
        server.folders.add(self.path.rpartition("/")[0])
        status = server.statuses.pop(0) if server.statuses else 200
        if name not in server.files:
            status = 404
        if status != 200:
            return self.send_error(status)
        body = server.files[name]
        start = int(wanted[6:-1]) if wanted and server.ranges else 0
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            end = len(body) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(body)}")
        if server.lengths:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else len(body)
        self.wfile.write(body[start : start + cut])
        self.wfile.flush()
        if cut < len(body):
            time.sleep(server.wait)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def archive(server):
    return Archive("file.bin", MD5, (f"{server.url}/",))


def part_of(folder, content=None):
    part = folder / "file.bin.part"
    if content is not None:
        part.write_bytes(content)
    return part


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_file_comes_once_with_its_progress(server, archive, tmp_path, capsys):
    for _ in range(2):
        assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert server.asked == [("file.bin", None)]
    shown = capsys.readouterr().err
    assert "file.bin" in shown and "700k/700k" in shown
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def test_a_cut_connection_is_resumed(server, archive, tmp_path):
    server.cuts = [200_000, 300_000]
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    ranges = [wanted for _, wanted in server.asked]
    assert ranges == [None, "bytes=200000-", "bytes=500000-"]


def test_what_an_earlier_run_left_is_not_asked_for_again(server, archive, tmp_path):
    part_of(tmp_path, BODY[:600_000])
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert server.asked == [("file.bin", "bytes=600000-")]


def test_a_part_that_is_the_whole_needs_its_name_only(server, archive, tmp_path):
    part_of(tmp_path, BODY)
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert len(server.asked) == 1


@pytest.mark.parametrize("left", [b"?" * 1000, b"?" * 800_000])
def test_a_part_of_another_file_is_thrown_away(server, archive, tmp_path, left):
    part_of(tmp_path, left)
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert server.asked[-1] == ("file.bin", None)


def test_a_server_without_range_sends_it_all_again(server, archive, tmp_path):
    server.ranges, server.cuts = False, [200_000]
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert len(server.asked) == 2


def test_without_a_length_the_checksum_decides(server, archive, tmp_path):
    server.lengths, server.cuts = False, [200_000]
    with pytest.raises(DataError, match="checksum differs"):
        download.fetch(archive, tmp_path)
    assert not list(tmp_path.iterdir())
    assert download.fetch(archive, tmp_path).read_bytes() == BODY


def test_a_file_with_another_checksum_is_not_kept(server, archive, tmp_path):
    server.files["file.bin"] = BODY[:-1] + b"?"
    with pytest.raises(DataError, match=r"file\.bin.*checksum differs"):
        download.fetch(archive, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_archive_is_fetched_again(server, archive, tmp_path):
    (tmp_path / "file.bin").write_bytes(BODY[:100])
    assert download.fetch(archive, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (503, 3)])
def test_a_refusal_is_told_and_only_a_busy_server_asked_again(
    server, archive, tmp_path, status, tries
):
    server.statuses = [status] * 9
    with pytest.raises(DataError, match=f"HTTP {status}"):
        download.fetch(archive, tmp_path)
    assert len(server.asked) == tries


def test_a_busy_server_is_asked_again(server, archive, tmp_path):
    server.statuses = [503, 500]
    assert download.fetch(archive, tmp_path).read_bytes() == BODY


def test_a_silent_server_counts_as_cut_off(server, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "SILENCE", 0.2)
    server.cuts, server.wait = [300_000], 1
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert server.asked[1] == ("file.bin", "bytes=300000-")


def test_the_next_address_goes_on_where_the_last_one_failed(server, tmp_path):
    server.cuts = [400_000, 0, 0, 0]
    nobody = f"http://127.0.0.1:{closed_port()}/"
    servers = (nobody, f"{server.url}/", f"{server.url}/again/")
    path = download.fetch(Archive("file.bin", MD5, servers), tmp_path)
    assert path.read_bytes() == BODY
    assert server.asked[-1] == ("file.bin", "bytes=400000-")


def test_every_address_that_failed_is_named(server, tmp_path):
    servers = (f"http://127.0.0.1:{closed_port()}/", f"{server.url}/none/")
    del server.files["file.bin"]
    with pytest.raises(DataError, match=r"refused.*none/file\.bin.*404"):
        download.fetch(Archive("file.bin", MD5, servers), tmp_path)


def test_a_full_disk_is_told_and_what_came_is_kept(
    server, archive, tmp_path, monkeypatch
):
    class Full(io.FileIO):
        def write(self, chunk):
            if self.tell() > 200_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(chunk[:5_000])  # a part, as disks do

    monkeypatch.setattr(download, "open", lambda path, mode, **_: Full(path, mode),
                        raising=False)  # fmt: skip
    with pytest.raises(StorageError, match="full.*CPLIB_DATA"):
        download.fetch(archive, tmp_path)
    assert not (tmp_path / "file.bin").exists()
    kept = part_of(tmp_path).read_bytes()
    assert len(kept) > 200_000 and kept == BODY[: len(kept)]
    monkeypatch.delattr(download, "open")
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert server.asked[-1] == ("file.bin", f"bytes={len(kept)}-")


def test_a_killed_process_leaves_a_part_that_is_resumed(server, archive, tmp_path):
    """A real process, killed in the middle, never to clean up after itself."""
    server.cuts, server.wait = [250_000], 60
    code = "from pathlib import Path\n"
    code += "from cplib.data.download import Archive, fetch\n"
    code += f"fetch({archive!r}, Path({str(tmp_path)!r}))"
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    part = part_of(tmp_path)
    while not (part.exists() and part.stat().st_size == 250_000):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert not (tmp_path / "file.bin").exists()
    assert download.fetch(archive, tmp_path).read_bytes() == BODY
    assert server.asked[-1] == ("file.bin", "bytes=250000-")


# -- whole data sets, unpacked and parsed


CIFAR10, MNIST = KNOWN["cifar10"], KNOWN["mnist"]
CIFAR = CIFAR10.archives[0].name


@pytest.fixture
def cifar(server, monkeypatch):
    """A CIFAR-10 of 10 training and 2 test images, as published; labels and pixels."""
    random, parts, buffer = np.random.default_rng(1), {}, io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in ("test_batch", *(f"data_batch_{i}" for i in (3, 1, 2, 5, 4))):
            pixels = random.integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
            labels = random.integers(0, 10, 2, dtype=np.uint8)
            parts[name] = labels, pixels
            records = np.column_stack([labels, pixels.reshape(2, -1)]).tobytes()
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            entry.size = len(records)
            tar.addfile(entry, io.BytesIO(records))
    server.files[CIFAR] = buffer.getvalue()
    archive = Archive(CIFAR, md5(buffer.getvalue()), (f"{server.url}/",))
    monkeypatch.setitem(KNOWN, "cifar10", replace(CIFAR10, archives=(archive,)))
    return parts


@pytest.fixture
def mnist(server, monkeypatch):
    random, archives, parts = np.random.default_rng(2), [], []
    for name in (archive.name for archive in MNIST.archives):
        count = 5 if name.startswith("train") else 3
        shape = (count, 28, 28) if "images" in name else (count,)
        values = random.integers(0, 10, shape, dtype=np.uint8)
        head = struct.pack(f">{1 + len(shape)}i", 0x800 + len(shape), *shape)
        server.files[name] = gzip.compress(head + values.tobytes())
        servers = f"{server.url}/gone/", f"{server.url}/"
        archives.append(Archive(name, md5(server.files[name]), servers))
        parts.append(values)
    monkeypatch.setitem(KNOWN, "mnist", replace(MNIST, archives=tuple(archives)))
    return parts


def stored(name):
    return KNOWN[name].all()


def test_the_archives_are_the_published_ones():
    """Names, checksums and servers as torchvision has them; it lacks the binary one."""
    assert {a.name: a.md5 for a in MNIST.archives} == dict(datasets.MNIST.resources)
    assert all(list(a.servers) == datasets.MNIST.mirrors for a in MNIST.archives)
    url = CIFAR10.archives[0].servers[0] + CIFAR
    assert url == datasets.CIFAR10.url.replace("python", "binary")


def test_cifar10_is_what_the_archive_holds(server, cifar):
    raw = stored("cifar10")
    batches = [cifar[f"data_batch_{i}"] for i in range(1, 6)]
    for images, labels, parts in (
        (raw.train_images, raw.train_labels, batches),
        (raw.test_images, raw.test_labels, [cifar["test_batch"]]),
    ):
        np.testing.assert_array_equal(labels, np.concatenate([y for y, _ in parts]))
        planes = np.concatenate([x for _, x in parts])
        np.testing.assert_array_equal(images.transpose(0, 3, 1, 2), planes)
    again = stored("cifar10")
    np.testing.assert_array_equal(again.train_images, raw.train_images)
    assert len(server.asked) == 1
    names = {path.name for path in storage.data_folder().iterdir()}
    assert names - {"cifar10.lock"} == {"cifar10.npz"}


def test_mnist_is_what_the_archives_hold(mnist):
    for found, wanted in zip(stored("mnist"), mnist, strict=True):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, wanted)


FILES = CIFAR, MNIST.archives[2].name
MIRRORS = ["", "/", *(f"/{f}{end}" for f in FILES for end in ("", "/", "?download=1"))]


@pytest.mark.parametrize("named", MIRRORS)
def test_a_mirror_is_asked_instead(server, cifar, mnist, monkeypatch, named):
    """Where an archive is named, the others are looked for beside it."""
    monkeypatch.setenv("CPLIB_MIRROR", f"{server.url}/sets{named}")
    for name in ("cifar10", "mnist"):
        assert len(stored(name).test_labels)
    assert len(server.asked) == 5
    assert server.folders == {"/sets"}


def test_a_folder_can_be_the_mirror(server, cifar, monkeypatch, tmp_path):
    (tmp_path / CIFAR).write_bytes(server.files[CIFAR])
    monkeypatch.setenv("CPLIB_MIRROR", tmp_path.as_uri())
    assert len(stored("cifar10").train_labels) == 10
    assert not server.asked


@pytest.mark.parametrize("relative", [True, False])
def test_a_folder_is_named_as_folders_are(
    server, cifar, monkeypatch, tmp_path, relative
):
    sets = tmp_path / "my sets"
    sets.mkdir()
    (sets / CIFAR).write_bytes(server.files[CIFAR])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CPLIB_MIRROR", sets.name if relative else str(sets))
    assert len(stored("cifar10").train_labels) == 10
    assert not server.asked


@pytest.mark.parametrize("as_path", [True, False])
def test_an_archive_on_a_stick_can_be_named(
    server, cifar, monkeypatch, tmp_path, as_path
):
    path = tmp_path / CIFAR
    path.write_bytes(server.files[CIFAR])
    monkeypatch.setenv("CPLIB_MIRROR", str(path) if as_path else path.as_uri())
    assert len(stored("cifar10").train_labels) == 10
    assert not server.asked


@pytest.mark.parametrize("mirror", ["/media/no-stick", "file://sets", "ftp://x/sets"])
def test_a_mirror_that_is_neither_folder_nor_address_is_refused(monkeypatch, mirror):
    monkeypatch.setenv("CPLIB_MIRROR", mirror)
    with pytest.raises(InputError, match=f"CPLIB_MIRROR='{mirror}'.*file:///"):
        stored("cifar10")


def test_a_failure_says_what_to_do_and_the_next_try_goes_on(server, cifar):
    whole = len(server.files[CIFAR])
    server.cuts = [whole // 2, 0, 0, 0]
    with pytest.raises(DataError) as error:
        stored("cifar10")
    for word in ("cifar10", "cut off", "network", "CPLIB_MIRROR", "CPLIB_DATA", "demo"):
        assert word in str(error.value)
    assert not (storage.data_folder() / "cifar10.npz").exists()
    assert len(stored("cifar10").train_labels) == 10
    assert server.asked[-1] == (CIFAR, f"bytes={whole // 2}-")


def test_an_archive_other_than_the_published_is_not_unpacked(server, cifar):
    server.files[CIFAR] = server.files[CIFAR][:-1] + b"?"
    with pytest.raises(DataError, match="checksum differs"):
        stored("cifar10")
    assert not (storage.data_folder() / "cifar10.npz").exists()


@pytest.mark.filterwarnings("ignore:flock not supported")  # filelock's own words
@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_can_hold_the_data(cifar, monkeypatch, code):
    """No marker takes the lock's place, for which the next one would wait for ever."""
    fcntl = pytest.importorskip("fcntl")

    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.warns(UserWarning, match=r"has no locks.*CPLIB_DATA"):
        assert len(stored("cifar10").train_labels) == 10


def test_two_processes_download_once(server, cifar, capsys):
    server.wait, server.cuts = 2, [100]
    raws = []
    threads = [
        threading.Thread(target=lambda: raws.append(stored("cifar10")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(raws) == 2
    np.testing.assert_array_equal(raws[0].train_images, raws[1].train_images)
    assert [wanted for _, wanted in server.asked] == [None, "bytes=100-"]
    assert "waiting for it" in capsys.readouterr().err
