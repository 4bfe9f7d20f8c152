"""Where the output goes: its container, its temporary name, and the rename that makes it appear whole."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError

from vsr.errors import SinkError, UsageError
from vsr.io.opening import is_picture, is_sequence, is_url
from vsr.spec import PipelineSpec

# What FFmpeg's audio containers name as their video codec: nothing, or the format of a cover picture.
_NO_VIDEO = {"none", "png"}
CARRIES_ORIENTATION = {"mp4", "mov", "ipod", "3gp", "3g2", "matroska", "webm"}


@dataclass(frozen=True)
class Target:
    """An output to be."""

    final: str
    partial: Path
    """Written meanwhile; for numbered pictures, their pattern in a folder of their own."""
    container: str
    """FFmpeg's muxer name."""
    default_codec: str
    numbered: bool

    @property
    def carries_orientation(self) -> bool:
        """True when the container can say how the picture is to be turned."""
        return self.container in CARRIES_ORIENTATION

    def prepare(self) -> None:
        """Make room for what will be written. Raises SinkError."""
        if self.numbered:
            try:
                self.partial.parent.mkdir()
            except OSError as exc:
                raise SinkError(f"{self.partial.parent} can't be created: {exc.strerror}") from exc

    def publish(self) -> None:
        """Give the finished output its name, in one step for a file. Raises SinkError."""
        try:
            if self.numbered:
                for picture in sorted(self.partial.parent.iterdir()):
                    picture.replace(Path(self.final).parent / picture.name)
                self.partial.parent.rmdir()
            else:
                _flush_to_disk(self.partial)
                self.partial.replace(self.final)
        except OSError as exc:
            raise SinkError(f"{self.final} can't be given its name: {exc.strerror}") from exc

    def discard(self) -> None:
        """Remove what was written, if anything is left."""
        if self.numbered:
            shutil.rmtree(self.partial.parent, ignore_errors=True)
        else:
            self.partial.unlink(missing_ok=True)


RGB_FRAMES = Target("RGB frames", Path(os.devnull), "rawvideo", "rawvideo", numbered=False)
"""The target of people who bring their own encoder: raw RGB, nothing written."""


def resolve(spec: PipelineSpec) -> Target:
    """Check the output's name and folder before anything is decoded.

    Raises UsageError (same file as the source, exists already) and SinkError (unknown extension, unwritable folder).
    """
    output = Path(spec.output)
    if is_url(spec.output):
        raise UsageError(f"{spec.output} is a network address; write a file")
    if output.is_dir():
        output = output / Path(spec.source).name
    if same_file(output, spec.source):
        raise UsageError(f"the output {output} is the source itself; choose another name")
    numbered = is_sequence(str(output))
    if output.exists() and output.stat().st_size and not spec.overwrite:
        raise UsageError(f"{output} exists already; --overwrite replaces it once the new one is whole")
    folder = output.parent
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise SinkError(f"the folder {folder} is not writable")
    container, codec = _container(output, numbered or is_picture(str(output)))
    partial = folder / f".{output.name.replace('%', '')}.{os.getpid()}.part"
    if numbered:
        partial = partial / output.name
    return Target(str(output), partial, container, codec, numbered)


def same_file(output: Path, source: str) -> bool:
    """True when the output's name leads to the source."""
    return output.exists() and Path(source).exists() and output.samefile(source)


def _container(output: Path, picture: bool) -> tuple[str, str]:
    """FFmpeg's muxer for a file name, and the video codec it likes."""
    if picture:
        return "image2", "png"
    if not output.suffix:
        raise SinkError(f"{output} has no extension to tell its container; add one such as .mp4 or .mkv")
    try:
        probe = av.open(f"probe{output.suffix.lower()}", "w")
    except (FFmpegError, ValueError) as exc:
        raise SinkError(f"no container is known for '{output.suffix}'; use .mp4, .mkv, .mov or .webm") from exc
    with probe:
        codec = probe.default_video_codec
        name = probe.format.name
    if codec in _NO_VIDEO:
        raise SinkError(f"'{output.suffix}' files hold no video; use .mp4, .mkv, .mov or .webm")
    return name, codec


def _flush_to_disk(path: Path) -> None:
    """So that the name never appears before the data after a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
