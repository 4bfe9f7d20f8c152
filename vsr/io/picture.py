"""Pictures between planes and FFmpeg's frames: tagged, resized, converted in colour, fitted into another's size."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from vsr.frames import MATRIX_BT709, MATRIX_RGB, MATRIX_SMPTE170M, ColorSpace, PixelLayout
from vsr.io import formats

if TYPE_CHECKING:
    from vsr.frames import Frame, Plane, VideoInfo

# The scaler's numbers for matrices are H.273's, but for SMPTE 170M, which is BT.470BG's under another number.
_SCALER_MATRICES = {1: 1, 4: 4, 5: 5, MATRIX_SMPTE170M: 5, 7: 7, 9: 9}
_RGB = ColorSpace(MATRIX_RGB, full_range=True)
_SQUARE = Fraction(1)


def frame_of(
    planes: tuple[Plane, ...], layout: PixelLayout, color: ColorSpace, *, like: VideoFrame | None = None
) -> VideoFrame:
    """``planes`` as a frame of the planar format of ``layout``, tagged; a copy.

    ``like`` gives it its side data (captions, dynamic HDR) and field order.
    """
    planar = formats.pix_fmt_of(layout)
    height, width = planes[0].shape
    if like is None:
        picture = VideoFrame(width, height, planar)
    else:
        picture = like.reformat(width, height, planar, interpolation="POINT")
    formats.fill(picture, planes, layout)
    picture.colorspace = color.matrix
    picture.color_range = ColorRange.JPEG if color.full_range else ColorRange.MPEG
    return picture


def packed(picture: VideoFrame, layout: PixelLayout, pix_fmt: str) -> VideoFrame:
    """The same samples in an encoder's own format, such as nv12 for planes of 4:2:0."""
    planar = formats.pix_fmt_of(layout)
    if pix_fmt in (planar, planar.replace("yuv", "yuvj")):
        return picture
    return picture.reformat(format=pix_fmt, interpolation="POINT")


class Resizer:
    """FFmpeg's scaler; it keeps its tables for as long as pictures stay alike."""

    def __init__(self, interpolation: Interpolation = Interpolation.BICUBIC):
        self._interpolation = interpolation
        self._reformatter = VideoReformatter()

    def __call__(
        self, picture: VideoFrame, color: ColorSpace, *, width: int, height: int, pix_fmt: str, to: ColorSpace
    ) -> VideoFrame:
        """``picture`` of ``color`` in another size, format, matrix and range; primaries and transfer stay."""
        resized = self._reformatter.reformat(
            picture,
            width,
            height,
            pix_fmt,
            src_colorspace=_scaler_matrix(color, to),
            dst_colorspace=_scaler_matrix(to, color),
            src_color_range=ColorRange.JPEG if color.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG if to.full_range else ColorRange.MPEG,
            interpolation=self._interpolation,
            threads=1,
        )
        resized.colorspace = to.matrix
        return resized


def _scaler_matrix(color: ColorSpace, other: ColorSpace) -> int:
    """RGB has no matrix: it is told the other side's. Matrices that the scaler lacks pass as BT.709's both ways."""
    matrix = color.matrix if color.matrix != MATRIX_RGB else other.matrix
    return _SCALER_MATRICES.get(matrix, MATRIX_BT709)


def bgr(frame: Frame, info: VideoInfo, resizer: Resizer) -> npt.NDArray[np.uint8]:
    """(height, width, 3) uint8, blue first, of square pixels: what screens and OpenCV take."""
    picture = frame_of(frame.planes, info.layout, info.color)
    width = round(info.width * info.sample_aspect_ratio)
    shown = resizer(picture, info.color, width=width, height=info.height, pix_fmt="bgr24", to=_RGB)
    return shown.to_ndarray().astype(np.uint8, copy=False)


@dataclass(frozen=True)
class Canvas:
    """A picture whose size, layout and colour stay, for frames whose own may change."""

    width: int
    height: int
    layout: PixelLayout
    color: ColorSpace
    sample_aspect_ratio: Fraction = _SQUARE

    def place(self, frame: Frame, info: VideoInfo, resizer: Resizer) -> VideoFrame:
        """``frame`` of ``info`` as a tagged planar frame: as large as fits, its shape kept, the rest black."""
        picture = frame_of(frame.planes, info.layout, info.color)
        width, height = self._fit(info)
        planar = formats.pix_fmt_of(self.layout)
        alike = (info.layout, info.color.matrix, info.color.full_range) == (
            self.layout, self.color.matrix, self.color.full_range,
        )  # fmt: skip
        if not alike or (width, height) != (info.width, info.height):
            picture = resizer(picture, info.color, width=width, height=height, pix_fmt=planar, to=self.color)
        if (width, height) == (self.width, self.height):
            return picture
        planes = list(self.black())
        for plane, part in zip(planes, formats.planes_of(picture, self.layout), strict=True):
            top, left = (plane.shape[0] - part.shape[0]) // 2, (plane.shape[1] - part.shape[1]) // 2
            plane[top : top + part.shape[0], left : left + part.shape[1]] = part
        return frame_of(tuple(planes), self.layout, self.color)

    def _fit(self, info: VideoInfo) -> tuple[int, int]:
        """(width, height) of a picture of ``info`` in here."""
        if 0 <= self.width - info.width <= 1 and 0 <= self.height - info.height <= 1:
            return info.width, info.height  # a size made even is not worth a resize
        shape = info.width * info.sample_aspect_ratio / self.sample_aspect_ratio
        factor = min(self.width / shape, Fraction(self.height, info.height))
        # Bars as wide on both sides, in whole chroma samples.
        step_x, step_y = 2 << self.layout.chroma_shift_x, 2 << self.layout.chroma_shift_y
        return (
            _towards(shape * factor, self.width, step_x),
            _towards(info.height * factor, self.height, step_y),
        )

    def black(self) -> tuple[Plane, ...]:
        """Planes of black; what alpha there is, opaque."""
        limited = not self.color.full_range
        dark = (16 if limited and self.layout.family != "rgb" else 0) << (self.layout.bits - 8)
        codes = [dark, *[1 << (self.layout.bits - 1)] * 2] if self.layout.family == "yuv" else [dark] * 3
        codes = codes[:1] if self.layout.family == "gray" else codes
        if self.layout.alpha:
            codes.append((1 << self.layout.bits) - 1)
        dtype = np.uint8 if self.layout.bits == 8 else np.uint16
        sizes = self.layout.plane_sizes(self.width, self.height)
        return tuple(np.full(size, code, dtype) for size, code in zip(sizes, codes, strict=True))


def resized(
    planes: tuple[Plane, ...], source: Canvas, target: Canvas, resizer: Resizer | None = None
) -> tuple[Plane, ...]:
    """``planes`` of ``source`` stretched over ``target``; bilinearly, as a player would show them, by default."""
    picture = (resizer or Resizer(Interpolation.BILINEAR))(
        frame_of(planes, source.layout, source.color),
        source.color,
        width=target.width,
        height=target.height,
        pix_fmt=formats.pix_fmt_of(target.layout),
        to=target.color,
    )
    return formats.planes_of(picture, target.layout)


def _towards(length: Fraction, whole: int, step: int) -> int:
    """``length`` as a size that leaves a multiple of ``step`` of ``whole``, at least one pixel."""
    bars = round((whole - length) / step) * step
    return max(whole - bars, 1)
