"""Calibration for int8: from photographs to the ranges of every convolution's input, and what they cost in dB."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vsr.domains import conversion
from vsr.errors import UsageError
from vsr.evaluation.benchmark import evaluate_folder, rgb_picture
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.io.still import read_rgb
from vsr.networks import LoadedNetwork, Network, WeightsCard, load_file
from vsr.networks.int8 import LEVELS, Calibration, Range, calibration_path, convolutions, quantise, write_calibration
from vsr.networks.weights import find_weights
from vsr.plane_model import Decode
from vsr.training.data import files_digest
from vsr.training.degradation import MovingPicture, VideoDegradation, degrade, draw

LARGEST_LOSS = 0.05
"""dB on any folder: what int8 may cost."""
PATCHES = 64
SIDE = 96
"""Of a patch, low-resolution pixels."""
_BINS = 2048
_CLIPPED = np.linspace(0.3, 1, 71)
"""Shares of the smallest and largest value at which ranges are tried."""


@dataclass(frozen=True)
class CalibrationRequest:
    """What the command line asks for."""

    weights: str
    """A shipped name or a weights file."""
    data: Path
    """Folder of photographs."""
    eval_folders: tuple[Path, ...]
    """What the loss is measured on."""
    out: Path | None = None
    """None: beside the weights, where loading them finds it."""
    seed: int = 1


@dataclass
class Observation:
    """What one convolution was given."""

    low: float = 0.0
    high: float = 0.0
    is_picture: bool = True
    """It was given the network's own input, and nothing else."""
    counts: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(_BINS))
    """Of the values in each of equal bins from ``low`` to ``high``."""


def run_calibration(request: CalibrationRequest, tell: Callable[[str], None]) -> Path:
    """Calibrate and write the result's file, whose path comes back; ``tell`` hears of each step. Raises VsrError."""
    if not request.eval_folders:
        raise UsageError("int8 without a measured loss is of no use; give one or more folders of images with --eval")
    for folder in request.eval_folders:
        list_images(folder)
    path = request.out or calibration_path(find_weights(request.weights))
    calibration = calibrate(load_file(request.weights), request, tell)
    write_calibration(path, calibration)
    return path


def calibrate(loaded: LoadedNetwork, request: CalibrationRequest, tell: Callable[[str], None]) -> Calibration:
    """The ranges for ``loaded``, and what it scores with them.

    Of two sets of ranges, from the smallest to the largest value of each convolution's input or with the least squared
    error of its quantised values, the one that keeps the network's output nearer to that of its floats. If a folder's
    loss is more than ``LARGEST_LOSS``, the convolution whose quantisation alone moves the output most keeps its floats,
    then the next, until no folder's loss is; at least one stays quantised.
    """
    network = loaded.network
    convolutions(network)  # refuses what can't be quantised before anything takes long
    files = list_images(request.data)
    tell(f"{loaded.weights_name}: {PATCHES} patches of {len(files)} photographs in {request.data}")
    inputs = [_network_input(network, low) for low in draw_patches(files, network, loaded.card, request.seed)]
    method, ranges = _choose(network, inputs, tell)
    scores, left_out = _leave_out(network, ranges, inputs, request.eval_folders, tell)
    return Calibration(
        weights_sha256=loaded.sha256 or "",
        ranges={name: values for name, values in ranges.items() if name not in left_out},
        left_out=left_out,
        method=method,
        seed=request.seed,
        data={
            "photographs": len(files),
            "files_sha256": files_digest(files),
            "patches": PATCHES,
            "side": SIDE,
            "degradation": "video" if _of_video(loaded.card) else "bicubic",
        },
        scores=scores,
        date=datetime.now(UTC).date().isoformat(),
        torch_version=torch.__version__,
    )


def draw_patches(
    files: tuple[Path, ...], network: Network, card: WeightsCard | None, seed: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """``PATCHES`` low-resolution pictures (h,w,3) uint8 RGB, sides up to ``SIDE``, degraded as the card says.

    Each photograph, in random order, gives one at a random place before any gives a second. Without a card, or with
    another degradation than "video", they are reduced by MATLAB's bicubic.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(files))
    for index in range(PATCHES):
        high = crop_to_multiple(read_rgb(files[order[index % len(files)]]), network.scale * network.multiple_of)
        sides = [length // network.scale for length in high.shape[:2]]
        starts = [int(random.integers(max(side - SIDE, 0) + 1)) for side in sides]
        starts = [start - start % network.multiple_of for start in starts]
        rows, columns = (slice(start, min(start + SIDE, side)) for start, side in zip(starts, sides, strict=True))
        picture = MovingPicture(np.ascontiguousarray(high), network.scale)
        if card is None or not _of_video(card):
            yield picture.low((rows, columns))
        else:
            ranges = VideoDegradation(**card.training.get("video", {}))
            yield degrade(picture, (rows, columns), draw(ranges, network.scale, random), random)


def observe(network: Network, inputs: list[Tensor]) -> dict[str, Observation]:
    """What each convolution of the deployed ``network`` is given while it upscales ``inputs``."""
    seen = {name: Observation() for name in convolutions(network)}

    def widen(name: str, values: Tensor, picture: Tensor) -> None:
        one = seen[name]
        one.low, one.high = min(one.low, float(values.min())), max(one.high, float(values.max()))
        one.is_picture &= values is picture

    def count(name: str, values: Tensor, _: Tensor) -> None:
        one = seen[name]
        one.counts += torch.histc(values.float(), _BINS, one.low, one.high).numpy()

    _watch(network, inputs, widen)
    _watch(network, inputs, count)
    return seen


def whole_range(seen: Observation) -> Range:
    """From the smallest to the largest value; pictures have theirs from black to white, of which nothing is clipped.

    For luma that makes the codes of 8-bit video the codes of the network's input.
    """
    return Range(0.0, 1.0) if seen.is_picture or seen.low == seen.high else Range(seen.low, seen.high)


def nearest_range(seen: Observation) -> Range:
    """Of ranges that clip some, the one with the least squared error of the quantised values; pictures are whole."""
    whole = whole_range(seen)
    if seen.is_picture or seen.low == seen.high:
        return whole
    lows, highs = ({end * share for share in _CLIPPED} for end in whole)
    tried = [Range(float(low), float(high)) for low, high in product(sorted(lows), sorted(highs)) if low < high]
    edges = np.linspace(seen.low, seen.high, _BINS + 1)
    values = (edges[:-1] + edges[1:]) / 2
    return min(tried, key=lambda one: float(seen.counts @ (_quantised(values, one) - values) ** 2))


def _quantised(values: npt.NDArray[np.float64], within: Range) -> npt.NDArray[np.float64]:
    codes = (np.rint(values / within.step) + within.zero_point).clip(0, LEVELS)
    return (codes - within.zero_point) * within.step


def _choose(network: Network, inputs: list[Tensor], tell: Callable[[str], None]) -> tuple[str, dict[str, Range]]:
    """The better of two ways to choose ranges, in words, and its ranges."""
    seen = observe(network, inputs)
    truth = _run(network, inputs)
    candidates = {
        "least squared error of the quantised values": {name: nearest_range(one) for name, one in seen.items()},
        "from the smallest to the largest value": {name: whole_range(one) for name, one in seen.items()},
    }
    errors = {}
    for method, ranges in candidates.items():
        errors[method] = _error(quantise(network, ranges), inputs, truth)
        tell(f"{method}: output within {-10 * np.log10(errors[method]):.2f} dB of its floats'")
    best = min(errors, key=lambda method: errors[method])
    return best, candidates[best]


def _leave_out(
    network: Network,
    ranges: Mapping[str, Range],
    inputs: list[Tensor],
    folders: tuple[Path, ...],
    tell: Callable[[str], None],
) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    """The scores, and the convolutions that had to keep their floats for them."""
    in_floats = {folder: evaluate_folder(network, folder).psnr_y for folder in folders}
    worst_first: list[str] = []
    for count in range(len(ranges)):
        if count == 1:
            worst_first = _by_error(network, ranges, inputs)
        left_out = tuple(worst_first[:count])
        quantised = quantise(network, {name: ends for name, ends in ranges.items() if name not in left_out})
        scores = {
            folder.name: _score(in_floats[folder], evaluate_folder(quantised, folder).psnr_y) for folder in folders
        }
        if left_out:
            tell(f"in floats: {', '.join(left_out)}")
        for name, score in scores.items():
            tell(f"{name}: {score['float']:.4f} dB, int8 {score['int8']:.4f} dB, loss {score['loss']:.4f} dB")
        if max(score["loss"] for score in scores.values()) <= LARGEST_LOSS:
            return scores, left_out
    tell(f"int8 costs more than {LARGEST_LOSS} dB here, whatever is left out")
    return scores, left_out


def _by_error(network: Network, ranges: Mapping[str, Range], inputs: list[Tensor]) -> list[str]:
    """The convolutions, first the one that moves the output most when it alone is quantised."""
    truth = _run(network, inputs)
    alone = {name: _error(quantise(network, {name: ends}), inputs, truth) for name, ends in ranges.items()}
    return sorted(alone, key=lambda name: alone[name], reverse=True)


def _score(in_floats: float, in_int8: float) -> dict[str, float]:
    return {"float": round(in_floats, 4), "int8": round(in_int8, 4), "loss": round(in_floats - in_int8, 4)}


def _error(network: Network, inputs: list[Tensor], truth: list[Tensor]) -> float:
    """Mean squared difference of the output from ``truth``."""
    results = _run(network, inputs)
    return float(np.mean([float(((a - b) ** 2).mean()) for a, b in zip(results, truth, strict=True)]))


@torch.inference_mode()
def _run(network: Network, inputs: list[Tensor]) -> list[Tensor]:
    return [network(x) for x in inputs]


@torch.inference_mode()
def _watch(network: Network, inputs: list[Tensor], see: Callable[[str, Tensor, Tensor], None]) -> None:
    """Let ``see`` have what each convolution is given, by its name, and the network's own input at that time."""
    for x in inputs:
        hooks = [
            conv.register_forward_pre_hook(lambda _, given, name=name, x=x: see(name, given[0], x))
            for name, conv in convolutions(network).items()
        ]
        try:
            network(x)
        finally:
            for hook in hooks:
                hook.remove()


@torch.inference_mode()
def _network_input(network: Network, low: npt.NDArray[np.uint8]) -> Tensor:
    """(h,w,3) uint8 RGB as what a network of this domain takes, (1,C,...), made as ``vsr run`` makes it."""
    picture = rgb_picture(*low.shape[:2])
    matrix = picture.color.matrix
    luma, chroma, _ = Decode(picture, matrix)(tuple(torch.from_numpy(low.transpose(2, 0, 1).copy())[:, None]))
    return conversion(network.domain, picture.size, picture.chroma_grids, network.scale, matrix).enter(luma, chroma)


def _of_video(card: WeightsCard | None) -> bool:
    return card is not None and card.degradation == "video"
