"""A device whose memory is too small: the same frames come out, each once and in order, and every step is said."""

import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from tests.backends.fake_layer import Pace
from tests.backends.small_device import Small
from tests.pictures import YUV420, color, noise, scaled, tensors, worst, yuv
from vsr import backends, pipeline
from vsr.errors import BackendError, DeviceMemoryError
from vsr.frames import Batch, Frame, Plane, VideoInfo
from vsr.io import formats
from vsr.networks import LoadedNetwork, build, load
from vsr.notices import Notices
from vsr.placement import Placement, choose_placement
from vsr.plane_model import Picture
from vsr.spec import make_spec
from vsr.upscaler import Upscaler

SOURCE = Picture(40, 64, yuv(YUV420), color())
PICTURE = 40 * 64
"""Samples of one picture's luma, in which these tests count memory."""
ON_SMALL = Placement("small", "small:0", "fp32", None)
FULL = "small:0 is out of memory"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Small]:
    """Makes the backend ``small`` what its arguments say."""

    def make(memory: float | Callable[[int], float], **options: Any) -> Small:
        backend = Small(memory if callable(memory) else lambda _: memory, **options)
        entry = backends._Entry("a test's", lambda: backend)
        monkeypatch.setitem(backends._BACKENDS, "small", entry)
        return backend

    return make


def clip(count: int) -> list[Frame]:
    return [Frame(noise(SOURCE, i), i, Fraction(1, 25)) for i in range(count)]


def batches(frames: list[Frame], size: int) -> Iterator[Batch]:
    for start in range(0, len(frames), size):
        group = frames[start : start + size]
        yield Batch(tuple(group), tuple(torch.cat(c) for c in zip(*(tensors(f.planes) for f in group), strict=True)))


def same(ours: Sequence[Plane], theirs: Sequence[Plane]) -> bool:
    """But for sums made in another order, whose value on the edge between two codes can fall to either."""
    return worst(ours, theirs) <= 1 and all(np.mean(a != b) < 2e-3 for a, b in zip(ours, theirs, strict=True))


def check(results: list[Batch], frames: list[Frame], loaded: LoadedNetwork) -> None:
    """``results`` are those of ``frames`` on a device that is large enough, in their order."""
    placement = Placement("torch", "cpu", "fp32", None)
    assert [frame.pts for batch in results for frame in batch.frames] == [frame.pts for frame in frames]
    made = [tuple(plane[i].numpy() for plane in b.planes) for b in results for i in range(len(b.frames))]
    with Upscaler(loaded, placement, SOURCE, scaled(SOURCE, 2)) as upscaler:
        for ours, frame in zip(made, frames, strict=True):
            theirs = tuple(plane[0].numpy() for plane in upscaler.upscale(tensors(frame.planes)))
            assert same(ours, theirs)


@pytest.mark.parametrize(
    ("pictures", "steps", "words"),
    [
        (4, [(4, None)], []),
        (2, [(4, None), (2, None)], ["2 at a time"]),
        (1, [(4, None), (2, None), (1, None)], ["2 at a time", "1 at a time"]),
        (0.5, [(4, None), (2, None), (1, None), (1, 32)], ["2 at", "1 at", "strips of 32 rows"]),
        (0.3, [(4, None), (2, None), (1, None), (1, 32), (1, 16)], ["2 at", "1 at", "strips of 32", "strips of 16"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("network", ["bicubic", "espcn"])
def test_as_little_is_asked_at_once_as_the_memory_holds(
    pictures: float, steps: list[tuple[int, int | None]], words: list[str], network: str, small: Callable[..., Small]
) -> None:
    device, told = small(pictures * PICTURE), Notices()
    loaded, frames = load(network, 2) if network == "bicubic" else untrained(network), clip(6)
    with Upscaler(loaded, ON_SMALL, SOURCE, scaled(SOURCE, 2), tell=told.say) as upscaler:
        results = list(upscaler(batches(frames, 4)))
        assert device.asked == steps
        assert upscaler.stepped_down == (len(steps) > 1)
        assert len(told.said) == len(words)
        assert all(said.startswith(f"{FULL}: ") and word in said for said, word in zip(told.said, words, strict=True))
        assert [len(batch.frames) for batch in results] == [4, 2]
        check(results, frames, loaded)
        list(upscaler(batches(frames, 4)))  # another piece: what was learnt holds
        assert device.asked == steps
        check([Batch((frames[0],), upscaler.upscale(tensors(frames[0].planes)))], frames[:1], loaded)


def untrained(name: str) -> LoadedNetwork:
    torch.manual_seed(0)
    return replace(load("bicubic", 2), network=build(name, 2).deploy())


@pytest.mark.parametrize("pace", ["late", "early", "random"])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("fault", [1, 4, 7, 9])
def test_memory_that_shrinks_meanwhile_loses_no_frame(
    pace: Pace, size: int, fault: int, small: Callable[..., Small]
) -> None:
    """Another program takes half of the memory, then most of the rest, with batches in flight."""
    device = small(lambda run: PICTURE * size if run < fault else PICTURE / 2 if run < fault + 6 else PICTURE / 4)
    device.pace = pace
    loaded, frames, hold, told = load("bicubic", 2), clip(14), 1, Notices()
    taken: list[Batch] = []
    kept: deque[tuple[Batch, Batch]] = deque(maxlen=hold + 1)
    with Upscaler(loaded, ON_SMALL, SOURCE, scaled(SOURCE, 2), hold=hold, tell=told.say) as upscaler:
        for batch in upscaler(batches(frames, size)):
            copy = Batch(batch.frames, tuple(plane.clone() for plane in batch.planes))
            taken.append(copy)
            kept.append((batch, copy))
            for held, as_it_was in kept:
                assert all(torch.equal(a, b) for a, b in zip(held.planes, as_it_was.planes, strict=True))
    assert bool(told.said) == (device.runs >= fault)
    check(taken, frames, loaded)


def test_fields_are_cut_too(small: Callable[..., Small]) -> None:
    """Two fields of half the height to a frame."""
    device, loaded, frames = small(PICTURE / 4), load("bicubic", 2), clip(3)
    plain = Placement("torch", "cpu", "fp32", None)
    with (
        Upscaler(loaded, ON_SMALL, SOURCE, scaled(SOURCE, 2), by_field=True) as upscaler,
        Upscaler(loaded, plain, SOURCE, scaled(SOURCE, 2), by_field=True) as exact,
    ):
        for ours, theirs in zip(upscaler(batches(frames, 1)), exact(batches(frames, 1)), strict=True):
            assert same([plane.numpy() for plane in ours.planes], [plane.numpy() for plane in theirs.planes])
    assert device.asked == [(2, None), (1, None), (1, 16)]


ADVICE = "--allow-cpu-fallback goes on on the CPU, a lighter --network needs less"


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("bicubic", {}, f"{FULL}, even with --batch-size 1 and --strip-rows 16; {ADVICE}"),
        (
            "imdn", {},
            f"{FULL}, even with --batch-size 1 (this network looks at the whole picture, "
            f"which --strip-rows can't cut); {ADVICE}",
        ),
        ("bicubic", {"too_full_to_load": True}, f"{FULL} before the first picture; {ADVICE}"),
    ],
)  # fmt: skip
def test_below_the_last_step_the_error_says_what_was_tried(
    network: str, options: dict[str, Any], message: str, small: Callable[..., Small]
) -> None:
    small(1.0, **options)
    loaded = load("bicubic", 2) if network == "bicubic" else untrained(network)
    with (
        pytest.raises(DeviceMemoryError) as caught,
        Upscaler(loaded, ON_SMALL, SOURCE, scaled(SOURCE, 2)) as upscaler,
    ):
        list(upscaler(batches(clip(3), 2)))
    assert str(caught.value) == message
    assert caught.value.exit_code == BackendError.exit_code


@pytest.mark.parametrize("too_full_to_load", [True, False])
def test_the_cpu_goes_on_where_that_is_allowed(too_full_to_load: bool, small: Callable[..., Small]) -> None:
    small(1.0, too_full_to_load=too_full_to_load)
    told, loaded, frames = Notices(), load("bicubic", 2), clip(5)
    info = VideoInfo(40, 64, SOURCE.layout, SOURCE.color, Fraction(1, 25), Fraction(25))
    spec = make_spec("a", "b", backend="small", allow_cpu_fallback=True, batch_size=2)
    placement = choose_placement(spec, loaded, info)
    with Upscaler(loaded, placement, SOURCE, scaled(SOURCE, 2), tell=told.say) as upscaler:
        check(list(upscaler(batches(frames, 2))), frames, loaded)
        assert upscaler.placement == placement.fallback
        assert upscaler.placement.device == "cpu"
        assert "CPU" in upscaler.device
    assert told.said[-1].startswith(FULL)
    assert told.said[-1].endswith(": the CPU goes on, which is slower")


@pytest.mark.parametrize("options", [{"device": "cpu"}, {"backend": "small"}])
def test_the_cpu_is_no_help_where_it_is_not_allowed_or_already_at_work(
    options: dict[str, str], small: Callable[..., Small]
) -> None:
    small(1.0)
    info = VideoInfo(40, 64, SOURCE.layout, SOURCE.color, Fraction(1, 25), Fraction(25))
    spec = make_spec("a", "b", **options, allow_cpu_fallback="device" in options)
    assert choose_placement(spec, load("bicubic", 2), info).fallback is None


def frames_of(path: Path) -> list[tuple[Plane, ...]]:
    with av.open(str(path)) as container:
        return [formats.planes_of(frame, yuv(YUV420)) for frame in container.decode(video=0)]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_run_on_a_device_that_is_too_small_is_the_run_on_a_large_one(
    batch_size: int, clips: Path, tmp_path: Path, small: Callable[..., Small]
) -> None:
    small(64 * 48 / 2)
    options: dict[str, Any] = {"network": "bicubic", "codec": "ffv1", "batch_size": batch_size}
    outputs = {name: tmp_path / f"{name}.mkv" for name in ("small", "torch")}
    reports = {
        name: pipeline.run(make_spec(str(clips / "clip.mkv"), str(path), backend=name, **options))
        for name, path in outputs.items()
    }
    assert all(same(*pair) for pair in zip(*(frames_of(path) for path in outputs.values()), strict=True))
    notices = [notice for notice in reports["small"].notices if "out of memory" in notice]
    assert len(notices) == (1 if batch_size == 1 else 3)


REAL = """
import resource
from fractions import Fraction
from pathlib import Path
import torch
from tests.pictures import YUV420, color, noise, scaled, tensors, yuv
from vsr.frames import Batch, Frame
from vsr.networks import load
from vsr.placement import Placement
from vsr.plane_model import Picture
from vsr.upscaler import Upscaler

source = Picture(320, 180, yuv(YUV420), color())
frames = [Frame(noise(source, i), i, Fraction(1, 25)) for i in range(10)]

def upscaled(size):
    groups = (frames[start : start + size] for start in range(0, 10, size))
    planes = ((group, zip(*(tensors(frame.planes) for frame in group))) for group in groups)
    for made in upscaler(Batch(tuple(group), tuple(torch.cat(c) for c in columns)) for group, columns in planes):
        yield from (tuple(plane[i].clone() for plane in made.planes) for i in range(len(made.frames)))

placement = Placement("torch", "cpu", "fp32", None)
upscaler = Upscaler(load("lrsrn", 2), placement, source, scaled(source, 2), tell=print)
expected = list(upscaled(1))
pages = int(Path("/proc/self/statm").read_text().split()[0])
most = pages * resource.getpagesize() + (120 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
pairs = [pair for made, whole in zip(upscaled(8), expected, strict=True) for pair in zip(made, whole)]
print(len(pairs), max(int((a.int() - b.int()).abs().max()) for a, b in pairs))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs the system's limit on a process's memory")
def test_a_real_process_with_little_memory_asks_for_less() -> None:
    """Eight pictures at once need more than it has; one needs less."""
    done = subprocess.run([sys.executable, "-c", REAL], capture_output=True, text=True, check=False)
    *steps, last = done.stdout.splitlines()
    assert steps, done.stderr
    assert all(" is out of memory: pictures go through it " in step for step in steps)
    assert last in ("30 0", "30 1")
