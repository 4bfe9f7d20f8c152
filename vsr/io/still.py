"""Still images in and out as 8-bit RGB arrays."""

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from vsr.errors import SinkError, SourceError


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """The first picture of an image file as (H,W,3) uint8 RGB; grey is replicated. SourceError if it can't be read."""
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (av.FFmpegError, IndexError, ValueError) as exc:
        raise SourceError(f"can't read image {path}: {_reason(exc)}; give a PNG, JPEG, BMP or TIFF file") from exc
    raise SourceError(f"can't read image {path}: it holds no picture; give a PNG, JPEG, BMP or TIFF file")


def write_rgb(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write (H,W,3) uint8 RGB as a PNG. SinkError if it can't be written."""
    try:
        height, width, _ = pixels.shape
        encoder = av.VideoCodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        path.write_bytes(b"".join(bytes(packet) for packet in packets))
    except (av.FFmpegError, OSError, ValueError) as exc:
        raise SinkError(f"can't write image {path}: {_reason(exc)}") from exc


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc)
