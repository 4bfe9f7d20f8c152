"""From a weights file to a network ready to run: what the file is for, and its tensors in place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from vsr.errors import NetworkError
from vsr.networks.base import Network
from vsr.networks.cascade import Cascade
from vsr.networks.checkpoint_files import read_tensors, without_prefix
from vsr.networks.int8 import Calibration, quantise, read_calibration
from vsr.networks.layouts import Recognised, recognise
from vsr.networks.layouts.own import nearest_own, recognise_own
from vsr.networks.parameter_limit import AtMost
from vsr.networks.registry import entry
from vsr.networks.spandrel_networks import load_by_spandrel
from vsr.networks.weights import OptionValue, WeightsCard, find_weights, put_weights, read_card

_MOST_BRANCHES = 64
"""A training form has at most so many times the parameters of the deployed form, which is what a file holds."""
_SMALL = 1 << 24
"""Parameters that every machine has room for: expansions may be more than that many times as wide as small networks."""


@dataclass(frozen=True)
class LoadedNetwork:
    """A network ready to run and where its weights come from."""

    network: Network
    """Deployed, in eval mode, float32, on the CPU."""
    weights_name: str | None
    """Stem of the weights file; None where the network has no parameters."""
    sha256: str | None
    """Of the weights file, hexadecimal."""
    card: WeightsCard | None
    """None where no card lies beside the file."""
    recognised: str | None = None
    """In words, what a file without a card was recognised as; None with a card or without a file."""
    int8: Calibration | None = None
    """What lies beside the weights file for running it in int8."""

    def quantised(self) -> Network:
        """The network in int8. NetworkError without a calibration, or with one of other weights."""
        if isinstance(self.network, Cascade):
            raise NetworkError(f"int8 is for one pass, not for {self.network.name}; use another --precision")
        again = f"run vsr calibrate --weights {self.weights_name}, or use another --precision"
        if self.int8 is None:
            raise NetworkError(f"no int8 calibration ships with {self.weights_name}; {again}")
        if self.int8.weights_sha256 != self.sha256:
            raise NetworkError(
                f"the int8 calibration beside {self.weights_name} is of other weights (sha256 "
                f"{self.int8.weights_sha256[:12]}, the file's {str(self.sha256)[:12]}); {again}"
            )
        return quantise(self.network, self.int8.ranges)


@dataclass(frozen=True)
class WeightsFile:
    """A weights file that was read and recognised."""

    path: Path
    sha256: str
    """Of the file, hexadecimal."""
    card: WeightsCard | None
    network: str
    """Name of the network that it is for: in the registry, or spandrel's."""
    words: str
    """What it was recognised as; empty where a card says it."""
    scales: tuple[int, ...]
    """At which it can be loaded."""
    says_scale: bool
    """False: it was made for one of ``scales`` and does not say for which."""
    build: Callable[[int], Network]
    """The deployed network with the file's weights, at one of ``scales``."""

    def load(self, scale: int) -> LoadedNetwork:
        """The network at ``scale``; NetworkError if the file is not for it."""
        if scale not in self.scales:
            raise NetworkError(
                f"{self.path} holds weights of {self.network} {self.fits()}, not of {self.network} x{scale}"
            )
        network = self.build(scale).requires_grad_(False).eval()
        recognised = f"{self.path.name}: recognised {self.words} ({self.network} x{scale})" if self.words else None
        int8 = read_calibration(self.path)
        return LoadedNetwork(network, self.path.stem, self.sha256, self.card, recognised, int8)

    def fits(self) -> str:
        """The scales in words: ``x2``, or ``x2, x3 and x4``."""
        words = [f"x{scale}" for scale in self.scales]
        return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def load(name: str, scale: int, weights: str | Path | None = None) -> LoadedNetwork:
    """The deployed network with its weights: the shipped default, a shipped name, or a weights file of any kind.

    Raises NetworkError on an unknown name or scale, where nothing ships for them, or where the file does not fit.
    """
    chosen = entry(name)
    fresh = chosen.build(scale)
    if not chosen.trained:
        if weights is not None:
            raise NetworkError(f"network '{name}' has no parameters and takes no weights ('{weights}'); leave them out")
        return LoadedNetwork(fresh.deploy(), None, None, None)
    wanted = weights if weights is not None else chosen.default_weights(scale)
    if wanted is None:
        raise NetworkError(
            f"no weights ship for {name} x{scale}; use --network bicubic, or give a trained file with --weights FILE"
        )
    return open_weights(wanted, name).load(scale)


def load_file(weights: str | Path, network: str | None = None, scale: int | None = None) -> LoadedNetwork:
    """The deployed network that a shipped name or a weights file is for.

    ``network`` and ``scale`` may be left out where the file says them. Raises NetworkError where it contradicts them,
    is for several scales or does not say for which, and as ``open_weights`` does.
    """
    file = open_weights(weights, network)
    if scale is None and len(file.scales) > 1:
        raise NetworkError(f"{file.path} can be {file.network} {file.fits()}; say which with --scale")
    return file.load(file.scales[0] if scale is None else scale)


def open_weights(weights: str | Path, network: str | None = None) -> WeightsFile:
    """Read a shipped name or a weights file of any kind and recognise what it is for.

    ``network`` is needed only where two networks have the same tensors. Raises NetworkError on a file that can't be
    read or recognised, or is for another network than ``network``.
    """
    if network is not None and not entry(network).trained:
        raise NetworkError(f"network '{network}' has no parameters and takes no weights ('{weights}'); leave them out")
    path = find_weights(weights)
    tensors, sha256 = read_tensors(path)
    card = read_card(path) if path.suffix == ".safetensors" else None
    if card is not None and card.sha256 != sha256:
        raise NetworkError(f"{path} is not the file its card describes (sha256 {sha256[:12]}, card {card.sha256[:12]})")
    found = _from_card(card, tensors) if card is not None else _recognise(tensors, network, path)
    if found is not None:
        scales = tuple(found.tensors)
        build = _builder(found, path)
        file = WeightsFile(path, sha256, card, found.network, found.words, scales, found.says_scale, build)
    elif path.suffix.lower() == ".onnx":
        raise NetworkError(
            f"{path} is of no layout that vsr knows by its tensors' names, and vsr does not run ONNX graphs; "
            "give the PyTorch weights that it was made from"
        )
    else:
        model = load_by_spandrel(tensors, path)
        words = f"{model.architecture}, run by spandrel"
        file = WeightsFile(path, sha256, None, model.name, words, (model.scale,), True, lambda _: model.deploy())
    if network is not None and file.network != network:
        raise NetworkError(
            f"{path} holds weights of {file.network} {file.fits()}, not of {network}; leave out --network"
        )
    return file


def _from_card(card: WeightsCard, tensors: Mapping[str, torch.Tensor]) -> Recognised:
    return Recognised(card.network, "", {card.scale: tensors}, card.options)


def _recognise(tensors: Mapping[str, torch.Tensor], network: str | None, path: Path) -> Recognised | None:
    inner = without_prefix(tensors)
    found = recognise(inner, path) or recognise_own(inner, network, path)
    near = nearest_own(inner, network) if found is None else None
    if near is not None:
        # Ours, but damaged or of other options: this raises what does not fit.
        put_weights(_build(near[0], near[1], {}, path, inner), inner, path)
    return found


def _builder(found: Recognised, path: Path) -> Callable[[int], Network]:
    def build(scale: int) -> Network:
        network = _build(found.network, scale, found.options, path, found.tensors[scale])
        put_weights(network, found.tensors[scale], path)
        return network

    return build


def _build(
    network: str, scale: int, options: Mapping[str, OptionValue], path: Path, tensors: Mapping[str, torch.Tensor]
) -> Network:
    """The deployed network for the file ``path`` with ``tensors``, which its options may ask far too much of."""
    held = sum(tensor.numel() for tensor in tensors.values())
    with AtMost(max(_MOST_BRANCHES * held, _SMALL), f"{path}, which holds {held} numbers,"):
        return entry(network).build(scale, **options).deploy()
