"""Clips through codecs and back: the picture, its colours and its place survive, and the bits are always the same."""

from dataclasses import replace
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest

from vsr.errors import IntegrityError, SinkError
from vsr.io import roundtrip
from vsr.io.roundtrip import Clip, Codec, Coding, Matrix, code_clip

Pixels = npt.NDArray[np.uint8]

CODECS: tuple[Codec, ...] = get_args(Codec)
MATRICES: tuple[Matrix, ...] = get_args(Matrix)
BEST: dict[Codec, int] = {"h264": 10, "hevc": 10, "vp9": 10, "av1": 10, "mpeg4": 2, "mpeg2": 2, "jpeg": 2}
POOR: dict[Codec, int] = {"h264": 40, "hevc": 40, "vp9": 60, "av1": 60, "mpeg4": 25, "mpeg2": 25, "jpeg": 25}
COLOURS = ((200, 40, 40), (40, 180, 60), (40, 60, 200), (230, 220, 60), (60, 200, 210), (128, 128, 128))


def smooth_clip(frames: int = 4, height: int = 72, width: int = 104) -> Clip:
    """Slow waves, different in each channel, that move by a pixel a frame."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        [128 + 90 * np.sin((x + time) / 15 + channel) * np.cos((y - time) / 12) for channel in range(3)]
        for time in range(frames)
    ]
    return np.asarray(waves).transpose(0, 2, 3, 1).astype(np.uint8)


def psnr(result: Pixels, truth: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.mean((result.astype(float) - truth) ** 2)))


@pytest.mark.parametrize("codec", CODECS)
def test_a_smooth_clip_survives_at_high_quality_and_suffers_at_low(codec: Codec) -> None:
    clip = smooth_clip()
    good, poor = (code_clip(clip, Coding(codec, quality[codec]), 2) for quality in (BEST, POOR))
    assert psnr(good, clip[2]) > 40
    assert 20 < psnr(poor, clip[2]) < psnr(good, clip[2]) - 4


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("codec", CODECS)
def test_colours_are_kept_under_both_matrices(codec: Codec, matrix: Matrix) -> None:
    bars = np.repeat(np.asarray(COLOURS, np.uint8), 32, axis=0)[None].repeat(64, 0)
    result = code_clip(np.stack([bars] * 3), Coding(codec, BEST[codec], matrix=matrix), 1)
    for index, colour in enumerate(COLOURS):
        inside = result[8:-8, 32 * index + 8 : 32 * index + 24]
        np.testing.assert_allclose(inside.mean((0, 1)), colour, rtol=0, atol=2)


def test_matrix_is_the_one_of_the_coded_planes() -> None:
    red = np.zeros((1, 64, 64, 3), np.uint8)
    red[..., 0] = 255
    lumas = []
    for matrix in MATRICES:
        frame = roundtrip._to_yuv(red[0], roundtrip._CODERS["h264"], Coding("h264", 10, matrix=matrix))
        lumas.append(frame.to_ndarray()[0, 0])
    # 16 + 219 Kr, of BT.601 and of BT.709.
    np.testing.assert_allclose(lumas, (16 + 219 * 0.299, 16 + 219 * 0.2126), rtol=0, atol=1)


@pytest.mark.parametrize("wanted", range(5))
@pytest.mark.parametrize("codec", CODECS)
def test_the_wanted_frame_comes_back(codec: Codec, wanted: int) -> None:
    clip = np.stack([np.full((64, 64, 3), 30 + 45 * time, np.uint8) for time in range(5)])
    assert abs(float(code_clip(clip, Coding(codec, BEST[codec]), wanted).mean()) - clip[wanted].mean()) < 5


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_bits_each_time(codec: Codec) -> None:
    random = np.random.default_rng(0)
    # Texture in motion, and a width of left-over blocks, where x264's macroblock tree would differ from run to run.
    texture = random.integers(0, 255, (320, 340, 3), np.uint8) // 4 + smooth_clip(1, 320, 340)[0] // 2
    clip = np.stack([texture[4 * t : 4 * t + 288, 3 * t : 3 * t + 288] for t in range(7)])
    coding = Coding(codec, (BEST[codec] + POOR[codec]) // 2, "5" if codec == "vp9" else "")
    first = code_clip(clip, coding, 3)
    occupied = []
    for size in range(1, 5):
        occupied.append(random.bytes(size * 1_000_003))  # so that the encoder meets other memory than before
        assert np.array_equal(code_clip(clip, coding, 3), first)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (37, 65), (66, 131)])
@pytest.mark.parametrize("codec", CODECS)
def test_any_size(codec: Codec, height: int, width: int) -> None:
    clip = smooth_clip(3, height, width)
    result = code_clip(clip, Coding(codec, BEST[codec]), 1)
    assert result.shape == (height, width, 3)
    assert result.dtype == np.uint8
    assert psnr(result, clip[1]) > 36


@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4", "mpeg2"])
def test_with_and_without_b_frames(codec: Codec, b_frames: int) -> None:
    clip = smooth_clip(8)
    assert psnr(code_clip(clip, Coding(codec, BEST[codec], b_frames=b_frames), 5), clip[5]) > 40


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_missing_codec_is_named(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    coder = roundtrip._CODERS["av1"]
    absent = replace(coder, encoder="libabsent") if part == "encoder" else replace(coder, decoder="libabsent")
    monkeypatch.setitem(roundtrip._CODERS, "av1", absent)
    with pytest.raises(SinkError, match="libabsent") as caught:
        code_clip(smooth_clip(1), Coding("av1", 30), 0)
    assert "\n" not in str(caught.value)


def test_what_an_encoder_refuses_is_one_clear_line() -> None:
    with pytest.raises(SinkError, match=r"libx264 can't code 104x72 with .*'warp'") as caught:
        code_clip(smooth_clip(1), Coding("h264", 20, "warp"), 0)
    assert "\n" not in str(caught.value)


def test_lost_frames_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    skipping = replace(roundtrip._CODERS["mpeg4"], options=(("skip_threshold", "1000000"),))
    monkeypatch.setitem(roundtrip._CODERS, "mpeg4", skipping)
    with pytest.raises(IntegrityError, match="mpeg4 gave 1 frames of 4 back"):
        code_clip(smooth_clip(4), Coding("mpeg4", 4, b_frames=0), 0)
