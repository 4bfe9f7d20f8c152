"""Every stage handles every frame, alone and together; the encoder's frames arrive in a file."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.benchmark.conftest import SPEC
from vsr.benchmark import stages
from vsr.benchmark.stages import Together, Workbench
from vsr.benchmark.timing import Timing
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import PipelineSpec


@pytest.mark.parametrize("stage", [stages.decode_alone, stages.upscale_alone, stages.encode_alone])
def test_a_stage_alone_handles_every_frame(workbench: Workbench, stage: Callable[[Workbench], Timing]) -> None:
    timing = stage(workbench)
    assert timing.frames == SPEC.frames
    assert timing.wall_s > 0


@pytest.mark.parametrize(
    ("whole", "names"),
    [(stages.without_encoder, {"decode", "upscale"}), (stages.with_encoder, {"decode", "upscale", "encode"})],
)
def test_together_every_stage_has_its_occupancy(
    workbench: Workbench, whole: Callable[[Workbench], Together], names: set[str]
) -> None:
    result = whole(workbench)
    assert result.timing.frames == SPEC.frames
    assert set(result.occupancy) == names
    assert all(0 <= share <= 1 for share in result.occupancy.values())
    assert result.occupancy[result.bottleneck] == max(result.occupancy.values())


def written(workbench: Workbench) -> list[np.ndarray]:
    with VideoSource(PipelineSpec(workbench.spec.output, ""), Notices()) as source:
        return [frame.planes[0].copy() for frame in source]


def test_the_encoder_alone_gets_the_frames_of_a_run(workbench: Workbench) -> None:
    stages.with_encoder(workbench)
    of_run = written(workbench)
    stages.encode_alone(workbench)
    alone = written(workbench)
    assert len(of_run) == len(alone) == SPEC.frames
    assert of_run[0].shape == (96, 128)
    assert max(np.abs(a.astype(int) - b.astype(int)).max() for a, b in zip(of_run, alone, strict=True)) <= 2


def test_frames_that_fill_the_memory_are_encoded_there_and_back(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_RESIDENT_BYTES", 3 * 96 * 128 * 3 // 2)
    stages.encode_alone(workbench)
    frames = written(workbench)
    assert len(frames) == SPEC.frames

    def alike(a: int, b: int) -> float:
        return float(np.abs(frames[a].astype(int) - frames[b].astype(int)).mean())

    # 0 1 2 2 1 0 0
    assert alike(2, 3) < alike(2, 4) / 2
    assert alike(0, 5) < alike(0, 2) / 2


def test_without_an_encoder_nothing_is_written(workbench: Workbench) -> None:
    stages.without_encoder(workbench)
    assert not workbench.target.partial.exists()
    with pytest.raises(Exception, match="does not exist"):
        written(workbench)
