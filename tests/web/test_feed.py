"""The newest picture for each viewer, however slow it is; sound beside its picture; nothing done for nobody."""

from __future__ import annotations

import asyncio
import threading
import time

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

    async def next(self, track: MediaStreamTrack) -> Encoded | None:
        """What ``track`` has to send now; None for nothing."""
        waiting = asyncio.ensure_future(track.recv())
        for _ in range(200):  # turns of the loop, the encoder's thread between them
            if waiting.done():
                break
            await asyncio.sleep(0.001)
        if not waiting.done():
            waiting.cancel()
            return None
        packet = waiting.result()
        assert not isinstance(packet, type(None))
        return packet  # type: ignore[return-value]


def test_a_slow_viewer_gets_the_newest_frame_and_no_older_one() -> None:
    async def watch() -> list[int | None]:
        viewing = Viewing()
        for number in range(50):
            viewing.sink.write(frame_at(number / 25))
        given = [await viewing.next(viewing.picture), await viewing.next(viewing.picture)]
        return [packet.pts if packet else None for packet in given]

    assert run(watch()) == [round(49 / 25 / TIME_BASE), None]


def test_a_picture_that_stands_still_is_sent_again_when_it_must_look_otherwise() -> None:
    async def watch() -> list[Encoded | None]:
        viewing = Viewing()
        viewing.sink.write(frame_at(1.0))
        given = [await viewing.next(viewing.picture)]
        viewing.picture.split_at(0.3)
        given.append(await viewing.next(viewing.picture))
        viewing.picture.begin_anew()
        return [*given, await viewing.next(viewing.picture), await viewing.next(viewing.picture)]

    first, moved, anew, nothing = run(watch())
    assert first and moved and anew
    assert nothing is None
    assert (first.pts or 0) < (moved.pts or 0) < (anew.pts or 0)
    assert [packet.is_keyframe for packet in (first, moved, anew)] == [True, False, True]


def test_a_viewer_that_comes_while_nothing_moves_gets_the_picture() -> None:
    async def watch() -> Encoded | None:
        feed = Feed(asyncio.get_running_loop())
        PageSink(feed).write(frame_at(1.0))
        await asyncio.sleep(0)
        picture = PictureTrack(lambda: feed.newest, Notices())
        picture.encode_with("VP8")
        feed.add(picture, SoundTrack(Notices()))
        return await Viewing().next(picture)

    assert run(watch()) is not None


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

    async def listen() -> list[float | None]:
        viewing = Viewing()
        times: list[float | None] = []
        for block_s in (0.5, 1.9, 2.02):
            viewing.sink.hear(LiveAudio(block, round(block_s * SAMPLE_RATE)))
        for picture_s in (2.0, 2.04):
            viewing.sink.write(frame_at(picture_s))
            while (packet := await viewing.next(viewing.sound)) is not None:
                times.append((packet.pts or 0) / SAMPLE_RATE)
            times.append(None)
        return times

    assert run(listen()) == [1.9, None, 2.02, None]


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
