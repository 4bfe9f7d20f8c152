"""LiteSRNet as its authors save it."""

from vsr.networks.layouts.layout import Given, Layout, Recognised
from vsr.networks.litesrnet import RELEASED_DEPTH


def _convert(given: Given) -> Recognised:
    names = {
        "head": "first_layer.0",
        "widen": "first_layer.2",
        "recur": "recur_layers.0",
        "decode.0": "upscale_layer.trans_conv.0",
        "refine": "final_conv",
    }
    scale = given.shape("upscale_layer.trans_conv.0.weight")[-1]
    if "upscale_layer.trans_conv.2.weight" in given:
        names["decode.2"] = "upscale_layer.trans_conv.2"
        scale *= given.shape("upscale_layer.trans_conv.2.weight")[-1]
    depth = RELEASED_DEPTH.get(scale, 0)
    words = f"LiteSRNet of its authors, taken to repeat {depth} times as released (the file does not say)"
    return Recognised("litesrnet", words, {scale: given.layers(names)}, {"depth": depth, "anchor": "none"})


LAYOUTS = (
    Layout(
        "LiteSRNet's authors",
        {"first_layer.0.weight": 4, "recur_layers.0.weight": 4, "upscale_layer.trans_conv.0.weight": 4},
        _convert,
    ),
)
