"""IMDN as its authors save it, and as the baseline of the NTIRE challenges is saved."""

from vsr.networks.imdn import BLOCKS
from vsr.networks.layouts.layout import Given, Layout, Recognised


def _paper(given: Given) -> Recognised:
    names = {"head": "fea_conv", "fuse": "c.0", "smooth": "LR_conv", "tail": "upsampler.0"}
    for number in range(BLOCKS["paper"]):
        ours, theirs = f"blocks.{number}", f"IMDB{number + 1}"
        names.update({f"{ours}.steps.{i}": f"{theirs}.c{i + 1}" for i in range(3)})
        names.update({f"{ours}.last": f"{theirs}.c4", f"{ours}.mix": f"{theirs}.c5"})
        names[f"{ours}.attention.squeeze"] = f"{theirs}.cca.conv_du.0"
        names[f"{ours}.attention.excite"] = f"{theirs}.cca.conv_du.2"
    tensors = given.layers(names)
    scale = given.scale_of(tensors["tail.bias"].numel(), 3)
    return Recognised("imdn", "IMDN of its authors", {scale: tensors}, {"variant": "paper"})


def _challenge(given: Given) -> Recognised:
    blocks = BLOCKS["challenge"]
    names = {"head": "0", "smooth": f"1.sub.{blocks}", "tail": "2"}
    for number in range(blocks):
        ours, theirs = f"blocks.{number}", f"1.sub.{number}"
        names.update({f"{ours}.steps.{i}": f"{theirs}.conv{i + 1}.0" for i in range(3)})
        names.update({f"{ours}.last": f"{theirs}.conv4", f"{ours}.mix": f"{theirs}.conv1x1"})
    tensors = given.layers(names)
    scale = given.scale_of(tensors["tail.bias"].numel(), 3)
    return Recognised("imdn", "IMDN of the NTIRE challenges", {scale: tensors}, {"variant": "challenge"})


LAYOUTS = (
    Layout("IMDN's authors", {"fea_conv.weight": 4, "IMDB1.c1.weight": 4, "IMDB1.cca.conv_du.0.weight": 4}, _paper),
    Layout("KAIR's IMDN", {"0.weight": 4, "1.sub.0.conv1.0.weight": 4, "1.sub.0.conv1x1.weight": 4}, _challenge),
)
