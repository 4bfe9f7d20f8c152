"""What a Matroska file holds besides its media data, and how many of its streams are video."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsr.io.header_parts import Parts

_SEGMENT, _CLUSTER, _SEEK_HEAD, _SEEK, _SEEK_POSITION = 0x18538067, 0x1F43B675, 0x114D9B74, 0x4DBB, 0x53AC
_TRACKS, _TRACK, _TRACK_TYPE, _VIDEO = 0x1654AE6B, 0xAE, 0x83, 1
_ATTACHMENTS, _ATTACHED_FILE, _MIME_TYPE, _PICTURE = 0x1941A469, 0x61A7, 0x4660, b"image/"
_INFO, _CUES, _CHAPTERS, _TAGS = 0x1549A966, 0x1C53BB6B, 0x1043A770, 0x1254C367
_LEAST_TOP_LEVEL = 0x10000000  # what a segment holds has ids of four bytes, what clusters hold has shorter ones
_TOP_LEVEL = [id_.to_bytes(4) for id_ in (_CLUSTER, _SEEK_HEAD, _INFO, _TRACKS, _CUES, _ATTACHMENTS, _CHAPTERS, _TAGS)]


def header_elements(file: Parts, size: int) -> Iterator[tuple[int, int, int]]:
    """Id, begin and end of each element that FFmpeg reads whole: all that a segment holds but clusters and padding.

    One comes again for each time that the segment says where it is.
    """
    for kind, start, end in _elements(file, 0, size):
        for inner, begin, last in _elements(file, start, end) if kind == _SEGMENT else ():
            if inner < _LEAST_TOP_LEVEL or inner == _CLUSTER:
                continue
            yield inner, begin, last
            if inner == _SEEK_HEAD:
                for place in _seek_positions(file, begin, last):
                    found = _element(file, start + place, end) if start + place < end else None
                    if found is not None and _LEAST_TOP_LEVEL <= found[0] != _CLUSTER:
                        yield found[0], found[1], end if found[2] < 0 else found[2]


def video_streams(file: Parts, kind: int, start: int, end: int) -> int:
    """How many streams of video FFmpeg makes of what a header element holds: of tracks, and of attached pictures."""
    if kind == _TRACKS:
        types = _values(file, start, end, (_TRACK, _TRACK_TYPE))
        return sum(int.from_bytes(value) == _VIDEO for value in types)
    if kind == _ATTACHMENTS:
        return sum(value.startswith(_PICTURE) for value in _values(file, start, end, (_ATTACHED_FILE, _MIME_TYPE)))
    return 0


def _values(file: Parts, start: int, end: int, path: tuple[int, int]) -> Iterator[bytes]:
    """The first bytes of all elements at ``path``, ids of one element and of one within."""
    for kind, begin, last in _elements(file, start, end):
        for inner, at, to in _elements(file, begin, last) if kind == path[0] else ():
            if inner == path[1]:
                yield file.head(at, max(min(to - at, 8), 0))


def _seek_positions(file: Parts, start: int, end: int) -> Iterator[int]:
    """Where a segment says that it holds something, which may be in what looks like padding."""
    return (int.from_bytes(value) for value in _values(file, start, end, (_SEEK, _SEEK_POSITION)))


def _element(file: Parts, start: int, end: int) -> tuple[int, int, int] | None:
    """Id, begin and end of the content of the element at ``start``, -1 for an end that it does not say; None: no id."""
    head = file.head(start, 12)
    id_length = _number_length(head)
    size_length = _number_length(head[id_length:])
    if not (0 < id_length <= 4 and size_length):
        return None
    kind = int.from_bytes(head[:id_length])
    unknown = (1 << 7 * size_length) - 1
    size = int.from_bytes(head[id_length : id_length + size_length]) & unknown
    content = start + id_length + size_length
    return kind, content, -1 if size == unknown else min(content + size, end)


def _elements(file: Parts, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Id, begin and end of the content of each element.

    What does not say its size ends with what it is in, but what follows may as well lie beside it: that comes too, and
    in place of a cluster. After damage it goes on, as FFmpeg does, with the next bytes that look like an element of a
    segment.
    """
    while start < end:
        found = _element(file, start, end)
        if found is None:
            start = _next_element(file, start + 1, end)
            continue
        kind, content, last = found
        if last >= 0 or kind != _CLUSTER:
            yield kind, content, end if last < 0 else last
        start = last if last >= 0 else end if kind == _SEGMENT else content


def _number_length(data: bytes) -> int:
    """Of the number that begins ``data``, by the zero bits before its first one; 0 for none."""
    return 9 - data[0].bit_length() if data and data[0] else 0


def _next_element(file: Parts, start: int, end: int) -> int:
    """Where the next id of an element of a segment is; ``end`` where there is none."""
    return next((at for at, _ in file.search(_TOP_LEVEL, start, end)), end)
