"""Scores over a video: the truth is read exactly, frames go the product's way, and compression costs what it costs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.io.making import Recipe, make, picture
from vsr.errors import SourceError
from vsr.evaluation.benchmark import upscale_pixels
from vsr.evaluation.imresize import downscale
from vsr.evaluation.metrics import psnr_y, ssim_y
from vsr.evaluation.temporal import frame_difference_error
from vsr.evaluation.video import read_truth, score_frames, shrink_clip, upscale_clip
from vsr.io.roundtrip import Coding
from vsr.io.still import write_rgb
from vsr.networks import load

Pixels = npt.NDArray[np.uint8]


def scene(frames: int = 4, height: int = 96, width: int = 144) -> list[Pixels]:
    """Colour waves that move."""
    y, x = np.mgrid[0:height, 0:width]
    return [
        np.stack([128 + 90 * np.sin((x - 2 * t) / (5 + c)) * np.cos(y / (7 - c)) for c in range(3)], axis=-1).astype(
            np.uint8
        )
        for t in range(frames)
    ]


def write_frames(folder: Path, frames: list[Pixels]) -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        write_rgb(folder / f"{index:03}.png", frame)
    return folder


def test_a_folder_of_frames_is_read_in_order_up_to_the_wanted_number(tmp_path: Path) -> None:
    frames = scene()
    folder = write_frames(tmp_path / "scene", frames)
    assert np.array_equal(read_truth(folder), frames)
    assert np.array_equal(read_truth(folder, 2), frames[:2])


@pytest.mark.parametrize(
    ("pix_fmt", "color", "tolerance"),
    [("bgr0", (2, 0, 1, 1), 0), ("yuv444p10le", (1, 1, 1, 1), 1), ("yuv444p", (1, 5, 1, 1), 3)],
)
def test_a_lossless_video_is_read_as_rgb_of_8_bits(
    tmp_path: Path, pix_fmt: str, color: tuple[int, int, int, int], tolerance: int
) -> None:
    recipe = Recipe(codec="ffv1", pix_fmt=pix_fmt, color=color)
    frames = read_truth(make(tmp_path / "clip.mkv", recipe))
    rgb = replace(recipe, pix_fmt="rgb24", color=(2, 0, 1, 1))
    wanted = [picture(rgb, index).to_ndarray() for index in range(len(recipe.pts))]
    assert np.abs(np.asarray(frames, int) - np.asarray(wanted, int)).max() <= tolerance


def test_frames_of_two_sizes_are_no_sequence(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "scene", [*scene(1), scene(1, 40, 50)[0]])
    with pytest.raises(SourceError, match=r"frames of 144x96 and of 50x40"):
        read_truth(folder)


@pytest.mark.parametrize("name", ["lrsrn", "bicubic"])
def test_without_a_codec_frames_are_upscaled_as_still_images_are(name: str) -> None:
    truth, loaded = scene(2), load(name, 2)
    results = list(upscale_clip(loaded, shrink_clip(truth, 2, None), device="cpu"))
    for result, true in zip(results, truth, strict=True):
        wanted = upscale_pixels(loaded.network, downscale(true, 2))
        # Two roundings of a float32 that came another way; bicubic differs at the edge of the chroma grid too.
        difference = np.abs(result.astype(int) - wanted)[4:-4, 4:-4]
        assert difference.max() <= 1
        assert (difference == 0).mean() > 0.95


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_stronger_compression_scores_lower(codec: str) -> None:
    truth, loaded = scene(), load("bicubic", 2)
    whole = score_frames(upscale_clip(loaded, shrink_clip(truth, 2, None), device="cpu"), truth, 2, {})
    scores = []
    for crf in (10, 30, 45):
        clip = shrink_clip(truth, 2, Coding(codec, crf, matrix="bt601"))  # type: ignore[arg-type]
        frames = list(upscale_clip(loaded, clip, device="cpu"))
        assert {frame.shape for frame in frames} == {truth[0].shape}
        scores.append(score_frames(frames, truth, 2, {}).psnr_y)
    assert whole.psnr_y > scores[0] > scores[1] > scores[2]


@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_hardly_compressed_colours_stay_what_and_where_they_are(matrix: str) -> None:
    truth, loaded = scene(2), load("bicubic", 2)
    coded = shrink_clip(truth, 2, Coding("h264", 4, matrix=matrix))  # type: ignore[arg-type]
    pair = [list(upscale_clip(loaded, clip, device="cpu")) for clip in (coded, shrink_clip(truth, 2, None))]
    # Chroma half a sample aside, or the other matrix, costs more than 4.
    assert np.abs(np.subtract(*np.asarray(pair, int)))[:, 8:-8, 8:-8].mean() < 1.5


@pytest.mark.parametrize("size", [(48, 60), (96, 142)])
def test_clips_that_an_encoder_wants_larger_come_back_in_their_size(size: tuple[int, int]) -> None:
    truth = scene(2, *size)
    clip = shrink_clip(truth, 2, Coding("h264", 10, matrix="bt601"))
    frames = list(upscale_clip(load("bicubic", 2), clip, device="cpu"))
    assert {frame.shape for frame in frames} == {(*size, 3)}
    assert score_frames(frames, truth, 2, {}).psnr_y > 25


def test_scores_are_means_over_the_frames_and_of_their_changes() -> None:
    truth = scene(3)
    results = [frame // 2 for frame in truth]
    score = score_frames(results, truth, 2, {"change": frame_difference_error})
    assert score.psnr_y == pytest.approx(np.mean([psnr_y(a, b, 2) for a, b in zip(results, truth, strict=True)]))
    assert score.ssim_y == pytest.approx(np.mean([ssim_y(a, b, 2) for a, b in zip(results, truth, strict=True)]))
    pairs = [(results[i : i + 2], truth[i : i + 2]) for i in range(2)]
    changes = [frame_difference_error((a[0], a[1]), (b[0], b[1]), 2) for a, b in pairs]
    assert score.temporal["change"] == pytest.approx(changes)
    assert score.temporal_mean("change") == pytest.approx(np.mean(changes))
    assert score.temporal_mean("tof") is None
    assert score_frames(results[:1], truth[:1], 2, {"change": frame_difference_error}).temporal_mean("change") is None
