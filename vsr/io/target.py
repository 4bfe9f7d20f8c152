"""Where the output goes: its container, its temporary name, and the rename that makes it appear whole."""

import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError

from vsr.errors import SinkError, UsageError
from vsr.io.disk_space import reason
from vsr.io.durable import sync_folder
from vsr.io.opening import is_picture, is_sequence, is_url, pictures_of
from vsr.spec import PipelineSpec

# What FFmpeg's audio containers name as their video codec: nothing, or the format of a cover picture.
_NO_VIDEO = {"none", "png"}
_OWN_FOLDER = ".part"
CARRIES_ORIENTATION = {"mp4", "mov", "ipod", "3gp", "3g2", "matroska", "webm"}


@dataclass(frozen=True)
class Target:
    """An output to be."""

    final: str
    partial: Path
    """Written meanwhile, for numbered pictures their pattern; what its folder is says ``has_own_folder``."""
    container: str
    """FFmpeg's muxer name."""
    default_codec: str
    numbered: bool

    @property
    def carries_orientation(self) -> bool:
        """True when the container can say how the picture is to be turned."""
        return self.container in CARRIES_ORIENTATION

    @property
    def has_own_folder(self) -> bool:
        """True when ``partial`` lies in a folder that is for this output alone, made and removed here.

        FFmpeg writes to a name whatever is there, a link to elsewhere too; in a folder that only its maker may enter
        nobody else puts one. Elsewhere ``partial`` lies in a folder that its owner has made private.
        """
        return self.numbered or self.partial.parent.suffix == _OWN_FOLDER

    def prepare(self) -> None:
        """Make room for what will be written. Raises SinkError."""
        if self.has_own_folder:
            try:
                self.partial.parent.mkdir(mode=0o700)
            except OSError as exc:
                why = reason(exc, self.partial.parent)
                raise SinkError(f"{self.partial.parent} can't be created: {why}") from exc

    def publish(self) -> None:
        """Give the finished output its name, in one step for a file; a link of that name is replaced.

        Raises SinkError.
        """
        try:
            if self.numbered:
                for picture in sorted(self.partial.parent.iterdir()):
                    _flush_to_disk(picture)
                    picture.replace(Path(self.final).parent / picture.name)
            else:
                _flush_to_disk(self.partial)
                self.partial.replace(self.final)
            sync_folder(Path(self.final).parent)
        except OSError as exc:
            raise SinkError(f"{self.final} can't be given its name: {reason(exc, Path(self.final))}") from exc
        self.discard()

    def discard(self) -> None:
        """Remove what was written, if anything is left."""
        if self.has_own_folder:
            shutil.rmtree(self.partial.parent, ignore_errors=True)
        else:
            self.partial.unlink(missing_ok=True)


RGB_FRAMES = Target("RGB frames", Path(os.devnull), "rawvideo", "rawvideo", numbered=False)
"""The target of people who bring their own encoder: raw RGB, nothing written."""


def final_path(spec: PipelineSpec) -> Path:
    """The output's name; in a folder it is the source's."""
    output = Path(spec.output)
    return output / Path(spec.source).name if output.is_dir() else output


def described(output: str) -> Target:
    """What ``output`` would be, by its name alone. Raises SinkError for an unknown extension."""
    numbered = is_sequence(output)
    container, codec = _container(Path(output), numbered or is_picture(output))
    return Target(output, Path(output), container, codec, numbered)


def resolve(spec: PipelineSpec) -> Target:
    """Check the output's name and folder before anything is decoded.

    Raises UsageError (same file as the source, exists already) and SinkError (unknown extension, unwritable folder).
    """
    if is_url(spec.output):
        raise UsageError(f"{spec.output} is a network address; write a file")
    output = final_path(spec)
    if same_file(output, spec.source):
        raise UsageError(f"the output {output} is the source itself; choose another name")
    numbered = is_sequence(str(output))
    folder = output.parent
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise SinkError(f"the folder {folder} is not writable")
    _check_free(output, numbered=numbered, overwrite=spec.overwrite)
    container, codec = _container(output, numbered or is_picture(str(output)))
    # Absolute, so that FFmpeg takes no colon in it for a protocol's.
    own_folder = folder.absolute() / f".vsr-{secrets.token_hex(8)}{_OWN_FOLDER}"
    return Target(str(output), own_folder / output.name, container, codec, numbered)


def _check_free(output: Path, *, numbered: bool, overwrite: bool) -> None:
    """Raises UsageError for a name that is taken: by a link too, wherever that leads, but not by an empty file.

    Numbered pictures take the place of earlier ones; a link among these is somebody else's.
    """
    for path in pictures_of(str(output)) if numbered else [output]:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise SinkError(f"{path} can't be written: {exc.strerror}") from exc
        is_link = stat.S_ISLNK(status.st_mode)
        if not is_link and not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is there and is no ordinary file; choose another name")
        if not overwrite and (is_link or (status.st_size and not numbered)):
            what = "is a link" if is_link else "exists already"
            raise UsageError(f"{path} {what}; --overwrite replaces it once the new one is whole")


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
        many_files = probe.format.no_file
    if many_files:
        raise SinkError(
            f"'{output.suffix}' is a list of files, and vsr run writes one; use .mp4, .mkv, .mov or .webm "
            "(vsr live writes playlists)"
        )
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
