"""Networks in int8: what stays the same, what it costs, what ships, and what is refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from vsr.errors import NetworkError
from vsr.networks import Network, NetworkEntry, available, build, load, load_file
from vsr.networks.base import Shuffled
from vsr.networks.int8 import QuantisedConv, Range, calibration_path, convolutions, quantise, read_calibration
from vsr.networks.weights import SHIPPED_DIR

SHIPPED = sorted(path.name.removesuffix(".int8.json") for path in SHIPPED_DIR.glob("*.int8.json"))
WEIGHTS = "lrsrn_x2_clean"
UNIT = Range(0.0, 1.0)


def picture(channels: int) -> torch.Tensor:
    """Waves, edges and grain, (1,channels,48,64)."""
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    grain = torch.rand(48, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    one = 0.45 + 0.2 * torch.sin(x / 7) * torch.cos(y / 9) + 0.2 * ((x + y) // 12 % 2) + 0.05 * grain
    return one.expand(1, channels, -1, -1)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Weights with their card and calibration in a folder of their own."""
    for suffix in (".safetensors", ".json", ".int8.json"):
        shutil.copy(SHIPPED_DIR / f"{WEIGHTS}{suffix}", tmp_path)
    return tmp_path / f"{WEIGHTS}.safetensors"


@pytest.mark.parametrize("weights", SHIPPED)
def test_a_shipped_calibration_is_of_its_weights_and_costs_at_most_a_twentieth_of_a_decibel(weights: str) -> None:
    loaded = load_file(weights)
    calibration = loaded.int8
    assert calibration is not None
    assert calibration.weights_sha256 == loaded.sha256
    assert set(calibration.ranges) | set(calibration.left_out) == set(convolutions(loaded.network))
    assert {"Set5", "Set14"} <= calibration.scores.keys()
    for name, score in calibration.scores.items():
        assert score["loss"] == pytest.approx(score["float"] - score["int8"], abs=1.5e-4)
        assert score["loss"] <= 0.05
        assert loaded.card is not None
        assert score["float"] == pytest.approx(loaded.card.scores[name]["psnr_y"], abs=0.002)


@pytest.mark.parametrize("weights", SHIPPED)
def test_the_int8_form_is_the_same_network_nearly(weights: str) -> None:
    loaded = load_file(weights)
    network, quantised = loaded.network, loaded.quantised()
    x = picture(network.channels)
    with torch.inference_mode():
        exact, result = network(x), quantised(x)
        if isinstance(quantised, Shuffled):
            assert torch.equal(
                quantised.phases(x).permute(0, 3, 1, 2), nn.functional.pixel_unshuffle(result, network.scale)
            )
    error = ((result - exact) ** 2).mean()
    assert 0 < error < 10**-4.5  # 45 dB
    for name in ("name", "scale", "domain", "halo", "multiple_of", "anchored", "channels"):
        assert getattr(quantised, name) == getattr(network, name)
    assert not any(isinstance(module, QuantisedConv) for module in network.modules())


def test_codes_of_the_input_pass_as_they_are() -> None:
    """An 8-bit picture has 256 values, and so has a range from 0 to 1."""
    conv = nn.Conv2d(1, 1, 1, bias=False)
    conv.weight.data.fill_(1)
    codes = torch.arange(256.0).reshape(1, 1, 16, 16) / 255
    assert torch.allclose(QuantisedConv(conv, UNIT)(codes), codes, atol=1e-7)


def test_values_are_clipped_and_rounded_and_zero_is_exact() -> None:
    conv = nn.Conv2d(1, 1, 1, bias=False)
    conv.weight.data.fill_(1)
    quantised = QuantisedConv(conv, Range(-1.0, 3.0))
    step = 4 / 255
    values = torch.tensor([-9.0, 0.0, 0.4 * step, 0.6 * step, 9.0]).reshape(1, 1, 1, 5)
    lowest = -64 * step
    expected = [lowest, 0, 0, step, lowest + 255 * step]
    assert quantised(values).flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_a_kernel_has_a_step_for_each_output_channel() -> None:
    conv = nn.Conv2d(1, 3, 1, bias=False)
    conv.weight.data = torch.tensor([100.0, 0.01, 0.0]).reshape(3, 1, 1, 1)
    result = QuantisedConv(conv, UNIT)(torch.ones(1, 1, 1, 1)).flatten()
    assert result.tolist() == pytest.approx([100.0, 0.01, 0.0])


def test_what_is_not_named_keeps_its_floats() -> None:
    network = load("ecbsr", 2).network
    quantised = quantise(network, {"body.1": UNIT})
    assert [name for name, one in quantised.named_modules() if isinstance(one, QuantisedConv)] == ["body.1"]


@pytest.mark.parametrize("entry", [one for one in available() if one.trained], ids=lambda one: one.name)
def test_every_network_is_quantised_or_refused_in_words(entry: NetworkEntry) -> None:
    torch.manual_seed(0)
    network: Network = build(entry.name, entry.scales[0]).deploy()
    side = 4 * network.multiple_of
    x = torch.rand(1, network.channels, side, side)
    try:
        ranges = dict.fromkeys(convolutions(network), Range(-1.0, 1.0))
    except NetworkError as error:
        assert "can't be run in int8" in str(error)
        return
    with torch.inference_mode():
        assert quantise(network, ranges)(x).shape == network(x).shape


def test_a_network_without_convolutions_is_refused() -> None:
    with pytest.raises(NetworkError, match="no convolutions"):
        convolutions(load("bicubic", 2).network)


def test_a_network_that_multiplies_otherwise_is_refused() -> None:
    network = build("fsrcnn", 2).deploy()
    with pytest.raises(NetworkError, match="belongs to a ConvTranspose2d"):
        quantise(network, {})


def test_ranges_of_another_network_are_refused() -> None:
    with pytest.raises(NetworkError, match="no convolution 'neck'"):
        quantise(load("lrsrn", 2).network, {"neck": UNIT})


def test_weights_without_a_calibration_name_the_command() -> None:
    with pytest.raises(NetworkError, match="vsr calibrate --weights espcn_x2_clean"):
        load_file("espcn_x2_clean").quantised()


def test_a_calibration_of_other_weights_is_refused(copied: Path) -> None:
    path = calibration_path(copied)
    path.write_text(path.read_text().replace('"weights_sha256": "', '"weights_sha256": "0'))
    loaded = load_file(copied)
    with pytest.raises(NetworkError, match=r"of other weights .* vsr calibrate"):
        loaded.quantised()


@pytest.mark.parametrize(
    "ranges",
    [
        None,
        [],
        {"head": [0]},
        {"head": [0, -1]},
        {"head": [0.5, 1]},
        {"head": [0, 1e999]},
        {"head": [-(10**400), 1]},
        {"head": "ab"},
    ],
)
def test_a_damaged_calibration_is_refused(copied: Path, ranges: object) -> None:
    path = calibration_path(copied)
    path.write_text(json.dumps({**json.loads(path.read_text()), "ranges": ranges}))
    with pytest.raises(NetworkError, match="is not a calibration"):
        read_calibration(copied)
