"""The window on a real screen: its pixels are looked at, its keys pressed, its line dragged."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tests.io.live.footage import picture
from tests.live.programs import display, needs, wait_until
from tests.live.x11 import User, needs_hand
from vsr.errors import SinkError, UsageError
from vsr.io.live.contract import LiveFrame
from vsr.live.controls import Controls
from vsr.live.window import Window

pytest.importorskip("cv2")
BRIGHT, DARK = 214, 51
"""The grey of the codes 200 and 60, as a screen shows it."""


def grey(code: int, width: int, height: int) -> LiveFrame:
    frame = picture(0, size=(width, height))
    planes = tuple(np.full_like(plane, 128 if index else code) for index, plane in enumerate(frame.frame.planes))
    return replace(frame, frame=replace(frame.frame, planes=planes))


FRAME = replace(grey(200, 320, 180), before=grey(60, 160, 90))


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    with display() as name:
        monkeypatch.setenv("DISPLAY", name)
        user = User(name)
        yield user
        user.close()


@pytest.fixture
def controls() -> Controls:
    return Controls(("bicubic",), (2,), network="bicubic", scale=2)


@pytest.fixture
def window(user: User, controls: Controls) -> Iterator[Window]:
    """One that is seen, and seen to change. Without a window manager the toolkit (Qt) now and then never draws, or once
    and no more; then another is opened."""
    for _ in range(5):
        window = Window(controls)
        window.open(FRAME, audio=False)
        if all(_seen(window, user, *shown) for shown in ((FRAME, BRIGHT), (grey(60, 320, 180), DARK), (FRAME, BRIGHT))):
            yield window
            window.finish()
            return
        window.abort()
    pytest.fail("no window is drawn")


def _seen(window: Window, user: User, frame: LiveFrame, code: int) -> bool:
    for _ in range(10):
        window.write(frame)
        if _is(user.look(), 50, 50, code):
            return True
    return False


def _is(screen: npt.NDArray[np.uint8], x: int, y: int, grey: int) -> bool:
    return bool(np.abs(screen[y, x].astype(int) - grey).max() <= 2)


@needs("Xvfb", "ffmpeg")
@needs_hand
def test_a_user_sees_the_picture_and_has_the_keys(window: Window, user: User, controls: Controls) -> None:
    shown = FRAME

    def write() -> None:
        window.write(shown)

    user.sees(lambda s: _is(s, 50, 50, BRIGHT) and _is(s, 300, 50, BRIGHT), "picture", write)
    assert (user.look()[:180, :320] > 240).any()  # the line of figures
    user.press("i")
    user.sees(lambda s: not (s[:180, :320] > 240).any(), "picture without figures", write)
    user.press("s")
    user.sees(lambda s: _is(s, 100, 50, DARK) and _is(s, 220, 50, BRIGHT), "split", write)
    user.drag(80, 60)
    user.sees(lambda s: _is(s, 60, 50, DARK) and _is(s, 100, 50, BRIGHT), "line where it was dragged", write)

    def press_right() -> None:
        user.press("Right")
        write()

    user.sees(lambda s: _is(s, 120, 50, DARK) and _is(s, 280, 50, BRIGHT), "line moved by the keys", press_right)
    shown = grey(60, 200, 300)
    user.sees(lambda s: _is(s, 150, 200, DARK) and _is(s, 250, 50, 0), "window of another size", write)
    user.press("space")
    wait_until(lambda: controls.paused, "pause")
    user.press("q")
    wait_until(lambda: controls.stopped, "stop")
    window.write(FRAME)  # of no use to anybody, and no error


@needs("Xvfb", "ffmpeg")
@needs_hand
def test_closing_the_window_ends_the_run_without_an_error(window: Window, user: User, controls: Controls) -> None:
    user.close_window()
    wait_until(lambda: controls.stopped, "stop")
    window.write(FRAME)


@needs("Xvfb")
def test_a_screen_that_goes_away_is_an_error_in_one_line(monkeypatch: pytest.MonkeyPatch, controls: Controls) -> None:
    with display() as name:
        monkeypatch.setenv("DISPLAY", name)
        window = Window(controls)
        window.open(FRAME, audio=False)
        window.write(FRAME)
    try:
        with pytest.raises(SinkError, match=r"the window is gone: .+") as caught:
            for _ in range(1000):
                window.write(FRAME)
        assert "\n" not in str(caught.value)
    finally:
        window.abort()


def test_without_a_screen_it_is_refused(monkeypatch: pytest.MonkeyPatch, controls: Controls) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(UsageError, match="needs a screen"):
        Window(controls)


def test_a_screen_that_does_not_answer_is_an_error_in_one_line(
    monkeypatch: pytest.MonkeyPatch, controls: Controls
) -> None:
    monkeypatch.setenv("DISPLAY", ":32099")
    window = Window(controls)
    with pytest.raises(SinkError, match="could not connect to display :32099") as caught:
        window.open(FRAME, audio=False)
    assert "\n" not in str(caught.value)
    window.abort()
