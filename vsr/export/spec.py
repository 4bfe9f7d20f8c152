"""ExportSpec: what is exported, into which file, checked before anything is loaded."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vsr.errors import SinkError, UsageError
from vsr.frames import MATRIX_BT709, MATRIX_RGB, MATRIX_SMPTE170M, ColorSpace, PixelLayout
from vsr.plane_model import Picture, Precision

Format = Literal["onnx", "openvino", "tensorrt"]
FormName = Literal["network", "planes"]

_SUFFIXES: dict[Format, tuple[str, ...]] = {
    "onnx": (".onnx",),
    "openvino": (".xml",),
    "tensorrt": (".engine", ".plan", ".trt"),
}
_PRECISIONS: dict[Format, tuple[Precision, ...]] = {
    "onnx": ("fp32", "fp16", "bf16"),
    "openvino": ("fp32", "fp16"),
    "tensorrt": ("fp32", "fp16", "bf16"),
}
_HD_HEIGHT = 720
"""From here on, video without a matrix is taken as BT.709."""


@dataclass(frozen=True)
class ExportSpec:
    """One export."""

    output: Path
    network: str | None = None
    """None: what ``weights`` are for; without these, lrsrn."""
    scale: int | None = None
    """None: that of ``weights``; without these, 2."""
    weights: str | None = None
    """A shipped name or a file; None: what ships."""
    format: Format | None = None
    """None: by the output's extension."""
    form: FormName = "network"
    """``network``: floats in and out. ``planes``: a PlaneModel, integer planes in and out."""
    size: tuple[int, int] | None = None
    """(width, height) of the input; None leaves it free, which the ``planes`` and TensorRT can't."""
    layout: PixelLayout | None = None
    """Of both sides of ``planes``; None: 8-bit 4:2:0."""
    batch: tuple[int, int, int] | None = None
    """Frames at once: least, usual, most; None: any number, in TensorRT engines one."""
    precision: Precision = "fp32"
    as_rgb: bool = False
    compute_capability: tuple[int, int] | None = None
    """For which GPU a TensorRT engine is made, such as (8, 6); None: this machine's."""
    overwrite: bool = False

    def __post_init__(self) -> None:
        choices = (("format", Format), ("form", FormName), ("precision", Precision))
        for name, literal in choices:
            value = getattr(self, name)
            if value is not None and value not in get_args(literal):
                raise UsageError(f"--{name} is {value!r}; choose one of: {', '.join(get_args(literal))}")
        if self.output.suffix.lower() not in _SUFFIXES[self.file_format]:
            wanted = " or ".join(_SUFFIXES[self.file_format])
            raise UsageError(f"{self.output} does not end as {self.file_format} files do; name it {wanted}")
        if self.precision not in _PRECISIONS[self.file_format]:
            possible = ", ".join(_PRECISIONS[self.file_format])
            raise UsageError(f"--precision {self.precision} can't be exported as {self.file_format}; use: {possible}")
        self._check_combinations()
        self._check_output()

    @property
    def file_format(self) -> Format:
        """``format``, or the one that the output's extension means. Raises UsageError where it means none."""
        if self.format is not None:
            return self.format
        for candidate, suffixes in _SUFFIXES.items():
            if self.output.suffix.lower() in suffixes:
                return candidate
        known = ", ".join(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
        raise UsageError(f"{self.output} has no extension that tells the format; use one of: {known}")

    @property
    def fixed_batch(self) -> int | None:
        """How many frames go in at once, where it is always the same number."""
        if self.batch is None:
            return 1 if self.file_format == "tensorrt" else None
        least, _, most = self.batch
        return least if least == most else None

    @property
    def source(self) -> Picture:
        """What goes into the ``planes`` form: its matrix by the usual rule, limited range, chroma sited left."""
        if self.size is None:
            raise UsageError("--form planes needs --size WIDTHxHEIGHT: a PlaneModel is made for one size")
        width, height = self.size
        layout = self.layout or PixelLayout("yuv", 8, 1, 1)
        matrix = MATRIX_BT709 if height >= _HD_HEIGHT else MATRIX_SMPTE170M
        rgb = layout.family == "rgb"
        return Picture(width, height, layout, ColorSpace(MATRIX_RGB if rgb else matrix, full_range=rgb))

    def _check_combinations(self) -> None:
        if self.form == "planes":
            if self.as_rgb:
                raise UsageError("--rgb is for --form network; for planes of RGB use --pix-fmt gbrp")
            _ = self.source
        elif self.layout is not None:
            raise UsageError("--pix-fmt is for --form planes; the network alone takes floats")
        least, usual, most = self.batch or (1, 1, 1)
        if not 1 <= least <= usual <= most:
            raise UsageError(f"--batch is {least}:{usual}:{most}; it must not fall, and begin with at least 1")
        if least != most and self.file_format != "tensorrt":
            raise UsageError(
                f"--batch {least}:{usual}:{most} is for TensorRT engines; give one number, or none for any"
            )
        if self.file_format == "tensorrt":
            if self.size is None:
                raise UsageError("a TensorRT engine is made for one size; give --size WIDTHxHEIGHT")
        elif self.compute_capability is not None:
            raise UsageError("--compute-capability is for TensorRT engines only")

    def _check_output(self) -> None:
        if self.output.exists() and not self.overwrite:
            raise UsageError(f"{self.output} exists already; --overwrite replaces it once the new one is whole")
        folder = self.output.absolute().parent
        if not folder.is_dir():
            raise SinkError(f"the folder {folder} does not exist; create it first")
        if not os.access(folder, os.W_OK):
            raise SinkError(f"the folder {folder} is not writable")
