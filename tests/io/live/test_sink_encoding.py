"""Encoders of live sinks: each picture comes out at once, a network's bound is kept, and what the user says stays."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext

from tests.io.live.footage import feed, footage, info_of, picture, play, sink_of
from vsr.errors import SinkError
from vsr.frames import MATRIX_BT709, ColorSpace, Frame, PixelLayout
from vsr.io import formats
from vsr.io.encoders import Encoding, choose
from vsr.io.live.contract import TIME_BASE
from vsr.io.live.encoding import made_live
from vsr.io.picture import Canvas, Resizer, frame_of
from vsr.io.scheduling import ordinary_threads
from vsr.notices import Notices
from vsr.spec import PipelineSpec

INFO = info_of(320, 192)


def live(*, capped: bool = False, **options: object) -> Encoding:
    spec = PipelineSpec("", "", **options)  # type: ignore[arg-type]
    return made_live(choose(spec, "matroska", "libx264", INFO, Notices()), spec, INFO, capped=capped)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "libvpx-vp9", "libvpx", "ffv1", "mpeg4"])
def test_every_picture_comes_out_as_soon_as_it_went_in(codec: str) -> None:
    encoding = live(codec=codec)
    encoder = CodecContext.create(codec, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 320, 192, encoding.pix_fmt
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.thread_type = "SLICE"
    encoder.options = dict(encoding.options)
    with ordinary_threads():
        encoder.open()
    came = []
    for number in range(10):
        frame = frame_of(picture(number, size=(320, 192)).frame.planes, INFO.layout, INFO.color)
        frame.pts, frame.time_base = number, Fraction(1, 30)
        came.append(len(encoder.encode(frame)))
    assert came == [1] * 10


def test_what_the_user_says_stays() -> None:
    said = {"tune": "film", "bf": "2", "maxrate": "123456"}
    options = live(capped=True, preset="slow", crf=30.0, encoder_options=tuple(said.items())).options
    assert options.items() >= {**said, "preset": "slow", "crf": "30"}.items()
    assert "bufsize" not in options


def test_the_user_s_distance_of_keyframes_stays(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out.mkv", encoder_options=(("g", "100"),))
    feed(sink, footage(90), audio=False)
    sink.finish()
    assert len(play(tmp_path / "out.mkv").keyframes) == 1


def test_a_network_bounds_the_bit_rate_by_the_pictures_size() -> None:
    small, large = live(capped=True).options, live(capped=False).options
    assert int(small["maxrate"]) == max(320 * 192 * 30 * 15 // 100, 500_000)
    assert "maxrate" not in large


def test_an_option_that_the_encoder_lacks_is_said(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out.mkv", encoder_options=(("nonsense", "1"),))
    with pytest.raises(SinkError, match="no option 'nonsense'"):
        sink.open(picture(0), audio=False)
    sink.abort()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("width", "height", "aspect", "expected"),
    [
        (160, 96, Fraction(1), (0, 0, 160, 96)),
        (320, 192, Fraction(1), (0, 0, 160, 96)),
        (96, 96, Fraction(1), (32, 0, 96, 96)),
        (160, 48, Fraction(1), (0, 24, 160, 48)),
        (80, 96, Fraction(2), (0, 0, 160, 96)),  # of wide pixels
        (159, 95, Fraction(1), (0, 0, 159, 95)),  # nothing is resized for one pixel
    ],
)
def test_a_picture_is_fitted_in_its_shape(
    width: int, height: int, aspect: Fraction, expected: tuple[int, int, int, int]
) -> None:
    layout, color = PixelLayout("yuv", 8, 1, 1), ColorSpace(MATRIX_BT709, full_range=False)
    canvas = Canvas(160, 96, layout, color)
    planes = tuple(
        np.full(size, 128 if index else 235, np.uint8) for index, size in enumerate(layout.plane_sizes(width, height))
    )
    info = replace(info_of(width, height), sample_aspect_ratio=aspect)
    placed = canvas.place(Frame(planes, 0, TIME_BASE), info, Resizer())
    luma = formats.planes_of(placed, layout)[0]
    rows, columns = np.nonzero(luma > 200)
    left, top = int(columns.min()), int(rows.min())
    assert (left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1) == expected
    assert set(np.unique(luma[luma <= 200])) <= {16}
