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
