"""Weights files: a safetensors file and its card, a JSON file of the same stem beside it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from vsr.errors import NetworkError
from vsr.networks.base import Network

SHIPPED_DIR = Path(__file__).parent / "weights"
OptionValue = str | int | float | bool


@dataclass(frozen=True)
class WeightsCard:
    """Where a weights file comes from and what it scores; enough to make it again."""

    network: str
    scale: int
    sha256: str
    """Of the .safetensors file, hexadecimal."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """How to build the network that takes these weights."""
    parameters: int = 0
    """Of the deployed form."""
    recipe: str = ""
    recipe_sha256: str = ""
    """Digest of the recipe's text."""
    degradation: str = ""
    """How the low-resolution images were made."""
    steps: int = 0
    seed: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    """Number of images, digest of their names and sizes, licence note."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """What the recipe's text leaves open: the device, whether a perceptual loss was used, how steps were chosen."""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Set -> {"psnr_y" in dB, "ssim_y"}, measured by ``vsr.evaluation`` from this very file."""
    date: str = ""
    """ISO 8601 day of the training's end."""
    torch_version: str = ""


def write_weights(path: Path, network: Network, card: WeightsCard) -> WeightsCard:
    """Write the deployed ``network`` to ``path`` (.safetensors) and its card beside it.

    Returns the card with the file's sha256. Both appear under their names only when whole, the card last.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    content = safetensors.torch.save(tensors)
    final = WeightsCard(**{**_plain(card), "sha256": hashlib.sha256(content).hexdigest()})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content)
        _replace(path.with_suffix(".json"), (json.dumps(_plain(final), indent=2) + "\n").encode())
    except OSError as exc:
        raise NetworkError(f"can't write weights {path}: {exc.strerror or exc}; choose a writable folder") from exc
    return final


def find_weights(name_or_path: str | Path) -> Path:
    """The file of a shipped weights name (``lrsrn_x2_clean``) or of a path; NetworkError if there is none."""
    shipped = SHIPPED_DIR / f"{name_or_path}.safetensors"
    if isinstance(name_or_path, str) and Path(name_or_path).name == name_or_path and shipped.is_file():
        return shipped
    path = Path(name_or_path)
    if path.is_file():
        return path
    names = ", ".join(sorted(file.stem for file in SHIPPED_DIR.glob("*.safetensors"))) or "none"
    raise NetworkError(f"no weights '{name_or_path}': neither a file nor one of the shipped names ({names})")


def read_card(path: Path) -> WeightsCard | None:
    """The card beside the weights file ``path``; None if there is no card."""
    card_path = path.with_suffix(".json")
    if not card_path.is_file():
        return None
    try:
        content = json.loads(card_path.read_text(encoding="utf-8"))
        known = {entry.name for entry in fields(WeightsCard)}
        card = WeightsCard(**{key: value for key, value in content.items() if key in known})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise NetworkError(f"{card_path} is not a weights card ({exc}); remove it or restore it") from exc
    _check_card(card, card_path)
    return card


def put_weights(network: Network, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put ``tensors`` into the deployed ``network``; a tensor that does not fit is a NetworkError."""
    wanted = network.state_dict()
    expected = {name: tuple(tensor.shape) for name, tensor in wanted.items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise NetworkError(
                f"{path} does not fit {network.name} x{network.scale}: tensor '{name}' is "
                f"{found.get(name, 'absent')}, the network has {expected.get(name, 'none of that name')}"
            )
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor.float()).all()):
            raise NetworkError(f"{path}: tensor '{name}' holds values that are not finite numbers; get the file again")
    network.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in tensors.items()})


def _check_card(card: WeightsCard, path: Path) -> None:
    shapes_ok = (
        isinstance(card.network, str)
        and type(card.scale) is int
        and card.scale >= 2
        and isinstance(card.sha256, str)
        and all(isinstance(value, Mapping) for value in (card.options, card.data, card.training, card.scores))
    )
    if not shapes_ok:
        raise NetworkError(
            f"{path} is not a weights card: network, scale, sha256, options, data, training or scores is malformed"
        )


def _plain(card: WeightsCard) -> dict[str, Any]:
    return asdict(card)


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
