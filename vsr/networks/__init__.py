"""Networks: one file a network, an explicit registry, and weights files with a card each."""

from vsr.networks.base import Domain, Network, parameter_count
from vsr.networks.entry import NetworkEntry
from vsr.networks.loading import LoadedNetwork, load, load_file
from vsr.networks.registry import available, build, entry
from vsr.networks.weights import WeightsCard

__all__ = [
    "Domain",
    "LoadedNetwork",
    "Network",
    "NetworkEntry",
    "WeightsCard",
    "available",
    "build",
    "entry",
    "load",
    "load_file",
    "parameter_count",
]
