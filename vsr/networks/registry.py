"""The registry: every network that vsr knows, one entry each, and how to build or load it."""

from dataclasses import dataclass
from pathlib import Path

from vsr.errors import NetworkError
from vsr.networks import (
    bicubic,
    carn,
    dcnsr,
    drrn,
    ecbsr,
    edsr,
    espcn,
    fsrcnn,
    imdn,
    lesrcnn,
    litesrnet,
    lrsrn,
    repsr,
    rtsrn,
    scsrn,
    sesr,
    span,
    srcnn,
    srvgg,
    vdsr,
)
from vsr.networks.base import Network
from vsr.networks.entry import NetworkEntry
from vsr.networks.weights import OptionValue, WeightsCard, find_weights, put_weights, read_card, read_tensors


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
    return entry(name).build(scale, **options)


def load(name: str, scale: int, weights: str | Path | None = None) -> LoadedNetwork:
    """The deployed network with its weights: the shipped default, a shipped name, or a .safetensors file.

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
    path = find_weights(wanted)
    tensors, sha256 = read_tensors(path)
    card = read_card(path)
    if card is not None:
        _check_fits(card, name, scale, sha256, path)
        fresh = chosen.build(scale, **card.options)
    network = fresh.deploy()
    put_weights(network, tensors, path)
    return LoadedNetwork(network.requires_grad_(False).eval(), path.stem, sha256, card)


def _check_fits(card: WeightsCard, name: str, scale: int, sha256: str, path: Path) -> None:
    if (card.network, card.scale) != (name, scale):
        raise NetworkError(f"{path} holds weights of {card.network} x{card.scale}, not of {name} x{scale}")
    if card.sha256 != sha256:
        raise NetworkError(f"{path} is not the file its card describes (sha256 {sha256[:12]}, card {card.sha256[:12]})")


_ENTRIES = (
    *lrsrn.ENTRIES,
    *litesrnet.ENTRIES,
    *lesrcnn.ENTRIES,
    *drrn.ENTRIES,
    *ecbsr.ENTRIES,
    *sesr.ENTRIES,
    *scsrn.ENTRIES,
    *rtsrn.ENTRIES,
    *repsr.ENTRIES,
    *dcnsr.ENTRIES,
    *carn.ENTRIES,
    *imdn.ENTRIES,
    *edsr.ENTRIES,
    *vdsr.ENTRIES,
    *fsrcnn.ENTRIES,
    *espcn.ENTRIES,
    *srcnn.ENTRIES,
    *srvgg.ENTRIES,
    *span.ENTRIES,
    *bicubic.ENTRIES,
)
