"""The registry: every network that vsr knows, one entry each, and how to build or load it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from vsr.errors import NetworkError
from vsr.networks.base import Domain, Network, parameter_count
from vsr.networks.bicubic import Bicubic
from vsr.networks.lrsrn import LRSRN, WIDTH, Anchor
from vsr.networks.weights import (
    SHIPPED_DIR,
    OptionValue,
    WeightsCard,
    find_weights,
    put_weights,
    read_card,
    read_tensors,
)


@dataclass(frozen=True)
class NetworkEntry:
    """One network: what it is and what ships for it."""

    name: str
    scales: tuple[int, ...]
    domain: Domain
    summary: str
    """One line."""
    paper: str
    builder: Callable[..., Network]
    """``builder(scale, **options)`` gives the training form."""
    trained: bool = True
    """False: there are no parameters, so no weights are needed."""
    default_weights: Mapping[int, str] = field(default_factory=dict)
    """Scale -> name of the shipped weights that ``load(weights=None)`` takes."""

    def parameters(self, scale: int) -> int:
        """Parameters of the deployed form at ``scale``, biases included."""
        return parameter_count(build(self.name, scale).deploy())

    def shipped_weights(self) -> tuple[str, ...]:
        """Names of the weights of this network that are installed."""
        return tuple(sorted(file.stem for file in SHIPPED_DIR.glob(f"{self.name}_x*.safetensors")))

    def shipped_card(self, weights_name: str) -> WeightsCard | None:
        """The card of one of ``shipped_weights``."""
        return read_card(find_weights(weights_name))


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


def available() -> tuple[NetworkEntry, ...]:
    """Every network, in the order in which to list them."""
    return _ENTRIES


def entry(name: str) -> NetworkEntry:
    """The entry of ``name``; NetworkError naming the choices if there is none."""
    for candidate in _ENTRIES:
        if candidate.name == name:
            return candidate
    choices = ", ".join(candidate.name for candidate in _ENTRIES)
    raise NetworkError(f"no network '{name}'; choose one of: {choices}")


def build(name: str, scale: int, **options: OptionValue) -> Network:
    """The training form of a network with fresh weights; NetworkError on an unknown name, scale or option."""
    chosen = entry(name)
    if scale not in chosen.scales:
        choices = ", ".join(str(one) for one in chosen.scales)
        raise NetworkError(f"network '{name}' has no scale {scale}; choose one of: {choices}")
    known = list(inspect.signature(chosen.builder).parameters)[1:]
    for option in options:
        if option not in known:
            raise NetworkError(f"network '{name}' has no option '{option}'; it has: {', '.join(known) or 'none'}")
    return chosen.builder(scale, **options)


def load(name: str, scale: int, weights: str | Path | None = None) -> LoadedNetwork:
    """The deployed network with its weights: the shipped default, a shipped name, or a .safetensors file.

    Raises NetworkError on an unknown name or scale, where nothing ships for them, or where the file does not fit.
    """
    chosen = entry(name)
    if not chosen.trained:
        if weights is not None:
            raise NetworkError(f"network '{name}' has no parameters and takes no weights ('{weights}'); leave them out")
        return LoadedNetwork(build(name, scale).deploy(), None, None, None)
    fresh = build(name, scale)
    wanted = weights if weights is not None else chosen.default_weights.get(scale)
    if wanted is None:
        raise NetworkError(
            f"no weights ship for {name} x{scale}; use --network bicubic, or give a trained file with --weights FILE"
        )
    path = find_weights(wanted)
    tensors, sha256 = read_tensors(path)
    card = read_card(path)
    if card is not None:
        _check_fits(card, name, scale, sha256, path)
        fresh = build(name, scale, **card.options)
    network = fresh.deploy()
    put_weights(network, tensors, path)
    return LoadedNetwork(network.requires_grad_(False).eval(), path.stem, sha256, card)


def _check_fits(card: WeightsCard, name: str, scale: int, sha256: str, path: Path) -> None:
    if (card.network, card.scale) != (name, scale):
        raise NetworkError(f"{path} holds weights of {card.network} x{card.scale}, not of {name} x{scale}")
    if card.sha256 != sha256:
        raise NetworkError(f"{path} is not the file its card describes (sha256 {sha256[:12]}, card {card.sha256[:12]})")


def _build_bicubic(scale: int) -> Network:
    return Bicubic(scale)


def _build_lrsrn(scale: int, anchor: OptionValue = "nearest", expand: OptionValue = 8 * WIDTH) -> Network:
    if anchor not in get_args(Anchor):
        raise NetworkError(f"lrsrn option anchor is '{anchor}'; choose one of: {', '.join(get_args(Anchor))}")
    if not isinstance(expand, int) or isinstance(expand, bool) or not 1 <= expand <= 4096:
        raise NetworkError(f"lrsrn option expand is {expand!r}; it is a number of channels from 1 to 4096")
    return LRSRN(scale, anchor=cast("Anchor", anchor), expand=expand)


_ENTRIES = (
    NetworkEntry(
        name="lrsrn",
        scales=(2, 3, 4),
        domain="rgb",
        summary="six 3x3 convolutions and a pixel shuffle, the default",
        paper="LRSRN, NTIRE 2023 Real-Time 4K Super-Resolution challenge",
        builder=_build_lrsrn,
        default_weights={2: "lrsrn_x2_clean"},
    ),
    NetworkEntry(
        name="bicubic",
        scales=(2, 3, 4),
        domain="luma",
        summary="bicubic interpolation, the baseline without parameters",
        paper="R. G. Keys, Cubic convolution interpolation, IEEE TASSP 29, 1981",
        builder=_build_bicubic,
        trained=False,
    ),
)
