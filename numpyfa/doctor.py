"""What this machine has: versions, BLAS and threads, cupy distributions, and whether a GPU can be used."""

import os
import platform
from importlib import metadata
from typing import Any

import numpy as np

from .backend import THREADS, find_gpu


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> dict[str, Any]:
    """What a result should have recorded beside it: {what: value}."""
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return {
        "numpyfa": version("numpyfa"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores(),
    }


def examine() -> list[tuple[str, Any]]:
    """The lines of `numpyfa doctor`, as (what, finding)."""
    found = list(machine().items())
    found += [(name, version(name)) for name in ("matplotlib", "pooch", "tqdm")]
    settings = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    found.append(("BLAS threads", _blas_threads() or ", ".join(settings) or f"not limited, so up to {cores()}"))
    cupies = [d for d in metadata.distributions() if (d.metadata["Name"] or "").lower().startswith("cupy")]
    names = sorted({f"{d.metadata['Name']} {d.version}" for d in cupies})
    found.append(("cupy distributions", ", ".join(names) or "none"))
    if len(names) > 1:
        found.append(("warning", "several cupy distributions break each other: keep one"))
    cupy, reason = find_gpu()
    if cupy is None:
        return [*found, ("GPU", f"no: {reason}")]
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return [*found, ("GPU", f"yes: {properties['name'].decode()}, CUDA {cupy.cuda.runtime.runtimeGetVersion()}")]


def version(name: str) -> str:
    """The version of an installed distribution, or a word that it is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _blas_threads() -> str | None:
    """The threads in force, where threadpoolctl is installed to ask."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return None
    return ", ".join(f"{pool['num_threads']} ({pool['internal_api']})" for pool in threadpool_info()) or None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
