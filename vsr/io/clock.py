"""The output's timestamps: the frames' own, through encoders that count frames and containers that know only a rate."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING

from vsr.errors import IntegrityError

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from vsr.frames import Frame, VideoInfo
    from vsr.notices import Notices

# These containers have no timestamps of their own, only a frame rate.
_CONSTANT_RATE = {"avi", "yuv4mpegpipe", "rawvideo", "image2"}
# These encoders count frames of one rate; in a container with timestamps their packets get the frames' own back.
_COUNTING_ENCODERS = {"mpeg1video", "mpeg2video", "mpeg4"}
# In these, time begins at zero: the muxer would move every stream for one packet before it.
NO_TIME_BEFORE_ZERO = frozenset({"avi", "flv", "mpeg", "vob"})
_DEFAULT_RATE = Fraction(25)
_LARGEST_DENOMINATOR = 65535


class OutputClock:
    """Stamps frames before the encoder, restores packets after it, and checks that every time came back."""

    def __init__(self, codec: str, container: str, info: VideoInfo, notices: Notices):
        self._container = container
        self._source_time_base = info.time_base
        self._notices = notices
        # Less than a frame in a day is no rate: what headers say there is wrong.
        rate = (info.frame_rate or _DEFAULT_RATE).limit_denominator(_LARGEST_DENOMINATOR)
        frame_length = 1 / (rate or _DEFAULT_RATE)
        self.constant_rate: bool = container in _CONSTANT_RATE
        self.time_base: Fraction = frame_length if self.constant_rate else info.time_base
        """Of the output's timestamps: the source's own, so that none changes, unless the container has none."""
        counting = codec in _COUNTING_ENCODERS and not self.constant_rate
        self.encoder_time_base: Fraction = frame_length if counting else self.time_base
        self.without_b_frames: bool = counting or container in NO_TIME_BEFORE_ZERO or container == "mpegts"
        """True where the negative dts that B-frames begin with would move every timestamp."""
        self._waiting: deque[tuple[int, int]] | None = deque() if counting else None
        self._last_pts: int | None = None
        self._balance = 0
        self.frames = 0
        self.packets = 0

    def stamp(self, picture: VideoFrame, frame: Frame) -> None:
        """Give ``picture``, about to be encoded, the time of ``frame``."""
        pts = self._place(frame)
        duration = round(frame.duration * frame.time_base / self.time_base)
        if self._waiting is not None:
            self._waiting.append((pts, duration))
            pts, duration = self.frames, 1
        picture.time_base, picture.pts, picture.duration = self.encoder_time_base, pts, duration
        self.frames += 1

    def _place(self, frame: Frame) -> int:
        exact = frame.time_s / self.time_base
        pts = round(exact)
        if pts != exact and self.time_base != self._source_time_base:
            self._notices.say(f"{self._container} has a constant frame rate: timestamps are rounded to it")
        if self._last_pts is not None:
            pts = max(pts, self._last_pts + 1)
        self._last_pts = pts
        self._balance += pts
        return pts

    def restore(self, packet: Packet[Stream]) -> None:
        """Give an encoded packet its frame's time back; without B-frames packets come in the order of frames."""
        self.packets += 1
        if self._waiting is not None:
            packet.pts, packet.duration = self._waiting.popleft()
            packet.dts, packet.time_base = packet.pts, self.time_base
        self._balance -= packet.pts or 0

    def check(self, frames_read: int) -> None:
        """Every frame read must have come out, at its time. Raises IntegrityError."""
        if not frames_read == self.frames == self.packets:
            raise IntegrityError(
                f"{frames_read} frames were read, {self.frames} upscaled, {self.packets} encoded; "
                "the output is discarded; please report this with the source"
            )
        if self._balance != 0:
            raise IntegrityError("the encoder changed timestamps; the output is discarded; try another --codec")
