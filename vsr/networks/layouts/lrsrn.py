"""LRSRN as its authors save it: branches of the training form, or already collapsed."""

import torch

from vsr.networks.layouts.layout import Given, Layout, Recognised
from vsr.networks.lrsrn import DEPTH, WIDTH
from vsr.networks.reparam import RepConv


def _convert(given: Given) -> Recognised:
    depth = given.numbered("backbone.{}.conv0.weight") or given.numbered("backbone.{}.conv3x3.weight")
    theirs = {"head": "head", **{f"body.{i}": f"backbone.{i}" for i in range(depth)}, "tail": "transition.0"}
    tensors = {}
    for ours, name in theirs.items():
        tensors[f"{ours}.weight"], tensors[f"{ours}.bias"] = _block(given, name)
    width = tensors["head.bias"].numel()
    if (width, depth) != (WIDTH, DEPTH):
        raise given.refuse(f"has {depth} blocks of {width} channels; vsr has the published {DEPTH} of {WIDTH}")
    scale = given.scale_of(tensors["tail.bias"].numel(), 3)
    return Recognised("lrsrn", "LRSRN of its authors", {scale: tensors}, {"anchor": "none"})


def _block(given: Given, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of the one convolution that a block comes to."""
    if f"{name}.conv3x3.weight" in given:
        return given.take(f"{name}.conv3x3.weight"), given.take(f"{name}.conv3x3.bias")
    # Each branch is registered under a second, short name too.
    given.ignore(*(f"{name}.{short}" for short in ("w0", "b0", "w1", "b1")))
    names = {"expand": f"{name}.conv0", "squeeze": f"{name}.conv1"}
    if f"{name}.conv1_res.weight" in given:
        names["shortcut"] = f"{name}.conv1_res"
    width, in_channels = given.shape(f"{name}.conv0.weight")[:2]
    out_channels = given.shape(f"{name}.conv1.weight")[0]
    with torch.device("meta"):
        skip = in_channels == out_channels or "shortcut" in names
        block = RepConv(in_channels, out_channels, width, skip=skip)
    return given.collapsed(block, names)


LAYOUTS = (
    Layout("LRSRN's training form", {"backbone.0.conv0.weight": 4, "backbone.0.conv1.weight": 4}, _convert),
    Layout("LRSRN's deployed form", {"backbone.0.conv3x3.weight": 4, "transition.0.conv3x3.weight": 4}, _convert),
)
