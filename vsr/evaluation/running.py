"""The upscaler of ``vsr run`` on planes that an evaluation brings itself."""

from fractions import Fraction

from vsr.backends import PrecisionChoice
from vsr.frames import VideoInfo
from vsr.networks import LoadedNetwork
from vsr.placement import choose_placement
from vsr.plane_model import Picture
from vsr.spec import PipelineSpec
from vsr.upscaler import Upscaler


def open_upscaler(
    loaded: LoadedNetwork, source: Picture, target: Picture, *, precision: PrecisionChoice, device: str
) -> Upscaler:
    """An Upscaler of the default backend with the placement that ``vsr run`` chooses. Raises BackendError."""
    info = VideoInfo(
        source.width, source.height, source.layout, source.color, time_base=Fraction(1, 25), frame_rate=None
    )
    placement = choose_placement(PipelineSpec("", "", precision=precision, device=device), loaded, info)
    return Upscaler(loaded, placement, source, target)
