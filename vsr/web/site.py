"""What is served: the page's own few files and its socket, to no more viewers than a machine can encode for."""

from __future__ import annotations

import asyncio
import logging
from importlib import resources
from typing import TYPE_CHECKING

from aiohttp import web

from vsr.web.camera import BrowserCamera
from vsr.web.feed import Feed
from vsr.web.guard import Guard, add_headers
from vsr.web.messages import LONGEST_OFFER
from vsr.web.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vsr.live.controls import Controls
    from vsr.notices import Notices

MOST_VIEWERS = 8
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_START = "index.html"
_FULL = f"The page has {MOST_VIEWERS} viewers already; close one of them and try again.\n"
_HEARTBEAT_S = 10.0
_LONGEST_BODY = 1024  # nothing is posted
_SHUTDOWN_S = 2.0
_GOODBYE_S = 1.0  # that a viewer may take to close its end
for _library in ("aiohttp", "aioice", "aiortc"):
    # Whatever knocks at the port would leave a traceback in the user's terminal; who sets up logging still sees it.
    logging.getLogger(_library).addHandler(logging.NullHandler())


class Site:
    """The server's side of one run, on the running loop."""

    def __init__(self, guard: Guard, controls: Controls, notices: Notices, *, camera: BrowserCamera | None):
        self._guard = guard
        self._controls = controls
        self._notices = notices
        self._camera = camera
        self._viewers: set[Viewer] = set()
        self.feed = Feed(asyncio.get_running_loop())
        self._runner: web.AppRunner | None = None

    async def listen(self, host: str, port: int) -> int:
        """Serve at ``host``; the port, which is chosen by the system for 0. Raises OSError."""
        app = web.Application(middlewares=[self._guard.middleware()], client_max_size=_LONGEST_BODY)
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/socket", self._socket)
        for path, handler in _pages(self._open).items():
            app.router.add_get(path, handler)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    def _open(self, response: web.Response) -> web.Response:
        """The first file of a page: that is when a token moves into its cookie."""
        if len(self._viewers) >= MOST_VIEWERS:
            return web.Response(status=503, text=_FULL)
        self._guard.keep_token(response)
        return response

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= MOST_VIEWERS:
            return web.Response(status=503, text=_FULL)
        socket = web.WebSocketResponse(
            timeout=_GOODBYE_S, heartbeat=_HEARTBEAT_S, max_msg_size=LONGEST_OFFER + 1, compress=False
        )
        viewer = Viewer(
            socket, request.remote or "", feed=self.feed, controls=self._controls, notices=self._notices,
            camera=self._camera, claim_camera=self._claim_camera, count=lambda: len(self._viewers),
        )  # fmt: skip
        self._viewers.add(viewer)
        try:
            await socket.prepare(request)
            await viewer.serve()
        finally:
            self._viewers.discard(viewer)
        return socket

    async def _claim_camera(self, claimant: Viewer) -> None:
        for viewer in self._viewers - {claimant}:
            await viewer.stop_camera(taken=True)

    async def close(self) -> None:
        """Tell the viewers that the run is over, and stop listening."""
        await asyncio.gather(*(viewer.dismiss() for viewer in self._viewers), return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()


def _pages(
    opened: Callable[[web.Response], web.Response],
) -> dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]]:
    """A handler for each file of the page, read once: a path that isn't one of these leads nowhere."""
    handlers = {}
    for file in (resources.files("vsr.web") / "page").iterdir():
        suffix = f".{file.name.rpartition('.')[2]}"
        if suffix in _TYPES:
            path = "/" if file.name == _START else f"/{file.name}"
            handlers[path] = _handler(file.read_bytes(), _TYPES[suffix], opened if path == "/" else _as_it_is)
    return handlers


def _handler(
    body: bytes, content_type: str, dress: Callable[[web.Response], web.Response]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.StreamResponse:
        return dress(web.Response(body=body, content_type=content_type, charset="utf-8"))

    return handle


def _as_it_is(response: web.Response) -> web.Response:
    return response
