"""SPAN as its authors and the community save it."""

import torch

from vsr.networks.layouts.layout import Given, Layout, Recognised
from vsr.networks.reparam import SpanConv
from vsr.networks.span import BLOCKS


def _convert(given: Given) -> Recognised:
    theirs = {"head": "conv_1", "last": "conv_2"}
    for number in range(BLOCKS):
        theirs.update({f"blocks.{number}.c{i}": f"block_{number + 1}.c{i}_r" for i in (1, 2, 3)})
    tensors = given.layers({"join": "conv_cat", "tail": "upsampler.0"})
    for ours, name in theirs.items():
        tensors[f"{ours}.weight"], tensors[f"{ours}.bias"] = _block(given, name)
    # A marker of the forks that were trained on the plain input.
    centred = "no_norm" not in given
    given.ignore("no_norm")
    width = tensors["join.bias"].numel()
    scale = given.scale_of(tensors["tail.bias"].numel(), 3)
    words = f"SPAN, {width} channels" + ("" if centred else ", on the input as it is")
    return Recognised("span", words, {scale: tensors}, {"width": width, "centred": centred, "anchor": "none"})


def _block(given: Given, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias of a block, from its branches where they are there: eval_conv may be older than they."""
    if f"{name}.sk.weight" not in given:
        return given.take(f"{name}.eval_conv.weight"), given.take(f"{name}.eval_conv.bias")
    given.ignore(f"{name}.eval_conv.weight", f"{name}.eval_conv.bias")
    out_channels, in_channels = given.shape(f"{name}.sk.weight")[:2]
    with torch.device("meta"):
        block = SpanConv(in_channels, out_channels)
    conv = f"{name}.conv"
    names = {"expand": f"{conv}.0", "conv": f"{conv}.1", "squeeze": f"{conv}.2", "shortcut": f"{name}.sk"}
    return given.collapsed(block, names)


LAYOUTS = (
    Layout("SPAN's training form", {"conv_1.sk.weight": 4, "block_1.c1_r.conv.0.weight": 4}, _convert),
    Layout("SPAN's evaluation form", {"conv_1.eval_conv.weight": 4, "block_1.c1_r.eval_conv.weight": 4}, _convert),
)
