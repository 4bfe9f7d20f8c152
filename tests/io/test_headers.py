"""What headers declare is counted as FFmpeg would take it: real files pass, whatever their size, the others do not."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.io.making import Recipe, make
from vsr.io.header_parts import MOST_BYTES, MOST_PARTS, MOST_VIDEO
from vsr.io.headers import MOST_SAMPLES, excess

_DAY_OF_SOUND = 48000 * 3600 * 24


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, name) + body


def _numbers(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


def _movie(samples: int, *, pcm: bool, ticks: int = 1, edits: int = 0, chunks: int = 86400) -> bytes:
    """The header of a file with one track of ``samples``, each of the same size."""
    table = (
        _box(b"stsd", _numbers(0, 1, 36), b"sowt" if pcm else b"avc1", bytes(28)),
        _box(b"stts", _numbers(0, 1, samples, ticks)),
        _box(b"stsz", _numbers(0, 4, samples)),
        _box(b"stsc", _numbers(0, 1, 1, samples // chunks, 1)),
        _box(b"stco", _numbers(0, chunks), bytes(4 * chunks)),
    )
    handler = _box(b"hdlr", _numbers(0, 0), b"soun" if pcm else b"vide", bytes(16))
    edit_list = _box(b"edts", _box(b"elst", _numbers(0, edits), bytes(12 * edits)))
    return _box(b"moov", _box(b"trak", edit_list, _box(b"mdia", handler, _box(b"minf", _box(b"stbl", *table)))))


def _excess(data: bytes) -> str | None:
    return excess(io.BytesIO(data), len(data))


def test_a_day_of_sound_or_of_film_is_no_excess() -> None:
    assert _excess(_movie(_DAY_OF_SOUND, pcm=True)) is None
    assert _excess(_movie(60 * 3600 * 24, pcm=False, ticks=512)) is None
    assert _excess(_movie(25 * 7200, pcm=False, ticks=512, edits=100)) is None


@pytest.mark.parametrize(("pcm", "ticks"), [(False, 1), (True, 2)])
def test_as_many_samples_one_by_one_are(pcm: bool, ticks: int) -> None:
    words = _excess(_movie(_DAY_OF_SOUND, pcm=pcm, ticks=ticks))
    assert words is not None
    assert str(_DAY_OF_SOUND) in words


def test_fragments_add_up() -> None:
    fragment = _box(b"moof", _box(b"traf", _box(b"trun", _numbers(0, MOST_SAMPLES // 4))))
    assert _excess(fragment * 4) is None
    assert _excess(fragment * 5) is not None


@pytest.mark.parametrize("parent", [b"free", b"hoov", b"udta", b"meta"])
def test_a_header_in_an_odd_place_is_found(parent: bytes) -> None:
    movie = _movie(2 * MOST_SAMPLES, pcm=False)
    assert _excess(_box(b"ftyp", b"isom") + _box(parent, movie)) is not None


def _within_description(tables: bytes) -> bytes:
    return _box(b"stsd", _numbers(0, 1), _box(b"avc1", bytes(78), tables))


_ENDLESS = _box(b"stsz", _numbers(0, 4, 2 * MOST_SAMPLES))
_ENDLESS_TRACKS = _box(b"trak", _box(b"stsz", _numbers(0, 4, MOST_SAMPLES - 1))) * 2


@pytest.mark.parametrize(
    "data",
    [
        b"\x1a\x45\xdf\xa3moov" + _movie(2 * MOST_SAMPLES, pcm=False),
        _box(b"moov", _within_description(_ENDLESS)),
        _box(b"moov", _within_description(bytes(3) + _ENDLESS_TRACKS)),
        _box(b"moov", _within_description(_box(b"abcd", bytes(1 << 20), _ENDLESS))),
        _box(b"moov", _box(b"meta", bytes(4000), _box(b"hdlr", bytes(24)), _ENDLESS)),
        _box(b"moov", _box(b"udta", _box(b"meta", bytes(4), _box(b"ilst", _ENDLESS)))),
    ],
    ids=["Matroska's magic", "in a description", "tracks in one", "far inside", "behind junk", "among tags"],
)
def test_tables_are_found_wherever_ffmpeg_would_read_them(data: bytes) -> None:
    assert _excess(data) is not None


def test_two_tables_of_chunks_count_as_the_worse_of_them() -> None:
    whole = _box(b"stsc", _numbers(0, 1, 1, 1 << 30, 1))
    movie = _movie(_DAY_OF_SOUND, pcm=True)
    at = movie.index(b"stsc") - 4
    for tables in (whole + movie[at : at + 28], movie[at : at + 28] + whole):
        data = movie[:at] + tables + movie[at + 28 :]
        for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            size = data.index(parent) - 4
            data = data[:size] + _numbers(len(data)) + data[size + 4 :]
        assert _excess(data) is not None


def _tracks(handler: bytes, kind: bytes, count: int) -> bytes:
    described = _box(b"stsd", _numbers(0, 1), _box(kind, bytes(78)))
    return _box(b"moov", _box(b"trak", _box(b"hdlr", _numbers(0, 0), handler, bytes(12)), described) * count)


@pytest.mark.parametrize(("handler", "kind"), [(b"vide", b"avc1"), (b"text", b"avc1"), (b"vide", b"tx3g")])
def test_few_tracks_may_be_video(handler: bytes, kind: bytes) -> None:
    assert _excess(_tracks(handler, kind, MOST_VIDEO)) is None
    assert _excess(_tracks(handler, kind, MOST_VIDEO + 1)) == (
        f"{MOST_VIDEO + 1} streams of video and covers, more than {MOST_VIDEO}"
    )


@pytest.mark.parametrize(("handler", "kind"), [(b"soun", b"mp4a"), (b"sbtl", b"tx3g"), (b"text", b"text")])
def test_many_may_be_sound_and_subtitles(handler: bytes, kind: bytes) -> None:
    assert _excess(_tracks(handler, kind, 100)) is None


def _covers(count: int) -> bytes:
    tags = _box(b"ilst", _box(b"covr", _box(b"data", bytes(20)) * count))
    return _box(b"moov", _box(b"udta", _box(b"meta", bytes(4), _box(b"hdlr", bytes(24)), tags)))


def _items(count: int) -> bytes:
    return _box(b"meta", bytes(4), _box(b"hdlr", bytes(24)), _box(b"iinf", bytes(6), _box(b"infe", bytes(12)) * count))


def _matroska_tracks(count: int) -> bytes:
    sound = _element("ae", _element("83", b"\x02"))
    return _segment(_element("1654ae6b", (_element("ae", _element("83", b"\x01")) + sound) * count))


def _behind_endless(count: int) -> bytes:
    """Behind an element that does not say where it ends."""
    tracks = _matroska_tracks(count)
    at = tracks.index(bytes.fromhex("1654ae6b"))
    return tracks[:at] + bytes.fromhex("1549a966") + b"\x01" + b"\xff" * 7 + tracks[at:]


def _attached_pictures(count: int) -> bytes:
    fonts = _element("61a7", _element("4660", b"font/ttf")) * 100
    return _segment(_element("1941a469", fonts + _element("61a7", _element("4660", b"image/png")) * count))


@pytest.mark.parametrize("made", [_covers, _items, _matroska_tracks, _behind_endless, _attached_pictures])
def test_what_becomes_a_stream_of_video_counts(made: Callable[[int], bytes]) -> None:
    assert _excess(made(MOST_VIDEO)) is None
    words = _excess(made(MOST_VIDEO + 1))
    assert words is not None
    assert "streams of video" in words


def test_tracks_that_an_index_names_count_once() -> None:
    plain = _matroska_tracks(MOST_VIDEO)
    at = plain.index(bytes.fromhex("1654ae6b"))
    seek_head = _element("114d9b74", _element("4dbb", _element("53ac", b"\x21")))
    assert len(seek_head) == 0x21
    assert _excess(plain[:at] + seek_head + plain[at:]) is None


@pytest.mark.parametrize("content", [_box(b"free"), _box(b"moof", _box(b"traf"))])
def test_parts_are_counted(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _excess(content * 1000) is None
    monkeypatch.setattr("vsr.io.header_parts.Parts.__init__.__defaults__", (999,))
    assert _excess(content * 1000) == f"more than {MOST_PARTS} parts"
    assert _excess(_segment(_element("ec", b"") * 1000)) == f"more than {MOST_PARTS} parts"


def _element(kind: str, content: bytes, size: int | None = None) -> bytes:
    length = len(content) if size is None else size
    return bytes.fromhex(kind) + struct.pack(">Q", length | 1 << 56) + content


def _segment(*elements: bytes) -> bytes:
    return _element("1a45dfa3", b"") + bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7 + b"".join(elements)


_CLUSTER = _element("1f43b675", _element("a3", bytes(100)))
_SEEK_HEAD = _element("114d9b74", _element("4dbb", _element("53ac", bytes([42]))))  # behind the padding's own header
_ENDLESS_CLUSTER = bytes.fromhex("1f43b675") + b"\xff" + _element("a3", bytes(100)) * 3
_FONTS = _element("1941a469", b"", MOST_BYTES + 1)


@pytest.mark.parametrize(
    "before",
    [
        _CLUSTER * 3,
        _ENDLESS_CLUSTER,
        _element("ec", bytes(50)),
        bytes(3000),  # damage
        _SEEK_HEAD + bytes.fromhex("ec") + struct.pack(">Q", 2 * MOST_BYTES | 1 << 56),
    ],
    ids=["clusters", "cluster without a size", "padding", "damage", "within padding"],
)
def test_attachments_are_found_behind(before: bytes) -> None:
    file = io.BytesIO(_segment(before, _FONTS))
    assert excess(file, 4 * MOST_BYTES) is not None
    assert excess(io.BytesIO(_segment(before, _CLUSTER)), 4 * MOST_BYTES) is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm", "a.avi", "a.ts"])
def test_an_ordinary_file_has_no_excess(name: str, tmp_path: Path) -> None:
    codec = "libvpx-vp9" if name == "a.webm" else "libx264"
    audio = () if name == "a.avi" else (("libopus",) if name == "a.webm" else ("aac",))
    path = make(tmp_path / name, Recipe(codec=codec, audio=audio))
    assert _excess(path.read_bytes()) is None


def test_names_that_are_found_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    names = _box(b"moov", _within_description(b"stsz" * 1000))
    assert "samples" in str(_excess(names))  # each is believed
    monkeypatch.setattr("vsr.io.header_parts.Parts.__init__.__defaults__", (10_000,))
    assert _excess(names) == f"more than {MOST_PARTS} parts"
