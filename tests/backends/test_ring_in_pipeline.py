"""Whole runs through the slot ring on a fake device: the encoder reads buffers that the ring uses again and again."""

from pathlib import Path
from typing import Any

import pytest
import torch
from av import open as av_open

from tests.backends.fake_layer import FakeLayer
from vsr import pipeline
from vsr.backends.slots import SlotRing
from vsr.backends.torch_ import TorchBackend, ring
from vsr.plane_model import PlaneModel
from vsr.spec import make_spec

LOAD = TorchBackend.load


def upscaled(source: Path, output: Path, batch_size: int, write_ahead: int) -> list[bytes]:
    """The frames of a lossless run."""
    spec = make_spec(
        str(source), str(output), network="bicubic", backend="torch", device="cpu", codec="ffv1",
        batch_size=batch_size, write_ahead=write_ahead,
    )  # fmt: skip
    assert pipeline.run(spec).frames_out == 12
    with av_open(str(output)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


@pytest.fixture(params=["late", "early", "random"])
def layer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeLayer:
    """What the torch backend runs on, in slots as few as to use buffers again soon."""
    layer = FakeLayer(request.param)

    def load(_: TorchBackend, model: PlaneModel, device: str, **tell: Any) -> SlotRing:
        return ring(model.eval(), torch.device(device), layer)

    monkeypatch.setattr(TorchBackend, "load", load)
    monkeypatch.setattr("vsr.backends.slots.default_slots", lambda luma_samples: 1)
    return layer


@pytest.mark.parametrize(("batch_size", "write_ahead"), [(1, 1), (1, 4), (5, 2)])
def test_a_run_through_the_ring_is_the_run_without(
    batch_size: int, write_ahead: int, clips: Path, tmp_path: Path, layer: FakeLayer
) -> None:
    through = upscaled(clips / "clip.mkv", tmp_path / "ring.mkv", batch_size, write_ahead)
    assert layer.calls["replay"] == -(-12 // batch_size)
    assert layer.pending == 0
    assert layer.tensors_alive == 0
    with pytest.MonkeyPatch.context() as plain:
        plain.setattr(TorchBackend, "load", LOAD)
        assert through == upscaled(clips / "clip.mkv", tmp_path / "plain.mkv", batch_size, write_ahead)
