"""Who may see the page: the right names, the right origin, and off this machine a token; headers that keep it so."""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOKEN_FIELD = "token"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{socket}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z._-]+)(:[0-9]{1,5})?")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Of a page that is served at ``host``: ``token`` is None on this machine's own addresses."""

    def __init__(self, host: str):
        self._host = host.lower()
        self._loopback = is_loopback(host)
        self._any_address = _address(host) is not None and ipaddress.ip_address(host).is_unspecified
        self.token = None if self._loopback else secrets.token_urlsafe(24)
        # Browsers share cookies between the ports of a machine: two runs must not take each other's.
        self._cookie = f"vsr-{secrets.token_hex(4)}"
        own = socket.gethostname().lower()
        self._names = _LOOPBACK_NAMES if self._loopback else {self._host, own, f"{own}.local", *_LOOPBACK_NAMES}

    def serves(self, host: str | None) -> bool:
        """True when a request's Host header names this server: another name that leads here is someone's trick."""
        if not _well_formed(host):
            return False
        name = urlsplit(f"//{host}").hostname or ""
        # A name can be pointed anywhere, an address can't: where all are listened at, any will do.
        return name in self._names or (self._any_address and _address(name) is not None)

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Checks each request before any handler."""

        @web.middleware
        async def check(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            refusal = self._refusal(request)
            if refusal is not None:
                return web.Response(status=403, text=refusal)
            return await handler(request)

        return check

    def _refusal(self, request: web.Request) -> str | None:
        host = request.headers.get("Host")
        if not self.serves(host):
            return "This page is not served under that name.\n"
        origin = request.headers.get("Origin")
        asks_for_socket = request.headers.get("Upgrade") is not None
        if (origin is not None or asks_for_socket) and origin != f"http://{host}":
            return "Only this page itself may ask that.\n"
        if not (self._knows(request.query.get(TOKEN_FIELD)) or self._knows(request.cookies.get(self._cookie))):
            return "Open this page by the address that vsr printed: it has the token.\n"
        return None

    def _knows(self, offered: str | None) -> bool:
        return self.token is None or (
            offered is not None and hmac.compare_digest(offered.encode(errors="replace"), self.token.encode())
        )

    def keep_token(self, response: web.StreamResponse) -> None:
        """Move the token into a cookie, so that the page's address needs it no more."""
        if self.token is not None:
            response.set_cookie(self._cookie, self.token, httponly=True, samesite="Strict", path="/")


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """For every response, refusals too: nothing from elsewhere is loaded, nobody frames the page or reads it."""
    host = request.headers.get("Host")
    # Older browsers don't take 'self' to mean the page's own socket.
    own_socket = f" ws://{host}" if _well_formed(host) else ""
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = _POLICY.format(socket=own_socket)


def is_loopback(host: str) -> bool:
    """True for names and addresses that only this machine reaches."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _well_formed(host: str | None) -> bool:
    """True for a name or address with a port or without: it is put into headers again."""
    return host is not None and _HOST.fullmatch(host) is not None
