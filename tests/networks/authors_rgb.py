"""The RGB networks as their authors save and compute them: names and shapes with made-up values, and the maths."""

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.networks.authors import State, conv, layer, prelu, slopes

MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)


def lrsrn_block(name: str, inputs: int, outputs: int) -> State:
    """A block of the training form: each branch is saved under two names."""
    state = layer(f"{name}.conv0", 256, inputs, 3, 3) | layer(f"{name}.conv1", outputs, 256, 1, 1)
    state |= {f"{name}.{kind[0]}{i}": state[f"{name}.conv{i}.{kind}"] for i in (0, 1) for kind in ("weight", "bias")}
    return state


def lrsrn_x2() -> State:
    state = layer("head.conv3x3", 32, 3, 3, 3) | layer("transition.0.conv3x3", 12, 32, 3, 3)
    return state | {k: v for i in range(4) for k, v in lrsrn_block(f"backbone.{i}", 32, 32).items()}


def lrsrn_x3() -> State:
    """The advanced form: head and tail are blocks too, with a 1x1 shortcut."""
    state = {k: v for i in range(4) for k, v in lrsrn_block(f"backbone.{i}", 32, 32).items()}
    state |= lrsrn_block("head", 3, 32) | layer("head.conv1_res", 32, 3, 1, 1)
    return state | lrsrn_block("transition.0", 32, 27) | layer("transition.0.conv1_res", 27, 32, 1, 1)


def lrsrn_deployed() -> State:
    names = {"head": (32, 3), **{f"backbone.{i}": (32, 32) for i in range(4)}, "transition.0": (48, 32)}
    return {k: v for name, shape in names.items() for k, v in layer(f"{name}.conv3x3", *shape, 3, 3).items()}


def lrsrn_part(state: State, name: str, x: Tensor) -> Tensor:
    if f"{name}.conv3x3.weight" in state:
        return conv(state, f"{name}.conv3x3", x)
    y = conv(state, f"{name}.conv1", conv(state, f"{name}.conv0", x))
    return y + (conv(state, f"{name}.conv1_res", x) if f"{name}.conv1_res.weight" in state else x)


def lrsrn(state: State, x: Tensor, scale: int) -> Tensor:
    first = F.relu(lrsrn_part(state, "head", x))
    y = first
    for i in range(4):
        y = F.relu(lrsrn_part(state, f"backbone.{i}", y))
    return F.pixel_shuffle(lrsrn_part(state, "transition.0", y + first), scale)


def litesrnet_state(*decoder: tuple[int, int, int, int]) -> State:
    state = layer("first_layer.0", 32, 3, 3, 3) | layer("first_layer.2", 64, 32, 3, 3)
    state |= layer("recur_layers.0", 64, 64, 3, 3, gain=1.4) | layer("final_conv", 3, 3, 3, 3)
    for place, shape in zip((0, 2), decoder, strict=False):
        name = f"upscale_layer.trans_conv.{place}"
        state |= {f"{name}.weight": torch.randn(shape) / 8, f"{name}.bias": torch.rand(shape[1])}
    return state


def litesrnet(state: State, x: Tensor, scale: int) -> Tensor:
    y = F.relu(conv(state, "first_layer.2", F.relu(conv(state, "first_layer.0", x))))
    for _ in range({2: 12, 3: 6, 4: 8}[scale]):
        y = F.relu(conv(state, "recur_layers.0", y))
    for place in (0, 2):
        name = f"upscale_layer.trans_conv.{place}"
        if f"{name}.weight" in state:
            weight = state[f"{name}.weight"]
            y = F.relu(F.conv_transpose2d(y, weight, state[f"{name}.bias"], stride=weight.shape[-1]))
    return conv(state, "final_conv", y)


def lesrcnn_state(*upsamplers: tuple[str, int]) -> State:
    state = layer("conv1.0", 64, 3, 3, 3, bias=False) | layer("conv18.0", 3, 64, 3, 3, bias=False)
    for number in range(2, 18):
        size = 1 if number % 2 else 3
        state |= layer(f"conv{number}.0", 64, 64, size, size, bias=False)
    for number in range(1, 5):
        state |= layer(f"conv17_{number}.0", 64, 64, 3, 3, bias=False, gain=1.4)
    for name, channels in upsamplers:
        state |= layer(f"upsample.{name}", channels, 64, 3, 3)
    for name, sign in (("sub_mean", -1), ("add_mean", 1)):
        state[f"{name}.shifter.weight"] = torch.eye(3).view(3, 3, 1, 1)
        state[f"{name}.shifter.bias"] = sign * MEAN.flatten()
    return state


def lesrcnn(state: State, x: Tensor, scale: int) -> Tensor:
    prefix = "upsample.up" if "upsample.up.body.0.weight" in state else f"upsample.up{scale}"

    def upsample(y: Tensor) -> Tensor:
        for stage in (0, 2) if scale == 4 else (0,):
            y = F.pixel_shuffle(conv(state, f"{prefix}.body.{stage}", y), 3 if scale == 3 else 2)
        return y

    first = F.relu(conv(state, "conv1.0", conv(state, "sub_mean.shifter", x)))
    r = first
    for number in range(2, 18, 2):
        r = F.relu(r + conv(state, f"conv{number + 1}.0", F.relu(conv(state, f"conv{number}.0", r))))
    u = F.relu(upsample(first) + upsample(r))
    for number in range(1, 5):
        u = F.relu(conv(state, f"conv17_{number}.0", u))
    return conv(state, "add_mean.shifter", conv(state, "conv18.0", u))


def imdn_state(scale: int) -> State:
    state = layer("fea_conv", 64, 3, 3, 3) | layer("c.0", 64, 384, 1, 1) | layer("LR_conv", 64, 64, 3, 3)
    state |= layer("upsampler.0", 3 * scale**2, 64, 3, 3)
    for block in (f"IMDB{i}" for i in range(1, 7)):
        state |= layer(f"{block}.c1", 64, 64, 3, 3) | layer(f"{block}.c2", 64, 48, 3, 3)
        state |= layer(f"{block}.c3", 64, 48, 3, 3) | layer(f"{block}.c4", 16, 48, 3, 3)
        state |= layer(f"{block}.c5", 64, 64, 1, 1) | layer(f"{block}.cca.conv_du.0", 4, 64, 1, 1)
        state |= layer(f"{block}.cca.conv_du.2", 64, 4, 1, 1)
    return state


def distilled(state: State, names: tuple[str, str, str, str], x: Tensor) -> Tensor:
    parts = []
    for name in names[:3]:
        x = F.leaky_relu(conv(state, name, x), 0.05)
        parts.append(x[:, :16])
        x = x[:, 16:]
    return torch.cat([*parts, conv(state, names[3], x)], dim=1)


def imdn(state: State, x: Tensor, scale: int) -> Tensor:
    first = conv(state, "fea_conv", x)
    y, outputs = first, []
    for block in (f"IMDB{i}" for i in range(1, 7)):
        d = distilled(state, (f"{block}.c1", f"{block}.c2", f"{block}.c3", f"{block}.c4"), y)
        contrast = d.mean(dim=(2, 3), keepdim=True) + d.var(dim=(2, 3), correction=0, keepdim=True).sqrt()
        gate = conv(state, f"{block}.cca.conv_du.2", F.relu(conv(state, f"{block}.cca.conv_du.0", contrast)))
        y = y + conv(state, f"{block}.c5", d * torch.sigmoid(gate))
        outputs.append(y)
    fused = F.leaky_relu(conv(state, "c.0", torch.cat(outputs, dim=1)), 0.05)
    return F.pixel_shuffle(conv(state, "upsampler.0", conv(state, "LR_conv", fused) + first), scale)


def kair_imdn_state(scale: int) -> State:
    state = layer("model.0", 64, 3, 3, 3) | layer("model.1.sub.8", 64, 64, 3, 3)
    state |= layer("model.2", 3 * scale**2, 64, 3, 3)
    for block in (f"model.1.sub.{i}" for i in range(8)):
        state |= layer(f"{block}.conv1.0", 64, 64, 3, 3) | layer(f"{block}.conv2.0", 64, 48, 3, 3)
        state |= layer(f"{block}.conv3.0", 64, 48, 3, 3) | layer(f"{block}.conv4", 16, 48, 3, 3)
        state |= layer(f"{block}.conv1x1", 64, 64, 1, 1)
    return state


def kair_imdn(state: State, x: Tensor, scale: int) -> Tensor:
    first = conv(state, "model.0", x)
    y = first
    for block in (f"model.1.sub.{i}" for i in range(8)):
        names = (f"{block}.conv1.0", f"{block}.conv2.0", f"{block}.conv3.0", f"{block}.conv4")
        y = y + conv(state, f"{block}.conv1x1", distilled(state, names, y))
    return F.pixel_shuffle(conv(state, "model.2", first + conv(state, "model.1.sub.8", y)), scale)


def srvgg_state(scale: int, width: int = 64, depth: int = 16) -> State:
    state: State = {}
    for i in range(depth + 1):
        state |= layer(f"body.{2 * i}", width, width if i else 3, 3, 3) | slopes(f"body.{2 * i + 1}", width)
    return state | layer(f"body.{2 * depth + 2}", 3 * scale**2, width, 3, 3)


def srvgg(state: State, x: Tensor, scale: int) -> Tensor:
    last = max(int(name.split(".")[1]) for name in state)
    y = x
    for i in range(0, last, 2):
        y = prelu(state, f"body.{i + 1}", conv(state, f"body.{i}", y))
    return F.pixel_shuffle(conv(state, f"body.{last}", y), scale) + F.interpolate(x, scale_factor=scale)


def span_convolutions() -> list[str]:
    return ["conv_1", *(f"block_{i}.c{j}_r" for i in range(1, 7) for j in (1, 2, 3)), "conv_2"]


def span_state(scale: int, width: int = 12) -> State:
    """The training form; eval_conv is out of date, as in a file saved amid a training."""
    state = layer("conv_cat", width, 4 * width, 1, 1) | layer("upsampler.0", 3 * scale**2, width, 3, 3)
    for name in span_convolutions():
        inputs = 3 if name == "conv_1" else width
        state |= layer(f"{name}.sk", width, inputs, 1, 1) | layer(f"{name}.conv.0", 2 * inputs, inputs, 1, 1)
        state |= layer(f"{name}.conv.1", 2 * width, 2 * inputs, 3, 3) | layer(f"{name}.conv.2", width, 2 * width, 1, 1)
        state |= layer(f"{name}.eval_conv", width, inputs, 3, 3)
    return state


def span_collapsed(scale: int, width: int = 12) -> State:
    state = layer("conv_cat", width, 4 * width, 1, 1) | layer("upsampler.0", 3 * scale**2, width, 3, 3)
    for name in span_convolutions():
        state |= layer(f"{name}.eval_conv", width, 3 if name == "conv_1" else width, 3, 3)
    return state


def span_part(state: State, name: str, x: Tensor) -> Tensor:
    if f"{name}.sk.weight" not in state:
        return conv(state, f"{name}.eval_conv", x)
    y = F.pad(x, (1, 1, 1, 1))
    for i in range(3):
        y = F.conv2d(y, state[f"{name}.conv.{i}.weight"], state[f"{name}.conv.{i}.bias"])
    return y + conv(state, f"{name}.sk", x)


def span(state: State, x: Tensor, scale: int) -> Tensor:
    head = span_part(state, "conv_1", x if "no_norm" in state else (x - MEAN) * 255)
    y, kept = head, {}
    for i in range(1, 7):
        inner = F.silu(span_part(state, f"block_{i}.c1_r", y))
        out = span_part(state, f"block_{i}.c3_r", F.silu(span_part(state, f"block_{i}.c2_r", inner)))
        y = (out + y) * (torch.sigmoid(out) - 0.5)
        kept[i] = y, inner
    joined = torch.cat([head, span_part(state, "conv_2", y), kept[1][0], kept[6][1]], dim=1)
    return F.pixel_shuffle(conv(state, "upsampler.0", conv(state, "conv_cat", joined)), scale)
