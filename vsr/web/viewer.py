"""One open page: its socket, its connections for pictures and for its camera, and what it may ask."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aiohttp import WSCloseCode, WSMsgType

from vsr.errors import UsageError
from vsr.web.messages import CameraOff, Choose, Message, Offer, Pause, RefusedMessage, Split, parse
from vsr.web.peers import add_tracks, agreed_codec, answer, new_peer
from vsr.web.tracks import PictureTrack, SoundTrack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web
    from aiortc import MediaStreamTrack, RTCPeerConnection

    from vsr.live.controls import Controls
    from vsr.notices import Notices
    from vsr.web.camera import BrowserCamera
    from vsr.web.feed import Feed

_STATUS_EVERY_S = 0.25


class Viewer:
    """Serve one socket with ``serve``. ``claim_camera`` takes the camera from whichever viewer has it."""

    def __init__(
        self, socket: web.WebSocketResponse, remote: str, *, feed: Feed, controls: Controls, notices: Notices,
        camera: BrowserCamera | None, claim_camera: Callable[[Viewer], Awaitable[None]], count: Callable[[], int],
    ):  # fmt: skip
        self._socket = socket
        self._remote = remote
        self._heard = 0
        self._feed = feed
        self._controls = controls
        self._notices = notices
        self._camera = camera
        self._claim_camera = claim_camera
        self._count = count
        self._watching: RTCPeerConnection | None = None
        self._picture: PictureTrack | None = None
        self._unfeed: Callable[[], None] = _nothing
        self._split: float | None = None
        self._sending: RTCPeerConnection | None = None
        self._receiving: list[asyncio.Task[None]] = []

    async def serve(self) -> None:
        """Until the page goes away, or says something that no page of ours says."""
        telling = asyncio.create_task(self._tell_status())
        try:
            await self._listen()
        except RefusedMessage as exc:
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(exc).encode()[:120])
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            await self._stop_watching()
            await self.stop_camera()

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.TEXT:
                raise RefusedMessage("not text")
            await self._do(parse(message.data))
            self._heard += 1

    async def _do(self, message: Message) -> None:
        match message:
            case Offer(sdp, camera=False):
                await self._watch(sdp)
            case Offer(sdp, camera=True):
                await self._use_camera(sdp)
            case CameraOff():
                await self.stop_camera()
            case Split(position):
                self._split = position
                if self._picture is not None:
                    self._picture.split_at(position)
            case Choose(network, scale):
                try:
                    self._controls.choose(network=network, scale=scale)
                except UsageError as exc:
                    await self._say("refused", text=str(exc))
            case Pause(on):
                self._controls.pause(on=on)

    async def _watch(self, sdp: str) -> None:
        await self._stop_watching()
        peer = self._watching = new_peer()
        picture, sound = PictureTrack(lambda: self._feed.newest, self._notices), SoundTrack(self._notices)
        add_tracks(peer, sdp, picture, sound)
        answered = await answer(peer, sdp, self._remote)
        picture.encode_with(agreed_codec(answered))
        picture.split_at(self._split)
        self._picture, self._unfeed = picture, self._feed.add(picture, sound)
        await self._say("answer", to="watch", sdp=answered)

    async def _stop_watching(self) -> None:
        self._unfeed()
        self._unfeed = _nothing
        peer, self._watching, self._picture = self._watching, None, None
        if peer is not None:
            await peer.close()

    async def _use_camera(self, sdp: str) -> None:
        if self._camera is None:
            raise RefusedMessage("this run takes no browser's camera")
        await self.stop_camera()
        await self._claim_camera(self)
        peer = self._sending = new_peer()
        camera = self._camera

        def receive(track: MediaStreamTrack) -> None:
            self._receiving.append(asyncio.create_task(camera.take(track)))

        peer.on("track", receive)
        try:
            answered = await answer(peer, sdp, self._remote)
        except RefusedMessage:
            if self._sending is peer:
                raise
            return  # another page took the camera meanwhile, and this one was told
        await self._say("answer", to="camera", sdp=answered)

    async def stop_camera(self, *, taken: bool = False) -> None:
        """Receive this page's camera no longer; ``taken``: because another page sends its own."""
        peer, self._sending = self._sending, None
        if peer is None:
            return
        for task in self._receiving:
            task.cancel()
        await asyncio.gather(*self._receiving, return_exceptions=True)
        self._receiving.clear()
        await peer.close()
        if taken:
            await self._say("camera-taken")

    async def _tell_status(self) -> None:
        await self._say("hello", networks=self._controls.networks, scales=self._controls.scales,
                        camera=self._camera is not None,
                        microphone=self._camera is not None and self._camera.takes_sound)  # fmt: skip
        while True:
            await self._say("status", **self._status())
            await asyncio.sleep(_STATUS_EVERY_S)

    def _status(self) -> dict[str, Any]:
        network, scale = self._controls.choice
        frame = self._feed.newest
        aspect = frame.info.sample_aspect_ratio * frame.info.width / frame.info.height if frame else None
        return {
            **asdict(self._controls.snapshot),
            "heard": self._heard,
            "choice": {"network": network, "scale": scale},
            "paused": self._controls.paused,
            "audible": self._feed.audible,
            "splittable": frame is not None and frame.before is not None,
            "aspect": float(aspect) if aspect else None,
            "encode_ms": self._picture.encode_ms if self._picture else None,
            "viewers": self._count(),
        }

    async def _say(self, kind: str, **fields: Any) -> None:
        if not self._socket.closed:
            await self._socket.send_str(json.dumps({"type": kind, **fields}, allow_nan=False))

    async def dismiss(self) -> None:
        """The run is over: say so, and close."""
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"ended")


def _nothing() -> None:
    pass
