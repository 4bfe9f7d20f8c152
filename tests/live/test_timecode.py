"""The ruler before what it measures: timecodes survive encoders and enlarging, and a wrong one is never believed."""

from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest

from tests.live.scene import LOW_DELAY, Scene, record
from tests.live.timecode import Luma, Timecode, read, timecode_now
from vsr.pipeline import run
from vsr.spec import make_spec

CODES = [Timecode(0, 0), Timecode((1 << 20) - 1, (1 << 28) - 1), *(Timecode(7 * n, 33_333_333 + n) for n in range(4))]


def lumas(path: Path) -> list[Luma]:
    with av.open(str(path)) as container:
        return [cast("Luma", frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", LOW_DELAY),
        ("mpeg2video", {}),
        ("libvpx", {"deadline": "realtime"}),
    ],
)
@pytest.mark.parametrize("size", [(160, 90), (320, 180)])
def test_timecodes_survive(
    codec: str, options: dict[str, str], size: tuple[int, int], scale: int, tmp_path: Path
) -> None:
    path = record(tmp_path / "sent.mkv", Scene(*size, rate=25), CODES, codec, options)
    if scale > 1:
        larger = tmp_path / "larger.mkv"
        run(make_spec(str(path), str(larger), network="bicubic", scale=scale, preset="ultrafast", crf=30))
        path = larger
    assert [read(luma) for luma in lumas(path)] == CODES


def test_a_picture_without_a_timecode_has_none() -> None:
    scene = Scene(320, 180, rate=30)
    assert [read(scene.luma(counter)) for counter in range(20)] == [None] * 20


@pytest.mark.parametrize("place", range(64))
def test_a_block_misread_is_known(place: int) -> None:
    luma = Scene(160, 96, rate=30).yuv420(CODES[2])[:96]
    row, column = divmod(place, 16)
    block = luma[row * 6 : row * 6 + 6, column * 10 : column * 10 + 10]
    block[:] = 251 - block
    assert read(luma) is None


def test_age_goes_over_the_end_of_the_clock() -> None:
    assert Timecode(0, (1 << 28) - 10).age_s(((1 << 28) + 15) / 1000) == pytest.approx(0.025)
    assert Timecode(0, 1000).age_s(0.9995) == pytest.approx(-0.0005)
    assert timecode_now(3).counter == 3


def test_the_scene_moves_and_beeps_once_a_second() -> None:
    scene = Scene(320, 180, rate=30)
    assert (scene.luma(3)[:, 2:] == scene.luma(4)[:, :-2]).all()
    loud = [counter for counter in range(90) if np.abs(scene.sound(counter)).max() > 1000]
    assert loud == [0, 1, 30, 31, 60, 61]
