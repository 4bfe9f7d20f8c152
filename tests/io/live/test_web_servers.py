"""Sources that web servers give: pictures one after the other, and playlists, which may not lead anywhere else."""

from __future__ import annotations

import http.server
import itertools
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import pytest
from av.codec.context import CodecContext
from av.video.frame import VideoFrame

from tests.io.live.watching import watch
from tests.io.making import Recipe, make
from tests.live.programs import needs
from vsr.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("nothing_stays_open")
STEP = 3000
"""Between the frames of 30 a second, in 1/90000."""


class Camera(http.server.BaseHTTPRequestHandler):
    """A camera of the web's early days: JPEG pictures without end in one answer."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=cut")
        self.end_headers()
        encoder = CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 160, 96, "yuvj420p", Fraction(1, 10)
        frame = VideoFrame(160, 96, "yuvj420p")
        with suppress(OSError):
            for number in itertools.count():
                frame.pts = number
                (packet,) = encoder.encode(frame)
                head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {packet.size}\r\n\r\n"
                self.wfile.write(head.encode() + bytes(packet) + b"\r\n")
                time.sleep(0.1)

    def log_message(self, *_: object) -> None: ...


def test_pictures_without_stamps_have_their_real_time() -> None:
    with answering(Camera) as url:
        sights = watch(f"{url}/video.mjpg").take(10)
    assert sights[0].info.color.full_range
    passed_s = sights[-1].seen_s - sights[0].seen_s
    assert (sights[-1].pts - sights[0].pts) / 90000 == pytest.approx(passed_s, abs=0.2)


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def answering(handler: Callable[..., http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server, and its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False  # leaving waits for them
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@needs("ffmpeg")
def test_hls_comes_at_its_own_pace(tmp_path: Path) -> None:
    subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x96:rate=30", "-t", "6"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "30", "-f", "hls"),
            *("-hls_time", "1", "-hls_list_size", "0", "-hls_flags", "omit_endlist", str(tmp_path / "live.m3u8")),
        ],
        check=True,
    )
    with answering(partial(Files, directory=str(tmp_path))) as url:
        sights = watch(f"{url}/live.m3u8").take(40)
    assert [sight.pts for sight in sights] == [STEP * i for i in range(40)]
    assert sights[-1].seen_s - sights[0].seen_s > 1


def test_playlist_from_a_server_opens_no_file(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.ts", Recipe())
    for segment, opens in (("clip.ts", True), (clip.as_uri(), False), (f"subfile,,start,0,end,0,,:{clip}", False)):
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{segment}\n#EXT-X-ENDLIST\n"
        (tmp_path / "live.m3u8").write_text(playlist)
        with answering(partial(Files, directory=str(tmp_path))) as url:
            watched = watch(f"{url}/live.m3u8")
            if opens:
                assert len(watched.take()) == 10
            else:
                with pytest.raises(SourceError):
                    watched.take()
