"""The page of a live run: an HTTP server on a thread of its own, for as long as the run lasts."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from vsr.errors import SinkError, UsageError

if TYPE_CHECKING:
    from vsr.io.live.contract import LiveSink, LiveSource
    from vsr.live.controls import Controls
    from vsr.notices import Notices
    from vsr.web.camera import BrowserCamera
    from vsr.web.guard import Guard
    from vsr.web.site import Site

_ENCODING_THREADS = 2
_NOBODY = "192.0.2.1"  # an address kept for documents: nothing is sent there


class Web:
    """One run's page; enter it to serve. From then on ``url`` can be opened, and ``sink`` and ``source`` be used.

    Raises UsageError where the packages of ``vsr[web]`` are missing, and on entering SinkError where the port can't
    be had. Off this machine's own addresses ``url`` has the token without which nobody sees anything.
    """

    def __init__(self, host: str, port: int, controls: Controls, notices: Notices, *, camera: bool):
        try:
            from vsr.web.camera import BrowserCamera
            from vsr.web.guard import Guard
        except ModuleNotFoundError as exc:
            raise UsageError(f"the page needs the package {exc.name}: pip install 'vsr[web]'") from exc
        self._host, self._port = host, port
        self._controls, self._notices = controls, notices
        self._guard: Guard = Guard(host)
        self._camera: BrowserCamera | None = BrowserCamera(notices, lambda: self.url) if camera else None
        self._thread = threading.Thread(target=self._run, name="vsr-web", daemon=True)
        self._served: Future[Site] = Future()
        self._end: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """Where to open the page."""
        host = _reachable(self._host)
        token = f"?token={self._guard.token}" if self._guard.token else ""
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}/{token}"

    def sink(self) -> LiveSink:
        """Where the run's frames go to be seen."""
        from vsr.web.feed import PageSink

        return PageSink(self._served.result().feed)

    def source(self, *, audio: bool = True) -> LiveSource:
        """The frames of a browser's camera, and with ``audio`` its sound. Raises UsageError without ``camera``."""
        if self._camera is None:
            raise UsageError("this page takes no camera: its source is another one")
        self._camera.takes_sound = audio
        return self._camera

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._served.result()
        except BaseException:
            self._thread.join()
            raise
        self._notices.say(f"the page is at {self.url}")
        if self._camera is not None and self._guard.token is not None:
            self._notices.say(
                "browsers give their camera only to pages of their own machine or by https: from another one, "
                f"forward the port (ssh -L {self._port}:127.0.0.1:{self._port}) and serve at 127.0.0.1"
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._camera is not None:
            self._camera.close()
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            loop = self._loop = runner.get_loop()
            loop.set_default_executor(ThreadPoolExecutor(_ENCODING_THREADS, thread_name_prefix="vsr-web-encode"))
            try:
                runner.run(self._serve())
            except BaseException as exc:
                if self._served.done():
                    raise
                self._served.set_exception(exc)  # raised on the thread that enters

    async def _serve(self) -> None:
        from vsr.web.site import Site

        self._end = asyncio.Event()
        site = Site(self._guard, self._controls, self._notices, camera=self._camera)
        try:
            self._port = await site.listen(self._host, self._port)
            self._served.set_result(site)
            await self._end.wait()
        except OSError as exc:
            raise SinkError(self._refused(exc)) from exc
        finally:
            await site.close()

    def _refused(self, exc: OSError) -> str:
        if exc.errno == errno.EADDRINUSE:
            return f"port {self._port} of {self._host} is in use; choose another one by --port"
        return f"the page can't be served at {self._host}, port {self._port}: {exc.strerror}; see --host and --port"


def _reachable(host: str) -> str:
    """``host``, or where that is all addresses, the one that others on the network know this machine by."""
    if host not in ("0.0.0.0", "::"):
        return host
    family = socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_NOBODY, 9))
        except OSError:  # no network: then this machine is the only one that can look
            return "127.0.0.1"
        return str(probe.getsockname()[0])
