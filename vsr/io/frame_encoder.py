"""Frames into encoded packets, each with its frame's own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.video.frame import VideoFrame

from vsr.errors import UsageError
from vsr.io import picture

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from vsr.frames import Frame
    from vsr.io.clock import OutputClock
    from vsr.io.encoders import Encoding


class FrameEncoder:
    """The encoder of ``stream``, which is open: settings that it does not know are refused. Raises UsageError.

    Its other methods raise av's errors, for their callers know what is being written.
    """

    def __init__(self, stream: VideoStream, encoding: Encoding, clock: OutputClock):
        unused = set(stream.codec_context.options) & set(encoding.options)
        if unused:
            raise UsageError(f"encoder {encoding.codec} has no option '{sorted(unused)[0]}' (--encoder-opt)")
        self._stream = stream
        self._encoding = encoding
        self._clock = clock
        self.first_s: float | None = None
        self.last_s: float | None = None

    def encode(self, frame: Frame) -> list[Packet[Stream]]:
        """The packets that are ready now that ``frame`` has come."""
        self.last_s = float(frame.time_s)
        self.first_s = self.last_s if self.first_s is None else self.first_s
        return self._restored(self._stream.encode(self._picture(frame)))

    def finish(self) -> list[Packet[Stream]]:
        """The packets that the encoder still holds."""
        return self._restored(self._stream.encode(None))

    def _restored(self, packets: list[Packet[Stream]]) -> list[Packet[Stream]]:
        for packet in packets:
            self._clock.restore(packet)
        return packets

    def _picture(self, frame: Frame) -> VideoFrame:
        layout = self._encoding.layout
        properties = frame.props if isinstance(frame.props, VideoFrame) else None
        planar = picture.frame_of(frame.planes, layout, self._encoding.color, like=properties)
        packed = picture.packed(planar, layout, self._encoding.pix_fmt)
        self._clock.stamp(packed, frame)
        packed.pict_type = 0
        return packed
