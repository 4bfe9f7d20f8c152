"""Every network in the product: through `vsr run` on a real clip, and every shipped file against bicubic."""

from functools import cache
from itertools import islice
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import torch

import vsr
from tests.clip_facts import read_clip
from vsr.evaluation.benchmark import score_image
from vsr.networks import NetworkEntry, WeightsCard, available, build, load
from vsr.networks.weights import write_weights

SAMPLE = Path(__file__).parents[1] / "samples" / "big-buck-bunny.mp4"
EVERY = [(entry, scale) for entry in available() for scale in entry.ready_scales() or entry.scales[-1:]]
"""At each scale that has weights; a network without any at its largest."""
SHIPPED = [(entry.name, name) for entry in available() for name in entry.shipped_weights()]


@cache
def real_frames() -> tuple[av.VideoFrame, ...]:
    """Three frames of the sample."""
    with av.open(str(SAMPLE)) as container:
        return tuple(islice(container.decode(video=0), 45, 48))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corner of the sample, 24x20, three frames: deep networks take long on more."""
    path = tmp_path_factory.mktemp("every") / "corner.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 24, 20, "yuv420p"
        for frame in real_frames():
            corner = np.ascontiguousarray(frame.to_ndarray(format="rgb24")[130:150, 430:454], dtype=np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(corner, "rgb24")))
        output.mux(stream.encode())
    return path


@pytest.mark.parametrize(("entry", "scale"), EVERY, ids=[f"{entry.name}-x{scale}" for entry, scale in EVERY])
def test_every_network_runs_on_a_real_clip(entry: NetworkEntry, scale: int, clip: Path, tmp_path: Path) -> None:
    """With weights of its own where some ship, else with fresh ones from a file."""
    weights = None
    if scale not in entry.ready_scales():
        torch.manual_seed(0)
        weights = tmp_path / "fresh.safetensors"
        write_weights(weights, build(entry.name, scale).deploy(), WeightsCard(entry.name, scale, sha256=""))
    out = tmp_path / "out.mkv"
    report = vsr.upscale(
        clip, out, scale=scale, network=entry.name, weights=None if weights is None else str(weights), codec="ffv1"
    )
    made, given = read_clip(out), read_clip(clip)
    assert report.frames_out == len(made.pts_s) == 3
    assert (made.width, made.height) == (24 * scale, 20 * scale)
    assert [round(float(time), 3) for time in made.pts_s] == [round(float(time), 3) for time in given.pts_s]


@pytest.fixture(scope="module")
def photograph() -> npt.NDArray[np.uint8]:
    """Leaves and grass: (192,192,3) uint8 RGB."""
    return np.ascontiguousarray(real_frames()[0].to_ndarray(format="rgb24")[78:270, 288:480])


@pytest.mark.parametrize(("name", "weights"), SHIPPED, ids=[weights for _, weights in SHIPPED])
def test_every_shipped_file_beats_bicubic(name: str, weights: str, photograph: npt.NDArray[np.uint8]) -> None:
    card = next(entry for entry in available() if entry.name == name).shipped_card(weights)
    assert card is not None
    ours = score_image(load(name, card.scale, weights).network, "leaves", photograph)
    bicubic = score_image(load("bicubic", card.scale).network, "leaves", photograph)
    assert ours.psnr_y > bicubic.psnr_y + 0.3
    assert ours.ssim_y > bicubic.ssim_y
