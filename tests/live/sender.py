"""A live source as a process of its own: timecoded frames at an exact pace through FFmpeg to an address.

    python -m tests.live.sender URL [--size 320x180] [--rate 30] [--codec libx264] [--audio] [--keep FILE] [--serve]

Pushes, again and again until somebody listens; with --serve (RTSP) it is the server, as a network camera is. A frame
that could not be sent in time is left out, as a camera does: its number and its time stay unused.
"""

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, NoReturn, Protocol, cast

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from tests.live.programs import SYSTEM_PYTHON, Program, module
from tests.live.scene import SAMPLE_RATE, Scene
from tests.live.timecode import timecode_now

FORMATS = {"udp": "mpegts", "srt": "mpegts", "rtmp": "flv", "rtsp": "rtsp:rtsp_transport=tcp"}
LOW_DELAY = {
    "libx264": ["-preset", "ultrafast", "-tune", "zerolatency", "-crf", "18"],
    "mpeg2video": ["-bf", "0", "-qscale:v", "3"],
    "libvpx": ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "2M"],
}
"""What each encoder of FFmpeg is told so that it keeps no frame back."""
RETRY_S = 0.2
"""Before a sender calls again that nobody answered."""


class Pipe(Protocol):
    """Where frames and the sound of their time go."""

    def picture(self, number: int) -> None: ...

    def sound(self, number: int) -> None: ...


class NutPipe:
    """Raw frames and sound in one NUT stream, with their exact times, for FFmpeg to encode."""

    def __init__(self, file: IO[bytes], scene: Scene, *, audio: bool):
        self._scene = scene
        self._container = av.open(file, "w", format="nut", options={"flush_packets": "1"})
        self._video = self._container.add_stream("rawvideo", rate=scene.rate)
        self._video.width, self._video.height, self._video.pix_fmt = scene.width, scene.height, "yuv420p"
        self._audio = self._container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="stereo") if audio else None

    def picture(self, number: int) -> None:
        frame = VideoFrame.from_ndarray(self._scene.yuv420(timecode_now(number)), "yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, self._scene.rate)
        self._container.mux(self._video.encode(frame))

    def sound(self, number: int) -> None:
        if self._audio is not None:
            self._container.mux(self._audio.encode(_sound(self._scene, number)))


class RawPipe:
    """For tests/live/rtsp_server.py: what follows, "V" or "A", a frame's number, and its bytes."""

    def __init__(self, file: IO[bytes], scene: Scene):
        self._file, self._scene = file, scene

    def picture(self, number: int) -> None:
        self._write(b"V", number, self._scene.yuv420(timecode_now(number)).tobytes())

    def sound(self, number: int) -> None:
        self._write(b"A", number, self._scene.sound(number).tobytes())

    def _write(self, kind: bytes, number: int, content: bytes) -> None:
        self._file.write(kind + number.to_bytes(8, "little") + content)
        self._file.flush()


def _sound(scene: Scene, number: int) -> AudioFrame:
    samples = scene.sound(number)
    frame = AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "stereo")
    frame.pts, frame.sample_rate, frame.time_base = number * len(samples), SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
    return frame


def ffmpeg_command(url: str, codec: str, rate: int, *, audio: bool, keep: Path | None) -> list[str]:
    """FFmpeg that encodes NUT from standard input and pushes it to ``url``, and into ``keep`` the same packets."""
    container = FORMATS[url.partition(":")[0]]
    outputs = [f"[f={container}]{url}"]
    if keep is not None:
        outputs.append(f"[f={container}:flush_packets=1]{keep}")  # whole up to the last packet, whenever it is killed
    return [
        *("ffmpeg", "-hide_banner", "-loglevel", "warning", "-fflags", "nobuffer", "-f", "nut", "-i", "pipe:0"),
        *("-map", "0", "-c:v", codec, *LOW_DELAY[codec], "-g", str(rate // 2), "-pix_fmt", "yuv420p"),
        *("-fps_mode", "passthrough"),
        *(("-c:a", "aac", "-b:a", "128k") if audio else ("-an",)),
        *(("-flags", "+global_header") if container == "flv" else ()),
        *("-f", "tee", "|".join(outputs)),
    ]


def pace(pipe: Pipe, rate: int, began_s: float) -> None:
    """Send each frame at its time until the pipe breaks, and all of the sound; say which frames could not be sent."""
    expected: int | None = None
    while True:
        number = math.ceil((time.monotonic() - began_s) * rate)
        for missed in range(expected or number, number):
            print(f"missed {missed}", file=sys.stderr, flush=True)
            pipe.sound(missed)
        time.sleep(max(0.0, began_s + number / rate - time.monotonic()))
        pipe.picture(number)
        pipe.sound(number)
        expected = number + 1


def main() -> NoReturn:
    """Send until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--size", default="320x180")
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--codec", choices=sorted(LOW_DELAY), default="libx264")
    parser.add_argument("--audio", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--serve", action="store_true")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    scene = Scene(width, height, asked.rate)
    if asked.serve:
        server = Path(__file__).with_name("rtsp_server.py")
        command = [SYSTEM_PYTHON, str(server), asked.url, asked.size, str(asked.rate), *["--audio"] * asked.audio]
    else:
        command = ffmpeg_command(asked.url, asked.codec, asked.rate, audio=asked.audio, keep=asked.keep)
    began_s = time.monotonic()
    while True:
        encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
        file = cast("IO[bytes]", encoder.stdin)
        with suppress(BrokenPipeError):
            pace(RawPipe(file, scene) if asked.serve else NutPipe(file, scene, audio=asked.audio), asked.rate, began_s)
        encoder.wait()
        time.sleep(RETRY_S)


@contextmanager
def sending(url: str, *options: str) -> Iterator[Program]:
    """A sender to ``url`` for as long as the block; ``options`` as on its command line. ``kill`` cuts it off."""
    with module("tests.live.sender", url, *options) as program:
        yield program


if __name__ == "__main__":
    main()
