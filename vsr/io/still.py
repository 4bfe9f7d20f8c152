"""Still images in and out as 8-bit RGB arrays."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from vsr.errors import SinkError, SourceError
from vsr.io.durable import write_whole
from vsr.io.limits import check_picture, decoder_options
from vsr.spec import PipelineSpec

# By first bytes: libav's own probing would also follow playlists to other files, and read '%d' in a name as a sequence.
_DEMUXERS = (
    (b"\x89PNG", "png_pipe"),
    (b"\xff\xd8\xff", "jpeg_pipe"),
    (b"BM", "bmp_pipe"),
    (b"II*\x00", "tiff_pipe"),
    (b"MM\x00*", "tiff_pipe"),
    (b"RIFF", "webp_pipe"),
)
# JFIF 1.02: BT.601's luma, chroma of full range.
_RGB_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=np.float32
)
_YCC_OFFSET = np.array([0, 128, 128], dtype=np.float32)


def read_rgb(path: Path) -> npt.NDArray[np.uint8]:
    """An image file (PNG, JPEG, BMP, TIFF, WebP) as (H,W,3) uint8 RGB; grey is replicated, alpha dropped.

    SourceError if it can't be read.
    """
    try:
        content = path.read_bytes()
        demuxer = next((name for magic, name in _DEMUXERS if content.startswith(magic)), None)
        if demuxer is None:
            raise SourceError(f"can't read image {path}: it is no PNG, JPEG, BMP, TIFF or WebP file")
        check_picture(f"image {path}", content)
        limit = decoder_options(PipelineSpec.max_pixels)
        with av.open(io.BytesIO(content), mode="r", format=demuxer, options=limit) as container:
            container.streams.video[0].codec_context.options = limit
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (OSError, av.FFmpegError, IndexError, ValueError) as exc:
        raise SourceError(f"can't read image {path}: {_reason(exc)}") from exc
    raise SourceError(f"can't read image {path}: it is damaged and holds no picture")


def write_rgb(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write (H,W,3) uint8 RGB as a PNG. SinkError if it can't be written."""
    try:
        write_whole(path, png(pixels))
    except OSError as exc:
        raise SinkError(f"can't write image {path}: {_reason(exc)}; write to a writable folder") from exc


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """(H,W,3) uint8 RGB as the bytes of a PNG file, which holds it exactly. SinkError if it can't be encoded."""
    return _encoded("png", VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"))


def jpeg(pixels: npt.NDArray[np.uint8], quantiser: int) -> bytes:
    """(H,W,3) uint8 RGB as the bytes of a JPEG file (JFIF: BT.601, full range) with chroma at full resolution.

    ``quantiser`` is FFmpeg's, 1 (finest) to 31. SinkError if it can't be encoded.
    """
    # FFmpeg's own conversion is half a code off in chroma; this one is the equations of JFIF.
    planes = (pixels.astype(np.float32) @ _RGB_TO_YCC.T + _YCC_OFFSET).round().clip(0, 255)
    samples = np.ascontiguousarray(planes.astype(np.uint8).transpose(2, 0, 1))
    options = {"qmin": str(quantiser), "qmax": str(quantiser)}
    return _encoded("mjpeg", VideoFrame.from_ndarray(samples, format="yuvj444p"), options)


def _encoded(codec: Literal["png", "mjpeg"], frame: VideoFrame, options: dict[str, str] | None = None) -> bytes:
    try:
        encoder = VideoCodecContext.create(codec, "w")
        encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, frame.format.name
        encoder.time_base = Fraction(1, 25)  # a picture has no time, but the encoders want one
        encoder.options = options or {}
        return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    except (OSError, av.FFmpegError, ValueError) as exc:
        raise SinkError(f"can't encode {frame.width}x{frame.height} as {codec}: {_reason(exc)}") from exc


def _reason(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc)
