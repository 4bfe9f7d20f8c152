"""A served page, and what a program that is no browser can do with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from yarl import URL

from tests.web.stand_in import controls
from vsr.live.controls import Controls
from vsr.notices import Notices
from vsr.web.server import Web

T = TypeVar("T")


class Page:
    """A served page and what the run behind it hears."""

    def __init__(self, web: Web, controls: Controls, notices: Notices):
        self.web, self.controls, self.notices = web, controls, notices
        parts = urlsplit(web.url)
        self.port = parts.port
        self.token = parse_qs(parts.query).get("token", [None])[0]
        self.base = f"http://127.0.0.1:{parts.port}"

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
        """(status, body, headers) of one request; ``_`` in a header's name stands for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            url = URL(self.base + path, encoded=True)
            async with session.request(method, url, headers=named, allow_redirects=False) as response:
                return response.status, await response.text(), response.headers

    @asynccontextmanager
    async def socket(self, **headers: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The page's socket, its greeting heard."""
        named = {"Origin": self.base, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.base}/socket", headers=named) as opened,
        ):
            assert (await opened.receive_json())["type"] == "hello"
            yield opened

    async def refused_socket(self, **headers: str) -> int:
        """The status with which a socket is refused."""
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with self.socket(**headers):
                pass
        return refusal.value.status


@contextmanager
def serve(host: str = "127.0.0.1", *, camera: bool = False) -> Iterator[Page]:
    """A page at a port of its own."""
    asked, notices = controls(), Notices()
    with Web(host, 0, asked, notices, camera=camera) as web:
        yield Page(web, asked, notices)


async def closing(opened: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code with which the server closes a socket."""
    async for _ in opened:
        pass
    return opened.close_code


async def heard(opened: aiohttp.ClientWebSocketResponse, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message for which ``condition`` holds."""
    async with asyncio.timeout(10):
        while not condition(message := await opened.receive_json()):
            pass
    return dict(message)


def run(scenario: Awaitable[T]) -> T:
    """``scenario`` to its end."""

    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await scenario

    return asyncio.run(bounded())
