"""Weights files: what is written comes back, and a foreign, damaged or hostile file is one clear error."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from vsr.errors import NetworkError
from vsr.networks import NetworkEntry, available, build, load
from vsr.networks.loading import open_weights
from vsr.networks.weights import WeightsCard, read_card, write_weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A weights file of a random LRSRN x2 with its card."""
    path = tmp_path / "mine.safetensors"
    card = WeightsCard(network="lrsrn", scale=2, sha256="", options={"anchor": "none", "expand": 8}, steps=7)
    write_weights(path, build("lrsrn", 2, anchor="none", expand=8).deploy(), card)
    return path


def test_round_trip(weights: Path) -> None:
    loaded = load("lrsrn", 2, weights)
    tensors = safetensors.torch.load_file(weights)
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in loaded.network.state_dict().items())
    assert loaded.weights_name == "mine"
    assert loaded.card is not None
    assert loaded.card.steps == 7
    assert loaded.card.sha256 == loaded.sha256


@pytest.mark.parametrize("one", [one for one in available() if one.trained], ids=lambda one: one.name)
def test_a_loaded_network_has_all_its_numbers(one: NetworkEntry, tmp_path: Path) -> None:
    """Those that no file holds too: it is built without any."""
    network = one.build(2).deploy()
    path = tmp_path / "mine.safetensors"
    write_weights(path, network, WeightsCard(one.name, 2, sha256=""))
    x = torch.rand(1, network.channels, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(load(one.name, 2, path).network(x), network(x), rtol=0, atol=0)


def test_what_is_loaded_is_a_copy(weights: Path) -> None:
    file = open_weights(weights)
    first, second = file.load(2).network, file.load(2).network
    next(first.parameters()).zero_()
    assert next(second.parameters()).any()


def test_options_of_the_card_shape_the_network(weights: Path) -> None:
    x = torch.rand(1, 3, 6, 6)
    plain = load("lrsrn", 2, weights).network(x)
    weights.with_suffix(".json").unlink()
    anchored = load("lrsrn", 2, weights)
    assert anchored.card is None
    torch.testing.assert_close(anchored.network(x) - plain, torch.nn.functional.interpolate(x, scale_factor=2))


def spoil_bytes(content: bytes) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(content)
        path.with_suffix(".json").unlink()

    return spoil


def spoil_tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        tensors = safetensors.torch.load_file(path)
        change(tensors)
        safetensors.torch.save_file(tensors, path)
        path.with_suffix(".json").unlink()

    return spoil


def spoil_card(**changes: object) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        card = path.with_suffix(".json")
        card.write_text(json.dumps({**json.loads(card.read_text()), **changes}))

    return spoil


def spoil_card_text(text: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.with_suffix(".json").write_text(text)

    return spoil


NOTHING_LARGE = json.dumps({"a": {"dtype": "F32", "shape": [0, 1 << 62, 1 << 62], "data_offsets": [0, 0]}}).encode()
"""A header whose only tensor has no numbers, in a shape whose steps no integer holds."""


class Bomb:
    """Runs code if anything unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (pytest.fail, ("a weights file was unpickled",))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_bytes(b""), "not a safetensors file"),
        (spoil_bytes(b"not weights at all, only a line of text\n"), "not a safetensors file"),
        (spoil_bytes(pickle.dumps(Bomb())), "not a safetensors file"),
        (spoil_bytes((2**62).to_bytes(8, "little") + b"{}"), "not a safetensors file"),
        (spoil_bytes(len(NOTHING_LARGE).to_bytes(8, "little") + NOTHING_LARGE), "not a safetensors file"),
        (spoil_tensors(lambda tensors: tensors.pop("head.bias")), "tensor 'head.bias' is absent"),
        (spoil_tensors(lambda tensors: tensors.update(extra=torch.zeros(1))), "'extra'.*none of that name"),
        (spoil_tensors(lambda tensors: tensors.update({"head.bias": torch.zeros(5)})), r"'head.bias' is \(5,\)"),
        (spoil_tensors(lambda tensors: tensors["tail.bias"].fill_(float("nan"))), "'tail.bias'.*not finite"),
        (
            spoil_tensors(lambda tensors: tensors.update({"tail.bias": torch.zeros(12, dtype=torch.int32)})),
            "'tail.bias'.*not finite",
        ),
        (spoil_card(network="span"), "span x2, not of lrsrn"),
        (spoil_card(scale=4), "lrsrn x4, not of lrsrn x2"),
        (spoil_card(sha256="00" * 32), "not the file its card describes"),
        (spoil_card(options=["anchor"]), "malformed"),
        (spoil_card(scale=1), "malformed"),
        (spoil_card(scale=True), "malformed"),
        (spoil_card(options={"depth": 9}), "no option 'depth'"),
        (spoil_card(options={"scale": 3}), "no option 'scale'"),
        (spoil_card(options={"self": 1}), "no option 'self'"),
        (spoil_card(options={"expand": 5000}), "expand is 5000; it is a number from 1 to 4096"),
        (spoil_card_text("{"), "not a weights card"),
        (spoil_card_text("[]"), "not a weights card"),
        (spoil_card_text("[" * 100_000), "not a weights card"),
        (spoil_card_text('{"scale": 2}'), "not a weights card"),
    ],
)
def test_spoilt_file_is_one_clear_line(weights: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(weights)
    with pytest.raises(NetworkError, match=message) as caught:
        load("lrsrn", 2, weights)
    assert "\n" not in str(caught.value)


def test_card_keeps_unknown_keys_of_later_versions_out(weights: Path) -> None:
    spoil_card(colour="mauve")(weights)
    card = read_card(weights)
    assert card is not None
    assert card.steps == 7


def test_unwritable_place_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    card = WeightsCard(network="lrsrn", scale=2, sha256="")
    with pytest.raises(NetworkError, match="can't write weights"):
        write_weights(tmp_path / "file" / "w.safetensors", build("lrsrn", 2, expand=8).deploy(), card)
