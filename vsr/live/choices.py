"""What the viewers of a run may choose from: networks that are fast enough to be worth a try, and scales."""

from vsr.live.controls import OWN_SIZE, Controls
from vsr.live.rung import TIERS
from vsr.networks.loading import open_weights
from vsr.scaling import DEFAULT_NETWORK
from vsr.spec import PipelineSpec

_SCALES = (2, 3, 4)


def make_controls(spec: PipelineSpec) -> Controls:
    """Controls that begin with what ``spec`` asks for. Raises NetworkError for weights that can't be used."""
    network = spec.network or (open_weights(spec.weights).network if spec.weights else DEFAULT_NETWORK)
    networks = dict.fromkeys((*TIERS, DEFAULT_NETWORK, network))
    scale = OWN_SIZE if spec.to is not None else spec.scale or _SCALES[0]
    return Controls(tuple(networks), _SCALES, network=network, scale=scale)
