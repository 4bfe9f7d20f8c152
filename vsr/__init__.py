"""Video super-resolution: ``vsr.upscale`` a file, or take the ``vsr.upscaled_frames`` to an encoder of your own."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from vsr.frames import Frame
    from vsr.report import RunReport

__version__ = version("vsr")
__all__ = ["__version__", "upscale", "upscaled_frames"]


def upscale(source: str | PathLike[str], output: str | PathLike[str], **options: Any) -> RunReport:
    """Upscale a video, picture or image sequence into ``output``, as ``vsr run`` does.

    ``options`` are the fields of ``vsr.spec.PipelineSpec`` (``scale=2``, ``to="4k"``, ``network="lrsrn"``,
    ``codec="libx265"``, ``crf=18``, ``overwrite=True``, ...) and ``pipeline``, a preset's name.
    Returns the run's report. Raises ``vsr.errors.VsrError``; then nothing is under the output's name.
    """
    from vsr.segments.job import run
    from vsr.spec import make_spec

    return run(make_spec(str(source), str(output), **options))


def upscaled_frames(source: str | PathLike[str], **options: Any) -> Iterator[Frame]:
    """The upscaled frames of ``source`` in order, upright, as planes R, G, B of uint8; nothing is written.

    Each has ``planes``, ``rgb()`` for one (height, width, 3) array, ``pts``, ``time_base`` and ``time_s``.
    ``options`` as in ``upscale``. Raises ``vsr.errors.VsrError``.
    """
    from vsr.pipeline import frames
    from vsr.spec import make_spec

    return frames(make_spec(str(source), "", **options))
