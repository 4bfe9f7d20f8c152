"""Encoder settings of a live run: every frame comes out as soon as it went in; what the user asks for stays."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vsr.frames import VideoInfo
    from vsr.io.encoders import Encoding
    from vsr.spec import PipelineSpec

KEYFRAME_S = 2
"""Between keyframes: how long who joins a stream waits for a picture, and how long a piece of an HLS stream is."""
DEFAULT_RATE = Fraction(25)
_LEAST_BIT_RATE = 500_000
_BITS_A_PIXEL = Fraction(15, 100)
"""At which H.264 of its fast presets looks clean: 4 Mbit/s at 720p30, 9 at 1080p30."""
_NVENC = {"preset": "p4", "tune": "ull", "delay": "0", "zerolatency": "1", "rc-lookahead": "0", "forced-idr": "1"}
_QSV = {"preset": "veryfast", "async_depth": "1", "look_ahead": "0", "forced_idr": "1"}
# What an encoder needs to give each frame back at once, and the speed at which it keeps up.
_LIVE: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "tune": "zerolatency", "forced-idr": "1", "sc_threshold": "0"},
    "libx265": {"preset": "superfast", "tune": "zerolatency", "forced-idr": "1"},
    "libsvtav1": {"preset": "10", "svtav1-params": "pred-struct=1:lookahead=0"},
    "libvpx": {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8", "auto-alt-ref": "0"},
    "libvpx-vp9": {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "7"},
    **dict.fromkeys(("h264_nvenc", "hevc_nvenc", "av1_nvenc"), _NVENC),
    **dict.fromkeys(("h264_qsv", "hevc_qsv", "av1_qsv"), _QSV),
}
_PRESET_OPTIONS = frozenset({"preset", "cpu-used"})
_CAPPED = frozenset({"libx264", "libx265", "h264_nvenc", "hevc_nvenc", "av1_nvenc"})
"""Encoders that hold a rate factor and a largest bit rate together."""
_ASKED_RATE = frozenset({"b", "maxrate", "bufsize"})


def made_live(encoding: Encoding, spec: PipelineSpec, info: VideoInfo, *, capped: bool) -> Encoding:
    """``encoding`` without B-frames and look-ahead; ``capped`` bounds its bit rate, for what goes over a network.

    Options that ``spec`` gives win over all of it.
    """
    asked = {key for key, _ in spec.encoder_options}
    rate = info.frame_rate or DEFAULT_RATE
    live = {"bf": "0", "g": str(max(round(rate * KEYFRAME_S), 1)), **_LIVE.get(encoding.codec, {})}
    if capped and encoding.codec in _CAPPED and not asked & _ASKED_RATE:
        live |= _cap(info, rate)
    options = dict(encoding.options)
    for key, value in live.items():
        if key.endswith("-params") and key in options:
            options[key] = f"{value}:{options[key]}"  # the later of two wins: the user's
        elif key not in asked and not (key in _PRESET_OPTIONS and spec.preset is not None):
            options[key] = value
    return replace(encoding, options=options)


def _cap(info: VideoInfo, rate: Fraction) -> dict[str, str]:
    """The largest bit rate, over a second."""
    bits = max(round(info.width * info.height * rate * _BITS_A_PIXEL), _LEAST_BIT_RATE)
    return {"maxrate": str(bits), "bufsize": str(bits)}
