"""Test pictures computed from the standards' own formulas, networks that change nothing, and FFmpeg's scaler."""

from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from av.filter import Graph
from av.video.frame import VideoFrame

from vsr.frames import MATRIX_RGB, ChromaLocation, ColorSpace, PixelLayout, Plane
from vsr.io import formats
from vsr.networks.base import Domain, Network
from vsr.plane_model import Picture, PlaneModel, Precision

Planes = tuple[Plane, ...]
Floats = npt.NDArray[np.float64]

BT709, BT601, BT2020 = 1, 6, 9
KR_KB = {BT709: (0.2126, 0.0722), BT601: (0.299, 0.114), BT2020: (0.2627, 0.0593)}
"""ITU-R BT.709-6, BT.601-7 and BT.2020-2, written down again here so that the tests don't trust vsr.color."""
YUV420, YUV422, YUV444 = (1, 1), (1, 0), (0, 0)
SWS_MATRIX = {BT709: "bt709", BT601: "bt601", BT2020: "bt2020"}
# Bicubic with a = -0.5, as vsr has it (swscale's own default is -0.6), and no shortcuts.
SWS_FLAGS = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp:param0=0:param1=0.5"


RGB_SPACE = ColorSpace(MATRIX_RGB, full_range=True)


class Identity(Network):
    """Gives back what it gets: what remains is the colour work around it."""

    name = "identity"
    scale = 1
    halo = 0
    multiple_of = 1

    def __init__(self, domain: Domain = "rgb") -> None:
        super().__init__()
        self.domain = domain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def deploy(self) -> "Identity":
        return self


def yuv(shifts: tuple[int, int], bits: int = 8, *, alpha: bool = False) -> PixelLayout:
    return PixelLayout("yuv", bits, *shifts, alpha=alpha)


def color(matrix: int = BT709, full_range: bool = False, location: ChromaLocation = "left") -> ColorSpace:
    return ColorSpace(matrix, full_range, chroma_location=location)


def scaled(picture: Picture, scale: int) -> Picture:
    return Picture(picture.width * scale, picture.height * scale, picture.layout, picture.color)


def codes(values: Floats, bits: int, *, full_range: bool, chroma: bool) -> Floats:
    """Code values of [0, 1] or, for chroma, [-0.5, 0.5], not rounded (H.273, equations 20 to 37)."""
    unit = 1 << (bits - 8)
    if full_range:
        return values * (256 * unit - 1) + (128 * unit if chroma else 0)
    return (values * 224 + 128) * unit if chroma else (values * 219 + 16) * unit


def ycc(rgb: Floats, matrix: int) -> Floats:
    """(..., 3) R'G'B' to Y, Cb, Cr by the definition: a weighted sum and two scaled differences."""
    kr, kb = KR_KB[matrix]
    r, g, b = np.moveaxis(rgb, -1, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    return np.stack((y, (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))), -1)


def yuv_codes(rgb: Floats, layout: PixelLayout, space: ColorSpace) -> Floats:
    """(..., 3) R'G'B' to unrounded Y, Cb, Cr codes."""
    values = ycc(rgb, space.matrix)
    kinds = [codes(values[..., i], layout.bits, full_range=space.full_range, chroma=i > 0) for i in range(3)]
    return np.stack(kinds, -1)


def as_plane(values: Floats, bits: int) -> Plane:
    limit = (1 << bits) - 1
    return cast("Plane", np.clip(np.round(values), 0, limit).astype(np.uint8 if bits == 8 else np.uint16))


def bars(picture: Picture, amplitude: float = 0.75) -> Planes:
    """Eight colour bars, each plane sampled on its own grid."""
    layout = picture.layout
    rgb = amplitude * np.array([[1, 1, 1], [1, 1, 0], [0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]])
    levels = yuv_codes(rgb, layout, picture.color)
    planes = []
    for index, (height, width) in enumerate(layout.plane_sizes(picture.width, picture.height)[:3]):
        row = levels[np.minimum(np.arange(width) * 8 // width, 7), index]
        planes.append(as_plane(np.tile(row, (height, 1)), layout.bits))
    return tuple(planes)


def grey_ramp(picture: Picture) -> Planes:
    """Black to white along the diagonal, no chroma."""
    bits, full = picture.layout.bits, picture.color.full_range
    planes = []
    for index, (height, width) in enumerate(picture.layout.plane_sizes(picture.width, picture.height)[:3]):
        values = np.zeros((height, width))
        if index == 0:
            values = np.add.outer(np.arange(height), np.arange(width)) / (height + width - 2)
        planes.append(as_plane(codes(values, bits, full_range=full, chroma=index > 0), bits))
    return tuple(planes)


def noise(picture: Picture, seed: int = 0) -> Planes:
    """Every code that the depth holds, headroom included, without any order."""
    random = np.random.default_rng(seed)
    sizes = picture.layout.plane_sizes(picture.width, picture.height)
    limit = (1 << picture.layout.bits) - 1
    return tuple(
        as_plane(random.integers(0, limit + 1, size).astype(np.float64), picture.layout.bits) for size in sizes
    )


def legal_noise(picture: Picture, seed: int = 0) -> Planes:
    """Random colours inside the RGB cube, for 4:4:4 pictures."""
    rgb = np.random.default_rng(seed).uniform(0, 1, (picture.height, picture.width, 3))
    levels = yuv_codes(rgb, picture.layout, picture.color)
    return tuple(as_plane(levels[..., i], picture.layout.bits) for i in range(3))


def smooth(picture: Picture, seed: int = 0) -> Planes:
    """Slow waves, different in each plane, over most of the range."""
    phases = np.random.default_rng(seed).uniform(0, 6, (5, 2))
    middle, swing = 0.5 * (1 << picture.layout.bits), 0.35 * (1 << picture.layout.bits)
    planes = []
    for (height, width), (a, b) in zip(picture.layout.plane_sizes(picture.width, picture.height), phases, strict=False):
        wave = np.outer(np.sin(np.arange(height) * 2 / height + a), np.cos(np.arange(width) * 2 / width + b))
        planes.append(as_plane(middle + swing * wave, picture.layout.bits))
    return tuple(planes)


def tensors(planes: Planes) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(plane)[None] for plane in planes)


def run_model(
    network: Network,
    source: Picture,
    target: Picture,
    planes: Planes,
    *,
    precision: Precision = "fp32",
    strip_rows: int | None = None,
) -> Planes:
    """One frame through a PlaneModel."""
    model = PlaneModel(network, source, target, precision, strip_rows).eval()
    with torch.inference_mode():
        return tuple(plane[0].numpy() for plane in model(*tensors(planes)))


def swscale(source: Picture, target: Picture, planes: Planes) -> Planes:
    """One frame through FFmpeg's ``scale`` filter, everything that it would guess said."""
    frame = VideoFrame(source.width, source.height, formats.pix_fmt_of(source.layout))
    formats.fill(frame, planes, source.layout)
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    graph = Graph()
    buffer = graph.add_buffer(width=source.width, height=source.height, format=frame.format, time_base=Fraction(1, 25))
    scale = graph.add("scale", f"w={target.width}:h={target.height}:{SWS_FLAGS}:{_sws_colors(source, target)}")
    wanted = graph.add("format", formats.pix_fmt_of(target.layout))
    graph.link_nodes(buffer, scale, wanted, graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    return formats.planes_of(cast("VideoFrame", graph.pull()), target.layout)


def _sws_colors(source: Picture, target: Picture) -> str:
    options = []
    for end, picture in (("in", source), ("out", target)):
        options.append(f"{end}_range={'full' if picture.color.full_range else 'limited'}")
        if picture.layout.family == "yuv":
            options.append(f"{end}_color_matrix={SWS_MATRIX[picture.color.matrix]}")
            options.append(f"{end}_chroma_loc={picture.color.chroma_location}")
    return ":".join(options)


def worst(ours: Sequence[Plane], theirs: Sequence[Plane], margin: int = 0) -> int:
    """The largest difference of any sample, in codes; ``margin`` samples at each border apart."""
    inner = slice(margin, -margin or None)
    pairs = zip(ours, theirs, strict=True)
    return max(int(np.abs(a.astype(np.int64) - b.astype(np.int64))[inner, inner].max()) for a, b in pairs)
