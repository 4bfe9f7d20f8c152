"""How a live stream is wrapped for each place it may go: container, codecs, and options against delay and loss."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from vsr.io.live.destinations import Address
from vsr.io.live.encoding import KEYFRAME_S
from vsr.io.live.muxed import Form
from vsr.io.live.relay_out import RelayOut

if TYPE_CHECKING:
    from vsr.io.live.destinations import Destination
    from vsr.io.target import Target
    from vsr.notices import Notices

_AUDIO_CODECS = {"webm": "libopus", "ogg": "libopus", "nut": "pcm_s16le", "yuv4mpegpipe": None, "gif": None}
_MICROSECONDS = 1_000_000
PATIENCE_US = 3 * _MICROSECONDS
"""Of one transfer; RTMP tries three times, RTSP for each of a frame's packets."""
_PIECE_US = _MICROSECONDS // 2
"""Of a Matroska recording: what a sudden end may cost. Of MP4 and MOV it is what came after the last keyframe."""
_RECORDING_OPTIONS = {
    # Fragments while it is written, so that it can be played at any moment; an ordinary file once it is finished. They
    # end before a keyframe: elsewhere the muxer does not know yet how long the last picture is shown, and guesses.
    "mp4": {"movflags": "hybrid_fragmented+frag_keyframe"},
    "mov": {"movflags": "hybrid_fragmented+frag_keyframe"},
    "matroska": {"cluster_time_limit": str(_PIECE_US // 1000)},
    "webm": {"cluster_time_limit": str(_PIECE_US // 1000)},
}
_DATAGRAM = 1316
"""Bytes: seven packets of MPEG-TS, which fit into one of Ethernet."""

PUSHED = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "tcp")
"""Schemes of addresses that a stream can be pushed to."""
NUT_PIPE = Form("nut", "rawvideo", "pcm_s16le", raw=True)
Y4M_PIPE = Form("yuv4mpegpipe", "rawvideo", None, {"strict": "-1"}, raw=True)
HLS = Form(
    "hls",
    "libx264",
    "aac",
    {
        "hls_time": str(KEYFRAME_S),
        "hls_list_size": "6",
        "hls_flags": "delete_segments+independent_segments+temp_file",
    },
)
_MPEGTS = Form("mpegts", "libx264", "aac", capped=True)


def recording(target: Target) -> Form:
    """Of a file that can be played even if its recording ends suddenly."""
    container = target.container
    return Form(
        container,
        target.default_codec,
        _AUDIO_CODECS.get(container, "aac"),
        _RECORDING_OPTIONS.get(container, {}),
    )


def push(url: str, notices: Notices) -> tuple[Form, Destination]:
    """Of a stream to ``url``, whose scheme is one of PUSHED; it gives up on a receiver that takes nothing."""
    scheme = urlsplit(url).scheme
    if scheme == "srt":
        # Linger, or the end of the stream would be thrown away with the connection.
        extra = {"pkt_size": str(_DATAGRAM), "linger": "2"}
        return _MPEGTS, RelayOut(_with_query(url, extra), url, notices)
    if scheme in {"rtsp", "rtsps"}:
        options = {"rtsp_transport": "tcp", "timeout": str(PATIENCE_US)}
        return Form("rtsp", "libx264", "aac", options, capped=True), Address(url)
    if scheme in {"rtmp", "rtmps"}:
        form = Form("flv", "libx264", "aac", capped=True)
        options = {"f": "flv", "rw_timeout": str(PATIENCE_US), "flvflags": "no_duration_filesize"}
        return form, Address(_tee(url, options), through="tee")
    extra = {"pkt_size": str(_DATAGRAM)} if scheme == "udp" else {"timeout": str(PATIENCE_US)}
    return _MPEGTS, Address(_with_query(url, extra))


def _tee(url: str, options: dict[str, str]) -> str:
    """``url`` for the muxer "tee", which hands options on to the protocol, as FFmpeg's own opening does not."""
    escaped = "".join(f"\\{letter}" if letter in "\\'|[] " else letter for letter in url)
    return f"[{':'.join(f'{key}={value}' for key, value in options.items())}:flush_packets=1]{escaped}"


def _with_query(url: str, extra: dict[str, str]) -> str:
    """``url`` with ``extra`` in its query, where it does not say these itself."""
    said = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    added = urlencode({key: value for key, value in extra.items() if key not in said})
    return f"{url}{'&' if said else '?'}{added}" if added else url
