"""The machine and the programs of a benchmark, in words that name neither host nor folder."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch
from threadpoolctl import threadpool_info

import linvae

__all__ = ["described"]

_CPU_INFO = Path("/proc/cpuinfo")


def described() -> pd.DataFrame:
    """Return what a reader must know to compare times, in two columns."""
    facts = {
        "CPU": _cpu_model(),
        "cores": f"{os.cpu_count()}, of which this run may use {_usable_cores()}",
        "memory": f"{_memory_gib():.0f} GiB",
        "OS": f"{_system()}, {platform.machine()}",
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "BLAS": "; ".join(sorted(set(_blas(threadpool_info())))) or "unknown to threadpoolctl",
        "threads of torch": torch.get_num_threads(),
        "linvae": linvae.__version__,
        "load before (cores in use)": f"{os.getloadavg()[0]:.1f}",
    }
    return pd.DataFrame({"what": facts.keys(), "of this run": [str(v) for v in facts.values()]})


def _cpu_model() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _usable_cores() -> int:
    # Not every system tells a process its cores.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def _blas(libraries: Iterable[dict]) -> Iterable[str]:
    for one in libraries:
        if one["user_api"] == "blas":
            threads = one["num_threads"]
            yield f"{one['internal_api']} {one['version']}, {threads} thread{'s'[: threads > 1]}"
