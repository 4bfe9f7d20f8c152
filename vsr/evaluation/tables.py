"""What was measured as plain values for JSON; decibels are None for identical images (infinite)."""

import math
from dataclasses import asdict
from typing import Any

from vsr.evaluation.published import published
from vsr.evaluation.run import Evaluation, ImageRun, Subject, VideoRun
from vsr.networks import LoadedNetwork, parameter_count


def evaluation_table(evaluation: Evaluation) -> dict[str, Any]:
    """``networks`` with their costs, ``images`` and ``videos`` with one entry for each run.

    Of one network on one folder, just the entry of that run.
    """
    if evaluation.spec.single:
        return _image_run(evaluation.images[0])
    return {
        "networks": [_subject(one) for one in evaluation.subjects],
        "images": [_image_run(one) for one in evaluation.images],
        "videos": [_video_run(one) for one in evaluation.videos],
    }


def _image_run(run: ImageRun) -> dict[str, Any]:
    """Means, what was measured, each image's scores, and the score published for it or None."""
    network = run.loaded.network
    score = published(run.loaded, run.track, run.data.name)
    beside = None if score is None else {"psnr_y": score.psnr_y, "ssim_y": score.ssim_y, "source": score.source}
    return {
        "psnr_y": _finite(run.result.psnr_y),
        "ssim_y": run.result.ssim_y,
        **_network(run.loaded),
        "parameters": parameter_count(network),
        "data": str(run.data),
        "track": run.track,
        "published": beside,
        "images": [
            {"name": image.name, "psnr_y": _finite(image.psnr_y), "ssim_y": image.ssim_y} for image in run.result.images
        ],
    }


def _video_run(run: VideoRun) -> dict[str, Any]:
    return {
        "psnr_y": _finite(run.result.psnr_y),
        "ssim_y": run.result.ssim_y,
        **{measure: run.result.temporal_mean(measure) for measure in run.result.temporal},
        **_network(run.loaded),
        "data": str(run.data),
        "coding": None if run.coding is None else asdict(run.coding),
        "frames": [{"psnr_y": _finite(one.psnr_y), "ssim_y": one.ssim_y} for one in run.result.frames],
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        **_network(subject.loaded),
        "parameters": parameter_count(subject.loaded.network),
        "gmac_to_4k": subject.gmac_to_4k,
        "timing": None if subject.timing is None else asdict(subject.timing),
    }


def _network(loaded: LoadedNetwork) -> dict[str, Any]:
    return {
        "network": loaded.network.name,
        "scale": loaded.network.scale,
        "weights": loaded.weights_name,
        "weights_sha256": loaded.sha256,
    }


def _finite(decibels: float) -> float | None:
    return decibels if math.isfinite(decibels) else None
