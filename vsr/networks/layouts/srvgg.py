"""SRVGGNetCompact as Real-ESRGAN and the community save it: one row of convolutions and slopes."""

from vsr.networks.layouts.layout import Given, Layout, Recognised


def _convert(given: Given) -> Recognised:
    # A convolution and its PReLU after the other, and a last convolution.
    convolutions = (given.numbered("body.{}.weight") + 1) // 2
    depth = convolutions - 2
    tensors = given.layers(
        {f"convs.{i}": f"body.{2 * i}" for i in range(depth + 1)} | {"tail": f"body.{2 * depth + 2}"}
    )
    slopes = {f"activations.{i}": f"body.{2 * i + 1}" for i in range(depth + 1)}
    tensors.update(given.layers(slopes, "weight"))
    width = tensors["convs.0.bias"].numel()
    scale = given.scale_of(tensors["tail.bias"].numel(), 3)
    words = f"SRVGGNetCompact of Real-ESRGAN, {width} channels, {depth} convolutions"
    return Recognised("srvgg", words, {scale: tensors}, {"width": width, "depth": depth})


LAYOUTS = (
    Layout("Real-ESRGAN's SRVGGNetCompact", {"body.0.weight": 4, "body.1.weight": 1, "body.2.weight": 4}, _convert),
)
