"""The wanted size and the networks that reach it: boxes, shapes, passes, and weights read no oftener than needed."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.networks import authors_luma, authors_rgb
from tests.networks.authors import State
from tests.pictures import YUV420, color, yuv
from vsr import scaling
from vsr.errors import NetworkError, UsageError
from vsr.frames import VideoInfo
from vsr.networks import LoadedNetwork, NetworkEntry, WeightsCard, build, load, loading
from vsr.networks.checkpoint_files import read_tensors
from vsr.networks.weights import find_weights, write_weights
from vsr.scaling import NetworkPlan, OutputSize, output_size, plan_network
from vsr.spec import PipelineSpec, make_spec

QUARTER_TURN = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)


def info(width: int, height: int, sar: Fraction = Fraction(1), *, turned: bool = False) -> VideoInfo:
    matrix = QUARTER_TURN if turned else None
    return VideoInfo(
        width,
        height,
        yuv(YUV420),
        color(),
        Fraction(1, 25),
        Fraction(25),
        sample_aspect_ratio=sar,
        display_matrix=matrix,
    )


def shape(size: OutputSize, *, turned: bool = False) -> Fraction:
    """Width over height as shown."""
    ratio = Fraction(size.width, size.height) * size.sample_aspect_ratio
    return 1 / ratio if turned else ratio


@pytest.mark.parametrize("scale", [None, 2, 3, 4])
@pytest.mark.parametrize("sar", [Fraction(1), Fraction(64, 45)])
def test_a_factor_multiplies_the_stored_size(scale: int | None, sar: Fraction) -> None:
    size = output_size(PipelineSpec("a", "b", scale=scale), info(321, 241, sar))
    factor = scale or 2
    assert (size.width, size.height, size.sample_aspect_ratio) == (321 * factor, 241 * factor, sar)
    assert size.requested == f"x{factor}"


@pytest.mark.parametrize(
    ("source", "to", "expected"),
    [
        (info(960, 540), "1080p", (1920, 1080)),
        (info(960, 540), "4K", (3840, 2160)),
        (info(960, 540), "1440p", (2560, 1440)),
        (info(960, 540), "8k", (7680, 4320)),
        (info(640, 480), "1080p", (1440, 1080)),  # 4:3 is limited by its height
        (info(960, 400), "1080p", (1920, 800)),  # wider than 16:9 by its width
        (info(540, 960), "1080p", (1080, 1920)),  # portrait turns the box
        (info(960, 540, turned=True), "1080p", (1920, 1080)),  # shown as portrait, stored as landscape
        (info(500, 500), "1080p", (1080, 1080)),
        (info(720, 576, Fraction(64, 45)), "1080p", (1350, 1080)),  # anamorphic keeps its pixel shape
        (info(1440, 1080, Fraction(4, 3)), "4k", (2880, 2160)),
        (info(3840, 2160), "1080p", (1920, 1080)),  # smaller is allowed
        (info(427, 240), "1080p", (1920, 1080)),
    ],
)
def test_a_named_size_is_a_box_for_the_shown_picture(source: VideoInfo, to: str, expected: tuple[int, int]) -> None:
    size = output_size(PipelineSpec("a", "b", to=to), source)
    assert (size.width, size.height) == expected
    before = Fraction(source.width, source.height) * source.sample_aspect_ratio
    assert abs(shape(size) / before - 1) < Fraction(1, 200)
    assert size.requested == to.lower()


@pytest.mark.parametrize(
    "source", [info(960, 540), info(720, 576, Fraction(64, 45)), info(720, 480, Fraction(8, 9)), info(100, 300)]
)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("to", ["1920x1080", "853X480", "640x640"])
def test_an_exact_size_is_as_shown_and_keeps_the_shape(source: VideoInfo, turned: bool, to: str) -> None:
    source = replace(source, display_matrix=QUARTER_TURN if turned else None)
    size = output_size(PipelineSpec("a", "b", to=to), source)
    width, height = map(int, to.lower().split("x"))
    assert (size.width, size.height) == ((height, width) if turned else (width, height))
    assert shape(size) == Fraction(source.width, source.height) * source.sample_aspect_ratio


def test_an_exact_size_of_the_same_shape_has_square_pixels() -> None:
    size = output_size(PipelineSpec("a", "b", to="1920x1080"), info(720, 576, Fraction(64, 45)))
    assert size.sample_aspect_ratio == 1


def plan(source: VideoInfo, width: int, height: int, **options: Any) -> NetworkPlan:
    spec = make_spec("a", "b", **options)
    return plan_network(spec, source, OutputSize(width, height, Fraction(1), "as asked"))


@pytest.mark.parametrize(
    ("size", "passes"),
    [
        ((128, 96), (2,)),
        ((130, 96), (3,)),
        ((192, 144), (3,)),
        ((193, 145), (3,)),  # made even by a pixel: still three times
        ((256, 192), (4,)),
        ((64, 192), (4,)),
        ((384, 288), (2, 3)),
        ((64 * 16, 48 * 16), (4, 4)),
        ((32, 24), (2,)),
    ],
)
def test_the_smallest_factor_that_is_enough(size: tuple[int, int], passes: tuple[int, ...]) -> None:
    planned = plan(info(64, 48), *size, network="bicubic")
    assert planned.passes == passes
    assert planned.loaded.network.scale == torch.tensor(passes).prod()


@pytest.mark.parametrize("network", ["bicubic", "lrsrn"])
def test_more_than_sixteen_times_is_refused(network: str) -> None:
    with pytest.raises(UsageError, match=r"16\.5 times the source; at most 16"):
        plan(info(64, 48), 64 * 16 + 33, 48, network=network)


def test_the_output_has_no_more_pixels_than_a_source_may_have() -> None:
    assert plan(info(321, 241), 1284, 964, network="bicubic", max_pixels=1284 * 964).passes == (4,)
    with pytest.raises(UsageError, match=r"would be 1284x964, 1237776 pixels, more than 1237775.*--max-pixels 1237776"):
        plan(info(321, 241), 1284, 964, network="bicubic", max_pixels=1284 * 964 - 1)


@pytest.mark.parametrize(("factor", "count"), [(2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4), (16, 4)])
def test_passes_of_one_trained_network(
    factor: int, count: int, monkeypatch: pytest.MonkeyPatch, counted_loads: list[int]
) -> None:
    """As long as only x2 weights ship, and each file is read once."""
    monkeypatch.setattr(NetworkEntry, "ready_scales", lambda self: (2,))
    monkeypatch.setattr(NetworkEntry, "default_weights", lambda self, scale: "lrsrn_x2_clean")
    planned = plan(info(64, 48), 64 * factor, 48 * factor, network="lrsrn")
    assert planned.passes == (2,) * count
    assert planned.loaded.network.scale == 2**count
    assert planned.loaded.weights_name == "lrsrn_x2_clean"
    assert counted_loads == [2]


def test_two_passes_are_one_after_the_other() -> None:
    single = plan(info(8, 6), 16, 12, network="bicubic").loaded.network
    both = plan(info(8, 6), 8 * 6, 6 * 6, network="bicubic").loaded.network
    x = torch.rand(1, 1, 6, 8)
    third = build("bicubic", 3).deploy()
    assert torch.equal(both(x), third(single(x)))
    assert both.halo == 3
    assert torch.equal(both.deploy()(x), both(x))


@pytest.fixture
def counted_loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The scales for which weights are loaded, in order."""
    scales: list[int] = []

    def counted(name: str, scale: int, weights: str | None = None) -> LoadedNetwork:
        scales.append(scale)
        return load(name, scale, weights)

    monkeypatch.setattr(scaling, "load", counted)
    return scales


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The weights files that are read, in order."""
    paths: list[Path] = []

    def noted(path: Path) -> tuple[dict[str, torch.Tensor], str]:
        paths.append(path)
        return read_tensors(path)

    monkeypatch.setattr(loading, "read_tensors", noted)
    return paths


def trained_file(folder: Path, scale: int, *, card: bool) -> str:
    """An LRSRN of fresh weights as a file."""
    path = folder / f"mine_x{scale}.safetensors"
    write_weights(path, build("lrsrn", scale).deploy(), WeightsCard("lrsrn", scale, sha256=""))
    if not card:
        path.with_suffix(".json").unlink()
    return str(path)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("card", [True, False])
@pytest.mark.parametrize("network", ["lrsrn", None])
def test_given_weights_run_at_their_own_scale(
    scale: int, card: bool, network: str | None, tmp_path: Path, read_files: list[Path]
) -> None:
    file = trained_file(tmp_path, scale, card=card)
    planned = plan(info(64, 48), 128, 96, network=network, weights=file)
    assert (planned.name, planned.passes) == ("lrsrn", (scale,))
    assert planned.loaded.sha256 == hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert read_files == [Path(file)]


def test_given_weights_run_as_often_as_it_takes(tmp_path: Path, read_files: list[Path]) -> None:
    assert plan(info(64, 48), 256, 192, weights=trained_file(tmp_path, 3, card=True)).passes == (3, 3)
    assert len(read_files) == 1


def foreign_file(folder: Path, state: State) -> str:
    """Tensors of others as a PyTorch file."""
    torch.save(state, folder / "theirs.pth")
    return str(folder / "theirs.pth")


def test_recognised_weights_need_no_network(tmp_path: Path) -> None:
    planned = plan(info(64, 48), 192, 144, weights=foreign_file(tmp_path, authors_rgb.srvgg_state(4, 8, 2)))
    assert (planned.name, planned.passes) == ("srvgg", (4,))
    assert planned.loaded.recognised is not None
    assert "8 channels, 2 convolutions" in planned.loaded.recognised


def test_another_network_than_the_weights_is_refused_with_both_named(tmp_path: Path) -> None:
    file = foreign_file(tmp_path, authors_rgb.srvgg_state(4, 8, 2))
    with pytest.raises(NetworkError, match="weights of srvgg x4, not of span"):
        plan(info(64, 48), 192, 144, network="span", weights=file)


@pytest.mark.parametrize(("factor", "passes"), [(2, (2,)), (3, (3,)), (6, (2, 3))])
def test_weights_for_several_scales_run_at_the_ones_that_fit(
    factor: int, passes: tuple[int, ...], tmp_path: Path, read_files: list[Path]
) -> None:
    uppers = (("up2.body.0", 256), ("up3.body.0", 576), ("up4.body.0", 256), ("up4.body.2", 256))
    file = foreign_file(tmp_path, authors_rgb.lesrcnn_state(*uppers))
    assert plan(info(64, 48), 64 * factor, 48 * factor, weights=file).passes == passes
    assert len(read_files) == 1


def test_weights_that_do_not_say_their_scale_take_it_from_the_flag_only(tmp_path: Path) -> None:
    file = foreign_file(tmp_path, authors_luma.fsrcnn_state(authors_luma.FSRCNN_YJN))
    assert plan(info(64, 48), 192, 144, weights=file, scale=3).passes == (3,)
    with pytest.raises(NetworkError, match="does not say for which of x2, x3 and x4; give --scale"):
        plan(info(64, 48), 192, 144, weights=file, to="192x144")


def broken_content(folder: Path) -> str:
    file = folder / "broken.safetensors"
    file.write_bytes(b"no weights at all")
    return str(file)


def changed_content(folder: Path) -> str:
    file = Path(trained_file(folder, 3, card=True))
    file.write_bytes(find_weights("lrsrn_x2_clean").read_bytes())
    return str(file)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: str(folder / "absent.safetensors"), "neither a file nor one of the shipped names"),
        (broken_content, "is not a safetensors file"),
        (changed_content, "is not the file its card describes"),
    ],
)
def test_weights_that_cannot_be_used_say_why(make: Callable[[Path], str], words: str, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=words):
        plan(info(64, 48), 128, 96, network="lrsrn", weights=make(tmp_path))


def test_a_network_without_parameters_takes_no_weights() -> None:
    with pytest.raises(NetworkError, match="takes no weights"):
        plan(info(64, 48), 128, 96, network="bicubic", weights="lrsrn_x2_clean")


def test_a_network_without_any_weights_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NetworkEntry, "default_weights", lambda self, scale: None)
    with pytest.raises(NetworkError, match="no weights ship for lrsrn x3; use --network bicubic"):
        plan(info(64, 48), 192, 144, scale=3)
