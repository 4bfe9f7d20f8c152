"""Every other stream, chapter and tag is carried, or its conversion or loss is announced before the first frame."""

import os
from fractions import Fraction
from pathlib import Path

import av
import pytest

import vsr
from tests.clip_facts import read_clip
from tests.io.making import Recipe, make, picture
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import PipelineSpec, make_spec

RICH = Recipe(
    audio=("aac", "libopus"), subtitles=("ass", "subrip"), chapters=True, attachment=True,
    metadata={"title": "A title", "artist": "Somebody", "WEIRD": "kept"},
)  # fmt: skip


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("rich") / "rich.mkv", RICH)


def _kinds(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [s.type for s in container.streams if s.type != "data"]


def _codecs(path: Path, kind: str) -> list[str]:
    with av.open(str(path)) as container:
        return [s.codec_context.codec.canonical_name for s in container.streams if s.type == kind]


def test_matroska_to_matroska_loses_nothing(rich: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    report = vsr.upscale(rich, output, network="bicubic")
    assert [s["action"] for s in report.streams] == ["copy"] * 5
    assert report.notices == ()
    assert _kinds(output) == ["video", "audio", "audio", "subtitle", "subtitle", "attachment"]
    with av.open(str(output)) as container, av.open(str(rich)) as before:
        assert container.metadata["title"] == "A title"
        assert container.metadata["WEIRD"] == "kept"
        assert [c["metadata"]["title"] for c in container.chapters()] == ["first", "second"]
        assert container.streams[3].language == "deu"
        assert container.streams.attachments[0].data == before.streams.attachments[0].data
        assert container.streams.attachments[0].metadata["filename"] == "font.ttf"


@pytest.mark.parametrize("video_only", [False, True])
def test_packets_of_other_streams_wait_only_for_somebody_who_takes_them(rich: Path, video_only: bool) -> None:
    with VideoSource(PipelineSpec(str(rich), os.devnull), Notices(), video_only=video_only) as source:
        assert sum(1 for _ in source) > 0
        assert bool(source.packets) is not video_only


@pytest.mark.parametrize(
    ("suffix", "audio", "subtitles"),
    [
        (".mp4", ["aac", "opus"], ["mov_text", "mov_text"]),
        (".mov", ["aac", "aac"], ["mov_text", "mov_text"]),
        (".webm", ["opus", "opus"], ["webvtt", "webvtt"]),
        (".ts", ["aac", "opus"], []),
        (".avi", ["aac", "mp3"], []),
    ],
)
def test_what_a_container_cannot_hold_is_converted_or_dropped_and_said(
    rich: Path, tmp_path: Path, suffix: str, audio: list[str], subtitles: list[str]
) -> None:
    output = tmp_path / f"out{suffix}"
    report = vsr.upscale(rich, output, network="bicubic")
    assert _codecs(output, "audio") == audio
    assert _codecs(output, "subtitle") == subtitles
    changed = [s for s in report.streams if s["action"] != "copy"]
    for stream in changed:
        assert any(f"#{stream['index']}" in notice for notice in report.notices), stream
    assert {"attachment"} <= {s["kind"] for s in changed if s["action"] == "drop"}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm", ".ts", ".avi", ".mkv"])
def test_pictures_keep_their_times_beside_converted_streams(rich: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out{suffix}"
    vsr.upscale(rich, output, network="bicubic")
    before, after = read_clip(rich), read_clip(output)
    assert len(after.pts_s) == len(before.pts_s)
    assert max(abs(a - b) for a, b in zip(after.pts_s, before.pts_s, strict=True)) <= after.time_base
    for was, now in zip(before.audio, after.audio, strict=True):
        # An encoder adds its own padding at the end, at most a frame of 1,152 samples and what it held back.
        assert abs(now.first_s - was.first_s) <= 0.03
        assert abs(now.end_s - was.end_s) <= 0.05


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "pcm_s16le"), ("m4v", "aac"), ("mov", "pcm_s16le")])
@pytest.mark.parametrize("container", ["avi", "mkv"])
def test_sound_whose_channels_have_no_places_gets_the_usual_ones(
    container: str, suffix: str, codec: str, tmp_path: Path
) -> None:
    """As PCM in AVI and Matroska; MP4 refuses such sound in its trailer, AAC at once."""
    source = make(
        tmp_path / f"source.{container}", Recipe(pts=range(10), time_base=Fraction(1, 25), audio=("pcm_s16le",))
    )
    output = tmp_path / f"out.{suffix}"
    vsr.upscale(source, output, network="bicubic")
    assert _codecs(output, "audio") == [codec]
    assert codec == "aac" or _samples(output) == _samples(source)


def _samples(path: Path) -> bytes:
    with av.open(str(path)) as container:
        return b"".join(bytes(packet) for packet in container.demux(audio=0))


def test_converted_subtitles_keep_words_and_times(rich: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    vsr.upscale(rich, output, network="bicubic")
    with av.open(str(output)) as container:
        stream = container.streams.subtitles[0]
        packets = [p for p in container.demux(stream) if p.size > 2]
        times = [((p.pts or 0) * p.time_base, (p.duration or 0) * p.time_base) for p in packets]
        assert times == [(Fraction(1, 10), Fraction(1, 5))]
        assert b"Hello" in bytes(packets[0])


def test_a_cover_picture_is_not_the_video_and_is_kept(tmp_path: Path) -> None:
    plain = make(tmp_path / "plain.mp4", Recipe(audio=("aac",)))
    covered = tmp_path / "covered.mp4"
    jpeg = tmp_path / "cover.jpg"
    picture(Recipe(pix_fmt="yuvj420p"), 0).save(jpeg)
    _add_cover(plain, jpeg, covered)
    output = tmp_path / "out.mp4"
    report = vsr.upscale(covered, output, network="bicubic")
    assert report.frames_in == 10
    with av.open(str(output)) as container:
        covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
        assert [(c.width, c.height) for c in covers] == [(64, 48)]
    in_matroska = tmp_path / "out.mkv"
    vsr.upscale(covered, in_matroska, network="bicubic")
    with av.open(str(in_matroska)) as container:
        names = [s.metadata.get("filename") for s in container.streams]
        assert "cover.jpg" in names


def _add_cover(source: Path, picture: Path, target: Path) -> None:
    with av.open(str(source)) as a, av.open(str(picture)) as b, av.open(str(target), "w") as out:
        streams = {s.index: out.add_stream_from_template(s, opaque=True) for s in a.streams}
        cover = out.add_stream_from_template(b.streams[0], opaque=True)
        cover.disposition = av.stream.Disposition.attached_pic
        packet = next(p for p in b.demux() if p.size)
        packet.stream, packet.pts, packet.dts = cover, 0, 0
        out.mux(packet)
        for packet in a.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)


def test_the_video_stream_is_chosen_and_the_other_copied(tmp_path: Path) -> None:
    first = make(tmp_path / "a.mkv", Recipe())
    second = make(tmp_path / "b.mkv", Recipe(size=(96, 64)))
    both = tmp_path / "both.mkv"
    with av.open(str(first)) as a, av.open(str(second)) as b, av.open(str(both), "w") as out:
        pairs = [(c, out.add_stream_from_template(c.streams.video[0], opaque=True)) for c in (a, b)]
        for container, stream in pairs:
            for packet in container.demux():
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    output = tmp_path / "out.mkv"
    report = vsr.upscale(both, output, network="bicubic")
    assert report.input["video_stream"] == 0
    assert any("--video-stream" in notice for notice in report.notices)
    other = tmp_path / "other.mkv"
    vsr.upscale(both, other, network="bicubic", video_stream=1)
    with av.open(str(output)) as container:
        assert [(s.width, s.height) for s in container.streams.video] == [(128, 96), (96, 64)]
    with av.open(str(other)) as container:
        assert [(s.width, s.height) for s in container.streams.video] == [(64, 48), (192, 128)]


@pytest.mark.parametrize(("ratio", "taken"), [(Fraction(16), True), (Fraction(1, 16), True), (Fraction(17), False)])
def test_a_shape_that_no_pixel_has_is_taken_as_square(ratio: Fraction, taken: bool, tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", Recipe(sample_aspect_ratio=ratio))
    notices = Notices()
    with VideoSource(make_spec(str(path), ""), notices, video_only=True) as source:
        assert source.info.sample_aspect_ratio == (ratio if taken else 1)
    assert any("17:1" in text for text in notices.said) == (not taken)
