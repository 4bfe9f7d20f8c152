"""The slot ring on a device that runs late, early or at random: order, buffers, errors, and nothing left behind."""

import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tests.backends.fake_layer import FakeLane, FakeLayer, Pace
from tests.pictures import YUV420, color, yuv
from vsr.backends import Planes
from vsr.backends.slots import Program, SlotRing, default_slots
from vsr.errors import BackendError
from vsr.plane_model import Picture

SOURCE = Picture(6, 4, yuv(YUV420, 10), color())
PACES: tuple[Pace, ...] = ("late", "early", "random")


def doubled(planes: Planes) -> Planes:
    """Twice the size, every code one more: what the ring's program does in these tests."""
    return tuple((plane.to(torch.int32) + 1).to(plane.dtype).repeat_interleave(2, 2) for plane in planes)


def batch(seed: int, frames: int = 2, source: Picture = SOURCE) -> Planes:
    generator = torch.Generator().manual_seed(seed)
    sizes = source.layout.plane_sizes(source.width, source.height)
    return tuple(torch.randint(0, 1000, (frames, *size), generator=generator).to(source.layout.dtype) for size in sizes)


def reused(batches: list[Planes]) -> Iterator[Planes]:
    """The batches, each written over the one before: a ring must have read it by then."""
    for planes in batches:
        shared = tuple(plane.clone() for plane in planes)
        yield shared
        for plane in shared:
            plane.fill_(0)


def ring_of(layer: FakeLayer, **options: Any) -> SlotRing:
    def program(planes: Planes) -> Planes:
        layer.note("program")
        return doubled(planes)

    return SlotRing(layer, SOURCE, lambda _: program, **options)


def same(ours: Planes, theirs: Planes) -> bool:
    return len(ours) == len(theirs) and all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("slots", [1, 2, 3, 5])
@pytest.mark.parametrize("hold", [None, 0, 1, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 12])
def test_results_come_in_order_and_stay_while_they_are_held(
    pace: Pace, slots: int, hold: int | None, count: int
) -> None:
    layer = FakeLayer(pace)
    ring = ring_of(layer, slots=slots)
    batches = [batch(seed, 1 if seed == count - 1 else 2) for seed in range(count)]
    held: deque[tuple[int, Planes]] = deque(maxlen=None if hold is None else hold + 1)
    for number, planes in enumerate(ring.stream(reused(batches), hold=hold)):
        held.append((number, planes))
        assert all(same(result, doubled(batches[taken])) for taken, result in held)
    assert [number for number, _ in held][-1:] == ([count - 1] if count else [])
    assert layer.pending == 0
    ring.close()


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_as_many_batches_are_in_flight_as_there_are_slots(slots: int) -> None:
    layer = FakeLayer("late")
    list(ring_of(layer, slots=slots).stream([batch(seed) for seed in range(9)], hold=2))
    assert layer.most_in_flight == slots


def test_a_result_leaves_before_the_next_batch_is_asked_for_when_it_is_ready() -> None:
    events = []

    def source() -> Iterator[Planes]:
        for number in range(3):
            events.append(f"asked for {number}")
            yield batch(number)

    for number, _ in enumerate(ring_of(FakeLayer("early"), slots=3).stream(source(), hold=1)):
        events.append(f"got {number}")
    assert events == ["asked for 0", "got 0", "asked for 1", "got 1", "asked for 2", "got 2"]


def test_slots_are_made_when_they_are_needed_and_only_once() -> None:
    layer = FakeLayer("early")
    made: list[int] = []

    def program_for_slot(index: int) -> Program:
        made.append(index)
        return doubled

    ring = SlotRing(layer, SOURCE, program_for_slot, slots=3)
    for _ in range(2):
        assert len(list(ring.stream([batch(i) for i in range(5)], hold=0))) == 5
    assert made == [0]  # the device keeps up: one is enough
    layer.pace = "late"
    list(ring.stream([batch(i) for i in range(5)], hold=0))
    assert made == [0, 1, 2]
    list(ring.stream([batch(i, 4) for i in range(2)], hold=0))
    assert made == [0, 1, 2, 0, 1]  # for larger batches, anew
    assert ring(batch(9, 1))[0].shape[0] == 1
    assert made == [0, 1, 2, 0, 1]


def test_a_slot_keeps_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph works on the memory of the program that was captured, without holding it."""
    monkeypatch.setattr(FakeLane, "capture", lambda lane, work: (lambda: None, work()))

    class Owner:
        def __call__(self, planes: Planes) -> Planes:
            return doubled(planes)

    owners: list[weakref.ref[Owner]] = []

    def program_for_slot(index: int) -> Program:
        owner = Owner()
        owners.append(weakref.ref(owner))
        return owner

    layer = FakeLayer()
    ring = SlotRing(layer, SOURCE, program_for_slot)
    ring(batch(0))
    assert owners[0]() is not None
    ring.close()
    assert owners[0]() is None


@pytest.mark.parametrize("taken", [0, 1, 2, 5])
@pytest.mark.parametrize("pace", PACES)
def test_a_stream_may_be_left_at_any_point(taken: int, pace: Pace) -> None:
    layer = FakeLayer(pace)
    ring = ring_of(layer, slots=3)
    stream = ring.stream((batch(seed) for seed in range(8)), hold=2)
    results = [next(stream) for _ in range(taken)]
    stream.close()  # type: ignore[attr-defined]
    assert layer.pending == 0
    assert taken == 0 or same(results[-1], doubled(batch(taken - 1)))
    assert same(ring(batch(7)), doubled(batch(7)))


def test_results_outlive_their_stream_and_their_ring() -> None:
    ring = ring_of(FakeLayer("random"), slots=2)
    last = list(ring.stream([batch(seed) for seed in range(4)], hold=1))[-1]
    list(ring.stream([batch(seed) for seed in range(5, 9)], hold=1))
    ring.close()
    assert same(last, doubled(batch(3)))


def test_closing_gives_everything_back() -> None:
    layer = FakeLayer("late")
    ring = ring_of(layer, slots=3)
    stream = ring.stream([batch(seed) for seed in range(6)], hold=2)
    next(stream)
    ring.close()
    ring.close()
    assert layer.pending == 0
    stream.close()  # type: ignore[attr-defined]
    del stream
    assert layer.tensors_alive == 0
    assert layer.calls["release"] >= 1
    with pytest.raises(BackendError, match="closed"):
        ring(batch(0))


@pytest.mark.parametrize(
    "planes",
    [batch(0)[:2], batch(0, source=Picture(8, 4, SOURCE.layout, SOURCE.color)), batch(0, 3), batch(0, 0), ()],
    ids=["planes", "size", "more-frames", "no-frames", "nothing"],
)
def test_what_does_not_fit_is_refused_and_the_ring_works_on(planes: Planes) -> None:
    ring = ring_of(FakeLayer("late"), slots=2)
    with pytest.raises(BackendError, match="given"):
        list(ring.stream([batch(0), planes], hold=0))
    assert same(ring(batch(1)), doubled(batch(1)))


def test_one_stream_at_a_time() -> None:
    ring = ring_of(FakeLayer("late"), slots=2)
    first = ring.stream([batch(0), batch(1)], hold=0)
    next(first)
    with pytest.raises(BackendError, match="still being read"):
        ring(batch(2))
    assert same(next(first), doubled(batch(1)))
    first.close()  # type: ignore[attr-defined]
    assert same(ring(batch(2)), doubled(batch(2)))


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("hold", [None, 1])
def test_frames_that_overflow_are_done_again(pace: Pace, hold: int | None) -> None:
    """Code 1000 overflows here; beside it, in the frames that a smaller last batch leaves out, nobody cares."""
    told: list[str] = []

    def program(planes: Planes) -> Planes:
        overflowed = (planes[0].to(torch.int32) == 1000).flatten(1).any(1)
        keep = (~overflowed).to(torch.int32).reshape(-1, 1, 1)
        return (*((plane.to(torch.int32) * keep).to(plane.dtype) for plane in doubled(planes)), overflowed)

    ring = SlotRing(FakeLayer(pace), SOURCE, lambda _: program, redo=doubled, tell=told.append, slots=2)
    batches = [batch(seed) for seed in range(6)]
    for number, frame in ((1, 0), (4, 1), (5, 1)):
        batches[number][0][frame, 0, 0] = 1000
    batches.append(batch(6, 1))
    for number, planes in enumerate(ring.stream(batches, hold=hold)):
        assert same(planes, doubled(batches[number]))
    assert len(told) == 3
    assert set(told) == {"half precision overflowed in some frames: those were upscaled again in float32"}


@pytest.mark.parametrize(
    ("width", "height", "frames", "slots"),
    [(3840, 2160, 1, 3), (1920, 1080, 4, 3), (960, 540, 1, 3), (640, 360, 1, 4), (64, 48, 1, 8), (64, 48, 32, 5)],
)
def test_small_pictures_get_more_slots(width: int, height: int, frames: int, slots: int) -> None:
    assert default_slots(width * height * frames) == slots
