"""Domains: what a network sees of decoded planes, and what becomes of its result, one Conversion for each domain."""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsr.color import ChannelMatrix, luma_grids, plane_grids, ycc_to_rgb_matrix
from vsr.frames import PixelLayout
from vsr.networks.base import Domain
from vsr.resample import Grid, Resample

Grids = tuple[Grid, Grid]
"""Vertical, horizontal."""
Size = tuple[int, int]
"""(height, width) in luma samples."""
_YUV420 = PixelLayout("yuv", 8, 1, 1)


class Conversion(nn.Module, ABC):
    """The way into a domain and out of it: ``leave(chroma, network(enter(luma, chroma)))``.

    Luma is (N, 1, H, W), nominally in [0, 1], and chroma (N, 2, h, w) in [-0.5, 0.5], or None of a grey picture.
    """

    luma: Grids
    """Where the luma lies that ``leave`` gives."""
    chroma: Grids
    """Where its chroma lies."""

    def __init__(self, luma: Grids, chroma: Grids):
        super().__init__()
        self.luma, self.chroma = luma, chroma

    @abstractmethod
    def enter(self, luma: Tensor, chroma: Tensor | None) -> Tensor:
        """What the network takes."""

    @abstractmethod
    def leave(self, chroma: Tensor | None, *results: Tensor) -> tuple[Tensor, Tensor | None]:
        """Luma and chroma of what the network made; ``chroma`` is what ``enter`` was given."""


class RgbConversion(Conversion):
    """RGB in [0, 1]; a grey picture is three equal channels, and grey again is their mean."""

    def __init__(self, size: Size, chroma: Grids, scale: int, matrix: int):
        luma = luma_grids(_scaled(size, scale))
        super().__init__(luma, luma)
        self.chroma_to_luma = Resample(chroma, luma_grids(size))
        self.to_rgb = ChannelMatrix(ycc_to_rgb_matrix(matrix))
        # Each by itself: a compiler cuts three channels apart slower than it makes them.
        from_rgb = torch.linalg.inv(ycc_to_rgb_matrix(matrix))
        self.luma_of_rgb, self.chroma_of_rgb = ChannelMatrix(from_rgb[:1]), ChannelMatrix(from_rgb[1:])

    def enter(self, luma: Tensor, chroma: Tensor | None) -> Tensor:
        """RGB (N, 3, H, W)."""
        if chroma is None:
            return luma.expand(-1, 3, -1, -1)
        rgb: Tensor = self.to_rgb(torch.cat((luma, self.chroma_to_luma(chroma)), 1))
        return rgb

    def leave(self, chroma: Tensor | None, *results: Tensor) -> tuple[Tensor, Tensor | None]:
        """Both at full resolution."""
        (result,) = results
        if chroma is None:
            return result.mean(1, keepdim=True), None
        return self.luma_of_rgb(result), self.chroma_of_rgb(result)


class YccConversion(Conversion):
    """Luma and chroma themselves, the chroma beside the luma: for an RGB network in its YccForm."""

    def __init__(self, size: Size, chroma: Grids, scale: int):
        luma = luma_grids(_scaled(size, scale))
        super().__init__(luma, luma)
        self.chroma_to_luma = Resample(chroma, luma_grids(size))

    def enter(self, luma: Tensor, chroma: Tensor | None) -> Tensor:
        """(N, 3, H, W); ``chroma`` can't be None."""
        return torch.cat((luma, self.chroma_to_luma(chroma)), 1)

    def leave(self, chroma: Tensor | None, *results: Tensor) -> tuple[Tensor, Tensor | None]:  # noqa: ARG002
        """As the network made them."""
        luma, made = results
        return luma, made


class LumaConversion(Conversion):
    """Y as BT.601 codes / 255; chroma goes past the network, to be interpolated from where it lies."""

    def __init__(self, size: Size, chroma: Grids, scale: int):
        super().__init__(luma_grids(_scaled(size, scale)), chroma)

    def enter(self, luma: Tensor, chroma: Tensor | None) -> Tensor:  # noqa: ARG002 - the network sees luma only
        """Y (N, 1, H, W)."""
        return luma_code(luma)

    def leave(self, chroma: Tensor | None, *results: Tensor) -> tuple[Tensor, Tensor | None]:
        """The network's luma; chroma as it came."""
        (result,) = results
        return _luma_of_code(result), chroma


class PackedConversion(Conversion):
    """PixelUnshuffle(2)(Y), U and V as BT.601 codes / 255, so chroma around 128 / 255: 6 channels of half the size.

    Networks are trained on chroma sited "left" (H.273 type 0) before and after. Other chroma than 4:2:0 is resampled
    to that grid. Chroma that is 4:2:0 goes in as it is, whatever its siting: the network puts its samples beside those
    they are made from as in training, so the result lies beside the scaled picture's "left" grid just as far, in
    samples of the source, as the source's chroma lay beside its own; ``chroma`` says so, and what follows resamples.
    Odd sides get their last row and column twice on the way in, and lose what these became on the way out.
    """

    def __init__(self, size: Size, chroma: Grids, scale: int):
        trained, scaled = (plane_grids(one, _YUV420, "left") for one in (size, _scaled(size, scale)))
        is_420 = all(own.step == other.step for own, other in zip(chroma, trained, strict=True))
        given = chroma if is_420 else trained
        carried = _carried(given[0], trained[0], scaled[0]), _carried(given[1], trained[1], scaled[1])
        super().__init__(luma_grids(_scaled(size, scale)), carried)
        self.subsample = Resample(chroma, given)
        self.pad = (0, size[1] % 2, 0, size[0] % 2)

    def enter(self, luma: Tensor, chroma: Tensor | None) -> Tensor:
        """The packed form (N, 6, ceil(H/2), ceil(W/2))."""
        if any(self.pad):
            luma = F.pad(luma, self.pad, mode="replicate")
        if chroma is None:
            n, _, height, width = luma.shape
            return pack(luma, luma.new_zeros((n, 2, height // 2, width // 2)))
        return pack(luma, self.subsample(chroma))

    def leave(self, chroma: Tensor | None, *results: Tensor) -> tuple[Tensor, Tensor | None]:
        """Luma at full resolution, chroma at half; no chroma where none was given."""
        luma, upscaled = unpack(*results)
        if any(self.pad):
            luma = luma[:, :, : self.luma[0].count, : self.luma[1].count]
            upscaled = upscaled[:, :, : self.chroma[0].count, : self.chroma[1].count]
        return luma, None if chroma is None else upscaled


def conversion(domain: Domain, size: Size, chroma: Grids, scale: int, matrix: int) -> Conversion:
    """Into ``domain`` from a picture of ``size`` with chroma on the grids ``chroma`` and RGB by ``matrix``, and out."""
    if domain == "rgb":
        return RgbConversion(size, chroma, scale, matrix)
    if domain == "luma":
        return LumaConversion(size, chroma, scale)
    return PackedConversion(size, chroma, scale)


def pack(luma: Tensor, chroma: Tensor) -> Tensor:
    """(N, 1, 2h, 2w) in [0, 1] and (N, 2, h, w) in [-0.5, 0.5] to the packed codes / 255 (N, 6, h, w)."""
    return torch.cat((F.pixel_unshuffle(luma_code(luma), 2), chroma * (224 / 255) + 128 / 255), 1)


def unpack(packed: Tensor) -> tuple[Tensor, Tensor]:
    """What ``pack`` was given."""
    chroma = packed[:, 4:] * (255 / 224) + -128 / 224
    return _luma_of_code(F.pixel_shuffle(packed[:, :4], 2)), chroma


def luma_code(luma: Tensor) -> Tensor:
    """Luma in [0, 1] as BT.601 codes / 255 (limited range, 8 bits, not rounded)."""
    return luma * (219 / 255) + 16 / 255


def _scaled(size: Size, scale: int) -> Size:
    return size[0] * scale, size[1] * scale


def _luma_of_code(code: Tensor) -> Tensor:
    return code * (255 / 219) + -16 / 219


def _carried(given: Grid, trained: Grid, scaled: Grid) -> Grid:
    """Where chroma on ``given`` comes to lie through a network that takes ``trained`` to ``scaled``."""
    moved = (scaled.first - trained.first) / trained.step
    return Grid(scaled.count, given.first + moved * given.step, scaled.step)
