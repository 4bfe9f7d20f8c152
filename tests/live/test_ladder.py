"""The ladder: right pictures from every rung, sizes and colours followed, the viewers' choice obeyed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.live.moving import INFO, live_frame
from tests.live.programs import wait_until
from vsr.errors import NetworkError
from vsr.frames import ColorSpace, PixelLayout, VideoInfo
from vsr.io.live.contract import LiveFrame
from vsr.live import ladder as ladder_room
from vsr.live.choices import make_controls
from vsr.live.ladder import Ladder
from vsr.live.rung import Rung
from vsr.notices import Notices
from vsr.spec import PipelineSpec, make_spec

RGB = ColorSpace(0, full_range=True)


def spec(**flags: object) -> PipelineSpec:
    return make_spec("a", "b", pipeline="live", **flags)


def upscaled(ladder: Ladder, *frames: LiveFrame) -> list[LiveFrame]:
    return [frame for frame in ladder(iter(frames)) if frame is not None]


def make(pipeline: PipelineSpec, *, may_descend: bool = True, notices: Notices | None = None) -> Ladder:
    return Ladder(pipeline, make_controls(pipeline), notices or Notices(), may_descend=may_descend)


def test_it_begins_with_interpolation_and_has_the_dearer_ones_ready_soon() -> None:
    with make(spec()) as ladder:
        first = upscaled(ladder, live_frame(0))[0]
        assert ladder.network == "bicubic"
        assert ladder.names == ("bicubic", "realtime", "fast", "balanced")
        wait_until(lambda: len(ladder.costs_ms) == 4, "every rung")
        assert min(ladder.costs_ms) > 0
        ladder.wanted = 3
        second = upscaled(ladder, live_frame(1))[0]
        assert ladder.network == "balanced"
        assert [name for _, name in ladder.changes] == ["bicubic", "balanced"]
    assert (first.info.width, first.info.height) == (64, 48)
    for number, frame in enumerate((first, second)):
        assert frame.frame.pts == 3600 * number
        assert frame.before is not None
        assert [p.shape for p in frame.frame.planes] == [(48, 64), (24, 32), (24, 32)]
        assert np.abs(frame.frame.planes[0].astype(int) - (16 + number)).max() <= 1


def test_the_cost_of_the_next_network_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder_room, "_MEASURE_AGAIN_S", 0.01)
    monkeypatch.setattr(ladder_room, "_MEASURING_SHARE", 1.0)
    with make(spec(network="fast")) as ladder:
        upscaled(ladder, live_frame(0))
        wait_until(lambda: len(ladder.costs_ms) == 3, "every rung")
        first = ladder.costs_ms
        wait_until(lambda: ladder.costs_ms[1] != first[1], "another measurement")
        assert ladder.costs_ms[2] == first[2], "which is not the next one"


def test_what_is_dearer_than_a_hopeless_network_is_not_prepared_until_that_one_is_cheap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ladder_room, "_MEASURE_AGAIN_S", 0.01)
    monkeypatch.setattr(ladder_room, "_MEASURING_SHARE", 1.0)
    loaded = threading.Event()
    loaded.set()
    measured = Rung.measured

    def measure(rung: Rung) -> Rung:
        found = measured(rung)
        return replace(found, cost_ms=1e3) if loaded.is_set() and rung.name == "realtime" else found

    monkeypatch.setattr(Rung, "measured", measure)
    with make(spec(network="fast")) as ladder:
        upscaled(ladder, live_frame(0))
        wait_until(lambda: len(ladder.costs_ms) == 2, "realtime")
        loaded.clear()
        wait_until(lambda: len(ladder.costs_ms) == 3, "fast, after another measurement of realtime")
        assert ladder.costs_ms[1] < 1e3


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("bicubic", ("bicubic",)),
        ("fast", ("bicubic", "realtime", "fast")),
        ("espcn", ("bicubic", "realtime", "fast", "balanced", "espcn")),
    ],
)
def test_the_ladder_ends_with_what_was_asked_for(network: str, names: tuple[str, ...]) -> None:
    with make(spec(network=network)) as ladder:
        upscaled(ladder, live_frame(0))
        assert ladder.names == names


def test_without_a_bound_only_the_asked_network_works() -> None:
    with make(spec(network="realtime"), may_descend=False) as ladder:
        upscaled(ladder, live_frame(0))
        assert ladder.names == (ladder.network,) == ("realtime",)


CHANGED = {
    "pixel shape": replace(INFO, sample_aspect_ratio=Fraction(4, 3)),
    "size": replace(INFO, width=48, height=30),
    "odd size": replace(INFO, width=33, height=25),
    "ten bits": replace(INFO, layout=PixelLayout("yuv", 10, 1, 1)),
    "4:2:2 full range": replace(INFO, layout=PixelLayout("yuv", 8, 1, 0), color=replace(INFO.color, full_range=True)),
    "rgb": replace(INFO, layout=PixelLayout("rgb", 8), color=RGB),
    "grey": replace(INFO, layout=PixelLayout("gray", 8)),
    "with alpha": replace(INFO, layout=PixelLayout("yuv", 8, 0, 0, alpha=True)),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_another_picture_is_followed(changed: VideoInfo) -> None:
    with make(spec(network="bicubic")) as ladder:
        before, after = upscaled(ladder, live_frame(40), live_frame(41, changed))
        assert ladder.generation == 2
    assert (before.info.width, before.info.height) == (64, 48)
    expected = tuple(2 * n + (2 * n) % 2 for n in (changed.width, changed.height))
    assert (after.info.width, after.info.height) == expected
    assert after.info.sample_aspect_ratio == changed.sample_aspect_ratio
    assert after.info.layout.family == ("gray" if changed.layout.family == "gray" else "yuv")
    assert after.info.layout.bits == changed.layout.bits
    assert not after.info.layout.alpha
    sizes = after.info.layout.plane_sizes(after.info.width, after.info.height)
    assert tuple(plane.shape for plane in after.frame.planes) == sizes


def test_a_viewer_chooses_network_and_scale() -> None:
    pipeline = spec(network="bicubic")
    controls = make_controls(pipeline)
    with Ladder(pipeline, controls, Notices(), may_descend=False) as ladder:

        def frames() -> Iterator[LiveFrame]:
            yield live_frame(0)
            controls.choose(scale=3)
            yield live_frame(1)
            controls.choose(network="realtime")
            yield live_frame(2)

        given = [(f.info.width, ladder.network) for f in ladder(frames()) if f is not None]
    assert given == [(64, "bicubic"), (96, "bicubic"), (96, "realtime")]


def test_an_exact_size_holds_until_a_scale_is_chosen() -> None:
    pipeline = spec(network="bicubic", to="80x60")
    controls = make_controls(pipeline)
    with Ladder(pipeline, controls, Notices(), may_descend=False) as ladder:
        assert upscaled(ladder, live_frame(0))[0].info.width == 80
        controls.choose(scale=2)
        assert upscaled(ladder, live_frame(1))[0].info.width == 64


def test_a_none_passes_through() -> None:
    with make(spec(network="bicubic")) as ladder:
        assert list(ladder(iter([None]))) == [None]


def test_an_unknown_network_is_refused() -> None:
    with make(spec(network="nosuch")) as ladder, pytest.raises(NetworkError, match="nosuch"):
        upscaled(ladder, live_frame(0))


def test_what_stays_is_the_shape() -> None:
    """Anamorphic pictures keep their pixel shape."""
    info = replace(INFO, sample_aspect_ratio=Fraction(4, 3))
    with make(spec(network="bicubic")) as ladder:
        assert upscaled(ladder, live_frame(0, info))[0].info.sample_aspect_ratio == Fraction(4, 3)


def test_leaving_while_networks_get_ready_leaves_no_thread() -> None:
    with make(spec()) as ladder:
        upscaled(ladder, live_frame(0), live_frame(1, CHANGED["size"]))
    assert not [t for t in threading.enumerate() if t.name == "vsr-prepare"]
