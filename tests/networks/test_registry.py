"""The registry: choices are named in every refusal, and what ships loads."""

from pathlib import Path

import pytest
import torch

from vsr.errors import NetworkError
from vsr.networks import NetworkEntry, available, build, entry, load


def test_names_are_unique_and_every_network_builds() -> None:
    names = [one.name for one in available()]
    assert len(set(names)) == len(names)
    for one in available():
        for scale in one.scales:
            network = build(one.name, scale)
            assert (network.name, network.scale, network.domain) == (one.name, scale, one.domain)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build("srgan", 2), "no network 'srgan'.*lrsrn.*bicubic"),
        (lambda: build("lrsrn", 5), "no scale 5.*2, 3, 4"),
        (lambda: build("lrsrn", 2, width=64), "no option 'width'.*anchor"),
        (lambda: build("lrsrn", 2, anchor="linear"), "'linear'.*nearest, none"),
        (lambda: build("lrsrn", 2, expand=0), "expand is 0"),
        (lambda: build("lrsrn", 2, expand="many"), "expand is 'many'"),
        (lambda: build("lrsrn", 2, expand=4097), "expand is 4097; it is a number from 1 to 4096"),
        (lambda: build("ecbsr", 2, expand=4097), "expand is 4097; it is a number from 1 to 4096"),
        (lambda: build("srvgg", 2, depth=65), "depth is 65; it is a number from 1 to 64"),
        (lambda: build("drrn", 2, units=33), "units is 33; it is a number from 1 to 32"),
        (lambda: build("bicubic", 2, anchor="none"), "no option 'anchor'"),
        (lambda: load("lrsrn", 2, "no_such_weights"), "no weights 'no_such_weights'.*lrsrn_x2_clean"),
        (lambda: load("lrsrn", 2, Path("/nowhere/at/all.safetensors")), "no weights '/nowhere/at/all"),
        (lambda: load("ecbsr", 4), "no weights ship for ecbsr x4.*--network bicubic.*--weights FILE"),
        (lambda: load("packed", 4), "no weights ship for packed x4.*--network bicubic.*--weights FILE"),
        (lambda: load("lrsrn", 4, "lrsrn_x2_clean"), "lrsrn x2, not of lrsrn x4"),
        (lambda: load("bicubic", 2, "lrsrn_x2_clean"), "takes no weights"),
    ],
)
def test_refusals_say_what_was_met_and_what_to_choose(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(NetworkError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_bicubic_loads_without_weights() -> None:
    loaded = load("bicubic", 3)
    assert (loaded.weights_name, loaded.sha256, loaded.card) == (None, None, None)
    assert loaded.network(torch.ones(1, 1, 4, 4)).shape == (1, 1, 12, 12)


@pytest.mark.parametrize("one", available(), ids=lambda one: one.name)
def test_what_ships_loads_and_its_card_is_complete(one: NetworkEntry) -> None:
    assert all(one.default_weights(scale) in one.shipped_weights() for scale in one.ready_scales() if one.trained)
    for name in one.shipped_weights():
        card = one.shipped_card(name)
        assert card is not None
        loaded = load(card.network, card.scale, name)
        assert loaded.weights_name == name
        assert loaded.sha256 == card.sha256
        assert card.parameters == one.parameters(card.scale)
        assert card.steps > 0
        assert card.recipe
        assert card.data["images"] > 0
        assert {"Set5", "Set14"} <= set(card.scores)
        assert not loaded.network.training
        assert not any(parameter.requires_grad for parameter in loaded.network.parameters())


def test_default_weights_sharpen_beyond_bicubic() -> None:
    """A disc with a soft edge, shrunk by two: the shipped network restores it better than interpolation."""
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    disc = torch.sigmoid(4 * (30 - ((x - 47) ** 2 + (y - 45) ** 2).sqrt())) * 0.7 + 0.15
    truth = disc.expand(1, 3, -1, -1)
    small = torch.nn.functional.interpolate(truth, scale_factor=0.5, mode="bicubic", antialias=True)
    with torch.no_grad():
        network_error = (load("lrsrn", 2).network(small) - truth).square().mean()
        bicubic = load("bicubic", 2).network(small.transpose(0, 1)).transpose(0, 1)
    assert network_error < 0.5 * (bicubic - truth).square().mean()


def test_entries_count_parameters_of_the_deployed_form() -> None:
    assert entry("lrsrn").parameters(2) == 41_356
    assert entry("bicubic").parameters(4) == 0
