"""Frames into batches and back: nothing is lost, reordered, copied without need or read ahead."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.pictures import YUV420, color, noise, yuv
from vsr.batching import batch, unbatch
from vsr.frames import Frame
from vsr.plane_model import Picture


def frames(count: int, bits: int = 8) -> list[Frame]:
    picture = Picture(10, 6, yuv(YUV420, bits), color())
    return [Frame(noise(picture, i), 7 * i + i * i, Fraction(1, 1000), 5 + i, f"props {i}") for i in range(count)]


@pytest.mark.parametrize(
    ("count", "size", "groups"), [(0, 3, []), (1, 1, [1]), (5, 2, [2, 2, 1]), (4, 4, [4]), (2, 9, [2])]
)
@pytest.mark.parametrize("bits", [8, 10])
def test_frames_come_back_as_they_were(count: int, size: int, groups: list[int], bits: int) -> None:
    before = frames(count, bits)
    batches = list(batch(before, size))
    assert [len(item.frames) for item in batches] == groups
    after = list(unbatch(batches))
    for was, now in zip(before, after, strict=True):
        assert (now.pts, now.time_base, now.duration, now.props) == (was.pts, was.time_base, was.duration, was.props)
        for a, b in zip(was.planes, now.planes, strict=True):
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)


def test_a_single_frame_is_not_copied() -> None:
    (frame,) = frames(1)
    (item,) = batch([frame], 1)
    frame.planes[0][0, 0] ^= 255
    assert int(item.planes[0][0, 0, 0]) == int(frame.planes[0][0, 0])


def test_unbatching_does_not_copy() -> None:
    (item,) = batch(frames(2), 2)
    first, _ = unbatch([item])
    item.planes[0][0, 0, 0] = 1
    first.planes[0][0, 0] = 200
    assert int(item.planes[0][0, 0, 0]) == 200


def test_planes_are_stacked_along_a_new_first_axis() -> None:
    (item,) = batch(frames(3, bits=10), 3)
    assert [tuple(plane.shape) for plane in item.planes] == [(3, 6, 10), (3, 3, 5), (3, 3, 5)]
    assert {plane.dtype for plane in item.planes} == {torch.uint16}


def test_no_more_frames_are_read_than_a_batch_needs() -> None:
    read: list[int] = []

    def source() -> Iterator[Frame]:
        for frame in frames(6):
            read.append(frame.pts)
            yield frame

    batches = batch(source(), 2)
    next(batches)
    assert len(read) == 2
