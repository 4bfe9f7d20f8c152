"""EvaluationSpec: everything that an evaluation is asked to measure, checked before anything is read."""

import re
from dataclasses import dataclass
from pathlib import Path

from vsr.errors import UsageError
from vsr.evaluation.benchmark import Precision
from vsr.evaluation.subjects import ALL
from vsr.evaluation.tracks import Track
from vsr.io.roundtrip import Codec


@dataclass(frozen=True)
class EvaluationSpec:
    """What to measure of which networks."""

    folders: tuple[Path, ...] = ()
    """Of high-resolution images."""
    tracks: tuple[Track, ...] = ("clean",)
    """How the images of ``folders`` are shrunk."""
    videos: tuple[Path, ...] = ()
    """High-resolution videos, lossless ones, or folders of frames."""
    codec: Codec = "h264"
    crfs: tuple[int | None, ...] = (None,)
    """How strongly ``codec`` compresses the shrunk videos; None leaves them as they are."""
    most_frames: int | None = None
    """Of each video; None takes all."""
    flow: bool = False
    """Measure tOF too."""
    networks: tuple[str, ...] = ()
    """Names, or "all"; empty takes the one that ``weights`` is for, else lrsrn."""
    scales: tuple[int, ...] = ()
    """Empty takes the one that ``weights`` is for, else 2."""
    weights: str | None = None
    """A file, a shipped name, "all" that ship, or None for the default."""
    precision: Precision = "float32"
    device: str = "auto"
    frame_size: tuple[int, int] | None = None
    """(width, height) of the frames to time the networks on; None times nothing."""

    def __post_init__(self) -> None:
        if not (self.folders or self.videos or self.frame_size):
            raise UsageError("there is nothing to evaluate; give --data FOLDER, --video CLIP or --time WIDTHxHEIGHT")
        if self.most_frames is not None and self.most_frames < 1:
            raise UsageError(f"--frames is {self.most_frames}; it must be at least 1")

    @property
    def single(self) -> bool:
        """One network on one folder of images, and nothing else."""
        one_network = len(self.networks) <= 1 and len(self.scales) <= 1 and ALL not in (*self.networks, self.weights)
        return one_network and len(self.folders) == len(self.tracks) == 1 and not (self.videos or self.frame_size)


def parse_crfs(text: str) -> tuple[int | None, ...]:
    """``"none,23,28"`` -> (None, 23, 28). Raises UsageError."""
    words = [word.strip() for word in text.split(",")]
    if not all(word == "none" or word.isdecimal() for word in words):
        raise UsageError(f"--crf is '{text}'; give whole numbers such as 23,28,33, or none")
    return tuple(None if word == "none" else int(word) for word in words)


def parse_frame_size(text: str) -> tuple[int, int]:
    """``"960x540"`` -> (960, 540). Raises UsageError."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.lower())
    if match is None or min(int(match[1]), int(match[2])) < 1:
        raise UsageError(f"--time is '{text}'; give WIDTHxHEIGHT such as 960x540")
    return int(match[1]), int(match[2])
