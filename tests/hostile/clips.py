"""Small files of many kinds to begin from: ``python -m tests.hostile.clips FOLDER`` writes them."""

from __future__ import annotations

import struct
import sys
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tests.io.making import Recipe, make, picture
from vsr.io.scheduling import ordinary_threads


def _counted(codec: str, pix_fmt: str = "yuv420p", audio: tuple[str, ...] = ()) -> Recipe:
    """For containers that count frames instead of timing them."""
    return Recipe(codec=codec, pix_fmt=pix_fmt, audio=audio, pts=tuple(range(8)), time_base=Fraction(1, 25))


RECIPES = {
    "h264.mp4": Recipe(audio=("aac",), chapters=True, options={"g": "4"}),
    "hevc.mkv": Recipe(
        codec="libx265",
        options={"x265-params": "log-level=none"},
        audio=("libopus",),
        subtitles=("ass",),
        attachment=True,
    ),
    "fragments.mp4": Recipe(options={"g": "2"}),
    "prores.mov": Recipe(codec="prores_ks", pix_fmt="yuv422p10le", audio=("pcm_s16le",)),
    "mpeg4.avi": _counted("mpeg4", audio=("libmp3lame",)),
    "h264.ts": Recipe(audio=("aac",)),
    "mpeg2.mpg": _counted("mpeg2video", audio=("mp2",)),
    "vp9.webm": Recipe(codec="libvpx-vp9", audio=("libopus",)),
    "av1.mkv": Recipe(codec="libsvtav1"),
    "ffv1.mkv": Recipe(codec="ffv1", pix_fmt="yuv444p"),
    "h264.flv": Recipe(audio=("aac",)),
    "mjpeg.avi": _counted("mjpeg", "yuvj420p"),
    "anim.gif": _counted("gif", "rgb8"),
    "raw.y4m": _counted("rawvideo"),
}
_PICTURES = {
    "a.png": ("png", "rgb24"),
    "a.jpg": ("mjpeg", "yuvj420p"),
    "a.bmp": ("bmp", "bgr24"),
    "a.webp": ("libwebp", "yuv420p"),
}


PROFILE = b"sRGB\0\0" + zlib.compress(bytes(132))
"""Content of a PNG's iCCP chunk: its name, and a profile that says nothing."""
_END_OF_PNG_HEADER = 33


def with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """``png`` with one more chunk before its pixels."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    chunk = struct.pack(">I", len(content)) + kind + content + checksum
    return png[:_END_OF_PNG_HEADER] + chunk + png[_END_OF_PNG_HEADER:]


def make_clips(folder: Path) -> list[Path]:
    """Write them to ``folder``."""
    with ordinary_threads():
        for name, recipe in RECIPES.items():
            make(folder / name, recipe)
    _fragment(folder / "fragments.mp4")
    for name, (codec, pix_fmt) in _PICTURES.items():
        recipe = Recipe(pix_fmt=pix_fmt)
        with av.open(str(folder / name), "w", format="image2", options={"update": "1"}) as output:
            stream: Any = output.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = *recipe.size, pix_fmt
            output.mux(stream.encode(picture(recipe, 0)))
            output.mux(stream.encode(None))
    (folder / "profile.png").write_bytes(with_chunk((folder / "a.png").read_bytes(), b"iCCP", PROFILE))
    return sorted(folder.iterdir())


def _fragment(path: Path) -> None:
    """The same packets again, in fragments, as they are streamed."""
    whole = path.rename(path.with_suffix(".whole"))
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(whole)) as source, av.open(str(path), "w", options=options) as output:
        copied = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = copied
                output.mux(packet)
    whole.unlink()


if __name__ == "__main__":
    make_clips(Path(sys.argv[1]))
