"""The two tracks: each shrinks by its own rule, and only the clean one leaves a border out."""

import io
import sys

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from vsr.errors import UsageError
from vsr.evaluation.benchmark import score_image, upscale_pixels
from vsr.evaluation.imresize import downscale
from vsr.evaluation.metrics import psnr_y, ssim_y
from vsr.evaluation.tracks import shrink
from vsr.networks import load


def photograph() -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[0:48, 0:66]
    waves = [128 + 100 * np.sin(x / (4 + c) + c) * np.cos(y / (6 - c)) for c in range(3)]
    return np.stack(waves, axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("scale", [2, 3])
def test_the_jpeg_track_is_pillows_bicubic_and_jpeg_90(scale: int) -> None:
    truth = photograph()
    small = Image.fromarray(truth).resize((66 // scale, 48 // scale), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90)
    wanted = np.asarray(Image.open(file).convert("RGB"))
    assert np.array_equal(shrink(truth, scale, "jpeg"), wanted)
    assert not np.array_equal(wanted, np.asarray(small))
    assert np.array_equal(shrink(truth, scale), downscale(truth, scale))


@pytest.mark.parametrize(("track", "border"), [("clean", 2), ("jpeg", 0)])
def test_only_the_clean_track_leaves_a_border_out(track: str, border: int) -> None:
    network, truth = load("bicubic", 2).network, photograph()
    result = upscale_pixels(network, shrink(truth, 2, track))  # type: ignore[arg-type]
    score = score_image(network, "one", truth, track=track)  # type: ignore[arg-type]
    assert score.psnr_y == psnr_y(result, truth, border)
    assert score.ssim_y == ssim_y(result, truth, border)


def test_missing_pillow_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match=r"needs Pillow.*pip install 'vsr\[eval\]'"):
        shrink(photograph(), 2, "jpeg")
