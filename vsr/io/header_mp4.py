"""What the boxes of an MP4 or QuickTime file declare of its tracks."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vsr.io.header_parts import MOST_BYTES, NAME_BYTES, Parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_MOST_UNPACKED = 64 << 20
_MOST_TRACKS = 1000  # as many streams as FFmpeg would make
_PARENTS = frozenset(
    b"moov trak mdia minf stbl edts mvex moof traf udta free hoov meta dinf tref strk sinf schi wave ilst iref iprp "
    b"ipco".split()
)
"""FFmpeg looks in all of these for all that it knows, whatever belongs there."""
_BEHIND_FIELDS = frozenset({b"stsd", b"iinf"})
"""The boxes in these begin behind fields of many kinds and lengths, so that their names are searched for."""
_HELD = frozenset({b"moov", b"meta", b"udta"})
_DEEPEST = 10
_PCM = frozenset(b"raw |twos|sowt|fl32|fl64|in24|in32|lpcm|ipcm|fpcm|alaw|ulaw".split(b"|"))
_PCM_TOGETHER = 1024
"""PCM samples that FFmpeg makes one entry of."""
_MOST_DESCRIBED = 1 << 20
_SOUND, _VIDEO = b"soun", b"vide"
_HANDLERS_OF_SOUND = frozenset({_SOUND, b"alis", b"url ", b"rsrc", b"mdir", b"mdta", b"\0\0\0\0"})
"""All that the track of a sound may say; the others are of its data and its tags."""
_TEXT_AND_DATA = frozenset(
    b"tx3g|text|c608|c708|wvtt|stpp|sbtl|subp|mp4s|tmcd|mett|metx|mebx|rtp |fdsc|gpmd|camm|urim".split(b"|")
)
"""Formats of which FFmpeg makes no video, whatever their track says."""

Box = tuple[bytes, int, int]
"""Type, begin and end of the content."""


@dataclass
class Track:
    """What one track of an MP4 declares; a box that comes several times is believed at its worst."""

    samples: int = 0
    edits: int = 0
    fragment_samples: int = 0
    chunks: int = 0
    runs: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    """Of chunks: the number of the first, the samples in each."""
    handlers: set[bytes] = field(default_factory=set)
    formats: set[bytes] = field(default_factory=set)
    steady: set[bool] = field(default_factory=set)
    """Of each table of times, whether all samples are one tick long."""

    @property
    def is_sound(self) -> bool:
        """Whether FFmpeg can't but take it for sound."""
        return _SOUND in self.handlers <= _HANDLERS_OF_SOUND

    @property
    def is_video(self) -> bool:
        """Whether FFmpeg may take it for video."""
        return _VIDEO in self.handlers or (not self.is_sound and not self.formats <= _TEXT_AND_DATA)

    @property
    def entries(self) -> int:
        """Of FFmpeg's index."""
        if not (self.is_sound and self.formats and self.formats <= _PCM and self.steady == {True}):
            return self.samples + self.fragment_samples
        lengths = np.diff(self.runs[:, 0], append=self.chunks + 1)
        if (lengths <= 0).any():
            lengths[:] = self.chunks
        return int((lengths * (self.runs[:, 1] // _PCM_TOGETHER + 1)).sum()) + self.fragment_samples


class Movie:
    """What all tracks of an MP4 declare. FFmpeg reads most boxes wherever they are, so that is done here too."""

    def __init__(self) -> None:
        self.tracks = [Track()]
        """The first stands for boxes that are in no track."""
        self.header_bytes = 0
        self.unpacked_bytes = 0
        self.pictures = 0
        """Covers and still pictures, each of which becomes a stream."""

    @property
    def video_streams(self) -> int:
        """How many streams FFmpeg may take for video."""
        return sum(track.is_video for track in self.tracks[1:]) + self.pictures

    def read(self, file: Parts, start: int, end: int, track: Track, depth: int = 0) -> None:
        """Count what lies between ``start`` and ``end`` of ``file``."""
        for kind, content, last in _boxes(file, start, end):
            if depth == 0 and kind in _HELD:
                self.header_bytes += last - content
            if self.header_bytes > MOST_BYTES or len(self.tracks) > _MOST_TRACKS:
                return
            if kind in _PARENTS and depth < _DEEPEST:
                inner = self._track() if kind == b"trak" else track
                for begin in _begins(file, kind, content, last):
                    self.read(file, begin, last, inner, depth + 1)
            else:
                self._take(file, (kind, content, last), track, depth)
            if kind in _BEHIND_FIELDS and depth < _DEEPEST:
                self._search(file, content, last, track, depth)

    def _track(self) -> Track:
        self.tracks.append(Track())
        return self.tracks[-1]

    def _take(self, file: Parts, box: Box, track: Track, depth: int) -> None:
        """Count a box that is no parent."""
        kind, start, end = box
        if kind == b"cmov" and depth < _DEEPEST:
            self._unpack(file, start, end, track, depth)
        elif kind == b"covr":
            self.pictures += sum(inner == b"data" for inner, _, _ in _boxes(file, start, end))
        elif kind == b"infe":
            self.pictures += 1
        elif kind in _TABLES:
            file.head(start, 0)
            _TABLES[kind](track, file, end - start)

    def _search(self, file: Parts, start: int, end: int, track: Track, depth: int) -> None:
        """Count every box between ``start`` and ``end``, wherever it begins and whatever it is in."""
        for at, kind in file.search(_NAMES, start, end):
            if kind == b"trak":
                track = self._track()
            else:
                self._take(file, (kind, at + NAME_BYTES, end), track, depth + 1)

    def _unpack(self, file: Parts, start: int, end: int, track: Track, depth: int) -> None:
        """A header within a header, compressed."""
        packed = file.head(start, min(end - start, _MOST_UNPACKED))
        inflate = zlib.decompressobj()
        try:
            unpacked = inflate.decompress(packed[packed.find(b"cmvd") + 8 :], _MOST_UNPACKED)
        except zlib.error:
            return
        self.unpacked_bytes += len(unpacked)
        if inflate.unconsumed_tail or self.unpacked_bytes > _MOST_UNPACKED:
            self.header_bytes += MOST_BYTES + 1
        within = Parts(io.BytesIO(unpacked), file.left)
        self.read(within, 0, len(unpacked), track, depth + 1)
        file.left = within.left


def _boxes(file: Parts, start: int, end: int) -> Iterator[Box]:
    """Type, begin and end of the content of each box; one that claims more than its parent has is cut, as by FFmpeg."""
    while start + 8 <= end:
        head = file.head(start, 16)
        if len(head) < 8:
            return
        size, kind = struct.unpack_from(">I4s", head)
        content = start + 8
        if size == 1 and len(head) == 16:
            size, content = struct.unpack_from(">Q", head, 8)[0], start + 16
        last = end if size == 0 else min(start + size, end)
        if last < content:
            return
        yield kind, content, last
        start = last


def _begins(file: Parts, kind: bytes, start: int, end: int) -> set[int]:
    """Where the boxes within a box of ``kind`` may begin: a version may come first and, in one, anything at all."""
    if kind == b"meta":
        handlers = (at - NAME_BYTES for at, _ in file.search((b"hdlr",), start, end) if (at - start) % NAME_BYTES == 0)
        return {start, start + 4, next(handlers, start)}
    return {start + 4} if kind == b"iref" else {start}


def _numbers(file: Parts, count: int) -> tuple[int, ...]:
    return struct.unpack(f">{count}I", file.read(4 * count).ljust(4 * count, b"\0"))


def _sizes(track: Track, file: Parts, _: int) -> None:
    track.samples = max(track.samples, _numbers(file, 3)[2])


def _times(track: Track, file: Parts, _: int) -> None:
    _, entries, _, ticks = _numbers(file, 4)
    track.steady.add(entries == 1 and ticks == 1)


def _handler(track: Track, file: Parts, _: int) -> None:
    track.handlers.add(file.read(12)[8:])


def _description(track: Track, file: Parts, size: int) -> None:
    file.read(8)
    entries = file.read(min(max(size - 8, 0), _MOST_DESCRIBED))
    within = Parts(io.BytesIO(entries), file.left)
    track.formats.update(kind for kind, _, _ in _boxes(within, 0, len(entries)))
    file.left = within.left


def _runs(track: Track, file: Parts, size: int) -> None:
    file.read(8)
    table = np.frombuffer(file.read(max(size - 8, 0)), np.uint8)
    rows = table[: table.size // 12 * 12].view(">u4").reshape(-1, 3)
    if len(rows) and len(track.runs):  # which of two counts is not said
        track.runs = np.array([[1, max(int(track.runs[:, 1].max()), int(rows[:, 1].max())), 1]])
    elif len(rows):
        track.runs = rows.astype(np.int64)


def _chunks(track: Track, file: Parts, size: int) -> None:
    track.chunks = max(track.chunks, min(_numbers(file, 2)[1], size // 4))


def _edits(track: Track, file: Parts, size: int) -> None:
    track.edits = max(track.edits, min(_numbers(file, 2)[1], size // 12))


def _fragment(track: Track, file: Parts, _: int) -> None:
    track.fragment_samples += _numbers(file, 2)[1]


_TABLES = {
    b"stsz": _sizes,
    b"stz2": _sizes,
    b"stts": _times,
    b"hdlr": _handler,
    b"stsd": _description,
    b"stsc": _runs,
    b"stco": _chunks,
    b"co64": _chunks,
    b"elst": _edits,
    b"trun": _fragment,
}
_NAMES = (*_TABLES, b"cmov", b"covr", b"infe", b"trak")
