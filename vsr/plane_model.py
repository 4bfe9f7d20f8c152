"""PlaneModel: integer planes in, larger integer planes out, with the colour work and the network in ONE module.

A backend compiles, captures or exports this module whole, so that only planes cross to a device and back.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vsr.color import ChannelMatrix, luma_grids, plane_grids, quantisations, ycc_to_rgb_matrix
from vsr.domains import Conversion, Grids, YccConversion, conversion
from vsr.frames import ColorSpace, PixelLayout
from vsr.networks.base import Network, Shuffled
from vsr.networks.ycc import YccForm, has_ycc_form
from vsr.resample import Resample

Precision = Literal["fp32", "bf16", "fp16", "int8"]
_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Picture:
    """What one end of a PlaneModel takes or gives."""

    width: int
    height: int
    layout: PixelLayout
    color: ColorSpace

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in luma samples."""
        return self.height, self.width

    @property
    def chroma_grids(self) -> Grids:
        """Where the chroma samples lie; the luma grid for RGB and grey."""
        if self.layout.family != "yuv":
            return luma_grids(self.size)
        return plane_grids(self.size, self.layout, self.color.chroma_location)


class Decode(nn.Module):
    """Planes to luma (N, 1, H, W), chroma (N, 2, h, w) on its own grid or None for grey, and alpha or None; float32."""

    def __init__(self, source: Picture, matrix: int):
        super().__init__()
        self.layout = source.layout
        self.luma, self.chroma = quantisations(source.layout, source.color)
        self.rgb_to_ycc = ChannelMatrix(torch.linalg.inv(ycc_to_rgb_matrix(matrix)))

    def forward(self, planes: tuple[Tensor, ...]) -> tuple[Tensor, Tensor | None, Tensor | None]:
        stacked = [plane.unsqueeze(1) for plane in planes]
        alpha = stacked.pop().to(torch.float32) / self.luma.maximum if self.layout.alpha else None
        if self.layout.family == "gray":
            return self.luma.decode(stacked[0]), None, alpha
        if self.layout.family == "rgb":
            ycc = self.rgb_to_ycc(self.luma.decode(torch.cat(stacked, 1)))
            return ycc[:, :1], ycc[:, 1:], alpha
        return self.luma.decode(stacked[0]), self.chroma.decode(torch.cat(stacked[1:], 1)), alpha


class Encode(nn.Module):
    """Luma on ``luma`` grids, chroma on ``chroma`` grids and alpha on ``alpha`` grids to the planes of ``target``.

    ``in_phases``: the luma is given as (N, H/s, W/s, s*s), and its s*s phases are shuffled as codes.
    """

    def __init__(self, luma: Grids, chroma: Grids, alpha: Grids, target: Picture, matrix: int, *, in_phases: bool):
        super().__init__()
        self.in_phases = in_phases
        self.layout, self.size = target.layout, target.size
        self.luma, self.chroma = quantisations(target.layout, target.color)
        full = luma_grids(target.size)
        self.resample_luma = Resample(luma, full, "lanczos3")
        self.resample_chroma = Resample(chroma, target.chroma_grids)
        self.resample_alpha = Resample(alpha, full)
        self.ycc_to_rgb = ChannelMatrix(ycc_to_rgb_matrix(matrix))

    def forward(self, luma: Tensor, chroma: Tensor | None, alpha: Tensor | None) -> tuple[Tensor, ...]:
        y = self.resample_luma(luma)
        if self.layout.family == "gray":
            planes = [self._luma_plane(y)]
        else:
            c = self.resample_chroma(chroma) if chroma is not None else self._no_chroma(y)
            if self.layout.family == "rgb":
                planes = list(self.luma.encode(self.ycc_to_rgb(torch.cat((y, c), 1))).unbind(1))
            else:
                planes = [self._luma_plane(y), *self.chroma.encode(c).unbind(1)]
        if self.layout.alpha:
            a = y.new_ones((y.shape[0], 1, *self.size)) if alpha is None else self.resample_alpha(alpha)
            planes.append((a[:, 0] * self.luma.maximum).clamp(0, self.luma.maximum).round().to(self.luma.dtype))
        return tuple(planes)

    def _luma_plane(self, y: Tensor) -> Tensor:
        if not self.in_phases:
            return self.luma.encode(y[:, 0])
        n, height, width, phases = y.shape
        scale = math.isqrt(phases)
        codes = self.luma.encode(y).reshape(n, height, width, scale, scale)
        return codes.transpose(2, 3).reshape(n, *self.size)

    def _no_chroma(self, y: Tensor) -> Tensor:
        rows, columns = self.resample_chroma.vertical.count, self.resample_chroma.horizontal.count
        return y.new_zeros((y.shape[0], 2, rows, columns))


class Rematrix(nn.Module):
    """Luma and chroma of one matrix as those of another; where it is the same, they pass as they are."""

    def __init__(self, luma: Grids, chroma: Grids, source_matrix: int, target_matrix: int):
        super().__init__()
        self.changes = source_matrix != target_matrix
        self.chroma = luma if self.changes else chroma
        """Where the chroma lies that comes out: changing the matrix needs it beside the luma."""
        self.chroma_to_luma = Resample(chroma, luma)
        to_target = torch.linalg.inv(ycc_to_rgb_matrix(target_matrix))
        self.ycc_to_ycc = ChannelMatrix(to_target @ ycc_to_rgb_matrix(source_matrix))

    def forward(self, luma: Tensor, chroma: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if chroma is None or not self.changes:
            return luma, chroma
        ycc = self.ycc_to_ycc(torch.cat((luma, self.chroma_to_luma(chroma)), 1))
        return ycc[:, :1], ycc[:, 1:]


class PlaneModel(nn.Module):
    """Planes -> network domain -> deployed network -> planes of the wanted size and layout.

    ``forward(*planes)`` takes the planes of ``source`` as (N, h, w) uint8 or uint16 and returns those of ``target``.
    What the network sees is a matter of its domain, see ``vsr.domains``: RGB; Y, its chroma being interpolated with
    its siting; or the packed 4:2:0 form, where planes of one matrix meet no colour conversion at all. ``strip_rows``
    bounds memory: the network runs on strips of at most that many luma rows, each with the network's halo, which gives
    the same picture. A network without a halo, which looks at the whole picture, is never cut.
    """

    def __init__(
        self,
        network: Network,
        source: Picture,
        target: Picture,
        precision: Precision = "fp32",
        strip_rows: int | None = None,
    ):
        super().__init__()
        self.source, self.target = source, target
        self.precision: Precision = precision
        self.strip_rows = strip_rows
        source_matrix = source.color.matrix if source.layout.family == "yuv" else target.color.matrix
        target_matrix = target.color.matrix if target.layout.family == "yuv" else source_matrix
        self.decode = Decode(source, source_matrix)
        self.network: Network | YccForm = network
        if network.domain == "rgb" and source.layout.family != "gray" and has_ycc_form(network):
            self.network = YccForm(network, ycc_to_rgb_matrix(source_matrix))
            self.conversion: Conversion = YccConversion(source.size, source.chroma_grids, network.scale)
        else:
            self.conversion = conversion(network.domain, source.size, source.chroma_grids, network.scale, source_matrix)
        luma, chroma = self.conversion.luma, self.conversion.chroma
        self.rematrix = Rematrix(luma, chroma, source_matrix, target_matrix)
        own_plane = network.domain == "luma" and not self.rematrix.changes and target.layout.family != "rgb"
        self.in_phases = own_plane and luma == luma_grids(target.size) and isinstance(network, Shuffled)
        """The network's luma is a plane of the target: its shuffle is left to be done with the codes."""
        self.encode = Encode(
            luma, self.rematrix.chroma, luma_grids(source.size), target, target_matrix, in_phases=self.in_phases
        )

    def forward(self, *planes: Tensor) -> tuple[Tensor, ...]:
        luma, chroma, alpha = self.decode(planes)
        luma, chroma = self.upscale(luma, chroma)
        return self.render(luma, chroma, alpha)

    def upscale(self, luma: Tensor, chroma: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Luma and chroma after the network, float32; chroma that it does not see as it came."""
        return self.conversion.leave(chroma, *self._run_network(self.conversion.enter(luma, chroma)))

    def render(self, luma: Tensor, chroma: Tensor | None, alpha: Tensor | None) -> tuple[Tensor, ...]:
        """The target's planes of upscaled luma and chroma, and of alpha as it was decoded."""
        luma, chroma = self.rematrix(luma, chroma)
        result: tuple[Tensor, ...] = self.encode(luma, chroma, alpha)
        return result

    def _run_network(self, x: Tensor) -> tuple[Tensor, ...]:
        rows = x.shape[2]
        halo = self.network.halo
        most = rows if self.strip_rows is None else max(self.strip_rows // self.network.cell, 1)
        if halo is None or rows <= most:
            return self._run_whole(x)
        # Phases have their rows in another place, and as many as the input.
        axis, scale = (1, 1) if self.in_phases else (2, self.network.scale)
        strips = []
        for top in range(0, rows, most):
            bottom = min(top + most, rows)
            first, last = max(top - halo, 0), min(bottom + halo, rows)
            made = self._run_whole(x[:, :, first:last])
            strips.append([one.narrow(axis, (top - first) * scale, (bottom - top) * scale) for one in made])
        return tuple(torch.cat(column, axis) for column in zip(*strips, strict=True))

    def _run_whole(self, x: Tensor) -> tuple[Tensor, ...]:
        x = x.contiguous(memory_format=torch.channels_last)
        run = self.network.phases if self.in_phases else self.network
        with torch.autocast(x.device.type, _AUTOCAST.get(self.precision), enabled=self.precision in _AUTOCAST):
            made = run(x)  # type: ignore[operator]
            return tuple(one.to(torch.float32) for one in (made if isinstance(made, tuple) else (made,)))
