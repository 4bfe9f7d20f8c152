"""Room for the output: how much it will probably take, a warning where there is less, and words for a full disk."""

import errno
import shutil
from pathlib import Path

from vsr.io.encoders import Encoding
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.scaling import OutputSize

# Bits for the same picture, those of H.264 being 1.
_RELATIVE_BITS = (("av1", 0.5), ("265", 0.7), ("hevc", 0.7), ("vp9", 0.7), ("264", 1.0), ("mpeg", 1.8))
_H264_BITS_PER_PIXEL = 0.2
_INTRA_BITS_PER_PIXEL = 4.0
_LOSSLESS_SHARE = {"rawvideo": 1.0, "bmp": 1.0, "ffv1": 0.5, "utvideo": 0.5, "png": 0.5, "tiff": 0.5}
_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the quota of the disk is used up"}


def expected_output(source: VideoSource, encoding: Encoding, size: OutputSize) -> int | None:
    """Bytes that the output will take, before any of it is made; None where the source does not say how long it is.

    Codecs that lose nothing: the samples themselves, halved where the codec compresses. Codecs that predict pictures
    from others, of a source in such a codec: the source's bytes, times the ratio of the pixels, times that of the bits
    which both codecs need for one picture. All else: so many bits a pixel. These are rules of thumb for the default
    quality, right within a factor of two or so: good for a warning, not for a refusal.
    """
    info, pixels = source.info, size.width * size.height
    relative, before = (_relative_bits(codec) for codec in (encoding.codec, source.stream.codec_context.name))
    if relative and before and source.container.size > 0:
        return round(source.container.size * pixels / (info.width * info.height) * relative / before)
    if info.frame_count is None:
        return None
    if encoding.codec in _LOSSLESS_SHARE:
        samples = sum(height * width for height, width in encoding.layout.plane_sizes(size.width, size.height))
        each = samples * (1 if encoding.layout.bits == 8 else 2) * _LOSSLESS_SHARE[encoding.codec]
    else:
        each = pixels * (_H264_BITS_PER_PIXEL * relative if relative else _INTRA_BITS_PER_PIXEL) / 8
    return round(each * info.frame_count)


def _relative_bits(codec: str) -> float | None:
    """None for codecs whose pictures stand alone, and for rare ones."""
    return next((bits for name, bits in _RELATIVE_BITS if name in codec), None)


def expected_rest(made: int, share: float) -> int:
    """Bytes that a run in pieces has still to write, after ``made`` bytes of them, which are ``share`` (0 to 1] of all.

    The missing pieces, and the joined file, which lies beside all of them before they go.
    """
    whole = made / share
    return round(whole - made + whole)


class DiskRoom:
    """Warns, once for each ``basis``, where ``folder`` has not the room that will probably be needed."""

    def __init__(self, folder: Path, notices: Notices):
        self._folder = folder
        self._notices = notices
        self._warned: set[str] = set()

    def expect(self, needed: int | None, basis: str) -> None:
        """``needed`` bytes are to be written, judging by ``basis``; None: nobody knows."""
        free = free_bytes(self._folder)
        if needed is None or free is None or needed <= free or basis in self._warned:
            return
        self._warned.add(basis)
        self._notices.say(
            f"judging by {basis}, about {_amount(needed)} are still to be written to {self._folder}, "
            f"where {_amount(free)} are free: the disk may be full before the end"
        )


def free_bytes(folder: Path) -> int | None:
    """What this user may still write there; None where the system doesn't say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def reason(error: Exception, path: Path, words: str | None = None) -> str:
    """Why ``path`` could not be written: ``words``, by default the error's; of a full disk, what is left and to do."""
    number, words = getattr(error, "errno", None), words or getattr(error, "strerror", None) or str(error)
    if number == errno.EFBIG:
        return f"no file may grow so large there ({words}); lift the limit, or write to another file system"
    if number not in _FULL:
        return words
    free = free_bytes(path.parent)
    left = "" if free is None else f", {_amount(free)} are free in {path.parent}"
    return f"{_FULL[number]} ({words}){left}; make room and run the same command again"


def _amount(count: int) -> str:
    """In the units that file managers use."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
