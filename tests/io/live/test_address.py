import pytest

from vsr.errors import SourceError, UsageError, VsrError
from vsr.io.live.address import parse


def test_camera_by_number_and_by_path_are_the_same_device() -> None:
    by_number = parse("camera:2?size=1280x720&rate=30", realtime=False, platform="linux")
    by_path = parse("/dev/video2?size=1280x720&rate=30", realtime=False, platform="linux")
    assert by_number.target == by_path.target == "/dev/video2"
    assert by_number.container_format == "v4l2"
    assert by_number.options == by_path.options == {"video_size": "1280x720", "framerate": "30"}


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_cameras_of_other_systems_are_captured_by_number(platform: str) -> None:
    camera = parse("camera:1", realtime=False, platform=platform)
    assert (camera.kind, camera.target) == ("capture", "1")
    with pytest.raises(UsageError, match="camera:0"):
        parse("/dev/video1", realtime=False, platform=platform)


def test_screen_region() -> None:
    screen = parse("screen:3+10,20,640x360", realtime=False, platform="linux")
    assert (screen.target, screen.container_format) == (":3+10,20", "x11grab")
    assert screen.options["video_size"] == "640x360"


def test_screen_is_the_display_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    assert parse("screen", realtime=False, platform="linux").target == ":7"
    monkeypatch.delenv("DISPLAY")
    with pytest.raises(UsageError, match="DISPLAY"):
        parse("screen", realtime=False, platform="linux")


def test_windows_grabs_its_desktop() -> None:
    screen = parse("screen+10,20,640x360", realtime=False, platform="win32")
    assert (screen.target, screen.container_format) == ("desktop", "gdigrab")
    assert screen.options["offset_x"] == "10"


@pytest.mark.parametrize(
    "name",
    ["rtsp://host/a", "rtmp://host/a/b", "udp://:5000", "tcp://host:5000", "http://host/a.m3u8", "srt://host:1", "-"],
)
def test_no_address_may_lead_to_files(name: str) -> None:
    allowed = parse(name, realtime=False).options["protocol_whitelist"].split(",")
    assert not {"file", "pipe", "concat", "subfile", "data", "unix"} & set(allowed)


def test_rtsp_goes_over_tcp_unless_asked_otherwise() -> None:
    assert parse("rtsp://host/a", realtime=False).options["rtsp_transport"] == "tcp"
    assert "rtsp_transport" not in parse("rtsp://host/a?udp", realtime=False).options


def test_listening_is_told_to_ffmpeg_and_not_to_the_sender() -> None:
    address = parse("rtmp://127.0.0.1:1935/live/key?listen=1", realtime=False)
    assert address.listens
    assert address.target == "rtmp://127.0.0.1:1935/live/key"
    assert address.options["listen"] == "1"


@pytest.mark.parametrize("name", ["rtsp://user:secret@host/a", "srt://host:9?passphrase=secret&mode=caller"])
def test_password_is_in_no_message(name: str) -> None:
    address = parse(name, realtime=False)
    assert "secret" not in address.label
    assert "secret" in address.target


@pytest.mark.parametrize(
    ("name", "returns"),
    [
        ("rtsp://host/a", True),
        ("srt://host:1", True),
        ("camera:0", True),
        ("screen:0", True),
        ("-", False),
        ("test", False),
    ],
)
def test_which_sources_come_back(name: str, returns: bool) -> None:
    assert parse(name, realtime=False).returns is returns


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("gopher://host/a", UsageError, "'gopher'"),
        ("file:///etc/passwd", UsageError, "'file'"),
        ("camera:0?zoom=2", UsageError, "'zoom'"),
        ("camera:0?size=big", UsageError, "'big' is no size"),
        ("nowhere.mp4", SourceError, "nowhere.mp4"),
        (__file__, UsageError, "--realtime.*vsr run"),
    ],
)
def test_refusals(name: str, error: type[VsrError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        parse(name, realtime=False)
    assert "\n" not in str(caught.value)


def test_missing_file_is_told_as_by_vsr_run() -> None:
    with pytest.raises(SourceError, match="does not exist"):
        parse("nowhere.mp4", realtime=True)
