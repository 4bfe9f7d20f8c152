"""Damaged packets: all that can be decoded comes out, at its time, however many frames are decoded at once."""

from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

from tests.io.damage import damage, one_by_one, packet_times
from tests.io.making import Recipe, make
from vsr.io import decoding
from vsr.io.decoding import Decoder

FRAMES = 30
CODECS = {
    "h264": Recipe(options={"g": "10", "bf": "2"}),
    "h264 intra": Recipe(options={"g": "1"}),
    "h264 one group": Recipe(options={"g": "1000", "bf": "0"}),
    "hevc": Recipe(codec="libx265", options={"x265-params": "log-level=none:keyint=10"}),
    "vp9": Recipe(codec="libvpx-vp9", options={"g": "10"}),
    "mjpeg": Recipe(codec="mjpeg", pix_fmt="yuvj420p"),
}
DAMAGE = [(), (-1,), (-2,), (-3,), (-5, -4), (12, 18), (3,), tuple(range(22, FRAMES))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    paths = {}
    for name, recipe in CODECS.items():
        recipe.pts = tuple(512 * i for i in range(FRAMES))
        paths[name] = make(folder / f"{name.replace(' ', '-')}.mp4", recipe)
    return paths


def by_decoder(path: Path, threads: int) -> tuple[list[int | None], list[int | None], list[bytes], int]:
    """The same of the Decoder; and how often it began anew."""
    times: list[int | None] = []
    bad: list[int | None] = []
    content = []
    opened = []

    def again() -> VideoStream:
        opened.append(av.open(str(path)))
        opened[-1].streams.video[0].thread_type = "NONE"
        return opened[-1].streams.video[0]

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type, stream.codec_context.thread_count = "AUTO", threads
        decoder = Decoder(stream, again, bad.append)
        for packet in container.demux():
            for frame in decoder.decode(packet):
                times.append(frame.pts)
                content.append(frame.to_ndarray().tobytes())
    return times, bad, content, len(opened)


@pytest.mark.parametrize("packets", DAMAGE, ids=str)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("threads", [1, 4])
def test_damage_costs_the_same_frames_with_any_number_of_threads(
    packets: tuple[int, ...], codec: str, threads: int, whole: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.mp4"
    lost = damage(whole[codec], path, packets)
    times, bad, content = one_by_one(path)
    assert bad == lost
    assert by_decoder(path, threads)[:3] == (times, bad, content)


@pytest.mark.parametrize("codec", CODECS)
def test_a_whole_stream_is_decoded_once(codec: str, whole: dict[str, Path]) -> None:
    times, bad, _, again = by_decoder(whole[codec], 4)
    assert (times, bad, again) == (sorted(packet_times(whole[codec])), [], 0)


def test_what_is_too_large_to_be_kept_is_not(
    whole: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the damage is counted where the decoder tells of it, and the run goes on."""
    monkeypatch.setattr(decoding, "_MOST_KEPT_BYTES", 1000)
    path = tmp_path / "damaged.mp4"
    damage(whole["h264"], path, (12,))
    times, bad, _, again = by_decoder(path, 4)
    assert (len(times), len(bad), again) == (FRAMES - 1, 1, 0)
