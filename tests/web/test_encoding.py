"""What a viewer's encoder makes of any live frame, looked at with a decoder that believes what browsers believe."""

from __future__ import annotations

from fractions import Fraction
from typing import cast, get_args

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from tests.web.stand_in import number_of, numbered
from vsr.frames import MATRIX_BT709, MATRIX_RGB, MATRIX_SMPTE170M, ColorSpace, Frame, PixelLayout, VideoInfo
from vsr.io import formats
from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame
from vsr.io.live.webrtc import (
    Encoded,
    PictureCodec,
    PictureEncoder,
    SoundEncoder,
    camera_picture,
    microphone_samples,
)  # fmt: skip

CODECS: tuple[PictureCodec, ...] = get_args(PictureCodec)
DECODERS = {"H264": "h264", "VP8": "vp8"}
BT2020 = 9
ORANGE = (230, 120, 40)
KINDS = {
    "of a file in HD": (PixelLayout("yuv", 8, 1, 1), MATRIX_BT709, False),
    "of a file in SD": (PixelLayout("yuv", 8, 1, 1), MATRIX_SMPTE170M, False),
    "of a webcam": (PixelLayout("yuv", 8, 1, 0), MATRIX_SMPTE170M, True),
    "of 10 bits, wide": (PixelLayout("yuv", 10, 1, 1), BT2020, False),
    "of a screen": (PixelLayout("rgb", 8), MATRIX_RGB, True),
    "with alpha": (PixelLayout("yuv", 8, 0, 0, alpha=True), MATRIX_BT709, False),
    "in grey": (PixelLayout("gray", 8), MATRIX_BT709, True),
}


def even_frame(kind: str, rgb: tuple[int, int, int], size: tuple[int, int], pts: int = 0) -> LiveFrame:
    """One colour all over, in the layout and colour of ``kind``."""
    layout, matrix, full_range = KINDS[kind]
    source = VideoFrame.from_ndarray(np.full((size[1], size[0], 3), rgb, np.uint8), "rgb24")
    scaler = {MATRIX_BT709: 1, BT2020: 9}.get(matrix, 5)
    picture = source.reformat(
        format=formats.pix_fmt_of(layout), src_colorspace=scaler, dst_colorspace=scaler,
        src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
    )  # fmt: skip
    color = ColorSpace(matrix, full_range)
    info = VideoInfo(*size, layout, color, time_base=TIME_BASE, frame_rate=Fraction(25))
    return LiveFrame(Frame(formats.planes_of(picture, layout), pts, TIME_BASE), info, 0.0)


def decoded(codec: PictureCodec, *packets: Encoded) -> list[VideoFrame]:
    """The pictures of ``packets``; VP8's in BT.601, which is what it means."""
    decoder = cast("VideoCodecContext", av.CodecContext.create(DECODERS[codec], "r"))
    pictures = [picture for packet in (*packets, None) for picture in decoder.decode(packet)]
    for picture in pictures:
        if codec == "VP8":
            picture.colorspace = MATRIX_SMPTE170M
    return pictures


def middle(picture: VideoFrame) -> tuple[int, ...]:
    """(red, green, blue) of the middle, as the picture's own tags have it."""
    scaler = 1 if int(picture.colorspace) == MATRIX_BT709 else 5
    rgb = picture.reformat(format="rgb24", src_colorspace=scaler, dst_colorspace=scaler).to_ndarray()
    return tuple(int(value) for value in rgb[rgb.shape[0] // 2, rgb.shape[1] // 2])


def luma(picture: VideoFrame) -> npt.NDArray[np.uint8]:
    """(height, width)."""
    return np.asarray(picture.to_ndarray()[: picture.height], np.uint8)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", KINDS)
def test_colours_come_out_as_they_went_in(codec: PictureCodec, kind: str) -> None:
    rgb = (150, 150, 150) if KINDS[kind][0].family == "gray" else ORANGE
    packet = PictureEncoder(codec).encode(even_frame(kind, rgb, (96, 64)), 0, keyframe=False)
    assert packet is not None
    [picture] = decoded(codec, packet)
    assert picture.format.name == "yuv420p"
    assert middle(picture) == pytest.approx(rgb, abs=5)


@pytest.mark.parametrize("codec", CODECS)
def test_a_size_that_changes_is_followed_and_an_odd_one_made_even(codec: PictureCodec) -> None:
    encoder, sizes = PictureEncoder(codec), ((96, 64), (131, 77), (96, 64))
    packets = [
        encoder.encode(even_frame("of a file in SD", ORANGE, size, at), at, keyframe=False)
        for at, size in enumerate(sizes)
    ]
    pictures = decoded(codec, *(packet for packet in packets if packet is not None))
    assert [(picture.width, picture.height) for picture in pictures] == [(96, 64), (130, 76), (96, 64)]
    assert all(middle(picture) == pytest.approx(ORANGE, abs=5) for picture in pictures)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [(96, 64), (1280, 720)])
def test_each_picture_comes_at_once_at_its_time_and_a_key_frame_when_asked_for(
    codec: PictureCodec, size: tuple[int, int]
) -> None:
    encoder, info = PictureEncoder(codec), even_frame("of a file in SD", ORANGE, size).info
    packets = []
    for at in range(8):
        frame = LiveFrame(numbered(size, 1000 + at, ((100, 128, 128),)), info, 0.0)
        packets.append(encoder.encode(frame, 3600 * at, keyframe=at == 5))
    given = [packet for packet in packets if packet is not None]
    assert [packet.pts for packet in given] == [3600 * at for at in range(8)]
    assert [packet.is_keyframe for packet in given] == [at in (0, 5) for at in range(8)]
    numbers = [number_of(luma(picture)) for picture in decoded(codec, *given)]
    assert numbers == [1000 + at for at in range(8)]


@pytest.mark.parametrize("codec", CODECS)
def test_a_narrow_way_gets_less(codec: PictureCodec) -> None:
    info = even_frame("of a file in SD", ORANGE, (320, 180)).info
    rng = np.random.default_rng(7)
    noise = [
        tuple(rng.integers(16, 235, size, np.uint8) for size in info.layout.plane_sizes(320, 180)) for _ in range(12)
    ]

    def size_of(limit_bps: int | None) -> int:
        encoder = PictureEncoder(codec)
        encoder.limit_bps = limit_bps
        packets = [
            encoder.encode(LiveFrame(Frame(planes, at, TIME_BASE), info, 0.0), 3600 * at, keyframe=False)
            for at, planes in enumerate(noise)
        ]
        return sum(packet.size for packet in packets if packet is not None)

    assert size_of(400_000) < 0.75 * size_of(None)


def test_sound_is_cut_into_packets_whose_times_show_a_gap() -> None:
    encoder = SoundEncoder()
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(4000) / SAMPLE_RATE)).astype(np.int16)
    samples = np.repeat(tone[:, None], CHANNELS, axis=1)
    packets = [packet for pts in (100, 4100, 20_000) for packet in encoder.encode(LiveAudio(samples, pts))]
    first = packets[0].pts
    steps = [(packet.pts or 0) - (first or 0) for packet in packets]
    assert steps == [*(960 * at for at in range(8)), *(19_900 + 960 * at for at in range(4))]
    decoder = av.CodecContext.create("opus", "r")
    heard = np.concatenate(
        [np.asarray(frame.to_ndarray()) for packet in packets for frame in decoder.decode(packet)], axis=-1
    )
    assert np.abs(heard).max() > 0.15


def test_a_browsers_picture_is_taken_as_browsers_encode_it() -> None:
    picture = VideoFrame(64, 48, "yuv420p")
    frame, info = camera_picture(picture, 4711)
    assert (frame.pts, frame.time_base) == (4711, TIME_BASE)
    assert (info.width, info.height, info.color.matrix, info.color.full_range) == (64, 48, MATRIX_SMPTE170M, False)
    assert [plane.shape for plane in frame.planes] == [(48, 64), (24, 32), (24, 32)]


def test_a_microphones_samples_are_stereo() -> None:
    samples = np.arange(2 * 960, dtype=np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
    assert microphone_samples(frame).tolist() == samples.reshape(-1, 2).tolist()
