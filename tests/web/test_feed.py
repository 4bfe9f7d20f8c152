"""The newest picture for each viewer, however slow it is; sound beside its picture; nothing done for nobody."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import cast

import numpy as np
import pytest
from aiortc import MediaStreamTrack

from tests.live.programs import wait_until
from tests.web.page import run, serve
from tests.web.stand_in import LEFT, RIGHT, Run, info_of, numbered
from vsr.errors import SinkError
from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame
from vsr.io.live.webrtc import Encoded
from vsr.notices import Notices
from vsr.web.feed import Feed, PageSink
from vsr.web.tracks import PictureTrack, SoundTrack

SIZE = (96, 64)


def frame_at(run_s: float, *, held: bool = False) -> LiveFrame:
    """A frame at ``run_s`` of the run."""
    frame = numbered(SIZE, round(run_s / TIME_BASE), (LEFT, RIGHT))
    return LiveFrame(frame, info_of(SIZE), time.monotonic(), held=held)


class Viewing:
    """A sink with one viewer, whose tracks are read by the test."""

    def __init__(self) -> None:
        self.feed = Feed(asyncio.get_running_loop())
        self.sink = PageSink(self.feed)
        self.picture, self.sound = PictureTrack(lambda: self.feed.newest, Notices()), SoundTrack(Notices())
        self.picture.encode_with("H264")
        self.feed.add(self.picture, self.sound)

    async def next(self, track: MediaStreamTrack) -> Encoded:
        """What ``track`` has to send."""
        return cast("Encoded", await track.recv())

    async def nothing(self, track: MediaStreamTrack) -> bool:
        """True when ``track`` has nothing more to send."""
        waiting = asyncio.ensure_future(track.recv())
        for _ in range(50):  # turns of the loop, time for the encoder's thread between them
            await asyncio.sleep(0.001)
        waiting.cancel()
        return not waiting.done()


def test_a_slow_viewer_gets_the_newest_frame_and_no_older_one() -> None:
    async def watch() -> None:
        viewing = Viewing()
        for number in range(50):
            viewing.sink.write(frame_at(number / 25))
        assert (await viewing.next(viewing.picture)).pts == round(49 / 25 / TIME_BASE)
        assert await viewing.nothing(viewing.picture)

    run(watch())


def test_a_picture_that_stands_still_is_sent_again_when_it_must_look_otherwise() -> None:
    async def watch() -> list[Encoded]:
        viewing = Viewing()
        viewing.sink.write(frame_at(1.0))
        given = [await viewing.next(viewing.picture)]
        viewing.picture.split_at(0.3)
        given.append(await viewing.next(viewing.picture))
        viewing.picture.begin_anew()
        given.append(await viewing.next(viewing.picture))
        assert await viewing.nothing(viewing.picture)
        return given

    packets = run(watch())
    times = [packet.pts or 0 for packet in packets]
    assert times == sorted(set(times))
    assert [packet.is_keyframe for packet in packets] == [True, False, True]


def test_a_viewer_that_comes_while_nothing_moves_gets_the_picture() -> None:
    async def watch() -> bool:
        feed = Feed(asyncio.get_running_loop())
        PageSink(feed).write(frame_at(1.0))
        await asyncio.sleep(0)
        picture = PictureTrack(lambda: feed.newest, Notices())
        picture.encode_with("VP8")
        feed.add(picture, SoundTrack(Notices()))
        return (await Viewing().next(picture)).is_keyframe

    assert run(watch())


def test_a_picture_held_for_a_lost_source_is_sent_seldom() -> None:
    async def watch() -> int:
        viewing, shown = Viewing(), 0
        for tick in range(20):
            frame = frame_at(1 + tick / 10, held=True)
            viewing.sink.write(frame)
            await asyncio.sleep(0)
            shown += viewing.feed.newest is frame
        return shown

    assert run(watch()) == 4


def test_sound_waits_for_its_picture_and_old_sound_is_left_out() -> None:
    block = np.ones((SAMPLE_RATE // 50, CHANNELS), np.int16)

    async def listen() -> None:
        viewing = Viewing()
        for block_s in (0.5, 1.9, 2.02):
            viewing.sink.hear(LiveAudio(block, round(block_s * SAMPLE_RATE)))
        for picture_s, sound_s in ((2.0, 1.9), (2.04, 2.02)):
            viewing.sink.write(frame_at(picture_s))
            assert (await viewing.next(viewing.sound)).pts == round(sound_s * SAMPLE_RATE)
            assert await viewing.nothing(viewing.sound)

    run(listen())


def test_without_viewers_nothing_is_encoded() -> None:
    with serve() as page, Run(page.web.sink(), page.controls, fps=200) as running:
        wait_until(lambda: running.written >= 50, "frames")
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("vsr-web-encode")]


def test_a_page_that_is_closed_takes_no_frames() -> None:
    with serve() as page:
        sink = page.web.sink()
        sink.write(frame_at(1.0))
    with pytest.raises(SinkError, match="closed"):
        sink.write(frame_at(1.1))
