"""Networks that vsr has not, through the spandrel package where it is installed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vsr.errors import NetworkError
from vsr.networks.base import Network


class SpandrelNetwork(Network):
    """A model of spandrel behind vsr's contract: (N,3,H,W) in [0, 1] -> (N,3,scale*H,scale*W) in [0, 1].

    What a pixel depends on is not known, so that it counts as the whole picture. Sizes that the model can't take are
    padded by spandrel, and cut again.
    """

    domain = "rgb"
    halo = None

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.architecture = str(descriptor.architecture.name)
        self.name = f"spandrel {self.architecture}"
        self.scale = descriptor.scale
        # The descriptor is no module: this is what moves it to a device.
        self.model = descriptor.model
        self.descriptor = descriptor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        # A descriptor takes one picture, and gives a tensor of the inference mode, which cat makes a usual one of.
        return torch.cat([self.descriptor(picture[None]) for picture in x.unbind()])


def load_by_spandrel(tensors: Mapping[str, torch.Tensor], path: Path) -> SpandrelNetwork:
    """The network that spandrel sees in ``tensors``.

    Raises NetworkError without spandrel, where it knows no such network, and for one that does not enlarge RGB.
    """
    spandrel = _spandrel(path)
    try:
        descriptor = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(tensors))
    except spandrel.UnsupportedModelError as exc:
        raise NetworkError(
            f"{path} is of no layout that vsr or spandrel knows (its tensors: {_names(tensors)})"
        ) from exc
    except Exception as exc:
        # An architecture's own code runs on what the file claims to be, and may fail in any way.
        raise NetworkError(f"spandrel can't load {path} ({_one_line(exc)}); get the file again") from exc
    channels = (descriptor.input_channels, getattr(descriptor, "output_channels", None))
    if descriptor.purpose != "SR" or descriptor.scale < 2 or channels != (3, 3):
        raise NetworkError(
            f"{path} is {descriptor.architecture.name} for {descriptor.purpose} x{descriptor.scale} with "
            f"{channels[0]} channels; vsr runs networks that enlarge RGB"
        )
    return SpandrelNetwork(descriptor)


def _spandrel(path: Path) -> Any:
    try:
        import spandrel
    except ModuleNotFoundError as exc:
        raise NetworkError(
            f"{path} is of no layout that vsr knows; pip install 'vsr[community]' to read it through spandrel "
            f"({exc.name} is not installed)"
        ) from exc
    except (ImportError, RuntimeError) as exc:
        raise NetworkError(
            f"{path} is of no layout that vsr knows, and spandrel, which may know it, can't be imported "
            f"({_one_line(exc)}); install the torchvision that fits torch {torch.__version__}"
        ) from exc
    return spandrel


def _names(tensors: Mapping[str, torch.Tensor]) -> str:
    names = sorted(tensors)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
