"""What travels through the pipeline: frames of planes, their layout, colour and timing. Knows no codec, no device."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import torch

from vsr.errors import IntegrityError, UsageError

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Family = Literal["yuv", "rgb", "gray"]
ChromaLocation = Literal["left", "center", "topleft", "top", "bottomleft", "bottom"]

# Code points of ITU-T H.273 (and of FFmpeg's enums, which follow it).
UNSPECIFIED = 2
MATRIX_RGB = 0
MATRIX_BT709 = 1
MATRIX_SMPTE170M = 6


@dataclass(frozen=True)
class PixelLayout:
    """How a picture's samples lie in planes: Y, U, V or R, G, B or grey, then alpha where there is one."""

    family: Family
    bits: int
    """Bits of each sample, 8 to 16; 8 means uint8 planes, more means uint16 planes with the value in the low bits."""
    chroma_shift_x: int = 0
    """log2 of the horizontal chroma subsampling (1 for 4:2:0 and 4:2:2)."""
    chroma_shift_y: int = 0
    """log2 of the vertical chroma subsampling (1 for 4:2:0)."""
    alpha: bool = False

    def __post_init__(self) -> None:
        if not 8 <= self.bits <= 16:
            raise UsageError(f"samples of {self.bits} bits are not supported; 8 to 16 are")

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the planes: uint8, or uint16 for more than 8 bits."""
        return torch.uint8 if self.bits == 8 else torch.uint16

    @property
    def plane_count(self) -> int:
        """How many planes a frame has, alpha included."""
        return (1 if self.family == "gray" else 3) + int(self.alpha)

    def plane_sizes(self, width: int, height: int) -> tuple[tuple[int, int], ...]:
        """(height, width) of each plane of a ``width`` x ``height`` picture; odd sizes round chroma up."""
        luma = (height, width)
        if self.family == "yuv":
            chroma = (-(-height >> self.chroma_shift_y), -(-width >> self.chroma_shift_x))
            sizes: tuple[tuple[int, int], ...] = (luma, chroma, chroma)
        else:
            sizes = (luma,) * (1 if self.family == "gray" else 3)
        return (*sizes, luma) if self.alpha else sizes

    @property
    def chroma_name(self) -> str:
        """The field's name of the chroma format, such as ``4:2:0``."""
        if self.family != "yuv":
            return self.family
        names = {(1, 1): "4:2:0", (1, 0): "4:2:2", (0, 0): "4:4:4", (0, 1): "4:4:0", (2, 0): "4:1:1", (2, 2): "4:1:0"}
        return names[(self.chroma_shift_x, self.chroma_shift_y)]


@dataclass(frozen=True)
class ColorSpace:
    """Colour description in H.273 code points, as the conversion uses it and as the output is tagged."""

    matrix: int
    """MatrixCoefficients; never UNSPECIFIED (guessed by then), MATRIX_RGB for RGB pictures."""
    full_range: bool
    primaries: int = UNSPECIFIED
    """ColourPrimaries: a tag only, carried along."""
    transfer: int = UNSPECIFIED
    """TransferCharacteristics: a tag only, carried along."""
    chroma_location: ChromaLocation = "left"
    guessed: tuple[str, ...] = ()
    """Names of the fields that the stream did not say and that were guessed."""

    def __post_init__(self) -> None:
        if self.matrix == UNSPECIFIED:
            raise UsageError("a colour space needs its matrix: guess it and name it in 'guessed'")


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before its frames flow; sizes are of the stored picture, before rotation."""

    width: int
    height: int
    layout: PixelLayout
    color: ColorSpace
    time_base: Fraction
    frame_rate: Fraction | None
    """Average frames a second, a hint for encoders and progress; timestamps are the truth."""
    sample_aspect_ratio: Fraction = Fraction(1)
    display_matrix: tuple[int, ...] | None = None
    """The nine numbers of FFmpeg's display matrix, or None when the picture is shown as stored."""
    interlaced: bool = False
    still: bool = False
    """True for a picture file: one frame, no time."""
    frame_count: int | None = None
    """Frames to expect where the container says so; for progress only."""
    duration_s: float | None = None
    hdr: dict[str, str] = field(default_factory=dict)
    """Static HDR metadata as encoder parameters: ``mastering-display`` and ``max-cll``, where the stream has them."""

    @property
    def rotated_sideways(self) -> bool:
        """True when the display matrix turns the picture by a quarter: shown width is stored height."""
        return self.display_matrix is not None and self.display_matrix[0] == 0 and self.display_matrix[1] != 0


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture with its own timing."""

    planes: tuple[Plane, ...]
    """In the order of PixelLayout, (height, width) each."""
    pts: int
    time_base: Fraction
    duration: int = 0
    """In time_base units; 0 when unknown."""
    props: object = None
    """Opaque frame properties of the decoder (captions, dynamic HDR, field order) for the encoder to carry."""

    @property
    def time_s(self) -> Fraction:
        """Presentation time in seconds."""
        return self.pts * self.time_base

    def rgb(self) -> Plane:
        """(height, width, 3) of a frame whose planes are R, G, B; a copy."""
        red, green, blue = self.planes[:3]
        return cast("Plane", np.stack((red, green, blue), axis=-1))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Frames that go through the network together: ``planes[i]`` is (N, height, width) of uint8 or uint16."""

    frames: tuple[Frame, ...]
    """The source frames, for their timing and properties; their planes are in ``planes``."""
    planes: tuple[torch.Tensor, ...]

    def __post_init__(self) -> None:
        counts = {plane.shape[0] for plane in self.planes}
        if counts != {len(self.frames)}:
            raise IntegrityError(f"a batch of {len(self.frames)} frames has planes of {sorted(counts)}")
