"""The page: a comparison's whole way, from the inputs through their scores into the page and the pictures."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import numpy as np

from vsr.allocator import keep_freed_memory
from vsr.comparison.embedding import PAGE_BUDGET, Embedded, embed
from vsr.comparison.figures import figures
from vsr.comparison.inputs import Input, common_size, open_inputs, rendered
from vsr.comparison.matching import Matching
from vsr.comparison.page import Page
from vsr.comparison.rendering import Rgb, difference
from vsr.comparison.result import Comparison
from vsr.comparison.scoring import Moment, means, moment, pairs, step_between_scores
from vsr.comparison.spec import ComparisonSpec
from vsr.comparison.writing import check_outputs, whole_folder, whole_page
from vsr.errors import UsageError
from vsr.io.still import write_rgb
from vsr.notices import Notices

_GAIN = 8
"""Of the difference in side-by-side pictures."""


def compare(
    spec: ComparisonSpec, *, notices: Notices | None = None, progress: Callable[[int], None] | None = None
) -> Comparison:
    """Compare ``spec.a`` with ``spec.b``, write the page and the side-by-sides; ``progress`` hears of each score.

    The inputs are read twice: once to score, once for the frames to show, which are known only then; so memory stays
    flat. Raises VsrError; then nothing is under the outputs' names.
    """
    notices = notices or Notices()
    keep_freed_memory()
    check_outputs(spec)
    with open_inputs(spec) as inputs:
        size, every = common_size(inputs), step_between_scores(inputs, spec)
        for remark in (remark for item in inputs for remark in item.remarks(size)):
            notices.say(remark)
        matching = Matching([item.frames() for item in inputs], from_start=spec.align_starts)
        moments: list[Moment] = []
        for time_s, pictures in rendered(inputs, matching, size, every=every):
            moments.append(moment(time_s, pictures))
            if progress is not None:
                progress(len(moments))
        _tell_span(inputs, moments, matching, every, notices)
        for fault in (fault for item in inputs for fault in item.faults()):
            notices.say(fault)
    result = Comparison(
        page=spec.page_path,
        size=size,
        every=every,
        pairs=pairs(inputs),
        means=means(moments),
        moments=tuple(moments),
        shown=_spread(len(moments), spec.frames),
    )
    _show(spec, result, notices)
    return result


def _tell_span(
    inputs: tuple[Input, ...], moments: Sequence[Moment], matching: Matching, every: int, notices: Notices
) -> None:
    """Say what was compared. Raises UsageError where that is nothing."""
    if not moments:
        raise UsageError(
            "the inputs have no time in common: their timestamps do not overlap; --align-starts counts each from its "
            "own first frame"
        )
    if matching.outside:
        longer = " and ".join(inputs[index].role for index in sorted(matching.outside))
        verb = "goes" if len(matching.outside) == 1 else "go"
        notices.say(f"{longer} {verb} beyond the span that all inputs have; only that span is compared")
    if not inputs[0].info.still:
        span = f"from {float(moments[0].time_s):.3f} s to {float(moments[-1].time_s):.3f} s"
        step = "every frame" if every == 1 else f"one frame of {every}"
        notices.say(f"{len(moments)} frames of A are scored, {step} {span}, each with what is on show at its time")


def _spread(count: int, wanted: int) -> tuple[int, ...]:
    """``wanted`` indices of ``count``, or all: the middles of equal parts, so that fades at both ends are avoided."""
    parts = min(count, wanted)
    return tuple((2 * part + 1) * count // (2 * parts) for part in range(parts))


def _show(spec: ComparisonSpec, result: Comparison, notices: Notices) -> None:
    """Read the inputs again and write what is to be seen."""
    with ExitStack() as outputs, open_inputs(spec) as inputs:
        folder = outputs.enter_context(whole_folder(Path(spec.png_folder))) if spec.png_folder else None
        page = Page(outputs.enter_context(whole_page(result.page)))
        matching = Matching([item.frames() for item in inputs], from_start=spec.align_starts)
        embedded: list[Embedded] = []
        for time_s, pictures in rendered(inputs, matching, result.size, every=result.every, wanted=result.shown):
            embedded.append(embed(pictures, PAGE_BUDGET // len(result.shown), lossy=not inputs[0].info.still))
            page.add(embedded[-1])
            if folder is not None:
                write_rgb(folder / _name(len(embedded), len(result.shown), time_s), _side_by_side(*pictures[:2]))
        page.finish(figures(inputs, result, embedded, notices))


def _name(number: int, count: int, time_s: Fraction) -> str:
    return f"{number:03d}_of_{count:03d}_at_{float(time_s):.3f}s.png"


def _side_by_side(a: Rgb, b: Rgb) -> Rgb:
    return np.hstack((a, b, difference(a, b, _GAIN)))
