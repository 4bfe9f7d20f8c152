"""The tiers: vsr's own luma networks, ECBSR's plain stack with ReLUs, each as deep as its share of LRSRN's time allows.

Narrow and deep at full resolution was the best of the shapes tried (16 to 64 channels, 3 to 12 blocks, at full and half
resolution) by time on AVX512-BF16 and by the published and our own scores of such stacks.
"""

from vsr.networks.ecbsr import ECBSR
from vsr.networks.entry import NetworkEntry


class Realtime(ECBSR):
    """Four blocks of 16 channels: for the size that has to keep up with the camera."""

    name = "realtime"

    def __init__(self, scale: int) -> None:
        super().__init__(scale, blocks=4, channels=16, activation="relu")


class Fast(ECBSR):
    """Seven blocks of 16 channels."""

    name = "fast"

    def __init__(self, scale: int) -> None:
        super().__init__(scale, blocks=7, channels=16, activation="relu")


class Balanced(ECBSR):
    """Twelve blocks of 16 channels: a better picture than LRSRN's, sooner."""

    name = "balanced"

    def __init__(self, scale: int) -> None:
        super().__init__(scale, blocks=12, channels=16, activation="relu")


ENTRIES = tuple(
    NetworkEntry(
        name=builder.name,
        scales=(2, 3, 4),
        domain="luma",
        summary=summary,
        paper="vsr's own; the shape is ECBSR's (Zhang, Zeng, Zhang, ACM MM 2021)",
        builder=builder,
    )
    for builder, summary in (
        (Realtime, "the fastest tier: 4 blocks of 16 channels on luma"),
        (Fast, "the middle tier: 7 blocks of 16 channels on luma"),
        (Balanced, "the slow tier: 12 blocks of 16 channels on luma"),
    )
)
