"""The page in a real Chromium, with its fake camera: what a person would see and do there."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Page as Tab

from tests.live.programs import needs, wait_until
from tests.web.page import Page, serve
from tests.web.stand_in import BEFORE, LEFT, RIGHT, Run
from vsr.io.live.contract import LiveFrame
from vsr.live.controls import Snapshot
from vsr.notices import Notices
from vsr.web.server import Web

pytestmark = needs("chromium")

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
_PIXELS = """spots => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", {willReadFrequently: true});
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  pen.drawImage(video, 0, 0);
  return spots.map(([x, y]) => [...pen.getImageData(x * canvas.width, y * canvas.height, 1, 1).data.slice(0, 3)]);
}"""
_LOUDEST = """async () => {
  const context = new AudioContext(), meter = context.createAnalyser(), levels = new Float32Array(meter.fftSize);
  await context.resume();
  context.createMediaStreamSource(video.srcObject).connect(meter);
  let loudest = 0;
  for (let turn = 0; turn < 40 && loudest < 0.1; turn++) {
    await new Promise(done => setTimeout(done, 50));
    meter.getFloatTimeDomainData(levels);
    loudest = Math.max(loudest, ...levels);
  }
  return loudest;
}"""
_HOLD_SCALES = """() => {
  const send = WebSocket.prototype.send;
  window.held = [];
  WebSocket.prototype.send = function (text) {
    const on = () => send.call(this, text);
    if (JSON.parse(text).type === "scale") held.push(on); else on();
  };
}"""
_FRAMES = """count => new Promise(done => {
  const seen = () => --count ? video.requestVideoFrameCallback(seen) : done();
  video.requestVideoFrameCallback(seen);
})"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@contextmanager
def launched(playwright: Playwright, camera_question: str = "") -> Iterator[Browser]:
    """Chromium with a fake camera; the question for it is answered with yes, or with ``deny``."""
    question = f"--use-fake-ui-for-media-stream{camera_question}"
    flags = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", question]
    opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as opened:
        yield opened


@contextmanager
def tab(browser: Browser, url: str, size: dict[str, int] = DESKTOP, offline: str = "none") -> Iterator[Tab]:
    """The page in a window of its own; whatever the browser complains of, but ``offline``, fails the test."""
    complaints: list[str] = []
    window = browser.new_context(viewport=size)  # type: ignore[arg-type]
    opened = window.new_page()
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        opened.goto(url)
        yield opened
        assert [text for text in complaints if offline not in text] == []
    finally:
        window.close()


def until(tab: Tab, condition: Callable[[], Any], what: str) -> None:
    """Wait in the browser's own time: it lives on this thread."""

    def turn() -> Any:
        tab.wait_for_timeout(20)
        return condition()

    wait_until(turn, what)


def rgb(yuv: tuple[int, int, int]) -> Any:
    """What BT.709 makes of a colour of limited range, within what the way of a picture may change."""
    y, u, v = (yuv[0] - 16) / 219, (yuv[1] - 128) / 224, (yuv[2] - 128) / 224
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return pytest.approx([min(max(round(255 * value), 0), 255) for value in (red, green, blue)], abs=14)


def pixels(tab: Tab, *spots: tuple[float, float]) -> list[list[int]]:
    """(red, green, blue) at ``spots``, in shares of the picture's width and height."""
    return list(tab.evaluate(_PIXELS, [list(spot) for spot in spots]))


def plays(tab: Tab) -> None:
    """Wait for five frames on the screen."""
    until(tab, lambda: tab.evaluate("video.videoWidth"), "picture on the page")
    tab.evaluate(_FRAMES, 5)


def test_the_stream_plays_with_before_left_of_the_line_and_after_right_of_it(browser: Browser) -> None:
    with serve() as page, Run(page.web.sink(), page.controls), tab(browser, page.web.url) as opened:
        plays(opened)
        assert opened.evaluate("[video.videoWidth, video.videoHeight]") == [640, 360]
        assert pixels(opened, (0.25, 0.6), (0.75, 0.6)) == [rgb(BEFORE), rgb(RIGHT)]
        until(opened, lambda: opened.inner_text("#status") == "live", "status")
        until(opened, lambda: "ms" in opened.inner_text("#delay-sum"), "measured delay")
        assert opened.inner_text("#sizes").split() == ["160", "×", "90", "→", "640", "×", "360"]
        assert "upscale" in str(opened.get_attribute("#stage-chart canvas", "aria-label"))


def test_the_sound_is_heard_once_it_is_switched_on(browser: Browser) -> None:
    with serve() as page, Run(page.web.sink(), page.controls, audio=True), tab(browser, page.web.url) as opened:
        plays(opened)
        assert opened.evaluate("video.muted")
        opened.click("#sound")
        until(opened, lambda: opened.evaluate("video.srcObject.getAudioTracks().length && !video.muted"), "sound")
        plays(opened)
        assert 0.1 < opened.evaluate(_LOUDEST) < 0.5


def test_the_line_moves_by_mouse_and_by_keys(browser: Browser) -> None:
    with serve() as page, Run(page.web.sink(), page.controls), tab(browser, page.web.url) as opened:
        plays(opened)
        until(opened, lambda: opened.is_visible("#divider"), "line")
        box: Any = opened.locator("#stage").bounding_box()
        middle = box["y"] + box["height"] / 2
        opened.mouse.move(box["x"] + box["width"] / 2, middle)
        opened.mouse.down()
        opened.mouse.move(box["x"] + box["width"] * 0.9, middle, steps=4)
        opened.mouse.up()
        assert opened.get_attribute("#divider", "aria-valuenow") == "90"
        until(opened, lambda: pixels(opened, (0.85, 0.6)) == [rgb(BEFORE)], "line at the right")
        assert pixels(opened, (0.95, 0.6)) == [rgb(RIGHT)]
        opened.focus("#divider")
        opened.keyboard.press("Home")
        until(opened, lambda: pixels(opened, (0.25, 0.6)) == [rgb(LEFT)], "line at the left edge")
        opened.click("#compare")
        assert not opened.is_visible("#divider")


def test_a_choice_on_the_page_reaches_the_run(browser: Browser) -> None:
    with serve() as page, Run(page.web.sink(), page.controls), tab(browser, page.web.url) as opened:
        plays(opened)
        opened.select_option("#network", "fast")
        opened.check("#scale input[value='2']", force=True)
        until(opened, lambda: page.controls.choice == ("fast", 2), "choice in the run")
        until(opened, lambda: opened.evaluate("video.videoWidth") == 320, "picture in the new size")
        opened.click("#pause")
        until(opened, lambda: page.controls.paused, "pause in the run")
        until(opened, lambda: opened.inner_text("#pause") == "Go on", "word of the pause")
        opened.click("#pause")
        until(opened, lambda: not page.controls.paused, "end of the pause")


def test_a_choice_on_the_page_stays_while_the_run_has_not_heard_of_it(browser: Browser) -> None:
    with serve() as page, tab(browser, page.web.url) as opened:
        until(opened, lambda: opened.is_checked("#scale input[value='4']"), "the run's choice")
        opened.evaluate(_HOLD_SCALES)
        opened.check("#scale input[value='2']", force=True)
        page.controls.snapshot = Snapshot(reconnects=7)
        until(opened, lambda: opened.inner_text("#reconnects") == "7", "a status from after the click")
        assert opened.is_checked("#scale input[value='2']")
        opened.evaluate("held.forEach(on => on())")
        until(opened, lambda: page.controls.choice == ("realtime", 2), "choice in the run")
        page.controls.choose(scale=4)
        until(opened, lambda: opened.is_checked("#scale input[value='4']"), "another page's choice")


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser) -> None:
    with serve() as page, Run(page.web.sink(), page.controls), tab(browser, page.web.url, PHONE) as opened:
        plays(opened)
        assert opened.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        small = (
            "[...document.querySelectorAll('button, select')].filter(b => b.offsetParent && b.offsetHeight < 44).length"
        )
        assert opened.evaluate(small) == 0


def test_the_token_does_not_stay_in_the_address(browser: Browser) -> None:
    with serve("0.0.0.0") as page, tab(browser, f"{page.base}/?token={page.token}") as opened:
        until(opened, lambda: opened.input_value("#network") == "realtime", "the run's choices")
        assert opened.url == f"{page.base}/"
        opened.reload()
        until(opened, lambda: opened.input_value("#network") == "realtime", "the run's choices again")


def test_the_page_finds_the_next_run_by_itself(browser: Browser) -> None:
    with ExitStack() as windows:
        with serve() as page:
            opened = windows.enter_context(tab(browser, page.web.url, offline="ERR_CONNECTION_REFUSED"))
            until(opened, lambda: opened.inner_text("#status") == "starting", "first run")
        until(opened, lambda: opened.inner_text("#status") == "ended", "word of the end")
        with Web("127.0.0.1", page.port or 0, page.controls, Notices(), camera=False) as web:
            with Run(web.sink(), page.controls):
                plays(opened)
            windows.close()


class Doubling:
    """A run from the browser's camera to the page: each pixel four times."""

    def __init__(self, page: Page):
        self.page, self.source, self.sink = page, page.web.source(), page.web.sink()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for at, frame in enumerate(self.source):
            planes = tuple(np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1) for plane in frame.frame.planes)
            info = replace(
                frame.info, width=2 * frame.info.width, height=2 * frame.info.height, frame_rate=Fraction(20)
            )
            doubled = LiveFrame(replace(frame.frame, planes=planes), info, frame.captured_s, before=frame)
            if at == 0:
                self.sink.open(doubled, audio=False)
            self.sink.write(doubled)
            self.page.controls.snapshot = Snapshot(status="live")

    def __enter__(self) -> "Doubling":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()
        self._thread.join()


def test_the_browsers_own_camera_goes_up_and_comes_back(browser: Browser) -> None:
    with serve(camera=True) as page, Doubling(page) as doubling, tab(browser, page.web.url) as opened:
        opened.click("#camera")
        plays(opened)
        sent = [int(number) for number in opened.inner_text("#camera-words").removesuffix(".").split()[1].split("×")]
        until(opened, lambda: opened.evaluate("video.videoWidth") == 2 * sent[0], "the camera's picture, doubled")
        # Chromium's camera shows a green field.
        red, green, blue = pixels(opened, (0.9, 0.5))[0]
        assert green > red + 40
        assert green > blue + 40
        opened.click("#camera")
        wait_until(lambda: doubling.source.lost, "word that the camera is gone")
        opened.click("#camera")
        until(opened, lambda: doubling.source.reconnects == 1, "camera again")


def test_a_camera_that_is_refused_is_said_in_words(playwright: Playwright) -> None:
    with serve(camera=True) as page, launched(playwright, "=deny") as browser, tab(browser, page.web.url) as opened:
        opened.click("#camera")
        until(opened, lambda: "not allowed to use the camera" in opened.inner_text("#camera-words"), "refusal in words")
        assert opened.inner_text("#camera") == "Use this camera"
