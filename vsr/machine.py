"""What this machine offers a run: processor, versions, backends, hardware codecs, optional packages, and why not."""

import importlib
import os
import platform
from contextlib import suppress
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from vsr import backends
from vsr.errors import VsrError
from vsr.frames import MATRIX_BT709, ColorSpace, PixelLayout, VideoInfo
from vsr.io import inventory
from vsr.networks import load
from vsr.placement import choose_placement
from vsr.scaling import DEFAULT_NETWORK
from vsr.spec import make_spec

_VERSIONS = ("vsr", "av", "numpy", "safetensors", "typer", "rich")
_CPU_FEATURES = {
    "AVX512-BF16": "_is_avx512_bf16_supported",
    "AVX512-VNNI": "_is_vnni_supported",
    "AMX": "_is_amx_tile_supported",
    "AMX-FP16": "_is_amx_fp16_supported",
}
# Import name -> (what it is for, what to install).
_OPTIONAL = {
    "onnx": ("weights in ONNX files", "pip install 'vsr[community]'"),
    "spandrel": ("weights of networks that vsr has not", "pip install 'vsr[community]'"),
    "tensorboard": ("scalars of 'vsr train'", "pip install tensorboard"),
    "cv2": ("the window of 'vsr live', and the optical flow of 'vsr eval --tof'", "pip install 'vsr[live]'"),
    "pyvirtualcam": ("the virtual camera of 'vsr live'", "pip install 'vsr[live]'"),
    "aiortc": ("the page of 'vsr live'", "pip install 'vsr[web]'"),
    "ray": ("'vsr run --cluster'", "pip install 'vsr[cluster]'"),
    "PIL": ("the JPEG track of 'vsr eval'", "pip install 'vsr[eval]'"),
    "tensorrt": ("--backend tensorrt", "pip install tensorrt"),
    "tensorrt_rtx": ("--backend tensorrt, where tensorrt is absent", "pip install tensorrt-rtx-cu13"),
}


def examine() -> dict[str, Any]:
    """Plain values about the machine; nothing here raises for what is absent, it is told instead."""
    return {
        "versions": _versions(),
        "machine": _machine(),
        "backends": {name: _backend(name) for name in backends.names()},
        "default": _default_placement(),
        "hardware_codecs": _hardware(),
        "encoders": inventory.encoders_present(),
        "optional": {name: _optional(name, use, cure) for name, (use, cure) in _OPTIONAL.items()},
    }


def _versions() -> dict[str, str]:
    installed = {name: version(name) for name in _VERSIONS}
    # torch itself says which build it is (such as +cu130), its package's metadata may not.
    known = {"torch": torch.__version__, "ffmpeg": inventory.ffmpeg_version()}
    return {"python": platform.python_version(), **installed, **known}


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "capability": [torch.backends.cpu.get_cpu_capability(), *_cpu_features()],
        "memory_bytes": _memory_bytes(),
        "gpus": [_gpu(index) for index in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda,
    }


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _cpu_features() -> list[str]:
    probes = {name: getattr(torch.cpu, probe, None) for name, probe in _CPU_FEATURES.items()}
    return [name for name, probe in probes.items() if probe is not None and probe()]


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _gpu(index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    return {
        "device": f"cuda:{index}",
        "name": properties.name,
        "memory_bytes": properties.total_memory,
        "compute_capability": f"{properties.major}.{properties.minor}",
    }


def _backend(name: str) -> dict[str, Any]:
    """Its devices and the precision that ``auto`` takes on each, or why it can't be used."""
    facts: dict[str, Any] = {"summary": backends.summary(name), "unavailable": None, "devices": {}}
    try:
        backend = backends.get(name)
        facts["devices"] = {device: backend.precision(device, "auto") for device in backend.devices()}
    except VsrError as error:
        facts["unavailable"] = str(error)
    return facts


def _default_placement() -> dict[str, Any]:
    """Where a run without options puts its network, decided by the code of a run."""
    spec = make_spec("", "")
    layout, color = PixelLayout("yuv", 8, 1, 1), ColorSpace(MATRIX_BT709, full_range=False)
    info = VideoInfo(1920, 1080, layout, color, time_base=Fraction(1, 25), frame_rate=Fraction(25))
    try:
        placement = choose_placement(spec, load(spec.network or DEFAULT_NETWORK, 2, spec.weights), info)
    except VsrError as error:
        return {"refused": str(error)}
    return {"backend": placement.backend, "device": placement.device, "precision": placement.precision}


def _hardware() -> dict[str, Any]:
    errors = inventory.hardware_errors()
    return {
        kind: {"unavailable": errors[kind], "encoders": [name for name in names if inventory.has_encoder(name)]}
        for kind, names in inventory.HARDWARE.items()
    }


def _optional(name: str, use: str, cure: str) -> dict[str, Any]:
    """Imported, not only looked up: an installed package may still lack a library of the system."""
    facts: dict[str, Any] = {"use": use, "version": None, "problem": None}
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError:
        facts["problem"] = f"not installed ({cure})"
    except (ImportError, RuntimeError) as error:  # spandrel's torchvision raises the latter beside another torch
        facts["problem"] = f"installed but can't be imported: {error}{_missing_library_cure(str(error))}"
    else:
        facts["version"] = getattr(module, "__version__", None) or _distribution_version(name)
    return facts


def _missing_library_cure(message: str) -> str:
    if "libGL" not in message and "libgthread" not in message:
        return ""
    return "; replace opencv-python by opencv-python-headless, or install the system packages libgl1 and libglib2.0-0"


def _distribution_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
