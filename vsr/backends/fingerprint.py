"""What tells one PlaneModel from another: the name under which its compiled forms are cached."""

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from vsr.plane_model import PlaneModel

_CODE = ("networks", "color.py", "domains.py", "plane_model.py", "resample.py", "export", "backends")
"""What of vsr a compiled form depends on, besides weights and options."""


def fingerprint(model: PlaneModel) -> str:
    """A digest of everything that decides the model's arithmetic: weights, pictures, precision and vsr's own code."""
    digest = hashlib.sha256(_code_digest())
    # The structure in words covers the options of networks: each decides layers, of which every one is named.
    digest.update(repr((model, model.source, model.target, model.precision, model.strip_rows)).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@cache
def _code_digest() -> bytes:
    digest = hashlib.sha256()
    root = resources.files("vsr")
    for name in _CODE:
        _add_code(digest, root / name)
    return digest.digest()


def _add_code(digest: "hashlib._Hash", item: Traversable) -> None:
    if item.is_dir():
        for inner in sorted(item.iterdir(), key=lambda one: one.name):
            _add_code(digest, inner)
    elif item.name.endswith(".py"):
        digest.update(item.read_bytes())
