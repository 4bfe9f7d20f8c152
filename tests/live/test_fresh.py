"""A short queue takes up what jitters; what has waited too long gives way to what is newer."""

import threading
from collections.abc import Iterator

import pytest

from tests.live.moving import PATIENCE_S, live_frame
from tests.live.programs import wait_until
from vsr.flow import Flow
from vsr.io.live.contract import LiveFrame
from vsr.live import fresh as fresh_room
from vsr.live.fresh import DEPTH, Fresh


@pytest.mark.parametrize(("patience_s", "expected"), [(PATIENCE_S, [0, 1, 2, 3]), (0.0, [3])])
def test_frames_that_wait_are_taken_in_order_until_they_are_stale(
    patience_s: float, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_room, "_PATIENCE_S", patience_s)
    with Flow() as flow:
        decoded = flow.buffer((live_frame(n) for n in range(4)), depth=DEPTH, name="decode", overflow="drop_oldest")
        wait_until(lambda: decoded.waiting == 4, "all four")
        fresh = Fresh(decoded, 0.01)
        assert [frame.frame.pts // 3600 for frame in fresh() if frame is not None] == expected
        assert fresh.skipped == 4 - len(expected)


def test_who_is_behind_takes_the_newest_until_a_frame_need_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_room, "_PATIENCE_S", 0.0)
    taken = threading.Event()

    def bursts() -> Iterator[LiveFrame]:
        yield from (live_frame(n) for n in range(4))
        assert taken.wait(PATIENCE_S)
        monkeypatch.setattr(fresh_room, "_PATIENCE_S", PATIENCE_S)
        yield from (live_frame(n) for n in range(4, 7))

    with Flow() as flow:
        decoded = flow.buffer(bursts(), depth=DEPTH, name="decode", overflow="drop_oldest")
        wait_until(lambda: decoded.waiting == 4, "the first burst")
        frames = (frame for frame in Fresh(decoded, PATIENCE_S)() if frame is not None)
        assert next(frames).frame.pts == 3 * 3600
        taken.set()
        wait_until(lambda: decoded.waiting == 3, "the second burst")
        assert next(frames).frame.pts == 6 * 3600, "still behind: these waited too"


def test_none_comes_while_there_is_no_frame() -> None:
    go_on = threading.Event()

    def waiting() -> Iterator[LiveFrame]:
        assert go_on.wait(PATIENCE_S)
        yield live_frame(0)

    with Flow() as flow:
        fresh = Fresh(flow.buffer(waiting(), depth=DEPTH, name="decode"), 0.001)
        frames = fresh()
        assert next(frames) is None
        go_on.set()
        assert any(frame is not None for frame in frames)
