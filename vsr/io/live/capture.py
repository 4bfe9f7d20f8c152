"""Cameras where FFmpeg has no driver for them (macOS, Windows), by way of OpenCV."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from av.video.frame import VideoFrame

from vsr.errors import SourceError
from vsr.frames import MATRIX_SMPTE170M, ColorSpace, Frame, VideoInfo
from vsr.io import formats
from vsr.io.live.contract import TIME_BASE, LiveAudio, LiveFrame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsr.io.live.address import Address
    from vsr.io.live.run import Run

_PIX_FMT = "yuv420p"


class Camera:
    """A connection to the camera of that number; OpenCV knows neither its sound nor when it captured a frame."""

    has_audio = False
    finite = False

    def __init__(self, address: Address, run: Run):
        try:
            import cv2
        except ImportError as exc:
            raise SourceError(f"{address.label} needs OpenCV: pip install 'vsr[live]'") from exc
        self._run = run
        self._capture: Any = cv2.VideoCapture(int(address.target) if address.target.isdigit() else address.target)
        if not self._capture.isOpened():
            raise SourceError(f"{address.label} can't be opened: OpenCV finds no such camera, or may not use it")
        if "size" in address.options:
            width, height = map(int, address.options["size"].split("x"))
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if "rate" in address.options:
            self._capture.set(cv2.CAP_PROP_FPS, float(address.options["rate"]))
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self._rate = Fraction(fps).limit_denominator(1001) if fps > 0 else None
        run.arrival.connect("arrival")

    def __iter__(self) -> Iterator[LiveFrame | LiveAudio]:
        while not self._run.closing.is_set():
            there, bgr = self._capture.read()
            arrival_s = time.monotonic()
            if not there:
                raise SourceError("the camera gives no more pictures")
            # Cameras give 4:2:0 or 4:2:2 of BT.601, which OpenCV has turned into BGR: back again.
            picture = VideoFrame.from_ndarray(bgr, "bgr24").reformat(format=_PIX_FMT, dst_colorspace="ITU601")
            placed = self._run.arrival.frame(None, arrival_s)
            info = self._info(picture)
            yield LiveFrame(
                Frame(formats.planes_of(picture, info.layout), placed.pts, TIME_BASE), info, placed.captured_s
            )

    def _info(self, picture: VideoFrame) -> VideoInfo:
        color = ColorSpace(MATRIX_SMPTE170M, full_range=False, guessed=("matrix", "range", "chroma_location"))
        layout = formats.layout_of(_PIX_FMT)
        return VideoInfo(picture.width, picture.height, layout, color, TIME_BASE, self._rate)

    def close(self) -> None:
        """Let the camera go."""
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
