"""A dataset's files are what their content is, however they are packed, named and placed."""

import bz2
import gzip
import hashlib
import logging
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from linvae.images.load import DataError, fetch, load, local_folder
from linvae.images.registry import DATASETS

TRAIN, TEST = "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"
MNIST = Path(os.environ.get("LINVAE_DATA_DIR", "absent"))


def idx(images):
    return struct.pack(">4I", 0x803, *images.shape) + images.tobytes()


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch):
    monkeypatch.delenv("LINVAE_DATA_DIR", raising=False)


@pytest.fixture
def images(monkeypatch):
    """Images that pass for MNIST's, by the hashes of their files: published, and unzipped."""
    rng = np.random.default_rng(0)
    sizes = {TRAIN: (30, 28, 28), TEST: (20, 28, 28)}
    made = {file: rng.integers(0, 256, size, dtype=np.uint8) for file, size in sizes.items()}
    known = {
        file: [hashlib.md5(content).hexdigest() for content in (published(array), idx(array))]
        for file, array in made.items()
    }
    monkeypatch.setitem(DATASETS, "MNIST", known)
    return made


def published(array):
    return gzip.compress(idx(array), mtime=0)


def plain(file):
    return file.removesuffix(".gz")


def dotted(file):
    return file.replace("-idx", ".idx")


PACKINGS = {
    "published": (str, published),
    "unzipped": (plain, idx),
    "unzipped under the name of the gzip file": (str, idx),
    "dot": (dotted, published),
    "dot, unzipped": (lambda file: plain(dotted(file)), idx),
    "gzipped anew": (str, lambda array: gzip.compress(idx(array), 1, mtime=5)),
    "gzipped twice": (str, lambda array: gzip.compress(published(array), mtime=5)),
    "gzipped twice, .gz.gz": (lambda file: f"{file}.gz", lambda a: gzip.compress(published(a))),
    "another name": (lambda file: f"my-{file[:5]}.bin", idx),
    "another name, gzipped": (lambda file: f"{file[:5]}.gz", lambda a: gzip.compress(idx(a), 1)),
}


@pytest.mark.parametrize("below", [".", "raw", "MNIST", "MNIST/raw"])
@pytest.mark.parametrize("packing", PACKINGS)
def test_files_are_taken_by_their_content(images, tmp_path, packing, below):
    if packing.startswith("another") and below != ".":
        pytest.skip("unknown names are looked for in the folder itself")
    name, pack = PACKINGS[packing]
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.txt").write_text("not one of them")
    for file, array in images.items():
        (folder / name(file)).write_bytes(pack(array))
    found = fetch(local_dir=tmp_path)
    np.testing.assert_array_equal(found.train, images[TRAIN])
    np.testing.assert_array_equal(found.test, images[TEST])
    assert found.provenance.source == "local"
    assert [file.name for file in found.provenance.files] == [name(TRAIN), name(TEST)]


def test_another_packing_is_said(images, tmp_path, caplog):
    (tmp_path / TRAIN).write_bytes(gzip.compress(idx(images[TRAIN]), 1))
    (tmp_path / TEST).write_bytes(published(images[TEST]))
    with caplog.at_level(logging.WARNING):
        load(local_dir=tmp_path)
    assert f"{TRAIN} is packed anew, and unpacks to the images of MNIST" in caplog.text
    assert f"{TEST} is packed anew" not in caplog.text


@pytest.mark.parametrize(
    ("content", "diagnosis"),
    [
        (lambda a: b"", "it is empty"),
        (lambda a: gzip.compress(b""), "it is empty"),
        (lambda a: idx(a)[:-1], "it is no intact gzip file and begins with 00000803"),
        (lambda a: published(a)[:-30], "it is truncated, its gzip stream ends early"),
        (lambda a: bz2.compress(idx(a)), "it is a bzip2 file: unpack it"),
        (lambda a: b"PK\x03\x04" + idx(a), "it is a ZIP archive: unpack it"),
        (lambda a: b"<!DOCTYPE html>", "it is a web page: the download failed"),
        (lambda a: struct.pack(">2I", 0x801, 30) + bytes(30), "it is an IDX file of labels"),
        (lambda a: gzip.compress(struct.pack(">2I", 0x801, 0)), "it is an IDX file of labels"),
        (lambda a: b"version https://git-lfs.github.com/spec/v1", "it is a Git LFS pointer"),
    ],
)
def test_what_is_found_instead_is_said(images, tmp_path, content, diagnosis):
    (tmp_path / TRAIN).write_bytes(content(images[TRAIN]))
    (tmp_path / TEST).write_bytes(published(images[TEST]))
    with pytest.raises(DataError, match=TRAIN) as caught:
        load(local_dir=tmp_path)
    assert diagnosis in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_changed_places_are_recognised(images, tmp_path):
    for file, other in ((TRAIN, TEST), (TEST, TRAIN)):
        (tmp_path / plain(file)).write_bytes(idx(images[other]))
    with pytest.raises(DataError, match=f"it is a file of MNIST, {TEST}"):
        load(local_dir=tmp_path)


def test_a_damaged_file_is_not_passed_over_for_another(images, tmp_path):
    for file, array in images.items():
        (tmp_path / plain(file)).write_bytes(idx(array))
    (tmp_path / TRAIN).write_bytes(published(images[TRAIN])[:-30])
    with pytest.raises(DataError, match="is truncated"):
        load(local_dir=tmp_path)


def test_a_folder_under_the_name_of_a_file_is_passed_over(images, tmp_path):
    # As some archives unpack.
    for file, array in images.items():
        (tmp_path / plain(file)).mkdir()
        (tmp_path / plain(dotted(file))).write_bytes(idx(array))
    np.testing.assert_array_equal(load(local_dir=tmp_path)[0], images[TRAIN])


def test_a_file_given_as_folder_is_called_one(tmp_path):
    (tmp_path / TRAIN).write_bytes(b"")
    with pytest.raises(DataError, match=f"{TRAIN} for MNIST is a file, not a folder"):
        local_folder("MNIST", "local", tmp_path / TRAIN)


@pytest.mark.skipif(not (MNIST / TRAIN).is_file(), reason="LINVAE_DATA_DIR holds no MNIST")
def test_pinned_hashes_of_the_content_are_those_of_the_published_files():
    for file, (known, *_, content) in DATASETS["MNIST"].items():
        packed = (MNIST / file).read_bytes()
        assert hashlib.md5(packed).hexdigest() == known
        assert hashlib.md5(gzip.decompress(packed)).hexdigest() == content
