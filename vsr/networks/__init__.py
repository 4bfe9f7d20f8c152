"""Networks: one file a network, an explicit registry, and weights files with a card each."""

from vsr.networks.base import Domain, Network, parameter_count
from vsr.networks.entry import NetworkEntry
from vsr.networks.registry import LoadedNetwork, available, build, entry, load
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
    "parameter_count",
]
