"""What the names of sinks mean, and which are refused before anything runs."""

from pathlib import Path
from typing import cast

import pytest

from vsr.errors import SinkError, UsageError, VsrError
from vsr.io.live.contract import LiveSink
from vsr.live.controls import Controls
from vsr.live.sinks import make_sinks
from vsr.live.spec import LiveSpec
from vsr.notices import Notices
from vsr.spec import PipelineSpec


def make(*names: str, **options: object) -> list[LiveSink]:
    spec = LiveSpec("test", names, PipelineSpec("", "", **options))  # type: ignore[arg-type]
    controls = Controls(("bicubic",), (2,), network="bicubic", scale=2)
    return make_sinks(spec, controls, Notices(), web=lambda: cast("LiveSink", PAGE))


PAGE = object()


@pytest.mark.parametrize(
    ("name", "audible", "returns"),
    [
        ("-", True, False),
        ("nut:-", True, False),
        ("y4m:-", False, False),
        ("rtsp://127.0.0.1/live", True, True),
        ("rtmp://127.0.0.1/live", True, True),
        ("srt://127.0.0.1:9000", True, True),
        ("udp://127.0.0.1:9000", True, True),
        ("tcp://127.0.0.1:9000", True, True),
        ("out.mp4", True, False),
        ("live.m3u8", True, False),
        ("hls:live", True, False),
        ("virtual-camera:/dev/video10", False, False),
    ],
)
def test_a_name_says_what_its_sink_carries_and_whether_it_may_come_back(
    name: str, audible: bool, returns: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (sink,) = make(name)
    assert (sink.name, sink.audible, sink.returns) == (name, audible, returns)


def test_the_page_comes_from_who_serves_it() -> None:
    assert make("web") == [PAGE]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("widnow",), "window, web, virtual-camera"),
        (("http://127.0.0.1/live",), "rtsp://"),
        (("-", "y4m:-"), "standard output"),
        (("out.mp4", "./out.mp4"), "given twice"),
        (("hls:live", "live/index.m3u8"), "given twice"),
        (("web", "web"), "given twice"),
        (("out.png",), "is a picture"),
        (("out_%05d.png",), "is a picture"),
        (("folder",), "is a folder"),
        (("out.flac",), "hold no video"),
        (("missing/out.mp4",), "does not exist"),
        (("there.mkv",), "--overwrite"),
        (("there.m3u8",), "--overwrite"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_name_that_can_t_be_is_refused_in_one_line(
    names: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for there in ("there.mkv", "there.m3u8"):
        (tmp_path / there).write_text("something")
    with pytest.raises(VsrError, match=words) as caught:
        make(*names)
    assert isinstance(caught.value, UsageError | SinkError)
    assert "\n" not in str(caught.value)


def test_overwriting_is_allowed_when_asked(tmp_path: Path) -> None:
    there = tmp_path / "there.mkv"
    there.write_text("something")
    make(str(there), overwrite=True)
    assert there.read_text() == "something"


@pytest.mark.parametrize(
    ("options", "words"),
    [({"codec": "libx265000"}, "no encoder"), ({"codec": "aac"}, "audio"), ({"crf": 99.0}, "--crf")],
    ids=["unknown", "of sound", "rate factor"],
)
def test_an_encoder_that_can_t_be_is_refused_before_anything_runs(
    options: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(VsrError, match=words):
        make(str(tmp_path / "out.mkv"), **options)


def test_a_missing_virtual_camera_is_one_line() -> None:
    from tests.io.live.footage import picture

    (sink,) = make("virtual-camera:/dev/video-that-is-not-there")
    with pytest.raises(SinkError, match="virtual-camera:/dev/video-that-is-not-there can't be opened") as caught:
        sink.open(picture(0), audio=False)
    assert "\n" not in str(caught.value)
    sink.abort()


def test_messages_and_reports_show_no_password() -> None:
    (sink,) = make("rtsp://camera:s3cret@127.0.0.1/live")
    assert sink.name == "rtsp://camera:...@127.0.0.1/live"
