"""The dataset classes of torchvision can be had in a fresh interpreter, whatever its operators."""

import errno
import http.server
import socket
import subprocess
import sys
import threading
import time

import pytest

from linvae.images import mirrors
from linvae.images.mirrors import (
    MirrorError,
    answers,
    dataset_class,
    download,
    import_datasets,
)
from linvae.images.registry import DATASETS, IMAGE_FILES


def _run(code):
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_import_works_in_a_fresh_interpreter():
    done = _run(
        "from linvae.images.mirrors import dataset_class\n"
        "mnist = dataset_class('MNIST')\n"
        "assert mnist is dataset_class('MNIST')\n"
        "assert len(mnist.resources) == 4 and mnist.mirrors, mnist\n"
        "import torchvision\n"
        "assert torchvision.datasets.MNIST is mnist\n"
    )
    assert done.returncode == 0, done.stderr


def test_import_works_after_somebody_else_failed():
    done = _run(
        "try:\n"
        "    import torchvision\n"
        "except RuntimeError:\n"
        "    pass\n"
        "from linvae.images.mirrors import dataset_class\n"
        "assert dataset_class('KMNIST').resources\n"
    )
    assert done.returncode == 0, done.stderr


def test_other_failures_of_the_import_are_not_hidden(monkeypatch):
    def fail(name):
        msg = "something else"
        raise RuntimeError(msg)

    monkeypatch.setattr(mirrors.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="something else"):
        import_datasets()


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_pinned_hashes_are_those_of_torchvision(name):
    expected = dict(dataset_class(name).resources)
    assert set(DATASETS[name]) == set(IMAGE_FILES.values())
    # The first of those accepted.
    assert {file: hashes[0] for file, hashes in DATASETS[name].items()} == {
        file: expected[file] for file in DATASETS[name]
    }


def test_silent_mirror_is_given_up_within_the_time_limit(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(mirrors, "PROBE_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tried = [f"http://127.0.0.1:{silent.getsockname()[1]}/", "http://127.0.0.1:1/"]
        monkeypatch.setattr(dataset_class("MNIST"), "mirrors", tried)
        start = time.monotonic()
        with pytest.raises(MirrorError) as caught:
            download("MNIST", tmp_path)
        # The limits add up to 1.6 s; without them it would be forever.
        assert time.monotonic() - start < 10
    assert all(mirror in str(caught.value) for mirror in tried)


def test_endless_name_lookup_is_given_up(monkeypatch, tmp_path):
    released = threading.Event()

    def hang(request, timeout):
        released.wait(60)
        raise OSError

    monkeypatch.setattr(mirrors, "PROBE_TIMEOUT", 0.1)
    monkeypatch.setattr(mirrors.urllib.request, "urlopen", hang)
    start = time.monotonic()
    with pytest.raises(MirrorError, match=r"no answer within 0.1 s"):
        download("MNIST", tmp_path)
    # A name look-up obeys no timeout of urllib; the limit here is 1.1 s.
    assert time.monotonic() - start < 10
    released.set()


def test_a_dataset_answers_if_one_of_its_mirrors_does(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")

    class Found(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    refusing = "http://127.0.0.1:1/"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Found) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mirror = f"http://127.0.0.1:{server.server_port}/"
        for mirrors_of, expected in (([refusing, mirror], True), ([refusing], False), ([], False)):
            monkeypatch.setattr(dataset_class("MNIST"), "mirrors", mirrors_of)
            assert answers("MNIST") is expected
        server.shutdown()


@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_without_a_usable_torchvision_no_mirror_is_asked(monkeypatch, error):
    def fail(name):
        raise error

    def asked(mirrors, name):
        pytest.fail("a mirror was asked")

    monkeypatch.setattr(mirrors, "dataset_class", fail)
    monkeypatch.setattr(mirrors, "_probe", asked)
    assert answers("MNIST") is False


def test_full_disk_is_not_blamed_on_the_mirror(monkeypatch, tmp_path):
    mnist = dataset_class("MNIST")

    def no_space(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(mirrors, "_probe", lambda mirrors, name: (mirrors, {}))
    monkeypatch.setattr(mnist, "download", no_space)
    with pytest.raises(OSError, match="No space left") as caught:
        download("MNIST", tmp_path)
    assert not isinstance(caught.value, MirrorError)
    assert socket.getdefaulttimeout() is None
