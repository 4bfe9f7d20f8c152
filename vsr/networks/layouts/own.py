"""vsr's own files without a card: the deployed form of some network with its usual options."""

import functools
from collections.abc import Mapping
from pathlib import Path

import torch

from vsr.errors import NetworkError
from vsr.networks.layouts.layout import Recognised
from vsr.networks.registry import available, entry

Shapes = frozenset[tuple[str, tuple[int, ...]]]


def recognise_own(tensors: Mapping[str, torch.Tensor], network: str | None, path: Path) -> Recognised | None:
    """The network whose deployed form has exactly these tensors; None if there is none.

    ``network`` decides where several have; without it, they are a NetworkError.
    """
    given = _shapes(tensors)
    fits = [form for form in _forms(network) if _form(*form) == given]
    fits = fits or [form for form in _forms(None) if _form(*form) == given]
    if not fits:
        return None
    names = list(dict.fromkeys(name for name, _ in fits))
    if len(names) > 1:
        raise NetworkError(f"{path} fits {' and '.join(names)}, whose tensors are alike; choose one with --network")
    by_scale = {scale: tensors for _, scale in fits}
    words = f"{names[0]} of vsr, taken to have its usual options (no card says which)"
    return Recognised(names[0], words, by_scale, says_scale=len(by_scale) == 1)


def nearest_own(tensors: Mapping[str, torch.Tensor], network: str | None) -> tuple[str, int] | None:
    """(name, scale) of the network that shares most of its tensors with these, if that is more than half of them."""
    given = _shapes(tensors)
    shares = {form: len(_form(*form) & given) / len(_form(*form)) for form in _forms(network)}
    best = max(shares, key=lambda form: shares[form], default=None)
    return best if best is not None and shares[best] > 0.5 else None


def _forms(network: str | None) -> list[tuple[str, int]]:
    entries = available() if network is None else (entry(network),)
    return [(one.name, scale) for one in entries if one.trained for scale in one.scales]


@functools.cache
def _form(network: str, scale: int) -> Shapes:
    return _shapes(entry(network).build(scale).deploy().state_dict())


def _shapes(tensors: Mapping[str, torch.Tensor]) -> Shapes:
    return frozenset((name, tuple(tensor.shape)) for name, tensor in tensors.items())
