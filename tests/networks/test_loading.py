"""What a weights file may leave to the user and what not, and refusals that say what is wrong with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.networks import authors_luma, authors_rgb
from tests.networks.authors import State, layer
from vsr.errors import NetworkError
from vsr.networks import build, load, load_file
from vsr.networks.loading import open_weights
from vsr.networks.weights import WeightsCard, write_weights


def saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "theirs.pth")
    return folder / "theirs.pth"


def upsamplers() -> tuple[tuple[str, int], ...]:
    return (("up2.body.0", 256), ("up3.body.0", 576), ("up4.body.0", 256), ("up4.body.2", 256))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lesrcnn_for_every_scale_is_loaded_at_each(scale: int, tmp_path: Path) -> None:
    state = authors_rgb.lesrcnn_state(*upsamplers())
    path = saved(tmp_path, state)
    x = torch.rand(1, 3, 5, 6)
    with torch.no_grad():
        expected = authors_rgb.lesrcnn(state, x, scale)
        torch.testing.assert_close(load("lesrcnn", scale, path).network(x), expected, rtol=1e-4, atol=1e-4)


def test_a_file_of_several_scales_wants_one_named(tmp_path: Path) -> None:
    path = saved(tmp_path, authors_rgb.lesrcnn_state(*upsamplers()))
    with pytest.raises(NetworkError, match="can be lesrcnn x2, x3 and x4; say which with --scale"):
        load_file(path)
    assert load_file(path, scale=3).network.scale == 3


@pytest.mark.parametrize(
    ("network", "scale", "message"),
    [
        (None, 2, "holds weights of srvgg x4, not of srvgg x2"),
        ("srvgg", 3, "holds weights of srvgg x4, not of srvgg x3"),
        ("span", None, "holds weights of srvgg x4, not of span"),
        ("bicubic", None, "has no parameters and takes no weights"),
        ("esrgan", None, "no network 'esrgan'"),
    ],
)
def test_a_file_that_contradicts_is_refused(
    network: str | None, scale: int | None, message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, authors_rgb.srvgg_state(4, 4, 1))
    with pytest.raises(NetworkError, match=message):
        load_file(path, network, scale)


def test_a_file_of_ours_without_a_card_contradicts_too(tmp_path: Path) -> None:
    path = saved(tmp_path, build("lrsrn", 2).deploy().state_dict())
    with pytest.raises(NetworkError, match="holds weights of lrsrn x2, not of ecbsr; leave out --network"):
        load_file(path, "ecbsr")


def test_a_shipped_name_says_its_network_and_scale() -> None:
    loaded = load_file("lrsrn_x2_clean")
    assert (loaded.network.name, loaded.network.scale, loaded.recognised) == ("lrsrn", 2, None)
    assert loaded.card is not None


@pytest.mark.parametrize(("name", "scale"), [("lrsrn", 3), ("litesrnet", 4), ("ecbsr", 2), ("srvgg", 4), ("span", 2)])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_our_own_file_without_a_card_is_recognised(name: str, scale: int, suffix: str, tmp_path: Path) -> None:
    network = build(name, scale).deploy()
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save(network.state_dict(), path)
    else:
        write_weights(path, network, WeightsCard(name, scale, sha256=""))
        path.with_suffix(".json").unlink()
    loaded = load_file(path)
    assert loaded.recognised is not None
    assert f"{name} of vsr" in loaded.recognised
    x = torch.rand(1, 1 if name == "ecbsr" else 3, 5, 6)
    torch.testing.assert_close(loaded.network(x), network(x))


def test_our_own_file_that_two_networks_fit_wants_one_named(tmp_path: Path) -> None:
    path = saved(tmp_path, build("lesrcnn-s", 2).deploy().state_dict())
    with pytest.raises(NetworkError, match="fits lesrcnn and lesrcnn-s, whose tensors are alike; choose one"):
        load_file(path)
    assert load_file(path, "lesrcnn-s").network.name == "lesrcnn-s"


def test_our_own_file_of_shapes_that_every_scale_has_wants_one_named(tmp_path: Path) -> None:
    path = saved(tmp_path, build("fsrcnn", 3).deploy().state_dict())
    file = open_weights(path)
    assert (file.network, file.scales, file.says_scale) == ("fsrcnn", (2, 3, 4), False)


def test_a_card_beside_a_file_of_others_is_not_theirs(tmp_path: Path) -> None:
    path = saved(tmp_path, authors_rgb.srvgg_state(4, 4, 1))
    path.with_suffix(".json").write_text('{"anything": "at all"}')
    assert load_file(path).card is None


def without(name: str) -> Callable[[State], object]:
    return lambda state: state.pop(name)


def with_tensors(**tensors: torch.Tensor) -> Callable[[State], object]:
    return lambda state: state.update({name.replace("__", "."): tensor for name, tensor in tensors.items()})


SPOILT: list[tuple[State, Callable[[State], object], str]] = [
    (authors_rgb.lrsrn_x2(), without("backbone.2.conv1.bias"), "lacks the tensor 'backbone.2.conv1.bias'"),
    (authors_rgb.lrsrn_x2(), with_tensors(head__act__weight=torch.zeros(32)), "holds 'head.act.weight', which vsr"),
    (
        authors_rgb.lrsrn_x2(),
        lambda state: state.update(authors_rgb.lrsrn_block("backbone.4", 32, 32)),
        "has 5 blocks of 32 channels; vsr has the published 4 of 32",
    ),
    (
        authors_rgb.lrsrn_deployed(),
        lambda state: state.update(layer("transition.0.conv3x3", 50, 32, 3, 3)),
        "ends in 50 channels, which is no square number of 3-channel pixels",
    ),
    (
        authors_rgb.lrsrn_x2(),
        with_tensors(backbone__1__conv0__weight=torch.zeros(1 << 22, 1, 1, 1)),
        "has tensors of unfitting shapes",
    ),
    (authors_rgb.lrsrn_x2(), with_tensors(backbone__1__conv1__weight=torch.zeros(3)), "tensors of unfitting shapes"),
    (
        authors_rgb.lesrcnn_state(("up.body.0", 256)),
        with_tensors(sub_mean__shifter__bias=torch.zeros(3)),
        "has another mean colour in 'sub_mean'",
    ),
    (
        authors_rgb.srvgg_state(4, 4, 1),
        with_tensors(body__4__bias=torch.zeros(48, dtype=torch.int32)),
        "holds 'body.4.bias' as torch.int32, which are no weights",
    ),
    (
        authors_rgb.srvgg_state(4, 4, 1),
        with_tensors(body__4__bias=torch.full((48,), float("nan"))),
        "tensor 'tail.bias' holds values that are not finite",
    ),
    (authors_rgb.srvgg_state(8, 4, 1), lambda state: None, "network 'srvgg' has no scale 8"),
    (authors_rgb.srvgg_state(4, 4, 1), with_tensors(body__2__weight=torch.zeros(4, 4, 5, 5)), "does not fit srvgg x4"),
    (authors_rgb.span_state(2), without("block_3.c2_r.conv.1.weight"), "lacks the tensor 'block_3.c2_r.conv.1.weight'"),
    (
        authors_luma.fsrcnn_state(authors_luma.FSRCNN_YJN),
        without("mid_part.3.weight"),
        "lacks the tensor 'mid_part.3.weight'",
    ),
]


@pytest.mark.parametrize(
    ("state", "spoil", "message"), SPOILT, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_spoilt_file_of_others_is_one_clear_line(
    state: State, spoil: Callable[[State], object], message: str, tmp_path: Path
) -> None:
    state = dict(state)
    spoil(state)
    path = saved(tmp_path, state)
    with pytest.raises(NetworkError, match=message) as caught:
        file = open_weights(path)
        file.load(file.scales[0])
    assert "\n" not in str(caught.value)


def test_our_own_file_of_other_options_says_what_does_not_fit(tmp_path: Path) -> None:
    state = build("srvgg", 2).deploy().state_dict()
    del state["convs.16.weight"]
    with pytest.raises(NetworkError, match=r"does not fit srvgg x2: tensor 'convs\.16\.weight' is absent"):
        load_file(saved(tmp_path, state))
