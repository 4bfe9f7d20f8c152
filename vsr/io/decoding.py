"""Frames out of a stream's packets: several at a time while the stream is whole, one by one where it is damaged."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from av.error import FFmpegError, LookupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_MOST_KEPT_BYTES = 1 << 27


class Decoder:
    """Decodes the packets of one stream, given in the file's order, the empty one that ends them included.

    A decoder that works on several frames at once reports damage with a later packet than the damaged one, and at the
    end of the stream it loses the frames behind it without a word. So from the first damage on packets are decoded one
    by one, beginning with those of which not all frames were out yet, which are kept for that: what comes out does not
    depend on how many cores there are. Groups of pictures beyond 128 MiB, and packets without a pts, are not kept.

    ``one_by_one`` opens the stream once more, without frame threads; ``damaged`` hears the pts of each packet that
    can't be decoded. Raises av's LookupError where there is no decoder.
    """

    def __init__(
        self, stream: VideoStream, one_by_one: Callable[[], VideoStream], damaged: Callable[[int | None], None]
    ):
        self._stream = stream
        self._one_by_one = one_by_one
        self._damaged = damaged
        self._careful: VideoStream | None = None
        self._groups: deque[list[Packet[Stream]]] = deque([[]])
        """The latest packets, in groups that begin with a keyframe; empty while a group is not kept."""
        self._kept_bytes = 0
        self._complete = True
        """Whether all frames of the packets before the kept ones are out."""
        self._last: int | None = None
        """pts of the frame that came out last."""
        self._skip_to: int | None = None
        """Frames up to this pts were given out before the packets were decoded again."""

    def decode(self, packet: Packet[Stream]) -> Iterator[VideoFrame]:
        """The frames that are ready now that ``packet`` has come."""
        if self._careful is not None:
            yield from self._exactly(self._careful, [packet])
            return
        self._keep(packet)
        failed = False
        try:
            frames = self._stream.decode(packet)
        except LookupError:
            raise
        except FFmpegError:
            frames, failed = [], True
        for frame in frames:
            if frame.is_corrupt and self._complete:
                failed = True  # what is concealed depends on how far other threads were
                break
            self._last = frame.pts
            yield frame
        if self._complete and (failed or (not packet.size and self._frames_are_missing())):
            self._careful, self._skip_to = self._one_by_one(), self._last
            again = [kept for group in self._groups for kept in group]
            self._groups.clear()
            yield from self._exactly(self._careful, again)
        elif failed:
            self._damaged(packet.pts)

    def _exactly(self, stream: VideoStream, packets: Iterable[Packet[Stream]]) -> Iterator[VideoFrame]:
        for packet in packets:
            try:
                frames = stream.decode(packet)
            except FFmpegError:
                self._damaged(packet.pts)
                continue
            for frame in frames:
                if self._skip_to is None or frame.pts is None or frame.pts > self._skip_to:
                    self._skip_to = None
                    yield frame

    def _keep(self, packet: Packet[Stream]) -> None:
        if packet.is_keyframe:
            self._groups.append([])
        if self._groups:
            self._groups[-1].append(packet)
            self._kept_bytes += packet.size
        # A group's last frames may refer to its successor's keyframe: where that is out, only they can be missing.
        while len(self._groups) > 2 and self._is_out(self._groups[2][0]):
            self._kept_bytes -= sum(gone.size for gone in self._groups.popleft())
        self._complete = self._complete or (len(self._groups) > 1 and self._is_out(self._groups[1][0]))
        if self._kept_bytes > _MOST_KEPT_BYTES or (packet.size and packet.pts is None):
            self._groups.clear()
            self._kept_bytes, self._complete = 0, False

    def _is_out(self, packet: Packet[Stream]) -> bool:
        return self._last is not None and packet.pts is not None and packet.pts <= self._last

    def _frames_are_missing(self) -> bool:
        """At the end of the stream: whether some packet's frame is later than the last one that came out."""
        kept = (packet for group in self._groups for packet in group)
        return any(
            packet.size and packet.pts is not None and not packet.is_discard and not self._is_out(packet)
            for packet in kept
        )
