"""Opening an input with a message that says what is wrong with it."""

import os
from pathlib import Path
from typing import Protocol

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.error import ExitError, FFmpegError, InvalidDataError

from vsr.errors import SourceError
from vsr.spec import PipelineSpec

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
_DEFAULT_SEQUENCE_RATE = "25"


class Readable(Protocol):
    """Bytes that come from elsewhere than an address that FFmpeg knows."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


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
    check_file(spec.source)
    options: dict[str, str] = {}
    container_format = None
    if is_sequence(spec.source):
        container_format = "image2"
        options["framerate"] = str(spec.frame_rate) if spec.frame_rate else _DEFAULT_SEQUENCE_RATE
    return open_container(spec.source, spec.source, container_format, options, hwaccel=hwaccel)


def open_container(
    name: str,
    target: str | Readable,
    container_format: str | None = None,
    options: dict[str, str] | None = None,
    *,
    hwaccel: HWAccel | None = None,
    timeouts_s: tuple[float | None, float | None] = (None, None),
) -> InputContainer:
    """Open ``target`` for reading; messages call it ``name``. Raises SourceError.

    ``timeouts_s``: how long opening, and later each read, may take; None for as long as it does.
    """
    try:
        return av.open(
            target,
            "r",
            format=container_format,
            options=options,
            metadata_errors="replace",
            hwaccel=hwaccel,
            timeout=timeouts_s,
        )
    except InvalidDataError as exc:
        raise SourceError(
            f"{name} is not a video that FFmpeg can read; if it is one, it is damaged or cut short"
        ) from exc
    except ExitError as exc:
        raise SourceError(f"{name} can't be opened: no answer within {timeouts_s[0]:g} s") from exc
    except (FFmpegError, OSError, RuntimeError, ValueError) as exc:
        raise SourceError(f"{name} can't be opened: {getattr(exc, 'strerror', None) or exc}") from exc


def check_file(source: str) -> None:
    """Say plainly what FFmpeg would put into a number. Raises SourceError."""
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
