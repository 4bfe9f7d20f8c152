"""An RTSP server as cameras have one, on GStreamer's; run with the Python that has its bindings.

    python3 rtsp_server.py rtsp://127.0.0.1:PORT/PATH 320x180 30 [--audio] < FRAMES

FRAMES: for each frame "V", its number (8 bytes, little endian) and its I420 picture, then "A", the number again and the
stereo sound of its time, 48 kHz in 16 bits; there may be sound without a picture.
"""

import argparse
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")  # imported for the methods that it gives to appsrc
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402, F401

SAMPLE_RATE = 48_000
BYTES_OF_A_SAMPLE = 4


class Media:
    """One encoder for all who watch now: its entries, and where on its clock the frames began."""

    def __init__(self, element: Any) -> None:
        self.element = element
        self.entries = {"V": element.get_by_name("picture"), "A": element.get_by_name("sound")}
        self._shift_ns: int | None = None
        self._begun: set[str] = set()

    def _plays(self) -> bool:
        # It is given its clock first and the time of its beginning after that: frames would lie far in the future.
        return bool(self.element.get_state(0)[1] == Gst.State.PLAYING)

    def push(self, kind: str, time_ns: int, duration_ns: int, content: bytes) -> None:
        if self._shift_ns is None and self._plays():
            self._shift_ns = self.element.get_clock().get_time() - self.element.get_base_time() - time_ns
        entry = self.entries[kind]
        # Before it plays it has no time, but wants one frame to find out what it will play.
        if entry is None or (self._shift_ns is None and kind in self._begun):
            return
        self._begun.add(kind)
        buffer = Gst.Buffer.new_wrapped(content)
        buffer.pts, buffer.duration = 0 if self._shift_ns is None else time_ns + self._shift_ns, duration_ns
        entry.push_buffer(buffer)


def launch_line(width: int, height: int, rate: int, *, audio: bool) -> str:
    live = "is-live=true format=time block=false"
    picture = (
        f"appsrc name=picture {live} caps=video/x-raw,format=I420,width={width},height={height},framerate={rate}/1"
        f" ! x264enc tune=zerolatency speed-preset=ultrafast pass=qual quantizer=18 key-int-max={rate // 2}"
        " ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96"
    )
    sound = (
        f" appsrc name=sound {live} caps=audio/x-raw,format=S16LE,layout=interleaved,rate={SAMPLE_RATE},channels=2"
        " ! audioconvert ! rtpL16pay name=pay1 pt=97"
    )
    return f"( {picture}{sound if audio else ''} )"


def feed(medias: list[Media], width: int, height: int, rate: int) -> None:
    """Hand frames from standard input to every media that is there."""
    sizes = {"V": width * height * 3 // 2, "A": SAMPLE_RATE // rate * BYTES_OF_A_SAMPLE}
    while head := sys.stdin.buffer.read(9):
        kind, number = head[:1].decode(), int.from_bytes(head[1:], "little")
        content = sys.stdin.buffer.read(sizes[kind])
        for media in list(medias):
            media.push(kind, number * Gst.SECOND // rate, Gst.SECOND // rate, content)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("size")
    parser.add_argument("rate", type=int)
    parser.add_argument("--audio", action="store_true")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    address = urlsplit(asked.url)

    Gst.init(None)
    medias: list[Media] = []

    def configured(_factory: Any, media: Any) -> None:
        entry = Media(media.get_element())
        medias.append(entry)
        media.connect("unprepared", lambda _media: medias.remove(entry))

    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch_line(width, height, asked.rate, audio=asked.audio))
    factory.set_shared(True)
    factory.connect("media-configure", configured)
    server = GstRtspServer.RTSPServer()
    server.set_address(address.hostname)
    server.set_service(str(address.port))
    server.get_mount_points().add_factory(address.path, factory)
    server.attach(None)

    loop = GLib.MainLoop()

    def feed_to_the_end() -> None:
        feed(medias, width, height, asked.rate)
        loop.quit()

    threading.Thread(target=feed_to_the_end, daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
