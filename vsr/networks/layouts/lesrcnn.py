"""LESRCNN and LESRCNN-S as their authors save them."""

import torch

from vsr.networks.div2k import mean_rgb
from vsr.networks.layouts.layout import Given, Layout, Recognised
from vsr.networks.lesrcnn import PAIRS, REFINEMENTS, SCALES


def _convert(given: Given) -> Recognised:
    _take_mean(given, "sub_mean", -1)
    _take_mean(given, "add_mean", 1)
    names = {"head": "conv1.0", "tail": "conv18.0"}
    for number in range(PAIRS):
        names[f"pairs.{number}.mix"] = f"conv{2 * number + 2}.0"
        names[f"pairs.{number}.point"] = f"conv{2 * number + 3}.0"
    names.update({f"refine.{i}": f"conv17_{i + 1}.0" for i in range(REFINEMENTS)})
    shared = given.layers(names, "weight")
    if "upsample.up2.body.0.weight" in given:
        by_scale = {scale: shared | _upsampler(given, f"upsample.up{scale}") for scale in SCALES}
        return Recognised("lesrcnn", "LESRCNN of its authors, for every scale", by_scale)
    upsampler = _upsampler(given, "upsample.up")
    # Each stage of x2 has four times the channels, the one of x3 nine times.
    scale = given.scale_of(upsampler["up.0.bias"].numel(), shared["head.weight"].shape[0]) ** (len(upsampler) // 2)
    return Recognised("lesrcnn-s", "LESRCNN-S of its authors", {scale: shared | upsampler})


def _upsampler(given: Given, name: str) -> dict[str, torch.Tensor]:
    """Of one scale; the second stage, which x4 has, comes after a pixel shuffle."""
    stages = [stage for stage in (0, 2) if f"{name}.body.{stage}.weight" in given]
    return given.layers({f"up.{stage}": f"{name}.body.{stage}" for stage in stages})


def _take_mean(given: Given, name: str, sign: int) -> None:
    """The fixed 1x1 convolution that takes the mean colour or gives it back, which vsr has built in."""
    shift = given.layers({"": f"{name}.shifter"})
    identity = torch.eye(3).view(3, 3, 1, 1)
    same_mean = torch.allclose(shift[".bias"], sign * mean_rgb().flatten(), atol=1e-3)
    if not torch.equal(shift[".weight"], identity) or not same_mean:
        raise given.refuse(f"has another mean colour in '{name}' than DIV2K's; no such network is built in")


LAYOUTS = (Layout("LESRCNN's authors", {"conv1.0.weight": 4, "conv17_1.0.weight": 4, "conv18.0.weight": 4}, _convert),)
