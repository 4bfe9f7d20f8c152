"""The inputs of a comparison: opened together, upright, described, and brought to one size."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Literal, Self

from vsr.color import has_exact_matrix
from vsr.color_names import hdr_kind, matrix_name
from vsr.comparison.matching import Matching
from vsr.comparison.rendering import Render, Rgb
from vsr.comparison.spec import ComparisonSpec
from vsr.errors import UsageError
from vsr.frames import Frame
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.plane_model import Picture
from vsr.spec import PipelineSpec

Role = Literal["A", "B", "reference"]
Size = tuple[int, int]
"""(height, width) in square pixels."""
_ROLES: tuple[Role, ...] = ("A", "B", "reference")
_LEAST_SIDE = 11
"""Of the window of SSIM."""
_LARGEST_STRETCH = 0.01
"""Of one side against the other; rounding to even sizes stays below."""


class Input:
    """One opened video or picture, whose ``source`` gives upright and, where it was interlaced, deinterlaced frames."""

    def __init__(self, role: Role, path: str, frame_rate: Fraction | None):
        if Path(path).is_dir():
            raise UsageError(f"{path} is a folder; give a file, or numbered pictures such as {path}/%04d.png")
        self.role = role
        self.name = Path(path).name
        # What a source says is about the output of a run; what matters to a comparison is in facts() and remarks().
        spec = PipelineSpec(path, "", interlaced="bwdif", frame_rate=frame_rate)
        self.source = VideoSource(spec, Notices(), bake_orientation=True, video_only=True)
        self.info = self.source.info

    @property
    def shown(self) -> Size:
        """The frames with square pixels; narrow or flat ones are stretched, so that no detail is lost."""
        aspect, square = self.info.sample_aspect_ratio, Fraction(1)
        return round(self.info.height * max(1 / aspect, square)), round(self.info.width * max(aspect, square))

    def render(self, size: Size) -> Render:
        """What makes RGB of ``size`` of the frames."""
        return Render(Picture(self.info.width, self.info.height, self.info.layout, self.info.color), size)

    def frames(self) -> Iterator[Frame]:
        """The frames in order; packets of sound and subtitles are let go."""
        for frame in self.source:
            self.source.packets.clear()
            yield frame

    def facts(self) -> dict[str, str]:
        """Fact -> its value in words, for a table; what is unknown or means nothing here is left out."""
        info = self.info
        stored = "" if self.shown == (info.height, info.width) else f", stored as {info.width}x{info.height}"
        guess = " (guessed)" if "matrix" in info.color.guessed else ""
        bytes_on_disk = self.source.container.size
        told = {
            "Picture": f"{_words(self.shown)}{stored}",
            "Codec": self.source.stream.codec_context.codec.canonical_name,
            "Samples": f"{info.layout.chroma_name} {info.layout.bits}-bit",
            "Colour matrix": f"{matrix_name(info.color.matrix)}{guess}",
            "File": f"{bytes_on_disk / 1e6:.2f} MB" if bytes_on_disk > 0 else "",
        }
        if not info.still:
            told["Frames"] = f"about {info.frame_count}" if info.frame_count else ""
            told["Frame rate"] = f"{float(info.frame_rate):.6g} a second" if info.frame_rate else ""
            told["Duration"] = f"{info.duration_s:.3f} s" if info.duration_s is not None else ""
        return {fact: value for fact, value in told.items() if value}

    def remarks(self, size: Size) -> Iterator[str]:
        """What is done to the frames, in sentences."""
        info, color = self.info, self.info.color
        if self.shown != size:
            grows = self.shown[0] * self.shown[1] < size[0] * size[1]
            steps = f"is scaled {'up' if grows else 'down'} from {_words(self.shown)} to {_words(size)} (bicubic)"
            stretch = abs(self.shown[0] * size[1] / (self.shown[1] * size[0]) - 1)
            yield f"{self.role} {steps}" + (", which changes its shape" if stretch > _LARGEST_STRETCH else "")
        if self.source.deinterlaced:
            yield f"{self.role} is interlaced and shown deinterlaced (bwdif)"
        if hdr := hdr_kind(color.transfer):
            yield f"{self.role} is HDR ({hdr}), shown and scored without tone mapping"
        if not has_exact_matrix(color.matrix):
            yield f"{self.role} has the colour matrix {matrix_name(color.matrix)}, shown approximately"
        if info.layout.alpha:
            yield f"the alpha of {self.role} is left out"

    def faults(self) -> Iterator[str]:
        """What was wrong with the file, in sentences, as far as it was read."""
        if self.source.corrupt_packets:
            yield f"{self.role} has {self.source.corrupt_packets} damaged packets; frames may be missing or wrong"
        if self.source.timestamps_repaired:
            yield f"{self.role} has {self.source.timestamps_repaired} timestamps that go backwards; they were repaired"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()


@contextmanager
def open_inputs(spec: ComparisonSpec) -> Iterator[tuple[Input, ...]]:
    """A, B and the reference, all videos or all pictures, at their beginning. Raises SourceError and UsageError."""
    with ExitStack() as stack:
        inputs = tuple(
            stack.enter_context(Input(role, path, spec.frame_rate))
            for role, path in zip(_ROLES, spec.inputs, strict=False)
        )
        if len({item.info.still for item in inputs}) > 1:
            kinds = ", ".join(f"{item.role} is a {'picture' if item.info.still else 'video'}" for item in inputs)
            raise UsageError(f"videos and pictures can't be compared with each other: {kinds}")
        yield inputs


def common_size(inputs: tuple[Input, ...]) -> Size:
    """The reference's size, without one that of the larger of A and B.

    Raises UsageError where SSIM has no room, and where pixels that are not square make too large a picture of it.
    """
    references = [item for item in inputs if item.role == "reference"]
    size = max((item.shown for item in references or inputs), key=lambda shown: shown[0] * shown[1])
    if min(size) < _LEAST_SIDE:
        raise UsageError(f"pictures of {_words(size)} are too small; SSIM needs {_LEAST_SIDE} pixels each way")
    if size[0] * size[1] > PipelineSpec.max_pixels:
        raise UsageError(
            f"in square pixels the pictures have {_words(size)}, more than {PipelineSpec.max_pixels} pixels; "
            "scale them down first"
        )
    return size


def rendered(
    inputs: tuple[Input, ...], matching: Matching, size: Size, *, every: int, wanted: Sequence[int] | None = None
) -> Iterator[tuple[Fraction, tuple[Rgb, ...]]]:
    """(Time in seconds, RGB of every input) of each ``every``-th match; of these the ``wanted`` ones, None for all.

    ``wanted`` is in ascending order, and nothing is read after the last of them.
    """
    renders = [item.render(size) for item in inputs]
    stop = None if wanted is None else wanted[-1] * every + 1
    for index, (time_s, frames) in enumerate(islice(matching, 0, stop, every)):
        if wanted is None or index in wanted:
            yield time_s, tuple(render.frame(frame) for render, frame in zip(renders, frames, strict=True))


def _words(size: Size) -> str:
    return f"{size[1]}x{size[0]}"
