"""SRCNN, FSRCNN, ESPCN, VDSR and DRRN as the usual PyTorch ports of these older networks save them.

All but ESPCN have the same shapes at each scale, so that a file does not say which one it is for.
"""

from collections.abc import Callable, Mapping

import torch

from vsr.networks.drrn import WIDTH as DRRN_WIDTH
from vsr.networks.fsrcnn import DEPTH as FSRCNN_DEPTH
from vsr.networks.layouts.layout import Given, Layout, Recognised, any_scale


def _srcnn(names: Mapping[str, str]) -> Callable[[Given], Recognised]:
    def convert(given: Given) -> Recognised:
        tensors = given.layers(names)
        middle = tensors["middle.weight"].shape[-1]
        words = f"SRCNN 9-{middle}-5"
        return Recognised("srcnn", words, any_scale(tensors), {"middle": middle}, says_scale=False)

    return convert


def _fsrcnn(convolutions: tuple[str, ...], deconvolution: str) -> Callable[[Given], Recognised]:
    """``convolutions``: the file's names of the layers with a PReLU behind each, in order."""

    def convert(given: Given) -> Recognised:
        tensors = given.layers({"deconv": deconvolution})
        for number, name in enumerate(convolutions):
            head, _, last = name.rpartition(".")
            slopes = f"{head}.{int(last) + 1}"
            tensors.update(given.layers({f"features.{2 * number}": name}))
            tensors.update(given.layers({f"features.{2 * number + 1}": slopes}, "weight"))
        return Recognised("fsrcnn", "FSRCNN(56,12,4)", any_scale(tensors), {"anchor": "none"}, says_scale=False)

    return convert


def _espcn(names: Mapping[str, str]) -> Callable[[Given], Recognised]:
    def convert(given: Given) -> Recognised:
        tensors = given.layers(names)
        scale = given.scale_of(tensors["tail.bias"].numel(), 1)
        return Recognised("espcn", "ESPCN with tanh", {scale: tensors}, {"anchor": "none", "activation": "tanh"})

    return convert


def _vdsr(first: str, middle: str, last: str) -> Callable[[Given], Recognised]:
    """The ports have no biases."""

    def convert(given: Given) -> Recognised:
        depth = given.numbered(f"{middle}.weight") + 2
        names = [first, *(middle.format(i) for i in range(depth - 2)), last]
        tensors = _without_bias(given, {f"convs.{i}": name for i, name in enumerate(names)})
        return Recognised("vdsr", f"VDSR of {depth} layers", any_scale(tensors), {"depth": depth}, says_scale=False)

    return convert


def _drrn(head: str, first: str, second: str, tail: str, units: int) -> Callable[[Given], Recognised]:
    """The ports have neither biases nor normalisation, and do not save how many units there are."""

    def convert(given: Given) -> Recognised:
        blocks = given.numbered(f"{first}.weight") if "{}" in first else 1
        names = {"tail": tail}
        for i in range(blocks):
            for ours, theirs in (("head", head), ("first", first), ("second", second)):
                names[f"blocks.{i}.{ours}"] = theirs.format(i)
        tensors = _without_bias(given, names) | _no_normalisation(units, blocks)
        words = f"DRRN, B{blocks}, taken to have {units} units as released (the file does not say)"
        options = {"units": units, "blocks": blocks, "rectified": True}
        return Recognised("drrn", words, any_scale(tensors), options, says_scale=False)

    return convert


def _without_bias(given: Given, names: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """The layers' weights, and biases of zero."""
    weights = given.layers(names, "weight")
    biases = {f"{ours}.bias": torch.zeros(weights[f"{ours}.weight"].shape[0]) for ours in names}
    return weights | biases


def _no_normalisation(units: int, blocks: int) -> dict[str, torch.Tensor]:
    """The fixed scales and shifts of a DRRN that change nothing."""
    channels = {"tail_norm": DRRN_WIDTH}
    for i in range(blocks):
        channels[f"blocks.{i}.head_norm"] = DRRN_WIDTH if i else 1
        for unit in range(units):
            channels[f"blocks.{i}.first_norms.{unit}"] = channels[f"blocks.{i}.second_norms.{unit}"] = DRRN_WIDTH
    scales = {f"{name}.scale": torch.ones(count, 1, 1) for name, count in channels.items()}
    return scales | {f"{name}.shift": torch.zeros(count, 1, 1) for name, count in channels.items()}


def _four_dimensional(*names: str) -> dict[str, int]:
    return {f"{name}.weight": 4 for name in names}


_MIDDLE = tuple(f"mid_part.{2 * i}" for i in range(FSRCNN_DEPTH + 2))
_MAP = tuple(f"map.{2 * i}" for i in range(FSRCNN_DEPTH))

LAYOUTS = (
    Layout(
        "the VDSR port of twtygqyy",
        _four_dimensional("input", "residual_layer.0.conv", "output"),
        _vdsr("input", "residual_layer.{}.conv", "output"),
    ),
    Layout(
        "the VDSR port of Lornatang",
        _four_dimensional("conv1.0", "trunk.0.conv", "conv2"),
        _vdsr("conv1.0", "trunk.{}.conv", "conv2"),
    ),
    Layout(
        "the DRRN port of jt827859032",
        _four_dimensional("input", "conv1", "conv2", "output"),
        _drrn("input", "conv1", "conv2", "output", units=25),
    ),
    Layout(
        "the DRRN port of yjn870",
        _four_dimensional("rbs.0.h0.module.1", "rec.module.1"),
        _drrn(
            "rbs.{}.h0.module.1",
            "rbs.{}.ru.module.0.module.1",
            "rbs.{}.ru.module.1.module.1",
            "rec.module.1",
            units=9,
        ),
    ),
    Layout(
        "the FSRCNN port of yjn870",
        _four_dimensional("first_part.0", "mid_part.0", "last_part"),
        _fsrcnn(("first_part.0", *_MIDDLE), "last_part"),
    ),
    Layout(
        "the FSRCNN port of Lornatang",
        _four_dimensional("feature_extraction.0", "shrink.0", "deconv"),
        _fsrcnn(("feature_extraction.0", "shrink.0", *_MAP, "expand.0"), "deconv"),
    ),
    Layout(
        "the ESPCN port of yjn870",
        _four_dimensional("first_part.0", "first_part.2", "last_part.0"),
        _espcn({"head": "first_part.0", "body": "first_part.2", "tail": "last_part.0"}),
    ),
    Layout(
        "the ESPCN port of Lornatang",
        _four_dimensional("feature_maps.0", "feature_maps.2", "sub_pixel.0"),
        _espcn({"head": "feature_maps.0", "body": "feature_maps.2", "tail": "sub_pixel.0"}),
    ),
    Layout(
        "the SRCNN port of yjn870",
        _four_dimensional("conv1", "conv2", "conv3"),
        _srcnn({"head": "conv1", "middle": "conv2", "tail": "conv3"}),
    ),
    Layout(
        "the SRCNN port of Lornatang",
        _four_dimensional("features.0", "map.0", "reconstruction"),
        _srcnn({"head": "features.0", "middle": "map.0", "tail": "reconstruction"}),
    ),
)
