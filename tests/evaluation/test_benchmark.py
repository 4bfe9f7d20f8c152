"""Scoring a folder: the numbers are those of the parts, whatever the network's domain."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F

from vsr.errors import SourceError
from vsr.evaluation.benchmark import evaluate_folder, score_image, upscale_pixels
from vsr.evaluation.imresize import downscale, upscale
from vsr.evaluation.metrics import luma, psnr_y, ssim_y
from vsr.io.still import write_rgb
from vsr.networks import build, load

Pixels = npt.NDArray[np.uint8]


def picture(height: int, width: int, seed: int = 0) -> Pixels:
    """Smooth colour waves with some noise, a stand-in for a photograph."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 90 * np.sin(x / (5 + c) + seed) * np.cos(y / (7 - c)) for c in range(3)]
    return (np.stack(waves, axis=-1) + random.normal(0, 4, (height, width, 3))).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_network_scores_as_matlab_upscaling_does(scale: int) -> None:
    truth = picture(24 * scale, 20 * scale)
    matlab = upscale(downscale(truth, scale), scale)
    score = score_image(load("bicubic", scale).network, "one", truth)
    assert score.psnr_y == pytest.approx(psnr_y(matlab, truth, scale), abs=0.1)
    assert score.ssim_y == pytest.approx(ssim_y(matlab, truth, scale), abs=0.01)


def test_bicubic_network_upscales_inner_pixels_as_matlab_does() -> None:
    small = picture(20, 24)
    difference = upscale_pixels(load("bicubic", 2).network, small).astype(int) - upscale(small, 2)
    # float32 against float64 may round a tie the other way; the borders differ by rule.
    assert np.abs(difference[4:-4, 4:-4]).max() <= 1
    assert (difference[4:-4, 4:-4] == 0).mean() > 0.95


def test_rgb_network_is_applied_to_rgb() -> None:
    small = picture(16, 18)
    network = load("lrsrn", 2).network
    with torch.no_grad():
        x = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255
        wanted = (network(x)[0] * 255).round().clamp(0, 255).permute(1, 2, 0).numpy().astype(np.uint8)
    assert np.array_equal(upscale_pixels(network, small), wanted)


@pytest.mark.parametrize("size", [(16, 18), (15, 17)])
def test_packed_network_is_applied_to_luma_and_half_size_chroma(size: tuple[int, int]) -> None:
    """Grey, so that chroma of any size is neutral; odd sides are made even by repetition."""
    small = np.repeat(picture(*size)[:, :, :1], 3, axis=2)
    torch.manual_seed(0)
    network = build("packed", 2, blocks=1, channels=8).deploy()
    even = np.pad(small, ((0, size[0] % 2), (0, size[1] % 2), (0, 0)), mode="edge")
    y = torch.from_numpy(luma(even)).float()[None, None] / 255
    neutral = torch.full((1, 2, y.shape[2] // 2, y.shape[3] // 2), 128 / 255)
    with torch.no_grad():
        packed = network(torch.cat((F.pixel_unshuffle(y, 2), neutral), 1))
    wanted = F.pixel_shuffle(packed[:, :4], 2)[0, 0, : 2 * size[0], : 2 * size[1]].numpy() * 255
    # Rounding to 8-bit RGB is all that lies between.
    assert np.abs(luma(upscale_pixels(network, small)) - wanted.clip(16, 235)).max() < 1


def test_bfloat16_is_close_to_float32() -> None:
    small = picture(32, 32)
    network = load("lrsrn", 2).network
    difference = upscale_pixels(network, small, "bfloat16").astype(int) - upscale_pixels(network, small)
    assert 0 < np.abs(difference).mean() < 1


def test_folder_means_are_over_images_of_any_size(tmp_path: Path) -> None:
    sizes = {"a.png": (40, 41), "b.png": (39, 60)}
    for name, (height, width) in sizes.items():
        write_rgb(tmp_path / name, picture(height, width, seed=len(name)))
    (tmp_path / "notes.txt").write_text("not an image")
    network = load("bicubic", 2).network
    result = evaluate_folder(network, tmp_path)
    assert [image.name for image in result.images] == ["a.png", "b.png"]
    assert result.images[0] == score_image(network, "a.png", picture(40, 41, seed=5))
    assert result.psnr_y == pytest.approx(sum(image.psnr_y for image in result.images) / 2)
    assert result.ssim_y == pytest.approx(sum(image.ssim_y for image in result.images) / 2)


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (12, 40)])
def test_too_small_an_image_is_one_clear_line(tmp_path: Path, size: tuple[int, int]) -> None:
    write_rgb(tmp_path / "tiny.png", np.zeros((*size, 3), np.uint8))
    with pytest.raises(SourceError, match=r"can't score .*tiny.png") as caught:
        evaluate_folder(load("bicubic", 2).network, tmp_path)
    assert "\n" not in str(caught.value)
