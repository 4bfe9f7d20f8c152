"""PlaneModel: integer planes in, larger integer planes out, with the colour work and the network in ONE module.

A backend compiles, captures or exports this module whole, so that only planes cross to a device and back.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from vsr.color import ChannelMatrix, luma_grids, plane_grids, quantisations, ycc_to_rgb_matrix
from vsr.errors import UsageError
from vsr.frames import ColorSpace, PixelLayout
from vsr.networks.base import Network
from vsr.resample import Grid, Resample

Precision = Literal["fp32", "bf16", "fp16", "int8"]
Grids = tuple[Grid, Grid]
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
    """Luma on ``luma`` grids, chroma on ``chroma`` grids and alpha on ``alpha`` grids to the planes of ``target``."""

    def __init__(self, luma: Grids, chroma: Grids, alpha: Grids, target: Picture, matrix: int):
        super().__init__()
        self.layout = target.layout
        self.luma, self.chroma = quantisations(target.layout, target.color)
        full = luma_grids(target.size)
        self.resample_luma = Resample(luma, full, "lanczos3")
        self.resample_chroma = Resample(chroma, target.chroma_grids)
        self.resample_alpha = Resample(alpha, full)
        self.ycc_to_rgb = ChannelMatrix(ycc_to_rgb_matrix(matrix))

    def forward(self, luma: Tensor, chroma: Tensor | None, alpha: Tensor | None) -> tuple[Tensor, ...]:
        y = self.resample_luma(luma)
        if self.layout.family == "gray":
            planes = [self.luma.encode(y[:, 0])]
        else:
            c = self.resample_chroma(chroma) if chroma is not None else self._no_chroma(y)
            if self.layout.family == "rgb":
                planes = list(self.luma.encode(self.ycc_to_rgb(torch.cat((y, c), 1))).unbind(1))
            else:
                planes = [self.luma.encode(y[:, 0]), *self.chroma.encode(c).unbind(1)]
        if self.layout.alpha:
            a = torch.ones_like(y) if alpha is None else self.resample_alpha(alpha)
            planes.append((a[:, 0] * self.luma.maximum).clamp(0, self.luma.maximum).round().to(self.luma.dtype))
        return tuple(planes)

    def _no_chroma(self, y: Tensor) -> Tensor:
        rows, columns = self.resample_chroma.vertical.count, self.resample_chroma.horizontal.count
        return y.new_zeros((y.shape[0], 2, rows, columns))


class PlaneModel(nn.Module):
    """Planes -> network domain -> deployed network -> planes of the wanted size and layout.

    ``forward(*planes)`` takes the planes of ``source`` as (N, h, w) uint8 or uint16 and returns those of ``target``.
    RGB networks see RGB in [0, 1]; luma networks see Y as BT.601 codes / 255 (the field's training convention) and
    chroma is interpolated with its siting. ``strip_rows`` bounds memory: the network runs on strips of at most that
    many rows, each with the network's halo, which gives the same picture. A network without a halo, which looks at the
    whole picture, is never cut.
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
        if network.domain == "yuv420":
            raise UsageError("networks on packed 4:2:0 planes are not supported yet")
        self.network = network
        self.source, self.target = source, target
        self.precision: Precision = precision
        self.strip_rows = strip_rows
        source_matrix = source.color.matrix if source.layout.family == "yuv" else target.color.matrix
        target_matrix = target.color.matrix if target.layout.family == "yuv" else source_matrix
        scaled = luma_grids((source.height * network.scale, source.width * network.scale))
        low = luma_grids(source.size)
        through_rgb = network.domain == "rgb" or source_matrix != target_matrix
        self.decode = Decode(source, source_matrix)
        self.to_rgb = ChannelMatrix(ycc_to_rgb_matrix(source_matrix))
        self.from_rgb = ChannelMatrix(torch.linalg.inv(ycc_to_rgb_matrix(target_matrix)))
        self.chroma_to_luma = Resample(source.chroma_grids, low if network.domain == "rgb" else scaled)
        self.through_rgb = through_rgb
        self.encode = Encode(scaled, scaled if through_rgb else source.chroma_grids, low, target, target_matrix)

    def forward(self, *planes: Tensor) -> tuple[Tensor, ...]:
        luma, chroma, alpha = self.decode(planes)
        if self.network.domain == "rgb":
            luma, chroma = self._rgb_network(luma, chroma)
        else:
            luma = (self._run_network(luma * (219 / 255) + 16 / 255) - 16 / 255) * (255 / 219)
            if self.through_rgb and chroma is not None:
                luma, chroma = self._rematrix(torch.cat((luma, self.chroma_to_luma(chroma)), 1))
        result: tuple[Tensor, ...] = self.encode(luma, chroma, alpha)
        return result

    def _rgb_network(self, luma: Tensor, chroma: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if chroma is None:
            return self._run_network(luma.expand(-1, 3, -1, -1)).mean(1, keepdim=True), None
        rgb = self.to_rgb(torch.cat((luma, self.chroma_to_luma(chroma)), 1))
        ycc = self.from_rgb(self._run_network(rgb))
        return ycc[:, :1], ycc[:, 1:]

    def _rematrix(self, ycc: Tensor) -> tuple[Tensor, Tensor]:
        ycc = self.from_rgb(self.to_rgb(ycc))
        return ycc[:, :1], ycc[:, 1:]

    def _run_network(self, x: Tensor) -> Tensor:
        rows = x.shape[2]
        halo, scale = self.network.halo, self.network.scale
        if halo is None or self.strip_rows is None or rows <= self.strip_rows:
            return self._run_whole(x)
        strips = []
        for top in range(0, rows, self.strip_rows):
            bottom = min(top + self.strip_rows, rows)
            first, last = max(top - halo, 0), min(bottom + halo, rows)
            strip = self._run_whole(x[:, :, first:last])
            strips.append(strip[:, :, (top - first) * scale : (bottom - first) * scale])
        return torch.cat(strips, 2)

    def _run_whole(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        if self.precision == "fp32":
            return self.network(x)  # type: ignore[no-any-return]
        with torch.autocast(x.device.type, _AUTOCAST[self.precision]):
            return self.network(x).to(torch.float32)  # type: ignore[no-any-return]
