"""Frames into batches of equal planes, and back."""

from collections.abc import Iterable, Iterator

import torch

from vsr.frames import Batch, Frame


def batch(frames: Iterable[Frame], size: int) -> Iterator[Batch]:
    """Group up to ``size`` consecutive frames; the last batch may be smaller. Raises nothing of its own."""
    group: list[Frame] = []
    for frame in frames:
        group.append(frame)
        if len(group) == size:
            yield _stack(group)
            group = []
    if group:
        yield _stack(group)


def unbatch(batches: Iterable[Batch]) -> Iterator[Frame]:
    """The frames of each batch in order, their planes as numpy views of the batch's."""
    for item in batches:
        for index, frame in enumerate(item.frames):
            planes = tuple(plane[index].numpy() for plane in item.planes)
            yield Frame(planes, frame.pts, frame.time_base, frame.duration, frame.props)


def _stack(frames: list[Frame]) -> Batch:
    """Stack planes along a new first axis; a single frame is not copied."""
    planes = tuple(
        torch.from_numpy(column[0]).unsqueeze(0)
        if len(column) == 1
        else torch.stack([torch.from_numpy(p) for p in column])
        for column in zip(*(frame.planes for frame in frames), strict=True)
    )
    return Batch(tuple(frames), planes)
