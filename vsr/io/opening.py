"""Opening an input, which may open nothing else, with a message that says what is wrong with it."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import av
from av.codec.hwaccel import HWAccel
from av.container import InputContainer
from av.error import ArgumentError, ExitError, FFmpegError, InvalidDataError

from vsr.errors import SourceError
from vsr.io import allowed, limits
from vsr.spec import PipelineSpec

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"})
_NUMBER = re.compile(r"%\d*d")
"""Where FFmpeg puts the number into the name of a picture."""
_DEFAULT_SEQUENCE_RATE = "25"
_NETWORK_TIMEOUTS_S = (20.0, 20.0)


class Readable(Protocol):
    """Bytes that come from elsewhere than an address that FFmpeg knows."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


def is_url(text: str) -> bool:
    """True for ``scheme://...``, which is no path of this machine."""
    return "://" in text


def without_password(name: str) -> str:
    """``name`` fit for messages: what is secret in an address is left out."""
    shown = re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:...@", name)
    return re.sub(r"(passphrase=)[^&]*", r"\1...", shown)


def file_url(path: str) -> str:
    """``path`` as an address that FFmpeg takes for a file, whatever is in its name: ``concat:a`` is one."""
    return f"file:{path}"


def is_picture(path: str) -> bool:
    """True for the name of a single picture file."""
    return Path(path).suffix.lower() in PICTURE_SUFFIXES and not is_sequence(path)


def is_sequence(path: str) -> bool:
    """True for a pattern of numbered pictures such as ``frame_%04d.png``."""
    return is_pattern(path) and not Path(path).exists()


def is_pattern(path: str) -> bool:
    """True for a name that stands for numbered pictures, unless it is that of a file."""
    return Path(path).suffix.lower() in PICTURE_SUFFIXES and _NUMBER.search(Path(path).name) is not None


def pictures_of(pattern: str) -> list[Path]:
    """The numbered pictures that are there, by name. Raises OSError."""
    path = Path(pattern)
    name = re.compile("\\d+".join(re.escape(part) for part in _NUMBER.split(path.name)))
    return sorted(file for file in path.parent.iterdir() if name.fullmatch(file.name))


def _check_first_of(pattern: str) -> None:
    """FFmpeg decodes the first picture as it opens them; the others are looked at one by one. Raises SourceError."""
    try:
        first = min(pictures_of(pattern), key=lambda path: (len(path.name), path.name), default=None)
        if first is not None:
            limits.check_headers(str(first), first)
    except OSError as exc:
        raise SourceError(f"{pattern} can't be read: {exc.strerror}") from exc


def open_input(spec: PipelineSpec, hwaccel: HWAccel | None = None) -> InputContainer:
    """Open ``spec.source`` for reading, a file unless ``spec.allow_network``. Raises SourceError and UsageError."""
    options = limits.options(spec)
    if is_url(spec.source):
        shown = without_password(spec.source)
        options |= allowed.for_address(allowed.check_address(spec.source, shown, allowed=spec.allow_network))
        return open_container(shown, spec.source, None, options, hwaccel=hwaccel, timeouts_s=_NETWORK_TIMEOUTS_S)
    check_file(spec.source)
    numbered = is_sequence(spec.source)
    options |= allowed.for_file(numbered=numbered)
    if numbered:
        options["framerate"] = str(spec.frame_rate) if spec.frame_rate else _DEFAULT_SEQUENCE_RATE
    else:
        options |= limits.opening_options(_video_codecs(spec.source), spec.max_pixels)
    return open_container(spec.source, file_url(spec.source), "image2" if numbered else None, options, hwaccel=hwaccel)


def _video_codecs(source: str) -> tuple[str, ...]:
    """Names of the decoders of its video streams; none where it can't be opened, which opening it will tell."""
    try:
        path = Path(source)
        status = path.stat()
        return _codecs_of(path, status.st_ino, status.st_size, status.st_mtime_ns) if path.is_file() else ()
    except (OSError, SourceError):
        return ()


@lru_cache
def _codecs_of(path: Path, _inode: int, _size: int, _changed_ns: int) -> tuple[str, ...]:
    """Found with decoders that may make no picture. One look serves for as often as a file is opened."""
    options = {"max_streams": str(limits.most_streams(str(path))), "max_pixels": "1", **allowed.for_file()}
    with open_container(str(path), file_url(str(path)), None, options) as container:
        contexts = [stream.codec_context for stream in container.streams.video]
        return tuple(context.name for context in contexts if context is not None)


def open_again(container: InputContainer) -> InputContainer:
    """A second reader of what ``container`` reads, from its beginning, as narrowly as the first. Raises SourceError."""
    shown = without_password(container.name.removeprefix("file:"))
    return open_container(shown, container.name, None, dict(container.options))


def open_container(
    name: str,
    target: str | Readable,
    container_format: str | None,
    options: dict[str, str],
    *,
    hwaccel: HWAccel | None = None,
    timeouts_s: tuple[float | None, float | None] = (None, None),
) -> InputContainer:
    """Open ``target`` for reading; messages call it ``name``. Raises SourceError.

    ``options`` say what it may lead to and how large it may be: see vsr.io.allowed and vsr.io.limits.
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
    except MemoryError as exc:
        raise SourceError(
            f"{name} can't be opened: its header asks for too much memory, or for more than "
            f"{options.get('max_streams', 'a thousand')} streams; copy its video and sound into a new file first"
        ) from exc
    except ArgumentError as exc:
        raise SourceError(
            f"{name} can't be opened: it is damaged, only sound, or in a format that vsr does not take; "
            "if there is a picture, convert it to .mkv or .mp4 first"
        ) from exc
    except (FFmpegError, OSError, RuntimeError, ValueError) as exc:
        raise SourceError(f"{name} can't be opened: {getattr(exc, 'strerror', None) or exc}") from exc


def shut(container: InputContainer) -> None:
    """Close ``container``, one of whose decoders may have a thread for each frame; safe to call twice.

    PyAV frees a decoder without letting Python go on: a thread that has just a line to log, for which it needs Python,
    would be waited for without an end. PyAV does let Python go on while a decoder is flushed, which ends their work.
    """
    for stream in container.streams.video:
        if stream.codec_context is not None:
            stream.codec_context.flush_buffers()
    container.close()


def check_file(source: str) -> None:
    """Say plainly what FFmpeg would put into a number, or would only find out too late. Raises SourceError."""
    if is_sequence(source):
        _check_first_of(source)
        return
    path = Path(source)
    try:
        if not path.exists():
            raise SourceError(f"{source} does not exist")
        if path.is_dir():
            raise SourceError(f"{source} is a folder; to upscale every file in it, give a folder as the output too")
        if not os.access(path, os.R_OK):
            raise SourceError(f"{source} can't be read: permission denied")
        if path.is_file():
            _check_content(source, path)
    except (OSError, ValueError) as exc:  # ValueError: a null character in the name
        raise SourceError(f"{source} can't be read: {getattr(exc, 'strerror', None) or exc}") from exc


def _check_content(source: str, path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(allowed.HEAD_BYTES)
    if not head:
        raise SourceError(f"{source} is empty")
    allowed.refuse_playlist(source, head)
    limits.check_headers(source, path)
