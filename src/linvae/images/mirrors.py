"""The one place that imports torchvision: its dataset classes, and the download through them.

The torchvision wheels for CUDA fail to import beside a CPU build of torch: their compiled
operators are not loaded, and registering a shape rule for one of them raises ``operator
torchvision::nms does not exist``. Reading datasets needs none of those operators, so they are
declared here by name, without an implementation, and the import is tried once more.
"""

import errno
import importlib
import importlib.util
import queue
import re
import socket
import sys
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from types import ModuleType

__all__ = ["MirrorError", "answers", "dataset_class", "download", "import_datasets"]

# Seconds. A mirror that does not answer at all is given up quickly; one that answers may be slow.
PROBE_TIMEOUT = 5.0
READ_TIMEOUT = 30.0

# Not the mirror's fault, and no reason to look for the data elsewhere.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)

# A library's definitions live as long as the object: it must outlive the import.
_declared: list[object] = []


class MirrorError(RuntimeError):
    """No mirror delivered a file."""


def import_datasets() -> ModuleType:
    """Return the module ``torchvision.datasets``, also where torchvision's operators are missing.

    Raises
    ------
    ImportError
        If torchvision is not installed.
    RuntimeError
        If its import fails for a reason other than operators that are not registered.
    """
    with warnings.catch_warnings():
        # The image codecs are compiled too, and torchvision warns when they do not load.
        warnings.filterwarnings("ignore", message="Failed to load image Python extension")
        try:
            return importlib.import_module("torchvision.datasets")
        except RuntimeError as error:
            if not re.search(r"operator torchvision::\w+ does not exist", str(error)):
                raise
        _declare_operators()
        # The failed import leaves half of its submodules behind, bound to no package.
        for module in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        return importlib.import_module("torchvision.datasets")


def dataset_class(name: str) -> type:
    """Return torchvision's class of that name, with its ``mirrors`` and ``resources``.

    Raises
    ------
    ImportError, RuntimeError
        As `import_datasets`.
    """
    return getattr(import_datasets(), name)


def answers(name: str) -> bool:
    """Whether a mirror of a dataset answers; without a usable torchvision none is asked."""
    try:
        base = dataset_class(name)
    except (ImportError, RuntimeError):
        return False
    return bool(_probe(base.mirrors, base.resources[0][0])[0])


def download(name: str, folder: Path) -> None:
    """Download the four files of a dataset into ``<name>/raw`` below a folder.

    The class of torchvision does the work: it tries its mirrors in turn and checks the MD5 of
    each file. Mirrors that do not answer within seconds are left out beforehand, as torchvision
    sets no time limit.

    Parameters
    ----------
    name
        Name of the class in ``torchvision.datasets``.
    folder
        An existing folder that is the caller's own; what a failed download leaves stays in it.

    Raises
    ------
    MirrorError
        If no mirror answers, or none delivers a file. The message names those tried.
    OSError
        If the files cannot be written.
    ImportError, RuntimeError
        As `import_datasets`.
    """
    base = dataset_class(name)
    reachable, failures = _probe(base.mirrors, base.resources[0][0])
    if not reachable:
        tried = "; ".join(f"{mirror} ({reason})" for mirror, reason in failures.items())
        msg = f"no mirror of {name} could be reached: {tried}"
        raise MirrorError(msg)
    # torchvision names the folder after the class, hence the same name.
    answering = type(name, (base,), {"mirrors": reachable})
    try:
        with _socket_timeout(READ_TIMEOUT):
            answering(root=str(folder), train=False, download=True)
    except (RuntimeError, OSError, EOFError, HTTPException) as error:
        if getattr(error, "errno", None) in _DISK_ERRORS:
            raise
        reason = " ".join(str(error).split())
        msg = f"the download of {name} from {', '.join(reachable)} failed: {reason}"
        raise MirrorError(msg) from error


def _declare_operators() -> None:
    """Declare each operator for which torchvision registers a shape rule by its full name."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    root = Path(next(iter(spec.submodule_search_locations)))
    source = (root / "_meta_registrations.py").read_text(encoding="utf-8")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in sorted(set(re.findall(r'register_fake\("torchvision::(\w+)"\)', source))):
        # Never called here: any schema will do.
        library.define(f"{operator}(Tensor input) -> Tensor")
    _declared.append(library)


def _probe(mirrors: list[str], filename: str) -> tuple[list[str], dict[str, str]]:
    """Ask all mirrors at once for a file's head; return those that answer, and why others fail.

    In threads, as the time that a name look-up takes has no other bound.
    """
    answers: queue.Queue[tuple[str, str]] = queue.Queue()

    def ask(mirror: str) -> None:
        request = urllib.request.Request(mirror + filename, headers={"User-Agent": "linvae"})
        try:
            with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT):
                answers.put((mirror, ""))
        except (OSError, HTTPException, ValueError) as error:
            answers.put((mirror, str(getattr(error, "reason", error)) or repr(error)))

    for mirror in mirrors:
        threading.Thread(target=ask, args=(mirror,), daemon=True).start()
    reasons = dict.fromkeys(mirrors, f"no answer within {PROBE_TIMEOUT:g} s")
    for _ in mirrors:
        try:
            mirror, reason = answers.get(timeout=PROBE_TIMEOUT + 1)
        except queue.Empty:
            break
        reasons[mirror] = reason
    reachable = [mirror for mirror in mirrors if not reasons[mirror]]
    return reachable, {mirror: reason for mirror, reason in reasons.items() if reason}


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Bound each wait for the network: torchvision hands urllib no timeout of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
