"""Scores as a plain table for JSON."""

import math
from pathlib import Path
from typing import Any

from vsr.evaluation.benchmark import BenchmarkResult
from vsr.networks import LoadedNetwork, parameter_count


def benchmark_table(result: BenchmarkResult, loaded: LoadedNetwork, data: Path) -> dict[str, Any]:
    """Means, what was measured, and each image's scores; ``psnr_y`` in dB, None for identical images (infinite)."""
    return {
        "psnr_y": _finite(result.psnr_y),
        "ssim_y": result.ssim_y,
        "network": loaded.network.name,
        "scale": loaded.network.scale,
        "weights": loaded.weights_name,
        "weights_sha256": loaded.sha256,
        "parameters": parameter_count(loaded.network),
        "data": str(data),
        "images": [
            {"name": image.name, "psnr_y": _finite(image.psnr_y), "ssim_y": image.ssim_y} for image in result.images
        ],
    }


def _finite(decibels: float) -> float | None:
    return decibels if math.isfinite(decibels) else None
