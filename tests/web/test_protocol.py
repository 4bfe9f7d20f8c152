"""What the page's server answers, and above all what it refuses."""

import asyncio
import json
import re
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.web.page import Page, closing, heard, run, serve
from tests.web.stand_in import NETWORKS, SCALES, controls
from vsr.errors import SinkError, UsageError
from vsr.notices import Notices
from vsr.web.messages import LONGEST_COMMAND, LONGEST_OFFER
from vsr.web.server import Web
from vsr.web.site import MOST_VIEWERS

FILES = ("/", "/page.js", "/page.css", "/icon.svg")


@pytest.fixture
def page() -> Iterator[Page]:
    with serve() as served:
        yield served


@pytest.fixture
def open_page() -> Iterator[Page]:
    """Served on all addresses of this machine."""
    with serve("0.0.0.0") as served:
        yield served


@pytest.mark.parametrize("path", FILES)
def test_the_page_comes_with_nothing_from_elsewhere(page: Page, path: str) -> None:
    status, body, headers = run(page.get(path))
    assert status == 200
    assert body
    assert not re.search(r"""(src|href)="(https?:)?//|url\(|@import|from "(https?:)?//""", body)
    assert "unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [*FILES, "/nothing-here", "/socket"])
@pytest.mark.parametrize("host", ["127.0.0.1", "elsewhere.example"])
def test_every_answer_says_what_a_browser_must_not_do(page: Page, path: str, host: str) -> None:
    _, _, headers = run(page.get(path, Host=f"{host}:{page.port}"))
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "localhost@elsewhere.example", "10.0.0.1", "'; x", ""]
)
def test_a_host_that_is_not_served_is_refused(page: Page, host: str) -> None:
    assert run(page.get("/", Host=host))[0] in (400, 403)
    assert run(page.refused_socket(Host=host, Origin=f"http://{host}")) in (400, 403)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_this_machines_names_are_served_on_any_forwarded_port(page: Page, name: str) -> None:
    assert run(page.get("/", Host=f"{name}:9000"))[0] == 200
    assert run(page.get("/", Host=f"{name}:9000", Origin=f"http://{name}:9000"))[0] == 200


@pytest.mark.parametrize(
    "origin",
    ["http://elsewhere.example", "null", "http://127.0.0.1", "https://127.0.0.1:{port}", "http://localhost:{port}"],
)
def test_another_origin_is_refused(page: Page, origin: str) -> None:
    asked = origin.format(port=page.port)
    assert run(page.get("/", Origin=asked))[0] == 403
    assert run(page.refused_socket(Origin=asked)) == 403


def test_a_socket_without_an_origin_is_refused(page: Page) -> None:
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    assert run(page.get("/socket", **handshake, Sec_WebSocket_Key="MDEyMzQ1Njc4OWFiY2RlZg=="))[0] == 403


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/..%2fserver.py", "/page/page.js", "//etc"])
def test_only_the_pages_files_are_there(page: Page, path: str) -> None:
    assert run(page.get(path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_posted(page: Page, method: str) -> None:
    assert run(page.get("/", method))[0] == 405


def test_off_this_machine_a_token_is_demanded_everywhere(open_page: Page) -> None:
    assert open_page.token
    assert [said.count(open_page.token) for said in open_page.notices.said] == [1]
    cookie = run(open_page.get(f"/?token={open_page.token}"))[2]["Set-Cookie"].partition("=")[0]
    for path in (*FILES, "/nothing-here", "/?token=", "/?token=%ff", f"/?token={open_page.token[:-1]}"):
        assert run(open_page.get(path))[0] == 403
        assert run(open_page.get(path, Cookie=f"{cookie}=wrong"))[0] == 403
    assert run(open_page.refused_socket()) == 403


def test_the_token_moves_into_a_cookie_that_scripts_and_other_sites_do_not_get(open_page: Page) -> None:
    status, body, headers = run(open_page.get(f"/?token={open_page.token}"))
    assert status == 200
    assert str(open_page.token) not in body
    [cookie] = SimpleCookie(headers["Set-Cookie"]).values()
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    kept = f"{cookie.key}={cookie.value}"
    assert run(open_page.get("/page.js", Cookie=kept))[0] == 200

    async def watch() -> None:
        async with open_page.socket(Cookie=kept) as opened:
            await heard(opened, lambda message: message["type"] == "status")

    run(watch())


@pytest.mark.parametrize(("host", "status"), [("192.0.2.7", 200), ("elsewhere.example", 403)])
def test_on_all_addresses_an_address_is_served_but_no_name_of_others(open_page: Page, host: str, status: int) -> None:
    assert run(open_page.get(f"/?token={open_page.token}", Host=f"{host}:{open_page.port}"))[0] == status


@pytest.mark.parametrize(
    "message",
    [
        "", "{", "[]", '"watch"', "null", "{}", '{"type": 1}', '{"type": ["pause"]}', '{"type": "stop"}',
        '{"type": "open", "path": "/etc/passwd"}', '{"type": "pause"}', '{"type": "pause", "on": 1}',
        '{"type": "pause", "on": true, "run": "ls"}', '{"type": "split", "position": 1.01}',
        '{"type": "split", "position": NaN}', '{"type": "split", "position": true}',
        '{"type": "scale", "factor": true}',
        '{"type": "scale", "factor": 2.5}', '{"type": "network", "name": null}', '{"type": "watch", "sdp": "nonsense"}',
        '{"type": "watch", "sdp": ""}', '{"type": "camera", "sdp": "v=0"}', "[" * 5000,
        json.dumps({"type": "network", "name": "n" * LONGEST_COMMAND}),
        json.dumps({"type": "network", "name": "n" * 300}),
    ],
)  # fmt: skip
def test_what_no_page_says_ends_the_connection(page: Page, message: str) -> None:
    async def say() -> int | None:
        async with page.socket() as opened:
            await opened.send_str(message)
            return await closing(opened)

    assert run(say()) == aiohttp.WSCloseCode.POLICY_VIOLATION
    assert page.controls.choice == ("realtime", 4)
    assert not page.controls.paused


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda opened: opened.send_bytes(b"\0" * 10), aiohttp.WSCloseCode.POLICY_VIOLATION),
        (lambda opened: opened.send_str("x" * (LONGEST_OFFER + 2)), aiohttp.WSCloseCode.MESSAGE_TOO_BIG),
    ],
)
def test_bytes_and_what_is_too_long_end_the_connection(
    page: Page, send: Callable[..., Awaitable[None]], code: int
) -> None:
    async def say() -> int | None:
        async with page.socket() as opened:
            await send(opened)
            return await closing(opened)

    assert run(say()) == code


def test_a_page_learns_the_choices_and_what_it_asks_for_is_done(page: Page) -> None:
    async def choose() -> None:
        async with page.socket() as opened:
            await opened.send_json({"type": "network", "name": "fast"})
            await opened.send_json({"type": "scale", "factor": 2})
            await opened.send_json({"type": "pause", "on": True})
            now = await heard(opened, lambda message: message.get("heard") == 3)
            assert now["paused"]
            assert now["choice"] == {"network": "fast", "scale": 2}
            assert page.controls.choice == ("fast", 2)
            assert page.controls.paused
            for message in (
                {"type": "pause", "on": False}, {"type": "network", "name": "realtime"}, {"type": "scale", "factor": 4},
            ):  # fmt: skip
                await opened.send_json(message)
            await heard(opened, lambda message: message.get("choice") == {"network": "realtime", "scale": 4})

    run(choose())


@pytest.mark.parametrize("asked", [{"type": "network", "name": "/etc/passwd"}, {"type": "scale", "factor": 3}])
def test_a_choice_that_is_not_offered_is_refused_in_words(page: Page, asked: dict[str, Any]) -> None:
    async def choose() -> str:
        async with page.socket() as opened:
            await opened.send_json(asked)
            return str((await heard(opened, lambda message: message["type"] == "refused"))["text"])

    assert "choose one of" in run(choose())
    assert page.controls.choice == ("realtime", 4)


def test_the_greeting_names_networks_and_scales(page: Page) -> None:
    async def greet() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{page.base}/socket", headers={"Origin": page.base}) as opened,
        ):
            return await opened.receive_json()

    assert run(greet()) == {
        "type": "hello", "networks": list(NETWORKS), "scales": list(SCALES), "camera": False, "microphone": False,
    }  # fmt: skip


def test_more_viewers_than_the_machine_can_serve_are_told_so(page: Page) -> None:
    async def crowd() -> tuple[int, str, Any]:
        async with page.socket() as first:
            others = [page.socket() for _ in range(MOST_VIEWERS - 1)]
            for other in others:
                await other.__aenter__()
            await heard(first, lambda message: message.get("viewers") == MOST_VIEWERS)
            assert await page.refused_socket() == 503
            answer = await page.get("/")
            for other in others:
                await other.__aexit__(None, None, None)
            await heard(first, lambda message: message.get("viewers") == 1)
            return answer

    status, body, _ = run(crowd())
    assert status == 503
    assert str(MOST_VIEWERS) in body


def test_a_port_in_use_is_said_in_one_line(page: Page) -> None:
    before = threading.active_count()
    with pytest.raises(SinkError, match=rf"port {page.port} .*--port"), Web(
        "127.0.0.1", page.port or 0, controls(), Notices(), camera=False
    ):  # fmt: skip
        pass
    assert threading.active_count() == before


def test_an_address_of_another_machine_is_said_in_one_line() -> None:
    with pytest.raises(SinkError, match="--host"), Web("192.0.2.254", 0, controls(), Notices(), camera=False):
        pass


def test_the_end_of_a_run_ends_its_viewers_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    web = Web("127.0.0.1", 0, controls(), Notices(), camera=True).__enter__()

    async def watch() -> int | None:
        async with Page(web, controls(), Notices()).socket() as opened:
            ending = asyncio.create_task(asyncio.to_thread(web.__exit__))
            code = await closing(opened)
            await ending
            return code

    assert run(watch()) == aiohttp.WSCloseCode.GOING_AWAY
    assert set(threading.enumerate()) == before
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", urlsplit(web.url).port or 0))


def test_without_its_packages_the_page_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiortc", None)
    for name in [name for name in sys.modules if name.startswith(("aiortc.", "vsr.web.")) and name != "vsr.web.server"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UsageError, match=r"aiortc.*pip install 'vsr\[web\]'"):
        Web("127.0.0.1", 0, controls(), Notices(), camera=False)


def test_a_page_that_takes_no_camera_has_no_source(page: Page) -> None:
    with pytest.raises(UsageError):
        page.web.source()
