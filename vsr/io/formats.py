"""FFmpeg's pixel formats <-> PixelLayout, and frames <-> planes."""

from functools import cache

import av
import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from vsr.frames import PixelLayout, Plane

_CHROMA = {(1, 1): "420", (1, 0): "422", (0, 0): "444", (0, 1): "440", (2, 0): "411", (2, 2): "410"}
_DEPTHS = (8, 9, 10, 12, 14, 16)


@cache
def exists(pix_fmt: str) -> bool:
    """True for a name that FFmpeg knows."""
    try:
        VideoFormat(pix_fmt)
    except ValueError:
        return False
    return True


@cache
def layout_of(pix_fmt: str) -> PixelLayout:
    """The planar layout that holds every sample of ``pix_fmt`` (packed and palette formats are unpacked into it).

    Floating-point formats become 16-bit integers. Raises ValueError for a name FFmpeg does not know.
    """
    description = VideoFormat(pix_fmt, 64, 64)
    components = description.components
    bits = min(max(*(c.bits for c in components), 8), 16)
    alpha = any(c.is_alpha for c in components) or description.has_palette
    if description.has_palette or description.is_rgb or description.is_bayer:
        family, shifts = "rgb", (0, 0)
    elif sum(not c.is_alpha for c in components) < 3:
        family, shifts = ("rgb" if alpha else "gray"), (0, 0)
    else:
        family = "yuv"
        shifts = (64 // description.chroma_width() // 2, 64 // description.chroma_height() // 2)
    depth = 8 if description.has_palette else next(d for d in _DEPTHS if d >= bits)
    while True:
        layout = PixelLayout(family, depth, *shifts, alpha=alpha)  # type: ignore[arg-type]
        if exists(_name(layout)):
            return layout
        depth = next(d for d in _DEPTHS if d > depth)


def _name(layout: PixelLayout) -> str:
    suffix = "" if layout.bits == 8 else f"{layout.bits}le"
    alpha = "a" if layout.alpha else ""
    if layout.family == "rgb":
        return f"gbr{alpha}p{suffix}"
    if layout.family == "gray":
        return f"gray{suffix}"
    return f"yuv{alpha}{_CHROMA[(layout.chroma_shift_x, layout.chroma_shift_y)]}p{suffix}"


def pix_fmt_of(layout: PixelLayout) -> str:
    """FFmpeg's name of the planar format of ``layout``."""
    return _name(layout)


def is_full_range_name(pix_fmt: str) -> bool:
    """True for FFmpeg's old ``yuvj`` names, which mean full range."""
    return pix_fmt.startswith("yuvj")


def _plane_view(frame: VideoFrame, index: int, size: tuple[int, int], bits: int) -> Plane:
    """A (height, width) view of one plane without FFmpeg's row padding; it keeps the frame alive."""
    plane = frame.planes[index]
    memory = memoryview(plane)
    samples: Plane = np.frombuffer(memory, np.uint8) if bits == 8 else np.frombuffer(memory, np.uint16)
    view = samples.reshape(-1, abs(plane.line_size) // samples.itemsize)[: size[0], : size[1]]
    if plane.line_size < 0:  # stored from the bottom up
        view = view[::-1].copy()
    return view


def _plane_order(layout: PixelLayout) -> tuple[int, ...]:
    """Where our plane i lies in FFmpeg's frame: RGB is stored as G, B, R there."""
    order = {"rgb": (2, 0, 1), "yuv": (0, 1, 2), "gray": (0,)}[layout.family]
    return (*order, len(order)) if layout.alpha else order


def planes_of(frame: VideoFrame, layout: PixelLayout) -> tuple[Plane, ...]:
    """The planes of a decoded frame in ``layout``; views of the frame's memory wherever it already is planar."""
    if frame.format.name.replace("yuvj", "yuv") != _name(layout):
        frame = frame.reformat(format=_name(layout), interpolation="POINT")
    sizes = layout.plane_sizes(frame.width, frame.height)
    return tuple(
        _plane_view(frame, index, size, layout.bits) for index, size in zip(_plane_order(layout), sizes, strict=True)
    )


def fill(frame: VideoFrame, planes: tuple[Plane, ...], layout: PixelLayout) -> None:
    """Copy ``planes`` into a writable frame of the planar format of ``layout``."""
    for index, plane in zip(_plane_order(layout), planes, strict=True):
        np.copyto(_plane_view(frame, index, (plane.shape[0], plane.shape[1]), layout.bits), plane)


def encoder_formats(codec_name: str) -> tuple[str, ...]:
    """Software pixel formats that an encoder takes, in its order of preference; empty where it does not say."""
    formats = av.Codec(codec_name, "w").video_formats or []
    return tuple(f.name for f in formats if f.components)
