"""One clock for a source whose clock is set back within it, as where recordings were put end to end."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

    from vsr.notices import Notices

_JUMP_S = 1
"""A decoding time this much before the one before it is of another clock; by less it is a slip of the same."""


@dataclass
class _Track:
    """A stream, in ticks of its time base."""

    time_base: Fraction
    clock: int = 0
    """Which of the clocks that were met it is at."""
    move: int = 0
    """Of what comes by that clock."""
    last: int | None = None
    """Decoding time of its last packet, as it stood in the file."""
    last_sound: int | None = None
    """Decoding time of its last packet, as it was given out; of audio only."""
    end: int = 0
    """Of all its packets, on the one clock."""


class Continuity:
    """Moves the packets of all streams that come after such a jump, by the same time, to follow those before it.

    Streams are interleaved, so each comes to the new clock at a packet of its own: what the first of them is moved by
    holds for all. Gaps forward stay as they are. Sound that slips back without a jump, which few containers take, is
    kept in order; frames that do are a matter of Timeline.
    """

    def __init__(self, notices: Notices):
        self._notices = notices
        self._moves_s = [Fraction(0)]
        """Of each clock that was met so far."""
        self._tracks: dict[int, _Track] = {}

    @property
    def jumps(self) -> int:
        """How often the clock was set back."""
        return len(self._moves_s) - 1

    def place(self, packet: Packet[Stream]) -> None:
        """Move ``packet`` where that is due; packets must come in the file's order."""
        # Whole numbers only, but where the clock is set back: a film has a million packets, and they come twice.
        time_base, pts, stamp = packet.time_base, packet.pts, packet.dts
        stamp = pts if stamp is None else stamp
        if stamp is None or not time_base:
            return
        stream = packet.stream
        track = self._tracks.get(stream.index)
        if track is None:
            track = self._tracks[stream.index] = _Track(time_base)
        step = 0 if track.last is None else stamp - track.last
        track.last = stamp
        shown = stamp if pts is None else pts
        if track.clock < self.jumps or step * time_base.numerator < -_JUMP_S * time_base.denominator:
            self._find_clock(track, shown)
        if track.move:
            packet.pts = None if pts is None else pts + track.move
            packet.dts = None if packet.dts is None else packet.dts + track.move
        if stream.type == "audio":
            self._keep_order(packet, track)
        track.end = max(track.end, shown + track.move + (packet.duration or max(step, 0)))

    def _keep_order(self, packet: Packet[Stream], track: _Track) -> None:
        dts, last = packet.dts, track.last_sound
        if dts is None:
            return
        if last is not None and dts < last:
            index = packet.stream.index
            self._notices.say(f"timestamps of stream #{index} (audio) go backwards; such packets are moved to follow")
            dts = packet.dts = last + (packet.duration or 1)
            packet.pts = dts if packet.pts is None else max(packet.pts, dts)
        track.last_sound = dts

    def _find_clock(self, track: _Track, shown: int) -> None:
        """Which clock a packet goes by that is shown at ``shown``: a new one where its stream was at the newest."""
        shown_s = shown * track.time_base
        end_s = max(each.end * each.time_base for each in self._tracks.values())
        if track.clock == self.jumps:
            self._moves_s.append(end_s - shown_s)
            self._notices.say(
                f"the source's clock is set back at {float(end_s):.2f} s; what follows is moved to follow in time"
            )
            track.clock += 1
        else:  # the clock with which it is nearest to the others
            clocks = range(track.clock, self.jumps + 1)
            track.clock = min(clocks, key=lambda at: abs(shown_s + self._moves_s[at] - end_s))
        track.move = round(self._moves_s[track.clock] / track.time_base)
