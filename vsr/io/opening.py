"""Opening an input with a message that says what is wrong with it."""

import os
from pathlib import Path

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError

from vsr.errors import SourceError
from vsr.spec import PipelineSpec

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
_DEFAULT_SEQUENCE_RATE = "25"


def is_url(text: str) -> bool:
    """True for ``scheme://...``, which is no path of this machine."""
    return "://" in text


def is_picture(path: str) -> bool:
    """True for the name of a single picture file."""
    return Path(path).suffix.lower() in PICTURE_SUFFIXES and not is_sequence(path)


def is_sequence(path: str) -> bool:
    """True for a pattern of numbered pictures such as ``frame_%04d.png``."""
    suffix = Path(path).suffix.lower()
    return suffix in PICTURE_SUFFIXES and "%" in Path(path).name and not Path(path).exists()


def open_input(spec: PipelineSpec, hwaccel: HWAccel | None = None) -> InputContainer:
    """Open ``spec.source`` for reading. Raises SourceError."""
    _check_file(spec.source)
    options: dict[str, str] = {}
    container_format = None
    if is_sequence(spec.source):
        container_format = "image2"
        options["framerate"] = str(spec.frame_rate) if spec.frame_rate else _DEFAULT_SEQUENCE_RATE
    try:
        return av.open(
            spec.source, "r", format=container_format, options=options, metadata_errors="replace", hwaccel=hwaccel
        )
    except InvalidDataError as exc:
        raise SourceError(
            f"{spec.source} is not a video that FFmpeg can read; if it is one, it is damaged or cut short"
        ) from exc
    except (FFmpegError, RuntimeError, ValueError) as exc:
        raise SourceError(f"{spec.source} can't be opened: {getattr(exc, 'strerror', None) or exc}") from exc


def _check_file(source: str) -> None:
    """Say plainly what FFmpeg would put into a number."""
    if is_url(source) or is_sequence(source):
        return
    path = Path(source)
    if not path.exists():
        raise SourceError(f"{source} does not exist")
    if path.is_dir():
        raise SourceError(f"{source} is a folder; to upscale every file in it, give a folder as the output too")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{source} can't be read: permission denied")
    if path.is_file() and path.stat().st_size == 0:
        raise SourceError(f"{source} is empty")
