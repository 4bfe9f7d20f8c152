"""The plan of a run: sizes an encoder can take, passes told, one picture for one picture."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import YUV420, YUV444, color, yuv
from vsr.errors import UsageError
from vsr.frames import PixelLayout, VideoInfo
from vsr.io.target import resolve
from vsr.notices import Notices
from vsr.plan import Plan, make_plan
from vsr.spec import make_spec


def plan(size: tuple[int, int], layout: PixelLayout, output: Path, **options: Any) -> tuple[Plan, tuple[str, ...]]:
    spec = make_spec("source", str(output), **{"network": "bicubic", **options})
    info = VideoInfo(*size, layout, color(), Fraction(1, 25), Fraction(25))
    notices = Notices()
    return make_plan(spec, info, resolve(spec), notices), notices.said


@pytest.mark.parametrize(
    ("layout", "codec", "scale", "expected"),
    [
        (yuv(YUV420), "libx264", 2, (642, 482)),
        (yuv(YUV420), "libx264", 3, (964, 724)),
        (yuv(YUV444), "libx264", 3, (963, 723)),
        (yuv(YUV420), "ffv1", 3, (963, 723)),
    ],
)
def test_odd_sizes_grow_by_a_pixel_only_where_the_encoder_wants_even_ones(
    layout: PixelLayout, codec: str, scale: int, expected: tuple[int, int], tmp_path: Path
) -> None:
    planned, said = plan((321, 241), layout, tmp_path / "out.mkv", codec=codec, scale=scale)
    assert (planned.target.width, planned.target.height) == (planned.size.width, planned.size.height) == expected
    assert (planned.source.width, planned.source.height) == (321, 241)
    assert planned.network.passes == (scale,)
    told = [notice for notice in said if "needs even sizes" in notice]
    assert len(told) == (expected != (321 * scale, 241 * scale))


def test_more_than_one_pass_is_told(tmp_path: Path) -> None:
    planned, said = plan((64, 48), yuv(YUV420), tmp_path / "out.mkv", to="384x288")
    assert planned.network.passes == (2, 3)
    assert "no weights of bicubic reach 384x288 at once: passes of x2, then x3" in said


def test_a_video_does_not_become_one_picture(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"number them: .*out_%05d\.png"):
        plan((64, 48), yuv(YUV420), tmp_path / "out.png")
