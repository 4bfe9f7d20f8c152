"""A whole evaluation: every network on every folder, track, video and rate factor that was asked for."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vsr import backends
from vsr.errors import BackendError, SourceError
from vsr.evaluation.benchmark import RUN_PRECISION, BenchmarkResult, evaluate_folder
from vsr.evaluation.cost import Timing, gmac_to_4k, time_frame
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.evaluation.spec import EvaluationSpec
from vsr.evaluation.subjects import load_subjects
from vsr.evaluation.temporal import TemporalMeasure, flow_error, frame_difference_error
from vsr.evaluation.tracks import Track
from vsr.evaluation.video import Pixels, VideoResult, read_truth, score_frames, shrink_clip, upscale_clip
from vsr.io.roundtrip import Coding, Matrix
from vsr.networks import LoadedNetwork

_LEAST_HEIGHT_709 = 720
"""Video below is BT.601 by convention."""


@dataclass(frozen=True)
class Subject:
    """One network with its weights, and what it costs."""

    loaded: LoadedNetwork
    gmac_to_4k: float
    timing: Timing | None


@dataclass(frozen=True)
class ImageRun:
    """One network on one folder of images."""

    loaded: LoadedNetwork
    data: Path
    track: Track
    result: BenchmarkResult


@dataclass(frozen=True)
class VideoRun:
    """One network on one video."""

    loaded: LoadedNetwork
    data: Path
    coding: Coding | None
    """None: not compressed."""
    result: VideoResult


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured, in the order asked for."""

    spec: EvaluationSpec
    subjects: tuple[Subject, ...]
    images: tuple[ImageRun, ...]
    videos: tuple[VideoRun, ...]

    @property
    def scales(self) -> tuple[int, ...]:
        """Of the networks, each once."""
        return _scales(one.loaded for one in self.subjects)


def run_evaluation(spec: EvaluationSpec, tell: Callable[[str], None] = lambda _: None) -> Evaluation:
    """Measure what ``spec`` says; ``tell`` gets a line after each run. Raises VsrError, wrong requests first."""
    device = _device(spec.device)
    for folder in spec.folders:
        list_images(folder)
    for video in spec.videos:
        if not video.exists():
            raise SourceError(f"{video} does not exist; give a video or a folder of frames")
    networks = load_subjects(spec.networks, spec.scales, spec.weights)
    images = []
    for image_run in _image_runs(spec, networks, device):
        images.append(image_run)
        tell(_line(image_run, image_run.track))
    videos = []
    for video_run in _video_runs(spec, networks):
        videos.append(video_run)
        tell(_line(video_run, coding_words(video_run.coding)))
    return Evaluation(spec, tuple(_subject(spec, one) for one in networks), tuple(images), tuple(videos))


def label(loaded: LoadedNetwork) -> str:
    """Name of the weights file, or of the network where it has none."""
    return loaded.weights_name or f"{loaded.network.name}_x{loaded.network.scale}"


def coding_words(coding: Coding | None) -> str:
    """Such as ``h264 crf 23``."""
    return "not compressed" if coding is None else f"{coding.codec} crf {coding.quality}"


def _line(run: ImageRun | VideoRun, how: str) -> str:
    return f"{label(run.loaded)}, {run.data.name}, {how}: {run.result.psnr_y:.2f} dB, {run.result.ssim_y:.4f}"


def _image_runs(spec: EvaluationSpec, networks: tuple[LoadedNetwork, ...], device: str) -> Iterator[ImageRun]:
    for loaded in networks:
        network = loaded.network.to(device)
        for track in spec.tracks:
            for folder in spec.folders:
                yield ImageRun(loaded, folder, track, evaluate_folder(network, folder, spec.precision, track))


def _video_runs(spec: EvaluationSpec, networks: tuple[LoadedNetwork, ...]) -> Iterator[VideoRun]:
    for video in spec.videos:
        truth = read_truth(video, spec.most_frames)
        for scale in _scales(networks):
            try:
                yield from _runs_at(spec, video, truth, [one for one in networks if one.network.scale == scale])
            except ValueError as exc:
                raise SourceError(f"can't score {video}: {exc}; give larger frames") from exc


def _runs_at(
    spec: EvaluationSpec, video: Path, truth: Sequence[Pixels], networks: Sequence[LoadedNetwork]
) -> Iterator[VideoRun]:
    """Runs of networks of one scale."""
    scale = networks[0].network.scale
    # Even sides for 4:2:0; and all the networks of one scale are compared on the same pixels.
    sides = scale * math.lcm(2, *(one.network.multiple_of for one in networks))
    truth = [crop_to_multiple(frame, sides) for frame in truth]
    measures: dict[str, TemporalMeasure] = {"temporal_error": frame_difference_error}
    if spec.flow:
        measures["tof"] = flow_error
    for coding in _codings(spec, truth[0].shape[0] // scale):
        clip = shrink_clip(truth, scale, coding)
        for loaded in networks:
            frames = upscale_clip(loaded, clip, RUN_PRECISION[spec.precision], spec.device)
            yield VideoRun(loaded, video, coding, score_frames(frames, truth, scale, measures))


def _scales(networks: Iterable[LoadedNetwork]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one.network.scale for one in networks))


def _codings(spec: EvaluationSpec, height: int) -> Iterator[Coding | None]:
    """Of a clip shrunk to ``height``."""
    matrix: Matrix = "bt709" if height >= _LEAST_HEIGHT_709 else "bt601"
    for crf in spec.crfs:
        yield None if crf is None else Coding(spec.codec, crf, matrix=matrix)


def _subject(spec: EvaluationSpec, loaded: LoadedNetwork) -> Subject:
    timing = None if spec.frame_size is None else time_frame(loaded, *spec.frame_size, device=spec.device)
    return Subject(loaded, gmac_to_4k(loaded.network), timing)


def _device(name: str) -> str:
    """Where still images are upscaled: ``auto`` is the GPU where there is one. BackendError if it is not there."""
    known = backends.get("torch").devices()
    if name == "auto":
        return next((one for one in known if one != "cpu"), "cpu")
    if name not in known and not (name == "cuda" and len(known) > 1):
        raise BackendError(f"no device '{name}'; this machine has: {', '.join(known)}")
    torch.backends.cudnn.allow_tf32 = False  # ten bits of mantissa show in the second decimal of a score
    return name
