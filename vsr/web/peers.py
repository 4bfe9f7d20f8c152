"""WebRTC connections with browsers on this machine or network: no server of others is ever asked anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.rtp import RTCP_PSFB_APP, RTCP_PSFB_FIR, RTCP_PSFB_PLI, AnyRtcpPacket, RtcpPsfbPacket, unpack_remb_fci
from aiortc.sdp import SessionDescription

from vsr.io.live.webrtc import PictureCodec
from vsr.web.messages import RefusedMessage

if TYPE_CHECKING:
    from aiortc import RTCRtpSender

    from vsr.web.tracks import PictureTrack, SoundTrack

_HIDDEN_ADDRESS = re.compile(r"(?m)^(a=candidate:\S+ \d+ \S+ \d+ )[0-9A-Za-z-]+\.local( )")
# What aiortc raises for a description that is text but not one: its parser trusts what it reads.
_BAD_DESCRIPTION = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError,
    InternalError, InvalidAccessError, InvalidStateError, OperationError,
)  # fmt: skip


def new_peer() -> RTCPeerConnection:
    """A connection by this machine's own addresses alone; aiortc's default would ask a public STUN server."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def answer(peer: RTCPeerConnection, sdp: str, remote: str) -> str:
    """Take a browser's offer and give the answer. Raises RefusedMessage for a description that can't be one.

    Browsers hide their addresses behind names of multicast DNS; ``remote``, where the page is, is known already.
    """
    offer = RTCSessionDescription(_HIDDEN_ADDRESS.sub(rf"\g<1>{remote}\g<2>", sdp), "offer")
    try:
        await peer.setRemoteDescription(offer)
        await peer.setLocalDescription(await peer.createAnswer())
    except _BAD_DESCRIPTION as exc:
        raise RefusedMessage(f"no usable session description: {exc}") from exc
    return peer.localDescription.sdp


def add_tracks(peer: RTCPeerConnection, sdp: str, picture: PictureTrack, sound: SoundTrack) -> None:
    """Put a viewer's tracks into ``peer``, the sound if the offer ``sdp`` asks for some.

    H.264 goes first: it is cheaper to encode than VP8 and looks better.
    """
    sender = peer.addTrack(picture)
    if re.search(r"(?m)^m=audio ", sdp):
        peer.addTrack(sound)
    _listen(sender, picture)
    video = next(t for t in peer.getTransceivers() if t.kind == "video")
    known = RTCRtpReceiver.getCapabilities("video")
    codecs = known.codecs if known is not None else []
    video.setCodecPreferences(sorted(codecs, key=lambda codec: codec.mimeType != "video/H264"))


def agreed_codec(sdp: str) -> PictureCodec:
    """The codec of the pictures that go out, of an answer. Raises RefusedMessage where none was found."""
    for media in SessionDescription.parse(sdp).media:
        if media.kind == "video" and media.rtp.codecs:
            return "H264" if media.rtp.codecs[0].mimeType.lower() == "video/h264" else "VP8"
    raise RefusedMessage("no codec in common")


def _listen(sender: RTCRtpSender, picture: PictureTrack) -> None:
    """Tell the track what the viewer reports: lost pictures and the rate that its way carries.

    aiortc tells that to its own encoders only. These are not used: they smooth the picture, which is what upscaling
    is not for, and know no more than 1.5 (VP8) or 3 Mbit/s (H.264).
    """
    handle = sender._handle_rtcp_packet

    async def heard(packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpPsfbPacket):
            if packet.fmt in (RTCP_PSFB_FIR, RTCP_PSFB_PLI):
                picture.begin_anew()
            elif packet.fmt == RTCP_PSFB_APP:
                picture.limit(unpack_remb_fci(packet.fci)[0])
        await handle(packet)

    sender._handle_rtcp_packet = heard  # type: ignore[method-assign]
