"""What a file holds, read with PyAV alone: the independent judge of the clip tests."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Disposition

_NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass
class AudioFacts:
    """An audio stream as it is heard."""

    first_s: float
    end_s: float
    packets: int


@dataclass
class ClipFacts:
    """One file, its video stream decoded to the end."""

    pts_s: list[Fraction]
    time_base: Fraction
    width: int
    height: int
    sample_aspect_ratio: Fraction
    rotation: int
    color: tuple[int, int, int, int]
    """range, matrix, primaries, transfer of the first frame (H.273)."""
    bits: int
    duration_s: float | None
    audio: list[AudioFacts] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    @property
    def shown(self) -> tuple[Fraction, Fraction]:
        """Displayed width and height in square pixels."""
        width, height = self.width * self.sample_aspect_ratio, Fraction(self.height)
        return (height, width) if abs(self.rotation) == 90 else (width, height)


def read_clip(path: Path, video_index: int | None = None) -> ClipFacts:
    """Decode the given video stream (or the first that is no cover) and the audio of ``path``."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams.video if not s.disposition & _NOT_THE_VIDEO]
        stream = next(s for s in streams if video_index in (None, s.index))
        stream.thread_type = "AUTO"
        facts: ClipFacts | None = None
        pts: list[Fraction] = []
        for frame in container.decode(stream):
            if facts is None:
                facts = ClipFacts(
                    pts_s=pts,
                    time_base=stream.time_base or Fraction(1),
                    width=frame.width,
                    height=frame.height,
                    sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
                    rotation=frame.rotation,
                    color=(frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc),
                    bits=frame.format.components[0].bits,
                    duration_s=container.duration / av.time_base if container.duration else None,
                    kinds=sorted(s.type for s in container.streams),
                )
            stamp = frame.pts if frame.pts is not None else frame.dts
            pts.append((stamp or 0) * (frame.time_base or Fraction(1)))
        audio_count = len(container.streams.audio)
    assert facts is not None, f"no frame in {path}"
    facts.audio = [_read_audio(path, number) for number in range(audio_count)]
    return facts


def _read_audio(path: Path, number: int) -> AudioFacts:
    with av.open(str(path)) as container:
        spans = [
            (frame.time, frame.time + frame.samples / frame.sample_rate)
            for frame in container.decode(audio=number)
            if frame.time is not None
        ]
    return AudioFacts(spans[0][0], spans[-1][1], len(spans))
