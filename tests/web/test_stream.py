"""The stream as a WebRTC client gets it, and its camera as the run gets that: real packets, no browser."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from tests.live.programs import wait_until
from tests.web.page import Page, heard, run, serve
from tests.web.stand_in import BEFORE, LEFT, RIGHT, Run, number_of, numbered
from vsr.io import formats
from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame
from vsr.web.camera import Anchor


class Watching:
    """A client that receives the stream."""

    def __init__(self, page: Page, socket: Any, peer: RTCPeerConnection):
        self.page, self.socket, self.peer = page, socket, peer
        self.video, self.audio = (
            next(t.receiver.track for t in peer.getTransceivers() if t.kind == kind) for kind in ("video", "audio")
        )

    async def picture(self) -> Any:
        """(number, size, left and right colour) of the next picture."""
        frame: Any = await self.video.recv()
        y, u, v = (np.asarray(plane, np.uint8) for plane in formats.planes_of(frame, formats.layout_of("yuv420p")))
        row, columns = y.shape[0] * 3 // 4, y.shape[1]
        left, right = (
            (int(y[row, x]), int(u[row // 2, x // 2]), int(v[row // 2, x // 2]))
            for x in (columns // 4, columns * 3 // 4)
        )
        return number_of(y), (frame.width, frame.height), left, right

    async def picture_with(self, condition: Callable[[Any], bool]) -> Any:
        """The first picture for which ``condition`` holds."""
        while not condition(picture := await self.picture()):
            pass
        return picture


@asynccontextmanager
async def connected(page: Page, kind: str, *tracks: MediaStreamTrack) -> AsyncIterator[tuple[Any, RTCPeerConnection]]:
    """A socket and a connection of ``kind``: "watch", or "camera" with ``tracks``."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    async with page.socket() as socket:
        try:
            for track in tracks:
                peer.addTransceiver(track, direction="sendonly")
            if not tracks:
                for media in ("video", "audio"):
                    peer.addTransceiver(media, direction="recvonly")
            await peer.setLocalDescription(await peer.createOffer())
            await socket.send_json({"type": kind, "sdp": peer.localDescription.sdp})
            answer = await heard(socket, lambda message: message["type"] == "answer")
            assert answer["to"] == kind
            await peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
            yield socket, peer
        finally:
            await peer.close()


@asynccontextmanager
async def watching(page: Page) -> AsyncIterator[Watching]:
    async with connected(page, "watch") as (socket, peer):
        yield Watching(page, socket, peer)


def near(color: tuple[int, int, int]) -> Any:
    return pytest.approx(color, abs=8)


def test_pictures_arrive_in_order_and_are_the_right_ones() -> None:
    async def watch(page: Page) -> list[Any]:
        async with watching(page) as viewer:
            return [await viewer.picture() for _ in range(20)]

    with serve() as page, Run(page.web.sink(), page.controls) as running:
        pictures = run(watch(page))
        assert pictures[-1][0] <= running.written
    numbers = [picture[0] for picture in pictures]
    assert numbers == sorted(set(numbers))
    assert {picture[1] for picture in pictures} == {(640, 360)}
    assert pictures[-1][2:] == (near(LEFT), near(RIGHT))


def test_another_scale_is_another_size_of_the_same_stream() -> None:
    async def watch(page: Page) -> Any:
        async with watching(page) as viewer:
            await viewer.picture()
            await viewer.socket.send_json({"type": "scale", "factor": 2})
            return await viewer.picture_with(lambda picture: picture[1] == (320, 180))

    with serve() as page, Run(page.web.sink(), page.controls):
        assert run(watch(page))[2:] == (near(LEFT), near(RIGHT))


def test_each_viewer_has_its_own_line_between_before_and_after() -> None:
    async def watch(page: Page) -> list[Any]:
        async with watching(page) as one, watching(page) as other:
            await one.socket.send_json({"type": "split", "position": 0.5})
            split = await one.picture_with(lambda picture: picture[2] == near(BEFORE))
            plain = await other.picture()
            await one.socket.send_json({"type": "split", "position": None})
            return [split, plain, await one.picture_with(lambda picture: picture[2] == near(LEFT))]

    with serve() as page, Run(page.web.sink(), page.controls):
        split, plain, again = run(watch(page))
    assert split[2:] == (near(BEFORE), near(RIGHT))
    assert plain[2:] == again[2:] == (near(LEFT), near(RIGHT))


def test_sound_comes_along() -> None:
    async def listen(page: Page) -> int:
        async with watching(page) as viewer:
            while True:
                sound: Any = await viewer.audio.recv()
                loudest = int(np.abs(sound.to_ndarray()).max())
                if loudest > 4000:
                    return loudest

    with serve() as page, Run(page.web.sink(), page.controls, audio=True):
        assert run(listen(page)) < 12_000


def test_a_viewer_that_lost_its_way_gets_a_picture_to_begin_with() -> None:
    async def watch(page: Page) -> list[bool]:
        async with watching(page) as viewer:
            receiver: Any = next(r for r in viewer.peer.getReceivers() if r.track.kind == "video")
            keys = [(await receiver.track.recv()).key_frame for _ in range(5)]
            await receiver._send_rtcp_pli(receiver.getSynchronizationSources()[0].source)
            while not (await receiver.track.recv()).key_frame:
                pass
            return keys

    with serve() as page, Run(page.web.sink(), page.controls):
        assert run(watch(page)) == [True, False, False, False, False]


class Lens(MediaStreamTrack):
    """A browser's camera: numbered pictures."""

    kind = "video"

    def __init__(self, first: int):
        super().__init__()
        self._number = first
        self._began_s = time.monotonic()

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(0.04)
        self._number += 1
        size = (320, 180)
        picture = av.VideoFrame(*size, "yuv420p")
        formats.fill(picture, numbered(size, self._number, (LEFT, RIGHT)).planes, formats.layout_of("yuv420p"))
        picture.pts, picture.time_base = round((time.monotonic() - self._began_s) / TIME_BASE), Fraction(TIME_BASE)
        return picture


class Microphone(MediaStreamTrack):
    """A browser's microphone: a steady tone."""

    kind = "audio"
    _blocks = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.02)
        at_s = np.arange(960 * self._blocks, 960 * (self._blocks + 1)) / SAMPLE_RATE
        tone = np.repeat((6000 * np.sin(2 * np.pi * 500 * at_s)).astype(np.int16), CHANNELS)
        sound = av.AudioFrame.from_ndarray(tone.reshape(1, -1), "s16", "stereo")
        sound.sample_rate, sound.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        sound.pts = 960 * self._blocks
        self._blocks += 1
        return sound


class Taking:
    """The run's side of a browser's camera: what its source gave."""

    def __init__(self, page: Page, *, audio: bool = True):
        self.source = page.web.source(audio=audio)
        self.frames: list[LiveFrame] = []
        self.sound: list[LiveAudio] = []
        self.source.listen(self.sound.append)
        self._thread = threading.Thread(target=self._take)

    def _take(self) -> None:
        with self.source:
            for frame in self.source:
                self.frames.append(frame)

    def numbers(self) -> list[int]:
        return [number_of(np.asarray(frame.frame.planes[0], np.uint8)) for frame in self.frames]

    def __enter__(self) -> "Taking":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self._thread.join()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


def test_a_browsers_camera_is_a_source_that_may_go_and_come_back() -> None:
    async def send(page: Page, taking: Taking, first: int) -> None:
        count = len(taking.frames)
        async with connected(page, "camera", Lens(first), Microphone()):
            await until(lambda: len(taking.frames) > count + 8 and len(taking.sound) > 10)

    with serve(camera=True) as page, Taking(page) as taking:
        assert taking.source.lost
        run(send(page, taking, 0))
        assert taking.source.has_audio
        wait_until(lambda: taking.source.lost, "word that the camera is gone")
        first = len(taking.frames)
        run(send(page, taking, 500))
        assert not taking.source.lost
        assert taking.source.reconnects == 1
    numbers = taking.numbers()
    assert numbers == sorted(set(numbers))
    assert max(numbers[:first]) < 500 < min(numbers[first:])
    times = [float(frame.frame.time_s) for frame in taking.frames]
    assert times == sorted(set(times))
    # The gap is in the times: as long as the one between the arrivals.
    gap_s = taking.frames[first].captured_s - taking.frames[first - 1].captured_s
    assert times[first] - times[first - 1] == pytest.approx(gap_s, abs=0.6)
    assert (taking.frames[0].info.width, taking.frames[0].info.height) == (320, 180)


def test_a_browsers_sound_has_no_gaps() -> None:
    async def send(page: Page, taking: Taking) -> None:
        async with connected(page, "camera", Lens(0), Microphone()):
            await until(lambda: len(taking.sound) > 30)

    with serve(camera=True) as page, Taking(page) as taking:
        run(send(page, taking))
    ends = [block.pts + len(block.samples) for block in taking.sound]
    assert [block.pts for block in taking.sound[1:]] == ends[:-1]
    assert np.abs(taking.sound[-1].samples).max() == pytest.approx(6000, rel=0.3)


def test_sound_that_is_not_wanted_is_left_out() -> None:
    async def send(page: Page, taking: Taking) -> None:
        async with connected(page, "camera", Lens(0), Microphone()):
            await until(lambda: len(taking.frames) > 10)

    with serve(camera=True) as page, Taking(page, audio=False) as taking:
        run(send(page, taking))
        assert not taking.source.has_audio
    assert taking.sound == []


def test_the_camera_is_one_pages_at_a_time() -> None:
    async def send(page: Page, taking: Taking) -> None:
        async with AsyncExitStack() as stack:
            first, _ = await stack.enter_async_context(connected(page, "camera", Lens(0)))
            await until(lambda: len(taking.frames) > 2)
            await stack.enter_async_context(connected(page, "camera", Lens(500)))
            await heard(first, lambda message: message["type"] == "camera-taken")
            await until(lambda: bool(taking.frames) and taking.numbers()[-1] > 500)

    with serve(camera=True) as page, Taking(page) as taking:
        run(send(page, taking))
    numbers = taking.numbers()
    assert numbers == sorted(set(numbers))


def test_a_clock_that_drifts_is_set_anew_and_one_that_jitters_is_not() -> None:
    anchor = Anchor(90_000)
    assert anchor.place(1000, 5.0) == 450_000
    assert anchor.place(1000 + 9000, 5.3) == 459_000
    assert anchor.place(1000 + 18_000, 7.0) == 630_000
