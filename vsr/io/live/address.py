"""What a live source's name means: what FFmpeg is to open, with which options, and how the source behaves."""

import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from vsr.errors import SourceError, UsageError
from vsr.io import allowed
from vsr.io.opening import check_file, file_url, is_sequence, is_url, without_password

Kind = Literal["network", "device", "capture", "relay", "pipe", "test", "file"]
CaptureClock = Literal["stamps", "estimate", "arrival"]

# Enough to find the sound of a stream beside its picture, and no more: what is probed is old when it is shown.
_PROBING = {"analyzeduration": "500000", "probesize": "2000000"}
_NETWORK_S, _PLAYLIST_S, _DEVICE_S = (5.0, 3.0), (20.0, 20.0), (3.0, 3.0)
_LISTENING_S = 3.0
_OPTIONS = {
    "rtsp": {"rtsp_transport": "tcp"},
    "rtsps": {"rtsp_transport": "tcp"},
    "rtmp": {"rtmp_live": "live", "rtmp_buffer": "100"},
    "rtmps": {"rtmp_live": "live", "rtmp_buffer": "100"},
    "udp": {"overrun_nonfatal": "1"},
}
_LISTEN_OPTIONS = {"rtsp": {"rtsp_flags": "listen", "listen_timeout": f"{_LISTENING_S:.0f}"}, "rtmp": {"listen": "1"}}
_TEST = re.compile(r"test(?::(?P<size>\d+x\d+)?(?:@(?P<rate>\d+(?:/\d+)?))?)?")
_SCREEN = re.compile(
    r"screen(?::(?P<display>\d+(?:\.\d+)?))?(?:\+(?P<x>\d+),(?P<y>\d+))?(?:,(?P<size>\d+x\d+))?(?:@(?P<rate>\d+))?"
)
_CAMERA = re.compile(r"(?:camera:(?P<number>\d+)|(?P<path>/dev/video\d+))(?:\?(?P<options>.*))?")
_CAMERA_OPTIONS = {"size": "video_size", "rate": "framerate", "format": "input_format"}
_CAMERA_VALUES = {"size": re.compile(r"\d+x\d+"), "rate": re.compile(r"\d+(\.\d+)?"), "format": re.compile(r"\w+")}
_KINDS = "camera:0, rtsp://, rtmp://, srt://, udp://, tcp://, http(s)://, screen, test, '-' or a file with --realtime"


@dataclass(frozen=True)
class Address:
    """One live source, before anything is opened."""

    label: str
    """As the user gave it, without a password; for messages."""
    kind: Kind
    target: str
    """What is opened: an address, a device, a filter graph or a path."""
    container_format: str | None = None
    """FFmpeg's name of the format; None: found out."""
    options: dict[str, str] = field(default_factory=dict)
    open_timeout_s: float | None = None
    read_timeout_s: float | None = None
    listens: bool = False
    """True where the sender comes to us: opening waits for it."""

    @property
    def returns(self) -> bool:
        """True where a source that is gone may come back, so that it is opened again."""
        return self.kind in {"network", "device", "capture", "relay"}

    @property
    def paced(self) -> bool:
        """True where data come as fast as they are read, so that reading must keep the time."""
        return self.kind in {"test", "file"}

    @property
    def is_http(self) -> bool:
        """True where a web server may hold what is there already."""
        return self.target.lower().startswith(("http:", "https:"))

    @property
    def capture_clock(self) -> CaptureClock:
        """What is known of the moment of capture; see vsr.io.live.arrival."""
        clocks: dict[Kind, CaptureClock] = {"device": "stamps", "capture": "arrival", "test": "arrival"}
        return clocks.get(self.kind, "arrival" if self.paced else "estimate")


def parse(name: str, *, realtime: bool, platform: str = sys.platform) -> Address:
    """The Address of ``name``. Raises UsageError for a name that makes no sense, SourceError for a file that is not."""
    if name == "-":
        return Address("standard input", "pipe", name, options={**_PROBING, **allowed.for_bytes()})
    if (match := _TEST.fullmatch(name)) is not None:
        return _test(name, match)
    if (match := _SCREEN.fullmatch(name)) is not None:
        return _screen(name, match, platform)
    if (match := _CAMERA.fullmatch(name)) is not None:
        return _camera(name, match, platform)
    if is_url(name):
        return _network(name)
    if realtime:
        check_file(name)
        return Address(name, "file", file_url(name), options=allowed.for_file(numbered=is_sequence(name)))
    if Path(name).exists():
        raise UsageError(f"{name} is a file: --realtime reads it at its own pace, and 'vsr run' upscales it whole")
    raise SourceError(f"{name} is no file and no live source; give {_KINDS}")


def _test(name: str, match: re.Match[str]) -> Address:
    size, rate = match["size"] or "640x360", match["rate"] or "25"
    picture = f"testsrc2=size={size}:rate={rate},format=yuv420p"
    tags = "setparams=range=limited:color_primaries=smpte170m:color_trc=smpte170m:colorspace=smpte170m"
    return Address(name, "test", f"{picture},{tags}[out0];sine=frequency=440:sample_rate=48000[out1]", "lavfi")


def _screen(name: str, match: re.Match[str], platform: str) -> Address:
    options = {"framerate": match["rate"] or "30", "fpsprobesize": "0"}
    if match["size"]:
        options["video_size"] = match["size"]
    if platform == "win32":
        corner = {"offset_x": match["x"], "offset_y": match["y"]} if match["x"] else {}
        return Address(name, "device", "desktop", "gdigrab", {**options, **corner}, *_DEVICE_S)
    if platform == "darwin":
        raise UsageError("the screen is no source on macOS; capture it with another program and pipe that into '-'")
    display = f":{match['display']}" if match["display"] else os.environ.get("DISPLAY", "")
    if not display:
        raise UsageError("'screen' needs an X display and DISPLAY is not set; name one, such as screen:0")
    corner_words = f"+{match['x']},{match['y']}" if match["x"] else ""
    return Address(name, "device", display + corner_words, "x11grab", options, *_DEVICE_S)


def _camera(name: str, match: re.Match[str], platform: str) -> Address:
    given = dict(parse_qsl(match["options"] or "", keep_blank_values=True))
    for key, value in given.items():
        if key not in _CAMERA_OPTIONS:
            raise UsageError(f"{name} asks for '{key}'; a camera knows: {', '.join(_CAMERA_OPTIONS)}")
        if not _CAMERA_VALUES[key].fullmatch(value):
            raise UsageError(
                f"{name}: '{value}' is no {key}; write such as camera:0?size=1280x720&rate=30&format=mjpeg"
            )
    if platform != "linux":
        if match["number"] is None:
            raise UsageError(f"{name} is a camera of Linux; here cameras have numbers, such as camera:0")
        if "format" in given:
            raise UsageError(f"{name} asks for a 'format', which can't be chosen on this system; leave it out")
        return Address(name, "capture", match["number"], None, given, *_DEVICE_S)
    options = {_CAMERA_OPTIONS[key]: value for key, value in given.items()}
    return Address(name, "device", match["path"] or f"/dev/video{match['number']}", "v4l2", options, *_DEVICE_S)


def _network(name: str) -> Address:
    parts = urlsplit(name)
    scheme = parts.scheme.lower()
    label = without_password(name)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if scheme == "srt":
        listens = query.get("mode") == "listener"
        probing = {**_PROBING, **allowed.for_bytes()}
        return Address(label, "relay", name, None, probing, *_NETWORK_S, listens=listens)
    if scheme not in allowed.SCHEMES:
        raise UsageError(f"{label}: '{scheme}' addresses are not read; give {_KINDS}")
    options = {**_PROBING, **_OPTIONS.get(scheme, {}), **allowed.for_address(scheme)}
    if scheme.startswith("rtsp") and "udp" in query:
        del options["rtsp_transport"]  # FFmpeg reads the transport from the address
    listens = scheme == "udp" or query.get("listen", "0") != "0"
    target = name
    if listens and scheme in _LISTEN_OPTIONS:  # else FFmpeg reads it from the address
        del query["listen"]
        options |= _LISTEN_OPTIONS[scheme]
        target = urlunsplit(parts._replace(query=urlencode(query)))
    open_s, read_s = _PLAYLIST_S if scheme in {"http", "https"} else _NETWORK_S
    return Address(
        label, "network", target, None, options, _LISTENING_S if listens else open_s, read_s, listens=listens
    )
