"""Whatever fails under the slot ring, at whatever call: one error that says what to do, and nothing left behind."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from tests.backends.fake_layer import FakeLayer, Pace
from tests.backends.test_slots import batch, doubled, ring_of, same
from vsr.backends import Planes
from vsr.backends.torch_errors import mapped_errors
from vsr.errors import BackendError, SourceError

# Where a ring of two slots calls the device on its way through four batches.
CALLS = [
    *(("lane", i) for i in range(2)),
    *(("pinned", i) for i in (0, 2, 4, 8)),
    *(("memory", i) for i in (0, 5)),
    *(("capture", i) for i in range(2)),
    *(("program", i) for i in range(10)),
    *(("run", i) for i in (0, 1, 2, 4)),
    *(("replay", i) for i in range(4)),
    *(("copy", i) for i in (0, 4, 11, 20)),
    *(("mark", i) for i in range(4)),
    *(("reached", i) for i in range(2)),
    *(("wait", i) for i in range(4)),
]


@pytest.mark.parametrize("pace", ["late", "early"])
@pytest.mark.parametrize(("call", "number"), CALLS)
@pytest.mark.parametrize("sticky", [False, True])
def test_a_fault_anywhere_is_one_backend_error_and_leaves_nothing(
    pace: Pace, call: str, number: int, sticky: bool
) -> None:
    layer = FakeLayer(pace, fail=(call, number), sticky=sticky)
    ring = ring_of(layer, slots=2)
    error = None
    try:
        list(ring.stream([batch(seed) for seed in range(4)], hold=1))
    except BackendError as exc:
        error = str(exc)
    if layer.calls.get(call, 0) <= number:
        assert error is None  # an early device gets by with one slot
        return
    assert error == "a batch failed on fake: device lost; if it happens again, use --device cpu"
    assert layer.tensors_alive == 0
    assert sticky or layer.pending == 0
    if not sticky:
        assert same(ring(batch(5)), doubled(batch(5)))  # with new slots
    ring.close()


@pytest.mark.parametrize("call", ["memory", "program", "capture"])
def test_full_memory_says_what_to_use(call: str) -> None:
    layer = FakeLayer(fail=(call, 0))
    layer.error = lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    with pytest.raises(BackendError, match="out of memory; use a smaller --batch-size or --strip-rows"):
        ring_of(layer)(batch(0))


@pytest.mark.parametrize("fault", [("pinned", 8), ("memory", 3), ("capture", 1), ("program", 4)])
def test_memory_for_fewer_slots_than_wanted_is_said_and_used(fault: tuple[str, int]) -> None:
    told: list[str] = []
    layer = FakeLayer(fail=fault)
    layer.error = lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    ring = ring_of(layer, slots=3, tell=told.append)
    batches = [batch(seed) for seed in range(7)]
    for number, planes in enumerate(ring.stream(batches, hold=1)):
        assert same(planes, doubled(batches[number]))
    assert told == ["fake has memory for 1 batches in flight only: it may idle at times"]
    assert layer.pending == 0
    del planes
    ring.close()
    assert layer.tensors_alive == 0


def test_the_first_of_a_chain_of_errors_is_told() -> None:
    """A capture in which something failed fails to end, too."""

    @contextmanager
    def capture() -> Iterator[None]:
        try:
            yield
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    told = r"^the torch backend failed on gpu: no such kernel$"
    with pytest.raises(BackendError, match=told), mapped_errors("gpu"), capture():
        raise RuntimeError("no such kernel\nlong story")


@pytest.mark.parametrize("after", [0, 1, 4])
def test_an_error_of_the_source_passes_as_it_is(after: int) -> None:
    def source() -> Iterator[Planes]:
        yield from (batch(seed) for seed in range(after))
        raise SourceError("no more")

    layer = FakeLayer("late")
    ring = ring_of(layer, slots=3)
    with pytest.raises(SourceError, match="no more"):
        list(ring.stream(source(), hold=0))
    assert layer.pending == 0
    assert same(ring(batch(1)), doubled(batch(1)))
