"""From the names of sinks to the sinks: what each name may be, checked before anything is opened."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vsr.errors import SinkError, UsageError
from vsr.io.live import forms
from vsr.io.live.destinations import Address, Recording, StandardOutput
from vsr.io.live.stream_sink import StreamSink
from vsr.io.opening import is_url, without_password
from vsr.io.target import resolve
from vsr.live.virtual_camera import VirtualCamera
from vsr.live.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vsr.io.live.contract import LiveSink
    from vsr.io.live.destinations import Destination
    from vsr.io.live.muxed import Form
    from vsr.io.target import Target
    from vsr.live.controls import Controls
    from vsr.live.spec import LiveSpec
    from vsr.notices import Notices

SINKS = (
    "window, web, virtual-camera[:DEVICE], a file such as out.mp4, a playlist such as live.m3u8 or hls:FOLDER, "
    "'-' or nut:- or y4m:- (standard output), or an address: rtsp://, rtmp://, srt://, udp://, tcp://"
)
_PIPES = {"-": forms.NUT_PIPE, "nut:-": forms.NUT_PIPE, "y4m:-": forms.Y4M_PIPE}
STANDARD_OUTPUT = frozenset(_PIPES)
"""Names of sinks that go there."""
_HLS_FOLDER = "hls:"
_PLAYLIST = "index.m3u8"
_VIRTUAL_CAMERA = "virtual-camera"


def make_sinks(spec: LiveSpec, controls: Controls, notices: Notices, *, web: Callable[[], LiveSink]) -> list[LiveSink]:
    """A sink for each name in ``spec.sinks``, not yet opened; ``web`` makes the page's.

    Raises UsageError for a name that means nothing or comes twice, and SinkError for a file that can't be written.
    """
    _check_names(spec.sinks)
    return [_make(name, spec, controls, notices, web) for name in spec.sinks]


def _check_names(names: Sequence[str]) -> None:
    # Two spellings of one file are one file.
    twice = [name for name, count in Counter(_place(name) for name in names).items() if count > 1]
    if twice:
        raise UsageError(f"the sink '{twice[0]}' is given twice; give each once")
    piped = [name for name in names if name in _PIPES]
    if len(piped) > 1:
        raise UsageError(f"{' and '.join(piped)} both go to standard output, which takes one stream; choose one")


def _place(name: str) -> str:
    if is_url(name) or name in _PIPES:
        return name
    folder = name.removeprefix(_HLS_FOLDER)
    return str(Path(folder, _PLAYLIST) if folder != name else Path(name))


def _make(name: str, spec: LiveSpec, controls: Controls, notices: Notices, web: Callable[[], LiveSink]) -> LiveSink:
    kind, _, rest = name.partition(":")
    if name == "web":
        return web()
    if name == "window":
        return Window(controls)
    if kind == _VIRTUAL_CAMERA:
        return VirtualCamera(name, rest or None)
    form, destination = _stream(name, spec, controls, notices)
    # A server may come back; a full disk or a closed pipe does not.
    return StreamSink(without_password(name), form, destination, spec.pipeline, notices, returns=is_url(name))


def _stream(name: str, spec: LiveSpec, controls: Controls, notices: Notices) -> tuple[Form, Destination]:
    if name in _PIPES:
        return _PIPES[name], StandardOutput(lambda: controls.stopped)
    if is_url(name):
        scheme = name.partition("://")[0]
        if scheme not in forms.PUSHED:
            raise UsageError(f"no sink for {scheme}:// addresses; there are: {SINKS}")
        return forms.push(name, notices)
    if name.startswith(_HLS_FOLDER) or name.endswith(".m3u8"):
        return forms.HLS, _playlist(name, spec)
    if not Path(name).suffix and not Path(name).is_dir():
        raise UsageError(f"no sink '{name}'; there are: {SINKS}")
    target = _target(name, spec)
    return forms.recording(target), Recording(target, notices)


def _target(name: str, spec: LiveSpec) -> Target:
    if Path(name).is_dir():
        raise UsageError(f"{name} is a folder; name a file to record to, or give hls:{name}")
    target = resolve(replace(spec.pipeline, source=spec.source, output=name))
    if target.container == "image2":
        raise UsageError(f"{name} is a picture; a live run records to a video such as out.mp4 or out.mkv")
    return target


def _playlist(name: str, spec: LiveSpec) -> Address:
    folder = name.removeprefix(_HLS_FOLDER)
    playlist = Path(folder, _PLAYLIST) if folder != name else Path(name)
    if playlist.exists() and not spec.pipeline.overwrite:
        raise UsageError(f"{playlist} exists already; --overwrite replaces it")
    if not playlist.parent.parent.is_dir():
        raise SinkError(f"the folder {playlist.parent.parent} does not exist; create it first")
    try:
        playlist.parent.mkdir(exist_ok=True)
    except OSError as exc:
        raise SinkError(f"the folder {playlist.parent} can't be created: {exc.strerror}") from exc
    return Address(str(playlist))
