"""The registry: every network that vsr knows, one entry each, and how to build it."""

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
    packed,
    repsr,
    rtsrn,
    scsrn,
    sesr,
    span,
    srcnn,
    srvgg,
    tiers,
    vdsr,
)
from vsr.networks.base import Network
from vsr.networks.entry import NetworkEntry
from vsr.networks.weights import OptionValue


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


def build(name: str, scale: int, /, **options: OptionValue) -> Network:
    """The training form of a network with fresh weights; NetworkError on an unknown name, scale or option."""
    return entry(name).build(scale, **options)


_ENTRIES = (
    *lrsrn.ENTRIES,
    *tiers.ENTRIES,
    *packed.ENTRIES,
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
