"""BenchSpec: what a benchmark is asked to measure, checked before anything is opened."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from vsr.backends import PrecisionChoice
from vsr.errors import UsageError

PeerName = Literal["ffmpeg-lanczos", "opencv", "vs-mlrt"]
ALL_BACKENDS = "all"
_LEAST_FRAMES = 2
_SMALLEST_SIDE, _LARGEST_SIDE = 16, 16384
_FASTER_PRESET = {"libx264": "veryfast", "libx265": "veryfast"}


@dataclass(frozen=True)
class BenchSpec:
    """Every combination of ``networks``, ``sizes``, ``backends`` and ``precisions`` is measured ``rounds`` times."""

    source: str | None = None
    """A clip; None: a synthetic one of each of ``sizes``."""
    networks: tuple[str, ...] = ("lrsrn",)
    sizes: tuple[tuple[int, int], ...] = ()
    """(width, height) of the synthetic clips; empty with a ``source``, and 960x540 without one."""
    scale: int = 2
    backends: tuple[str, ...] = ()
    """Names, or "all" for each that this machine can use; empty: what ``vsr run`` takes."""
    device: str = "auto"
    precisions: tuple[PrecisionChoice, ...] = ("auto",)
    batch_size: int = 1
    frames: int = 120
    """Of a clip: how many go through each stage."""
    rounds: int = 3
    codec: str = "libx264"
    preset: str | None = None
    """None: veryfast for x264 and x265, the default of ``vsr run`` for other encoders."""
    untrained: bool = False
    """Measure a network that ships no weights with fresh ones: they cost the same time."""
    peers: tuple[PeerName, ...] = ()
    peer_model: Path | None = None
    """Of the peer opencv: a network in its format, such as FSRCNN_x2.pb."""
    peer_python: Path | None = None
    """Of the peer vs-mlrt: the interpreter that has VapourSynth."""

    def __post_init__(self) -> None:
        if self.source is not None and self.sizes:
            raise UsageError("--size is that of the synthetic clip; leave it out with --input")
        if self.source is None and not self.sizes:
            object.__setattr__(self, "sizes", ((960, 540),))
        if not self.networks:
            raise UsageError("no network to measure; give one with --network")
        for name in ("precisions", "peers"):
            choices = get_args(PrecisionChoice if name == "precisions" else PeerName)
            for value in getattr(self, name):
                if value not in choices:
                    flag = "--precision" if name == "precisions" else "--vs"
                    raise UsageError(f"{flag} is '{value}'; choose one of: {', '.join(choices)}")
        for name, least in (("frames", _LEAST_FRAMES), ("rounds", 1), ("batch_size", 1)):
            if getattr(self, name) < least:
                flag = "--" + name.replace("_", "-")
                raise UsageError(f"{flag} is {getattr(self, name)}; it must be at least {least}")

    @property
    def encoder_preset(self) -> str | None:
        """The preset that the encoder gets; None leaves the default of ``vsr run``."""
        return self.preset or _FASTER_PRESET.get(self.codec)


def parse_clip_size(text: str) -> tuple[int, int]:
    """``"960x540"`` -> (960, 540), both even as 4:2:0 wants them. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.lower())
    sides = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(_SMALLEST_SIDE <= side <= _LARGEST_SIDE and side % 2 == 0 for side in sides):
        raise UsageError(
            f"--size is '{text}'; give an even WIDTHxHEIGHT such as 960x540, {_SMALLEST_SIDE} to {_LARGEST_SIDE} a side"
        )
    return sides
