"""Still images in and out as 8-bit RGB arrays."""

import io
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from vsr.errors import SinkError, SourceError

# By first bytes: libav's own probing would also follow playlists to other files, and read '%d' in a name as a sequence.
_DEMUXERS = (
    (b"\x89PNG", "png_pipe"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"BM", "bmp_pipe"),
    (b"II*\x00", "tiff_pipe"),
    (b"MM\x00*", "tiff_pipe"),
    (b"RIFF", "webp_pipe"),
)


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """An image file (PNG, JPEG, BMP, TIFF, WebP) as (H,W,3) uint8 RGB; grey is replicated, alpha dropped.

    SourceError if it can't be read.
    """
    try:
        content = path.read_bytes()
        demuxer = next((name for magic, name in _DEMUXERS if content.startswith(magic)), None)
        if demuxer is None:
            raise SourceError(f"can't read image {path}: it is no PNG, JPEG, BMP, TIFF or WebP file")
        with av.open(io.BytesIO(content), mode="r", format=demuxer) as container:
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (OSError, av.FFmpegError, IndexError, ValueError) as exc:
        raise SourceError(f"can't read image {path}: {_reason(exc)}") from exc
    raise SourceError(f"can't read image {path}: it is damaged and holds no picture")


def write_rgb(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write (H,W,3) uint8 RGB as a PNG. SinkError if it can't be written."""
    try:
        height, width, _ = pixels.shape
        encoder = av.VideoCodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        path.write_bytes(b"".join(bytes(packet) for packet in packets))
    except (OSError, av.FFmpegError, ValueError) as exc:
        raise SinkError(f"can't write image {path}: {_reason(exc)}; write to a writable folder") from exc


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc)
